"""What was done, as recflowctl, promtool and Prometheus see it."""

import json
import os
import shutil
import subprocess

import pytest

from varlink import BUILD, SOURCE, TIMEOUT, Daemon

W = "io.recflow.workflow."
A = "io.recflow.admin."
MOCK = "[provider mock]\nlatency = 20ms\n"

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool (Debian's package prometheus)")


@pytest.fixture
def daemon(tmp_path):
    with Daemon(tmp_path, provider=MOCK) as d:
        yield d


def recommend(d, *prompts):
    with d.client() as c:
        for prompt in prompts:
            assert c.call(W + "Recommend", {"prompt": prompt})["parameters"]["state"] == "done"


def stats(d, **parameters):
    with d.client() as c:
        return c.call(A + "Stats", parameters)["parameters"]


def ctl(d, *arguments):
    done = subprocess.run([os.path.join(BUILD, "recflowctl", "recflowctl"), *arguments], capture_output=True, text=True, timeout=TIMEOUT,
                          env={**os.environ, "RECFLOW_SOCKET": d.socket, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def criteria(s):
    return {c["name"]: c for c in s["criteria"]}


# ---- recflowctl stats ----


def test_stats_tell_what_was_done(daemon):
    before = stats(daemon)
    assert before["runs_done"] == 0 and all(c["state"] == "unknown" for c in before["criteria"])
    recommend(daemon, "calm piano", "happy pop", "calm piano")
    s = stats(daemon)
    assert (s["runs_done"], s["runs_failed"], s["repeats"]) == (3, 0, 1)
    assert s["run_time"]["count"] == 3 and 0 < s["run_time"]["p50_us"] <= s["run_time"]["p95_us"] <= s["run_time"]["max_us"]
    assert [x["name"] for x in s["steps"]] == ["understand", "gather", "generate", "evaluate", "order"]
    assert s["steps"][1]["calls"] > 0 and s["steps"][1]["time"]["p95_us"] > 0
    with daemon.client() as c:
        asked = c.call(A + "Providers")["parameters"]["providers"][0]["calls"]
    assert sum(e["attempts"] for e in s["endpoints"]) == asked > 0
    for e in s["endpoints"]:
        assert e["provider"] == "mock" and e["attempts"] == sum(e["outcomes"].values()) and e["calls"] == sum(e["cache"].values())
        assert e["time"]["count"] == 0 or e["time"]["p50_us"] >= 19000
    assert sum(e["cache"]["hit"] for e in s["endpoints"]) > 0
    provider = s["providers"][0]
    assert provider["name"] == "mock" and provider["in_flight_peak"] > 1 and provider["breaker"] == "closed"
    judged = criteria(s)
    assert judged["p50"]["state"] == judged["p95"]["state"] == judged["repeat_hits"]["state"] == "met"
    assert judged["repeat_hits"]["value"] == 1000000 and judged["timeouts"]["state"] == "unknown"


def test_since_is_checked_and_bounds_what_counts(daemon):
    recommend(daemon, "calm")
    assert stats(daemon, since_s=3600)["runs_done"] == stats(daemon, since_s=604800)["runs_done"] == 1
    with daemon.client() as c:
        for since in (0, -1, 604801):
            assert c.call(A + "Stats", {"since_s": since})["parameters"] == {"parameter": "since_s"}


def test_stats_survive_a_restart_and_a_crash_costs_a_minute_at_most(tmp_path):
    with Daemon(tmp_path, provider=MOCK) as d:
        recommend(d, "calm piano")
        before = stats(d)
    with Daemon(tmp_path, provider=MOCK) as d:
        after = stats(d)
        for name in ("runs_done", "run_time", "steps", "endpoints", "from"):
            assert after[name] == before[name], name
        assert stats(d, since_s=3600)["run_time"] == before["run_time"]
        recommend(d, "calm piano")
        assert stats(d)["repeats"] == 1
        d.kill()
    with Daemon(tmp_path, provider=MOCK) as d:
        assert stats(d)["runs_done"] == 1
        assert "statistics" not in d.log()


def test_failures_count_by_step_and_criteria_are_configurable(tmp_path):
    strict = "[upstream]\nbreaker_failures = 0\n[criteria]\np50 = 1ms\nrepeat_hits = 100\nerrors = 0\ntimeouts_of = mock\n"
    with Daemon(tmp_path, strict, provider="[provider mock]\nerror_rate = 1\n") as d:
        with d.client() as c:
            c.call(W + "Recommend", {"prompt": "calm piano"})
        s = stats(d)
        assert s["runs_failed"] == 1 and sum(x["failed_runs"] for x in s["steps"]) == 1
        assert sum(x["errors"] for x in s["steps"]) == sum(e["errors"] for e in s["endpoints"]) > 0
        assert sum(e["wasted"] for e in s["endpoints"]) > 0 and sum(e["retries"] for e in s["endpoints"]) > 0
        judged = criteria(s)
        assert judged["errors"]["state"] == "missed" and judged["errors"]["limit"] == 0
        assert (judged["p50"]["limit"], judged["p50"]["state"]) == (1, "unknown")
        assert judged["timeouts"]["of"] > 0
        d.write_config(strict.replace("errors = 0", "errors = 100"), "[provider mock]\nerror_rate = 1\n")
        with d.client() as c:
            assert c.call(A + "Reload")["parameters"] == {"changed": ["errors"], "restart": []}
        assert criteria(stats(d))["errors"]["limit"] == 1000000


def test_the_table_fits_80_columns(daemon):
    recommend(daemon, "calm piano", "rock", "calm piano")
    for arguments in ((), ("--since", "1h"), ("--since", "7d")):
        text = ctl(daemon, "stats", *arguments)
        assert max(len(line) for line in text.splitlines()) <= 80, text
        for word in ("whole run", "gather", "P95", "timeouts", "breaker", "quota left", "repeat_hits", "429s", "wasted", "stale_error"):
            assert word in text
    assert json.loads(ctl(daemon, "stats", "--json"))["runs_done"] == 3


def test_slow_requests_are_logged_with_endpoint_and_parameters(tmp_path):
    with Daemon(tmp_path, "[upstream]\nslow = 10ms\n", provider=MOCK) as d:
        recommend(d, "calm piano")
        d.write_config("[upstream]\nslow = 0\n", MOCK)
        with d.client() as c:
            assert c.call(A + "Reload")["parameters"] == {"changed": ["slow"], "restart": []}
        before = d.log().count(" slow: ")
        recommend(d, "loud rock")
        lines = [line for line in d.log().splitlines() if " slow: " in line]
    assert len(lines) == before > 0
    assert any("GET /search/tracks?" in line and "took 0.0 s" in line for line in lines), lines


# ---- recflowctl metrics ----


def families(text):
    """Names of the families, and the samples by name and labels."""
    named, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in named, f"{name} comes twice"
            named[name] = kind
        elif not line.startswith("#"):
            sample, value = line.rsplit(" ", 1)
            assert sample not in samples, f"{sample} comes twice"
            samples[sample] = float(value)
    return named, samples


def test_metrics_agree_with_stats(daemon):
    recommend(daemon, "calm piano", "calm piano")
    text = ctl(daemon, "metrics")
    named, samples = families(text)
    s = stats(daemon)
    assert text.endswith("# EOF\n") and text.count("# EOF") == 1
    assert samples['recflow_runs_total{end="done"}'] == 2
    assert samples["recflow_run_duration_seconds_count"] == samples['recflow_run_duration_seconds_bucket{le="+Inf"}'] == 2
    for e in s["endpoints"]:
        labels = f'provider="mock",endpoint="{e["endpoint"]}"'
        assert samples[f'recflow_attempts_total{{{labels},outcome="ok"}}'] == e["outcomes"]["ok"]
        assert samples[f"recflow_attempt_duration_seconds_count{{{labels}}}"] == e["time"]["count"]
        assert samples[f'recflow_calls_total{{{labels},cache="hit"}}'] == e["cache"]["hit"]
    assert samples['recflow_criterion_limit{criterion="p95"}'] == 90 and samples['recflow_criterion_met{criterion="p50"}'] == 1
    assert samples['recflow_breaker_state{provider="mock",state="closed"}'] == 1
    assert all(name.startswith("recflow_") for name in named) and "histogram" in named.values()


@needs_promtool
def test_promtool_finds_nothing_to_say(daemon):
    recommend(daemon, "calm piano")
    done = subprocess.run(["promtool", "check", "metrics"], input=ctl(daemon, "metrics", "--prometheus"), capture_output=True, text=True,
                          timeout=TIMEOUT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
