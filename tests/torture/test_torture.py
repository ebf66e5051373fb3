"""
Random runs, cancels and savings while the daemon is killed at random moments, again and again, some of the time with failing allocations,
writes and syncs (faults.c). Each round is made from its seed.

$RECFLOW_TORTURE_ROUNDS rounds (300: make torture), beginning with seed $RECFLOW_TORTURE_SEED. What happened is printed as counts.
"""

import collections
import concurrent.futures
import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

from upstreams import Upstreams, make_data, needs_upstreamd, providers
from varlink import BUILD, TIMEOUT, Client, Daemon

pytestmark = needs_upstreamd

W = "io.recflow.workflow."
A = "io.recflow.admin."
ROUNDS = int(os.environ.get("RECFLOW_TORTURE_ROUNDS", 20))
JOBS = int(os.environ.get("RECFLOW_TORTURE_JOBS", 4))
SEED = int(os.environ.get("RECFLOW_TORTURE_SEED", 1))
FAULTS = os.path.join(BUILD, ".libs/faults.so")
CTL = os.path.join(BUILD, "recflowctl/recflowctl")
PROMPTS = ["happy pop, 20 songs", "sad folk, 10 songs", "dark techno, 20 songs", "calm piano, 8 songs", "sunny reggae, 15 songs",
           "angry metal, 10 songs", "rainy sunday jazz, 12 songs", "party funk and soul, 20 songs"]
FAST = "rate = 1000\nburst = 100\n"
# an answer counts as stored if the daemon is known to have gone on with other work for so long after it
STORED_S = .25
READ_LATE_S = .75  # by which a busy service reads what was sent to it before
NEVER_CACHED = re.compile(r"/me/|/playlists/|/api/token|/authorize")
NOTHING = threading.Event()


def is_sanitized():
    libraries = subprocess.run(["ldd", os.path.join(BUILD, "recflowd")], capture_output=True, timeout=TIMEOUT).stdout
    return b"libasan" in libraries or b"libtsan" in libraries


class Gone(Exception):
    """The daemon ended while it was spoken to."""


class Life:
    """One daemon from its start to its end."""

    def __init__(self, round, faults=None, is_short=False):
        self.round = round
        self.faults = faults
        self.began_us = time.monotonic() * 1e6
        self.proof_us = 0  # when the daemon was last seen to be at work
        self.cancels_us = []
        self.known_log = os.path.getsize(round.log_path) if os.path.exists(round.log_path) else 0
        environment = {"RECFLOW_FAULTS": faults, "LD_PRELOAD": FAULTS} if faults else {}
        if faults and not is_short and round.random.random() < .7:
            environment["RECFLOW_FAULTS_READY"] = "1"
        if os.environ.get("RECFLOW_FAULTS_TRACE"):
            environment["RECFLOW_FAULTS_TRACE"] = "1"
        if is_short:
            command = [os.path.join(BUILD, "recflowd"), "--config", round.config]
            with open(round.log_path, "ab") as log:
                self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
            self.is_ready = False
        else:
            self.daemon = Daemon(round.directory, config=False, environment=environment)
            self.process, self.is_ready = self.daemon.process, self.daemon.is_ready

    def log(self):
        with open(self.round.log_path, errors="replace") as f:
            f.seek(self.known_log)
            lines = f.read().splitlines()
        # of faults in a row the first and the last
        return "\n".join(line for i, line in enumerate(lines)
                         if not all(text.startswith("faults: ") for text in lines[max(i - 1, 0):i + 2]) or i == 0)

    def call(self, method, parameters=None):
        """The last reply."""
        began_us = time.monotonic() * 1e6
        try:
            with Client(self.round.socket) as c:
                reply = c.call(method, parameters)
        except OSError as e:
            raise Gone from e
        if reply is None:
            raise Gone
        self.proof_us = max(self.proof_us, began_us)
        return reply

    def end(self, how):
        """Ends it if it hasn't ended by itself, and looks at how it ended."""
        count = self.round.count
        if how == "stop":
            self.process.terminate()
        elif how == "kill":
            self.process.kill()
        code = self.process.wait(TIMEOUT)
        self.ended_us = time.monotonic() * 1e6
        log = self.log()
        self.had_faults = "faults: " in log
        self.had_cache = "cache.mdb can't be used" not in log  # its opening can be what fails: then it works without
        assert code in (0, 1, -9), f"{self.round.name}: the daemon ended with {code}\n{log}"
        assert "not usable" not in log, f"{self.round.name}: a store was set aside\n{log}"
        if code == -9:
            count["kills"] += 1
        elif code == 0:
            count["stops"] += 1
        else:  # it gave up: only for want of something, and it says so
            said = [line for line in log.splitlines() if line and not line.startswith("faults: ") and "/" not in line[:1]]
            assert self.had_faults and said, f"{self.round.name}: the daemon ended by itself\n{log}"
            count["gave up"] += 1


class Round:
    def __init__(self, directory, seed, count, with_faults):
        self.directory = directory
        self.name = f"seed {seed}"
        self.random = random.Random(seed)
        self.count = count
        self.with_faults = with_faults and self.random.random() < .6
        self.config, self.log_path, self.socket = (os.path.join(directory, n) for n in ("recflowd.conf", "log", "socket"))
        self.upstreams = Upstreams("fine", seed=seed, profile=self.random.choice(["extended", "development"]),
                                   delay_ms=self.random.choice([5, 20, 60]))
        self.lives = []
        self.accepted = {}   # run → what is known of it: None, "cancelled" or its playlist
        self.saved = set()   # runs whose saving was begun
        self.streams = []    # connections that are left open until the daemon is gone
        with open(self.config, "w") as f:
            f.write(f"[daemon]\nsocket = {self.socket}\nstate_directory = {directory}/state\ncache_directory = {directory}/cache\n"
                    f"plugin_directory = {BUILD}/.libs\ndata_directory = {make_data(os.path.dirname(directory))}\n"
                    f"[runs]\nactive_max = {self.random.choice([1, 2, 8])}\nstop = 200ms\n[save]\nbatch = {self.random.choice([3, 7, 100])}\n" +
                    providers(self.upstreams, extra_spotify=FAST, extra_reccobeat=FAST))
        os.chmod(self.config, 0o600)

    # ---- What is done ----

    def log_in(self, life):
        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        begun = life.call(A + "BeginLogin", {"provider": "spotify", "redirect_uri": "http://127.0.0.1:1/callback"})["parameters"]
        try:
            urllib.request.build_opener(Stay).open(urllib.request.Request(begun["url"], headers={"User-Agent": "recflow/test"}), timeout=TIMEOUT)
        except urllib.error.HTTPError as e:
            with e:
                code = re.search("[?&]code=([^&]*)", e.headers["Location"])[1]
        reply = life.call(A + "CompleteLogin", {"provider": "spotify", "state": begun["state"], "code": code})
        assert "error" not in reply, reply

    def recommend(self, life):
        reply = life.call(W + "Recommend", {"prompt": self.random.choice(PROMPTS), "options": {"seed": 1}, "detach": True})
        if "error" in reply:
            assert life.faults and reply["parameters"]["message"], reply
            self.count["refused"] += 1
        else:
            self.accepted[reply["parameters"]["run"]] = None
            self.count["accepted"] += 1

    def cancel(self, life):
        run = self.random.choice(list(self.accepted))
        began_us = time.monotonic() * 1e6
        life.cancels_us.append((began_us, began_us + TIMEOUT * 1e6))
        reply = life.call(W + "Cancel", {"run": run})
        life.cancels_us[-1] = began_us, time.monotonic() * 1e6
        if reply.get("parameters", {}).get("cancelled") is True:
            self.accepted[run] = "cancelled"
            self.count["cancelled"] += 1

    def stream(self, life, method, parameters):
        """Begins something and listens to the first of it; the rest is heard by nobody."""
        try:
            c = Client(self.socket)
            self.streams.append(c)
            c.send(method, parameters, more=True)
            reply = c.receive()
        except OSError as e:
            raise Gone from e
        if reply is None:
            raise Gone
        return reply

    def save(self, life):
        run = self.random.choice(list(self.accepted))
        self.saved.add(run)
        self.stream(life, W + "Save", {"run": run, "provider": "spotify"})
        self.count["savings"] += 1

    def follow(self, life):
        run = self.random.choice(list(self.accepted))
        reply = self.stream(life, W + "Follow", {"run": run})
        assert reply.get("error") != W + "NoSuchRun", f"{self.name}: {run} is lost"
        self.check_end(life, run, reply)

    def wait(self, life):
        """Follows a run to its end, so that there is something to save."""
        run = self.random.choice(list(self.accepted))
        try:
            with Client(self.socket) as c:
                for reply in c.stream(W + "Follow", {"run": run}):
                    if reply is None:
                        raise Gone
        except OSError as e:
            raise Gone from e
        self.check_end(life, run, reply)

    def check_end(self, life, run, reply):
        """What was told once stays so."""
        if reply.get("continues"):
            return None
        if life.faults and reply.get("error") == W + "RunFailed" and reply["parameters"]["code"] == "internal":
            assert reply["parameters"]["message"]
            return None  # it failed for want of memory, or could not be read: what became of it is seen later
        if "error" in reply:
            assert reply["error"] in (W + "RunCancelled", W + "RunFailed"), f"{self.name}: {reply}"
            assert not isinstance(self.accepted.get(run), dict), f"{self.name}: {run} was done, now {reply}"
            if reply["error"] == W + "RunFailed":
                assert self.accepted.get(run) != "cancelled" and reply["parameters"]["message"], f"{self.name}: {reply}"
                return "failed"
            return "cancelled"
        playlist = reply["parameters"]["playlist"]
        known = self.accepted.get(run)
        assert known is None or known == playlist, f"{self.name}: {run} is another playlist than before"
        self.accepted[run] = playlist
        return "done"

    def live(self, life):
        """A life's deeds, and the moment of its end."""
        r = self.random
        deeds = [self.recommend] * 5 + [self.wait] * 3 + [self.save] * 4 + [self.cancel] + [self.follow] * 2
        for _ in range(r.randrange(1, 9)):
            deed = r.choice(deeds) if self.accepted else self.recommend
            deed(life)
            if r.random() < .5:
                NOTHING.wait(r.uniform(0, .2))  # a moment that nothing tells
        NOTHING.wait(r.uniform(0, .6))
        if r.random() < .5:
            life.call(A + "Ping")

    def plan_faults(self):
        r = self.random
        if not self.with_faults:
            return None
        count = lambda most: int(10 ** r.uniform(0, most)) or 1
        kinds = r.sample([("malloc", 5.3, 2), ("malloc", 4.6, 3), ("write", 2.3, 1.5), ("sync", 1.6, 1)], r.choice([1, 1, 2]))
        return ",".join(f"{kind}:{count(first)}:{count(many)}" for kind, first, many in kinds)

    def one_life(self, first):
        is_short = not first and self.random.random() < .2
        life = Life(self, None if first else self.plan_faults(), is_short)
        self.lives.append(life)
        how = "stop" if self.random.random() < .1 else "kill"
        try:
            if is_short:  # the end comes during the start
                NOTHING.wait(self.random.uniform(0, .15))
                self.count["kills at the start"] += 1
                how = "kill"
            elif life.is_ready:
                if first:
                    self.log_in(life)
                self.live(life)
            else:
                how = "wait"
        except Gone:
            how = "wait" if self.is_ending(life) else how
        life.stopped_us = time.monotonic() * 1e6
        life.end(how)
        for c in self.streams:
            c.socket.close()
        self.streams = []

    def is_ending(self, life):
        try:
            life.process.wait(2)
            return True
        except subprocess.TimeoutExpired:
            return False  # a call alone failed

    # ---- What must be so in the end ----

    def settle(self):
        """The last life: everything that was accepted comes to its end, everything that was to be saved is saved."""
        life = Life(self)
        self.lives.append(life)
        assert life.is_ready, f"{self.name}: it doesn't start any more\n{life.log()}"
        known = [r["run"] for r in life.call(W + "List", {"limit": 1000})["parameters"]["runs"]]
        lost = set(self.accepted) - set(known)
        assert not lost, f"{self.name}: lost {lost}"
        ends = {}
        for run in known:
            with Client(self.socket) as c:
                reply = list(c.stream(W + "Follow", {"run": run}))[-1]
            assert reply, f"{self.name}: the daemon is gone\n{life.log()}"
            ends[run] = self.check_end(life, run, reply)
            if ends[run] == "done":
                out = subprocess.run([CTL, "--socket", self.socket, "follow", run, "--json"], capture_output=True, timeout=TIMEOUT)
                assert out.returncode == 0 and json.loads(out.stdout) == self.accepted[run], f"{self.name}: {out}"
            assert self.accepted.get(run) != "cancelled" or ends[run] == "cancelled", f"{self.name}: {run} was cancelled, now {ends[run]}"
            self.count[f"ended: {ends[run]}"] += 1
            if ends[run] == "failed":
                self.count[f'failed: {reply["parameters"]["code"]}: {reply["parameters"]["message"]}'] += 1
        totals = {}
        for run in self.saved:
            if ends[run] != "done":
                continue
            reply = self.save_to_the_end(run)
            if reply.get("error") == W + "SaveFailed" and reply["parameters"]["code"] == "login":
                self.restore_login(life)
                reply = self.save_to_the_end(run)
            assert "error" not in reply, f"{self.name}: {reply}\n{life.log()}"
            totals[run] = reply["parameters"]["added"]
            self.count["saved"] += 1
        life.stopped_us = time.monotonic() * 1e6
        life.end("stop")
        return totals

    def save_to_the_end(self, run):
        with Client(self.socket) as c:
            return list(c.stream(W + "Save", {"run": run, "provider": "spotify"}))[-1]

    def restore_login(self, life):
        """A login is lost if the daemon is killed, or can't write, between a new refresh token's coming and its reaching the disk."""
        renewals = [e for e in self.upstreams.requests("accounts") if e["method"] == "POST" and "grant_type=refresh_token" in e["body"]]
        assert any(owner and (owner.had_faults or e["t_us"] > owner.ended_us - 1e6) for e in renewals
                   for owner in [self.life_at(e["t_us"])]), f"{self.name}: the login is lost"
        self.count["logins lost with a token on its way"] += 1
        self.log_in(life)

    def story(self):
        """What became of the playlists, in seconds, with the lives in between."""
        lines = [(life.began_us, f"a life begins, faults {life.faults}") for life in self.lives]
        lines += [(life.ended_us, f"it ends, {'with' if life.had_faults else 'without'} faults") for life in self.lives]
        for e in self.upstreams.requests("spotify"):
            if "/playlists" in e["path"]:
                end = self.upstreams.end_of(e["id"]) or {"event": "no end", "t_us": e["t_us"]}
                lines.append((e["t_us"], f'{e["method"]} {e["path"]} {e["status"]} {e.get("body", "")[:100]}: {end["event"]} '
                                         f'{(end["t_us"] - e["t_us"]) / 1e6:.3f} s later'))
        return "\n".join(f"{(t - self.lives[0].began_us) / 1e6:8.3f} {text}" for t, text in sorted(lines))

    def check_playlists(self, totals):
        """From what the service was sent and took. A request that it took counts, whether or not its answer arrived."""
        made, contents = collections.Counter(), collections.defaultdict(list)
        for e in self.upstreams.requests("spotify"):
            if e["method"] != "POST" or e["status"] != 201:
                continue
            body = json.loads(e["body"])
            if e["path"] == "/me/playlists":
                made[re.match(r"recflow run (\w+-\d+):", body["description"])[1]] += 1
            else:
                contents[e["path"]] += body["uris"]
        twice = sum(n - len(set(uris)) for uris in contents.values() for n in [len(uris)])
        assert twice == 0, f"{self.name}: {twice} tracks were added twice\n{self.story()}"
        assert all(n == 1 for n in made.values()), f"{self.name}: made twice: {made}\n{self.story()}"
        assert {run.split("-")[0] for run in made} <= self.saved and len(made) == len(contents)
        assert sorted(map(len, contents.values())) == sorted(totals.values()), f"{self.name}: {contents} {totals}"
        self.count["tracks added"] += sum(map(len, contents.values()))

    def life_at(self, t_us):
        return next((life for life in self.lives if life.began_us <= t_us <= getattr(life, "ended_us", 0)), None)

    def was_stored(self, t_us):
        """Whether an answer that was sent then was stored for certain: nothing failed, and the daemon went on for a while."""
        life = self.life_at(t_us)
        return (life and not life.had_faults and t_us + STORED_S * 1e6 <= min(life.proof_us, life.stopped_us) and
                not any(begin - STORED_S * 1e6 <= t_us <= end + STORED_S * 1e6 for begin, end in life.cancels_us))

    def check_calls(self):
        requests = [e for e in self.upstreams.requests("spotify", "reccobeat") if e["method"] == "GET" and not NEVER_CACHED.search(e["path"])]
        for e in requests:
            life = self.life_at(e["t_us"])
            if life:
                life.proof_us = max(life.proof_us, e["t_us"] - READ_LATE_S * 1e6)
        answered = {}
        for e in requests:
            ids = e["params"].get("ids", "").split(",")
            others = tuple(sorted((k, v) for k, v in e["params"].items() if k != "ids"))
            keys = [(e["service"], e["path"], others, i) for i in ids]
            for key in keys:
                at_us = answered.get(key)
                if at_us is None:
                    continue
                asker = self.life_at(e["t_us"])
                if asker and not getattr(asker, "had_cache", True):
                    self.count["answers asked for anew, without a cache"] += 1
                    continue
                is_same_life = self.life_at(at_us) is asker
                self.count["answers asked for anew, not known to be stored"] += not self.was_stored(at_us)
                assert is_same_life or not self.was_stored(at_us), f"{self.name}: repeated: {key}, answered {(e['t_us'] - at_us) / 1e6:.2f} s before"
            end = self.upstreams.end_of(e["id"])
            if end and end["event"] == "response" and e["status"] == 200:
                self.count["calls answered"] += 1
                for key in keys:
                    answered[key] = end["t_us"]
        self.count["answers stored before a kill"] += sum(self.was_stored(t) for t in answered.values())
        self.count["requests"] += len(self.upstreams.requests())

    def run(self):
        with self.upstreams:
            try:
                for i in range(self.random.randrange(2, 5)):
                    self.one_life(i == 0)
                totals = self.settle()
            finally:
                for life in self.lives:
                    life.process.kill()
                    life.process.wait(TIMEOUT)
        self.check_playlists(totals)
        self.check_calls()
        self.count["lives"] += len(self.lives)
        self.count["lives with faults"] += sum(life.had_faults for life in self.lives)
        self.count["rounds with faults"] += any(life.had_faults for life in self.lives)
        self.count["rounds"] += 1


def test_nothing_is_lost_and_nothing_is_done_twice(tmp_path, capsys):
    with_faults = os.access(FAULTS, os.R_OK) and not is_sanitized()
    make_data(tmp_path)

    def play(seed):
        directory = tmp_path / f"round-{seed}"
        directory.mkdir()
        count = collections.Counter()
        try:
            Round(str(directory), seed, count, with_faults).run()
            shutil.rmtree(directory)
        except (AssertionError, TimeoutError, Gone) as e:
            with capsys.disabled():
                print("\n".join(f"# {line}" for line in f"seed {seed}: {type(e).__name__}: {e}"[:3000].splitlines()), flush=True)
            count["failed rounds"] += 1
        return count

    # a round waits most of the time
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        count = sum(pool.map(play, range(SEED, SEED + ROUNDS)), collections.Counter())
    with capsys.disabled():
        for name in sorted(count, key=lambda n: (n.startswith("failed: "), n)):
            print(f"# {count[name]:7} {name}", flush=True)
    assert count["failed rounds"] == 0, f"{count['failed rounds']} of {ROUNDS} rounds failed"
