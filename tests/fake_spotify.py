"""As much of Spotify's accounts service and Web API as logging in and saving need, over plain HTTP on loopback, with faults on demand."""

import base64
import hashlib
import html
import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CLIENT_ID = "app0123456789"
SECRET = "planted-client-secret-5f1e"
REFRESH = "planted-refresh-token-77aa"
ACCESS = "planted-access-token-c0de"
APP_ACCESS = "planted-app-access-token-9b9b"
CODE = "planted-code-1234"


def track_id(key):
    return base64.b32encode(hashlib.sha256(key.encode()).digest()).decode().rstrip("=")[:22]


def escaped(text):
    """As the service gives descriptions back."""
    return html.escape(text).replace("/", "&#x2F;")


class FakeSpotify:
    def __init__(self):
        self.lock = threading.Lock()
        self.requests = []  # (method, path)
        self.challenges = {}  # code → challenge
        self.playlists = {}  # id → {name, description, public, items}
        self.unknown = lambda query: False  # searches that find nothing
        self.refuses_refresh = False
        self.retry_after = lambda method, path: None  # seconds: too many calls
        self.fault = lambda path, sent, authorization: None  # (status, headers, body) in place of its own answer
        self.expires_in = 3600
        self.before_add = lambda n: None  # called before and after the n-th batch is added; may wait, or raise to cut the connection
        self.after_add = lambda n: None
        self.after_create = lambda: None
        self.n_adds = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def provider(self, secret=f"client_secret = {SECRET}\n"):
        return (f"[provider spotify]\napi_url = {self.url}/v1\naccounts_url = {self.url}\nclient_id = {CLIENT_ID}\n{secret}"
                "rate = 1000\nburst = 1000\n")

    def count(self, method, pattern):
        return sum(m == method and re.fullmatch(pattern, p) is not None for m, p in self.requests)

    def agree(self, url, code=CODE):
        """What the person does in the browser: the address that the service sends it back to."""
        q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        assert q["response_type"] == "code" and q["client_id"] == CLIENT_ID and q["code_challenge_method"] == "S256"
        self.challenges[code] = q["code_challenge"], q["redirect_uri"]
        return q["redirect_uri"] + "?" + urllib.parse.urlencode({"code": code, "state": q["state"]})

    def token(self, form, authorization):
        grant = form.get("grant_type")
        if grant == "client_credentials":
            expected = "Basic " + base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
            if authorization != expected:
                return 400, {"error": "invalid_client", "error_description": "Invalid client secret"}
            return 200, {"access_token": APP_ACCESS, "token_type": "Bearer", "expires_in": 3600}
        if grant == "authorization_code":
            challenge, redirect = self.challenges.pop(form.get("code"), (None, None))
            digest = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
            if digest != challenge or form.get("redirect_uri") != redirect:
                return 400, {"error": "invalid_grant", "error_description": "Invalid authorization code"}
            return 200, {"access_token": ACCESS, "token_type": "Bearer", "expires_in": self.expires_in, "refresh_token": REFRESH}
        if grant == "refresh_token" and form.get("refresh_token") == REFRESH and not self.refuses_refresh:
            return 200, {"access_token": ACCESS, "token_type": "Bearer", "expires_in": self.expires_in}
        return 400, {"error": "invalid_grant", "error_description": "Refresh token revoked"}

    def search(self, query):
        q = query.get("q", "")
        if self.unknown(q):
            return {"tracks": {"items": []}}
        found = re.search(r'track:"([^"]*)"', q), re.search(r'artist:"([^"]*)"', q)
        track = {"id": track_id(q), "name": found[0][1] if found[0] else "x", "artists": [{"id": "a", "name": found[1][1] if found[1] else "y"}],
                 "uri": f"spotify:track:{track_id(q)}", "external_ids": {}}
        if q.startswith("isrc:"):
            track["external_ids"]["isrc"] = q[5:]
        return {"tracks": {"items": [track]}}

    def api(self, method, path, query, body, is_user):
        if path == "/v1/search":
            return 200, self.search(query)
        if not is_user:
            return 403, {"error": {"status": 403, "message": "a person is needed"}}
        if path == "/v1/me/playlists" and method == "POST":
            with self.lock:
                name = f"pl{len(self.playlists)}"
                self.playlists[name] = {**body, "items": []}
            self.after_create()
            return 201, {"id": name, "external_urls": {"spotify": f"https://open.spotify.com/playlist/{name}"}}
        if path == "/v1/me/playlists":
            return 200, {"items": [{"id": i, "description": escaped(p["description"]),
                                    "external_urls": {"spotify": f"https://open.spotify.com/playlist/{i}"}}
                                   for i, p in reversed(self.playlists.items())]}
        playlist = self.playlists.get(path.split("/")[3])
        if playlist is None:
            return 404, {"error": {"status": 404, "message": "Not found"}}
        if method == "GET":
            offset, limit = int(query.get("offset", 0)), int(query.get("limit", 20))
            return 200, {"items": [{"item": {"id": i, "name": "t", "artists": []}} for i in playlist["items"][offset:offset + limit]]}
        assert 1 <= len(body["uris"]) <= 100
        with self.lock:
            self.n_adds += 1
            n = self.n_adds
        self.before_add(n)
        playlist["items"] += [u.split(":")[2] for u in body["uris"]]
        self.after_add(n)
        return 201, {"snapshot_id": f"s{n}"}

    def handler(fake):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def serve(self):
                data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                url = urllib.parse.urlsplit(self.path)
                fake.requests.append((self.command, url.path))
                authorization = self.headers.get("Authorization", "")
                retry_after = None
                fault = fake.fault(url.path, data.decode(), authorization)
                if fault:
                    return self.say(fault[0], fault[1], fault[2].encode())
                try:
                    if url.path == "/api/token":
                        status, answer = fake.token(dict(urllib.parse.parse_qsl(data.decode())), authorization)
                    elif retry_after := fake.retry_after(self.command, url.path):
                        status, answer = 429, {"error": {"status": 429, "message": "API rate limit exceeded"}}
                    elif authorization not in (f"Bearer {ACCESS}", f"Bearer {APP_ACCESS}"):
                        status, answer = 401, {"error": {"status": 401, "message": "The access token expired"}}
                    else:
                        status, answer = fake.api(self.command, url.path, dict(urllib.parse.parse_qsl(url.query)), json.loads(data or b"{}"),
                                                  authorization == f"Bearer {ACCESS}")
                except ConnectionAbortedError:
                    self.close_connection = True
                    return
                headers = {"Content-Type": "application/json", **({"Retry-After": str(retry_after)} if retry_after else {})}
                self.say(status, headers, json.dumps(answer).encode())

            def say(self, status, headers, body):
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_POST = serve

        return Handler
