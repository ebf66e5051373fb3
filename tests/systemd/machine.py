"""A real systemd, booted in a container over this machine's own files: an overlay in memory, no network, nothing of it outlives the test."""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import time

from varlink import BUILD, TIMEOUT

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

# what a container without a network and a console doesn't need
MASKED = ("systemd-sysctl.service", "systemd-networkd.service", "systemd-networkd.socket", "systemd-resolved.service", "systemd-timesyncd.service",
          "systemd-network-generator.service", "systemd-remount-fs.service", "systemd-udevd.service", "systemd-udev-trigger.service",
          "console-getty.service", "ldconfig.service", "systemd-update-done.service", "systemd-hwdb-update.service",
          "systemd-firstboot.service", "systemd-pcrphase.service")
SHADOWED = ("etc/machine-id", "etc/fstab")


class CannotBoot(Exception):
    """Why this machine can't: for a test to be skipped with."""


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT * 5, **options)


def why_not():
    """None if a systemd can be booted here."""
    if os.geteuid() != 0:
        return "needs root"
    for program, package in (("systemd-nspawn", "systemd-container"), ("nsenter", "util-linux"), ("mount", "mount")):
        if not shutil.which(program):
            return f"{program} is missing (package {package})"
    if not os.path.exists("/usr/lib/systemd/systemd") and not os.path.exists("/lib/systemd/systemd"):
        return "systemd isn't installed"
    if make_variable("systemdsystemunitdir") not in ("/lib/systemd/system", "/usr/lib/systemd/system"):
        return "this build installs its units where systemd doesn't look"
    return None


def make_variable(name):
    """A directory of the build's, with the variables in it replaced."""
    with open(os.path.join(BUILD, "Makefile")) as f:
        values = dict(re.findall(r"(?m)^(\w+) = (.*)$", f.read()))
    value = values[name]
    while "$" in value:
        value = re.sub(r"\$[{(](\w+)[})]", lambda m: values[m.group(1)], value)
    return value


def unit(name):
    return os.path.join(make_variable("systemdsystemunitdir"), name)


def unshare_mounts():
    """This process's mounts are its own from now on, and go with it."""
    if LIBC.unshare(CLONE_NEWNS) < 0 or LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) < 0:
        raise CannotBoot(f"a mount namespace: {os.strerror(ctypes.get_errno())}")


class Machine:
    """Prepared, then booted, then stopped. Commands run in it with its own systemctl."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.root = os.path.join(self.directory, "root")
        self.console_path = os.path.join(self.directory, "console")
        self.process = self.leader = None
        try:
            self.mount()
        except subprocess.CalledProcessError as e:
            raise CannotBoot(f"an overlay of /: {e.stderr.strip()}") from e

    def mount(self):
        for name in ("memory", "root"):
            os.makedirs(os.path.join(self.directory, name))
        memory = os.path.join(self.directory, "memory")
        run("mount", "-t", "tmpfs", "-o", "mode=0755", "recflow-test", memory)
        for name in ("upper", "work"):
            os.mkdir(os.path.join(memory, name))
        run("mount", "-t", "overlay", "-o", f"lowerdir=/,upperdir={memory}/upper,workdir={memory}/work", "recflow-test", self.root)
        for name in SHADOWED:
            self.write(name, "")
        # units of this machine itself stay out, and so does what it has of recflow
        for name in ("etc/systemd/system", "etc/systemd/user", "var/log/journal", "etc/recflow", "etc/credstore", "etc/credstore.encrypted",
                     "var/lib/recflow", "var/cache/recflow", "var/lib/systemd/timers"):
            shutil.rmtree(os.path.join(self.root, name), ignore_errors=True)
        for name in MASKED:
            self.link(f"etc/systemd/system/{name}", "/dev/null")
        # none of this machine's disks, consoles and old scripts; each of these would run at each daemon-reload
        for name in sorted(os.listdir("/lib/systemd/system-generators")):
            self.link(f"etc/systemd/system-generators/{name}", "/dev/null")

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def link(self, name, target):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        os.symlink(target, self.path(name))

    def install(self):
        """`make install`, as a packager does it; then what a package's scripts do."""
        run("make", "-s", "-C", BUILD, "install", f"DESTDIR={self.root}", env={**os.environ, "MAKEFLAGS": "", "MFLAGS": "", "MAKELEVEL": ""})
        run("systemd-sysusers", f"--root={self.root}")
        run("journalctl", f"--root={self.root}", "--update-catalog")

    def boot(self):
        console = open(self.console_path, "wb")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "-q", "--register=no", "--keep-unit", "--private-network", "--console=pipe", "-D", self.root,
             "--hostname=recflow-test", "-b", "systemd.unit=multi-user.target", "systemd.show_status=no"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
        console.close()
        try:
            self.leader = self.wait_for(self.find_leader, "a first process")
            state = self.wait_for(self.finished_booting, "the end of booting")
        except AssertionError as e:
            raise CannotBoot(str(e)) from e
        # nothing of recflow is enabled yet: a fault is this machine's own
        if state not in ("running", "degraded"):
            raise CannotBoot(f"systemd is {state}")

    def console(self):
        with open(self.console_path, errors="replace") as f:
            return f.read()

    def wait_for(self, condition, what, timeout=TIMEOUT):
        """Waits until a condition holds: its value."""
        end = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if self.process.poll() is not None:
                raise CannotBoot(f"systemd-nspawn ended with {self.process.returncode}: {self.console()[-2000:]}")
            assert time.monotonic() < end, f"waited in vain for {what}\n{self.console()[-2000:]}"
            time.sleep(0.1)

    def find_leader(self):
        """The container's process 1: the child of nspawn whose own name for itself is 1."""
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
                children = f.read().split()
            for child in children:
                with open(f"/proc/{child}/status") as f:
                    names = [line.split()[1:] for line in f if line.startswith("NSpid:")][0]
                if names[-1] == "1" and os.path.exists(f"/proc/{child}/root/run/systemd/private"):
                    return child
        except (FileNotFoundError, ProcessLookupError, IndexError):
            pass
        return None

    def finished_booting(self):
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state if state not in ("", "offline", "initializing", "starting", "unknown") else None

    def run(self, *command, check=True, **options):
        """Runs a command inside."""
        r = subprocess.run(["nsenter", "-t", self.leader, "-a", "/usr/bin/env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
                            "LC_ALL=C.UTF-8", *command], capture_output=True, text=True, timeout=TIMEOUT * 2, **options)
        assert not check or r.returncode == 0, f"{' '.join(command)}: {r.returncode}\n{r.stdout}\n{r.stderr}\n{self.journal()[-3000:]}"
        return r

    def systemctl(self, *arguments, **options):
        return self.run("systemctl", *arguments, **options).stdout.strip()

    def show(self, unit, name):
        return self.systemctl("show", unit, "--value", "-p", name)

    def journal(self, *arguments):
        return subprocess.run(["nsenter", "-t", self.leader, "-a", "/usr/bin/journalctl", "--no-pager", "-q", *arguments], capture_output=True,
                              text=True, timeout=TIMEOUT).stdout

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(TIMEOUT)
