"""A small Varlink client for tests, and the processes they start. Real sockets; nothing but Python's own library."""

import json
import os
import select
import socket
import subprocess

BUILD = os.environ.get("RECFLOW_BUILDDIR", os.path.join(os.path.dirname(__file__), "..", "build"))
SOURCE = os.environ.get("RECFLOW_SRCDIR", os.path.join(os.path.dirname(__file__), ".."))
TIMEOUT = 60  # seconds until a test that waits for something gives up


def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(TIMEOUT)
    s.connect(str(path))
    return s


class Client:
    def __init__(self, path):
        self.socket = connect(path)
        self.data = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, method, parameters=None, **flags):
        call = {"method": method, **flags}
        if parameters is not None:
            call["parameters"] = parameters
        self.socket.sendall(json.dumps(call).encode() + b"\0")

    def receive(self):
        """The next reply; None at the end of the stream."""
        while b"\0" not in self.data:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self.data += more
        message, self.data = self.data.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, parameters=None):
        self.send(method, parameters)
        return self.receive()

    def stream(self, method, parameters=None):
        self.send(method, parameters, more=True)
        while True:
            reply = self.receive()
            yield reply
            if not reply or not reply.get("continues"):
                return


def wait_for_line(process, line):
    """Waits for a line on a process's standard output."""
    ready, _, _ = select.select([process.stdout], [], [], TIMEOUT)
    assert ready, "nothing was said"
    said = process.stdout.readline().decode().strip()
    assert said == line, said


class Daemon:
    """A private recflowd; its directory is the caller's."""

    def __init__(self, directory, extra="", arguments=(), environment=None, config=True, pass_fds=(), provider="[provider mock]\n",
                 prefix=()):
        """`prefix`: a command that runs the daemon's in its turn."""
        self.directory = str(directory)
        self.socket = os.path.join(self.directory, "socket")
        self.config = os.path.join(self.directory, "recflowd.conf")
        self.log_path = os.path.join(self.directory, "log")
        if config:
            self.write_config(extra, provider)
        read_end, write_end = os.pipe()
        log = open(self.log_path, "ab")
        command = [*prefix, os.path.join(BUILD, "recflowd"), "--config", self.config, "--ready-fd", str(write_end), *arguments]
        self.process = subprocess.Popen(command, stderr=log, stdout=log, pass_fds=(write_end, *pass_fds),
                                        env={**os.environ, **(environment or {})})
        log.close()
        os.close(write_end)
        with os.fdopen(read_end, "rb") as ready:
            self.is_ready = bool(select.select([ready], [], [], TIMEOUT)[0]) and ready.read(1) == b"\n"
        if not self.is_ready:
            self.process.wait(TIMEOUT)

    def write_config(self, extra="", provider="[provider mock]\n"):
        with open(self.config, "w") as f:
            f.write(f"[daemon]\nsocket = {self.socket}\nstate_directory = {self.directory}/state\n"
                    f"cache_directory = {self.directory}/cache\nplugin_directory = {BUILD}/.libs\ndata_directory = {SOURCE}/data\n"
                    f"{extra}\n{provider}")

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def client(self):
        return Client(self.socket)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(TIMEOUT)

    def kill(self):
        self.process.kill()
        self.process.wait(TIMEOUT)

    def __enter__(self):
        assert self.is_ready, self.log()
        return self

    def __exit__(self, *_):
        self.stop()
