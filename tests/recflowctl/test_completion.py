"""Completion: what recflowctl offers, and what bash and zsh make of it."""

import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import time

import pytest

from varlink import BUILD, SOURCE, TIMEOUT, Daemon

CTL = os.path.join(BUILD, "recflowctl/recflowctl")
COMPLETION = os.path.join(SOURCE, "recflowctl/completion")
PATH = ":".join([os.path.join(BUILD, "recflowctl"), BUILD, os.environ["PATH"]])


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("daemon")) as d:
        yield d


@pytest.fixture(scope="module")
def run(daemon):
    out = ctl(daemon, "recommend", "calm piano, and a tab:\there", "--tracks", "3", "--json")
    assert out.returncode == 0
    return json.loads(ctl(daemon, "runs", "--json").stdout)["runs"][0]["run"]


def ctl(where, *arguments):
    env = {**os.environ, "RECFLOW_SOCKET": where.socket if isinstance(where, Daemon) else str(where)}
    return subprocess.run([CTL, *arguments], capture_output=True, timeout=TIMEOUT, env=env)


def offers(where, *words):
    out = ctl(where, "complete", "--", *words)
    assert out.returncode == 0, out.stderr
    return dict(line.split("\t") if "\t" in line else (line, "") for line in out.stdout.decode().splitlines())


def table():
    return json.loads(ctl("/nowhere", "help", "--json").stdout)


# ---- recflowctl complete ----


def test_commands_and_their_options_are_those_of_the_table():
    commands = table()
    assert list(offers("/nowhere", "")) == list(commands)
    assert list(offers("/nowhere", "re")) == [c for c in commands if c.startswith("re")]
    for command, options in commands.items():
        assert list(offers("/nowhere", command, "-")) == options
    assert offers("/nowhere", "run")["runs"] == "list runs, newest first"
    assert set(offers("/nowhere", "--")) == {"--socket", "--json", "--quiet", "--help", "--version"}


@pytest.mark.parametrize("words,expected", [
    (["recommend", "--arc", ""], "steady build peak wind-down"), (["recommend", "--arc", "st"], "steady"),
    (["recommend", "--arc=wi"], "--arc=wind-down"), (["--arc", "peak", "recom"], "recommend"),
    (["runs", "--state", "d"], "done"), (["show", "x", "--format", "x"], "xspf"),
    (["cache", ""], "stats flush"), (["cache", "stats", ""], ""), (["help", "pi"], "ping"),
    (["optimizations", ""], "set profile"), (["optimizations", "profile", ""], "baseline full"),
    (["optimizations", "set", "coalesce", "o"], "on off"), (["optimizations", "profile", "full", ""], ""), (["optimizations", "eat", ""], ""),
    (["order", ""], ":files"), (["recommend", "--output", ""], ":files"), (["recommend", "--output="], ":files"),
    (["recommend", ""], ""), (["recommend", "calm", "--tracks", ""], ""), (["recommend", "--json=", ""], ""), (["nonsense", "pin"], "ping"),
    (["recommend", "--", "--ar"], ""), (["ping", "--ar"], ""), (["recommend", "--no-such=x", "--ar"], "--arc"),
    # once is enough, but for what may be repeated
    (["recommend", "--arc", "peak", "--ar"], ""), (["recommend", "--like", "x", "--lik"], "--like"),
])
def test_what_may_come_next(words, expected):
    assert list(offers("/nowhere", *words)) == expected.split()


def test_runs_providers_and_switches_come_from_the_daemon(daemon, run):
    switches = {o["name"] for o in json.loads(ctl(daemon, "optimizations", "--json").stdout)["optimizations"]}
    assert offers(daemon, "show", "") == {run: "calm piano, and a tab: here"}
    for command in ("follow", "cancel", "save"):
        assert list(offers(daemon, command, run[:3])) == [run]
    assert list(offers(daemon, "show", "no-such")) == [] and list(offers(daemon, "show", run, "")) == []
    assert set(offers(daemon, "optimizations", "set", "")) == switches and len(switches) > 5
    assert list(offers(daemon, "login", "")) == ["mock"]
    assert list(offers(daemon, "save", "--to=")) == ["--to=mock"]
    # the daemon that the words name is asked
    assert list(offers("/nowhere", "--socket", daemon.socket, "show", "")) == [run]
    assert list(offers("/nowhere", f"--socket={daemon.socket}", "show", "")) == [run]


def test_a_daemon_that_is_absent_or_hangs_offers_nothing_and_holds_nobody_up(tmp_path):
    out = ctl(tmp_path / "nobody", "complete", "--", "show", "")
    assert out.returncode == 3 and out.stdout == b""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        out = ctl(tmp_path / "silent", "complete", "--", "show", "")
        assert out.returncode == 130 and out.stdout == b""


# ---- bash ----


def bash(where, *words, line_breaks=None):
    """What bash offers for the last of `words`, as readline splits them."""
    script = f"""
        {f"COMP_WORDBREAKS='{line_breaks}'" if line_breaks else ":"}
        source {COMPLETION}/{words[0]} || exit 1
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        function=$(complete -p "$1" | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
        $function "$1" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    env = {**os.environ, "PATH": PATH, "RECFLOW_SOCKET": where.socket if isinstance(where, Daemon) else str(where)}
    out = subprocess.run(["bash", "--norc", "-c", script, "bash", *words], capture_output=True, timeout=TIMEOUT, env=env)
    assert out.returncode == 0 and out.stderr == b"", out.stderr
    return out.stdout.decode().split()


def test_bash_completes(daemon, run, tmp_path):
    (tmp_path / "mix.jspf").touch()
    (tmp_path / "mix.m3u").touch()
    assert bash(daemon, "recflowctl", "recom") == ["recommend"]
    assert bash(daemon, "recflowctl", "recommend", "--arc", "wi") == ["wind-down"]
    assert bash(daemon, "recflowctl", "show", "") == [run]
    assert bash(daemon, "recflowctl", "runs", "--state", "") == ["waiting", "running", "done", "failed", "cancelled"]
    assert bash(daemon, "recflowctl", "optimizations", "set", "coal") == ["coalesce"]
    assert bash(daemon, "recflowctl", "optimizations", "profile", "") == ["baseline", "full"]
    assert sorted(bash(daemon, "recflowctl", "order", f"{tmp_path}/m")) == [f"{tmp_path}/mix.jspf", f"{tmp_path}/mix.m3u"]


def test_bash_completes_behind_an_equals_sign_as_it_splits_there(tmp_path):
    (tmp_path / "list.csv").touch()
    for words in (["--arc", "=", "wi"], ["calm", "--arc", "=", "wi"], ["--json", "--arc", "=", "wi"]):
        assert bash("/nowhere", "recflowctl", "recommend", *words) == ["wind-down"]
    assert bash("/nowhere", "recflowctl", "recommend", "--arc", "=") == ["steady", "build", "peak", "wind-down"]
    assert bash("/nowhere", "recflowctl", "recommend", "--output", "=", f"{tmp_path}/l") == [f"{tmp_path}/list.csv"]
    assert bash("/nowhere", "recflowctl", "recommend", "--arc=wi", line_breaks=" ") == ["--arc=wind-down"]
    assert bash("/nowhere", "recflowctl", "recommend", "--arc", "=", "peak", "--for") == ["--format"]


def test_bash_completes_the_options_of_the_other_programs():
    assert bash("/nowhere", "recflowd", "--ch") == ["--check"]
    assert bash("/nowhere", "recflow-sim", "--repl") == ["--replay"]
    assert bash("/nowhere", "recflowd", "x") == []


# ---- zsh ----


class Zsh:
    """An interactive zsh on a terminal: keys go in, the line that they make comes out."""

    def __init__(self, directory, where):
        rc = directory / ".zshrc"
        rc.write_text(f"""
            PS1='ready> '; fpath=({COMPLETION} $fpath); autoload -U compinit; compinit -u -D
            unsetopt beep; setopt no_prompt_sp; zstyle ':completion:*' list-colors ''
            zstyle ':completion:*' format ''; LISTMAX=1000
            show-line() {{ print -r -- "<line $BUFFER line>"; BUFFER=; }}
            zle -N show-line; bindkey '^X' show-line; bindkey '^G' list-choices
        """)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PATH=PATH, ZDOTDIR=str(directory), HOME=str(directory), TERM="dumb", COLUMNS="200", LINES="100",
                              RECFLOW_SOCKET=where.socket if isinstance(where, Daemon) else str(where))
            os.execvp("zsh", ["zsh", "-d", "-i"])
        self.said = ""
        self.wait_for("ready> ")

    def wait_for(self, pattern):
        give_up = time.monotonic() + TIMEOUT
        while not (found := re.search(pattern, self.said, re.S)):
            assert select.select([self.fd], [], [], max(0, give_up - time.monotonic()))[0], self.said
            self.said += os.read(self.fd, 4096).decode(errors="replace")
        self.said = self.said[found.end():]
        return found

    def complete(self, text):
        """The line after the tab key."""
        os.write(self.fd, f"{text}\t\x18".encode())
        return self.wait_for(r"<line (.*?) line>")[1]

    def listed(self, text, last):
        """What is listed, until `last` is."""
        os.write(self.fd, f"{text}\x07".encode())
        shown = self.wait_for(rf".*{re.escape(last)}")[0]
        os.write(self.fd, b"\x18")
        self.wait_for(r"<line .*? line>")
        return shown

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture(scope="module")
def zsh(tmp_path_factory, daemon, run):
    if not shutil.which("zsh"):
        pytest.skip("zsh isn't installed: its completion wasn't tested")
    try:
        shell = Zsh(tmp_path_factory.mktemp("zsh"), daemon)
    except OSError as e:
        pytest.skip(f"no pseudo-terminal can be had, zsh's completion wasn't tested: {e}")
    yield shell
    shell.end()


def test_zsh_completes(zsh, run, tmp_path):
    (tmp_path / "mix.jspf").touch()
    assert zsh.complete("recflowctl recom") == "recflowctl recommend "
    assert zsh.complete("recflowctl recommend --arc wi") == "recflowctl recommend --arc wind-down "
    assert zsh.complete("recflowctl recommend --arc=wi") == "recflowctl recommend --arc=wind-down "
    assert zsh.complete("recflowctl recommend 'calm piano' --for") == "recflowctl recommend 'calm piano' --format "
    assert zsh.complete(f"recflowctl show {run[:3]}") == f"recflowctl show {run} "
    assert zsh.complete("recflowctl runs --state w") == "recflowctl runs --state waiting "
    assert zsh.complete("recflowctl optimizations set coal") == "recflowctl optimizations set coalesce "
    assert zsh.complete(f"recflowctl order {tmp_path}/m") == f"recflowctl order {tmp_path}/mix.jspf "
    assert zsh.complete(f"recflowctl recommend --output={tmp_path}/m") == f"recflowctl recommend --output={tmp_path}/mix.jspf "


def test_zsh_lists_with_descriptions(zsh):
    shown = zsh.listed("recflowctl re", "have the configuration read again")
    assert re.search(r"recommend +-- make a playlist of a sentence", shown)


def test_zsh_completes_the_options_of_the_other_programs(zsh):
    assert zsh.complete("recflowd --samp") == "recflowd --sample "
    assert zsh.complete("recflow-sim --repl").startswith("recflow-sim --replay")
