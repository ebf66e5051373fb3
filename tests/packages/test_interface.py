"""The plugin interface against that of the last release: what breaks compiled plugins is told, growth needs a new minor version."""

import os
import re
import subprocess

import pytest

from varlink import SOURCE, TIMEOUT

CHECK = os.path.join(SOURCE, "packaging/abi/check-interface")
BREAKS, GREW, WORKS = "breaks plugins that are made", "raise RF_PLUGIN_ABI_MINOR", "go on working"


def header():
    with open(os.path.join(SOURCE, "include/recflow/plugin.h"), encoding="utf-8") as f:
        return f.read()


def check(*arguments):
    out = subprocess.run([CHECK, *arguments], capture_output=True, text=True, timeout=TIMEOUT)
    if out.returncode == 77:
        pytest.skip(out.stdout.strip())
    return out.returncode, out.stdout + out.stderr


def check_changed(directory, *changes):
    """check-interface on a copy of the header with changes made by (pattern, replacement)."""
    text = header()
    for pattern, replacement in changes:
        text, n = re.subn(pattern, replacement, text, count=1, flags=re.M)
        assert n == 1, pattern
    os.makedirs(directory / "recflow")
    (directory / "recflow/plugin.h").write_text(text, encoding="utf-8")
    return check(str(directory))


def raised(which):
    number = int(re.search(rf"define RF_PLUGIN_ABI_{which} (\d+)", header())[1])
    return rf"define RF_PLUGIN_ABI_{which} \d+", f"define RF_PLUGIN_ABI_{which} {number + 100}"


RETYPED = (r"uint32_t duration_ms;", "int64_t duration_ms;")
INSERTED = (r"^( *)(const char \*token_url;)", r"\1const char *more;\n\1\2")
APPENDED = (r"^( *)(const char \*scopes;)", r"\1\2\n\1const char *more;")


def test_the_interface_is_that_of_the_last_release_or_has_grown():
    status, said = check()
    assert status == 0 and WORKS in said, said


FEWER = (r"int \(\*emit_album\)\(struct rf_sink \*s, ", "int (*emit_album)(")


@pytest.mark.parametrize("change", [
    RETYPED, INSERTED, FEWER,
    (r"uint32_t duration_ms;", "uint32_t length_ms;"),                    # another name
    (r"^ *const char \*isrc;.*twelve.*$", ""),                            # a member is gone
    (r"^( *)(bool is_public;)", r"\1\2\n\1int more;"),                    # growth of a structure that doesn't carry its size
    (r"RF_OP_TRACKS = 5,", "RF_OP_TRACKS = 55,"),                         # an enumerator has another value
    (r"RF_FEATURE_COUNT = (\d+)", "RF_FEATURE_MORE, RF_FEATURE_COUNT"),   # an array in the midst of records grows
    (r"RF_OPTION_RELOAD = 1u << 1", "RF_OPTION_RELOAD = 1u << 2"),        # a flag without a type of its own
    (r"define RF_PLUGIN_MAGIC \w+", "define RF_PLUGIN_MAGIC 1u"),
])
def test_what_breaks_compiled_plugins_is_told(tmp_path, change):
    status, said = check_changed(tmp_path / "same", change)
    assert status == 1 and BREAKS in said, said
    status, said = check_changed(tmp_path / "minor", change, raised("MINOR"))
    assert status == 1 and BREAKS in said, said


def test_growth_hides_no_other_change_of_the_same_structure(tmp_path):
    status, said = check_changed(tmp_path / "host", FEWER, (r"^( *)(int \(\*emit_analysis.*)", r"\1\2\n\1int (*emit_more)(struct rf_sink *s);"),
                                 raised("MINOR"))
    assert status == 1 and BREAKS in said, said
    status, said = check_changed(tmp_path / "auth", APPENDED, (r"^( *)uint32_t flows;", r"\1uint64_t flows;"), raised("MINOR"))
    assert status == 1 and BREAKS in said, said


@pytest.mark.parametrize("change", [APPENDED, (r"RF_OP_COUNT = (\d+)", "RF_OP_MORE, RF_OP_COUNT")])
def test_growth_needs_a_new_minor_version(tmp_path, change):
    status, said = check_changed(tmp_path / "same", change)
    assert status == 1 and GREW in said, said
    status, said = check_changed(tmp_path / "minor", change, raised("MINOR"))
    assert status == 0 and WORKS in said, said


def test_a_new_major_version_may_change_anything(tmp_path):
    status, said = check_changed(tmp_path, RETYPED, INSERTED, raised("MAJOR"))
    assert status == 0 and "new major version" in said, said


def test_a_lower_version_is_told(tmp_path):
    status, said = check_changed(tmp_path, (r"define RF_PLUGIN_ABI_MAJOR \d+", "define RF_PLUGIN_ABI_MAJOR 0"))
    assert status == 1 and "less than" in said, said
