"""Disks that are full or read-only, stores at their limit, clocks that are set, a state of yesterday: what the daemon makes of them."""

import os
import shutil
import subprocess
import urllib.request

import pytest

from fake_spotify import FakeSpotify
from varlink import BUILD, SOURCE, TIMEOUT, Daemon

CTL = os.path.join(BUILD, "recflowctl/recflowctl")
W = "io.recflow.workflow."
A = "io.recflow.admin."
MOCK = "[provider mock]\n"
DAY = 86400


def may_mount():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0


needs_mounts = pytest.mark.skipif(not may_mount(), reason="needs root, to mount file systems of its own")


def mounted(script, *arguments):
    """A prefix: the daemon sees mounts that nobody else does."""
    return ("unshare", "-m", "sh", "-ec", f"{script}; shift {len(arguments)}; exec \"$@\"", "sh", *map(str, arguments))


def full_disk(directory, store, megabytes=4):
    path = os.path.join(directory, store)
    os.makedirs(path, exist_ok=True)
    return mounted(f"mount -t tmpfs -o size={megabytes}m none \"$1\"", path)


class Filler:
    """What takes the room on a disk that only the daemon sees."""

    def __init__(self, d, store):
        self.path = f"/proc/{d.process.pid}/root{d.directory}/{store}/filler"

    def fill(self):
        with open(self.path, "ab", buffering=0) as f:
            for size in (65536, 4096):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def remove(self):
        os.unlink(self.path)


def detach(c, seed, prompt="calm piano"):
    return c.call(W + "Recommend", {"prompt": prompt, "options": {"seed": seed}, "detach": True})


def until_refused(c, most=3000):
    """Runs that are accepted, until one isn't: a store has a little room of its own. Those, and the refusal."""
    accepted = []
    for i in range(most):
        reply = detach(c, i)
        if "error" in reply:
            return accepted, reply
        accepted.append(reply["parameters"]["run"])
    raise AssertionError("never refused")


def end_of(c, run):
    return list(c.stream(W + "Follow", {"run": run}))[-1]


def status(c):
    return c.call(A + "Status")["parameters"]


# ---- A full disk ----


@needs_mounts
def test_a_run_is_not_accepted_on_a_full_disk_and_service_resumes_with_the_space(tmp_path):
    with Daemon(tmp_path, prefix=full_disk(tmp_path, "state")) as d, d.client() as c:
        first = c.call(W + "Recommend", {"prompt": "calm"})["parameters"]["playlist"]
        filler = Filler(d, "state")
        filler.fill()
        accepted, refusal = until_refused(c)
        assert refusal["error"] == W + "RunFailed" and refusal["parameters"]["code"] == "storage" and refusal["parameters"]["run"] == ""
        for words in ("the state store", f"{tmp_path}/state/state.mdb", "the disk is full", "free some space"):
            assert words in refusal["parameters"]["message"]
        assert "the disk is full" in status(c)["state"]["problem"] and d.log().count("the disk is full") == 1
        # what is there is served
        assert c.call(W + "Get", {"run": first["run"]})["parameters"]["playlist"] == first
        ends = {run: end_of(c, run) for run in accepted}
        for run, end in ends.items():
            assert "error" not in end or (end["parameters"]["code"] == "storage" and "could not be stored" in end["parameters"]["message"]), end
            # and once ended, a run stays so
            assert "error" in end or c.call(W + "Get", {"run": run})["parameters"]["info"]["state"] == "done"
        filler.remove()
        again = c.call(W + "Recommend", {"prompt": "calm"})["parameters"]["playlist"]
        assert "problem" not in status(c)["state"] and d.log().count("the state store can be written again") >= 1
        listed = {r["run"]: r["state"] for r in c.call(W + "List", {"limit": 1000})["parameters"]["runs"]}
        assert listed == {first["run"]: "done", again["run"]: "done",
                          **{run: "failed" if "error" in end else "done" for run, end in ends.items()}}
        # the same on disk
        for run, state in listed.items():
            assert c.call(W + "Get", {"run": run})["parameters"]["info"]["state"] == state
        copy = f"/proc/{d.process.pid}/root{tmp_path}/state"
        os.makedirs(tmp_path / "after")
        shutil.copytree(copy, tmp_path / "after" / "state")
    with Daemon(tmp_path / "after") as d, d.client() as c:
        assert status(c)["notices"] == [] and "taken up again" not in d.log()
        assert {r["run"]: r["state"] for r in c.call(W + "List", {"limit": 1000})["parameters"]["runs"]} == listed


@needs_mounts
def test_a_playlist_that_cannot_be_stored_is_not_called_done(tmp_path):
    with Daemon(tmp_path, prefix=full_disk(tmp_path, "state"), provider="[provider mock]\nlatency = 300ms\n") as d, d.client() as c:
        c.send(W + "Recommend", {"prompt": "calm", "options": {"tracks": 200}}, more=True)
        run = c.receive()["parameters"]["run"]
        filler = Filler(d, "state")
        filler.fill()
        while (reply := c.receive()).get("continues"):
            pass
        assert reply["error"] == W + "RunFailed" and reply["parameters"]["code"] == "storage", reply
        assert "could not be stored" in reply["parameters"]["message"] and "free some space" in reply["parameters"]["message"]
        assert c.call(W + "Get", {"run": run})["parameters"]["info"]["state"] == "failed"
        assert end_of(c, run)["error"] == W + "RunFailed"
        filler.remove()
        assert c.call(W + "Recommend", {"prompt": "calm"})["parameters"]["state"] == "done"
        assert c.call(W + "Get", {"run": run})["parameters"]["info"]["state"] == "failed"


@needs_mounts
def test_a_cache_on_a_full_disk_costs_calls_and_nothing_else(tmp_path):
    with Daemon(tmp_path, prefix=full_disk(tmp_path, "cache")) as d, d.client() as c:
        filler = Filler(d, "cache")
        filler.fill()
        for seed in range(3):
            assert c.call(W + "Recommend", {"prompt": "calm", "options": {"seed": seed}})["parameters"]["state"] == "done"
        assert f"the cache store {tmp_path}/cache/cache.mdb" in status(c)["cache"]["problem"]
        assert d.log().count("answers are used, and not kept") == 1
        filler.remove()
        c.call(W + "Recommend", {"prompt": "happy dance pop"})
        assert "problem" not in status(c)["cache"] and "the cache can be written again" in d.log()
        assert c.call(W + "Recommend", {"prompt": "happy dance pop"})["parameters"]["playlist"]["receipt"]["calls"] == 0
        assert c.call(A + "CacheStats")["parameters"]["corrupt"] == 0


# ---- Read-only ----

READ_ONLY = "mount --bind \"$1\" \"$1\"; mount -o remount,ro,bind \"$1\""


@needs_mounts
def test_a_read_only_state_is_refused_with_words_and_nothing_happens_to_it(tmp_path):
    with Daemon(tmp_path) as d, d.client() as c:
        run = c.call(W + "Recommend", {"prompt": "calm"})["parameters"]["playlist"]["run"]
    d = Daemon(tmp_path, prefix=mounted(READ_ONLY, tmp_path / "state"))
    assert not d.is_ready and d.process.returncode == 1
    last = d.log().splitlines()[-1]
    assert f"the state store {tmp_path}/state/state.mdb" in last and "Read-only file system" in last and "for writing" in last
    with Daemon(tmp_path) as d, d.client() as c:
        assert c.call(W + "Get", {"run": run})["parameters"]["info"]["state"] == "done"


@needs_mounts
def test_with_a_read_only_cache_recflow_works_without(tmp_path):
    os.makedirs(tmp_path / "cache")
    with Daemon(tmp_path, prefix=mounted(READ_ONLY, tmp_path / "cache")) as d, d.client() as c:
        notice = status(c)["notices"][0]
        assert f"{tmp_path}/cache/cache.mdb" in notice and "Read-only" in notice and "works without a cache" in notice
        assert c.call(W + "Recommend", {"prompt": "calm"})["parameters"]["state"] == "done"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_a_state_of_another_user_is_refused_with_words(tmp_path):
    for parent in [tmp_path, *list(tmp_path.parents)[:2]]:
        os.chmod(parent, 0o755)
    os.makedirs(tmp_path / "state", mode=0o700)
    other = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if subprocess.run([*other, "test", "-r", os.path.join(SOURCE, "data/genres.tsv")]).returncode != 0:
        pytest.skip("another user can't read this source tree")
    d = Daemon(tmp_path, prefix=other)
    assert not d.is_ready and f"{tmp_path}/state/state.mdb" in d.log() and "give the directory to the daemon's user" in d.log()


# ---- A store at its limit ----


def stuff(c):
    """Fills the state to its limit with records of no importance."""
    n = 0
    for size in (500000, 50000, 5000, 1000):
        reply = {}
        while "error" not in reply:
            records = [{"table": "warm", "key": str(n + i), "value": {"x": "y" * size}} for i in range(5)]
            n += 5
            c.call(A + "BeginImport")
            c.call(A + "AddToImport", {"entries": [{"format": "recflow-state", "version": 1}]})
            for record in records:
                c.call(A + "AddToImport", {"entries": [record]})
            c.call(A + "AddToImport", {"entries": [{"end": True, "records": 5}]})
            reply = c.call(A + "CommitImport")
        assert reply["error"] == A + "StoreFailed" and "has grown to its limit of 16 MiB" in reply["parameters"]["message"]


def test_runs_that_have_ended_make_room_in_a_state_at_its_limit(tmp_path):
    with Daemon(tmp_path, "[state]\nsize = 16M\n") as d, d.client() as c:
        runs = [c.call(W + "Recommend", {"prompt": "calm", "options": {"seed": i, "tracks": 200}})["parameters"]["playlist"]["run"]
                for i in range(10)]
        stuff(c)
        for i in range(10):
            runs.append(c.call(W + "Recommend", {"prompt": "calm", "options": {"seed": i, "tracks": 100}})["parameters"]["playlist"]["run"])
        listed = [r["run"] for r in c.call(W + "List")["parameters"]["runs"]]
        assert listed == runs[::-1][:len(listed)] and len(listed) < len(runs)
    with Daemon(tmp_path, "[state]\nsize = 16M\n") as d, d.client() as c:
        assert status(c)["notices"] == [] and [r["run"] for r in c.call(W + "List")["parameters"]["runs"]] == listed


def test_a_state_at_its_limit_says_which_and_what_would_help(tmp_path):
    with Daemon(tmp_path, "[state]\nsize = 16M\n[runs]\nactive_max = 1\n", provider="[provider mock]\nlatency = 30s\n") as d, d.client() as c:
        stuff(c)
        accepted, refusal = until_refused(c)
        assert refusal["parameters"]["code"] == "storage"
        for words in (f"{tmp_path}/state/state.mdb has grown to its limit of 16 MiB", "raise size in [state], or lower kept_max in [runs]"):
            assert words in refusal["parameters"]["message"]
    with Daemon(tmp_path, "[state]\nsize = 32M\n") as d, d.client() as c:
        assert f"{len(accepted)} runs that hadn't ended are taken up again" in d.log() or not accepted
        assert c.call(W + "Recommend", {"prompt": "calm"})["parameters"]["state"] == "done"


# ---- The clock ----


class Clock:
    def __init__(self, directory):
        self.path = os.path.join(directory, "shift")
        self.environment = {"LD_PRELOAD": os.path.join(BUILD, ".libs/clock_shim.so"), "CLOCK_SHIFT_FILE": self.path}
        self.set(0)

    def set(self, seconds):
        with open(self.path + ".new", "w") as f:
            f.write(str(seconds))
        os.rename(self.path + ".new", self.path)


def make(c, prompt="sunny reggae"):
    return c.call(W + "Recommend", {"prompt": prompt, "options": {"seed": 1}})["parameters"]["playlist"]


def provider_calls(c):
    return c.call(A + "Providers")["parameters"]["providers"][0]["calls"]


def until_all_is_cached(c, most=50):
    for _ in range(most):
        if make(c)["receipt"]["calls"] == 0:
            return
    raise AssertionError("calls again and again")


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("shift", [-DAY, DAY])
def test_a_clock_set_by_a_day_and_back_costs_calls_once(tmp_path, shift, restarts):
    clock = Clock(tmp_path)
    d = Daemon(tmp_path, environment=clock.environment)
    c = d.client()
    runs = [make(c)["run"]]
    first = provider_calls(c)
    until_all_is_cached(c)
    for seconds in (shift, 0):
        clock.set(seconds)
        if restarts:
            assert d.stop() == 0
            d = Daemon(tmp_path, environment=clock.environment)
            c = d.client()
        before = provider_calls(c)
        playlist = make(c)
        runs.append(playlist["run"])
        until_all_is_cached(c)
        assert playlist["tracks"] and provider_calls(c) - before <= first + 2
        assert status(c)["uptime_s"] < 3600 and status(c)["notices"] == []
        # newest first, whatever the clock says
        listed = [r["run"] for r in c.call(W + "List", {"limit": 1000})["parameters"]["runs"]]
        assert listed == sorted(listed, reverse=True) and [r for r in listed if r in runs] == runs[::-1]
    assert d.stop() == 0


def test_the_shim_does_set_the_clock(tmp_path):
    clock = Clock(tmp_path)
    clock.set(DAY)
    with Daemon(tmp_path, environment=clock.environment) as d, d.client() as c:
        ahead = status(c)["started"]
        clock.set(0)
        accepted = c.call(W + "Recommend", {"prompt": "calm"}) and c.call(W + "List")["parameters"]["runs"][0]["accepted"]
    assert accepted < ahead


# ---- A state of yesterday ----


@pytest.fixture
def spotify():
    with FakeSpotify() as s:
        yield s


def log_in(d, spotify):
    process = subprocess.Popen([CTL, "--socket", d.socket, "login", "spotify"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    address = ""
    while not address.startswith("http"):
        address = process.stdout.readline().decode().strip()
    urllib.request.urlopen(spotify.agree(address), timeout=TIMEOUT).read()
    process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0


def put_back(tmp_path):
    shutil.rmtree(tmp_path / "state")
    shutil.copytree(tmp_path / "yesterday", tmp_path / "state")


def saved(c, run):
    return list(c.stream(W + "Save", {"run": run, "provider": "spotify"}))[-1]["parameters"]


def assert_once(spotify, n):
    assert len(spotify.playlists) == 1
    items = next(iter(spotify.playlists.values()))["items"]
    assert len(items) == n == len(set(items))


def test_runs_of_yesterday_are_made_again_from_the_cache(tmp_path):
    d = Daemon(tmp_path, provider="[provider mock]\nlatency = 30s\n")
    with d.client() as c:
        run = detach(c, 1)["parameters"]["run"]
    d.kill()
    shutil.copytree(tmp_path / "state", tmp_path / "yesterday")
    with Daemon(tmp_path) as d, d.client() as c:
        first = end_of(c, run)["parameters"]["playlist"]
        later = make(c)["run"]
    put_back(tmp_path)
    with Daemon(tmp_path) as d, d.client() as c:
        again = end_of(c, run)["parameters"]["playlist"]
        assert [t["uri"] for t in again["tracks"]] == [t["uri"] for t in first["tracks"]]
        # all but what is refused to everybody, which the older state doesn't know
        assert again["receipt"]["calls"] <= 1 and again["receipt"]["cache_hits"] > 5
        assert c.call(W + "Get", {"run": later})["error"] == W + "NoSuchRun" and status(c)["notices"] == []


def test_a_playlist_saved_since_is_found_and_not_made_twice(tmp_path, spotify):
    provider = MOCK + spotify.provider()
    with Daemon(tmp_path, provider=provider) as d, d.client() as c:
        log_in(d, spotify)
        run = make(c)["run"]
    shutil.copytree(tmp_path / "state", tmp_path / "yesterday")
    with Daemon(tmp_path, provider=provider) as d, d.client() as c:
        total = saved(c, run)["added"]
        assert_once(spotify, total)
    put_back(tmp_path)
    with Daemon(tmp_path, provider=provider) as d, d.client() as c:
        reply = saved(c, run)
        assert reply["step"] == "done" and reply["added"] == total
        assert_once(spotify, total)


@pytest.mark.parametrize("moment", ["create", "add"])
def test_a_saving_that_went_on_since_adds_nothing_twice(tmp_path, spotify, moment):
    provider, extra = MOCK + spotify.provider(), "[save]\nbatch = 5\n"
    d = Daemon(tmp_path, extra, provider=provider)
    log_in(d, spotify)

    def copy(*_):
        # before the answer: the store knows that this was sent, and nothing of what comes
        if not (tmp_path / "yesterday").exists():
            shutil.copytree(tmp_path / "state", tmp_path / "yesterday")

    with d.client() as c:
        run = c.call(W + "Recommend", {"prompt": "calm", "options": {"tracks": 20}})["parameters"]["playlist"]["run"]
        if moment == "create":
            spotify.after_create = copy
        else:
            spotify.before_add = copy
        total = saved(c, run)["added"]
        assert_once(spotify, total)
    d.stop()
    put_back(tmp_path)
    with Daemon(tmp_path, extra, provider=provider) as d, d.client() as c:
        assert "1 savings of playlists that hadn't ended go on" in d.log()
        reply = saved(c, run)
        assert reply["step"] == "done" and reply["added"] == total
        assert_once(spotify, total)
