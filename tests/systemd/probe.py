"""Runs in the daemon's sandbox and tries things: what it needs must work, what it doesn't must not. Writes JSON."""

import ctypes
import json
import mmap
import os
import socket
import subprocess

libc = ctypes.CDLL(None, use_errno=True)


def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def write(path):
    with open(path, "w") as f:
        f.write("x")
    os.unlink(path)


def listen_and_connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as listener, socket.socket(family, socket.SOCK_STREAM) as s:
        listener.bind((address, 0))
        listener.listen()
        s.connect(listener.getsockname()[:2])


def run_written(path):
    with open(path, "w") as f:
        f.write("#!/bin/sh\nexit 0\n")
    os.chmod(path, 0o755)
    try:
        subprocess.run([path], check=True, stdout=subprocess.DEVNULL)
    finally:
        os.unlink(path)


def map_file_for_code():
    with open("/usr/lib/x86_64-linux-gnu/libc.so.6" if os.path.exists("/usr/lib/x86_64-linux-gnu/libc.so.6") else "/bin/true", "rb") as f:
        mmap.mmap(f.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()


def map_shared(path):
    with open(path, "w+b") as f:
        f.truncate(8192)
        mmap.mmap(f.fileno(), 8192).close()
    os.unlink(path)


def see_other_processes():
    # process 1 is root's
    os.stat("/proc/1")


NEEDED = {
    "write state": lambda: write("/var/lib/recflow/probe"),
    "write cache": lambda: write("/var/cache/recflow/probe"),
    "map a store": lambda: map_shared("/var/cache/recflow/probe"),
    "map a plugin": map_file_for_code,
    "know the boot": lambda: open("/proc/sys/kernel/random/boot_id").close(),
    "loopback": lambda: listen_and_connect(socket.AF_INET, "127.0.0.1"),
    "resolver's socket": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close(),
    "local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close(),
    "resolve a name": lambda: socket.getaddrinfo("localhost", 80),
    "read certificates": lambda: os.listdir("/etc/ssl/certs"),
    "random": lambda: open("/dev/urandom").close(),
    "journal": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).connect("/run/systemd/journal/socket"),
    "memory of its own": lambda: open("/proc/self/statm").close(),
}
FORBIDDEN = {
    "write /etc": lambda: write("/etc/probe"),
    "write /usr": lambda: write("/usr/lib/probe"),
    "write /var": lambda: write("/var/lib/probe"),
    "write /run": lambda: write("/run/recflow/probe"),
    "see home": lambda: os.listdir("/home/somebody"),
    "see root's home": lambda: os.listdir("/root"),
    "run what it wrote": lambda: run_written("/var/lib/recflow/probe"),
    "run what it wrote in /tmp": lambda: run_written("/tmp/probe"),
    "run other programs": lambda: subprocess.run(["/usr/bin/id"], check=True, stdout=subprocess.DEVNULL),
    "writable code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close(),
    "code from data": lambda: call(libc.mprotect(ctypes.c_void_p(libc_page()), 4096, 7)),
    "namespace": lambda: call(libc.unshare(0x10000000)),
    "become root": lambda: os.setuid(0),
    "root's process": see_other_processes,
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "vsock": lambda: socket.socket(40, socket.SOCK_STREAM).close(),
    "set-user-id file": lambda: set_user_id("/var/lib/recflow/probe"),
    "set clock": lambda: call(libc.settimeofday(b"\0" * 16, None)),
    "host name": lambda: socket.sethostname("probe"),
    "kernel's log": lambda: call(libc.klogctl(3, ctypes.create_string_buffer(64), 64)),
    "kernel's options": lambda: write_to("/proc/sys/kernel/hostname"),
    "keyring": lambda: call(libc.syscall(250, 0, -3, 1)),
    "pin memory": lambda: call(libc.mlockall(1)),
    "real time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "priority": lambda: os.nice(-1),
    "personality": lambda: call(libc.personality(0x0008)),
    "trace": lambda: call(libc.ptrace(16, 1, 0, 0)),
    "mount": lambda: call(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
    "disk": lambda: open("/dev/vda").close(),
    "core file": lambda: big_core(),
}


def libc_page():
    libc.mmap.restype = ctypes.c_void_p
    return libc.mmap(None, ctypes.c_size_t(4096), 3, 0x22, -1, ctypes.c_long(0))


def set_user_id(path):
    write_kept = open(path, "w")
    write_kept.close()
    try:
        os.chmod(path, 0o4755)
    finally:
        os.unlink(path)


def write_to(path):
    with open(path, "w") as f:
        f.write("probe")


def big_core():
    import resource

    if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0):
        raise OSError("none")


def attempt(action):
    try:
        action()
    except Exception as e:  # whatever keeps it from working
        return str(e)
    return "ok"


print(json.dumps({kind: {name: attempt(action) for name, action in actions.items()}
                  for kind, actions in (("needed", NEEDED), ("forbidden", FORBIDDEN))}))
