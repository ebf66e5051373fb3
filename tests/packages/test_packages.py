"""
The Debian packages: built, without complaints of lintian, and their life in a clean root: installed, upgraded, removed, purged.

It takes root, Debian's tools and a mirror; where one is absent the tests are skipped and say so. RECFLOW_TEST_PACKAGES=0 skips them, too.
"""

import json
import os
import re
import select
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest

from varlink import BUILD, SOURCE, TIMEOUT

LONG = 30 * TIMEOUT  # for builds and installations
TOOLS = {"dpkg-buildpackage": "dpkg-dev", "dh": "debhelper", "lintian": "lintian", "mmdebstrap": "mmdebstrap", "unshare": "util-linux"}
CONF = "/etc/recflow/recflowd.conf"
OWN = "/etc/recflow/recflowd.conf.d/own.conf"
STAMP = "/var/lib/systemd/timers/stamp-recflow-prewarm.timer"
OLD = "0.0.1"
# what the system keeps of every installation and isn't part of any package
KEPT_BY_SYSTEM = ("/dev", "/etc/.pwd.lock", "/etc/group-", "/etc/gshadow-", "/etc/passwd-", "/etc/shadow-", "/packages", "/proc", "/sys", "/tmp",
                  "/var/cache/apt", "/var/cache/debconf", "/var/cache/ldconfig", "/var/lib/apt", "/var/lib/dpkg", "/var/log")


def mirror():
    """Suite and address of the Debian that this machine installs from."""
    out = subprocess.run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)", "Created-By: Packages"],
                         capture_output=True, text=True, timeout=TIMEOUT)
    for line in out.stdout.splitlines():
        origin, component, suite, address = line.split()
        if origin == "Debian" and component == "main" and "-" not in suite:
            return suite, address
    return None, None


def reason_to_skip():
    if os.environ.get("RECFLOW_TEST_PACKAGES") == "0":
        return "RECFLOW_TEST_PACKAGES is 0"
    if os.geteuid() != 0:
        return "it takes root"
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        return "these Debian packages are missing: " + " ".join(missing)
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, timeout=TIMEOUT).returncode != 0:
        return "nothing can be mounted here"
    suite, address = mirror()
    if not suite:
        return "this machine installs from no Debian mirror"
    try:
        urllib.request.urlopen(f"{address}dists/{suite}/InRelease", timeout=TIMEOUT).close()
    except (urllib.error.URLError, OSError) as e:
        return f"{address} doesn't answer: {e}"
    return None


@pytest.fixture(scope="module", autouse=True)
def skip_where_the_machine_does_not_allow_it():
    reason = reason_to_skip()
    if reason:
        pytest.skip(f"the Debian packages were NOT tested: {reason}")


def run(*command, **options):
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LONG, **options)
    assert out.returncode == 0, f"{' '.join(command)}:\n{out.stdout[-6000:]}"
    return out.stdout


def clean_environment(**more):
    """Without what the make that runs us tells its children."""
    return {**{k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CC", "DESTDIR")}, **more}


# ---- The packages ----


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    directory = tmp_path_factory.mktemp("packages")
    # a second build of the same is fast where there is ccache
    environment = clean_environment(DEB_BUILD_OPTIONS=f"nocheck noautodbgsym parallel={os.cpu_count()}", CCACHE_NOHASHDIR="1",
                                    CCACHE_BASEDIR=os.environ.get("TMPDIR", "/tmp"), PATH=f"/usr/lib/ccache:{os.environ['PATH']}")
    run(os.path.join(SOURCE, "packaging/build-deb"), BUILD, str(directory), "-d", env=environment)
    return directory


def package(packages, name):
    path, = packages.glob(f"{name}_*.deb")
    return str(path)


def contents(path):
    """The files of a package."""
    return {line.split(None, 5)[5].split(" -> ")[0][1:] for line in run("dpkg-deb", "-c", path).splitlines() if not line.startswith("d")}


def test_lintian_has_nothing_to_say(packages):
    changes, = packages.glob("*.changes")
    assert run("lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", str(changes)) == ""
    assert not [path for d, _, files in os.walk(os.path.join(SOURCE, "packaging/debian")) for path in files if "lintian-overrides" in path]


def test_each_file_is_in_the_package_that_it_is_for(packages):
    main, dev = contents(package(packages, "recflow")), contents(package(packages, "recflow-dev"))
    assert {"/usr/sbin/recflowd", "/usr/bin/recflowctl", "/usr/bin/recflow-sim", CONF, "/usr/share/bash-completion/completions/recflowctl",
            "/usr/share/zsh/vendor-completions/_recflow", "/usr/share/recflow/lexicon.tsv", "/usr/share/man/man1/recflowctl.1.gz",
            "/usr/share/man/man1/recflow-sim.1.gz", "/usr/share/man/man8/recflowd.8.gz", "/usr/share/man/man5/recflowd.conf.5.gz"} <= main
    for name in ("recflowd.service", "recflowd.socket"):
        assert any(path.endswith(f"/lib/systemd/system/{name}") for path in main)
    for name in ("mock", "reccobeat", "spotify"):
        assert any(path.endswith(f"/recflow/plugins/{name}.so") for path in main)
    assert "/usr/include/recflow/plugin.h" in dev and any(path.endswith("/pkgconfig/recflow.pc") for path in dev)
    assert any(path.startswith("/usr/share/doc/recflow-dev/examples/tunebox.c") for path in dev)
    assert not main & dev and not [path for path in main | dev if path.endswith((".la", ".a"))]
    assert not [path for path in main if "/include/" in path or "/pkgconfig/" in path]


def test_the_packages_have_the_version_of_the_program(packages):
    version = run(os.path.join(BUILD, "recflowd"), "--version").split()[-1]
    for name in ("recflow", "recflow-dev"):
        assert run("dpkg-deb", "-f", package(packages, name), "Version").strip() == version


# ---- A clean root ----


class Root:
    """A Debian with what the packages depend on, and nothing else."""

    def __init__(self, directory, packages):
        self.path = str(directory / "root")
        # of systemd only what maintainer scripts call: the whole of it takes long to install
        depends = run("dpkg-deb", "-f", package(packages, "recflow"), "Depends").strip().replace("systemd | ", "")
        needed = f"{depends}, systemd-standalone-sysusers, systemd-standalone-tmpfiles"
        suite, address = mirror()
        run("mmdebstrap", "--mode=root", "--variant=apt", "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/locale/*",
            "--aptopt=APT::Install-Recommends false", f'--customize-hook=chroot "$1" apt-get satisfy -q -y "{needed}"', suite, self.path, address,
            env=clean_environment())
        os.mkdir(f"{self.path}/packages")

    def command(self, *command):
        """With a /proc of its own, which ends with it."""
        mount = 'mount --make-rprivate / && mount -t proc proc "$1/proc" && root=$1 && shift && exec chroot "$root" "$@"'
        return ["unshare", "--mount", "sh", "-c", mount, "sh", self.path, *command]

    def run(self, *command):
        return run(*self.command(*command),
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})

    def install(self, *paths):
        for path in paths:
            shutil.copy(path, f"{self.path}/packages")
        return self.run("dpkg", "-i", *(f"/packages/{os.path.basename(path)}" for path in paths))

    def has(self, path):
        return os.path.lexists(self.path + path)

    def files(self):
        """Every file and directory, but for what every installation leaves."""
        found = set()
        for directory, directories, files in os.walk(self.path):
            for name in directories + files:
                path = os.path.join(directory, name).removeprefix(self.path)
                if not path.startswith(KEPT_BY_SYSTEM):
                    found.add(path)
        return found

    def status(self, name):
        query = self.command("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", name)
        out = subprocess.run(query, capture_output=True, text=True, timeout=TIMEOUT)
        return out.stdout.strip()


class RunningDaemon:
    """The installed recflowd with the configuration that came with it."""

    def __init__(self, root):
        self.log = open(f"{root.path}/packages/log", "w+")
        read_end, write_end = os.pipe()
        self.process = subprocess.Popen(root.command("recflowd", "--ready-fd", str(write_end)), stdout=self.log, stderr=self.log,
                                        pass_fds=(write_end,))
        os.close(write_end)
        self.ready = os.fdopen(read_end, "rb")

    def __enter__(self):
        is_ready = select.select([self.ready], [], [], 5 * TIMEOUT)[0] and self.ready.read(1) == b"\n"
        self.log.seek(0)
        assert is_ready, self.log.read()
        return self

    def __exit__(self, *_):
        self.ready.close()
        self.process.terminate()
        self.process.wait(TIMEOUT)
        self.log.close()


def prompts(root):
    return [r["prompt"] for r in json.loads(root.run("recflowctl", "runs", "--json"))["runs"]]


def recommend(root, prompt):
    playlist = json.loads(root.run("recflowctl", "recommend", prompt, "--tracks", "5", "--json"))
    assert len(playlist["tracks"]) == 5


def older(packages, name, directory):
    """The same package, with a lower version number."""
    unpacked = str(directory / name)
    run("dpkg-deb", "-R", package(packages, name), unpacked)
    with open(f"{unpacked}/DEBIAN/control") as f:
        control = f.read()
    with open(f"{unpacked}/DEBIAN/control", "w") as f:
        f.write(re.sub(r"^Version: .*$", f"Version: {OLD}", control, flags=re.M))
    path = str(directory / f"{name}_{OLD}.deb")
    run("dpkg-deb", "-Zgzip", "-z1", "-b", unpacked, path)
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory, packages):
    r = Root(tmp_path_factory.mktemp("clean"), packages)
    os.makedirs(r.path + os.path.dirname(STAMP), exist_ok=True)
    return r


@pytest.fixture(scope="module")
def before(root):
    return root.files()


@pytest.fixture(scope="module")
def installed(root, before, packages, tmp_path_factory):
    directory = tmp_path_factory.mktemp("older")
    root.install(*(older(packages, name, directory) for name in ("recflow", "recflow-dev")))
    return root


@pytest.fixture(scope="module")
def used(installed):
    """Some runs, and a configuration that somebody wrote."""
    with RunningDaemon(installed):
        recommend(installed, "rainy sunday jazz")
    with open(installed.path + CONF, "a") as f:
        f.write("[runs]\nactive_max = 3\n")
    with open(installed.path + OWN, "w") as f:
        f.write("[provider mock]\n")
    # systemd's own note of when the timer went off last
    with open(installed.path + STAMP, "w"):
        pass
    return installed


@pytest.fixture(scope="module")
def upgraded(used, packages):
    used.install(package(packages, "recflow"), package(packages, "recflow-dev"))
    return used


@pytest.fixture(scope="module")
def removed(upgraded):
    upgraded.run("dpkg", "-r", "recflow", "recflow-dev")
    return upgraded


@pytest.fixture(scope="module")
def purged(removed):
    removed.run("dpkg", "-P", "recflow", "recflow-dev")
    return removed


def test_installed_it_works_as_it_came(installed):
    assert installed.status("recflow") == installed.status("recflow-dev") == f"installed {OLD}"
    installed.run("recflowd", "--check")
    with RunningDaemon(installed):
        recommend(installed, "calm piano")
        assert prompts(installed) == ["calm piano"]
    wants = [os.path.join(d, f) for d, _, files in os.walk(f"{installed.path}/etc/systemd/system") for f in files]
    assert any(path.endswith("sockets.target.wants/recflowd.socket") for path in wants), wants
    assert any(path.endswith("multi-user.target.wants/recflowd.service") for path in wants), wants
    assert any(path.endswith("timers.target.wants/recflow-prewarm.timer") for path in wants), wants


def test_upgraded_it_keeps_configuration_and_runs(upgraded, packages):
    version = run("dpkg-deb", "-f", package(packages, "recflow"), "Version").strip()
    assert upgraded.status("recflow") == upgraded.status("recflow-dev") == f"installed {version}"
    with open(upgraded.path + CONF) as f:
        assert f.read().endswith("active_max = 3\n")
    with RunningDaemon(upgraded):
        assert "rainy sunday jazz" in prompts(upgraded)
        assert json.loads(upgraded.run("recflowctl", "status", "--json"))["runs_active_max"] == 3
        recommend(upgraded, "dark techno")


def test_removed_it_keeps_configuration_and_runs(removed):
    assert removed.status("recflow").startswith("config-files") and not removed.has("/usr/sbin/recflowd")
    assert removed.has(CONF) and removed.has(OWN) and removed.has("/var/lib/recflow") and removed.has("/var/cache/recflow")


def test_purged_it_leaves_nothing_but_what_others_wrote(purged, before):
    assert purged.status("recflow") in ("", "not-installed")
    left = purged.files() - before
    # somebody's own file isn't the package's to delete
    assert left == {OWN, os.path.dirname(OWN), os.path.dirname(CONF)}
    assert before - purged.files() == set()
