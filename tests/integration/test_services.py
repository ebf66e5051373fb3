"""recflowd with the real plugins and the real HTTP client against the simulated services on loopback (tests/upstreamd)."""

import os
import re
import subprocess
import time

import pytest

from upstreams import BASE62, Upstreams, make_data, needs_upstreamd, providers, validated, world
from varlink import BUILD, TIMEOUT, Daemon

pytestmark = needs_upstreamd

W = "io.recflow.workflow."
A = "io.recflow.admin."
CTL = os.path.join(BUILD, "recflowctl/recflowctl")
FAST = "rate = 1000\nburst = 100\n"  # where the test isn't about the pace
# within what the service allows, with room for the wire's unevenness: a refused call is sent again, and the count isn't the run's any more
WITHIN = "limit = 7\nwindow = 1s\n"


@pytest.fixture
def report(capsys):
    """Prints a figure past pytest's capture, as a comment of TAP."""
    def say(text):
        with capsys.disabled():
            print(f"# {text}", flush=True)
    return say


def start(directory, upstreams, extra="", **options):
    directory.mkdir(exist_ok=True)
    return Daemon(directory, f"data_directory = {make_data(directory)}\n{extra}", provider=providers(upstreams, **options))


def recommend(d, prompt, **options):
    with d.client() as c:
        return list(c.stream(W + "Recommend", {"prompt": prompt, "options": {"seed": 1, **options}}))[-1]


def provider_of(d, name):
    with d.client() as c:
        return next(p for p in c.call(A + "Providers")["parameters"]["providers"] if p["name"] == name)


def check_playlist(reply, tracks, is_whole=True):
    """A playlist as it should be, from any service. A hostile one may leave out a track's artists and address."""
    assert reply["parameters"].get("state") == "done", reply
    playlist = reply["parameters"]["playlist"]
    assert len(playlist["tracks"]) == tracks, playlist["receipt"]
    assert [t["position"] for t in playlist["tracks"]] == list(range(1, tracks + 1))
    assert len({(t["title"], tuple(t["artists"])) for t in playlist["tracks"]}) == tracks and all(t["title"] for t in playlist["tracks"])
    if is_whole:
        assert len({t["uri"] for t in playlist["tracks"]}) == tracks and all(t["artists"] for t in playlist["tracks"])
    return playlist


def of_run(reply, is_whole=True):
    """A valid playlist, however long, or an error that says something. Which of them, in words."""
    if "error" in reply:
        assert reply["parameters"].get("message"), reply
        return f'{reply["error"].removeprefix(W)}: {reply["parameters"]["message"]}'
    n = len(reply["parameters"]["playlist"]["tracks"])
    check_playlist(reply, n, is_whole)
    assert n > 0
    return f"{n} tracks"


# ---- Each way to be provided for ----


@pytest.mark.parametrize("share", [False, True], ids=["ids-kept", "ids-shared"])
@pytest.mark.parametrize("name,profile,spotify,reccobeat", [
    ("extended with ReccoBeats", "extended", True, True),
    ("development mode with ReccoBeats", "development", True, True),
    ("ReccoBeats alone", None, False, True),
    ("Spotify alone", "extended", True, False),
    ("Spotify in development mode alone", "development", True, False),
], ids=["extended", "development", "reccobeats-alone", "spotify-alone", "development-alone"])
def test_a_playlist_over_http(tmp_path, report, name, profile, spotify, reccobeat, share):
    with Upstreams(profile=profile) as u:
        with start(tmp_path, u, spotify=spotify, reccobeat=reccobeat, share=share, extra_reccobeat=FAST) as d:
            began = time.monotonic()
            playlist = check_playlist(recommend(d, "happy pop, 20 songs"), 20)
            took = time.monotonic() - began
            first = len(u.requests())
            again = check_playlist(recommend(d, "happy pop, 20 songs"), 20)
        requests = u.requests()
        asked = {e["service"] for e in requests}
    assert asked >= ({"spotify", "accounts"} if spotify else set()) | ({"reccobeat"} if reccobeat and profile != "extended" else set())
    assert spotify or asked == {"reccobeat"}
    assert reccobeat or "reccobeat" not in asked
    assert len(requests) == first and again["receipt"]["calls"] == 0  # the second is from the cache
    # what the app's pace allows is not held back: a daemon that was just started has its burst
    assert took < 10
    shared = [e for e in requests if e["service"] == "reccobeat" and any(
        re.fullmatch(BASE62, i) for n in ("ids", "seeds", "negativeSeeds") for i in e["params"].get(n, "").split(","))]
    assert share or not shared
    if share and profile == "development" and reccobeat:
        assert shared
    report(f"{name}, ids {'shared' if share else 'kept'}: 20 tracks in {took:.2f} s, "
           f"{sum(u.count().values())} calls, {len(shared)} with Spotify's ids")


def test_without_credentials_reccobeats_alone_is_asked_and_that_is_said(tmp_path, report):
    with Upstreams() as u:
        with start(tmp_path, u, client=None, extra_reccobeat=FAST) as d:
            playlist = check_playlist(recommend(d, "happy pop, 20 songs"), 20)
            said = subprocess.run([CTL, "providers"], capture_output=True, timeout=TIMEOUT, env={**os.environ, "RECFLOW_SOCKET": d.socket})
        assert not u.requests("spotify", "accounts")
    assert {t["provider"] for t in playlist["tracks"]} == {"reccobeat"}
    assert "no client id is configured" in said.stdout.decode(), said.stdout.decode()
    report(f"no credentials: {sum(u.count().values())} calls, all to ReccoBeats; recflowctl providers: no client id is configured")


def make_certificate(directory):
    certificate, key = str(directory / "certificate.pem"), str(directory / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=recflow test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True,
                   capture_output=True, timeout=TIMEOUT)
    return certificate, key


def test_a_playlist_over_https(tmp_path, report):
    certificate, key = make_certificate(tmp_path)
    with Upstreams(profile="development", tls=(certificate, key)) as u:
        with start(tmp_path / "trusting", u, f"[net]\nca_file = {certificate}\n", extra_reccobeat=FAST) as d:
            check_playlist(recommend(d, "happy pop, 20 songs"), 20)
        n = len(u.requests())
        with start(tmp_path / "strange", u, extra_reccobeat=FAST) as d:  # who signed this isn't trusted
            reply = recommend(d, "happy pop, 20 songs", deadline_ms=20000)
        assert "error" in reply and len(u.requests()) == n
    report(f"HTTPS: 20 tracks, {n} requests; with an unknown authority none, and {of_run(reply)[:100]}")


# ---- No call twice ----


def test_a_hundred_runs_of_one_prompt_cost_the_calls_of_one(tmp_path, report):
    options = dict(extra_spotify=FAST, extra_reccobeat=WITHIN)
    with Upstreams("logged-run", profile="development") as u:
        with start(tmp_path / "one", u, **options) as d:
            check_playlist(recommend(d, "calm piano, 20 songs"), 20)
        one = u.count()
    with Upstreams("logged-run", profile="development") as u:
        with start(tmp_path / "hundred", u, "[runs]\nactive_max = 100\n", **options) as d, d.client() as c:
            runs = [c.call(W + "Recommend", {"prompt": "calm piano, 20 songs", "options": {"seed": 1}, "detach": True})["parameters"]["run"]
                    for _ in range(100)]
            playlists = [check_playlist(list(c.stream(W + "Follow", {"run": run}))[-1], 20) for run in runs]
        hundred = u.count()
    report(f"calls: one run {sum(one.values())}, a hundred at once {sum(hundred.values())}")
    assert len({tuple(t["uri"] for t in p["tracks"]) for p in playlists}) == 1
    assert hundred == one, {k: (one.get(k), hundred.get(k)) for k in one.keys() | hundred.keys() if one.get(k) != hundred.get(k)}


def test_the_features_of_150_tracks_are_4_calls(tmp_path, report):
    listed = world("tracks").splitlines()[:150]
    (tmp_path / "tracks").write_text("\n".join(listed) + "\n")
    with Upstreams("logged-run") as u:
        with start(tmp_path, u, spotify=False, share=True) as d:
            out = subprocess.run([CTL, "order", str(tmp_path / "tracks"), "--json"], capture_output=True, timeout=TIMEOUT,
                                 env={**os.environ, "RECFLOW_SOCKET": d.socket})
        assert out.returncode == 0, out.stderr
        calls = [e for e in u.requests("reccobeat") if e["path"] == "/audio-features"]
    report(f"150 tracks: {len(calls)} calls for features, of {[e['ids'] for e in calls]} tracks; all calls: {u.count()}")
    # a track that ReccoBeats knows nothing of has no features to ask for
    details = [e for e in u.requests("reccobeat") if e["path"] == "/track"]
    assert len(details) <= 5 and sum(e["ids"] for e in details) == 150
    assert len(calls) == 4 and 120 < sum(e["ids"] for e in calls) <= 150


# ---- Cancelling ----


def under_way(u):
    ended = {e["id"] for e in u.events if e["event"] != "request"}
    return [e for e in u.events if e["event"] == "request" and e["id"] not in ended]


@pytest.mark.parametrize("what,options,calls,second", [
    ("places", "rate = 1000\nburst = 100\nconcurrency = 3\n", 3, .5),  # three more wait for a place
    ("slots", "rate = 0.5\nburst = 3\n", 3, 6.5),  # three more wait for 2, 4 and 6 s; the next run gets those slots and no later ones
], ids=["places", "slots"])
def test_cancelling_closes_the_connections_within_50_ms_and_gives_back(tmp_path, report, what, options, calls, second):
    with Upstreams("plan") as u:  # each call takes half a minute
        with start(tmp_path, u, spotify=False, extra_reccobeat=options) as d, d.client() as c, d.client() as other:
            lateness, spans = [], []
            for prompt in ("happy pop, 20 songs", "sad folk, 20 songs"):
                known = len(u.requests())
                began = time.monotonic()
                run = c.call(W + "Recommend", {"prompt": prompt, "options": {"seed": 1}, "detach": True})["parameters"]["run"]
                places = u.wait(lambda _: under_way(u) if len(u.requests()) >= known + calls else None)
                spans.append(time.monotonic() - began)
                asked_us = time.monotonic() * 1e6
                subprocess.run([CTL, "cancel", run], check=True, capture_output=True, timeout=TIMEOUT,
                               env={**os.environ, "RECFLOW_SOCKET": d.socket})
                u.wait(lambda _: not under_way(u), timeout=5)
                ids = {e["id"] for e in places}
                ends = [e for e in u.events if e["event"] == "closed" and e["id"] in ids]
                assert len(ends) == len(ids)
                lateness.append(max(e["t_us"] - asked_us for e in ends) / 1000)
                assert list(other.stream(W + "Follow", {"run": run}))[-1]["error"] == W + "RunCancelled"
            assert provider_of(d, "reccobeat")["in_flight"] == 0 and provider_of(d, "reccobeat")["waiting"] == 0
    report(f"cancel, {what}: from recflowctl's start to the last connection's end {', '.join(f'{ms:.1f} ms' for ms in lateness)}; "
           f"time to the third call {', '.join(f'{s:.2f} s' for s in spans)}")
    assert max(lateness) < 50
    assert spans[1] < second


def test_cancelling_one_of_two_runs_that_share_calls_harms_nobody(tmp_path, report):
    with Upstreams("plan", speed=40) as u:
        with start(tmp_path, u, spotify=False, extra_reccobeat=FAST) as d, d.client() as c:
            prompt = {"prompt": "happy pop, 20 songs", "options": {"seed": 1}, "detach": True}
            runs = [c.call(W + "Recommend", prompt)["parameters"]["run"] for _ in range(2)]
            u.wait(lambda _: len(u.requests()) >= 2)
            assert c.call(W + "Cancel", {"run": runs[0]}) == {"parameters": {"cancelled": True}}
            check_playlist(list(c.stream(W + "Follow", {"run": runs[1]}))[-1], 20)
            ends = [e["event"] for e in u.events if e["event"] != "request"]
    report(f"one of two sharing runs cancelled: {len(ends)} calls, {ends.count('closed')} of them cut")
    assert ends.count("closed") == 0


# ---- Weather over the wire ----


def blocks(u):
    """When the client heard of a block, and until when it lasts: from what was sent."""
    sent = {e["id"]: e["t_us"] for e in u.events if e["event"] == "response"}
    return [(sent[e["id"]], sent[e["id"]] + e["retry_after_s"] * 1000000) for e in u.requests("spotify")
            if e["status"] == 429 and "retry_after_s" in e and e["id"] in sent]


def calls_while_blocked(u):
    """Spotify's requests that were made after a refusal had been sent, before its Retry-After was over."""
    # 20 ms: what was written when the refusal was on its way
    return [e for e in u.requests("spotify") if any(heard + 20000 < e["t_us"] < until for heard, until in blocks(u))]


PROMPTS = ["happy pop, 20 songs", "sad folk, 15 songs", "dark techno, 20 songs", "calm piano, 20 songs", "rainy sunday jazz, 15 songs",
           "sunny reggae, 15 songs", "angry metal, 20 songs", "party funk and soul, 20 songs"]


@pytest.mark.parametrize("weather", ["storm", "reccobeats-down", "hostile"])
def test_weather_over_the_wire(tmp_path, report, weather):
    # a development app needs ReccoBeats; a storm is for an app that could do without
    with Upstreams(weather, profile="extended" if weather == "storm" else "development", speed=20) as u:
        timeouts = "timeout = 3s\n"  # a hung call ends there
        with start(tmp_path, u, extra_spotify=timeouts + (FAST if weather != "storm" else ""), extra_reccobeat=FAST + timeouts) as d:
            outcomes, slowest = [], 0
            for prompt in PROMPTS:
                began = time.monotonic()
                outcomes.append(of_run(recommend(d, prompt, deadline_ms=30000), is_whole=weather != "hostile"))
                slowest = max(slowest, time.monotonic() - began)
            with d.client() as c:
                assert c.call(A + "Ping") == {"parameters": {}}
        faults = {}
        for e in u.requests():
            kind = e.get("fault") or (str(e["status"]) if e["status"] >= 400 else None)
            if kind:
                faults[kind] = faults.get(kind, 0) + 1
        report(f"{weather}: {outcomes}; slowest {slowest:.1f} s; {len(u.requests())} requests, trouble {faults}, "
               f"{len(calls_while_blocked(u))} while blocked")
        assert slowest < 32 and not calls_while_blocked(u)
        assert not [e for e in u.requests() if e.get("violation")]
    assert any("tracks" in o for o in outcomes)


def test_nothing_is_asked_after_the_quota_also_not_by_the_next_daemon(tmp_path, report):
    """At the plugin's own pace: 200 calls any faster would be too many for 30 s before they are too many for a day."""
    def refusals():
        return [e for e in u.requests("spotify") if e.get("retry_after_s", 0) > 10000]

    with Upstreams("quota", profile="extended", speed=20) as u:
        with start(tmp_path, u, extra_reccobeat=FAST) as d:
            for genre in (line.split("\t")[0] for line in world("artists").splitlines()):
                first = of_run(recommend(d, f"{genre}, 20 songs"))
                if refusals():
                    break
            assert refusals(), u.count()
            n = len(u.requests("spotify", "accounts"))
            second = of_run(recommend(d, "gloomy indie folk, 15 songs"))
        with start(tmp_path, u, extra_reccobeat=FAST) as d:
            third = of_run(recommend(d, "latin party, 15 songs"))
            state = provider_of(d, "spotify")
        after = len(u.requests("spotify", "accounts")) - n
        report(f"quota: refused after {n} requests of Spotify, {len(refusals())} of them refused; {after} afterwards; during: {first}; after: "
               f"{second}; next daemon: {third}; said: { {k: v for k, v in state.items() if 'block' in k} }")
        assert after == 0 and not calls_while_blocked(u)
        assert not [e for e in refusals() if e.get("violation")]


# ---- At last ----


def test_every_request_was_one_that_the_services_describe(report):
    """Each was checked when its test ended; here is how many those were."""
    report(f"valid requests: {sum(validated.values())}; " + ", ".join(f"{s} {e}: {n}" for (s, e), n in sorted(validated.items())))
    assert sum(validated.values()) > 200
