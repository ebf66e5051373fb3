"""A daemon's past run, replayed from its cache: beside the daemon, and without it."""

import json
import os
import subprocess

import pytest

from varlink import BUILD, Daemon

PROVIDER = "[provider mock]\nlatency = 20ms\n"


def recommend(daemon, prompt):
    with daemon.client() as c:
        reply = c.call("io.recflow.workflow.Recommend", {"prompt": prompt, "options": {"seed": 7}})["parameters"]
    assert reply["state"] == "done"
    return reply["playlist"]


def replay(daemon, run, *arguments, code=0):
    p = subprocess.run([BUILD + "/recflow-sim", "--replay", run, "--config", daemon.config, *arguments], capture_output=True, text=True,
                       timeout=300)
    assert p.returncode == code, p.stderr
    return p.stdout if code == 0 else p.stderr


def results(daemon, run, *arguments):
    return json.loads(replay(daemon, run, "--json", *arguments))["results"]


@pytest.fixture
def daemon(tmp_path):
    with Daemon(tmp_path, provider=PROVIDER) as d:
        yield d


def contents(directory):
    found = {}
    for folder in ("state", "cache"):
        for name in sorted(os.listdir(os.path.join(directory, folder))):
            with open(os.path.join(directory, folder, name), "rb") as f:
                found[folder, name] = f.read()
    return found


def test_a_run_is_the_same_again_byte_for_byte_and_the_daemon_is_left_alone(daemon):
    playlist = recommend(daemon, "rainy sunday jazz")
    before = contents(daemon.directory)
    (r,) = results(daemon, playlist["run"])
    assert contents(daemon.directory) == before
    assert r["name"] == "as it was" and r["same_tracks"] and r["answers_missing"] == 0 and r["answers"] > 20
    assert json.dumps(r["playlist"]["tracks"]) == json.dumps(playlist["tracks"])
    assert r["calls"] == sum(o["calls"] - o["cache_hits"] for o in playlist["receipt"]["by_operation"])
    assert 20 <= r["time_ms"] <= 2 * playlist["receipt"]["total_us"] / 1e3 + 1000
    recommend(daemon, "calm piano")  # it goes on


def test_what_was_in_the_cache_before_is_found_there_again(daemon):
    first = recommend(daemon, "sunny reggae")
    second = recommend(daemon, "sunny reggae")
    (r,) = results(daemon, second["run"])
    assert r["calls"] == 0 and r["answers_before"] > 20 and r["same_tracks"]
    assert json.dumps(r["playlist"]["tracks"]) == json.dumps(second["tracks"])
    assert results(daemon, first["run"])[0]["calls"] > 0  # that one had to ask


def test_slow_answers_decide_the_same_again(tmp_path):
    """So slow that further passes don't pay, which is told by the answers, before and after others, and after a restart."""
    slow = PROVIDER.replace("20ms", "6s")
    with Daemon(tmp_path, provider=slow) as d:
        first = recommend(d, "rainy sunday jazz")
        recommend(d, "angry metal")
        again = recommend(d, "rainy sunday jazz")
    assert [t["id"] for t in again["tracks"]] == [t["id"] for t in first["tracks"]]
    with Daemon(tmp_path, provider=slow) as d:
        restarted = recommend(d, "rainy sunday jazz")
        assert json.dumps(restarted["tracks"]) == json.dumps(again["tracks"])
        for playlist in (first, again, restarted):
            (r,) = results(d, playlist["run"])
            assert r["same_tracks"] and json.dumps(r["playlist"]["tracks"]) == json.dumps(playlist["tracks"])


def test_overrides_show_what_would_have_been(daemon):
    playlist = recommend(daemon, "happy pop songs")
    was, would = results(daemon, playlist["run"], "--off", "batch-features", "--whatif", "upstream.retries=0")
    assert (was["name"], would["name"]) == ("as it was", "what if")
    assert would["calls"] > 2 * was["calls"] and would["time_ms"] > was["time_ms"]
    _, would = results(daemon, playlist["run"], "--whatif", "upstream.retries=0")
    assert would["name"] == "what if" and would["same_tracks"]
    text = replay(daemon, playlist["run"], "--deadline", "100ms")
    assert "what if: " in text and playlist["tracks"][0]["title"] in text


def test_answers_that_are_gone_are_listed_and_never_made_up(tmp_path):
    with Daemon(tmp_path, provider=PROVIDER) as d:
        playlist = recommend(d, "angry metal")
        with d.client() as c:
            assert "error" not in c.call("io.recflow.admin.CacheFlush")
        (r,) = results(d, playlist["run"])
    assert r["playlist"] is None and r["answers"] == 0 and r["answers_missing"] > 0
    assert any("search" in m for m in r["missing"]) and not r["same_tracks"]
    # the daemon needn't run
    assert "missing: mock search" in replay(d, playlist["run"])


def test_other_directories_can_be_named_and_mistakes_are_explained(daemon, tmp_path):
    run = recommend(daemon, "dark techno")["run"]
    assert "byte for byte" in replay(daemon, run, "--state-dir", daemon.directory + "/state", "--cache-dir", daemon.directory + "/cache")
    assert "it isn't in the state directory" in replay(daemon, "0" * 12, code=2)
    assert "no-such/state.mdb" in replay(daemon, run, "--state-dir", str(tmp_path / "no-such"), code=1)
    assert "did you mean upstream.retries" in replay(daemon, run, "--whatif", "upstream.retrys=1", code=2)
    assert "whose run is to be replayed" in subprocess.run([BUILD + "/recflow-sim", "--config", daemon.config], capture_output=True,
                                                           text=True).stderr
