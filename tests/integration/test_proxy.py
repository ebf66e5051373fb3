"""recflowd behind a proxy: which one is asked, for what, and for what not."""

import socket
import threading

import pytest

from varlink import Daemon

W = "io.recflow.workflow."
ELSEWHERE = "recflow-test.invalid"  # no such host: only a proxy can be asked for it
NONE = {name: "" for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")}
DEAD = "http://127.0.0.1:9"


class Server:
    """Answers every request alike and keeps their first lines: a proxy, or a service. CONNECT is refused."""

    def __init__(self):
        self.lines = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as f:
            line = f.readline().decode()
            while f.readline().strip():
                pass
            self.lines.append(line.strip())
            if line.startswith("CONNECT "):
                connection.sendall(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 763\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\nConnection: close\r\n\r\n"
                                   b'{"content":[]}')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def ask(directory, api, extra="", **environment):
    """Asks for a playlist of ReccoBeats' at such an address. The state of that provider afterwards."""
    provider = f"[upstream]\nretries = 0\n[provider reccobeat]\napi_url = {api}/v1\n"
    with Daemon(directory, extra, provider=provider, environment={**NONE, **environment}) as d, d.client() as c:
        list(c.stream(W + "Recommend", {"prompt": "songs by Miles Davis", "options": {"seed": 1}}))
        return c.call("io.recflow.admin.Providers")["parameters"]["providers"][0]


@pytest.mark.parametrize("name", ["configured", "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy"])
def test_all_that_a_proxy_sees_is_what_the_service_is_asked(tmp_path, name):
    with Server() as proxy:
        if name == "configured":  # it counts over the environment
            ask(tmp_path, f"http://{ELSEWHERE}", f"[net]\nproxy = http://{proxy.address}\n", https_proxy=DEAD)
        else:
            ask(tmp_path, f"http://{ELSEWHERE}", **{name: f"http://{proxy.address}"})
        assert proxy.lines and all(line.startswith(f"GET http://{ELSEWHERE}/v1/") for line in proxy.lines), proxy.lines


def test_a_proxy_is_asked_for_a_tunnel_where_the_service_speaks_tls(tmp_path):
    with Server() as proxy:
        provider = ask(tmp_path, f"https://{ELSEWHERE}", https_proxy=f"http://{proxy.address}")
        assert proxy.lines and set(proxy.lines) == {f"CONNECT {ELSEWHERE}:443 HTTP/1.1"}
        assert "blocked_until" not in provider, provider  # a proxy's refusal isn't the service's


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("exempt", ["127.0.0.1", "127.0.0.0/8", "elsewhere.example, 127.0.0.1"])
def test_an_exempt_address_is_asked_directly(tmp_path, name, exempt):
    with Server() as proxy, Server() as service:
        ask(tmp_path, f"http://{service.address}", https_proxy=f"http://{proxy.address}", **{name: exempt})
        assert not proxy.lines and service.lines and all(line.startswith("GET /v1/") for line in service.lines), service.lines


def test_an_exempt_name_is_asked_directly(tmp_path):
    with Server() as proxy:
        ask(tmp_path, f"http://{ELSEWHERE}", https_proxy=f"http://{proxy.address}", no_proxy=".invalid")
        assert not proxy.lines


def test_without_a_proxy_nobody_between_is_asked(tmp_path):
    with Server() as service:
        ask(tmp_path, f"http://{service.address}")
        assert service.lines and all(line.startswith("GET /v1/") for line in service.lines)
