# SPDX-License-Identifier: Apache-2.0
"""What the stages tell Prometheus: true, documented, and readable by a real one, which asks, computes and raises alarms.

    python3 metrics_test.py [embedded|kafka]        tools/services/prometheus.sh install: promtool and Prometheus
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import harness
from harness import process_event, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMETHEUS = str(ROOT / "tools/services/prometheus.sh")
DOCUMENTED = re.compile(r"^\| `((?:tocsin|process)_[a-z_]+)` \| (\w+) \| ([a-z, ]*)\|", re.M)
SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
EVENTS, ATTACKS = 400, 20
PARTS = re.compile(r"_(bucket|sum|count)$")


def get(url, accept=None):
    """Status and body."""
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def url_of(process):
    """Where a stage that was given port 0 listens: it says so."""
    told = until(30, "the address of the metrics", lambda: re.search(r"metrics: (http://\S+)/metrics", process.stderr()))
    return told[1]


class Scrape:
    """One scrape, in Prometheus' text format."""

    def __init__(self, url):
        status, self.text = get(url + "/metrics")
        if status != 200:
            raise AssertionError(f"{url}: {status} {self.text}")
        self.types = dict(re.findall(r"^# TYPE (\S+) (\w+)$", self.text, re.M))
        self.samples = []
        for line in self.text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.samples.append((name, dict(LABEL.findall(labels or "")), float(value)))

    def sum(self, name, **labels):
        return sum(value for found, has, value in self.samples
                   if found == name and all(has.get(k) == v for k, v in labels.items()))


def prometheus_installed():
    return subprocess.run([PROMETHEUS, "promtool", "--version"], capture_output=True, check=False).returncode == 0


def skipped_in_part(what):
    print(f"\nSKIPPED {what}: Prometheus is not installed (tools/services/prometheus.sh install)", flush=True)


class Documented(harness.PipelineTest):
    def check_against_docs(self, scrapes):
        """Each family is documented with its type and labels, and each that is documented is exported."""
        documented = {name: (kind, {l.strip() for l in labels.split(",") if l.strip()})
                      for name, kind, labels in DOCUMENTED.findall((ROOT / "docs/metrics.md").read_text())}
        exported = {}
        for scrape in scrapes:
            exported.update(scrape.types)
        self.assertEqual(exported, {name: kind for name, (kind, _) in documented.items()})
        for scrape in scrapes:
            for name, labels, _ in scrape.samples:
                family = name if name in documented else PARTS.sub("", name)
                want = documented[family][1] | (set() if name.startswith("process_") else {"stage"})
                if labels.get("stage") == "store":  # what it counts, it counts for each sink
                    labels, want = set(labels) - {"output"}, want - {"output"}
                self.assertEqual(set(labels) - {"le"}, want, name)

    def check_by_promtool(self, scrape):
        done = subprocess.run([PROMETHEUS, "promtool", "check", "metrics"], input=scrape.text, text=True,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), "promtool check metrics")

    def test_what_is_exported_is_documented_and_the_other_way_round(self):
        pipeline = self.pipeline()
        inputs = pipeline.folder / "inputs"
        inputs.mkdir()
        (inputs / "damaged.evtx").write_bytes(b"ElfFile\0" + b"x" * 70_000)
        (inputs / "events.jsonl").write_text("".join(process_event(n, n < 2) + "\n" for n in range(20)) + "{half a li\n")
        detector = pipeline.detecting("--metrics", "127.0.0.1:0", "--sinks", "csv,sqlite,topic")
        producer = pipeline.producing("--follow", "--metrics", "127.0.0.1:0", inputs)
        stage = pipeline.storing("--metrics", "127.0.0.1:0", "--sink", f"jsonl={pipeline.folder}/out.jsonl")
        urls = [url_of(process) for process in (producer, detector)]
        stored = url_of(stage)
        until(30, "events", lambda: Scrape(urls[1]).sum("tocsin_events_total") == 21)
        until(30, "partitions", lambda: Scrape(urls[1]).sum("tocsin_consumer_partitions") == 4)
        for url in urls:
            until(30, "a dead letter", lambda asked=url: Scrape(asked).sum("tocsin_dead_letters_total") > 0)
        until(30, "all stored", lambda: Scrape(stored).sum("tocsin_stored_records_total") == 22)
        self.assertEqual(get(stored + "/readyz")[0], 200)
        urls.append(stored)
        scrapes = [Scrape(url) for url in urls]
        self.check_against_docs(scrapes)
        for url in urls:
            status, text = get(url + "/metrics", "application/openmetrics-text;version=1.0.0")
            self.assertEqual((status, text.splitlines()[-1]), (200, "# EOF"))
        if not prometheus_installed():
            skipped_in_part("promtool check metrics")
            return
        for scrape in scrapes:
            self.check_by_promtool(scrape)


class Counted(harness.PipelineTest):
    def test_the_counts_are_those_of_the_events(self):
        pipeline = self.pipeline()
        path = pipeline.folder / "events.jsonl"
        path.write_text("".join(process_event(n, n < ATTACKS) + "\n" for n in range(EVENTS)))
        detector = pipeline.detecting("--metrics", "127.0.0.1:0")
        url = url_of(detector)
        producer = pipeline.producing("--follow", "--metrics", "127.0.0.1:0", path)
        produced_url = url_of(producer)
        until(30, "all events", lambda: Scrape(url).sum("tocsin_event_latency_seconds_count") == EVENTS)
        until(30, "no lag", lambda: Scrape(url).sum("tocsin_consumer_lag_messages") == 0)
        now, produced = Scrape(url), Scrape(produced_url)
        for name, want in (("tocsin_events_total", EVENTS), ("tocsin_detections_total", ATTACKS),
                           ("tocsin_classify_duration_seconds_count", EVENTS),
                           ("tocsin_event_wait_seconds_count", EVENTS), ("tocsin_dead_letters_total", 0),
                           ("tocsin_consumer_skipped_offsets_total", 0), ("tocsin_output_failures_total", 0)):
            self.assertEqual(now.sum(name), want, name)
        self.assertEqual(now.sum("tocsin_event_bytes_total"), sum(len(l) for l in path.read_text().splitlines()))
        self.assertEqual(now.sum("tocsin_rule_matches_total", outcome="alert"),
                         len(list(pipeline.messages(pipeline.alerts))))
        batches = now.sum("tocsin_batch_duration_seconds_count")
        for output in ("csv", "sqlite"):
            self.assertEqual(now.sum("tocsin_output_write_duration_seconds_count", output=output), batches, output)
        commits = now.sum("tocsin_output_write_duration_seconds_count", output="alerts")
        self.assertGreater(commits, 0)
        self.assertLessEqual(commits, batches)  # on Kafka several batches share one
        looked_up = now.sum("tocsin_memo_lookups_total", memo="outcomes")
        self.assertEqual(looked_up, EVENTS)
        self.assertGreater(now.sum("tocsin_rules", state="in_force"), 100)
        self.assertLess(abs(time.time() - now.sum("tocsin_rules_last_reload_success_timestamp_seconds")), 120)
        self.assertLess(now.sum("tocsin_event_latency_seconds_sum") / EVENTS, 30)
        for name in ("tocsin_events_total", "tocsin_events_acknowledged_total", "tocsin_send_duration_seconds_count"):
            self.assertEqual(produced.sum(name), EVENTS, name)
        self.assertEqual(produced.sum("tocsin_bus_queue_records"), 0)
        for one in (url, produced_url):
            self.assertEqual(get(one + "/healthz"), (200, "ok\n"))
            until(30, "it is ready", lambda asked=one: get(asked + "/readyz") == (200, "ok\n"))
        for process in (producer, detector):
            process.terminate()
            process.end()


class Lost(harness.PipelineTest):
    def test_what_retention_took_unread_is_counted(self):
        if self.bus != "embedded":
            self.skipTest("the retention of a Kafka topic is not ours to shorten")
        pipeline = self.pipeline()
        pipeline.produce("synthetic", "--seed", 1, "--events", 200)
        pipeline.detect()
        pipeline.produce("synthetic", "--seed", 2, "--events", 200)  # nobody reads these
        bus = pathlib.Path(pipeline.bus.removeprefix("embedded:")) / "bus.db"

        def keep(milliseconds):
            with contextlib.closing(sqlite3.connect(bus, isolation_level=None)) as database:
                database.execute("UPDATE topics SET retention_ms = ?", (milliseconds,))
        keep(1)
        time.sleep(0.1)
        pipeline.produce("synthetic", "--seed", 3, "--events", 20, "--rate", 100, "--bus-property", "retention.check.ms=1")
        keep(3_600_000)
        pipeline.produce("synthetic", "--seed", 4, "--events", 200)
        left = len(list(pipeline.messages()))
        self.assertLess(left, 221)
        url = url_of(pipeline.detecting("--metrics", "127.0.0.1:0"))
        until(30, "what is left", lambda: Scrape(url).sum("tocsin_events_total") == left)
        until(30, "no lag", lambda: Scrape(url).sum("tocsin_consumer_lag_messages") == 0)
        # A gap is seen when the next event of its partition comes: all of them have some of the last 200.
        self.assertEqual(Scrape(url).sum("tocsin_consumer_skipped_offsets_total"), 420 - left)


class Unwell(harness.PipelineTest):
    def test_a_bus_that_is_away_is_told_by_readyz_not_by_healthz(self):
        pipeline = harness.Pipeline("kafka://127.0.0.1:9")  # nobody listens there
        pipeline.kafka = False  # nothing of it is to be deleted
        self.addCleanup(pipeline.close)
        detector = pipeline.detecting("--metrics", "127.0.0.1:0")
        url = url_of(detector)
        self.assertEqual(get(url + "/healthz"), (200, "ok\n"))
        status, text = get(url + "/readyz")
        self.assertEqual(status, 503)
        self.assertIn("worker 1 ", text)
        self.assertIn("no partitions", text)
        until(60, "what is waited for is named", lambda: "127.0.0.1:9" in get(url + "/readyz")[1])

    def test_an_output_that_fails_is_told_while_the_lag_grows(self):
        pipeline = self.pipeline()
        pipeline.produce("synthetic", "--seed", 1, "--events", 10)
        detector = pipeline.detecting("--metrics", "127.0.0.1:0", "--workers", 1)
        url = url_of(detector)
        until(30, "the first events are done", lambda: Scrape(url).sum("tocsin_event_latency_seconds_count") == 10)
        until(30, "it is ready", lambda: get(url + "/readyz")[0] == 200)
        with contextlib.closing(sqlite3.connect(pipeline.database, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")  # another program holds the database
            pipeline.produce("synthetic", "--seed", 2, "--events", 50)
            until(60, "the output fails", lambda: Scrape(url).sum("tocsin_output_failures_total", output="sqlite") > 0)
            now = Scrape(url)
            self.assertGreater(now.sum("tocsin_output_retries_total", output="sqlite"), 0)
            self.assertGreater(now.sum("tocsin_consumer_lag_messages"), 0)
            self.assertGreater(now.sum("tocsin_consumer_lag_seconds"), 0)
            status, text = get(url + "/readyz")
            self.assertEqual(status, 503)
            self.assertIn("output sqlite", text)
            self.assertEqual(get(url + "/healthz")[0], 200, "it waits, and is alive")
            holder.execute("ROLLBACK")
        until(60, "all is done", lambda: Scrape(url).sum("tocsin_event_latency_seconds_count") >= 60)
        until(30, "no lag", lambda: Scrape(url).sum("tocsin_consumer_lag_messages") == 0)
        self.assertEqual(get(url + "/readyz"), (200, "ok\n"))

    def test_a_port_that_is_taken_ends_the_command(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for command in (["detect", "--drain", "1"], ["produce", "synthetic", "--events", "1"]):
                done = subprocess.run([harness.TOCSIN, "--data", "/nowhere", *command, "--metrics", f"127.0.0.1:{port}"],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertNotEqual(done.returncode, 0, command)
                self.assertIn(f"cannot listen on 127.0.0.1:{port}", done.stderr)


class Prometheus:
    """A real one, with the project's alert rules; their patience is cut to seconds."""

    def __init__(self, folder, targets):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        rules = folder / "alerts.yml"
        text = (ROOT / "deploy/prometheus/alerts.yml").read_text()
        rules.write_text(re.sub(r"^(\s+for:) .*$", r"\1 1s", text, flags=re.M))
        self.api = f"http://127.0.0.1:{port}/api/v1"
        self.environment = os.environ | {"PROMETHEUS_DIR": str(folder / "prometheus"), "PROMETHEUS_PORT": str(port),
                                         "PROMETHEUS_RULES": str(rules), "PROMETHEUS_INTERVAL": "1s"}
        done = subprocess.run([PROMETHEUS, "start", *targets], env=self.environment, capture_output=True, text=True,
                              timeout=90, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)

    def stop(self):
        subprocess.run([PROMETHEUS, "stop"], env=self.environment, timeout=60, check=False)

    def ask(self, path, **parameters):
        status, text = get(f"{self.api}/{path}?{urllib.parse.urlencode(parameters)}")
        if status != 200:
            raise AssertionError(f"{path} {parameters}: {text}")
        return json.loads(text)["data"]

    def value(self, expression):
        """Of an expression with one result; None without one."""
        result = self.ask("query", query=expression)["result"]
        return float(result[0]["value"][1]) if len(result) == 1 else None

    def firing(self):
        return {a["labels"]["alertname"] for a in self.ask("alerts")["alerts"] if a["state"] == "firing"}


@unittest.skipUnless(prometheus_installed(), "Prometheus is not installed")
class Scraped(harness.PipelineTest):
    def test_a_real_prometheus_reads_computes_and_raises_alarms(self):
        pipeline = self.pipeline()
        rules = pipeline.folder / "rules"
        rules.mkdir()
        for path in sorted((ROOT / "rules/impact").glob("*.yml")):
            if not path.name.endswith(".test.yml"):
                (rules / path.name).write_bytes(path.read_bytes())
        traces = pipeline.folder / "traces.jsonl"
        detector = pipeline.detecting("--rules", rules, "--metrics", "127.0.0.1:0", "--traces", traces)
        producer = pipeline.producing("synthetic", "--seed", 7, "--rate", 200, "--metrics", "127.0.0.1:0")
        targets = [url_of(process).removeprefix("http://") for process in (detector, producer)]
        prometheus = Prometheus(pipeline.folder, targets)
        self.addCleanup(prometheus.stop)

        self.assertEqual(prometheus.value("count(up == 1)"), 2)
        rate = 'sum(rate(tocsin_events_total{stage="detect"}[8s]))'
        until(40, "a rate of 200 events a second", lambda: 150 < (prometheus.value(rate) or 0) < 250)
        latency = "histogram_quantile(0.9, sum by (le) (rate(tocsin_event_latency_seconds_bucket[8s])))"
        self.assertTrue(0 < prometheus.value(latency) < 10, prometheus.value(latency))
        classify = "histogram_quantile(0.5, sum by (le) (rate(tocsin_classify_duration_seconds_bucket[8s])))"
        self.assertTrue(1e-7 < prometheus.value(classify) < 1e-2, prometheus.value(classify))
        self.assertLess(prometheus.value("sum(tocsin_consumer_lag_messages)"), 5_000)
        self.check_dashboard(prometheus)
        now = time.time()
        exemplars = prometheus.ask("query_exemplars", query="tocsin_event_latency_seconds_bucket",
                                   start=now - 60, end=now + 60)
        ids = {e["labels"]["trace_id"] for series in exemplars for e in series["exemplars"]}
        self.assertTrue(ids and all(re.fullmatch("[0-9a-f]{32}", i) for i in ids), exemplars)
        until(20, "an exemplar is a trace that was exported", lambda: any(i in traces.read_text() for i in ids))

        self.assertFalse({"TocsinDown", "TocsinRulesReloadFailed"} & prometheus.firing())
        for path in rules.glob("*.yml"):
            path.unlink()  # a folder without any rule cannot be loaded
        detector.child.send_signal(signal.SIGHUP)
        until(30, "the alarm for rules", lambda: "TocsinRulesReloadFailed" in prometheus.firing())
        producer.terminate()
        producer.end()
        until(30, "the alarm for a stage that is gone", lambda: "TocsinDown" in prometheus.firing())

    def check_dashboard(self, prometheus):
        """Each expression of the dashboard can be computed; most have results."""
        dashboard = json.loads((ROOT / "deploy/grafana/tocsin.json").read_text())
        expressions = [t["expr"] for panel in dashboard["panels"] for t in panel.get("targets", [])]
        results = 0
        for expression in expressions:
            for variable, value in (("$__rate_interval", "8s"), ("$job", ".*"), ("$instance", ".*")):
                expression = expression.replace(variable, value)
            expression = re.sub(r"\[5m\]|\[15m\]", "[8s]", expression)
            results += bool(prometheus.ask("query", query=expression)["result"])
        print(f"dashboard: {results} of {len(expressions)} expressions have a result", flush=True)
        self.assertGreater(results, len(expressions) * 0.8)


if __name__ == "__main__":
    if not prometheus_installed():
        skipped_in_part("a real Prometheus")
    harness.main()
