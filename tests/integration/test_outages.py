"""What a run says when the one service that it needs is gone: a real daemon, and a socket in the service's place."""

import contextlib
import datetime
import re
import socket
import threading
import time

import pytest

from varlink import TIMEOUT, Daemon

W = "io.recflow.workflow."


@contextlib.contextmanager
def always(answer):
    """A service on loopback that answers every request so; its port."""
    def serve(s):
        while True:
            try:
                c, _ = s.accept()
            except OSError:
                return
            with c:
                data = b""
                while b"\r\n\r\n" not in data and (more := c.recv(4096)):
                    data += more
                c.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as s:
        thread = threading.Thread(target=serve, args=(s,), daemon=True)
        thread.start()
        yield s.getsockname()[1]
        s.shutdown(socket.SHUT_RDWR)
        thread.join(TIMEOUT)


@contextlib.contextmanager
def nobody():
    """A port where nobody listens, nor will: it's taken."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield s.getsockname()[1]


def answer(status, *headers):
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "Connection: close", "", ""]).encode()


def failure(directory, port, prompt):
    with Daemon(directory, provider=f"[provider reccobeat]\napi_url = http://127.0.0.1:{port}/v1\n") as d, d.client() as c:
        reply = list(c.stream(W + "Recommend", {"prompt": prompt, "options": {"seed": 1, "deadline_ms": 8000}}))[-1]
    assert reply["error"] == W + "RunFailed", reply
    return reply["parameters"]


@pytest.mark.parametrize("prompt", ["something like Miles Davis", "happy pop", "sad folk"])
@pytest.mark.parametrize("service,code,words,wait_s", [
    (lambda: always(answer("429 Too Many Requests", "Retry-After: 763")), "rate", ["the service's rate limit is reached", "(429"], 763),
    (lambda: always(answer("503 Service Unavailable")), "upstream", ["the service failed", "(503"], None),
    (nobody, "upstream", ["the service failed", "(Failed to connect"], None),
], ids=["429", "503", "refused"])
def test_a_service_that_is_gone_is_named_with_the_reason_and_when_to_try_again(tmp_path, service, code, words, wait_s, prompt):
    with service() as port:
        failed = failure(tmp_path, port, prompt)
    assert failed["code"] == code and all(w in failed["message"] for w in ["reccobeat: ", *words]), failed
    until = re.search(r"; try again after (\S+)$", failed["message"])
    if wait_s:
        left = datetime.datetime.fromisoformat(until[1].replace("Z", "+00:00")).timestamp() - time.time()
        assert wait_s - TIMEOUT < left <= wait_s + 1, failed
