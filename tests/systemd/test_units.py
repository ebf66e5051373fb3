"""The units as files: what can be said of them without a booted systemd."""

import glob
import os
import re
import shutil
import subprocess

import pytest

from varlink import BUILD, SOURCE, TIMEOUT

EXPOSURE_MAX = 12  # tenths
REASON_LINES_MAX = 4  # directives that share one reason
NAMES = ("recflowd.service", "recflowd.socket", "recflow-prewarm.service", "recflow-prewarm.timer")
UNITS = NAMES + tuple(f"user/{name}" for name in NAMES)


def unit_path(name):
    built = os.path.join(BUILD, "systemd", name)
    return built if os.path.exists(built) else os.path.join(SOURCE, "systemd", name)


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is missing")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)


@pytest.mark.parametrize("name", UNITS)
def test_each_directive_has_its_reason_in_a_comment(name):
    """A comment is the reason of the few directives that follow it; what names the unit and its manual speaks for itself."""
    with open(unit_path(name)) as f:
        lines = f.read().splitlines()
    assert lines[0].startswith("# ")
    left = 0
    for line in lines[1:]:
        if line.startswith("# "):
            left = REASON_LINES_MAX
        elif line.startswith("[") or not line:
            left = 0
        elif not re.match(r"(Description|Documentation)=", line) and "@" not in line.split("=")[0]:
            assert left > 0, f"{name}: {line}"
            left -= 1


@pytest.mark.parametrize("name", ["recflowd.service", "recflow-prewarm.service"])
def test_the_sandbox_leaves_little_exposed(name):
    need("systemd-analyze")
    r = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX}", unit_path(name))
    print(r.stdout[-2000:])
    assert r.returncode == 0, r.stdout.splitlines()[-1] + r.stderr


@pytest.mark.parametrize("manager,names", [("system", NAMES), ("user", NAMES)])
def test_systemd_understands_every_line(tmp_path, manager, names):
    """It ignores what it doesn't know, and says so; of the programs only those that are installed are looked for."""
    need("systemd-analyze")
    for name in names:
        with open(unit_path(name if manager == "system" else f"user/{name}")) as f:
            text = re.sub(r"(?m)^(Exec\w+=)\S+", r"\1/bin/true", f.read())
        (tmp_path / name).write_text(text)
    # units of the machine that ours refer to have faults of their own
    r = subprocess.run(["systemd-analyze", f"--{manager}", "verify", "--man=no", "--recursive-errors=no",
                        *(str(tmp_path / name) for name in names)],
                       capture_output=True, text=True, timeout=TIMEOUT, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)})
    ours = [line for line in r.stderr.splitlines() if "recflow" in line]
    assert ours == [] and r.returncode == 0, r.stderr


def test_the_calendar_means_every_quarter_of_an_hour():
    need("systemd-analyze")
    with open(unit_path("recflow-prewarm.timer")) as f:
        expression = re.search(r"(?m)^OnCalendar=(.*)$", f.read()).group(1)
    r = run("systemd-analyze", "calendar", "--iterations=3", "--base-time=2026-01-01 12:00:00 UTC", expression)
    assert r.returncode == 0 and len(re.findall(r" (?:12:15|12:30|12:45):00", r.stdout)) >= 3, r.stdout + r.stderr


def test_sysusers_and_tmpfiles_make_user_and_directories(tmp_path):
    need("systemd-sysusers")
    need("systemd-tmpfiles")
    (tmp_path / "etc").mkdir()
    for kind in ("sysusers", "tmpfiles"):
        directory = tmp_path / "usr/lib" / f"{kind}.d"
        directory.mkdir(parents=True)
        shutil.copy(os.path.join(SOURCE, "systemd", f"recflow.{kind}"), directory / "recflow.conf")
    assert run("systemd-sysusers", f"--root={tmp_path}").returncode == 0
    user = re.search(r"(?m)^recflow:.*$", (tmp_path / "etc/passwd").read_text()).group(0).split(":")
    assert user[5:] == ["/var/lib/recflow", "/usr/sbin/nologin"]
    if os.geteuid() != 0:
        pytest.skip("only root can make directories of another user")
    r = run("systemd-tmpfiles", f"--root={tmp_path}", "--create")
    assert r.returncode == 0, r.stderr
    for name, uid, mode in (("run/recflow", 0, 0o755), ("var/lib/recflow", int(user[2]), 0o700), ("var/cache/recflow", int(user[2]), 0o700)):
        st = (tmp_path / name).stat()
        assert (st.st_uid, st.st_mode & 0o7777) == (uid, mode), name


def test_the_user_variant_has_the_same_units():
    for name in NAMES:
        assert os.path.exists(unit_path(f"user/{name}")), name
    assert {os.path.basename(p).removesuffix(".in") for p in glob.glob(os.path.join(SOURCE, "systemd/user/*"))} == set(NAMES)


def test_each_message_has_one_explanation_and_each_explanation_its_message():
    with open(os.path.join(SOURCE, "daemon/service/messages.h")) as f:
        declared = re.findall(r'(?m)^#define RF_MESSAGE_(\w+) +"([0-9a-f]{32})" /\* .+ \*/$', f.read())
    with open(os.path.join(SOURCE, "systemd/recflow.catalog")) as f:
        explained = re.findall(r"(?m)^-- ([0-9a-f]{32})\nSubject: .+\nDefined-By: recflow\nSupport: .+\nDocumentation: .+\n\n\S", f.read())
    ids = [message_id for _, message_id in declared]
    assert declared and sorted(ids) == sorted(explained) and len(set(ids)) == len(ids)
    # and each is said somewhere
    said = "".join(open(p).read() for p in glob.glob(os.path.join(SOURCE, "daemon/service/*.c")))
    assert [name for name, _ in declared if f"RF_MESSAGE_{name}" not in said] == []


def test_the_catalogue_can_be_compiled(tmp_path):
    need("journalctl")
    directory = tmp_path / "usr/lib/systemd/catalog"
    directory.mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    shutil.copy(os.path.join(SOURCE, "systemd/recflow.catalog"), directory)
    r = run("journalctl", f"--root={tmp_path}", "--update-catalog")
    assert r.returncode == 0 and r.stderr == "", r.stderr
    listed = run("journalctl", f"--root={tmp_path}", "--list-catalog").stdout
    assert len(listed.splitlines()) == 10, listed
