# SPDX-License-Identifier: Apache-2.0
"""Traces of real processes: tail sampling keeps whole traces of what matters, and no collector, however bad, costs an
event or more memory than its queue.
"""
import contextlib
import http.server
import json
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
import unittest
import unittest.mock

import harness

EVENTS = 8_000
QUEUE = 2_000  # spans
ATTACKS = {7, 500, 1_999}


class Collector:
    """Answers every request with `status` after `delay` seconds, and remembers the headers."""

    def __init__(self, status=200, delay=0.0, tls=None):
        collector = self
        self.heads, self.stop = [], threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                self.rfile.read(int(self.headers["Content-Length"]))
                collector.heads.append(dict(self.headers))
                collector.stop.wait(delay)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}"
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def unused_port():
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def tocsin(*arguments, code=0, environment=None):
    """stdout of a command that ends by itself."""
    done = subprocess.run([harness.TOCSIN, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, **(environment or {})})
    if done.returncode != code:
        raise AssertionError(f"{arguments}: status {done.returncode}\n{done.stderr}")
    return done.stdout + (done.stderr if code else "")


class Tail(harness.PipelineTest):
    def spans_by_event(self, store):
        """Span names by event id in hex."""
        names = {}
        with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
            for trace_id, name, service in database.execute("SELECT hex(trace_id), name, service FROM spans"):
                names.setdefault(trace_id.lower(), set()).add((name, service))
        return names

    def test_alerts_and_dead_letters_are_whole_traces_and_nothing_else_is_kept(self):
        pipeline = self.pipeline()
        lines = pipeline.folder / "events.jsonl"
        lines.write_text("".join(harness.process_event(i, attack=i in ATTACKS) + "\n" for i in range(EVENTS)))
        store = pipeline.folder / "data" / "traces.db"
        # One of so many that none is chosen by its id.
        tracing = ("--traces", store, "--trace-sampling", f"tail:{10**12}", "--trace-slow", 1_000)
        produced = pipeline.produce("jsonl", lines, *tracing)
        self.assertEqual((produced["acknowledged"], produced["spans"]["exported"]), (EVENTS, 0))
        detected = pipeline.detect(*tracing, "--sinks", "csv")
        self.assertEqual(detected["events"], EVENTS)
        alerting = {row["event_id"].replace("-", "") for row in pipeline.rows() if row["rules"]}
        self.assertEqual(len(alerting), len(ATTACKS))
        traces = self.spans_by_event(store)
        polls = {trace for trace, spans in traces.items() if {name for name, _ in spans} == {f"poll {pipeline.topic}"}}
        self.assertEqual(set(traces) - polls, alerting)
        for event in alerting:
            self.assertEqual(traces[event], {
                ("produce_event", "tocsin-produce"), (f"send {pipeline.topic}", "tocsin-produce"),
                (f"process {pipeline.topic}", "tocsin-detect"), ("classify_event", "tocsin-detect"),
                ("write_csv", "tocsin-detect")})
        # The producer's spans were made by the detector, with the ids that the producer's record names.
        event = next(iter(alerting))
        shown = json.loads(tocsin("trace", event, "--store", store, "--json"))["spans"]
        by_name = {span["name"]: span for span in shown}
        parent = None
        for name in ("produce_event", f"send {pipeline.topic}", f"process {pipeline.topic}", "classify_event",
                     "write_csv"):
            self.assertEqual(by_name[name].get("parent_span_id"), parent, name)
            parent = by_name[name]["span_id"]
        header = next(m["headers"] for m in pipeline.messages() if m["headers"]["event_id"].replace("-", "") == event)
        self.assertEqual(header["traceparent"], f"00-{event}-{by_name[f'send {pipeline.topic}']['span_id']}-00")
        alert = next(m for m in pipeline.messages(pipeline.alerts))
        self.assertTrue(alert["headers"]["traceparent"].endswith("-01"), alert["headers"])

    def test_latency_names_the_steps_and_a_bottleneck(self):
        pipeline = self.pipeline()
        store = pipeline.folder / "data" / "traces.db"
        pipeline.produce("synthetic", "--events", 500, "--traces", store)
        time.sleep(1)  # in the topic: so the wait is what takes longest
        pipeline.detect("--traces", store, "--sinks", "csv")
        latency = json.loads(tocsin("latency", "--store", store, "--format", "json"))
        self.assertEqual(latency["traces"], 500)
        steps = {step["step"]: step for step in latency["steps"]}
        for name in ("produce_event", f"send {pipeline.topic}", f"process {pipeline.topic}", "classify_event",
                     "write_csv", "(waiting in topic)", "(waiting in batch)"):
            self.assertEqual(steps[name]["count"], 500, name)
            self.assertLessEqual(steps[name]["p50_ns"], steps[name]["p95_ns"], name)
        self.assertEqual(latency["bottleneck"], "(waiting in topic)")
        self.assertGreater(steps["(waiting in topic)"]["p50_ns"], 900_000_000)
        self.assertIn("bottleneck: (waiting in topic)", tocsin("latency", "--store", store, "--since", "1h"))
        self.assertIn("no spans", tocsin("latency", "--store", store, "--since", "2099-01-01T00:00:00Z", code=1))
        self.assertIn("is no time", tocsin("latency", "--since", "soon", code=2))


class BadCollectors(harness.PipelineTest):
    def setUp(self):
        # A batch is given up soon, so that the end of the process need not wait for it.
        patch = unittest.mock.patch.dict(os.environ, {"OTEL_BSP_EXPORT_TIMEOUT": "500"})
        patch.start()
        self.addCleanup(patch.stop)

    def run_with(self, url, *more):
        """Both commands under `all`: nothing but spans may be lost."""
        pipeline = self.pipeline()
        tracing = ("--traces", url, "--trace-queue", QUEUE, "--trace-timeout", 0.5, *more)
        produced = pipeline.produce("synthetic", "--events", EVENTS, *tracing)
        self.assertEqual((produced["acknowledged"], produced["failed"]), (EVENTS, 0))
        detected = pipeline.detect("--sinks", "csv", *tracing)
        self.assertEqual(detected["events"], EVENTS)
        self.assertEqual(len(set(pipeline.csv_ids())), EVENTS)
        return pipeline, produced["spans"], detected["spans"]

    def check_bounded(self, spans, total):
        """Every span is exported, dropped with a reason, or one of the few that may wait."""
        self.assertEqual(spans["dropped"], spans["queue_full"] + spans["rejected"] + spans["no_taker"])
        self.assertLessEqual(spans["exported"] + spans["dropped"], total + EVENTS // 100)  # polls
        self.assertGreaterEqual(spans["exported"] + spans["dropped"], total - QUEUE)

    def test_absent(self):
        _, produced, detected = self.run_with(f"http://127.0.0.1:{unused_port()}")
        for spans, total in ((produced, 2 * EVENTS), (detected, 3 * EVENTS)):
            self.assertEqual(spans["exported"], 0)
            self.assertGreater(spans["queue_full"], 0)
            self.check_bounded(spans, total)

    def test_slow(self):
        with Collector(delay=60) as collector:
            _, produced, detected = self.run_with(collector.url)
        for spans, total in ((produced, 2 * EVENTS), (detected, 3 * EVENTS)):
            self.assertEqual(spans["exported"], 0)
            self.assertGreater(spans["queue_full"], 0)
            self.check_bounded(spans, total)

    def test_refusing(self):
        with Collector(status=403) as collector:
            pipeline, produced, detected = self.run_with(
                collector.url, "--trace-header", "authorization=Bearer s3cret", "--trace-compression", "gzip")
            self.assertTrue(collector.heads)
            for head in collector.heads:
                self.assertEqual((head["authorization"], head["Content-Encoding"]), ("Bearer s3cret", "gzip"))
        for spans, total in ((produced, 2 * EVENTS), (detected, 3 * EVENTS)):
            self.assertEqual(spans["exported"], 0)
            self.assertGreater(spans["rejected"], 0)
            self.check_bounded(spans, total)
        for process in pipeline.processes:
            self.assertNotIn("s3cret", process.stderr())
            self.assertIn("HTTP status 403", process.stderr())


class Environment(unittest.TestCase):
    def test_otel_variables_reach_the_collector_unless_a_flag_says_otherwise(self):
        with Collector() as collector:
            environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b",
                           "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
            pipeline = harness.Pipeline("embedded")
            self.addCleanup(pipeline.close)
            arguments = ["--data", pipeline.folder / "data", "produce", "synthetic", "--events", 10, "--json"]
            tocsin(*arguments, environment=environment)
            self.assertTrue(collector.heads)
            self.assertEqual({(h["x-key"], h.get("Content-Encoding")) for h in collector.heads}, {("a b", "gzip")})
            del collector.heads[:]
            tocsin(*arguments, environment={**environment, "OTEL_SDK_DISABLED": "true"})
            tocsin(*arguments, "--traces", pipeline.folder / "mine.db", environment=environment)
            self.assertFalse(collector.heads)
            tocsin(*arguments, environment={**environment, "TOCSIN_TRACE_COMPRESSION": "none"})
            self.assertEqual({h.get("Content-Encoding") for h in collector.heads}, {None})
    def test_tls_with_an_authority_and_a_certificate_of_our_own(self):
        if not shutil.which("openssl"):
            self.skipTest("no openssl")
        pipeline = harness.Pipeline("embedded")
        self.addCleanup(pipeline.close)
        certificate, key = pipeline.folder / "cert.pem", pipeline.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        tls.load_verify_locations(certificate)
        tls.verify_mode = ssl.CERT_REQUIRED
        ours = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificate),
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(certificate), "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(key)}
        with Collector(tls=tls) as collector:
            command = ["--data", pipeline.folder / "data", "produce", "synthetic", "--events", 5, "--json", "--traces",
                       collector.url]
            self.assertEqual(json.loads(tocsin(*command, environment=ours))["spans"]["exported"], 10)
            # Nobody vouches for the collector: not one span goes there.
            unknown = json.loads(tocsin(*command))
            self.assertEqual((unknown["acknowledged"], unknown["spans"]["rejected"]), (5, 10))
            self.assertEqual(len(collector.heads), 1)

    def test_no_secret_is_shown(self):
        shown = tocsin("config", "show", environment={"TOCSIN_TRACE_HEADER": "authorization=Bearer s3cret"})
        self.assertIn("authorization=***", shown)
        self.assertNotIn("s3cret", shown)


if __name__ == "__main__":
    harness.main()
