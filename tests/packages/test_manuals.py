"""Every program has a manual page, and the pages are clean."""

import glob
import os
import re
import shutil
import subprocess

import pytest

from varlink import BUILD, SOURCE, TIMEOUT

MANUALS = sorted(p for p in glob.glob(f"{SOURCE}/docs/man/*.[1-8]") + glob.glob(f"{BUILD}/docs/man/*.[1-8]"))


def programs(variable):
    """What make installs into a directory."""
    alone = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}  # not as a part of the make above
    out = subprocess.run(["make", "-s", "--no-print-directory", "-C", BUILD, "-f", "Makefile", "-f", "-", "print"],
                         input=f"print:\n\t@echo $({variable})\n", capture_output=True, text=True, timeout=TIMEOUT, check=True, env=alone)
    return [os.path.basename(name) for name in out.stdout.splitlines()[-1].split()]


def test_every_program_has_a_page():
    for variable, section in (("bin_PROGRAMS", "1"), ("sbin_PROGRAMS", "8")):
        names = programs(variable)
        assert names
        for name in names:
            assert any(os.path.basename(page) == f"{name}.{section}" for page in MANUALS), f"{name}({section})"


def test_every_page_is_installed():
    assert sorted(programs("man_MANS")) == sorted({os.path.basename(p) for p in MANUALS})


@pytest.mark.parametrize("page", MANUALS, ids=os.path.basename)
def test_pages_are_clean(page):
    for tool, arguments, package in (("man", ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"], "man-db"), ("lexgrog", ["lexgrog"], "man-db"),
                                     ("mandoc", ["mandoc", "-Tlint", "-Wwarning"], "mandoc")):
        if not shutil.which(tool):
            pytest.skip(f"{tool} isn't installed (Debian package {package}): {os.path.basename(page)} wasn't checked with it")
        out = subprocess.run([*arguments, page], capture_output=True, text=True, timeout=TIMEOUT,
                             env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"})
        said = out.stderr + (out.stdout if tool == "mandoc" else "")
        assert out.returncode == 0 and said == "", said
    with open(page, encoding="utf-8") as f:
        assert re.search(rf'^\.TH "?{re.escape(os.path.basename(page).rsplit(".", 1)[0].upper())}"? {page[-1]} ', f.read(), re.M)


def test_pages_refer_to_pages_that_exist():
    ours = {os.path.basename(p) for p in MANUALS}
    for page in MANUALS:
        with open(page, encoding="utf-8") as f:
            text = f.read().replace("\\-", "-")
        for name, section in re.findall(r"^\.BR (recflow[a-z.-]*) \((\d)\)", text, re.M):
            assert f"{name}.{section}" in ours, f"{page} refers to {name}({section})"
