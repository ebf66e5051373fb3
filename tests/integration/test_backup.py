"""The state as a file and back: real daemon, real recflowctl."""

import json
import os
import stat
import subprocess
import time
import urllib.request

import pytest

from fake_spotify import FakeSpotify
from varlink import BUILD, TIMEOUT, Daemon

CTL = os.path.join(BUILD, "recflowctl/recflowctl")
W = "io.recflow.workflow."
A = "io.recflow.admin."
MOCK = "[provider mock]\n"
HEADER = {"format": "recflow-state", "version": 1, "schema": 2, "recflow": "x", "time": "x", "secrets": False}


def ctl(d, *arguments, stdin=None):
    return subprocess.run([CTL, "--socket", d.socket, *arguments], capture_output=True, timeout=TIMEOUT, input=stdin)


def export(d, *arguments):
    result = ctl(d, "state", "export", *arguments)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.decode().splitlines()]


def lines(entries):
    return "".join(json.dumps(e) + "\n" for e in entries).encode()


def whole(records):
    return lines([HEADER, *records, {"end": True, "records": len(records), "left_out": 0, "damaged": 0}])


def make_runs(d, n):
    with d.client() as c:
        return [c.call(W + "Recommend", {"prompt": "calm piano, no vocals", "options": {"seed": i, "tracks": 5, "like": ["Nobody"],
                "exclude_artists": ["Somebody Else"], "arc": "build", "deadline_ms": 30000, "no_explicit": True, "strict": True}})
                ["parameters"]["playlist"]["run"] for i in range(n)]


def daemon_in(directory, **options):
    directory.mkdir(exist_ok=True)
    return Daemon(directory, **options)


# ---- Round trips ----


def test_an_export_is_imported_elsewhere_and_exported_again_the_same(tmp_path):
    with daemon_in(tmp_path / "a") as a:
        runs = make_runs(a, 3)
        with a.client() as c:
            failed = c.call(W + "Recommend", {"prompt": " "})
            playlist = c.call(W + "Get", {"run": runs[1]})["parameters"]["playlist"]
        first = export(a)
    assert failed["error"] == W + "RunFailed"
    assert first[0]["format"] == "recflow-state" and first[0]["version"] == 1 and first[0]["schema"] == 2 and not first[0]["secrets"]
    assert first[-1] == {"end": True, "records": len(first) - 2, "left_out": 0, "damaged": 0}
    values = {e["key"]: e["value"] for e in first[1:-1] if e["table"] == "runs"}
    assert set(runs) <= set(values) and values[runs[1]]["playlist"] == playlist
    assert values[runs[1]]["wish"]["options"] == {"seed": 1, "tracks": 5, "like": ["Nobody"], "exclude_artists": ["Somebody Else"],
                                                  "arc": "build", "deadline_ms": 30000, "no_explicit": True, "strict": True}
    with daemon_in(tmp_path / "b") as b:
        result = ctl(b, "state", "import", "-", "--json", stdin=lines(first))
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout) == {"added": len(first) - 2, "replaced": 0, "kept": 0}
        assert export(b)[1:-1] == first[1:-1]
        with b.client() as c:
            assert c.call(W + "Get", {"run": runs[1]})["parameters"]["playlist"] == playlist
            # new runs sort behind those that came
            later = c.call(W + "Recommend", {"prompt": "calm"})["parameters"]["playlist"]["run"]
        assert later > max(runs)


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


def test_logins_leave_the_machine_only_if_asked_for(tmp_path, spotify):
    with daemon_in(tmp_path / "a", provider=MOCK + spotify.provider()) as a:
        log_in(a, spotify)
        run = make_runs(a, 1)[0]
        assert ctl(a, "save", run, "--to", "spotify").returncode == 0
        plain, full = ctl(a, "state", "export"), export(a, "--secrets")
        file = tmp_path / "export"
        assert ctl(a, "state", "export", "--secrets", "--output", str(file)).returncode == 0
    assert b"refresh_token" not in plain.stdout and b"1 login left out" in plain.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and os.listdir(tmp_path).count("export") == 1
    token = [e for e in full if e.get("table") == "tokens"]
    assert len(token) == 1 and token[0]["key"] == "spotify" and token[0]["value"]["refresh_token"]
    assert [e["key"] for e in full if e.get("table") == "saves"] == [run + "/spotify"]
    b = daemon_in(tmp_path / "b", provider=MOCK + spotify.provider())
    assert ctl(b, "state", "import", str(file)).returncode == 0
    assert export(b, "--secrets")[1:-1] == full[1:-1]
    b.stop()
    with Daemon(tmp_path / "b", provider=MOCK + spotify.provider()) as b, b.client() as c:
        # the login counts from the next start, and what was saved is known
        assert [p["logged_in"] for p in c.call(A + "Providers")["parameters"]["providers"] if p["name"] == "spotify"] == [True]
        reply = c.call(W + "Save", {"run": run, "provider": "spotify"})["parameters"]
        assert reply["already"]


def test_what_is_there_stays_unless_it_is_to_be_replaced(tmp_path):
    with daemon_in(tmp_path / "a") as a:
        run = make_runs(a, 1)[0]
        entries = [e for e in export(a) if e.get("table") in (None, "runs")]
        entries[-1]["records"] = 1
        entries[1]["value"]["title"] = "Another"
        kept = ctl(a, "state", "import", "-", stdin=lines(entries))
        assert kept.stdout == b"0 added, 0 replaced, 1 kept as they were\n", kept
        assert export(a)[1]["value"]["title"] != "Another"
        replaced = ctl(a, "state", "import", "-", "--replace", stdin=lines(entries))
        assert replaced.stdout == b"0 added, 1 replaced, 0 kept as they were\n"
        assert export(a)[1]["value"]["title"] == "Another" and export(a)[1]["key"] == run


def test_what_a_service_refused_is_known_where_it_is_imported(tmp_path):
    now = int(time.time() * 1e6)
    limits = {"saved_us": now, "blocked_until_us": 0, "is_quota": False, "pace_ppm": 500000, "ceiling_ppm": 600000,
              "ceiling_until_us": now + 86400 * 10**6, "settled_us": now + 3600 * 10**6,
              "refused": [{"operation": "recommendations", "way": 0, "until_us": now + 86400 * 10**6, "reason": "not for you"}]}
    entry = {"table": "limits", "key": "mock", "value": limits}
    with daemon_in(tmp_path / "a", provider="[provider mock]\nrate_limit = 5\nrate_window = 1s\n") as a, a.client() as c:
        assert c.call(W + "Recommend", {"prompt": "calm piano"})["parameters"]["state"] == "done"
        # nobody's own tracks without a login
        refused = next(e for e in export(a) if e.get("table") == "limits")["value"]["refused"]
        assert [r["operation"] for r in refused] == ["user_top"]
        assert ctl(a, "state", "import", "-", "--replace", stdin=whole([entry])).returncode == 0
        assert [e for e in export(a) if e.get("table") == "limits"] == [entry]
        reply = c.call(W + "Recommend", {"prompt": "dark techno"})
        assert reply["parameters"]["state"] == "done", reply
        learned = next(e for e in export(a) if e.get("table") == "limits")["value"]
        assert learned["saved_us"] > now and learned["pace_ppm"] <= 500000 and learned["refused"] == limits["refused"] + refused
    # an export of before it had all of them
    del limits["settled_us"]
    with daemon_in(tmp_path / "b") as b:
        assert ctl(b, "state", "import", "-", stdin=whole([entry])).returncode == 0
        assert next(e for e in export(b) if e.get("table") == "limits")["value"] == limits | {"settled_us": 0}


def test_an_import_leaves_what_is_under_way_alone(tmp_path):
    with daemon_in(tmp_path / "a", provider="[provider mock]\nlatency = 200ms\n") as a, a.client() as c:
        c.send(W + "Recommend", {"prompt": "calm"}, more=True)
        run = c.receive()["parameters"]["run"]
        entries = export(a)
        assert entries[1]["key"] == run and entries[1]["value"]["state"] in ("waiting", "running")
        entries[1]["value"].update(state="cancelled")
        assert ctl(a, "state", "import", "-", "--replace", stdin=lines(entries)).stdout == b"0 added, 0 replaced, 1 kept as they were\n"
        while (reply := c.receive()).get("continues"):
            pass
        assert reply["parameters"]["state"] == "done" and reply["parameters"]["run"] == run


def test_a_run_that_had_not_ended_is_taken_up_where_it_is_imported(tmp_path):
    with daemon_in(tmp_path / "a", provider="[provider mock]\nlatency = 30s\n") as a, a.client() as c:
        run = c.call(W + "Recommend", {"prompt": "calm", "detach": True})["parameters"]["run"]
        entries = export(a)
    b = daemon_in(tmp_path / "b")
    assert ctl(b, "state", "import", "-", stdin=lines(entries)).returncode == 0
    b.stop()
    with Daemon(tmp_path / "b") as b, b.client() as c:
        assert list(c.stream(W + "Follow", {"run": run}))[-1]["parameters"]["state"] == "done"


# ---- Mistakes ----

RUN = {"state": "failed", "accepted_us": 1, "ended_us": 2, "uid": 0, "pid": 1, "tracks": 0, "error": 22, "message": "x",
       "wish": {"prompt": "x", "options": {"seed": 0}}}
KEY = "1m86f2y0z000"


def run_with(**members):
    return {"table": "runs", "key": KEY, "value": {**RUN, **members}}


def without(name):
    return {"table": "runs", "key": KEY, "value": {k: v for k, v in RUN.items() if k != name}}


@pytest.mark.parametrize("text,line,words", [
    (b"", 1, "cut off"),
    (b"{}\n", 1, "not a file of"),
    (lines([{**HEADER, "version": 2}]), 1, "format 2 (of recflow x), and this recflow reads formats up to 1"),
    (lines([{**HEADER, "format": "else"}]), 1, "not a file of"),
    (lines([HEADER]), 2, "cut off"),
    (lines([HEADER]) + b"{\"table\":\n", 2, "not JSON"),
    (lines([HEADER]) + b"[]\n", 2, "not an object"),
    (lines([HEADER]) + b"\n", 2, "not JSON"),
    (lines([HEADER, run_with()]), 3, "cut off"),
    (lines([HEADER, run_with(), {"end": True, "records": 2}]), 3, "2 records, and 1 came before it"),
    (whole([run_with()]) + lines([run_with()]), 4, "more after the end"),
    (whole([run_with(), run_with()]), 3, "the same record stands in line 2"),
    (whole([{"key": KEY, "value": RUN}]), 2, "no \"table\""),
    (whole([{"table": "rums", "key": KEY, "value": RUN}]), 2, "no table \"rums\"; it has runs limits tokens warm saves stats uses"),
    (whole([{"table": "runs", "value": RUN}]), 2, "\"key\" and \"key_hex\""),
    (whole([{"table": "runs", "key": "", "value": RUN}]), 2, "0 bytes; 1 to 511"),
    (whole([{"table": "runs", "key": "x" * 512, "value": RUN}]), 2, "512 bytes; 1 to 511"),
    (whole([{"table": "warm", "key_hex": "abc", "value": {}}]), 2, "even number of hexadecimal"),
    (whole([{"table": "warm", "key": "x", "hex": "0g"}]), 2, "even number of hexadecimal"),
    (whole([{"table": "warm", "key": "x", "hex": "00", "value": {}}]), 2, "one of \"value\" and \"hex\""),
    (whole([{"table": "runs", "key": "short", "value": RUN}]), 2, "not the key of a run: 12 digits"),
    (whole([{"table": "runs", "key": KEY, "value": 1}]), 2, "not an object"),
    (whole([without("wish")]), 2, "not a run"),
    (whole([without("accepted_us")]), 2, "not a run"),
    (whole([run_with(more=1)]), 2, "more"),
    (whole([run_with(state="gone")]), 2, "one of waiting, running, done, failed and cancelled"),
    (whole([run_with(state="done")]), 2, "a run that is done has a \"playlist\""),
    (whole([run_with(pid=-1)]), 2, "out of range"),
    (whole([run_with(playlist=[])]), 2, "\"playlist\" is not an object"),
    (whole([run_with(wish={})]), 2, "\"wish\": \"prompt\""),
    (whole([run_with(wish={"prompt": "x", "options": {"tracks": "x"}})]), 2, "\"wish\": \"options\""),
    (whole([run_with(wish={"prompt": "x", "options": {"tracks": 1000}})]), 2, "tracks is 1000; it must be 1..200"),
    (whole([{"table": "saves", "key": KEY, "value": {}}]), 2, "12 characters, a slash"),
    (whole([{"table": "saves", "key": KEY + "/spotify", "value": {}}]), 2, "not a saving"),
    (whole([{"table": "tokens", "key": "spotify", "value": {"token": "x"}}]), 2, "not a login"),
    (whole([{"table": "limits", "key": "spotify", "value": {}}]), 2, "not what is learned"),
])
def test_a_mistake_is_named_with_its_line_and_nothing_is_imported(tmp_path_factory, shared, text, line, words):
    good = whole([run_with()])
    before = export(shared)[1:-1]
    result = ctl(shared, "state", "import", "-", stdin=text)
    message = result.stderr.decode()
    assert result.returncode == 1 and f"line {line}: " in message and words in message, message
    assert export(shared)[1:-1] == before
    assert good != text


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("shared")) as d:
        yield d


def test_the_good_record_of_the_mistakes_is_good(shared):
    assert ctl(shared, "state", "import", "-", stdin=whole([run_with()])).returncode == 0
    assert [e for e in export(shared) if e.get("key") == KEY] == [run_with()]


def test_a_table_without_a_form_is_exported_all_the_same(shared):
    records = [{"table": "warm", "key": "text", "value": {"a": 1}}, {"table": "warm", "key_hex": "ff00", "hex": "00ff"}]
    assert ctl(shared, "state", "import", "-", stdin=whole(records)).returncode == 0
    assert [e for e in export(shared) if e.get("table") == "warm"] == records


def test_more_than_the_store_may_hold_is_refused(tmp_path):
    with daemon_in(tmp_path / "a", extra="[state]\nsize = 16M\n") as a:
        records = [{"table": "warm", "key": str(i), "value": {"x": "y" * 500000}} for i in range(40)]
        result = ctl(a, "state", "import", "-", stdin=whole(records))
        assert result.returncode == 1 and b"more than the state store may grow to (16 MiB)" in result.stderr
        # where they don't fit beside what is there, all of them stay away
        assert ctl(a, "state", "import", "-", stdin=whole(records[:20])).returncode == 0
        result = ctl(a, "state", "import", "-", stdin=whole(records[20:]))
        assert result.returncode == 1 and b"has grown to its limit of 16 MiB" in result.stderr, result.stderr
        assert len(export(a)) == 22


def test_an_import_belongs_to_its_connection(tmp_path):
    with daemon_in(tmp_path / "a") as a:
        with a.client() as c, a.client() as other:
            assert c.call(A + "BeginImport") == {"parameters": {}}
            assert c.call(A + "AddToImport", {"entries": [HEADER, run_with()]}) == {"parameters": {"records": 1}}
            assert other.call(A + "AddToImport", {"entries": [HEADER]})["error"] == A + "NoImport"
            assert other.call(A + "CommitImport")["error"] == A + "NoImport"
        with a.client() as c:
            assert c.call(A + "CommitImport")["error"] == A + "NoImport"
            assert c.call(A + "ExportState")["error"] == "org.varlink.service.ExpectedMore"
        assert len(export(a)) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_strangers_may_not(tmp_path):
    os.chmod(tmp_path, 0o755)
    for parent in list(tmp_path.parents)[:2]:
        os.chmod(parent, 0o755)
    with Daemon(tmp_path) as d:
        script = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                  "s.sendall(sys.argv[2].encode()+b'\\0'); print(s.recv(65536).decode().rstrip(chr(0)))")
        for call in ({"method": A + "ExportState", "more": True}, {"method": A + "BeginImport"}, {"method": A + "CommitImport"},
                     {"method": A + "AddToImport", "parameters": {"entries": []}}):
            out = subprocess.run(["/usr/bin/python3", "-c", script, d.socket, json.dumps(call)], capture_output=True, timeout=TIMEOUT,
                                 user=65534, group=65534, extra_groups=[], cwd="/")
            assert json.loads(out.stdout)["error"] == "org.varlink.service.PermissionDenied"
