"""Warming as an administrator sees it: a real daemon, recflowctl, restarts."""

import json
import os
import subprocess

import pytest

from varlink import BUILD, TIMEOUT, Daemon

CTL = os.path.join(BUILD, "recflowctl/recflowctl")
CONFIGURED = "[warm]\nprompts = focus techno | rainy sunday jazz\nseeds = Miles Davis\n"


def ctl(d, *arguments, code=0):
    p = subprocess.run([CTL, "--socket", d.socket, *arguments], capture_output=True, text=True, timeout=TIMEOUT)
    assert p.returncode == code, p.stderr
    return p.stdout if code == 0 else p.stderr


def status(d):
    return json.loads(ctl(d, "warm", "status", "--json"))


def test_what_is_configured_is_warmed_once_and_then_not_due(tmp_path):
    with Daemon(tmp_path, CONFIGURED) as d:
        assert ctl(d, "warm", "list").splitlines() == sorted(ctl(d, "warm", "list").splitlines(), key=lambda x: 0)
        assert {line.split(None, 1)[1] for line in ctl(d, "warm", "list").splitlines()} == {
            "focus techno", "rainy sunday jazz", "like Miles Davis"}
        assert ctl(d, "warm", "--due").startswith("3 of 3 that were due are warm, with ")
        assert ctl(d, "warm", "--due") == "nothing is due\n"
        s = status(d)
        assert s["passes"] == 2 and s["runs"] == 3 and s["calls_spent"] > 20 and s["calls_saved"] == 0
        assert all(i["origin"] == "configured" and i["warm_until"] and not i["due"] for i in s["items"])
        ctl(d, "recommend", "Focus, techno!")
        s = status(d)
        assert s["calls_saved"] > 5
        assert [i for i in s["items"] if i["uses"] == 1][0]["prompt"] == "focus techno"
        assert "it stands in the configuration" in ctl(d, "warm", "remove", "focus techno", code=1)


def test_what_is_added_and_learned_survives_a_restart(tmp_path):
    with Daemon(tmp_path) as d:
        assert ctl(d, "warm", "list") == ""
        assert ctl(d, "warm", "add", "calm", "piano") == "it will be kept warm\n"
        assert ctl(d, "warm", "add", "Calm piano") == "it was kept warm already\n"
        assert ctl(d, "warm", "add", "--like", "Nina Simone") == "it will be kept warm\n"
        ctl(d, "recommend", "happy pop")
        assert d.stop() == 0
    with Daemon(tmp_path) as d:
        items = {(i["prompt"], *i["like"]): i for i in status(d)["items"]}
        assert {k: i["origin"] for k, i in items.items()} == {("calm piano",): "added", ("", "Nina Simone"): "added",
                                                              ("happy pop",): "learned"}
        assert items[("happy pop",)]["uses"] == 1 and items[("happy pop",)]["warm_until"]
        for words in (["calm piano"], ["--like", "nina simone"], ["happy pop"]):
            ctl(d, "warm", "remove", *words)
        assert "nobody has asked for that" in ctl(d, "warm", "remove", "calm piano", code=1)
        assert d.stop() == 0
    with Daemon(tmp_path) as d:
        assert status(d)["items"] == []


def test_learning_can_be_turned_off_and_the_set_changed_by_a_reload(tmp_path):
    with Daemon(tmp_path, "[warm]\nlearn = no\n") as d:
        ctl(d, "recommend", "happy pop")
        assert status(d)["items"] == []
        with open(d.config, encoding="utf-8") as f:
            text = f.read()
        with open(d.config, "w", encoding="utf-8") as f:
            f.write(text.replace("learn = no\n", "learn = yes\nprompts = calm piano\n"))
        ctl(d, "reload")
        assert [i["origin"] for i in status(d)["items"]] == ["configured"]
        ctl(d, "recommend", "happy pop")
        assert [i["origin"] for i in status(d)["items"]] == ["configured", "learned"]


def test_more_than_can_be_kept_warm_is_told_by_the_reload_that_brings_it(tmp_path):
    with Daemon(tmp_path, "[warm]\n") as d:
        with open(d.config, encoding="utf-8") as f:
            text = f.read()
        lines = "".join("prompts = " + " | ".join(f"calm {10 * i + k}" for k in range(10)) + "\n" for i in range(21))
        with open(d.config, "w", encoding="utf-8") as f:
            f.write(text.replace("[warm]\n", "[warm]\n" + lines))
        ctl(d, "reload")
        assert "only the first of them are" in ctl(d, "status")


def test_the_switch_turns_it_off_and_the_client_says_so(tmp_path):
    with Daemon(tmp_path, CONFIGURED + "[optimizations]\nprewarm = off\n") as d:
        assert ctl(d, "warm", "--due") == "nothing is kept warm: the switch prewarm is off\n"
        reply = json.loads(ctl(d, "warm", "--due", "--json"))
        assert reply["ended"] == "off" and reply["due"] == reply["calls"] == 0
        ctl(d, "optimizations", "set", "prewarm", "on")
        assert ctl(d, "warm", "--due").startswith("3 of 3 that were due are warm")


@pytest.mark.parametrize("arguments", [[], ["add"], ["what"], ["list", "more"], ["--due", "list"], ["--like", "x"]])
def test_what_isnt_understood_says_what_would_be(tmp_path, arguments):
    p = subprocess.run([CTL, "--socket", str(tmp_path / "none"), "warm", *arguments], capture_output=True, text=True, timeout=TIMEOUT)
    assert p.returncode == 2 and "needed" in p.stderr
