"""The Varlink library on real sockets: certified peers, malformed messages, crowds, slow and vanishing clients."""

import glob
import json
import os
import re
import select
import shutil
import socket
import subprocess
import threading
import time

import pytest

from varlink import BUILD, SOURCE, TIMEOUT, Client, connect, wait_for_line

GO = shutil.which("varlink-go-certification")
needs_go = pytest.mark.skipif(not GO, reason="varlink-go-certification (package varlink-go) isn't installed")
TEST = "io.recflow.test."


def test_the_protocols_document_lists_every_method():
    with open(os.path.join(SOURCE, "docs/control-protocol.md")) as f:
        listed = dict(re.findall(r"^- `(io\.recflow\.\w+)`: ((?:.|\n  )+)", f.read(), re.M))
    described = {}
    for path in glob.glob(os.path.join(SOURCE, "daemon/control/*.varlink")):
        with open(path) as f:
            text = f.read()
        described[re.search(r"^interface (\S+)", text, re.M).group(1)] = set(re.findall(r"^method (\w+)", text, re.M))
    assert len(described) == 2 and {name: set(re.split(r",\s+", methods)) for name, methods in listed.items()} == described


class Service:
    def __init__(self, path, description=None):
        self.path = str(path)
        command = [os.path.join(BUILD, "tests/control/varlink-service"), self.path] + ([description] if description else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        wait_for_line(self.process, "ready")

    def stop(self):
        out, _ = self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == 0
        return out.decode()


@pytest.fixture
def service(tmp_path):
    s = Service(tmp_path / "s")
    yield s
    s.stop()


@pytest.fixture
def client(service):
    with Client(service.path) as c:
        yield c


def go_service(path):
    """The Go implementation's service, once it answers."""
    process = subprocess.Popen([GO, f"--varlink=unix:{path}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            return process, Client(path)
        except OSError:
            time.sleep(0.01)  # it says nothing when it listens: asked again until it does
    raise AssertionError("the Go service doesn't listen")


@needs_go
def test_our_client_passes_the_certification(tmp_path):
    process, client = go_service(tmp_path / "go")
    client.socket.close()
    out = subprocess.run([os.path.join(BUILD, "tests/control/varlink-certify"), str(tmp_path / "go")], capture_output=True, timeout=TIMEOUT)
    process.kill()
    process.wait()
    assert out.stdout == b"all ok\n", out


@needs_go
def test_our_service_passes_the_certification(tmp_path):
    process, client = go_service(tmp_path / "go")
    description = client.call("org.varlink.service.GetInterfaceDescription", {"interface": "org.varlink.certification"})
    client.socket.close()
    process.kill()
    process.wait()
    (tmp_path / "description").write_text(description["parameters"]["description"])
    s = Service(tmp_path / "ours", str(tmp_path / "description"))
    out = subprocess.run([GO, "--client", f"--varlink=unix:{tmp_path}/ours"], capture_output=True, timeout=TIMEOUT)
    said = (out.stdout + out.stderr).decode()
    ours = subprocess.run([os.path.join(BUILD, "tests/control/varlink-certify"), str(tmp_path / "ours")], capture_output=True, timeout=TIMEOUT)
    s.stop()
    assert "End: 'true'" in said, said
    assert ours.stdout == b"all ok\n", ours


def test_a_service_describes_itself(client):
    info = client.call("org.varlink.service.GetInfo")["parameters"]
    assert info["interfaces"] == ["org.varlink.service", "io.recflow.test"]
    assert set(info) == {"vendor", "product", "version", "url", "interfaces"}
    for name in info["interfaces"]:
        text = client.call("org.varlink.service.GetInterfaceDescription", {"interface": name})["parameters"]["description"]
        assert f"interface {name}\n" in text
    assert client.call("org.varlink.service.GetInterfaceDescription", {"interface": "no.such"}) == {
        "error": "org.varlink.service.InterfaceNotFound", "parameters": {"interface": "no.such"}}


CLOSES = {
    "not JSON": b"hello",
    "an empty message": b"",
    "an array": b"[]",
    "a string": b'"x"',
    "cut off": b'{"method":"io.recflow.test.Echo"',
    "something behind": b'{"method":"io.recflow.test.Cancelled"} x',
    "not UTF-8": b'{"method":"io.recflow.test.Echo","parameters":{"text":"\xff\xfe"}}',
    "an escaped NUL": b'{"method":"io.recflow.test.Echo","parameters":{"text":"a\\u0000b"}}',
    "no method": b'{"parameters":{}}',
    "a method that is a number": b'{"method":5}',
    "two flags": b'{"method":"io.recflow.test.Cancelled","more":true,"oneway":true}',
    "a flag that is a number": b'{"method":"io.recflow.test.Cancelled","more":1}',
    "an unknown member": b'{"method":"io.recflow.test.Cancelled","unknown":1}',
    "a member twice": b'{"method":"io.recflow.test.Cancelled","method":"io.recflow.test.Cancelled"}',
    "too deep": b'{"method":"io.recflow.test.Echo","parameters":' + b'{"text":' * 80 + b"1" + b"}" * 80 + b"}",
    "a million brackets": b"[" * 1000000,
}


@pytest.mark.parametrize("name", CLOSES)
def test_what_is_not_varlink_ends_the_connection_and_nothing_else(service, name):
    with Client(service.path) as other, Client(service.path) as c:
        # what came before is still answered
        c.socket.sendall(b'{"method":"io.recflow.test.Cancelled"}\0' + CLOSES[name] + b"\0")
        assert c.receive() == {"parameters": {"times": 0}}
        assert c.receive() is None
        assert other.call(TEST + "Echo", {"text": "still here"}) == {"parameters": {"text": "still here"}}


SERVICE = "org.varlink.service."
ANSWERS = [
    ("an interface nobody has", {"method": "no.such.Method"}, SERVICE + "InterfaceNotFound", {"interface": "no.such"}),
    ("no interface", {"method": "Method"}, SERVICE + "InterfaceNotFound", {"interface": "Method"}),
    ("an empty method", {"method": ""}, SERVICE + "InterfaceNotFound", {"interface": ""}),
    ("a method nobody has", {"method": TEST + "Nothing"}, SERVICE + "MethodNotFound", {"method": TEST + "Nothing"}),
    ("a method that isn't done", {"method": TEST + "Undone"}, SERVICE + "MethodNotImplemented", {"method": TEST + "Undone"}),
    ("upgrade", {"method": TEST + "Cancelled", "upgrade": True}, SERVICE + "MethodNotImplemented", {"method": TEST + "Cancelled"}),
    ("more is missing", {"method": TEST + "Count", "parameters": {"to": 3}}, SERVICE + "ExpectedMore", {}),
    ("a parameter is missing", {"method": TEST + "Echo"}, SERVICE + "InvalidParameter", {"parameter": "text"}),
    ("null for what isn't optional", {"method": TEST + "Echo", "parameters": {"text": None}}, SERVICE + "InvalidParameter", {"parameter": "text"}),
    ("a wrong type", {"method": TEST + "Echo", "parameters": {"text": 5}}, SERVICE + "InvalidParameter", {"parameter": "text"}),
    ("a float for an int", {"method": TEST + "Typed", "parameters": {"number": 5.5}}, SERVICE + "InvalidParameter", {"parameter": "number"}),
    ("an unknown parameter", {"method": TEST + "Echo", "parameters": {"text": "", "x": 1}}, SERVICE + "InvalidParameter", {"parameter": "x"}),
    ("no such value", {"method": TEST + "Typed", "parameters": {"number": 1, "colour": "pink"}}, SERVICE + "InvalidParameter",
     {"parameter": "colour"}),
    ("a wrong element", {"method": TEST + "Typed", "parameters": {"number": 1, "list": [1, "2"]}}, SERVICE + "InvalidParameter",
     {"parameter": "list"}),
    ("parameters that are no object", {"method": TEST + "Echo", "parameters": [1]}, SERVICE + "InvalidParameter", {"parameter": "parameters"}),
]


@pytest.mark.parametrize("call,error,parameters", [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
def test_mistakes_in_a_call_are_answered_and_the_connection_stays(client, call, error, parameters):
    client.socket.sendall(json.dumps(call).encode() + b"\0")
    assert client.receive() == {"error": error, "parameters": parameters}
    assert client.call(TEST + "Echo", {"text": "ok"}) == {"parameters": {"text": "ok"}}


@pytest.mark.parametrize("raw", [
    b'{"method":"io.recflow.test.Cancelled"}', b'{"method":"io.recflow.test.Cancelled","parameters":null}',
    b'{"method":"io.recflow.test.Cancelled","parameters":{}}', b' {\n\t"method" : "io.recflow.test.Cancelled" } ',
    b'{"method":"io.recflow.test.Cancelled","com.example.extension":{"a":1}}',
    b'{"method":"io.recflow.test.Cancelled","more":false,"oneway":false}', b'{"method":"io.recflow.test.Cancelled","more":true}',
])
def test_the_same_call_may_be_written_in_many_ways(client, raw):
    client.socket.sendall(raw + b"\0")
    assert client.receive() == {"parameters": {"times": 0}}


def test_null_for_an_optional_parameter_is_absence(client):
    assert client.call(TEST + "Typed", {"number": 1, "maybe": None, "colour": "red", "list": [], "flag": None}) == {"parameters": {}}


def test_replies_are_written_plainly(client):
    client.send(TEST + "Echo", {"text": "ä\n\"€\\😀\x01"})
    client.receive_raw = client.socket.recv(65536)
    assert client.receive_raw == '{"parameters":{"text":"ä\\n\\"€\\\\😀\\u0001"}}'.encode() + b"\0"


def test_messages_may_come_in_pieces_and_together(client):
    call = json.dumps({"method": TEST + "Echo", "parameters": {"text": "x" * 5000}}).encode() + b"\0"
    for i in range(0, len(call), 700):
        client.socket.sendall(call[i:i + 700])
    assert len(client.receive()["parameters"]["text"]) == 5000
    client.socket.sendall(b"".join(json.dumps({"method": TEST + "Echo", "parameters": {"text": str(i)}}).encode() + b"\0" for i in range(500)))
    assert [client.receive()["parameters"]["text"] for _ in range(500)] == [str(i) for i in range(500)]


def test_a_message_has_a_size_that_it_may_not_pass(service):
    with Client(service.path) as c:
        text = "x" * (1024 * 1024 - 200)
        assert c.call(TEST + "Echo", {"text": text}) == {"parameters": {"text": text}}
    with Client(service.path) as c:
        try:
            c.socket.sendall(b" " * (1024 * 1024 + 4096))
            assert c.receive() is None
        except (BrokenPipeError, ConnectionResetError):
            pass


def test_a_oneway_call_has_no_reply(client):
    client.send(TEST + "Echo", {"text": "nobody hears this"}, oneway=True)
    client.send(TEST + "Nothing", oneway=True)
    assert client.call(TEST + "Echo", {"text": "second"}) == {"parameters": {"text": "second"}}


def test_a_stream_comes_in_order_and_later_calls_wait_for_it(client):
    client.send(TEST + "Count", {"to": 100}, more=True)
    client.send(TEST + "Echo", {"text": "after"})
    replies = [client.receive() for _ in range(100)]
    assert [r["parameters"]["number"] for r in replies] == list(range(1, 101))
    assert [r.get("continues", False) for r in replies] == [True] * 99 + [False]
    assert client.receive() == {"parameters": {"text": "after"}}


def test_a_reply_that_the_description_forbids_is_caught(service):
    with Client(service.path) as c:
        assert c.call(TEST + "Wrong") is None


def test_a_half_closed_client_gets_its_replies(client):
    client.send(TEST + "Count", {"to": 50, "padding": 1000}, more=True)
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.receive()["parameters"]["number"] for _ in range(50)] == list(range(1, 51))
    assert client.receive() is None


def test_two_hundred_clients_at_once(service):
    clients = [Client(service.path) for _ in range(200)]
    for round in range(5):
        for i, c in enumerate(clients):
            c.send(TEST + "Echo", {"text": f"{i} {round}"})
        for i, c in enumerate(clients):
            assert c.receive() == {"parameters": {"text": f"{i} {round}"}}
    for c in clients:
        c.socket.close()


def test_more_clients_than_allowed_are_turned_away_and_the_others_stay(service):
    clients = [Client(service.path) for _ in range(250)]
    for c in clients:
        assert c.call(TEST + "Echo", {"text": ""}) == {"parameters": {"text": ""}}
    with Client(service.path) as one_too_many:
        try:
            assert one_too_many.call(TEST + "Echo", {"text": ""}) is None
        except BrokenPipeError:
            pass
    assert clients[0].call(TEST + "Echo", {"text": "x"}) == {"parameters": {"text": "x"}}
    for c in clients:
        c.socket.close()


def test_a_slow_reader_holds_up_nobody_and_is_dropped(service):
    slow = connect(service.path)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sendall(json.dumps({"method": TEST + "Count", "parameters": {"to": 1000, "padding": 100000}, "more": True}).encode() + b"\0")
    with Client(service.path) as c:
        for i in range(100):
            assert c.call(TEST + "Echo", {"text": str(i)}) == {"parameters": {"text": str(i)}}
    # it reads nothing for longer than it may: what was under way comes, then the end
    hung_up = select.poll()
    hung_up.register(slow, select.POLLHUP)
    assert hung_up.poll(TIMEOUT * 1000)
    slow.close()


def test_a_reader_that_is_only_slow_gets_everything(service):
    with Client(service.path) as c:
        c.send(TEST + "Count", {"to": 200, "padding": 20000}, more=True)
        numbers = []
        while True:
            reply = c.receive()
            numbers.append(reply["parameters"]["number"])
            if not reply.get("continues"):
                break
    assert numbers == list(range(1, 201))


def test_a_client_that_vanishes_cancels_what_is_done_for_it(service):
    for _ in range(10):
        c = Client(service.path)
        c.send(TEST + "Hang")
        c.socket.close()
    vanishing = Client(service.path)
    vanishing.send(TEST + "Count", {"to": 100000, "padding": 1000}, more=True)
    vanishing.receive()
    vanishing.socket.close()
    with Client(service.path) as c:
        deadline = time.monotonic() + TIMEOUT
        while c.call(TEST + "Cancelled")["parameters"]["times"] < 10:
            assert time.monotonic() < deadline


def test_stopping_ends_all_connections(tmp_path):
    s = Service(tmp_path / "s")
    clients = [Client(s.path) for _ in range(20)]
    for c in clients:
        c.send(TEST + "Hang")
    for c in clients[:5]:
        c.socket.close()
    assert " protocol errors" in s.stop()
    for c in clients[5:]:
        assert c.receive() is None


def test_a_second_service_at_the_same_socket_refuses(tmp_path):
    s = Service(tmp_path / "s")
    second = subprocess.run([os.path.join(BUILD, "tests/control/varlink-service"), str(tmp_path / "s")], stdin=subprocess.DEVNULL,
                            capture_output=True, timeout=TIMEOUT)
    assert second.returncode == 1 and b"another daemon answers" in second.stderr
    s.process.kill()
    s.process.wait()
    # what a dead one left behind is replaced; a file isn't
    Service(tmp_path / "s").stop()
    (tmp_path / "file").write_text("precious")
    third = subprocess.run([os.path.join(BUILD, "tests/control/varlink-service"), str(tmp_path / "file")], stdin=subprocess.DEVNULL,
                           capture_output=True, timeout=TIMEOUT)
    assert third.returncode == 1 and b"something else than a socket" in third.stderr
    assert (tmp_path / "file").read_text() == "precious"


def test_many_threads_of_clients(service):
    failures = []

    def work(n):
        try:
            with Client(service.path) as c:
                for i in range(50):
                    assert c.call(TEST + "Echo", {"text": f"{n}.{i}"}) == {"parameters": {"text": f"{n}.{i}"}}
        except Exception as e:  # told in the main thread
            failures.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures
