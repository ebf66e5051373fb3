"""Logging in and saving: recflowctl, a real daemon, and a small imitation of the service on loopback."""

import base64
import glob
import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest

import fake_spotify
from fake_spotify import FakeSpotify
from varlink import BUILD, TIMEOUT, Daemon

CTL = os.path.join(BUILD, "recflowctl/recflowctl")
A = "io.recflow.admin."
W = "io.recflow.workflow."
MOCK = "[provider mock]\n"


@pytest.fixture
def spotify():
    with FakeSpotify() as s:
        yield s


@pytest.fixture
def daemon(tmp_path, spotify):
    with Daemon(tmp_path, provider=MOCK + spotify.provider(), extra="[save]\nbatch = 60\n") as d:
        yield d


def ctl(d, *arguments, stdin=None):
    return subprocess.run([CTL, "--socket", d.socket, *arguments], capture_output=True, timeout=TIMEOUT, input=stdin)


class Login:
    """recflowctl login, as far as the address that a person is to open."""

    def __init__(self, d, *arguments):
        self.process = subprocess.Popen([CTL, "--socket", d.socket, "login", "spotify", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.address = ""
        while not self.address.startswith("http"):
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            self.address = line.decode().strip()

    def end(self):
        out, err = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, out.decode(), err.decode()


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read().decode()


def log_in(d, spotify):
    """Without a browser, for tests of something else."""
    with d.client() as c:
        begun = c.call(A + "BeginLogin", {"provider": "spotify", "redirect_uri": "http://127.0.0.1:1/callback"})["parameters"]
        spotify.agree(begun["url"])
        assert "error" not in c.call(A + "CompleteLogin", {"provider": "spotify", "state": begun["state"], "code": fake_spotify.CODE})


def provider_of(d, name="spotify"):
    with d.client() as c:
        return next(p for p in c.call(A + "Providers")["parameters"]["providers"] if p["name"] == name)


def a_run(d, tracks):
    out = ctl(d, "recommend", "party and dance", "--tracks", str(tracks), "--json")
    assert out.returncode == 0, out.stderr
    playlist = json.loads(out.stdout)
    assert len(playlist["tracks"]) == tracks
    return playlist


# ---- Logging in ----


def test_login_waits_for_the_browser_and_logout_forgets(daemon, spotify):
    assert "nobody is logged in" in ctl(daemon, "providers").stdout.decode()
    login = Login(daemon)
    back = spotify.agree(login.address)
    assert re.match(r"http://127\.0\.0\.1:\d+/callback\?", back)
    status, page = get(back)
    assert status == 200 and "Logged in" in page
    code, out, _ = login.end()
    assert code == 0 and out.endswith("recflowd is logged in to spotify\n")
    assert provider_of(daemon)["logged_in"] is True
    assert b"  logged in\n" in ctl(daemon, "providers").stdout
    assert ctl(daemon, "logout", "spotify").stdout == b"logged out of spotify\n"
    assert ctl(daemon, "logout", "spotify").stdout == b"nobody was logged in to spotify\n"
    assert provider_of(daemon)["logged_in"] is False


def test_a_login_survives_a_restart(tmp_path, spotify):
    with Daemon(tmp_path, provider=spotify.provider()) as d:
        log_in(d, spotify)
    with Daemon(tmp_path, provider=spotify.provider()) as d:
        assert provider_of(d)["logged_in"] is True


def test_stray_requests_are_answered_and_change_nothing(daemon, spotify):
    login = Login(daemon)
    back = spotify.agree(login.address)
    base = back.split("/callback")[0]
    port = int(base.rsplit(":", 1)[1])
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]  # as browsers connect ahead
    assert get(base + "/favicon.ico")[0] == 404
    assert get(base + "/callback?code=x&state=wrong")[0] == 400
    assert get(base + "/callback")[0] == 400
    assert get(base + "/callback?state=%00&code=%zz")[0] == 400
    for request, status in ((b"GET /callback?code=x HTTP/1.1\r\nX: " + b"y" * 9000, b"431"), (b"POST /callback HTTP/1.1\r\n\r\n", b"405"),
                            (b"\x16\x03\x01\r\n\r\n", b"400")):
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as s:
            s.sendall(request)
            assert s.recv(100).split(b" ")[1] == status
    assert login.process.poll() is None
    assert get(back)[0] == 200
    assert login.end()[0] == 0
    for s in silent:
        s.close()


def test_a_denied_login_changes_nothing(daemon, spotify):
    login = Login(daemon)
    back = re.sub("code=[^&]*", "error=access_denied", spotify.agree(login.address))
    assert "denied" in get(back)[1]
    code, _, err = login.end()
    assert code == 1 and "denied" in err
    assert provider_of(daemon)["logged_in"] is False


def test_a_code_that_the_service_refuses_is_no_login(daemon, spotify):
    login = Login(daemon)
    back = spotify.agree(login.address)
    spotify.challenges.clear()
    assert "Not logged in" in get(back)[1]
    code, _, err = login.end()
    assert code == 1 and "refused: Invalid authorization code" in err


def test_ctrl_c_ends_the_waiting(daemon):
    login = Login(daemon)
    login.process.send_signal(signal.SIGINT)
    assert login.end()[0] == 130


def test_a_port_can_be_chosen_and_one_in_use_is_named(daemon):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        out = ctl(daemon, "login", "spotify", "--port", str(s.getsockname()[1]))
    assert out.returncode == 1 and b"in use" in out.stderr


def test_pasting_the_address_logs_in(daemon, spotify):
    for wrong, words in ((b"http://127.0.0.1:8888/callback?code=a&state=b\n", b"another login"), (b"nonsense\n", b"holds no code"),
                         (b"", b"nothing was pasted")):
        out = ctl(daemon, "login", "spotify", "--paste", stdin=wrong)
        assert out.returncode == 1 and words in out.stderr
    process = subprocess.Popen([CTL, "--socket", daemon.socket, "login", "spotify", "--paste", "--json"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not (line := process.stderr.readline().decode()).startswith("http"):
        assert line
    out, _ = process.communicate(spotify.agree(line.strip()).encode() + b"\n", timeout=TIMEOUT)
    assert process.returncode == 0 and json.loads(out) == {"provider": "spotify", "logged_in": True}


@pytest.mark.parametrize("redirect", ["http://localhost:1/callback", "http://example.com/", "http://127.0.0.1.evil.example/", "ftp://x",
                                      "http://127.0.0.1:1/ x", "https://x/" + "y" * 600])
def test_codes_go_to_this_machine_or_encrypted(daemon, redirect):
    with daemon.client() as c:
        reply = c.call(A + "BeginLogin", {"provider": "spotify", "redirect_uri": redirect})
        assert reply["error"] == "org.varlink.service.InvalidParameter"


def test_wrong_logins_are_typed_errors(daemon, spotify):
    with daemon.client() as c:
        assert c.call(A + "BeginLogin", {"provider": "nosuch", "redirect_uri": "https://x/"})["error"] == A + "NoSuchProvider"
        reply = c.call(A + "BeginLogin", {"provider": "mock", "redirect_uri": "https://x/"})
        assert reply["error"] == A + "LoginFailed" and reply["parameters"]["code"] == "unsupported"
        reply = c.call(A + "CompleteLogin", {"provider": "spotify", "state": "s", "code": "c"})
        assert reply["error"] == A + "LoginFailed" and reply["parameters"]["code"] == "state"
    assert ctl(daemon, "login", "nosuch").returncode == 1


def test_only_administrators_log_in_and_save(tmp_path, spotify):
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    tmp_path.chmod(0o755)
    for p in list(tmp_path.parents)[:3]:
        if not p.stat().st_mode & 0o001:
            p.chmod(p.stat().st_mode | 0o011)
    with Daemon(tmp_path, provider=MOCK + spotify.provider()) as d:
        run = a_run(d, 5)["run"]
        for call, parameters in ((A + "BeginLogin", {"provider": "spotify", "redirect_uri": "https://x/"}), (A + "Logout", {"provider": "spotify"}),
                                 (A + "CompleteLogin", {"provider": "spotify", "state": "s", "code": "c"}),
                                 (W + "Save", {"run": run, "provider": "spotify"})):
            message = json.dumps({"method": call, "parameters": parameters})
            script = ("import os,socket,sys\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\ns=socket.socket(socket.AF_UNIX)\n"
                      "s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode()+b'\\0'); print(s.recv(65536).decode())")
            out = subprocess.run(["/usr/bin/python3", "-c", script, d.socket, message], capture_output=True, timeout=TIMEOUT)
            assert b"org.varlink.service.PermissionDenied" in out.stdout, (call, out)


# ---- Saving ----


def test_save_adds_all_tracks_in_batches_and_once(daemon, spotify):
    log_in(daemon, spotify)
    playlist = a_run(daemon, 200)
    run = playlist["run"]
    out = ctl(daemon, "save", run, "--name", "My list", "--public")
    assert out.returncode == 0, out.stderr
    assert out.stdout.decode().splitlines()[0] == "saved, 200 tracks: https://open.spotify.com/playlist/pl0"
    assert spotify.count("POST", "/v1/playlists/pl0/items") == 4
    saved = spotify.playlists["pl0"]
    assert saved["name"] == "My list" and saved["public"] is True and run in saved["description"]
    expected = [fake_spotify.track_id(f"isrc:{t['isrc']}" if t.get("isrc") else f'track:"{t["title"]}" artist:"{t["artists"][0]}"')
                for t in playlist["tracks"]]
    assert saved["items"] == expected
    out = ctl(daemon, "save", run, "--to", "spotify")
    assert out.returncode == 0 and out.stdout == b"saved already: https://open.spotify.com/playlist/pl0\n" and b"--again" in out.stderr
    assert list(spotify.playlists) == ["pl0"]
    again = json.loads(ctl(daemon, "save", run, "--again", "--json").stdout)
    assert again["playlist"] == "pl1" and again["already"] is False and spotify.playlists["pl1"]["items"] == expected
    assert spotify.playlists["pl1"]["name"] == playlist["title"] and spotify.playlists["pl1"]["public"] is False


def test_tracks_that_cannot_be_had_are_named(daemon, spotify):
    log_in(daemon, spotify)
    playlist = a_run(daemon, 10)
    lost = playlist["tracks"][3]
    spotify.unknown = lambda q: lost["title"] in q or (lost.get("isrc") or "?") in q
    out = ctl(daemon, "save", playlist["run"])
    assert out.returncode == 0 and b"saved, 9 tracks" in out.stdout
    assert f"not saved: 4. {lost['artists'][0]} - {lost['title']}: not found at spotify\n" in out.stdout.decode()
    spotify.unknown = lambda q: True
    other = ctl(daemon, "recommend", "calm", "--tracks", "5", "--seed", "9", "--json")
    out = ctl(daemon, "save", json.loads(other.stdout)["run"])
    assert out.returncode == 1 and b"none of the tracks" in out.stderr and len(spotify.playlists) == 1


def test_recommend_saves_along(daemon, spotify):
    log_in(daemon, spotify)
    out = ctl(daemon, "recommend", "calm", "--tracks", "4", "--save-to", "spotify", "--name", "Quiet")
    assert out.returncode == 0 and out.stdout.decode().splitlines()[-1] == "saved, 4 tracks: https://open.spotify.com/playlist/pl0"
    assert spotify.playlists["pl0"]["name"] == "Quiet"
    out = json.loads(ctl(daemon, "recommend", "calm", "--tracks", "4", "--save-to", "spotify", "--json").stdout)
    assert out["saved"]["link"].endswith("pl1") and len(out["tracks"]) == 4
    assert ctl(daemon, "recommend", "calm", "--name", "x").returncode == 2
    assert ctl(daemon, "recommend", "calm", "--save-to", "spotify", "--detach").returncode == 2


def test_what_cannot_be_saved_says_why(daemon, spotify):
    run = a_run(daemon, 5)["run"]
    out = ctl(daemon, "save", run)
    assert out.returncode == 5 and b"recflowctl login" in out.stderr
    log_in(daemon, spotify)
    assert b"no run" in ctl(daemon, "save", "0123456789ab").stderr
    assert b"mock can't keep playlists" in ctl(daemon, "save", run, "--to", "mock").stderr
    assert b"no provider" in ctl(daemon, "save", run, "--to", "nosuch").stderr
    assert ctl(daemon, "save", run, "--name", "x" * 101).returncode == 1


def test_an_ended_login_asks_for_another(tmp_path, spotify):
    with Daemon(tmp_path, provider=MOCK + spotify.provider()) as d:
        run = a_run(d, 5)["run"]
        log_in(d, spotify)
    spotify.refuses_refresh = True
    with Daemon(tmp_path, provider=MOCK + spotify.provider()) as d:
        out = ctl(d, "save", run)
        assert out.returncode == 5 and b"log in again" in out.stderr
        assert provider_of(d)["logged_in"] is False and spotify.playlists == {}
        spotify.refuses_refresh = False
        log_in(d, spotify)
        assert ctl(d, "save", run).returncode == 0 and len(spotify.playlists["pl0"]["items"]) == 5


# ---- Unclear ends ----


@pytest.mark.parametrize("applied", [True, False], ids=["arrived", "lost"])
def test_killed_in_the_middle_nothing_is_added_twice(tmp_path, spotify, applied):
    options = {"provider": MOCK + spotify.provider(), "extra": "[save]\nbatch = 60\n"}
    reached, go_on = threading.Event(), threading.Event()

    def hold(n):
        if n == 2:
            reached.set()
            go_on.wait(TIMEOUT)
            if not applied:
                raise ConnectionAbortedError

    if applied:
        spotify.after_add = hold
    else:
        spotify.before_add = hold
    with Daemon(tmp_path, **options) as d:
        log_in(d, spotify)
        playlist = a_run(d, 200)
        client = subprocess.Popen([CTL, "--socket", d.socket, "save", playlist["run"]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert reached.wait(TIMEOUT)
        d.kill()
        assert client.wait(TIMEOUT) == 1
        client.communicate()
    go_on.set()
    with Daemon(tmp_path, **options) as d:
        assert "go on" in d.log()
        out = ctl(d, "save", playlist["run"])  # joins it
        assert out.returncode == 0, out.stderr
    items = spotify.playlists["pl0"]["items"]
    assert len(items) == 200 and len(set(items)) == 200 and list(spotify.playlists) == ["pl0"]


def test_killed_while_the_playlist_is_made_makes_no_second_one(tmp_path, spotify):
    reached, go_on = threading.Event(), threading.Event()

    def hold():
        reached.set()
        go_on.wait(TIMEOUT)

    spotify.after_create = hold
    with Daemon(tmp_path, provider=MOCK + spotify.provider()) as d:
        log_in(d, spotify)
        run = a_run(d, 5)["run"]
        client = subprocess.Popen([CTL, "--socket", d.socket, "save", run], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert reached.wait(TIMEOUT)
        d.kill()
        client.communicate(timeout=TIMEOUT)
    spotify.after_create = lambda: None
    go_on.set()
    with Daemon(tmp_path, provider=MOCK + spotify.provider()) as d:
        assert ctl(d, "save", run).returncode == 0
    assert list(spotify.playlists) == ["pl0"] and len(spotify.playlists["pl0"]["items"]) == 5


def test_an_answer_that_is_lost_is_looked_up(daemon, spotify):
    def cut(n):
        if n == 1:
            raise ConnectionAbortedError

    spotify.after_add = cut
    log_in(daemon, spotify)
    run = a_run(daemon, 100)["run"]
    out = ctl(daemon, "save", run)
    assert out.returncode == 0, out.stderr
    items = spotify.playlists["pl0"]["items"]
    assert len(items) == 100 and len(set(items)) == 100 and spotify.n_adds == 2


def test_what_is_refused_for_the_rate_goes_on_by_itself(daemon, spotify):
    refused = []

    def too_many(method, path):
        if method == "POST" and path.endswith("/items") and len(refused) < 3:  # as often as one call waits for it
            refused.append(path)
            return 1
        return None

    log_in(daemon, spotify)
    run = a_run(daemon, 100)["run"]
    spotify.retry_after = too_many
    out = ctl(daemon, "save", run)
    assert out.returncode == 0 and b"saved, 100 tracks" in out.stdout, out.stderr
    assert re.search(r"spotify allows no more calls before 20[^ ]*Z; the saving goes on by itself then", out.stderr.decode())
    items = spotify.playlists["pl0"]["items"]
    assert len(refused) == 3 and len(items) == 100 and len(set(items)) == 100


def test_a_used_up_quota_is_told_at_once_and_survives_a_restart(tmp_path, spotify):
    options = {"provider": MOCK + spotify.provider(), "extra": "[save]\nbatch = 60\n"}
    with Daemon(tmp_path, **options) as d:
        log_in(d, spotify)
        run = a_run(d, 100)["run"]
        spotify.retry_after = lambda method, path: 7200 if method == "POST" and path.endswith("/items") else None
        for _ in range(2):  # begun, and joined
            out = ctl(d, "save", run, "--json")
            failed = json.loads(out.stdout)
            assert out.returncode == 1 and b"the saving goes on by itself at 20" in out.stdout + out.stderr, failed
    n = spotify.count("POST", ".*/items")
    with Daemon(tmp_path, **options) as d:
        assert "1 savings of playlists that hadn't ended go on" in d.log()
        out = ctl(d, "save", run)
        assert out.returncode == 1 and b"goes on by itself" in out.stderr
    assert n == spotify.count("POST", ".*/items") == 1  # the block is known


def test_two_clients_share_one_saving(daemon, spotify):
    log_in(daemon, spotify)
    run = a_run(daemon, 100)["run"]
    both = [subprocess.Popen([CTL, "--socket", daemon.socket, "save", run], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    for process in both:
        process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0
    assert list(spotify.playlists) == ["pl0"] and len(spotify.playlists["pl0"]["items"]) == 100


def test_so_many_playlists_are_saved_at_once_and_no_more(daemon, spotify):
    log_in(daemon, spotify)
    playlists = [a_run(daemon, 3)["run"] for _ in range(17)]
    go_on = threading.Event()
    spotify.before_add = lambda n: go_on.wait(TIMEOUT)
    under_way = [subprocess.Popen([CTL, "--socket", daemon.socket, "save", run], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                 for run in playlists[:16]]
    while len(spotify.playlists) < 16:
        assert all(p.poll() is None for p in under_way)
    out = ctl(daemon, "save", playlists[16])
    assert out.returncode == 1 and b"saves_active_max (16)" in out.stderr
    go_on.set()
    for process in under_way:
        process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0
    assert ctl(daemon, "save", playlists[16]).returncode == 0


# ---- Secrets ----


def write_secret(path, mode, text=fake_spotify.SECRET + "\n"):
    path.write_text(text)
    path.chmod(mode)
    return f"client_secret_file = {path}\n"


def test_a_secret_comes_from_a_file_that_only_its_owner_reads(tmp_path, spotify):
    secret = tmp_path / "secret"
    with Daemon(tmp_path, provider=spotify.provider(write_secret(secret, 0o600))) as d:
        assert ctl(d, "recommend", "--like", "X - Y", "--deadline", "2s").returncode in (0, 1)
        assert spotify.count("POST", "/api/token") >= 1 and "credential_problem" not in provider_of(d)
    for mode in (0o640, 0o604):
        with Daemon(tmp_path, provider=spotify.provider(write_secret(secret, mode))) as d:
            p = provider_of(d)
            assert p["usable"] is False and "others can read it" in p["problem"] and str(secret) in p["problem"]
    for text, words in (("", "holds no text"), ("x" * 5000, "more than 4096 bytes")):
        with Daemon(tmp_path, provider=spotify.provider(write_secret(secret, 0o600, text))) as d:
            assert words in provider_of(d)["problem"]
    with Daemon(tmp_path, provider=spotify.provider("market_file = /x\n")) as d:
        assert "no option market_file" in provider_of(d)["problem"]


def test_a_secret_comes_from_a_systemd_credential(tmp_path, spotify):
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/spotify.client_secret").write_text(fake_spotify.SECRET)
    with Daemon(tmp_path, provider=spotify.provider(""), environment={"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}) as d:
        assert "credential_problem" not in provider_of(d)
    with Daemon(tmp_path, provider=spotify.provider("")) as d:
        assert "no client secret" in provider_of(d)["credential_problem"]


def test_a_secret_that_everybody_can_read_is_warned_about(tmp_path, spotify):
    with Daemon(tmp_path, provider=spotify.provider()) as d:
        (tmp_path / "recflowd.conf").chmod(0o644)
    with Daemon(tmp_path, config=False) as d, d.client() as c:
        notices = c.call(A + "Status")["parameters"]["notices"]
        assert any("everybody can read" in n and "client_secret" in n for n in notices)
    (tmp_path / "recflowd.conf").chmod(0o600)
    with Daemon(tmp_path, config=False) as d, d.client() as c:
        assert not any("everybody can read" in n for n in c.call(A + "Status")["parameters"]["notices"])


def test_secrets_stay_where_they_belong(tmp_path, spotify):
    shown = b""
    with Daemon(tmp_path, provider=MOCK + spotify.provider()) as d:
        login = Login(d)
        get(spotify.agree(login.address))
        shown += "".join(map(str, login.end())).encode()
        run = a_run(d, 10)["run"]
        for arguments in (["save", run], ["save", run, "--json"], ["show", run, "--json"], ["providers"], ["providers", "--json"], ["status", "--json"],
                          ["runs"], ["recommend", "calm", "--json"]):
            out = ctl(d, *arguments)
            shown += out.stdout + out.stderr
        spotify.refuses_refresh = True
        with d.client() as c:
            begun = c.call(A + "BeginLogin", {"provider": "spotify", "redirect_uri": "https://x/"})["parameters"]
            shown += json.dumps(c.call(A + "CompleteLogin", {"provider": "spotify", "state": begun["state"], "code": fake_spotify.CODE})).encode()
            shown += json.dumps(c.call(A + "CompleteLogin", {"provider": "spotify", "state": "x", "code": fake_spotify.CODE})).encode()
        with open(f"/proc/{d.process.pid}/limits") as f:
            assert re.search(r"Max core file size +0 +0 ", f.read())
    for path in [tmp_path / "log", *map(str, (tmp_path / "cache").rglob("*"))]:
        if os.path.isfile(path):
            with open(path, "rb") as f:
                shown += f.read()
    for secret in (fake_spotify.SECRET, fake_spotify.REFRESH, fake_spotify.ACCESS, fake_spotify.APP_ACCESS, fake_spotify.CODE):
        assert secret.encode() not in shown, secret
    assert len(shown) > 10000
    state = tmp_path / "state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    kept = b""
    for path in glob.glob(f"{state}/*"):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
        with open(path, "rb") as f:
            kept += f.read()
    assert fake_spotify.REFRESH.encode() in kept
    for secret in (fake_spotify.SECRET, fake_spotify.ACCESS, fake_spotify.APP_ACCESS, fake_spotify.CODE):
        assert secret.encode() not in kept, secret


def all_errors(d, *commands):
    """What is said by a daemon, to everybody who asks, when these don't work."""
    said = b""
    for arguments in (*commands, ["runs", "--json"], ["providers"], ["providers", "--json"], ["status"], ["status", "--json"]):
        out = ctl(d, *arguments)
        said += out.stdout + out.stderr
    for run in json.loads(ctl(d, "runs", "--json").stdout)["runs"]:
        said += ctl(d, "show", run["run"], "--json").stdout
    return said + d.log().encode()


def json_of(**fields):
    return json.dumps(fields)


REPEATING = {
    "accounts-words": lambda path, sent, key: (400, {}, json_of(error="invalid_client", error_description=f"{key} {urllib.parse.unquote(sent)}")),
    "accounts-page": lambda path, sent, key: (403, {"Content-Type": "text/html"}, f"<html>{key} {sent}</html>"),
    "accounts-redirect": lambda path, sent, key: (302, {"Location": f"https://u:{fake_spotify.SECRET}@x.example/{sent}"}, ""),
    "api-redirect": lambda path, sent, key: (302, {"Location": f"https://u:{key[7:]}@x.example/{key[7:]}?access_token={key[7:]}"}, ""),
    "api-words": lambda path, sent, key: (400, {}, json_of(error={"status": 400, "message": f"x{'y' * 100} {key} {key[7:]}"})),
    "api-trouble": lambda path, sent, key: (500, {}, key + sent),
}


@pytest.mark.parametrize("what", REPEATING)
def test_secrets_that_a_service_repeats_are_told_to_nobody(tmp_path, spotify, what):
    with Daemon(tmp_path, provider=MOCK + spotify.provider()) as d:
        log_in(d, spotify)
        run = a_run(d, 5)["run"]
    spotify.fault = lambda path, sent, key: REPEATING[what](path, sent, key) if path.startswith("/api/") == what.startswith("accounts") else None
    n = len(spotify.requests)
    with Daemon(tmp_path, provider=MOCK + spotify.provider()) as d:  # has no access token yet
        shown = all_errors(d, ["save", run], ["save", run, "--json"])
    with Daemon(tmp_path, provider=spotify.provider()) as d:
        shown += all_errors(d, ["recommend", "--like", "X - Y", "--deadline", "5s", "--json"])
        with d.client() as c:
            begun = c.call(A + "BeginLogin", {"provider": "spotify", "redirect_uri": "https://x/"})["parameters"]
            spotify.agree(begun["url"])
            shown += json.dumps(c.call(A + "CompleteLogin", {"provider": "spotify", "state": begun["state"], "code": fake_spotify.CODE})).encode()
    assert len(spotify.requests) > n and b"spotify" in shown
    basic = base64.b64encode(f"{fake_spotify.CLIENT_ID}:{fake_spotify.SECRET}".encode())
    for secret in (fake_spotify.SECRET, fake_spotify.REFRESH, fake_spotify.ACCESS, fake_spotify.APP_ACCESS, fake_spotify.CODE):
        assert secret.encode() not in shown, (secret, shown[max(0, shown.find(secret.encode()) - 200):][:300])
    assert basic not in shown and b"planted-a" not in shown


@pytest.mark.parametrize("address", ["http://u:planted-proxy-password@127.0.0.1:9", "ftp://u:planted-proxy-password@127.0.0.1:9",
                                     "u:planted-proxy-password@127.0.0.1:9", "http://u:planted-proxy-password@no-such-host.invalid:9",
                                     "http://u:planted-proxy-password@[::1:9", "socks9://u:planted-proxy-password@127.0.0.1:9"])
@pytest.mark.parametrize("given", ["configured", "environment"])
def test_a_proxys_password_is_told_to_nobody(tmp_path, address, given):
    options = {"extra": f"[net]\nproxy = {address}\n"} if given == "configured" else {"environment": {"https_proxy": address}}
    with Daemon(tmp_path, provider="[provider reccobeat]\napi_url = http://198.51.100.7/v1\n", **options) as d:
        shown = all_errors(d, ["recommend", "happy pop", "--deadline", "5s", "--json"])
    assert b"reccobeat" in shown
    assert b"planted" not in shown, shown[max(0, shown.find(b"planted") - 200):][:300]


def test_a_wrong_proxy_is_refused_without_its_password(tmp_path):
    config = tmp_path / "conf"
    config.write_text("[net]\nproxy = http://u:planted-proxy-password@" + "x" * 300 + "\n")
    out = subprocess.run([os.path.join(BUILD, "recflowd"), "--config", str(config), "--check"], capture_output=True, timeout=TIMEOUT)
    assert out.returncode != 0 and b"proxy" in out.stderr and b"planted" not in out.stdout + out.stderr, out
