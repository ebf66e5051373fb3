"""What the simulator must show, with fewer runs than docs/performance.md: the baseline is the logged one, and full is far from it."""

import json
import os
import subprocess

import pytest

BUILD = os.environ.get("RECFLOW_BUILDDIR", "build")
SOURCE = os.environ.get("RECFLOW_SRCDIR", ".")
RUNS = 21  # each built-in prompt once
SEEDS = {1: 21, 2: 8, 3: 8, 4: 8, 5: 8}  # docs/performance.md has 200 runs of each

# What the one run that was logged whole did, and what it waited for.
LOGGED_REQUESTS = {"audio_features": 140, "tracks": 33, "recommendations": 4, "search_artists": 23, "search_tracks": 15,
                   "artist_top_tracks": 16, "artist_albums": 24, "album_tracks": 147}
LOGGED_WAITS = {"limiter_ms": 26.5e3 + 47.8e3 + 36.6e3 + 48.9e3, "batch_pauses_ms": 18 * 1.2e3,
                "analysis_ms": 3.0e3 + 3.1e3 + 1.0e3 + 10.6e3 + 2.0e3 + 3.9e3 + 2.3e3 + 5.9e3 + 2.4e3 + 2 * 3.3e3 + 6.2e3 + 8.6e3 + 5.3e3}
# Further off than a third, and why.
NOT_AS_LOGGED = {
    "tracks": "the log doesn't say how many tracks a look-up of details had; here a call has as many as the service takes",
    "artist_top_tracks": "half of the second pass's were still in the old cache; here a second pass fetches everything again",
}

# Where full's figures are lower, and why.
LOWER = {
    ("plan", "diversity"): "the baseline's calls to ReccoBeats time out: nobody knows how its tracks sound, which counts as middling",
    ("plan", "arc_fit"): "the same",
    ("bad-day", "diversity"): "the same, of two tracks in three",
    ("bad-day", "arc_fit"): "the same",
}

# Calls that gave an error, of all, in per cent at most: 2, but where no policy could have had an answer.
ERRORS = {
    "storm": 8,            # Spotify asks to be left alone for up to 763 s, and nobody waits that long
    "reccobeats-down": 35, # a dead service answers nothing: its calls fail, or are turned away before they are made
    "hostile": 4,          # some of its answers are no answers, on purpose
}


def simulate(model, profile, *arguments):
    p = subprocess.run([BUILD + "/recflow-sim", "--plugins", BUILD + "/.libs", "--data", SOURCE + "/data", "--json", "--model", model,
                        "--profile", profile, *([] if "--runs" in arguments else ["--runs", str(RUNS)]), *arguments], capture_output=True, text=True, timeout=600)
    assert p.returncode == 0, p.stderr
    results = json.loads(p.stdout)["models"][0]["results"]
    for name, r in results.items():
        print(f"{model} {name} {' '.join(arguments)}: P50 {r['time_ms']['p50'] / 1e3:.2f} s, P95 {r['time_ms']['p95'] / 1e3:.2f} s, "
              f"{r['calls']:.1f} calls, nDCG@20 {r['ndcg']:.3f}, {r['failed_percent']} % failed")
    return results


def differences(model, *arguments):
    p = subprocess.run([BUILD + "/recflow-sim", "--plugins", BUILD + "/.libs", "--data", SOURCE + "/data", "--json", "--model", model,
                        "--runs", str(RUNS), *arguments], capture_output=True, text=True, timeout=600)
    assert p.returncode == 0, p.stderr
    return json.loads(p.stdout)["models"][0]["differences"]["full less baseline"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_baseline_takes_as_long_as_the_logged_run_and_full_takes_seconds(seed):
    r = simulate("logged-run", "baseline,full", "--seed", str(seed), "--runs", str(SEEDS[seed]))
    assert 260e3 <= r["baseline"]["time_ms"]["p50"] <= 352e3
    assert r["full"]["time_ms"]["p50"] <= 6e3 and r["full"]["time_ms"]["p95"] <= 10e3
    assert r["full"]["calls"] <= 70
    assert r["full"]["refused"] == 0
    assert r["full"]["ndcg"] >= r["baseline"]["ndcg"]


def test_the_baseline_spends_its_time_where_the_logged_run_did():
    """Seed gathering 114 s, two passes of generation 165 s, ordering 15 s, intent and mood 6 s: a quarter off at most."""
    steps = simulate("logged-run", "baseline")["baseline"]["steps_ms"]
    assert 85e3 <= steps["gather"]["p50"] <= 143e3
    assert 124e3 <= steps["generate"]["p50"] <= 206e3
    assert 11e3 <= steps["order"]["p50"] <= 19e3
    assert 6e3 <= steps["understand"]["p50"] <= 7.5e3


def test_the_baseline_does_and_waits_for_what_the_logged_run_did():
    """Within a third, but for what is named above."""
    r = simulate("logged-run", "baseline")["baseline"]
    seen = {**{name: r["requests"].get(name, 0) for name in LOGGED_REQUESTS}, **{name: r[name] for name in LOGGED_WAITS}}
    logged = {**LOGGED_REQUESTS, **LOGGED_WAITS}
    off = {name for name in logged if abs(seen[name] / logged[name] - 1) > 1 / 3}
    print({name: f"{seen[name]:.0f} of {logged[name]:.0f}" for name in logged})
    assert off == set(NOT_AS_LOGGED)
    shared = sum(seen[name] for name in ("artist_top_tracks", "artist_albums", "album_tracks", "tracks"))
    assert abs(shared / 220 - 1) <= 1 / 3  # the calls that shared one bucket


@pytest.mark.parametrize("model", ["logged-run", "plan", "dev-mode", "storm", "quota", "reccobeats-down", "hostile", "fine", "bad-day"])
def test_full_is_not_lower_than_the_baseline_in_any_figure(model):
    found = differences(model)
    lower = {(model, figure) for figure, d in found.items() if d["high"] < 0}
    assert lower <= set(LOWER)
    assert model != "logged-run" or found["ndcg"]["low"] > 0


def test_a_repeat_costs_nothing():
    r = simulate("logged-run", "full", "--cache", "repeat")["full"]
    assert r["time_ms"]["p50"] <= 50
    assert r["hit_percent"] >= 99


def test_related_prompts_share_calls():
    r = simulate("logged-run", "full", "--cache", "warm")["full"]
    assert r["hit_percent"] >= 60


def test_full_is_near_the_bound_of_its_calls():
    r = simulate("logged-run", "full")["full"]
    print(r["bound_ratio"], r["services_bound_ratio"])
    assert 1 <= r["bound_ratio"] <= 1.3
    assert r["bound_ratio"] <= r["services_bound_ratio"] <= 1.3  # our own pace towards a service that publishes none counts for nothing
    known = simulate("logged-run", "full", "--whatif", "provider.spotify.limit=180", "--whatif", "provider.reccobeat.limit=10",
                     "--whatif", "provider.reccobeat.window=1s")["full, what if"]
    assert 1 <= known["services_bound_ratio"] <= 1.3


def test_a_model_that_reads_the_prompt_is_waited_for_once():
    r = simulate("logged-run", "full", "--whatif", "runs.analysis=model")["full, what if"]
    assert r["time_ms"]["p50"] <= 9e3 and r["time_ms"]["p95"] <= 13e3


def test_slow_recommendations_are_waited_for_once():
    r = simulate("plan", "full")["full"]
    assert r["time_ms"]["p50"] <= 45e3 and r["time_ms"]["p95"] <= 60e3
    assert r["providers"]["reccobeat"]["calls"] > 0 and r["providers"]["reccobeat"]["timeout_percent"] < 1


def test_a_deadline_that_is_long_enough_costs_nothing():
    free = simulate("plan", "full")["full"]
    for deadline, worse in (("60s", .03), ("90s", .03), ("45s", .25)):
        r = simulate("plan", "full", "--deadline", deadline)["full"]
        print(deadline, r["ndcg"], r["cohesion"])
        assert r["time_ms"]["p99"] <= float(deadline[:-1]) * 1e3 + 100
        assert r["ndcg"] >= free["ndcg"] - worse and r["cohesion"] >= free["cohesion"] - worse


def test_on_a_bad_day_the_deadline_is_kept():
    r = simulate("bad-day", "full", "--deadline", "20s")["full"]
    assert r["time_ms"]["p99"] <= 20.1e3
    assert r["failed_percent"] == 0 and r["violations"] == 0
    assert r["enough_percent"] == 100  # at least the minimum number of tracks
    assert r["time_ms"]["p50"] > 16e3  # and used


def test_a_slow_call_that_is_waited_for_takes_the_whole_deadline():
    cut = simulate("bad-day", "full", "--deadline", "20s")["full"]
    waited = simulate("bad-day", "full", "--deadline", "20s", "--off", "cancel-slow")["full"]
    assert cut["time_ms"]["p50"] < waited["time_ms"]["p50"] and waited["time_ms"]["p99"] <= 20.1e3
    assert waited["failed_percent"] == 0


@pytest.mark.parametrize("limits", [[], ["--whatif", "provider.spotify.limit=180", "--whatif", "provider.reccobeat.limit=10",
                                         "--whatif", "provider.reccobeat.window=1s"]])
def test_a_hundred_at_once_use_what_the_limits_allow(limits):
    for name, r in simulate("logged-run", "full", "--runs", "100", "--concurrency", "100", "--distinct", *limits).items():
        print(name, r["limits_percent"])
        assert r["limits_percent"] >= 85
        assert r["refused"] == 0 and r["violations"] == 0 and r["errors"] == 0 and r["failed_percent"] == 0


def test_runs_end_one_after_the_other_and_not_all_at_the_end():
    r = simulate("logged-run", "full", "--runs", "40", "--concurrency", "40", "--distinct")["full"]
    assert r["time_ms"]["p50"] < .7 * r["time_ms"]["p99"]


def test_memory_is_bounded_per_run():
    r = simulate("logged-run", "full", "--runs", "100", "--concurrency", "100", "--distinct")["full"]
    assert 0 < r["active_kib"] < 300 and 0 < r["waiting_kib"] < 4
    assert simulate("logged-run", "full")["full"]["active_kib"] < 300


@pytest.mark.parametrize("model", ["dev-mode", "storm", "quota", "reccobeats-down", "hostile"])
def test_whatever_the_weather_there_is_a_playlist(model):
    r = simulate(model, "full")["full"]
    assert r["failed_percent"] == 0
    assert r["error_percent"] < ERRORS.get(model, 2)
    assert r["violations"] == 0  # no call while a service had asked us to stay away


def test_warming_is_worth_its_calls_in_a_week_of_requests(tmp_path):
    """docs/performance.md has the full size: RECFLOW_WEEK=400 and all prompts. Here fewer are asked for, as often each."""
    week = os.environ.get("RECFLOW_WEEK")
    arguments = ["--runs", week or "180"]
    if not week:
        prompts = tmp_path / "prompts"
        prompts.write_text("rainy sunday jazz\nfocus techno\ncalm piano\nhappy pop\nlate night soul\n", encoding="utf-8")
        arguments += ["--prompts", str(prompts)]
    p = subprocess.run([BUILD + "/recflow-sim", "--plugins", BUILD + "/.libs", "--data", SOURCE + "/data", "--json", "--week", *arguments],
                       capture_output=True, text=True, timeout=1800)
    assert p.returncode == 0, p.stderr
    r = json.loads(p.stdout)["models"][0]
    before, after = r["not_warmed"], r["warmed"]
    print(f"week: hit rate on repeated requests {before['request_hit_percent']:.1f} % and {after['request_hit_percent']:.1f} % warmed, "
          f"P95 {before['p95_ms']:.0f} and {after['p95_ms']:.0f} ms, {r['times_the_calls']:.2f} times the calls")
    assert before["repeated"] == after["repeated"] > 0
    assert before["request_hit_percent"] > (50 if week else 45) and after["request_hit_percent"] > 90
    assert after["hit_percent"] > before["hit_percent"] and after["fresh_percent"] > before["fresh_percent"]
    assert r["times_the_calls"] <= 1.2
    assert after["p95_ms"] < before["p95_ms"] and after["ndcg"] >= before["ndcg"] - .01
    assert after["warming"] > 0 and before["warming"] == 0
