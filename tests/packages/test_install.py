"""What `make install` puts below a prefix is enough to build a plugin, with pkg-config alone, and to run it."""

import json
import os
import re
import subprocess

import pytest

from varlink import BUILD, SOURCE, TIMEOUT, Daemon


def run(*command, **options):
    out = subprocess.run(command, capture_output=True, text=True, timeout=10 * TIMEOUT, **options)
    assert out.returncode == 0, out.stdout + out.stderr
    return out.stdout.strip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The root of an installation, and what pkg-config says of recflow there."""
    root = str(tmp_path_factory.mktemp("root"))
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    run("make", "-s", "-C", BUILD, "install", f"DESTDIR={root}", env=environment)
    config, = (os.path.join(d, "recflow.pc") for d, _, files in os.walk(root) if "recflow.pc" in files)

    def pkg_config(*arguments):
        return run("pkg-config", *arguments, env={**os.environ, "PKG_CONFIG_SYSROOT_DIR": root,
                                                  "PKG_CONFIG_PATH": os.path.dirname(config)})

    return root, pkg_config


def test_the_example_builds_with_pkg_config_alone_and_the_daemon_takes_it(installed, tmp_path):
    root, pkg_config = installed
    flags = pkg_config("--cflags", "recflow").split()
    jansson = run("pkg-config", "--cflags", "--libs", "jansson").split()
    plugin = str(tmp_path / "tunebox.so")
    assert flags[0].startswith(f"-I{root}/")
    run("gcc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", plugin, f"{SOURCE}/docs/example-plugin/tunebox.c",
        *flags, *jansson)
    with Daemon(tmp_path, provider=f"[provider tunebox]\n[daemon]\nplugin_directory = {tmp_path}\n") as daemon, daemon.client() as client:
        reply = client.call("io.recflow.admin.Providers")
    assert [p["name"] for p in reply["parameters"]["providers"]] == ["tunebox"], reply


def test_pkg_config_tells_version_and_where_plugins_go(installed):
    root, pkg_config = installed
    version = run(os.path.join(BUILD, "recflowd"), "--version").split()[-1]
    assert pkg_config("--modversion", "recflow") == version
    plugins = pkg_config("--variable=pluginsdir", "recflow")
    assert {"mock.so", "spotify.so", "reccobeat.so"} <= set(os.listdir(plugins if plugins.startswith(root) else root + plugins))


def test_headers_are_those_of_plugins_and_no_others(installed):
    root, _ = installed
    headers = [os.path.join(d, f).removeprefix(root) for d, _, files in os.walk(root) for f in files if f.endswith(".h")]
    assert len(headers) == 1 and headers[0].endswith("/include/recflow/plugin.h")


def test_the_public_header_is_valid_c11_and_c17(installed, tmp_path):
    _, pkg_config = installed
    source = tmp_path / "empty.c"
    source.write_text("#include <recflow/plugin.h>\nint used;\n")
    for compiler, standard in (("gcc", "c11"), ("gcc", "c17")):
        run(compiler, "-x", "c", f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", str(source),
            *pkg_config("--cflags", "recflow").split())
