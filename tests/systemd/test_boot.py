"""recflowd under a real systemd, booted in a container: activation, readiness, watchdog, reload, credentials, sandbox, timer, stop, purge."""

import json
import os
import re

import pytest

import machine as machines
from varlink import SOURCE, Client

CONFIG = os.path.join(machines.make_variable("sysconfdir"), "recflow")
SOCKET = "/run/recflow/recflowd.sock"
SERVICE, SOCKET_UNIT, PREWARM = "recflowd.service", "recflowd.socket", "recflow-prewarm"
PYTHON = os.path.realpath("/usr/bin/python3")
W, A = "io.recflow.workflow.", "io.recflow.admin."


def leave_out(reason):
    """Loudly; not at all where RECFLOW_BOOT=required says that this machine can."""
    message = f"THE UNITS ARE NOT TESTED under a booted systemd: {reason}"
    if os.environ.get("RECFLOW_BOOT") == "required":
        pytest.fail(message)
    pytest.skip(message.replace("\n", " "))


@pytest.fixture(scope="module")
def booted(tmp_path_factory):
    reason = machines.why_not()
    if reason:
        leave_out(reason)
    m = None
    try:
        machines.unshare_mounts()
        m = machines.Machine(tmp_path_factory.mktemp("machine"))
        m.install()
        m.boot()
    except machines.CannotBoot as e:
        if m:
            m.stop()
        leave_out(e)
    yield m
    m.stop()


@pytest.fixture
def machine(booted):
    """As after installation: nothing runs, nothing is configured, nothing is kept."""
    booted.write(f"{CONFIG}/recflowd.conf", "[provider mock]\n")
    yield booted
    booted.run("sh", "-ec", f"""
        systemctl stop {SOCKET_UNIT} {SERVICE} {PREWARM}.timer {PREWARM}.service
        rm -rf {CONFIG}/recflowd.conf.d /etc/credstore /etc/credstore.encrypted
        cd /etc/systemd/system
        if ls -d recflow*.d >/dev/null 2>&1; then rm -rf recflow*.d; systemctl daemon-reload; fi
        systemctl reset-failed
        systemctl clean --what=state --what=cache {SERVICE}""")


def drop_in(machine, unit, text):
    machine.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
    machine.systemctl("daemon-reload")


def start(machine):
    """The socket is there; the service is started by its first client only."""
    machine.systemctl("start", SOCKET_UNIT)
    assert machine.show(SERVICE, "ActiveState") == "inactive"
    machine.run("recflowctl", "ping")
    machine.wait_for(lambda: machine.show(SERVICE, "ActiveState") == "active", "readiness")
    return int(machine.show(SERVICE, "MainPID"))


def client(machine):
    """This process's connection to the socket in there."""
    return Client(f"/proc/{machine.leader}/root{SOCKET}")


def entries(machine, *arguments):
    return [json.loads(line) for line in machine.journal("-o", "json", *arguments).splitlines()]


def since(machine):
    """For the journal: from now on."""
    return machine.run("date", "+%Y-%m-%d %H:%M:%S.%6N").stdout.strip()


# ---- Starting ----


def test_the_machine_is_up_and_our_user_and_directories_are_there(machine):
    assert machine.systemctl("--failed", "--no-legend", "--plain") == ""
    user = machine.run("getent", "passwd", "recflow").stdout.split(":")
    assert user[5:] == ["/var/lib/recflow", "/usr/sbin/nologin\n"]
    assert machine.run("stat", "-c", "%U %a", "/var/lib/recflow", "/run/recflow").stdout.splitlines() == ["recflow 700", "root 755"]
    assert machine.systemctl("is-enabled", SERVICE, SOCKET_UNIT, check=False).split() == ["disabled", "disabled"]


def test_the_first_client_starts_it_and_finds_it_ready(machine):
    pid = start(machine)
    assert machine.show(SERVICE, "Type") == "notify" and machine.show(SERVICE, "NotifyAccess") == "main"
    assert machine.run("stat", "-c", "%U %a %F", SOCKET).stdout.strip() == "root 666 socket"
    assert machine.show(SERVICE, "StatusText") == "serving clients; 1 provider"
    with client(machine) as c:
        assert c.call(A + "Status")["parameters"]["pid"] == pid
        last = list(c.stream(W + "Recommend", {"prompt": "rainy sunday jazz", "options": {"tracks": 5}}))[-1]["parameters"]
    assert last["state"] == "done" and len(last["playlist"]["tracks"]) == 5


def test_enabled_it_starts_at_boot_with_socket_and_timer(machine):
    machine.systemctl("enable", SERVICE, f"{PREWARM}.timer")
    assert machine.systemctl("is-enabled", SERVICE, SOCKET_UNIT, f"{PREWARM}.timer").split() == ["enabled"] * 3
    for target, unit in (("multi-user", SERVICE), ("sockets", SOCKET_UNIT), ("timers", f"{PREWARM}.timer")):
        assert unit in machine.show(f"{target}.target", "Wants")
    machine.systemctl("start", "multi-user.target")
    assert machine.systemctl("is-active", SERVICE, SOCKET_UNIT).split() == ["active"] * 2
    machine.systemctl("disable", SERVICE, SOCKET_UNIT, f"{PREWARM}.timer")
    assert machine.run("find", "/etc/systemd/system", "-name", "*recflow*", "-type", "l").stdout == ""


# ---- Staying alive ----


def watched(machine, latency):
    """A run under way, in a daemon whose loop is watched closely: process and run."""
    drop_in(machine, SERVICE, "[Service]\nWatchdogSec=3s\nRestartSec=100ms\n")
    machine.write(f"{CONFIG}/recflowd.conf", f"[provider mock]\nlatency = {latency}\n")
    pid = start(machine)
    with client(machine) as c:
        run = c.call(W + "Recommend", {"prompt": "calm piano", "detach": True})["parameters"]["run"]
    return pid, run


def test_a_loop_that_stands_still_is_killed_and_started_anew_and_its_run_ends_well(machine):
    pid, run = watched(machine, "1s")
    machine.run("sh", "-c", f"kill -STOP {pid}")
    machine.wait_for(lambda: machine.show(SERVICE, "NRestarts") == "1" and machine.show(SERVICE, "ActiveState") == "active", "a new start")
    assert int(machine.show(SERVICE, "MainPID")) != pid
    assert "Watchdog timeout" in machine.journal("UNIT=" + SERVICE)
    with client(machine) as c:
        last = list(c.stream(W + "Follow", {"run": run}))[-1]["parameters"]
    assert last["state"] == "done" and last["playlist"]["tracks"]


def test_no_client_is_turned_away_while_it_is_killed_and_comes_back(machine):
    pid, run = watched(machine, "1s")
    machine.run("sh", "-c", f"kill -KILL {pid}")
    # the socket is systemd's: this waits for the new daemon
    with client(machine) as c:
        assert c.call(A + "Status")["parameters"]["pid"] != pid
        assert list(c.stream(W + "Follow", {"run": run}))[-1]["parameters"]["state"] == "done"


def test_the_watchdog_leaves_a_busy_daemon_alone(machine):
    pid, _ = watched(machine, "30ms")
    with client(machine) as c:
        status = c.call(A + "Status")["parameters"]
        # for longer than the watchdog would wait, twice
        while status["uptime_s"] < 7:
            c.call(W + "Recommend", {"prompt": f"party {status['runs_done']}", "options": {"tracks": 5}})
            status = c.call(A + "Status")["parameters"]
        assert status["pid"] == pid and status["runs_done"] > 1
    assert machine.show(SERVICE, "NRestarts") == "0"


# ---- Configuration ----


def active_max(machine):
    with client(machine) as c:
        return c.call(A + "Status")["parameters"]["runs_active_max"]


def test_a_reload_waits_for_the_outcome_and_a_bad_configuration_changes_nothing(machine):
    pid = start(machine)
    path = f"{CONFIG}/recflowd.conf.d/test.conf"
    machine.write(path, "[runs]\nactive_max = 3\n")
    machine.systemctl("reload", SERVICE)
    assert active_max(machine) == 3
    machine.write(path, "[runs]\nactive_max = 5\nno_such_thing = 1\n")
    now = since(machine)
    assert machine.run("systemctl", "reload", SERVICE, check=False).returncode != 0
    assert active_max(machine) == 3
    assert (machine.show(SERVICE, "ActiveState"), int(machine.show(SERVICE, "MainPID"))) == ("active", pid)
    assert f"{path}:3" in machine.journal("--since", now, "_SYSTEMD_UNIT=" + SERVICE)
    machine.write(path, "[runs]\nactive_max = 5\n")
    machine.systemctl("reload", SERVICE)
    assert active_max(machine) == 5 and machine.show(SERVICE, "NRestarts") == "0"


def test_an_invalid_configuration_at_the_start_is_not_tried_again(machine):
    machine.write(f"{CONFIG}/recflowd.conf", "[runs]\nactive_max = many\n")
    assert machine.run("systemctl", "start", SERVICE, check=False).returncode != 0
    assert (machine.show(SERVICE, "ActiveState"), machine.show(SERVICE, "NRestarts")) == ("failed", "0")
    assert machine.show(SERVICE, "ExecMainStatus") == "78"
    machine.write(f"{CONFIG}/recflowd.conf", "[provider mock]\n")
    machine.systemctl("start", SERVICE)
    machine.run("recflowctl", "ping")


# ---- The journal ----


def message_ids():
    with open(os.path.join(SOURCE, "daemon/service/messages.h")) as f:
        return dict(re.findall(r'#define RF_MESSAGE_(\w+) +"([0-9a-f]{32})"', f.read()))


def test_the_journal_finds_what_belongs_to_a_run(machine):
    start(machine)
    with client(machine) as c:
        run = list(c.stream(W + "Recommend", {"prompt": "calm piano"}))[-1]["parameters"]["run"]
        failed = c.call(W + "Recommend", {"prompt": "   "})
    (entry,) = entries(machine, "RECFLOW_RUN=" + run)
    assert entry["MESSAGE"].startswith(f"run {run} is done: ") and entry["PRIORITY"] == "6"
    assert (entry["_SYSTEMD_UNIT"], entry["SYSLOG_IDENTIFIER"], entry["_TRANSPORT"]) == (SERVICE, "recflowd", "journal")
    # what people asked for isn't the journal's business
    assert failed["error"] and "calm piano" not in machine.journal("-o", "json")


def test_what_a_person_must_act_on_is_explained(machine):
    ids = message_ids()
    path = f"{CONFIG}/recflowd.conf.d/test.conf"
    start(machine)
    machine.write(path, "\n[runs]\nactive_max = many\n")
    assert machine.run("systemctl", "reload", SERVICE, check=False).returncode != 0
    entry = entries(machine, "MESSAGE_ID=" + ids["CONFIGURATION"])[-1]
    assert (entry["RECFLOW_FILE"], entry["RECFLOW_LINE"], entry["PRIORITY"]) == (path, "3", "3")
    explained = machine.journal("--catalog", "MESSAGE_ID=" + ids["CONFIGURATION"])
    assert f"{path}, line 3: that is where the mistake is" in explained and "man:recflowd(8)" in explained
    machine.write(path, "[provider other]\nplugin = other.so\n")
    machine.systemctl("restart", SERVICE)
    entry = entries(machine, "MESSAGE_ID=" + ids["PROVIDER"])[-1]
    assert entry["RECFLOW_PROVIDER"] == "other" and entry["PRIORITY"] == "4"
    # each id has its explanation
    listed = machine.journal("--list-catalog")
    assert all(message_id in listed.replace("-", "") for message_id in ids.values())


# ---- Leaving when there is nothing to do ----


def test_an_idle_daemon_leaves_and_the_next_client_finds_it_again(machine):
    machine.write(f"{CONFIG}/recflowd.conf.d/test.conf", "[daemon]\nidle_exit = 1s\n[provider mock]\nlatency = 500ms\n")
    machine.systemctl("start", SOCKET_UNIT)
    with client(machine) as c:
        pid = c.call(A + "Status")["parameters"]["pid"]
        # nobody is connected any more, but a run goes on for longer
        run = c.call(W + "Recommend", {"prompt": "calm piano", "detach": True})["parameters"]["run"]
    machine.wait_for(lambda: machine.show(SERVICE, "ActiveState") == "inactive", "its leaving")
    assert (machine.show(SERVICE, "Result"), machine.show(SERVICE, "NRestarts")) == ("success", "0")
    assert [e["MESSAGE"] for e in entries(machine, "RECFLOW_RUN=" + run)][0].startswith(f"run {run} is done")
    with client(machine) as c:
        assert c.call(A + "Status")["parameters"]["pid"] != pid
        assert c.call(W + "Get", {"run": run})["parameters"]["playlist"]["tracks"]


# ---- Credentials ----


def secrets_of(machine, pid):
    """What lies in the service's own directory of secrets, as it sees it."""
    directory = f"/proc/{pid}/root/run/credentials/{SERVICE}"
    listed = machine.run("ls", directory).stdout.split()
    return {name: machine.run("cat", f"{directory}/{name}").stdout for name in listed}


def problem(machine):
    with client(machine) as c:
        return c.call(A + "Providers")["parameters"]["providers"][0].get("credential_problem", "")


@pytest.mark.parametrize("sealed", [False, True])
def test_a_secret_of_the_credential_store_reaches_the_provider_and_nobody_else(machine, sealed):
    machine.write(f"{CONFIG}/recflowd.conf", "[provider spotify]\nclient_id = 0123456789abcdef0123456789abcdef\n")
    pid = start(machine)
    assert secrets_of(machine, pid) == {} and "no client secret" in problem(machine)
    if sealed:
        path = "/etc/credstore.encrypted/spotify.client_secret"
        machine.run("mkdir", "-p", "-m", "700", "/etc/credstore.encrypted")
        machine.run("systemd-creds", "setup")
        machine.run("systemd-creds", "encrypt", "--with-key=host", "--name=spotify.client_secret", "-", path, input="quite-secret-0001")
        drop_in(machine, SERVICE, f"[Service]\nLoadCredentialEncrypted=spotify.client_secret:{path}\n")
    else:
        machine.write("/etc/credstore/spotify.client_secret", "quite-secret-0001", 0o600)
    machine.systemctl("restart", SERVICE)
    pid = int(machine.show(SERVICE, "MainPID"))
    assert secrets_of(machine, pid) == {"spotify.client_secret": "quite-secret-0001"}
    assert problem(machine) == ""
    # another user can't, and after the end there is nothing to be read
    other = ("setpriv", "--reuid=daemon", "--clear-groups", "cat", f"/run/credentials/{SERVICE}/spotify.client_secret")
    assert machine.run(*other, check=False).returncode != 0
    assert "quite-secret" not in machine.journal() + machine.systemctl("show", SERVICE)
    machine.systemctl("stop", SERVICE)
    assert machine.run("ls", "-A", f"/run/credentials/{SERVICE}", check=False).stdout == ""


# ---- The sandbox ----


def test_nothing_can_be_done_in_the_sandbox_that_is_not_needed(machine):
    """A program that tries all of it runs in the daemon's place."""
    machine.run("mkdir", "-p", "/home/somebody")
    with open(machine.path(machines.unit("recflowd.service"))) as f:
        unit = f.read()
    with open(os.path.join(SOURCE, "tests/systemd/probe.py")) as f:
        machine.write("/usr/lib/recflow-probe.py", f.read())
    unit = re.sub(r"(?m)^ExecStart=.*$", f"ExecStart={PYTHON} /usr/lib/recflow-probe.py\nStandardOutput=file:/run/probe.json", unit)
    unit = unit.replace("Type=notify", "Type=oneshot").replace("\nExecPaths=", f"\nExecPaths={PYTHON} ")
    unit = unit.replace("WatchdogSec=30s", "").replace("Restart=on-failure", "").replace("Requires=recflowd.socket", "")
    machine.write("/etc/systemd/system/recflow-probe.service", unit)
    machine.systemctl("daemon-reload")
    machine.systemctl("start", "recflow-probe.service")
    seen = json.loads(machine.run("cat", "/run/probe.json").stdout)
    print(json.dumps(seen, indent=1))
    assert {name for name, result in seen["needed"].items() if result != "ok"} == set()
    assert {name for name, result in seen["forbidden"].items() if result == "ok"} == set()


def test_the_daemon_itself_has_no_privilege(machine):
    pid = start(machine)
    status = dict(line.split(":\t", 1) for line in machine.run("cat", f"/proc/{pid}/status").stdout.splitlines() if ":\t" in line)
    uid = machine.run("id", "-u", "recflow").stdout.strip()
    assert set(status["Uid"].split()) == {uid} and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    mounts = {line.split()[4]: line.split()[5].split(",") for line in machine.run("cat", f"/proc/{pid}/mountinfo").stdout.splitlines()}
    assert "ro" in mounts["/"] and "noexec" in mounts["/"]
    assert "rw" in mounts["/var/lib/recflow"] and "rw" in mounts["/var/cache/recflow"]


# ---- Warming ----


def test_the_timer_makes_up_for_a_warming_that_was_missed(machine):
    """The machine was off: its last warming was two days ago."""
    if not re.search(r"(?m)^ +warm\b", machine.run("recflowctl", "help").stdout):
        drop_in(machine, f"{PREWARM}.service", "[Service]\nExecStart=\nExecStart=" + machines.make_variable("bindir") + "/recflowctl ping\n")
    drop_in(machine, f"{PREWARM}.timer", "[Timer]\nRandomizedDelaySec=0\n")
    machine.run("mkdir", "-p", "/var/lib/systemd/timers")
    machine.run("touch", "-d", "2 days ago", f"/var/lib/systemd/timers/stamp-{PREWARM}.timer")
    now = since(machine)
    machine.systemctl("start", f"{PREWARM}.timer")
    machine.wait_for(lambda: machine.show(f"{PREWARM}.service", "ExecMainExitTimestampMonotonic") != "0", "a warming")
    machine.wait_for(lambda: machine.show(f"{PREWARM}.service", "ActiveState") in ("inactive", "failed"), "its end")
    assert machine.show(f"{PREWARM}.service", "Result") == "success", machine.journal("--since", now)
    # it was the timer that did it, and the daemon was started for it
    assert machine.show(f"{PREWARM}.timer", "LastTriggerUSec") and machine.show(SERVICE, "ActiveState") == "active"
    following = machine.show(f"{PREWARM}.timer", "NextElapseUSecRealtime")
    assert re.search(r" \d\d:(00|15|30|45):\d\d ", following), following


def test_the_timer_spreads_machines_over_most_of_its_time(machine):
    machine.run("rm", "-f", f"/var/lib/systemd/timers/stamp-{PREWARM}.timer")
    machine.systemctl("start", f"{PREWARM}.timer")
    following = machine.show(f"{PREWARM}.timer", "NextElapseUSecRealtime")
    assert re.search(r" \d\d:[0-5]\d:\d\d ", following), following
    assert machine.show(f"{PREWARM}.timer", "RandomizedDelayUSec") == "10min"


# ---- One for each user ----


def test_a_user_has_a_daemon_of_their_own_in_their_own_directories(machine):
    machine.write("/etc/sysusers.d/listener.conf", 'u listener - "a listener" /home/listener /bin/sh\n')
    machine.run("systemd-sysusers")
    machine.run("install", "-d", "-o", "listener", "/home/listener")
    uid = machine.run("id", "-u", "listener").stdout.strip()
    started = machine.run("systemctl", "start", f"user@{uid}.service", check=False)
    if started.returncode != 0 or machine.run("test", "-S", f"/run/user/{uid}/systemd/private", check=False).returncode != 0:
        pytest.skip(f"NO USER'S SYSTEMD can be started here (packages dbus, libpam-systemd?): {started.stderr.strip()}")

    def as_user(*command, **options):
        return machine.run("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "env", "HOME=/home/listener",
                           f"XDG_RUNTIME_DIR=/run/user/{uid}", *command, **options)

    try:
        machine.run("install", "-d", "-o", "listener", "/home/listener/.config", "/home/listener/.config/recflow")
        machine.write("/home/listener/.config/recflow/recflowd.conf", "[runs]\nactive_max = 7\n[provider mock]\n")
        as_user("systemctl", "--user", "start", SOCKET_UNIT)
        assert as_user("systemctl", "--user", "is-active", SERVICE, check=False).stdout.strip() == "inactive"
        # its own socket counts more than the system's
        status = json.loads(as_user("recflowctl", "--json", "status").stdout)
        assert status["runs_active_max"] == 7 and status["state"]["path"] == "/home/listener/.local/state/recflow"
        assert status["cache"]["path"] == "/home/listener/.cache/recflow"
        as_user("recflowctl", "recommend", "calm piano")
        as_user("systemctl", "--user", "reload", SERVICE)
        found = machine.run("find", "/home/listener/.local", "/home/listener/.cache", "-printf", "%U %m %y %p\n").stdout.splitlines()
        assert found and all(line.split()[0] == uid and line.split()[1] in ("700", "600") for line in found), found
        pid = as_user("systemctl", "--user", "show", SERVICE, "--value", "-p", "MainPID").stdout.strip()
        status = machine.run("cat", f"/proc/{pid}/status").stdout
        assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
        assert machine.run("stat", "-c", "%U %a", f"/run/user/{uid}/recflow", f"/run/user/{uid}/recflow/recflowd.sock").stdout.split() == [
            "listener", "700", "listener", "600"]
        as_user("systemctl", "--user", "stop", SOCKET_UNIT, SERVICE)
        assert machine.run("test", "-e", f"/run/user/{uid}/recflow/recflowd.sock", check=False).returncode == 1
    finally:
        machine.systemctl("stop", f"user@{uid}.service", check=False)


# ---- The end ----


def test_a_stop_is_clean_and_quick(machine):
    start(machine)
    machine.systemctl("stop", SERVICE)
    assert (machine.show(SERVICE, "ActiveState"), machine.show(SERVICE, "Result")) == ("inactive", "success")
    assert machine.show(SERVICE, "ExecMainStatus") == "0"
    # the socket still stands, and starts it again
    machine.run("recflowctl", "ping")
    machine.systemctl("stop", SOCKET_UNIT, SERVICE)
    assert machine.run("test", "-e", SOCKET, check=False).returncode == 1
    assert machine.run("recflowctl", "ping", check=False).returncode != 0


def test_a_purge_leaves_nothing(machine):
    start(machine)
    machine.run("recflowctl", "recommend", "calm piano")
    files = machine.run("find", "/var/lib/recflow", "/var/cache/recflow", "-type", "f").stdout.split()
    assert files
    machine.systemctl("stop", SOCKET_UNIT, SERVICE)
    machine.systemctl("clean", "--what=state", "--what=cache", SERVICE)
    left = machine.run("find", "/var/lib/recflow", "/var/cache/recflow", SOCKET, check=False).stdout.split()
    assert left == []
