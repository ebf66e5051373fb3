"""recflowd as a whole: real process, real socket, real files."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from varlink import BUILD, TIMEOUT, Client, Daemon

W = "io.recflow.workflow."
A = "io.recflow.admin."
SLOW = "[provider mock]\nlatency = 200ms\n"


@pytest.fixture
def daemon(tmp_path):
    with Daemon(tmp_path) as d:
        yield d


def recommend(d, prompt, **options):
    with d.client() as c:
        replies = list(c.stream(W + "Recommend", {"prompt": prompt, "options": options}))
    return replies


def run_once(directory, extra="", arguments=(), provider="[provider mock]\n"):
    """Starts a daemon that isn't meant to become ready: its exit code and log."""
    d = Daemon(directory, extra, arguments, provider=provider)
    if d.is_ready:
        d.stop()
    return d.process.returncode, d.log(), d.is_ready


# ---- The main job ----


def test_a_sentence_becomes_a_playlist(daemon):
    replies = recommend(daemon, "rainy sunday jazz, no vocals, 45 minutes", seed=1)
    last = replies[-1]["parameters"]
    playlist = last["playlist"]
    assert last["state"] == "done" and len(replies) > 2
    assert abs(playlist["duration_ms"] - 2700000) <= 81000
    assert [t["position"] for t in playlist["tracks"]] == list(range(1, len(playlist["tracks"]) + 1))
    for name in ("run", "prompt", "title", "tracks", "receipt"):
        assert name in playlist
    for t in playlist["tracks"]:
        for name in ("position", "title", "artists", "isrc", "uri", "provider", "duration_ms", "source", "phase", "confidence_milli",
                     "freshness", "reason", "features"):
            assert name in t, name
    receipt = playlist["receipt"]
    assert [s["name"] for s in receipt["steps"]] == ["understand", "gather", "generate", "evaluate", "order"]
    assert receipt["calls"] > 0 and receipt["unmet"] == [] and receipt["not_understood"] == []


def test_sequence_numbers_grow_and_only_the_last_reply_is_the_end(daemon):
    replies = recommend(daemon, "calm piano")
    seqs = [r["parameters"]["seq"] for r in replies]
    assert seqs == sorted(set(seqs))
    assert [r.get("continues", False) for r in replies] == [True] * (len(replies) - 1) + [False]


def test_the_same_prompt_and_seed_give_the_same_tracks_byte_for_byte(tmp_path):
    seen = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with Daemon(tmp_path / name) as d:
            tracks = [recommend(d, "happy pop", seed=7)[-1]["parameters"]["playlist"]["tracks"] for _ in range(2)]
        for t in tracks:
            # from the service or from the cache: that alone differs
            seen.add(json.dumps([{k: v for k, v in x.items() if k != "freshness"} for x in t]))
    assert len(seen) == 1


def test_a_warm_playlist_makes_no_call(daemon):
    recommend(daemon, "sunny reggae", seed=1)
    receipt = recommend(daemon, "sunny reggae", seed=1)[-1]["parameters"]["playlist"]["receipt"]
    assert receipt["calls"] == 0 and receipt["cache_hits"] > 5


def test_without_more_the_only_reply_is_the_end(daemon):
    with daemon.client() as c:
        reply = c.call(W + "Recommend", {"prompt": "calm"})
    assert reply["parameters"]["state"] == "done" and reply["parameters"]["playlist"]["tracks"]


def test_understand_and_plan_ask_no_service(daemon):
    with daemon.client() as c:
        brief = c.call(W + "Understand", {"prompt": "sad folk from the 70s, nothing by Bob Xyz, frobnicate"})["parameters"]
        plan = c.call(W + "Plan", {"prompt": "sad folk"})["parameters"]
        calls = c.call(A + "Providers")["parameters"]["providers"][0]["calls"]
    assert (brief["brief"]["year_from"], brief["brief"]["year_to"]) == (1970, 1979)
    assert brief["not_understood"] == ["frobnicate"]
    assert 0 < plan["calls_min"] < plan["calls"] < plan["calls_max"] and plan["cached"] == 0 and calls == 0
    assert plan["expected_min_us"] <= plan["expected_us"] <= plan["expected_max_us"]
    for name in ("calls", "calls_min", "calls_max"):
        assert sum(item[name] for item in plan["items"]) == plan[name]


def test_given_tracks_are_ordered_and_none_is_lost(daemon):
    tracks = recommend(daemon, "party", tracks=10)[-1]["parameters"]["playlist"]["tracks"]
    with daemon.client() as c:
        reply = c.call(W + "Order", {"tracks": [{"uri": t["uri"]} for t in reversed(tracks)], "arc": "build"})["parameters"]
    assert sorted(reply["order"]) == list(range(10)) and reply["unknown"] == []
    assert {t["uri"] for t in reply["tracks"]} == {t["uri"] for t in tracks}
    assert reply["quality"]["ordering_exact"]


@pytest.mark.parametrize("parameters,error,words", [
    ({"prompt": ""}, "RunFailed", "nothing in the prompt"),
    ({"prompt": "   "}, "RunFailed", "nothing in the prompt"),
    ({"prompt": "x" * 10240}, "RunFailed", "10240 bytes; at most 4096"),
    ({"prompt": "x " * 257}, "RunFailed", "the prompt has 257 words; at most 256"),
    ({"prompt": "jazz", "options": {"tracks": 0}}, "RunFailed", "tracks is 0; it must be 1..200"),
    ({"prompt": "jazz", "options": {"tracks": 201}}, "RunFailed", "1..200"),
    ({"prompt": "jazz", "options": {"duration_s": 59}}, "RunFailed", "60..86400"),
    ({"prompt": "jazz", "options": {"deadline_ms": 99}}, "RunFailed", "100..3600000"),
    ({"prompt": "jazz", "options": {"seed": -1}}, "RunFailed", "seed"),
    ({"prompt": "jazz", "options": {"like": ["x"] * 17}}, "RunFailed", "17 entries; at most 16"),
    ({"prompt": "jazz", "options": {"like": ["x" * 513]}}, "RunFailed", "at most 512"),
])
def test_a_wish_that_cannot_be_read_says_why(daemon, parameters, error, words):
    with daemon.client() as c:
        reply = c.call(W + "Recommend", parameters)
        assert reply["error"] == W + error and words in reply["parameters"]["message"], reply
        assert c.call(A + "Ping") == {"parameters": {}}


# ---- Runs ----


def test_a_detached_run_is_followed_listed_and_kept(tmp_path):
    with Daemon(tmp_path) as d, d.client() as c:
        run = c.call(W + "Recommend", {"prompt": "dark techno", "detach": True})["parameters"]["run"]
        last = list(c.stream(W + "Follow", {"run": run}))[-1]["parameters"]
        assert last["state"] == "done" and last["playlist"]["run"] == run
        listed = c.call(W + "List", {"state": "done"})["parameters"]["runs"]
        assert [r["run"] for r in listed] == [run] and listed[0]["tracks"] == len(last["playlist"]["tracks"])
        again = c.call(W + "Get", {"run": run})["parameters"]
        assert again["playlist"] == last["playlist"]
    with Daemon(tmp_path) as d, d.client() as c:
        assert c.call(W + "Get", {"run": run})["parameters"]["playlist"] == last["playlist"]


def test_runs_beyond_the_bound_wait_in_turn_and_know_their_place(tmp_path):
    with Daemon(tmp_path, "[runs]\nactive_max = 1\n", provider=SLOW) as d, d.client() as c, d.client() as other:
        runs = [c.call(W + "Recommend", {"prompt": "calm", "options": {"seed": i}, "detach": True})["parameters"] for i in range(4)]
        assert [r["state"] for r in runs[1:]] == ["waiting"] * 3 and [r["place"] for r in runs[1:]] == [1, 2, 3]
        assert other.call(W + "Cancel", {"run": runs[2]["run"]}) == {"parameters": {"cancelled": True}}
        places = [r["parameters"].get("place") for r in other.stream(W + "Follow", {"run": runs[3]["run"]})]
        assert places[0] == 2 and places[-1] is None and 1 in places
        cancelled = other.call(W + "Get", {"run": runs[2]["run"]})["parameters"]
        assert cancelled["info"]["state"] == "cancelled" and "playlist" not in cancelled
        gone = list(other.stream(W + "Follow", {"run": runs[2]["run"]}))
        assert gone[0]["error"] == W + "RunCancelled"
        assert other.call(W + "Cancel", {"run": runs[0]["run"]}) == {"parameters": {"cancelled": False}}


def test_a_full_queue_says_so(tmp_path):
    with Daemon(tmp_path, "[runs]\nactive_max = 1\nwaiting_max = 2\n", provider=SLOW) as d, d.client() as c:
        for i in range(3):
            assert "parameters" in c.call(W + "Recommend", {"prompt": "calm", "options": {"seed": i}, "detach": True})
        reply = c.call(W + "Recommend", {"prompt": "calm", "detach": True})
        assert reply["error"] == W + "Busy" and reply["parameters"]["limit"] == "runs_waiting_max" and reply["parameters"]["value"] == 2


def test_a_running_run_is_cancelled(tmp_path):
    with Daemon(tmp_path, provider="[provider mock]\nlatency = 30s\n") as d, d.client() as c, d.client() as other:
        c.send(W + "Recommend", {"prompt": "calm"}, more=True)
        run = c.receive()["parameters"]["run"]
        assert other.call(W + "Cancel", {"run": run}) == {"parameters": {"cancelled": True}}
        while "error" not in (reply := c.receive()):
            pass
        assert reply["error"] == W + "RunCancelled"


def test_a_client_that_leaves_ends_the_following_and_not_the_run(tmp_path):
    with Daemon(tmp_path, provider=SLOW) as d:
        c = d.client()
        c.send(W + "Recommend", {"prompt": "calm"}, more=True)
        run = c.receive()["parameters"]["run"]
        c.socket.close()
        with d.client() as other:
            assert list(other.stream(W + "Follow", {"run": run}))[-1]["parameters"]["state"] == "done"


def test_kill_9_loses_nothing_that_was_accepted(tmp_path):
    d = Daemon(tmp_path, "[runs]\nactive_max = 2\n", provider=SLOW)
    with d.client() as c:
        accepted = [c.call(W + "Recommend", {"prompt": "calm", "options": {"seed": i}, "detach": True})["parameters"]["run"] for i in range(6)]
    d.kill()
    with Daemon(tmp_path) as d, d.client() as c:
        assert "6 runs that hadn't ended are taken up again" in d.log()
        for run in accepted:
            assert list(c.stream(W + "Follow", {"run": run}))[-1]["parameters"]["playlist"]["tracks"]


def test_stopping_interrupts_runs_and_the_next_start_takes_them_up(tmp_path):
    d = Daemon(tmp_path, "[runs]\nstop = 0\n", provider="[provider mock]\nlatency = 30s\n")
    with d.client() as c:
        run = c.call(W + "Recommend", {"prompt": "calm", "detach": True})["parameters"]["run"]
    assert d.stop() == 0
    with Daemon(tmp_path) as d, d.client() as c:
        assert list(c.stream(W + "Follow", {"run": run}))[-1]["parameters"]["state"] == "done"


def test_an_unknown_run_is_named(daemon):
    with daemon.client() as c:
        for method in ("Get", "Cancel"):
            reply = c.call(W + method, {"run": "nosuchrun"})
            assert reply["error"] == W + "NoSuchRun" and "nosuchrun" in reply["parameters"]["message"]


def test_only_so_many_ended_runs_are_kept(tmp_path):
    with Daemon(tmp_path, "[runs]\nkept_max = 3\n") as d, d.client() as c:
        runs = [c.call(W + "Recommend", {"prompt": "calm", "options": {"seed": i}})["parameters"]["run"] for i in range(6)]
        # the oldest go right after the answer: asked until they have
        for _ in range(1000):
            kept = [r["run"] for r in c.call(W + "List")["parameters"]["runs"]]
            if len(kept) == 3:
                break
        assert kept == runs[:2:-1]


def test_ended_runs_are_kept_for_so_long(tmp_path):
    with Daemon(tmp_path, "[runs]\nkept_age = 0\n") as d, d.client() as c:
        old = [c.call(W + "Recommend", {"prompt": "calm", "options": {"seed": i}})["parameters"]["run"] for i in range(70)]
        assert len(c.call(W + "List", {"limit": 1000})["parameters"]["runs"]) == 70
    with Daemon(tmp_path, "[runs]\nkept_age = 1s\n", provider="[provider mock]\nlatency = 30s\n") as d, d.client() as c:
        living = c.call(W + "Recommend", {"prompt": "sad", "detach": True})["parameters"]["run"]
        while (kept := [r["run"] for r in c.call(W + "List", {"limit": 1000})["parameters"]["runs"]]) != [living]:
            assert d.process.poll() is None and kept[0] == living
        assert c.call(W + "Get", {"run": old[0]})["error"] == W + "NoSuchRun"
        d.process.kill()


def test_runs_are_listed_by_state_and_time(tmp_path):
    with Daemon(tmp_path) as d, d.client() as c:
        runs = [c.call(W + "Recommend", {"prompt": "calm"})["parameters"]["run"]]
    with Daemon(tmp_path, "[runs]\nactive_max = 1\n", provider="[provider mock]\nlatency = 30s\n") as d, d.client() as c:
        runs += [c.call(W + "Recommend", {"prompt": prompt, "detach": True})["parameters"]["run"] for prompt in ("dark techno", "sad folk")]
        assert c.call(W + "Cancel", {"run": runs[2]}) == {"parameters": {"cancelled": True}}
        infos = {r["run"]: r for r in c.call(W + "List")["parameters"]["runs"]}

        def listed(**wish):
            return [r["run"] for r in c.call(W + "List", wish)["parameters"]["runs"]]

        def ctl(*arguments):
            out = subprocess.run([os.path.join(BUILD, "recflowctl/recflowctl"), "--socket", d.socket, "runs", "--json", *arguments],
                                 capture_output=True, timeout=TIMEOUT)
            return [r["run"] for r in json.loads(out.stdout)["runs"]] if out.returncode == 0 else out.stderr.decode()

        second = infos[runs[1]]["accepted"]
        assert listed(state="done") == [runs[0]] and listed(state="cancelled") == [runs[2]]
        assert runs[0] not in listed(since=second) and runs[1] in listed(since=second) and listed(until=second)[-1] == runs[0]
        assert runs[1] not in listed(until=second) and listed(since=second, state="cancelled") == [runs[2]]
        assert listed(since=second.replace("Z", "+01:00")) == listed() and listed(since=second.replace("Z", "-01:00")) == []
        for wrong in ("yesterday", "2026-11-24", "2026-11-24T10:00:00", "2026-11-24T10:00:00Z!", "2026-11-24T10:00:00+1:00"):
            assert c.call(W + "List", {"since": wrong})["error"] == "org.varlink.service.InvalidParameter", wrong
        assert ctl("--since", "1h") == ctl("--since", "2001-02-03") == ctl("--until", "0s") == runs[::-1] and ctl("--until", "1d") == []
        assert ctl("--since", "2001-02-03 04:05", "--state", "done") == [runs[0]] and "so long ago" in ctl("--since", "soon")
        d.process.kill()


# ---- Stopping ----


def test_a_stop_gives_what_runs_its_time_and_begins_nothing(tmp_path):
    d = Daemon(tmp_path, "[runs]\nactive_max = 1\nstop = 10m\n", provider=SLOW)
    with d.client() as c, d.client() as other:
        runs = [c.call(W + "Recommend", {"prompt": "calm", "options": {"seed": i}, "detach": True})["parameters"]["run"] for i in range(2)]
        c.send(W + "Follow", {"run": runs[0]}, more=True)
        c.receive()
        d.process.terminate()
        while "parameters" in (reply := other.call(W + "Recommend", {"prompt": "calm", "detach": True})) and "error" not in reply:
            runs.append(reply["parameters"]["run"])
        assert reply["error"] == W + "Busy" and reply["parameters"]["limit"] == "stopping" and "stopping" in reply["parameters"]["message"]
        while (last := c.receive()).get("continues"):
            pass
        assert last["parameters"]["state"] == "done"  # its follower hears of it
    assert d.process.wait(TIMEOUT) == 0 and not os.path.exists(d.socket)
    with Daemon(tmp_path) as d, d.client() as c:
        assert f"{len(runs) - 1} runs that hadn't ended are taken up again" in d.log()
        for run in runs:
            assert list(c.stream(W + "Follow", {"run": run}))[-1]["parameters"]["state"] == "done"


@pytest.mark.parametrize("how", ["time", "signal"])
def test_a_stop_is_bounded_and_can_be_hurried(tmp_path, how):
    d = Daemon(tmp_path, f"[runs]\nstop = {'100ms' if how == 'time' else '10m'}\n", provider="[provider mock]\nlatency = 30s\n")
    with d.client() as c:
        run = c.call(W + "Recommend", {"prompt": "calm", "detach": True})["parameters"]["run"]
        d.process.terminate()
        while how == "signal" and c.call(W + "Recommend", {"prompt": "calm", "detach": True}).get("error") != W + "Busy":
            pass
    if how == "signal":
        d.process.terminate()
    assert d.process.wait(TIMEOUT) == 0
    with Daemon(tmp_path) as d, d.client() as c:
        assert list(c.stream(W + "Follow", {"run": run}))[-1]["parameters"]["state"] == "done"


# ---- Administration ----


def test_status_providers_and_cache_tell_the_truth(daemon):
    recommend(daemon, "calm")
    with daemon.client() as c:
        status = c.call(A + "Status")["parameters"]
        provider = c.call(A + "Providers")["parameters"]["providers"][0]
        stats = c.call(A + "CacheStats")["parameters"]
        dropped = c.call(A + "CacheFlush")["parameters"]["dropped"]
        after = c.call(A + "CacheStats")["parameters"]
    assert status["runs_done"] == 1 and status["pid"] == daemon.process.pid and status["notices"] == []
    assert provider["name"] == "mock" and provider["usable"] and provider["calls"] > 0
    assert dropped > 0 and stats["puts"] > 0 and after["store"]["entries"] == 0
    assert status["cache"]["corrupt"] == status["state"]["corrupt"] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_strangers_may_ask_but_not_administer(tmp_path):
    os.chmod(tmp_path, 0o755)
    for parent in list(tmp_path.parents)[:2]:
        os.chmod(parent, 0o755)
    with Daemon(tmp_path) as d:
        script = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                  "s.sendall(('{\"method\":\"'+sys.argv[2]+'\"}\\0').encode()); print(s.recv(65536).decode().rstrip(chr(0)))")
        results = {}
        for method in ("Ping", "CacheFlush", "Reload"):
            out = subprocess.run(["/usr/bin/python3", "-c", script, d.socket, A + method], capture_output=True, timeout=TIMEOUT,
                                 user=65534, group=65534, extra_groups=[], cwd="/")
            results[method] = json.loads(out.stdout)
    assert results["Ping"] == {"parameters": {}}
    assert results["CacheFlush"]["error"] == results["Reload"]["error"] == "org.varlink.service.PermissionDenied"


def test_reload_changes_what_it_may_and_names_what_needs_a_restart(tmp_path):
    with Daemon(tmp_path) as d, d.client() as c:
        d.write_config("[runs]\nactive_max = 3\n[cache]\nsize = 32M\n", "[provider mock]\nseed = 2\n")
        assert c.call(A + "Reload")["parameters"] == {"changed": ["[runs] active_max"], "restart": ["[cache] size", "[provider]"]}
        assert c.call(A + "Status")["parameters"]["runs_active_max"] == 3
        d.write_config("[runs]\nactive_max = many\n")
        reply = c.call(A + "Reload")
        assert reply["error"] == A + "InvalidConfiguration" and reply["parameters"]["line"] == 8 and reply["parameters"]["file"] == d.config
        assert c.call(A + "Status")["parameters"]["runs_active_max"] == 3
        d.write_config("[runs]\nactive_max = 5\n")
        d.process.send_signal(signal.SIGHUP)
        while c.call(A + "Status")["parameters"]["runs_active_max"] != 5:
            assert d.process.poll() is None


def test_a_notice_of_the_configuration_goes_with_its_cause(tmp_path):
    def notices():
        return [n for n in c.call(A + "Status")["parameters"]["notices"] if "admin_group" in n]

    with Daemon(tmp_path, "admin_group = nosuchgroup\n") as d, d.client() as c:
        assert len(notices()) == 1
        d.write_config("admin_group = norsuchone\n")
        assert c.call(A + "Reload")["parameters"]["changed"] == ["[daemon] admin_group"]
        assert len(notices()) == 1 and "norsuchone" in notices()[0]
        d.write_config()
        assert c.call(A + "Reload")["parameters"]["changed"] == ["[daemon] admin_group"] and notices() == []


def optimizations_off(c):
    return [o["name"] for o in c.call(A + "Optimizations")["parameters"]["optimizations"] if not o["enabled"]]


def test_optimizations_are_configured_switched_and_reset_by_a_reload(tmp_path):
    with Daemon(tmp_path, "[optimizations]\ncoalesce = off\n") as d, d.client() as c:
        assert optimizations_off(c) == ["coalesce"]
        assert c.call(A + "SetOptimization", {"name": "prewarm", "enabled": False}) == {"parameters": {}}
        assert optimizations_off(c) == ["prewarm", "coalesce"]
        assert c.call(A + "Reload")["parameters"] == {"changed": ["[optimizations] prewarm"], "restart": []}
        assert c.call(A + "Reload")["parameters"] == {"changed": [], "restart": []}
        assert optimizations_off(c) == ["coalesce"]
        d.write_config("[optimizations]\nprofile = baseline\ncoalesce = on\n")
        assert sorted(c.call(A + "Reload")["parameters"]["changed"]) == ["[optimizations] coalesce", "[optimizations] profile"]
        assert len(optimizations_off(c)) == 24 and "coalesce" not in optimizations_off(c)
        assert c.call(A + "SetProfile", {"name": "full"}) == {"parameters": {}} and optimizations_off(c) == []
        assert c.call(A + "SetProfile", {"name": "fast"})["error"] == "org.varlink.service.InvalidParameter"
        assert c.call(A + "SetOptimization", {"name": "warp", "enabled": True})["error"] == A + "NoSuchOptimization"


@pytest.mark.parametrize("provider,words", [
    ("[provider mock]\nlatncy = 3ms\n", ["9: [provider mock] has no option latncy", "latency"]),
    ("[provider mock]\nlatency = soon\n", ["9: [provider mock] latency = soon", "duration"]),
    ("[provider foo]\n", ["8: [provider foo]", "foo.so"]),
    ("[provider mock]\n[provider spotify]\ntransport = moc\n", ["9: [provider spotify] transport = moc", "no usable provider"]),
])
def test_a_provider_that_could_not_be_used_is_a_mistake_for_check_and_reload(tmp_path, provider, words):
    with Daemon(tmp_path) as d, d.client() as c:
        d.write_config("", provider)
        out = subprocess.run([os.path.join(BUILD, "recflowd"), "--config", d.config, "--check"], capture_output=True, timeout=TIMEOUT)
        assert out.returncode == 78 and all(word in out.stderr.decode() for word in words), out.stderr
        reply = c.call(A + "Reload")
        assert reply["error"] == A + "InvalidConfiguration" and reply["parameters"]["file"] == d.config
        assert f"{reply['parameters']['line']}: {reply['parameters']['message']}".startswith(words[0])
        # one that is switched off does no harm, and neither does one that stands in for others alone
        d.write_config("", provider.replace("]\n", "]\nenabled = no\n"))
        out = subprocess.run([os.path.join(BUILD, "recflowd"), "--config", d.config, "--check"], capture_output=True, timeout=TIMEOUT)
        assert out.returncode == 0, out.stderr
        d.write_config("", "[provider mock]\nenabled = no\n[provider spotify]\ntransport = mock\n")
        out = subprocess.run([os.path.join(BUILD, "recflowd"), "--config", d.config, "--check"], capture_output=True, timeout=TIMEOUT)
        assert out.returncode == 0, out.stderr


# ---- Bad input ----


@pytest.mark.parametrize("text,words", [
    ("[runs]\nactive_max = 0\n", ["active_max = 0", "1 to 1000"]),
    ("[runs]\nactive_max = lots\n", ["active_max = lots", "integer"]),
    ("[runs]\nactiv_max = 5\n", ["[runs] has no option activ_max"]),
    ("[runs]\nactive = 5\n", ["did you mean active_max?"]),
    ("[run]\nactive_max = 5\n", ["there is no section [run]; there are [daemon], [runs], ", "[warm]", "[criteria]", "[metrics]",
                                     "and [provider NAME]"]),
    ("[cache]\nsize = 1M\n", ["size = 1M", "16M"]),
    ("[cache]\nenabled = perhaps\n", ["enabled = perhaps"]),
    ("[daemon]\nsocket = relative/path\n", ["socket = relative/path", "absolute"]),
    ("[runs]\ndeadline = soon\n", ["deadline = soon", "duration"]),
    ("[runs]\nthis is no line\n", ["name = value"]),
    ("[metrics]\nlisten = 0.0.0.0:9\n", ["0.0.0.0:9"]),
    ("[runs]\nactive_max = " + "1" * 300 + "\n", ["longer than"]),
    ("[provider No Good]\n x = 1\n", ["provider's name"]),
])
def test_an_invalid_configuration_names_file_line_option_and_what_is_allowed(tmp_path, text, words):
    code, log, is_ready = run_once(tmp_path, text)
    assert not is_ready and code == 78
    assert re.search(r"recflowd\.conf:[78]: ", log), log
    for word in words:
        assert word in log, log
    checked = subprocess.run([os.path.join(BUILD, "recflowd"), "--config", str(tmp_path / "recflowd.conf"), "--check"], capture_output=True,
                             timeout=TIMEOUT)
    assert checked.returncode == 78 and words[0] in checked.stderr.decode()


def test_a_configuration_that_cannot_be_read_is_named(tmp_path):
    d = Daemon(tmp_path, config=False)
    assert d.process.returncode == 78 and "recflowd.conf: can't be read" in d.log()


def test_drop_ins_count_over_the_file_in_order(tmp_path):
    (tmp_path / "recflowd.conf.d").mkdir()
    (tmp_path / "recflowd.conf.d" / "10-a.conf").write_text("[runs]\nactive_max = 7\nkept_max = 7\n")
    (tmp_path / "recflowd.conf.d" / "20-b.conf").write_text("[runs]\nactive_max = 9\n")
    (tmp_path / "recflowd.conf.d" / "30-c.conf.off").write_text("nonsense\n")
    with Daemon(tmp_path, "[runs]\nactive_max = 5\n") as d, d.client() as c:
        assert c.call(A + "Status")["parameters"]["runs_active_max"] == 9
    (tmp_path / "recflowd.conf.d" / "40-d.conf").write_text("[runs]\n\nactive_max = x\n")
    code, log, _ = run_once(tmp_path)
    assert code == 78 and "40-d.conf:3: " in log


def test_lines_of_what_is_kept_warm_add_up_in_a_file(tmp_path):
    prompts = [f"calm piano number {i} for a long evening with friends" for i in range(40)]
    lines = "".join(f"prompts = {a} | {b}\n" for a, b in zip(prompts[::2], prompts[1::2]))

    def kept(d):
        with d.client() as c:
            return {item["prompt"] for item in c.call(A + "WarmStatus", {"limit": 100})["parameters"]["items"]}

    with Daemon(tmp_path, "[warm]\n" + lines) as d:
        assert kept(d) == set(prompts)
    # another file says it anew
    (tmp_path / "recflowd.conf.d").mkdir()
    (tmp_path / "recflowd.conf.d" / "10-a.conf").write_text("[warm]\nprompts = dark techno\nprompts = happy dance pop\n")
    with Daemon(tmp_path, "[warm]\n" + lines) as d:
        assert kept(d) == {"dark techno", "happy dance pop"}
    code, log, _ = run_once(tmp_path, "[warm]\n" + 4 * lines)
    assert code == 78 and "4096" in log, log


def test_a_plugin_that_fails_to_load_is_named_and_the_daemon_goes_on(tmp_path):
    (tmp_path / "text.so").write_text("this is no library")
    provider = f"[provider text]\nplugin = {tmp_path}/text.so\n[provider absent]\n[provider mock]\nlatency = 1ms\n"
    with Daemon(tmp_path, provider=provider.replace("[provider absent]\n", "[provider absent]\nplugin = absent.so\n")) as d, d.client() as c:
        notices = c.call(A + "Status")["parameters"]["notices"]
        usable = {p["name"]: (p["usable"], p.get("problem")) for p in c.call(A + "Providers")["parameters"]["providers"]}
        assert any("text.so" in n for n in notices) and any("absent.so" in n for n in notices)
        assert not usable["text"][0] and usable["text"][1] and not usable["absent"][0] and usable["mock"][0]
        assert c.call(W + "Recommend", {"prompt": "calm"})["parameters"]["state"] == "done"
        assert "text.so" in d.log()


def test_an_option_that_a_plugin_does_not_know_is_named(tmp_path):
    with Daemon(tmp_path, provider="[provider mock]\nlatenzy = 1ms\n") as d, d.client() as c:
        assert "latenzy" in d.log() and f"{d.config}:9: " in d.log()
        reply = c.call(W + "Recommend", {"prompt": "calm"})
        assert reply["error"] == W + "RunFailed" and reply["parameters"]["code"] == "unsupported"


@pytest.mark.parametrize("store", ["state", "cache"])
def test_a_damaged_store_is_set_aside_and_reported(tmp_path, store):
    with Daemon(tmp_path) as d:
        recommend(d, "calm")
    path = tmp_path / store / f"{store}.mdb"
    path.write_bytes(b"not a database" * 5000)
    with Daemon(tmp_path) as d, d.client() as c:
        status = c.call(A + "Status")["parameters"]
        aside = status[store]["set_aside"]
        assert any(aside in n for n in status["notices"]) and aside in d.log()
        assert open(aside, "rb").read().startswith(b"not a database")
        assert c.call(W + "Recommend", {"prompt": "calm"})["parameters"]["state"] == "done"


def test_a_second_daemon_refuses_and_the_first_goes_on(tmp_path):
    (tmp_path / "second").mkdir()
    with Daemon(tmp_path) as d, d.client() as c:
        # on the same store
        same = Daemon(tmp_path, config=False)
        assert not same.is_ready and same.process.returncode == 1
        assert "in use" in same.log() or "another" in same.log(), same.log()
        # on the same socket
        other = Daemon(tmp_path / "second", arguments=["--socket", d.socket])
        assert not other.is_ready and "another daemon answers at this socket" in other.log()
        assert c.call(A + "Ping") == {"parameters": {}}
        assert os.path.exists(d.socket)


@pytest.mark.parametrize("arguments,words", [
    (["--bogus"], b"--help lists the options"), (["extra"], b'unexpected argument "extra"'), (["--ready-fd", "x"], b"--ready-fd x"),
])
def test_wrong_arguments_are_explained(arguments, words):
    out = subprocess.run([os.path.join(BUILD, "recflowd"), *arguments], capture_output=True, timeout=TIMEOUT)
    assert out.returncode == 2 and words in out.stderr


def test_the_sample_is_a_valid_configuration_with_every_default(tmp_path):
    sample = subprocess.run([os.path.join(BUILD, "recflowd"), "--sample"], capture_output=True, timeout=TIMEOUT).stdout.decode()
    text = re.sub(r"^#([\w-]+ = \S|\[)", r"\1", sample, flags=re.M)
    (tmp_path / "c").write_text(re.sub(r"^plugin_directory = .*", f"plugin_directory = {BUILD}/.libs", text, flags=re.M))
    out = subprocess.run([os.path.join(BUILD, "recflowd"), "--config", str(tmp_path / "c"), "--check"], capture_output=True, timeout=TIMEOUT)
    assert out.returncode == 0, out.stderr


# ---- systemd ----


def test_a_socket_of_systemd_is_used_and_left_alone(tmp_path):
    path = str(tmp_path / "activated")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(16)
    d = Daemon.__new__(Daemon)
    d.directory, d.socket, d.config, d.log_path = str(tmp_path), str(tmp_path / "own"), str(tmp_path / "recflowd.conf"), str(tmp_path / "log")
    d.write_config()
    script = ("import os, sys; os.dup2(int(sys.argv[1]), 3); "
              "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='varlink'); "
              "os.execv(sys.argv[2], [sys.argv[2], '--config', sys.argv[3]])")
    with open(d.log_path, "wb") as log:
        d.process = subprocess.Popen(["/usr/bin/python3", "-c", script, str(listener.fileno()), os.path.join(BUILD, "recflowd"), d.config],
                                     pass_fds=(listener.fileno(),), stderr=log)
    with Client(path) as c:  # waits in the backlog until the daemon serves
        assert c.call(A + "Ping") == {"parameters": {}}
    assert not os.path.exists(d.socket)
    d.stop()
    assert os.path.exists(path)
    listener.close()


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate isn't installed")
def test_systemd_socket_activate_starts_it_at_the_first_call(tmp_path):
    path = str(tmp_path / "activated")
    d = Daemon.__new__(Daemon)
    d.directory, d.socket, d.config, d.log_path = str(tmp_path), str(tmp_path / "own"), str(tmp_path / "recflowd.conf"), str(tmp_path / "log")
    d.write_config()
    with open(d.log_path, "wb") as log:
        d.process = subprocess.Popen(["systemd-socket-activate", "-l", path, "--fdname=varlink", os.path.join(BUILD, "recflowd"), "--config",
                                      d.config], stderr=subprocess.PIPE, stdout=log)
    assert b"Listening on" in d.process.stderr.readline()
    with Client(path) as c:
        assert c.call(A + "Ping") == {"parameters": {}}
    d.stop()
    d.process.stderr.close()


def test_it_tells_systemd_what_it_does(tmp_path):
    path = str(tmp_path / "notify")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.settimeout(TIMEOUT)
    s.bind(path)
    d = Daemon(tmp_path, environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "300000"})
    said = []
    while "READY=1" not in said:
        said += s.recv(4096).decode().split("\n")
    for _ in range(3):
        while "WATCHDOG=1" not in s.recv(4096).decode():
            pass
    d.process.send_signal(signal.SIGHUP)
    while not (message := s.recv(4096).decode()).startswith("RELOADING=1\nMONOTONIC_USEC="):
        assert message == "WATCHDOG=1"
    while "READY=1" not in s.recv(4096).decode():
        pass
    d.process.terminate()
    while "STOPPING=1" not in s.recv(4096).decode():
        pass
    assert d.stop() == 0
    s.close()


# ---- The services' own plugins, against their simulation in process ----

SIMULATED = """[provider spotify]
transport = mock
client_id = {client}
client_secret = secret
[provider reccobeat]
transport = mock
share_spotify_ids = yes
[provider mock]
enabled = no
weather = {weather}
"""


@pytest.mark.parametrize("weather", ["fine", "logged-run", "dev-mode"])
def test_the_real_plugins_run_on_the_simulated_services(tmp_path, weather):
    with Daemon(tmp_path, provider=SIMULATED.format(client="app", weather=weather)) as d:
        last = recommend(d, "happy pop, 10 songs", seed=1)[-1]["parameters"]
        with d.client() as c:
            providers = c.call(A + "Providers")["parameters"]["providers"]
    assert last["state"] == "done" and len(last["playlist"]["tracks"]) == 10
    assert [p["name"] for p in providers] == ["spotify", "reccobeat"]  # the transport answers nothing itself
    assert providers[0]["calls"] > 0


def test_a_refused_app_asks_nothing_more_of_spotify(tmp_path):
    with Daemon(tmp_path, provider=SIMULATED.format(client="wrong", weather="fine")) as d:
        recommend(d, "happy pop, 10 songs", seed=1)
        with d.client() as c:
            providers = c.call(A + "Providers")["parameters"]["providers"]
    assert providers[0]["calls"] == 0
