"""What was done, as recflowctl, promtool and Prometheus see it."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from varlink import BUILD, SOURCE, TIMEOUT, Daemon

W = "io.recflow.workflow."
A = "io.recflow.admin."
MOCK = "[provider mock]\nlatency = 20ms\n"

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool (Debian's package prometheus)")


@pytest.fixture
def daemon(tmp_path):
    with Daemon(tmp_path, provider=MOCK) as d:
        yield d


def recommend(d, *prompts):
    with d.client() as c:
        for prompt in prompts:
            assert c.call(W + "Recommend", {"prompt": prompt})["parameters"]["state"] == "done"


def stats(d, **parameters):
    with d.client() as c:
        return c.call(A + "Stats", parameters)["parameters"]


def ctl(d, *arguments):
    done = subprocess.run([os.path.join(BUILD, "recflowctl", "recflowctl"), *arguments], capture_output=True, text=True, timeout=TIMEOUT,
                          env={**os.environ, "RECFLOW_SOCKET": d.socket, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def criteria(s):
    return {c["name"]: c for c in s["criteria"]}


# ---- recflowctl stats ----


def test_stats_tell_what_was_done(daemon):
    before = stats(daemon)
    assert before["runs_done"] == 0 and all(c["state"] == "unknown" for c in before["criteria"])
    recommend(daemon, "calm piano", "happy pop", "calm piano")
    s = stats(daemon)
    assert (s["runs_done"], s["runs_failed"], s["repeats"]) == (3, 0, 1)
    assert s["run_time"]["count"] == 3 and 0 < s["run_time"]["p50_us"] <= s["run_time"]["p95_us"] <= s["run_time"]["max_us"]
    assert [x["name"] for x in s["steps"]] == ["understand", "gather", "generate", "evaluate", "order"]
    assert s["steps"][1]["calls"] > 0 and s["steps"][1]["time"]["p95_us"] > 0
    with daemon.client() as c:
        asked = c.call(A + "Providers")["parameters"]["providers"][0]["calls"]
    assert sum(e["attempts"] for e in s["endpoints"]) == asked > 0
    for e in s["endpoints"]:
        assert e["provider"] == "mock" and e["attempts"] == sum(e["outcomes"].values()) and e["calls"] == sum(e["cache"].values())
        assert e["time"]["count"] == 0 or e["time"]["p50_us"] >= 19000
    assert sum(e["cache"]["hit"] for e in s["endpoints"]) > 0
    provider = s["providers"][0]
    assert provider["name"] == "mock" and provider["in_flight_peak"] > 1 and provider["breaker"] == "closed"
    judged = criteria(s)
    assert judged["p50"]["state"] == judged["p95"]["state"] == judged["repeat_hits"]["state"] == "met"
    assert judged["repeat_hits"]["value"] == 1000000 and judged["timeouts"]["state"] == "unknown"


def test_since_is_checked_and_bounds_what_counts(daemon):
    recommend(daemon, "calm")
    assert stats(daemon, since_s=3600)["runs_done"] == stats(daemon, since_s=604800)["runs_done"] == 1
    with daemon.client() as c:
        for since in (0, -1, 604801):
            assert c.call(A + "Stats", {"since_s": since})["parameters"] == {"parameter": "since_s"}


def test_stats_survive_a_restart_and_a_crash_costs_a_minute_at_most(tmp_path):
    with Daemon(tmp_path, provider=MOCK) as d:
        recommend(d, "calm piano")
        before = stats(d)
    with Daemon(tmp_path, provider=MOCK) as d:
        after = stats(d)
        for name in ("runs_done", "run_time", "steps", "endpoints", "from"):
            assert after[name] == before[name], name
        assert stats(d, since_s=3600)["run_time"] == before["run_time"]
        recommend(d, "calm piano")
        assert stats(d)["repeats"] == 1
        d.kill()
    with Daemon(tmp_path, provider=MOCK) as d:
        assert stats(d)["runs_done"] in (1, 2)
        assert "statistics" not in d.log()


def test_failures_count_by_step_and_criteria_are_configurable(tmp_path):
    strict = "[upstream]\nbreaker_failures = 0\n[criteria]\np50 = 1ms\nrepeat_hits = 100\nerrors = 0\ntimeouts_of = mock\n"
    with Daemon(tmp_path, strict, provider="[provider mock]\nerror_rate = 1\n") as d:
        with d.client() as c:
            c.call(W + "Recommend", {"prompt": "calm piano"})
        s = stats(d)
        assert s["runs_failed"] == 1 and sum(x["failed_runs"] for x in s["steps"]) == 1
        assert sum(x["errors"] for x in s["steps"]) == sum(e["errors"] for e in s["endpoints"]) > 0
        assert sum(e["wasted"] for e in s["endpoints"]) > 0 and sum(e["retries"] for e in s["endpoints"]) > 0
        judged = criteria(s)
        assert judged["errors"]["state"] == "missed" and judged["errors"]["limit"] == 0
        assert (judged["p50"]["limit"], judged["p50"]["state"]) == (1, "unknown")
        assert judged["timeouts"]["of"] > 0
        d.write_config(strict.replace("errors = 0", "errors = 100"), "[provider mock]\nerror_rate = 1\n")
        with d.client() as c:
            assert c.call(A + "Reload")["parameters"] == {"changed": ["[criteria] errors"], "restart": []}
        assert criteria(stats(d))["errors"]["limit"] == 1000000


def test_the_table_fits_80_columns(daemon):
    recommend(daemon, "calm piano", "rock", "calm piano")
    for arguments in ((), ("--since", "1h"), ("--since", "7d")):
        text = ctl(daemon, "stats", *arguments)
        assert max(len(line) for line in text.splitlines()) <= 80, text
        for word in ("whole run", "gather", "P95", "timeouts", "breaker", "quota left", "repeat_hits", "429s", "wasted", "stale_error"):
            assert word in text
    assert json.loads(ctl(daemon, "stats", "--json"))["runs_done"] == 3


def test_slow_requests_are_logged_with_endpoint_and_parameters(tmp_path):
    with Daemon(tmp_path, "[upstream]\nslow = 10ms\n", provider=MOCK) as d:
        recommend(d, "calm piano")
        d.write_config("[upstream]\nslow = 0\n", MOCK)
        with d.client() as c:
            assert c.call(A + "Reload")["parameters"] == {"changed": ["[upstream] slow"], "restart": []}
        before = d.log().count(" slow: ")
        recommend(d, "loud rock")
        lines = [line for line in d.log().splitlines() if " slow: " in line]
    assert len(lines) == before > 0
    assert any("GET /search/tracks?" in line and "took 0.0 s" in line for line in lines), lines


# ---- recflowctl metrics ----


def families(text):
    """Names of the families, and the samples by name and labels."""
    named, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in named, f"{name} comes twice"
            named[name] = kind
        elif not line.startswith("#"):
            sample, value = line.rsplit(" ", 1)
            assert sample not in samples, f"{sample} comes twice"
            samples[sample] = float(value)
    return named, samples


def test_metrics_agree_with_stats(daemon):
    recommend(daemon, "calm piano", "calm piano")
    text = ctl(daemon, "metrics")
    named, samples = families(text)
    s = stats(daemon)
    assert text.endswith("# EOF\n") and text.count("# EOF") == 1
    assert samples['recflow_runs_total{end="done"}'] == 2
    assert samples["recflow_run_duration_seconds_count"] == samples['recflow_run_duration_seconds_bucket{le="+Inf"}'] == 2
    for e in s["endpoints"]:
        labels = f'provider="mock",endpoint="{e["endpoint"]}"'
        assert samples[f'recflow_attempts_total{{{labels},outcome="ok"}}'] == e["outcomes"]["ok"]
        assert samples[f"recflow_attempt_duration_seconds_count{{{labels}}}"] == e["time"]["count"]
        assert samples[f'recflow_calls_total{{{labels},cache="hit"}}'] == e["cache"]["hit"]
    assert samples['recflow_criterion_limit{criterion="p95"}'] == 90 and samples['recflow_criterion_met{criterion="p50"}'] == 1
    assert samples['recflow_breaker_state{provider="mock",state="closed"}'] == 1
    assert all(name.startswith("recflow_") for name in named) and "histogram" in named.values()


@needs_promtool
def test_promtool_finds_nothing_to_say(daemon):
    recommend(daemon, "calm piano")
    done = subprocess.run(["promtool", "check", "metrics"], input=ctl(daemon, "metrics", "--prometheus"), capture_output=True, text=True,
                          timeout=TIMEOUT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ---- The listener and Prometheus ----

LISTEN = "[metrics]\nlisten = 127.0.0.1:0\n"


def port_of(d):
    return int(re.search(r"metrics at \S+, port (\d+)", d.log()).group(1))


def fetch(url, accept=None, method="GET", data=None):
    """Status, type and text of an answer."""
    request = urllib.request.Request(url, data=data, method=method, headers={"Accept": accept} if accept else {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=TIMEOUT) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers["Content-Type"], e.read().decode()


def processor_time(d):
    """Seconds that the process has used."""
    with open(f"/proc/{d.process.pid}/stat", encoding="utf-8") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_listener_answers_one_path_in_two_formats(tmp_path):
    with Daemon(tmp_path, LISTEN, provider=MOCK) as d:
        recommend(d, "calm piano")
        base = f"http://127.0.0.1:{port_of(d)}"
        status, kind, text = fetch(base + "/metrics", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        assert status == 200 and kind.startswith("application/openmetrics-text; version=1.0.0") and text.endswith("# EOF\n")
        status, kind, text = fetch(base + "/metrics")
        assert status == 200 and kind.startswith("text/plain; version=0.0.4") and 'recflow_runs_total{end="done"} 1' in text
        assert fetch(base + "/")[0] == fetch(base + "/metrics/x")[0] == 404
        assert fetch(base + "/metrics", method="POST", data=b"x" * 5000)[0] == 405
        # whoever says nothing takes a place, and no more
        mute = [socket.create_connection(("127.0.0.1", port_of(d))) for _ in range(4)]
        assert fetch(base + "/metrics")[0] == 200
        recommend(d, "happy pop")
        assert 'recflow_runs_total{end="done"} 2' in fetch(base + "/metrics")[2]
        for s in mute:
            s.close()
        assert fetch(base + "/metrics")[0] == 200
    assert d.process.returncode == 0


def test_clients_beyond_the_bound_cost_nothing(tmp_path):
    with Daemon(tmp_path, LISTEN, provider=MOCK) as d, d.client() as c:
        mute = [socket.create_connection(("127.0.0.1", port_of(d))) for _ in range(16)]
        late = socket.create_connection(("127.0.0.1", port_of(d)))
        late.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        late.settimeout(TIMEOUT)
        assert c.call(A + "Ping") == {"parameters": {}}
        before = processor_time(d)
        status = c.call(A + "Status")["parameters"]
        assert status["pid"] == d.process.pid
        mute.pop().close()  # a place for the next
        try:
            answer = late.recv(100)
        except ConnectionResetError:
            answer = b""
        assert answer == b"" or answer.startswith(b"HTTP/1.1 200")
        assert processor_time(d) - before < 5
        for s in (*mute, late):
            s.close()
        wait_until(lambda: fetch(f"http://127.0.0.1:{port_of(d)}/metrics")[0] == 200)


@pytest.mark.parametrize("address,words", [
    ("0.0.0.0:9464", "loopback address only"),
    ("192.0.2.1:9464", "loopback address only"),
    ("[::]:9464", "loopback address only"),
    ("localhost:9464", "numeric address is needed"),
    ("127.0.0.1", "isn't an address and a port"),
    ("127.0.0.1:99999", "isn't an address and a port"),
    ("::1:9464", "isn't an address and a port"),
])
def test_only_loopback_is_listened_at(tmp_path, address, words):
    d = Daemon(tmp_path, f"[metrics]\nlisten = {address}\n")
    d.stop()
    assert not d.is_ready and words in d.log(), d.log()


def test_a_port_that_is_taken_is_a_notice(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with Daemon(tmp_path, f"[metrics]\nlisten = {address}\n") as d, d.client() as c:
            notices = c.call(A + "Status")["parameters"]["notices"]
    assert len(notices) == 1 and address in notices[0] and "in use" in notices[0]


@needs_promtool
def test_the_rules_are_valid_and_fire_when_they_should(tmp_path):
    for name in ("docs/monitoring/recflow-alerts.yml", "docs/monitoring/prometheus.yml", "tests/observe/alerts.yml"):
        shutil.copy(os.path.join(SOURCE, name), tmp_path)
    for command in (["check", "rules", "recflow-alerts.yml"], ["check", "config", "prometheus.yml"], ["test", "rules", "alerts.yml"]):
        done = subprocess.run(["promtool", *command], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT)
        assert done.returncode == 0, done.stdout + done.stderr


def wait_until(condition):
    """What a condition gives, once it gives something."""
    until = time.monotonic() + TIMEOUT
    while time.monotonic() < until:
        result = condition()
        if result:
            return result
        time.sleep(0.1)
    raise AssertionError("it never came")


class Prometheus:
    """A private one, that scrapes one port."""

    def __init__(self, directory, port):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.base = f"http://127.0.0.1:{s.getsockname()[1]}"
        os.mkdir(directory)
        shutil.copy(os.path.join(SOURCE, "docs/monitoring/recflow-alerts.yml"), directory)
        with open(os.path.join(SOURCE, "docs/monitoring/prometheus.yml"), encoding="utf-8") as f:
            config = f.read().replace("127.0.0.1:9464\"", f"127.0.0.1:{port}\"").replace("15s", "1s").replace("30s", "1s")
        with open(os.path.join(directory, "prometheus.yml"), "w", encoding="utf-8") as f:
            f.write(config)
        self.log = open(os.path.join(directory, "log"), "wb")
        self.process = subprocess.Popen(["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                                         "--web.listen-address=" + self.base[7:]], cwd=directory, stdout=self.log, stderr=self.log)

    def get(self, path):
        try:
            status, _, text = fetch(self.base + path)
        except OSError:
            return None
        return json.loads(text)["data"] if status == 200 else None

    def query(self, expression):
        data = self.get("/api/v1/query?query=" + urllib.parse.quote(expression))
        return [(r["metric"], float(r["value"][1])) for r in data["result"]] if data else []

    def value(self, expression):
        """Of one series, once it is there: on a busy machine a scrape may be missed."""
        return wait_until(lambda: self.query(expression))[0][1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(TIMEOUT)
        self.log.close()


@pytest.mark.skipif(not shutil.which("prometheus"), reason="needs Prometheus (Debian's package prometheus)")
def test_a_real_prometheus_scrapes_it(tmp_path):
    with Daemon(tmp_path, LISTEN, provider=MOCK) as d:
        recommend(d, "calm piano", "calm piano")
        with Prometheus(tmp_path / "prometheus", port_of(d)) as p:
            wait_until(lambda: p.query('recflow_runs_total{job="recflow", end="done"} == 2'))
            wait_until(lambda: p.get("/api/v1/targets")["activeTargets"][0]["health"] == "up")
            metadata = p.get("/api/v1/metadata?metric=recflow_run_duration_seconds")["recflow_run_duration_seconds"][0]
            assert (metadata["type"], metadata["unit"]) == ("histogram", "seconds")  # it is OpenMetrics that was fetched
            s = stats(d)
            assert p.value("sum(recflow_attempts_total)") == sum(e["attempts"] for e in s["endpoints"])
            assert p.value('recflow_run_duration_seconds_bucket{le="60.0"}') == 2
            assert p.value('recflow_criterion_met{criterion="repeat_hits"}') == 1
            recommend(d, "happy pop")
            wait_until(lambda: p.query('recflow_runs_total{end="done"} == 3'))
            rules = p.get("/api/v1/rules")["groups"]
            assert {g["name"] for g in rules} == {"recflow-records", "recflow-criteria", "recflow-services"}
            wait_until(lambda: all(r["health"] == "ok" for g in p.get("/api/v1/rules")["groups"] for r in g["rules"]))
            assert [a for a in p.get("/api/v1/alerts")["alerts"] if a["state"] == "firing"] == []
