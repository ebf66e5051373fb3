"""recflowctl as a person and a program see it: a real daemon, a terminal, and peers that misbehave."""

import csv
import io
import json
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import threading
import unicodedata
import xml.etree.ElementTree as ET

import pytest

from varlink import BUILD, SOURCE, TIMEOUT, Daemon

CTL = os.path.join(BUILD, "recflowctl/recflowctl")
W = "io.recflow.workflow."


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("daemon")) as d:
        yield d


def ctl(where, *arguments, stdin=None, **environment):
    path = where.socket if isinstance(where, Daemon) else str(where)
    env = {**os.environ, "RECFLOW_SOCKET": path, **environment}
    env.pop("COLUMNS", None) if "COLUMNS" not in environment else None
    return subprocess.run([CTL, *arguments], capture_output=True, timeout=TIMEOUT, env=env, input=stdin)


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


# ---- Commands ----


def test_recommend_prints_a_table_and_a_receipt_that_fit_80_columns(daemon):
    out = ctl(daemon, "recommend", "rainy", "sunday", "jazz", "--seed", "1")
    lines = out.stdout.decode().splitlines()
    assert out.returncode == 0 and out.stderr == b""
    assert lines[0] == "Rainy Sunday Jazz" and "Title" in lines[2] and "Artist" in lines[2]
    assert re.match(r"25 tracks, .*; fit .*calls?, .* from the cache; ", lines[-2])
    run = re.fullmatch(r"run ([0-9a-z]{12})", lines[-1])[1]
    assert ctl(daemon, "show", run).stdout == out.stdout
    assert all(width(line) <= 80 for line in lines)
    assert "\033" not in out.stdout.decode()


@pytest.mark.parametrize("columns", ["40", "60", "80", "90", "100", "120", "200"])
def test_tables_fit_any_width(daemon, columns):
    lines = ctl(daemon, "recommend", "j-pop and k-pop party", "--tracks", "8", COLUMNS=columns).stdout.decode().splitlines()
    table = lines[2:11]
    assert len(table) == 9 and all(width(line) <= int(columns) for line in table)
    assert ("Why" in table[0]) == (columns == "200") or 80 <= int(columns) <= 120
    if "Why" in table[0]:  # whole, or enough of it to say something
        reasons = [line[table[0].index("Why"):] for line in table[1:]]
        assert all(not r.endswith("…") or width(r) >= 40 for r in reasons), reasons


def test_json_is_one_value_and_nothing_else(daemon):
    for arguments in (["recommend", "calm"], ["understand", "calm"], ["plan", "calm"], ["runs"], ["providers"], ["cache", "stats"], ["ping"],
                      ["status"], ["version"], ["help"], ["reload"], ["cache", "flush"]):
        out = ctl(daemon, "--json", *arguments)
        assert out.returncode == 0 and out.stderr == b"", arguments
        assert json.loads(out.stdout) is not None and out.stdout.count(b"\n") == 1
    out = ctl(daemon, "show", "nosuchrun", "--json")
    assert out.returncode == 1 and json.loads(out.stdout)["error"] == W + "NoSuchRun"
    out = ctl(daemon, "recommend", "!!!", "--json")
    error = json.loads(out.stdout)
    assert out.returncode == 1 and error["error"] == W + "RunFailed" and error["code"] == "prompt" and error["run"] == ""


def test_every_format_can_be_read_back(daemon):
    def get(name):
        out = ctl(daemon, "recommend", "sunny reggae", "--seed", "3", "--tracks", "9", "--format", name)
        assert out.returncode == 0
        return out.stdout.decode()

    tracks = json.loads(get("json"))["tracks"]
    uris = [t["uri"] for t in tracks]
    assert get("uris").splitlines() == uris
    assert [t["location"][0] for t in json.loads(get("jspf"))["playlist"]["track"]] == uris
    ns = {"x": "http://xspf.org/ns/0/"}
    root = ET.fromstring(get("xspf"))
    assert [e.text for e in root.findall(".//x:location", ns)] == uris
    assert [e.text for e in root.findall(".//x:track/x:title", ns)] == [t["title"] for t in tracks]
    rows = list(csv.DictReader(io.StringIO(get("csv"), newline="")))
    assert [r["uri"] for r in rows] == uris and [r["title"] for r in rows] == [t["title"] for t in tracks]
    m3u = get("m3u").splitlines()
    assert m3u[0] == "#EXTM3U" and [line for line in m3u if not line.startswith("#")] == uris


def test_a_plan_has_bounds_that_the_run_keeps(daemon):
    lines = ctl(daemon, "plan", "obscure ska").stdout.decode().splitlines()
    total = re.fullmatch(r"(\d+) calls as a rule \((\d+) to (\d+)\), \d+ of them cached; .+", lines[-1])
    assert total and all(width(line) <= 80 for line in lines)
    assert any(re.match(r"artist_top_tracks +mock +\d+ +\d+-\d+ +0 ", line) for line in lines)
    usual, least, most = map(int, total.groups())
    made = json.loads(ctl(daemon, "recommend", "obscure ska", "--json").stdout)["receipt"]["calls"]
    assert least <= usual <= most and least <= made <= most


def test_options_are_wishes(daemon):
    playlist = json.loads(ctl(daemon, "recommend", "happy pop", "--tracks", "7", "--arc", "build", "--no-explicit", "--json").stdout)
    assert len(playlist["tracks"]) == 7 and not any(t.get("explicit") for t in playlist["tracks"])
    assert playlist["receipt"]["understood"]["arc"] == "build"
    artist = playlist["tracks"][0]["artists"][0]
    without = json.loads(ctl(daemon, "recommend", "happy pop", "--tracks", "7", "--exclude-artist", artist, "--json").stdout)
    assert artist not in [t["artists"][0] for t in without["tracks"]]
    long = json.loads(ctl(daemon, "recommend", "calm", "--duration", "1h30m", "--json").stdout)
    assert abs(long["duration_ms"] - 5400000) <= 162000
    liked = json.loads(ctl(daemon, "recommend", "--like", artist, "--json").stdout)
    assert liked["receipt"]["understood"]["mentions"][0]["artist"] == artist


def test_a_run_can_be_left_followed_shown_and_listed(daemon):
    run = ctl(daemon, "recommend", "--detach", "dark techno").stdout.decode().strip()
    assert re.fullmatch(r"[0-9a-z]{12}", run)
    followed = ctl(daemon, "follow", run)
    assert followed.returncode == 0 and followed.stdout.decode().startswith("Dark Techno\n")
    assert ctl(daemon, "show", run).stdout == followed.stdout
    assert run in ctl(daemon, "runs", "--state", "done").stdout.decode()
    assert b"had ended before" in ctl(daemon, "cancel", run).stdout


def test_order_reads_lines_json_and_jspf(daemon, tmp_path):
    ctl(daemon, "recommend", "party", "--tracks", "6", "--format", "jspf", "--output", str(tmp_path / "p.jspf"))
    ctl(daemon, "recommend", "party", "--tracks", "6", "--format", "m3u", "--output", str(tmp_path / "p.m3u"))
    playlist = ctl(daemon, "recommend", "party", "--tracks", "6", "--json").stdout
    uris = sorted(t["uri"] for t in json.loads(playlist)["tracks"])
    for arguments, stdin in ((["order", str(tmp_path / "p.jspf")], None), (["order", str(tmp_path / "p.m3u")], None), (["order", "-"], playlist),
                             (["order", "-"], "\n".join(uris).encode())):
        out = ctl(daemon, *arguments, "--json", "--arc", "wind-down", stdin=stdin)
        assert out.returncode == 0, out.stderr
        assert sorted(t["uri"] for t in json.loads(out.stdout)["tracks"]) == uris
    assert ctl(daemon, "order", str(tmp_path / "absent")).returncode == 1
    bad = ctl(daemon, "order", "-", stdin=b'{"tracks": [}')
    assert bad.returncode == 1 and b"-:1:" in bad.stderr


def test_order_finds_files_by_their_names_and_gives_their_places_back(daemon, tmp_path):
    known = json.loads(ctl(daemon, "recommend", "party", "--tracks", "3", "--json").stdout)["tracks"]
    names = [(t["artists"][0], t["title"]) for t in known]
    places = [f"/music/{a} - {t}.mp3" for a, t in names] + ["../b/02.flac", "/music/No Such Band - No Such Song.ogg", "C:\\b\\x.mp3"]
    text = "#EXTM3U\n" + "".join(p + "\n" for p in places[:2]) + f"#EXTINF:371,{names[2][0]} - {names[2][1]}\n{places[2]}\n"
    text += f"#EXTINF:-1,{names[0][0]} - {names[0][1]}\n{places[3]}\n" + "\n".join(places[4:]) + "\nNobody - Nothing\n"
    (tmp_path / "in.m3u").write_text(text)
    tracks = json.loads(ctl(daemon, "order", str(tmp_path / "in.m3u"), "--json").stdout)["tracks"]
    by_place = {t["uri"]: t for t in tracks if t.get("uri")}
    assert sorted(by_place) == sorted(places)
    for place, (artist, title) in zip(places[:4], names + names[:1]):
        t = by_place[place]
        assert (t["artists"][0], t["title"], t["provider"]) == (artist, title, "mock") and t["features"]
    assert by_place[places[2]]["duration_ms"] == 371000
    for output in ("m3u", "uris"):
        assert ctl(daemon, "order", str(tmp_path / "in.m3u"), "--format", output, "--output", str(tmp_path / "out")).returncode == 0
        lines = (tmp_path / "out").read_text().splitlines()
        assert "" not in lines and sorted(x for x in lines if x[0] != "#") == sorted(places + ["Nobody - Nothing"])
    assert len(json.loads(ctl(daemon, "order", str(tmp_path / "out"), "--json").stdout)["tracks"]) == 7


def test_order_reads_our_csv_and_refuses_what_it_cant_read(daemon, tmp_path):
    playlist = json.loads(ctl(daemon, "recommend", "party", "--tracks", "6", "--json").stdout)
    for name in ("csv", "xspf"):
        ctl(daemon, "recommend", "party", "--tracks", "6", "--format", name, "--output", str(tmp_path / f"p.{name}"))
    out = ctl(daemon, "order", str(tmp_path / "p.csv"), "--json")
    assert out.returncode == 0, out.stderr
    assert sorted(t["uri"] for t in json.loads(out.stdout)["tracks"]) == sorted(t["uri"] for t in playlist["tracks"])
    refused = ctl(daemon, "order", str(tmp_path / "p.xspf"))
    assert refused.returncode == 2 and b"XSPF can't be read; use JSPF" in refused.stderr and refused.stdout == b""
    assert json.loads(ctl(daemon, "order", str(tmp_path / "p.xspf"), "--json").stdout)["error"] == "input"
    # quotation marks, a line break in a cell, an empty line, a byte order mark, columns in another order
    rows = '\ufeff"artist",album,"title"\r\n"Quill, ""the"" Noraford",,"One\r\nTwo"\r\n\r\nTess,x,Slow Harbour'.encode()
    tracks = json.loads(ctl(daemon, "order", "-", "--json", stdin=rows).stdout)["tracks"]
    assert sorted((t["artists"][0], t["title"]) for t in tracks) == [('Quill, "the" Noraford', "One\r\nTwo"), ("Tess", "Slow Harbour")]
    for bad in (b'title,uri\n"One,x\n', b'title,uri\n"One"x,y\n'):
        out = ctl(daemon, "order", "-", stdin=bad)
        assert out.returncode == 1 and b"-: record 2: a quotation mark" in out.stderr
    assert ctl(daemon, "order", "-", stdin=b"title,uri\n\xff,x\n").returncode == 1
    # a title with a comma is no list of columns
    tracks = json.loads(ctl(daemon, "order", "-", "--json", stdin=b"Hello, Goodbye\nRoad").stdout)["tracks"]
    assert sorted(t["title"] for t in tracks) == ["Hello, Goodbye", "Road"]


def test_output_appears_whole_or_not_at_all(daemon, tmp_path):
    target = tmp_path / "out.json"
    out = ctl(daemon, "recommend", "calm", "--format", "json", "--output", str(target))
    assert out.returncode == 0 and out.stdout == b"" and json.loads(target.read_text())["tracks"]
    assert os.listdir(tmp_path) == ["out.json"]
    failed = ctl(daemon, "recommend", "calm", "--output", str(tmp_path / "no" / "where"))
    assert failed.returncode == 1 and b"no/where" in failed.stderr


def test_what_is_no_file_is_written_to_and_not_replaced(daemon, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    out = ctl(daemon, "recommend", "calm", "--tracks", "3", "--format", "uris", "--output", str(pipe))
    assert out.returncode == 0 and len(os.read(reader, 65536).splitlines()) == 3
    os.close(reader)
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


def test_what_is_printed_of_the_daemon_fits_80_columns(daemon):
    for arguments in (["status"], ["providers"], ["stats"], ["optimizations"], ["warm", "status"], ["warm", "list"], ["cache", "stats"], ["runs"]):
        out = ctl(daemon, *arguments)
        assert out.returncode == 0 and out.stdout
        assert [line for line in out.stdout.decode().splitlines() if width(line) > 80 and "/" not in line] == [], arguments
    assert b"      on:  Artists' top tracks are cached as long as the provider declares, 2 h\n           or more.\n" in \
        ctl(daemon, "optimizations").stdout


def test_an_export_into_a_file_tells_its_end(daemon, tmp_path):
    out = ctl(daemon, "state", "export", "--json", "--output", str(tmp_path / "state"))
    assert out.returncode == 0 and json.loads(out.stdout)["end"] is True
    assert json.loads((tmp_path / "state").read_text().splitlines()[-1]) == json.loads(out.stdout)


def test_strict_tells_of_an_unmet_wish_and_prints_all_the_same(daemon):
    out = ctl(daemon, "recommend", "something like Miles Davis", "--strict")
    assert out.returncode == 4 and b"Not kept:" in out.stdout and b"Miles Davis" in out.stdout
    assert ctl(daemon, "recommend", "calm piano", "--strict").returncode == 0


def test_json_a_file_and_strict_go_together_in_every_command(daemon, tmp_path):
    run = ctl(daemon, "recommend", "something like Miles Davis", "--tracks", "6", "--detach").stdout.decode().strip()
    ctl(daemon, "follow", run)
    (tmp_path / "list").write_bytes(ctl(daemon, "show", run, "--format", "m3u").stdout)
    for i, (code, arguments) in enumerate(((4, ["recommend", "something like Miles Davis", "--tracks", "6", "--strict"]),
                                           (4, ["follow", run, "--strict"]), (4, ["show", run, "--strict"]), (0, ["order", str(tmp_path / "list")]))):
        plain = ctl(daemon, *arguments, "--json")
        out = ctl(daemon, *arguments, "--json", "--format", "uris", "--output", str(tmp_path / str(i)))
        assert (plain.returncode, out.returncode) == (code, code), arguments
        assert json.loads(out.stdout).keys() == json.loads(plain.stdout).keys()
        assert len((tmp_path / str(i)).read_text().splitlines()) == 6
        assert ctl(daemon, *arguments, "--json", "--output", str(tmp_path / "json")).returncode == code
        assert len(json.loads((tmp_path / "json").read_text())["tracks"]) == 6
    assert ctl(daemon, "order", str(tmp_path / "list"), "--output", str(tmp_path / "text")).stdout == b""
    assert (tmp_path / "text").read_text() == ctl(daemon, "order", str(tmp_path / "list")).stdout.decode()


@pytest.mark.parametrize("options", [["--format", "json"], ["--output", "f"], ["--json", "--output", "f"], ["--format", "csv", "--output", "f"],
                                     ["--json", "--format", "json"]])
def test_a_run_without_a_playlist_cant_be_had_as_one(tmp_path, options):
    reply = b'{"parameters":{"info":{"run":"r","seq":3,"state":"failed","prompt":"x","error":"no tracks"}}}\0'
    Fake(tmp_path / "s", reply, reply, reply)
    assert b"error     no tracks" in ctl(tmp_path / "s", "show", "r").stdout
    assert json.loads(ctl(tmp_path / "s", "show", "r", "--json").stdout)["info"]["state"] == "failed"
    out = ctl(tmp_path / "s", "show", "r", *[str(tmp_path / o) if o == "f" else o for o in options])
    assert out.returncode == 1 and b"run r has no playlist: it is failed" in out.stderr and not (tmp_path / "f").exists()
    assert json.loads(out.stdout)["error"] == "no_playlist" if "--json" in options else out.stdout == b""


def test_what_was_not_understood_is_said(daemon):
    assert b"Not understood: frobnicate" in ctl(daemon, "recommend", "calm frobnicate").stdout


def test_optimizations_are_listed_and_switched(daemon):
    def states(field="enabled"):
        return {o["name"]: o[field] for o in json.loads(ctl(daemon, "optimizations", "--json").stdout)["optimizations"]}

    assert len(states()) == 25 and all(states().values())
    out = ctl(daemon, "optimizations", "set", "coalesce", "off")
    assert out.returncode == 0 and out.stdout == b"coalesce is off, until the next reload or restart\n"
    assert [n for n, on in states().items() if not on] == ["coalesce"] and all(states("default").values())
    text = ctl(daemon, "optimizations").stdout.decode()
    assert re.search(r"^ours  coalesce +off +on$", text, re.M) and "off: Each caller calls." in text
    assert ctl(daemon, "optimizations", "profile", "baseline").returncode == 0 and not any(states().values())
    assert ctl(daemon, "optimizations", "profile", "full").returncode == 0 and all(states().values())
    unknown = ctl(daemon, "optimizations", "set", "warp", "on")
    assert unknown.returncode == 1 and b"no such optimisation" in unknown.stderr


def test_the_version_needs_no_daemon():
    for arguments in (["version"], ["--version"], ["--version", "recommend"], ["recommend", "calm", "--version"]):
        out = ctl("/nowhere", *arguments)
        assert out.returncode == 0 and re.fullmatch(rb"recflowctl \d+\.\d+\S*\n", out.stdout) and out.stderr == b""
        assert json.loads(ctl("/nowhere", "--json", *arguments).stdout)["version"].encode() in out.stdout


# ---- Wrong use ----


@pytest.mark.parametrize("arguments,words", [
    ([], "a command is needed"), (["recomend", "x"], 'did you mean "recommend"?'), (["rainy sunday jazz"], 'follows "recflowctl recommend"'),
    (["recommend"], "a prompt is needed"), (["plan"], "a prompt is needed"), (["understand"], "a prompt is needed"), (["recommend", "--tracks", "500", "x"], "--tracks 500: a number from 1 to 200"),
    (["recommend", "--tracks", "five", "x"], "--tracks five"), (["recommend", "--tracks"], "--tracks needs a value"),
    (["recommend", "--duration", "45", "x"], "such as 45m"), (["recommend", "--duration", "2d", "x"], "such as 45m"),
    (["recommend", "--deadline", "1ms", "x"], "such as 20s"), (["recommend", "--arc", "up", "x"], "steady|build|peak|wind-down"),
    (["recommend", "--format", "mp3", "x"], "text|json|jspf"), (["recommend", "--bogus", "x"], "there is no option --bogus"),
    (["recommend", "-x", "x"], "there is no option -x"), (["ping", "--tracks", "5"], "ping takes no --tracks"), (["ping", "extra"], "usage:"),
    (["follow"], "usage: recflowctl follow RUN"), (["cache", "eat"], "stats, flush"), (["optimizations", "set", "coalesce", "maybe"], "set NAME on"), (["recommend", "--json=yes", "x"], "takes no value"),
    (["warm", "add", ""], "a prompt is needed"), (["stats", "--since", "1s"], "from 1m to 7d"), (["state", "eat"], "state export"),
    (["recommend", b"a\xffb"], "the prompt isn't UTF-8"), (["understand", b"\xff"], "the prompt isn't UTF-8"),
    (["warm", "add", b"\xff"], "the prompt isn't UTF-8"), (["recommend", "x", "--exclude-artist", b"\xff"], "--exclude-artist: the name isn't UTF-8"),
    (["recommend", "x", "--like", b"\xff"], "--like: the name isn't UTF-8"), (["save", "x", "--name", b"\xff"], "--name: the value isn't UTF-8"),
])
def test_wrong_arguments_are_explained_and_exit_with_2(arguments, words):
    out = ctl("/nowhere", *arguments)
    assert out.returncode == 2 and words in out.stderr.decode() and out.stdout == b""
    out = ctl("/nowhere", "--json", *arguments)
    error = json.loads(out.stdout)
    assert out.returncode == 2 and error["error"] == "usage" and words in error["message"] and out.stdout.count(b"\n") == 1


def test_without_a_daemon_it_exits_with_3_and_says_where_it_looked(tmp_path):
    out = ctl(tmp_path / "none", "ping")
    assert out.returncode == 3 and str(tmp_path / "none") in out.stderr.decode() and "recflowd" in out.stderr.decode()
    out = ctl(tmp_path / "none", "ping", "--json")
    assert out.returncode == 3 and json.loads(out.stdout)["error"] == "no_daemon"


def test_a_failure_exits_with_1_and_the_reason(daemon):
    out = ctl(daemon, "recommend", "")
    assert out.returncode == 1 and b"nothing in the prompt" in out.stderr
    out = ctl(daemon, "recommend", "x" * 10240)
    assert out.returncode == 1 and b"at most 4096" in out.stderr


def test_errors_name_what_they_are_about(daemon, tmp_path):
    out = ctl(daemon, "warm", "add", "!!!")
    assert out.returncode == 1 and b"nothing in the prompt" in out.stderr
    out = ctl(daemon, "login", "mock")
    assert out.returncode == 1 and b"mock has no login" in out.stderr
    out = ctl(daemon, "optimizations", "set", "foo", "on")
    assert out.returncode == 1 and b'"recflowctl optimizations" lists them' in out.stderr
    out = ctl(daemon, "order", str(tmp_path))
    assert out.returncode == 1 and b"Is a directory" in out.stderr


def test_a_reader_that_has_had_enough_is_no_reason_to_complain(daemon):
    for arguments in (["status"], ["optimizations"], ["metrics"], ["providers", "--json"]):
        reader, writer = os.pipe()
        os.close(reader)
        out = subprocess.run([CTL, "--socket", daemon.socket, *arguments], stdout=writer, stderr=subprocess.PIPE, timeout=TIMEOUT)
        os.close(writer)
        assert out.returncode == 1 and out.stderr == b"", arguments


def test_a_prompt_without_a_word_is_refused_before_it_becomes_a_run(daemon):
    with daemon.client() as c:
        runs = c.call(W + "List")
        failed = c.call("io.recflow.admin.Status")["parameters"]["runs_failed"]
        for prompt in ("", "!!!", "  "):
            reply = c.call(W + "Recommend", {"prompt": prompt, "detach": True})
            assert reply["error"] == W + "RunFailed" and reply["parameters"]["run"] == "" and reply["parameters"]["code"] == "prompt"
        assert c.call("io.recflow.admin.Status")["parameters"]["runs_failed"] == failed and c.call(W + "List") == runs


def test_a_full_disk_or_closed_output_is_a_failure(daemon):
    if not (os.path.exists("/dev/full") and stat.S_ISCHR(os.stat("/dev/full").st_mode)):
        pytest.skip("/dev/full is missing")
    with open("/dev/full", "w") as full:
        out = subprocess.run([CTL, "--socket", daemon.socket, "status"], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT)
    assert out.returncode == 1 and b"standard output" in out.stderr


# ---- Peers that misbehave ----


class Fake:
    """Answers each connection with prepared bytes, keeps what it was sent."""

    def __init__(self, path, *answers):
        self.path = str(path)
        self.calls = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.answers = list(answers)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while self.answers:
            c, _ = self.listener.accept()
            data = b""
            while b"\0" not in data:
                data += c.recv(65536)
            self.calls.append(json.loads(data.rstrip(b"\0")))
            c.sendall(self.answers.pop(0))
            c.close()


def test_a_daemon_that_vanishes_is_named(tmp_path):
    state = b'{"parameters":{"run":"r","seq":1,"state":"running"},"continues":true}\0'
    Fake(tmp_path / "s", state)
    out = ctl(tmp_path / "s", "recommend", "x")
    assert out.returncode == 1 and b"closed the connection" in out.stderr


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n\0", b"[]\0", b'{"parameters":5}\0', b"x" * 1100000],
                         ids=["http", "a list", "parameters", "endless"])
def test_a_peer_that_speaks_something_else_is_named(tmp_path, answer):
    Fake(tmp_path / "s", answer)
    out = ctl(tmp_path / "s", "ping")
    assert out.returncode == 1 and (b"doesn't speak Varlink" in out.stderr or b"closed the connection" in out.stderr)


def test_names_cannot_steer_the_terminal(tmp_path):
    track = {"position": 1, "title": "\x1b[2J\x07evil\u009b31m", "artists": ["日本語のとても長いアーティスト名前とバンド", "b\nc"], "duration_ms": 61000,
             "phase": "opening", "reason": "r"}
    playlist = {"run": "r", "prompt": "p", "title": "T\x1b]0;x\x07", "duration_ms": 61000, "tracks": [track], "receipt": {}}
    Fake(tmp_path / "s", json.dumps({"parameters": {"run": "r", "seq": 1, "state": "done", "playlist": playlist}}).encode() + b"\0")
    text = ctl(tmp_path / "s", "recommend", "x").stdout.decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert all(width(line) <= 80 for line in text.splitlines())


# ---- At a terminal ----


def at_a_terminal(arguments, path, **environment):
    """Runs recflowctl on a pseudo-terminal: what a person sees, and its exit code."""
    env = {**os.environ, "RECFLOW_SOCKET": path, "TERM": "xterm-256color", **environment}
    env.pop("NO_COLOR", None) if "NO_COLOR" not in environment else None
    try:
        main, side = pty.openpty()
    except OSError as e:
        pytest.skip(f"no pseudo-terminal can be had: {e}")
    process = subprocess.Popen([CTL, *arguments], stdin=side, stdout=side, stderr=side, env=env)
    os.close(side)
    seen = b""
    while True:
        try:
            ready = select.select([main], [], [], TIMEOUT)[0]
            data = os.read(main, 65536) if ready else b""
        except OSError:
            data = b""
        if not data:
            break
        seen += data
    os.close(main)
    return seen.decode(), process.wait(TIMEOUT)


def test_a_terminal_gets_progress_and_colour_and_no_color_is_respected(tmp_path):
    with Daemon(tmp_path, provider="[provider mock]\nlatency = 30ms\n") as d:
        seen, code = at_a_terminal(["recommend", "calm"], d.socket)
        assert code == 0 and "candidates)" in seen and "\033[1m" in seen
        assert "\033[1m" not in at_a_terminal(["recommend", "calm"], d.socket, NO_COLOR="1")[0]
        assert "candidates)" not in at_a_terminal(["recommend", "party", "--quiet"], d.socket)[0]


def test_ctrl_c_cancels_the_run_first(tmp_path):
    with Daemon(tmp_path, provider="[provider mock]\nlatency = 30s\n") as d:
        process = subprocess.Popen([CTL, "--socket", d.socket, "recommend", "calm"], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        with d.client() as c:
            while not (runs := c.call(W + "List", {"state": "running"})["parameters"]["runs"]):
                assert process.poll() is None
            # it has heard of the run once it follows it: the first state comes with the id
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=TIMEOUT)
            assert process.returncode == 130 and out == b""
            assert c.call(W + "Get", {"run": runs[0]["run"]})["parameters"]["info"]["state"] == "cancelled", err


@pytest.mark.parametrize("answer,words", [(b"true", b"run r1 cancelled"), (b"false", b"run r1 had ended before")])
def test_ctrl_c_says_what_became_of_the_run(tmp_path, answer, words):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen(2)
        process = subprocess.Popen([CTL, "--socket", str(tmp_path / "s"), "recommend", "calm"], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        stream, _ = listener.accept()
        stream.recv(65536)
        stream.sendall(b'{"parameters":{"run":"r1","seq":1,"state":"running"},"continues":true}\0')
        process.send_signal(signal.SIGINT)
        other, _ = listener.accept()
        assert json.loads(other.recv(65536).rstrip(b"\0"))["parameters"] == {"run": "r1"}
        other.sendall(b'{"parameters":{"cancelled":' + answer + b"}}\0")
        _, err = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 130 and words in err
        stream.close()
        other.close()


def test_ctrl_c_leaves_a_followed_run_alone(tmp_path):
    with Daemon(tmp_path, provider="[provider mock]\nlatency = 30s\n") as d, d.client() as c:
        run = ctl(d, "recommend", "--detach", "calm").stdout.decode().strip()
        clients = c.call("io.recflow.admin.Status")["parameters"]["clients"]
        process = subprocess.Popen([CTL, "--socket", d.socket, "follow", run], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        while c.call("io.recflow.admin.Status")["parameters"]["clients"] == clients:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT)
        assert process.returncode == 130
        assert c.call(W + "Get", {"run": run})["parameters"]["info"]["state"] == "running"


# ---- What it is made of ----


def test_it_links_nothing_heavy():
    libraries = subprocess.run(["ldd", CTL], capture_output=True, timeout=TIMEOUT).stdout.decode()
    assert "libjansson" in libraries
    for name in ("libcurl", "libsystemd", "libunistring", "liblmdb", "libcrypto"):
        assert name not in libraries


def test_help_fits_80_columns():
    for command in [[], *[[c] for c in json.loads(subprocess.run([CTL, "help", "--json"], capture_output=True, timeout=TIMEOUT).stdout)]]:
        out = subprocess.run([CTL, "help", *command], capture_output=True, timeout=TIMEOUT).stdout.decode()
        assert out and all(width(line) <= 80 for line in out.splitlines()), out


def test_lists_fit_80_columns(daemon):
    assert ctl(daemon, "warm", "add", "a rainy sunday with jazz and a book and a cup of tea and nobody who calls").returncode == 0
    for arguments in (["optimizations"], ["warm", "status"], ["warm", "list"], ["runs"], ["plan", "calm"]):
        out = ctl(daemon, *arguments).stdout.decode()
        assert out and all(width(line) <= 80 for line in out.splitlines()), out
    lines = ctl(daemon, "help").stdout.decode().split("Options of all")[0].splitlines()
    assert {m.end() for line in lines if (m := re.match(r"  [a-z]+(?: \S+)*? {2,}(?=\S)|  {20,}(?=\S)", line))} == {25}
    assert ctl(daemon, "-h").stdout == ctl(daemon, "--help").stdout and ctl(daemon, "ping", "-h").stdout == ctl(daemon, "help", "ping").stdout


def test_the_manual_describes_every_command_and_option():
    with open(os.path.join(SOURCE, "docs/man/recflowctl.1")) as f:
        manual = f.read().replace("\\-", "-")
    table = json.loads(subprocess.run([CTL, "help", "--json"], capture_output=True, timeout=TIMEOUT).stdout)
    for command, options in table.items():
        assert re.search(rf'^\.(TP\n\.)?BI? ?R? ?"?{command}\b', manual, re.M) or re.search(rf'^\.BR "{command} ', manual, re.M), command
        for option in options:
            assert re.search(rf"^\.BI? {option}\b", manual, re.M), option
    described = set(re.findall(r"^\.BI? (--[a-z-]+)", manual, re.M))
    assert described == {o for options in table.values() for o in options}


def test_the_daemons_manual_describes_every_option():
    out = subprocess.run([os.path.join(BUILD, "recflowd"), "--help"], capture_output=True, timeout=TIMEOUT).stdout.decode()
    with open(os.path.join(SOURCE, "docs/man/recflowd.8")) as f:
        manual = f.read().replace("\\-", "-")
    assert set(re.findall(r"^  (--[a-z-]+)", out, re.M)) == set(re.findall(r"^\.BI? (--[a-z-]+)", manual, re.M))


def test_the_configurations_manual_has_every_option():
    sample = subprocess.run([os.path.join(BUILD, "recflowd"), "--sample"], capture_output=True, timeout=TIMEOUT).stdout.decode()
    with open(os.path.join(BUILD, "docs/man/recflowd.conf.5")) as f:
        manual = f.read().replace("\\-", "-")
    names = re.findall(r"^#([a-z_-]+) =", sample.split("#[provider")[0], re.M)
    assert len(names) > 15
    for name in names:
        assert re.search(rf"^\.B {name}$", manual, re.M), name
