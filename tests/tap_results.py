"""A pytest plugin that prints results as TAP, one line a test."""

import sys

import pytest


class Tap:
    def __init__(self):
        self.count = 0

    def line(self, status, name, note=""):
        self.count += 1
        print(f"{status} {self.count} - {name}{note}", flush=True)

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split("::", 1)[-1].replace("#", " ")
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.line("ok", name, f" # SKIP {reason.removeprefix('Skipped: ')}")
        elif report.when == "call" and report.passed:
            self.line("ok", name)
        elif report.failed:
            for text in str(report.longrepr).splitlines():
                print(f"# {text}")
            self.line("not ok", f"{name} ({report.when})" if report.when != "call" else name)

    def pytest_collectreport(self, report):
        if report.failed:
            for text in str(report.longrepr).splitlines():
                print(f"# {text}")
            self.line("not ok", f"collecting {report.nodeid}")

    def pytest_sessionfinish(self):
        print(f"1..{self.count}", flush=True)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    # pytest's own report would stand between our lines
    config.pluginmanager.unregister(name="terminalreporter")
    sys.dont_write_bytecode = True
    config.pluginmanager.register(Tap(), "tap-results")
