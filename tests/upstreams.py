"""The simulated services as a process (tests/upstreamd), what it saw, and what it may be asked."""

import json
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.parse

import pytest

from varlink import BUILD, SOURCE, TIMEOUT

PROGRAM = os.path.join(BUILD, "tests/upstreamd/upstreamd")
needs_upstreamd = pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="tests/upstreamd isn't built: libmicrohttpd-dev is missing")


def world(what):
    """Lines about the simulated catalogue: "artists" or "tracks"."""
    return subprocess.run([PROGRAM, "--list", what], capture_output=True, check=True, timeout=TIMEOUT).stdout.decode()


def make_data(directory):
    """A copy of data/ whose well-known artists are those of the simulated catalogue."""
    target = os.path.join(str(directory), "data")
    if not os.path.isdir(target):
        shutil.copytree(os.path.join(SOURCE, "data"), target, copy_function=shutil.copy)
        os.chmod(target, 0o755)
        os.remove(os.path.join(target, "artists.tsv"))
        with open(os.path.join(target, "artists.tsv"), "w") as f:
            f.write(world("artists"))
    return target


class Upstreams:
    """A running upstreamd. Its journal is read as it comes."""

    def __init__(self, weather="fine", seed=1, profile=None, speed=1, tls=None, delay_ms=0):
        command = [PROGRAM, "--weather", weather, "--seed", str(seed), "--speed", str(speed), "--delay", str(delay_ms)]
        if profile:
            command += ["--profile", profile]
        if tls:
            command += ["--tls", *tls]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.scheme = "https" if tls else "http"
        self.events = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()

    @property
    def address(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def wait(self, condition, timeout=TIMEOUT):
        """Waits until the condition on the list of events holds, and returns what it gave."""
        end = time.monotonic() + timeout
        with self.changed:
            while not (value := condition(self.events)):
                assert self.changed.wait(end - time.monotonic()), "it didn't happen"
        return value

    def requests(self, *services):
        with self.changed:
            return [e for e in self.events if e["event"] == "request" and (not services or e["service"] in services)]

    def count(self):
        """Calls of each endpoint, without those for tokens."""
        counts = {}
        for e in self.requests("spotify", "reccobeat"):
            name = f'{e["service"]} {e.get("endpoint", e["path"])}'
            counts[name] = counts.get(name, 0) + 1
        return counts

    def end_of(self, id):
        with self.changed:
            return next((e for e in self.events if e["id"] == id and e["event"] != "request"), None)

    def stop(self):
        self.process.stdin.close()
        code = self.process.wait(TIMEOUT)
        self.reader.join(TIMEOUT)
        self.process.stdout.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert self.stop() == 0
        for e in self.requests():
            validate(e)


def providers(upstreams, spotify=True, reccobeat=True, share=False, client="app", extra_spotify="", extra_reccobeat=""):
    """The sections of a configuration that asks these services through their own plugins."""
    text = ""
    if spotify:
        text += (f"[provider spotify]\napi_url = {upstreams.address}/spotify/v1\naccounts_url = {upstreams.address}/accounts\n" +
                 (f"client_id = {client}\nclient_secret = secret\n" if client else "") + extra_spotify)
    if reccobeat:
        text += f"[provider reccobeat]\napi_url = {upstreams.address}/reccobeat/v1\nshare_spotify_ids = {'yes' if share else 'no'}\n{extra_reccobeat}"
    return text


# ---- What the services' descriptions allow ----

BASE62 = r"[0-9A-Za-z]{22}"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def number(least, most):
    return lambda v: re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", v) and least <= float(v) <= most


def whole(least, most):
    return lambda v: re.fullmatch(r"[0-9]+", v) and least <= int(v) <= most


def matching(pattern):
    return lambda v: re.fullmatch(pattern, v)


def ids(pattern, least, most):
    return lambda v: least <= len(v.split(",")) <= most and len(set(v.split(","))) == len(v.split(",")) and all(
        re.fullmatch(pattern, i) for i in v.split(","))


ANY_ID = f"({BASE62}|{UUID})"
MARKET = matching("[A-Z]{2}")
OFFSET = whole(0, 1000)
UNIT = number(0, 1)
FEATURES = {name: UNIT for name in ("acousticness", "danceability", "energy", "instrumentalness", "liveness", "speechiness", "valence")}
FEATURES_MORE = {"loudness": number(-60, 2), "tempo": number(0, 250)}

# service, method, path: parameters that must be there, those that may
API = [
    ("spotify", "GET", "/search", {"q": lambda v: 0 < len(v) <= 1000, "type": matching("(track|artist|album)(,(track|artist|album))*")},
     {"market": MARKET, "limit": whole(1, 50), "offset": OFFSET}),
    ("spotify", "GET", f"/tracks/{BASE62}", {}, {"market": MARKET}),
    ("spotify", "GET", f"/artists/{BASE62}", {}, {}),
    ("spotify", "GET", f"/artists/{BASE62}/albums", {}, {"include_groups": matching("(album|single|appears_on|compilation)(,(album|single|"
                                                        "appears_on|compilation))*"), "limit": whole(1, 10), "offset": OFFSET, "market": MARKET}),
    ("spotify", "GET", f"/albums/{BASE62}/tracks", {}, {"limit": whole(1, 50), "offset": OFFSET, "market": MARKET}),
    ("spotify", "GET", "/me/top/(tracks|artists)", {}, {"time_range": matching("(short|medium|long)_term"), "limit": whole(1, 50),
                                                        "offset": OFFSET}),
    ("spotify", "GET", "/me/playlists", {}, {"limit": whole(1, 50), "offset": OFFSET}),
    ("spotify", "GET", f"/playlists/{BASE62}/items", {}, {"limit": whole(1, 50), "offset": OFFSET}),
    ("spotify", "POST", "/me/playlists", {}, {}),
    ("spotify", "POST", f"/playlists/{BASE62}/items", {}, {}),
    ("spotify", "GET", f"/artists/{BASE62}/top-tracks", {}, {"market": MARKET}),
    ("spotify", "GET", "/tracks", {"ids": ids(BASE62, 1, 50)}, {"market": MARKET}),
    ("spotify", "GET", "/artists", {"ids": ids(BASE62, 1, 50)}, {}),
    ("spotify", "GET", "/audio-features", {"ids": ids(BASE62, 1, 100)}, {}),
    ("spotify", "GET", "/recommendations", {"seed_tracks": ids(BASE62, 1, 5)},
     {"limit": whole(1, 100), "market": MARKET, "target_popularity": whole(0, 100),
      **{f"target_{k}": v for k, v in {**FEATURES, **FEATURES_MORE}.items()}}),
    ("accounts", "POST", "/api/token", {}, {}),
    ("reccobeat", "GET", "/track/recommendation", {"size": whole(1, 100), "seeds": ids(ANY_ID, 1, 5)},
     {"negativeSeeds": ids(ANY_ID, 1, 5), "featureWeight": number(1, 5), "key": whole(0, 11), "mode": whole(0, 1), "popularity": whole(0, 100),
      **FEATURES, **FEATURES_MORE}),
    ("reccobeat", "GET", "/track", {"ids": ids(ANY_ID, 1, 40)}, {}),
    ("reccobeat", "GET", "/audio-features", {"ids": ids(ANY_ID, 1, 40)}, {}),
    ("reccobeat", "GET", f"/track/{UUID}/audio-features", {}, {}),
    ("reccobeat", "GET", "/artist/search", {"searchText": lambda v: len(v) > 0}, {"size": whole(1, 50), "page": whole(0, 1000)}),
    ("reccobeat", "GET", f"/artist/{UUID}/track", {}, {"size": whole(1, 50), "page": whole(0, 1000)}),
]

GRANTS = {
    "client_credentials": set(),
    "authorization_code": {"code", "redirect_uri", "client_id", "code_verifier"},
    "refresh_token": {"refresh_token", "client_id"},
}

validated = {}  # requests by endpoint, over all tests


def validate_token(e):
    form = dict(urllib.parse.parse_qsl(e["body"], strict_parsing=True))
    grant = form.pop("grant_type")
    assert set(form) == GRANTS[grant], e
    assert (e["authorization"] == "Basic") == (grant == "client_credentials"), e


def validate_body(e):
    body = json.loads(e["body"])
    if e["path"] == "/me/playlists":
        assert set(body) <= {"name", "public", "description"} and isinstance(body["name"], str) and body["name"], e
        assert isinstance(body.get("public", False), bool) and isinstance(body.get("description", ""), str), e
    else:
        assert set(body) == {"uris"} and 1 <= len(body["uris"]) <= 100, e
        assert all(re.fullmatch(f"spotify:track:{BASE62}", u) for u in body["uris"]), e


def validate(e):
    """Whether a request is one that the services describe; it says what isn't."""
    if (e["service"], e["path"]) == ("accounts", "/authorize"):
        return  # a person's browser
    found = [a for a in API if a[:2] == (e["service"], e["method"]) and re.fullmatch(a[2], e["path"])]
    assert found, f"no such endpoint: {e}"
    _, method, path, required, allowed = found[0]
    for name in required:
        assert name in e["params"], f"{name} is missing: {e}"
    for name, value in e["params"].items():
        check = {**required, **allowed}.get(name)
        assert check, f"{name} isn't a parameter: {e}"
        assert check(value), f"{name} = {value} isn't allowed: {e}"
    if "negativeSeeds" in e["params"]:
        assert len(e["params"]["negativeSeeds"].split(",")) < len(e["params"]["seeds"].split(",")), e
    assert e.get("user_agent", "").startswith("recflow/"), e
    if e["service"] == "accounts":
        validate_token(e)
    elif e["service"] == "spotify":
        assert e["authorization"].startswith("Bearer "), e
    else:
        assert e["authorization"] is None, e  # no key, and nobody else's
    if method == "POST" and e["service"] == "spotify":
        validate_body(e)
    else:
        assert e["service"] == "accounts" or "body" not in e, e
    validated[(e["service"], e.get("endpoint"))] = validated.get((e["service"], e.get("endpoint")), 0) + 1
