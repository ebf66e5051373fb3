"""What the documents quote is what the tests build; and the rooms include only what they may."""

import os
import re

from varlink import SOURCE

# each room may include those before it
ROOMS = ["base", "sched", "net", "store", "provider", "upstream", "flow", "warm", "observe", "control", "service"]


# where less is allowed: what is counted is told in words of its own
ONLY = {"observe": ["base", "sched", "observe"]}


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def test_the_guide_quotes_the_example_as_it_is():
    code = read("docs/example-plugin/tunebox.c")
    quotes = re.findall(r"```c\n(.*?)```", read("docs/writing-a-plugin.md"), re.S)
    assert len(quotes) == 7
    for quote in quotes:
        assert quote.strip() in code


def sources(room):
    for directory, _, files in os.walk(os.path.join(SOURCE, "daemon", room)):
        for name in files:
            if name.endswith((".c", ".h")):
                yield os.path.join(directory, name)


def test_arrows_between_the_rooms_point_one_way():
    seen = 0
    for rank, room in enumerate(ROOMS):
        for path in sources(room):
            seen += 1
            with open(path, encoding="utf-8") as f:
                for included in re.findall(r'#include "([a-z]+)/', f.read()):
                    assert included in ONLY.get(room, [included]), f"{path} includes {included}/"
                    if included in ROOMS:
                        assert ROOMS.index(included) <= rank, f"{path} includes {included}/"
    assert seen > 80


def test_each_library_has_one_room():
    owners = {"curl/": "net", "lmdb.h": "store", "systemd/": "service", "setjmp.h": "sched", "ucontext.h": "sched", "ini.h": "service",
              "dlfcn.h": "provider", "microhttpd.h": "service"}
    for room in ROOMS:
        for path in sources(room):
            with open(path, encoding="utf-8") as f:
                for included in re.findall(r"#include <([^>]+)>", f.read()):
                    for prefix, owner in owners.items():
                        assert not included.startswith(prefix) or room == owner, f"{path} includes <{included}>"


def test_the_varlink_library_knows_nothing_of_recflow():
    for path in sources("control/varlink"):
        with open(path, encoding="utf-8") as f:
            for included in re.findall(r'#include "([^"]+)"', f.read()):
                assert included.startswith(("base/", "sched/", "control/varlink/")), f"{path} includes {included}"
