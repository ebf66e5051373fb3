"""recflow-sim as a person sees it."""

import json
import os
import re
import subprocess

import pytest

BUILD = os.environ.get("RECFLOW_BUILDDIR", "build")
SOURCE = os.environ.get("RECFLOW_SRCDIR", ".")
PLACES = ["--plugins", BUILD + "/.libs", "--data", SOURCE + "/data"]
SWITCHES = 25
ROWS = ["time P50/P95/P99", "understand", "gather", "generate", "evaluate", "order", "calls", "cache hits", "429s caused", "timeouts",
        "retries", "wasted calls", "errors", "failed runs", "nDCG@20", "cohesion", "coherence", "diversity", "arc fit", "bound",
        "time over bound", "limits used", "CPU", "heap, active run", "heap, waiting run", "coroutines"]


def sim(*arguments, code=0):
    p = subprocess.run([BUILD + "/recflow-sim", *PLACES, *arguments], capture_output=True, text=True, timeout=300)
    assert p.returncode == code, p.stderr
    assert (p.stderr != "") == (code != 0)
    return p.stdout if code == 0 else p.stderr


def results(*arguments):
    return json.loads(sim("--json", *arguments))["models"][0]["results"]


def without_cpu(text):
    return re.sub(r'(?m)^(CPU|heap,).*$|"(cpu_ms|active_kib|waiting_kib)": [-0-9.e]+', "", text)


def test_the_table_has_a_column_for_each_profile_and_a_row_for_each_figure():
    text = sim("--model", "mock", "--runs", "3")
    lines = text.splitlines()
    assert lines[0].startswith("mock: 3 runs of 3 prompts, 1 at once, cold, seed 1")
    assert lines[1].split() == ["baseline", "full"]
    labels = [line.strip() for line in lines]
    for row in ROWS:
        assert any(label.startswith(row) for label in labels), row
    assert "full less baseline" in text


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--concurrency", "5"], ["--cache", "warm"], ["--sequence"]])
def test_the_same_arguments_print_the_same_bytes(arguments):
    arguments = ["--model", "mock", "--runs", "6", *arguments]
    assert without_cpu(sim(*arguments)) == without_cpu(sim(*arguments))


def test_another_seed_is_another_simulation():
    assert without_cpu(sim("--model", "mock", "--runs", "6")) != without_cpu(sim("--model", "mock", "--runs", "6", "--seed", "2"))


def test_json_holds_every_figure():
    r = results("--model", "mock", "--runs", "4")
    assert list(r) == ["baseline", "full"]
    for column in r.values():
        assert column["runs"] == 4
        assert set(column["time_ms"]) == {"p50", "p95", "p99"}
        assert set(column["steps_ms"]) == {"understand", "gather", "generate", "evaluate", "order"}
        for name in ("calls", "hit_percent", "refused", "timeouts", "retries", "wasted", "errors", "failed_percent", "bound_ms",
                     "bound_ratio", "limits_percent", "cpu_ms", "active_kib", "waiting_kib", "coroutines", "violations"):
            assert column[name] >= 0, name
        for name in ("ndcg", "cohesion", "coherence", "diversity", "arc_fit"):
            assert 0 < column[name] <= 1, name
        assert 0 < column["time_ms"]["p50"] <= column["time_ms"]["p95"] <= column["time_ms"]["p99"]
        assert column["bound_ms"] <= column["time_ms"]["p99"]


def test_full_is_faster_than_the_baseline():
    r = results("--model", "mock", "--runs", "6")
    assert r["full"]["time_ms"]["p95"] < r["baseline"]["time_ms"]["p50"]
    assert r["full"]["calls"] < r["baseline"]["calls"]


def test_a_switch_turned_off_alone_changes_what_it_is_about():
    few = results("--model", "mock", "--runs", "4", "--profile", "full")["full"]
    many = results("--model", "mock", "--runs", "4", "--profile", "full", "--off", "batch-features")["full"]
    assert many["calls"] > few["calls"]
    back = results("--model", "mock", "--runs", "4", "--profile", "baseline", "--on", "batch-features")["baseline"]
    assert back["calls"] < results("--model", "mock", "--runs", "4", "--profile", "baseline")["baseline"]["calls"]


def test_a_repeated_prompt_is_answered_from_the_cache():
    r = results("--model", "mock", "--runs", "4", "--profile", "full", "--cache", "repeat", "--gap", "1m")["full"]
    assert r["calls"] == 0 and r["hit_percent"] == 100
    warm = results("--model", "mock", "--runs", "4", "--profile", "full", "--cache", "warm")["full"]
    assert 0 < warm["hit_percent"] < 100


def test_runs_on_one_daemon_share_what_it_knows():
    alone = results("--model", "mock", "--runs", "42", "--profile", "full")["full"]
    row = results("--model", "mock", "--runs", "42", "--profile", "full", "--sequence")["full"]
    crowd = results("--model", "mock", "--runs", "42", "--profile", "full", "--concurrency", "42")["full"]
    assert row["calls"] < alone["calls"] and crowd["calls"] < alone["calls"]


def test_what_exceeds_the_daemons_places_waits():
    wide = results("--model", "mock", "--profile", "full", "--concurrency", "40", "--runs", "40", "--off", "coalesce")["full"]
    r = results("--model", "mock", "--profile", "full", "--concurrency", "40", "--runs", "40", "--off", "coalesce",
                "--whatif", "runs.active_max=2", "--whatif", "cache.enabled=no")
    assert r["full, what if"]["time_ms"]["p99"] > 5 * wide["time_ms"]["p99"]


def test_runs_of_their_own_prompts_share_less():
    same = results("--model", "mock", "--runs", "30", "--profile", "full", "--concurrency", "30")["full"]
    distinct = results("--model", "mock", "--runs", "30", "--profile", "full", "--concurrency", "30", "--distinct")["full"]
    assert distinct["calls"] > same["calls"] and distinct["failed_percent"] == 0
    assert "the prompts are given already" in sim("--distinct", "--replay", "x", code=2)


def test_what_if_stands_beside_what_is():
    r = results("--model", "mock", "--runs", "2", "--profile", "full", "--whatif", "provider.mock.latency=1s")
    assert list(r) == ["full", "full, what if"]
    assert r["full, what if"]["time_ms"]["p50"] > r["full"]["time_ms"]["p50"] * 2


def test_a_deadline_is_kept():
    r = results("--model", "mock", "--runs", "4", "--profile", "full", "--deadline", "800ms")["full"]
    assert r["time_ms"]["p99"] <= 800


def test_ablation_says_what_each_switch_is_worth():
    a = json.loads(sim("--model", "mock", "--runs", "2", "--ablate", "--json"))["models"][0]["ablation"]
    assert len(a["off"]) == len(a["on"]) == SWITCHES
    assert a["off"]["batch-features"]["calls"] > 0 > a["on"]["batch-features"]["calls"]
    text = sim("--model", "mock", "--runs", "1", "--ablate")
    assert "Turned off alone from full" in text and "Turned on alone from baseline" in text
    assert text.count("parallel-artists") == 2


def test_a_recorded_run_is_the_same_again_and_otherwise(tmp_path):
    tape = str(tmp_path / "run.jsonl")
    first = sim("--runs", "1", "--profile", "full", "--record", tape)
    assert without_cpu(sim("--replay", tape)) == without_cpu(first)
    lines = open(tape).read().splitlines()
    assert json.loads(lines[0])["recflow_recording"] == 1 and len(lines) > 20
    assert "/api/token" not in "".join(lines) and "Bearer" not in "".join(lines)
    # what is on tape is what is heard
    with open(tape, "w") as f:
        for line in lines:
            exchange = json.loads(line)
            if "delay_us" in exchange:
                exchange["delay_us"] *= 50
            f.write(json.dumps(exchange) + "\n")
    slow = results("--replay", tape)["full"]
    assert slow["time_ms"]["p50"] > 3 * results("--runs", "1", "--profile", "full")["full"]["time_ms"]["p50"]
    r = results("--replay", tape, "--off", "batch-features")
    assert list(r) == ["full", "what if"] and r["what if"]["calls"] > r["full"]["calls"]


def test_what_is_no_recording_is_said(tmp_path):
    f = tmp_path / "no"
    f.write_text("{}\n")
    assert "it isn't a recording" in sim("--replay", str(f), code=2)
    f.write_text("nonsense")
    assert "it isn't a recording" in sim("--replay", str(f), code=2)
    assert "No such file" in sim("--replay", str(tmp_path / "absent"), code=1)
    assert "--record: it takes --runs 1" in sim("--record", str(f), code=2)
    assert "--replay: model" in sim("--replay", str(f), "--model", "plan", code=2)


def test_the_real_plugins_live_in_every_model():
    for model in ("logged-run", "plan", "bad-day", "dev-mode", "storm", "quota", "reccobeats-down", "hostile", "fine"):
        r = results("--model", model, "--runs", "2", "--profile", "full")["full"]
        assert r["failed_percent"] == 0 and r["ndcg"] > 0.2 and r["violations"] == 0, model
        assert r["calls"] > 10, model


def test_the_baseline_of_the_logged_run_takes_minutes():
    r = results("--runs", "6")
    assert 100000 < r["baseline"]["time_ms"]["p50"] < 600000
    assert r["full"]["time_ms"]["p95"] < 30000
    assert r["baseline"]["steps_ms"]["understand"]["p50"] > 5000  # a language model reads the prompt
    assert r["full"]["steps_ms"]["understand"]["p50"] == 0


def test_refusals_are_known_unless_they_are_to_be_learned():
    learned = results("--runs", "2", "--profile", "full")["full"]
    fresh = results("--runs", "2", "--profile", "full", "--unlearned")["full"]
    assert learned["wasted"] == 0 and fresh["wasted"] >= 1


def test_prompts_come_from_a_file(tmp_path):
    f = tmp_path / "prompts"
    f.write_text("# two\nrainy sunday jazz\n\nsomething nobody has a taste for\n")
    assert sim("--model", "mock", "--runs", "4", "--prompts", str(f)).startswith("mock: 4 runs of 2 prompts")
    f.write_text("# none\n")
    assert "there is no prompt in it" in sim("--model", "mock", "--prompts", str(f), code=2)
    assert "No such file" in sim("--model", "mock", "--prompts", str(tmp_path / "absent"), code=1)


@pytest.mark.parametrize("arguments, words", [
    (["--model", "mocc"], "there is no model mocc, did you mean mock?"),
    (["--model", ""], "a list of names is needed"),
    (["--profile", "best"], "--profile best: allowed: baseline, full"),
    (["--runs", "0"], "--runs 0: allowed: a number from 1 to"),
    (["--runs", "many"], "--runs many"),
    (["--runs"], "--runs needs an argument"),
    (["--concurrency", "-1"], "--concurrency -1"), (["--runs", "3", "--concurrency", "10"], "only 3 runs"),
    (["--seed", "x"], "--seed x"),
    (["--deadline", "soon"], "--deadline soon"),
    (["--cache", "hot"], "--cache hot: allowed: cold, warm, repeat"),
    (["--off", "coalesc"], "--off: there is no switch coalesc, did you mean coalesce?"),
    (["--on", "xyzzy"], "--on: there is no switch xyzzy"),
    (["--on", "coalesce", "--off", "coalesce"], "name the same switch"),
    (["--sequence", "--concurrency", "2"], "--sequence"),
    (["--what-if", "a=b"], "did you mean whatif?"),
    (["--model", "mock", "--whatif", "upstream.retrys=3"], "there is no option upstream.retrys, did you mean upstream.retries?"),
    (["--model", "mock", "--whatif", "upstream.retries=99"], "upstream.retries=99: allowed: integer, 0 to 5"),
    (["extra"], 'unexpected argument "extra"'),
])
def test_wrong_arguments_are_named(arguments, words):
    assert words in sim(*arguments, code=2)


def test_help_names_every_option_and_model():
    text = sim("--help")
    for name in ("--model", "--profile", "--runs", "--whatif", "--ablate", "--json", "logged-run", "reccobeats-down"):
        assert name in text
    with open(SOURCE + "/docs/man/recflow-sim.1") as f:
        manual = f.read().replace("\\-", "-")
    for option in re.findall(r"^  (--[a-z-]+)", text, re.M):
        assert option in manual, option


def test_nothing_is_left_behind():
    """In a /dev/shm of its own, where no other program makes directories meanwhile."""
    private = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*private, "mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], capture_output=True).returncode != 0:
        pytest.skip("no private mounts can be made here")
    script = 'mount -t tmpfs tmpfs /dev/shm && "$@" >/dev/null && ls -A /dev/shm'
    p = subprocess.run([*private, "sh", "-c", script, "sh", BUILD + "/recflow-sim", *PLACES, "--model", "mock", "--runs", "1"],
                       capture_output=True, text=True, timeout=300)
    assert p.returncode == 0 and p.stdout == "", p


def test_the_help_fits_80_columns_and_its_columns_are_straight():
    lines = sim("--help").splitlines()
    assert all(len(line) <= 80 for line in lines), lines
    assert {m.end() for line in lines if (m := re.match(r"  --[a-z-]+(?: [^ ]+)? +(?=\S)|  {20,}(?=\S)", line))} == {25}
