#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The console beside a running pipeline: what it tells of topics, lag, alerts, events and traces is what the bus, the
files and the other commands tell; a rule that is disabled there stops matching in detect; a drill-down of one alert;
users and TLS from the command line; the demo.

    console_test.py embedded | kafka
"""
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import harness
from harness import TOCSIN, PipelineTest, process_event, until

EVENTS = 400
ATTACKS = 12


class Client:
    """Talks to a console as a program does."""

    def __init__(self, url, token=None, context=None):
        self.url, self.token, self.context = url, token, context
        self.csrf = None

    def call(self, path, body=None, method=None, headers=None):
        """(status, parsed JSON, headers)."""
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
            if not self.token and "X-CSRF-Token" not in headers:
                self.csrf = self.csrf or self.get("/session")["csrf"]
                if self.csrf:  # nobody who is not logged in has one
                    headers["X-CSRF-Token"] = self.csrf
        request = urllib.request.Request(self.url + "/api/v1" + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.context) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None, answer.headers
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read()), error.headers

    def get(self, path):
        status, answer, _ = self.call(path)
        if status != 200:
            raise AssertionError(f"{path}: {status} {answer}")
        return answer


class ConsoleTest(PipelineTest):
    def serve(self, pipeline, *arguments):
        url_file = pipeline.folder / f"url{len(pipeline.processes)}"
        process = pipeline.start("serve", "--listen", "127.0.0.1:0", "--url-file", url_file, *arguments,
                                 *pipeline.on_bus())
        until(30, "the console listens", lambda: url_file.exists() or not process.running())
        if not url_file.exists():
            raise AssertionError("serve ended: " + process.stderr())
        return process, url_file.read_text().strip()

    def run_pipeline(self, pipeline, *detect):
        """Events, attacks among them, through produce and a detector that goes on running."""
        logs = pipeline.folder / "logs.jsonl"
        logs.write_text("".join(process_event(n, attack=n % (EVENTS // ATTACKS) == 0) + "\n" for n in range(EVENTS)))
        traces = ["--traces", pipeline.folder / "data" / "traces.db"]
        pipeline.produce("jsonl", logs, *traces)
        detector = pipeline.detecting(*traces, *detect)
        until(60, "all is classified", pipeline.caught_up)
        return detector

    def test_agrees_with_the_bus_and_the_stores(self):
        pipeline = self.pipeline()
        self.run_pipeline(pipeline)
        _, url = self.serve(pipeline)
        console = Client(url)
        # Topics and groups: what `tocsin topics` says, and, where there is one, kcat.
        until(20, "the console has seen all", lambda: any(
            topic["name"] == pipeline.topic and topic["messages"] == EVENTS for topic in console.get("/topics")["items"]))
        now = pipeline.topics()
        want = {topic["name"]: topic["messages"] for topic in now["topics"] if topic["name"].startswith(pipeline.topic)}
        got = {topic["name"]: topic["messages"] for topic in console.get("/topics")["items"] if topic["name"] in want}
        self.assertEqual(got, want)

        def group():
            return next((g for g in console.get("/groups")["items"] if g["name"] == pipeline.group), None)

        def settled():
            now = group()
            # A group that shares out its partitions tells no members.
            return now and now["lag"] == 0 and len(now["partitions"]) >= 4 and all(p["member"] for p in now["partitions"])
        until(20, "no lag, and a member for each partition", settled)
        for partition in group()["partitions"]:
            self.assertEqual(partition["committed"], partition["end_offset"])
        if pipeline.kafka and shutil.which("kcat"):
            self.compare_with_kcat(pipeline, console)
        stages = {stage["stage"]: stage for stage in console.get("/pipeline")["stages"]
                  if stage["group"] in (None, pipeline.group)}
        self.assertEqual(stages["detect"]["health"], "up")
        # Alerts and events: what the database and the CSV hold.
        self.assertEqual(console.get("/overview")["totals"]["events"], EVENTS)
        alerts = console.get("/alerts?limit=500")
        self.assertEqual(alerts["total"], len(pipeline.stored_ids("alerts")))
        self.assertGreaterEqual(alerts["total"], ATTACKS)
        rows = {row["event_id"]: row for row in pipeline.rows()}
        produced = {message["headers"]["event_id"]: message for message in pipeline.messages()}
        for alert in alerts["items"][:5]:
            self.assertIn(alert["rule"]["id"], rows[alert["event_id"]]["rules"].split(";"))
            detail = console.get("/alerts/" + alert["alert_id"])
            self.assertEqual(detail["event"]["json"], produced[alert["event_id"]]["value"])
            self.assertEqual(detail["event"]["offset"], produced[alert["event_id"]]["offset"])
            self.assertTrue(detail["why"]["matches"])
            self.assertEqual(detail["rule"]["id"], alert["rule"]["id"])
            self.assertTrue(detail["rule"]["yaml"])
            self.check_trace(pipeline, console, alert["event_id"])
        until(30, "the bottleneck is named", lambda: console.get("/latency")["bottleneck"])
        recent = console.get("/traces?limit=10")["items"]
        self.assertEqual(len(recent), 10)
        self.assertTrue(all(trace["host"].startswith("host") for trace in recent))

    def check_trace(self, pipeline, console, event_id):
        def spans():
            status, answer, _ = console.call("/traces/" + event_id)
            return answer if status == 200 and len(answer["spans"]) >= 5 else None
        trace = until(30, "five spans", spans)
        told = subprocess.run([TOCSIN, "--data", pipeline.folder / "data", "trace", event_id, "--json"],
                              capture_output=True, text=True, check=True)
        want = json.loads(told.stdout)
        self.assertEqual(trace["trace_id"], want["trace_id"])
        self.assertEqual(sorted(span["name"] for span in trace["spans"]), sorted(s["name"] for s in want["spans"]))
        known = {span["span_id"] for span in trace["spans"]}
        self.assertTrue(all(s["parent_id"] is None or s["parent_id"] in known for s in trace["spans"]))

    def compare_with_kcat(self, pipeline, console):
        """End offsets as librdkafka's own tool reports them."""
        topic = next(t for t in console.get("/topics")["items"] if t["name"] == pipeline.topic)
        broker = pipeline.bus.removeprefix("kafka://")
        for partition in topic["partitions"]:
            query = f"{pipeline.topic}:{partition['partition']}:-1"
            told = subprocess.run(["kcat", "-b", broker, "-Q", "-t", query], capture_output=True, text=True, timeout=60,
                                  check=True)
            self.assertEqual(int(re.search(r"offset (\d+)", told.stdout).group(1)), partition["end_offset"])

    def test_messages_of_a_topic_are_those_of_the_bus(self):
        pipeline = self.pipeline()
        self.run_pipeline(pipeline)
        _, url = self.serve(pipeline)
        console = Client(url)
        want = {(m["partition"], m["offset"]) for m in pipeline.messages()}
        for start in ("end", "begin"):
            got, cursor = [], ""
            while cursor is not None:
                page = console.get(f"/topics/{pipeline.topic}/messages?from={start}&limit=150" +
                                   ("&cursor=" + cursor if cursor else ""))
                got += [(m["partition"], m["offset"]) for m in page["items"]]
                cursor = page["next"]
            self.assertEqual(len(got), len(set(got)), start)
            self.assertEqual(set(got), want, start)
        found = console.get(f"/topics/{pipeline.topic}/messages?filter=CommandLine:vssadmin&limit=200")
        self.assertEqual(len(found["items"]), len([n for n in range(EVENTS) if n % (EVENTS // ATTACKS) == 0]))

    def test_a_rule_disabled_in_the_console_stops_matching_in_detect(self):
        pipeline = self.pipeline()
        overrides = pipeline.folder / "overrides.yml"
        overrides.write_text("# ours\noverrides: []\n")
        self.run_pipeline(pipeline, "--overrides", overrides)
        _, url = self.serve(pipeline, "--overrides", overrides)
        console = Client(url)
        rules = {alert["rule"]["id"] for alert in console.get("/alerts?limit=500")["items"]}
        for rule in rules:
            status, answer, _ = console.call("/rules/" + rule, {"enabled": False, "note": "a test"}, "PATCH")
            self.assertEqual((status, answer["enabled"]), (200, False))
        self.assertTrue(overrides.read_text().startswith("# ours\n"))
        before = console.get("/alerts")["total"]
        number = 10_000

        def quiet():
            # The reload takes a moment: attacks until one makes no alert.
            nonlocal number, before
            logs = pipeline.folder / f"more{number}.jsonl"
            logs.write_text(process_event(number, attack=True) + "\n")
            number += 1
            pipeline.produce("jsonl", logs)
            until(30, "classified", pipeline.caught_up)
            before, last = console.get("/alerts")["total"], before
            return before == last
        until(60, "the rule is out of force", quiet)
        self.assertGreaterEqual(len(console.get("/audit")["items"]), len(rules))

    def test_triage_survives_a_restart_and_is_in_the_audit_log(self):
        pipeline = self.pipeline()
        self.run_pipeline(pipeline)
        process, url = self.serve(pipeline)
        console = Client(url)
        alert = console.get("/alerts?limit=1")["items"][0]["alert_id"]
        self.assertEqual(console.call(f"/alerts/{alert}/triage", {"status": "closed", "assignee": "ann"}, "PATCH")[0], 200)
        status, draft, _ = console.call(f"/alerts/{alert}/false-positive", {"note": "known"})
        self.assertEqual(status, 200)
        drafted = pathlib.Path(draft["path"])
        self.assertEqual(drafted.read_text(), draft["filter_yaml"])
        checked = subprocess.run([TOCSIN, "rules", "list", "--filters", drafted, "--json"], capture_output=True,
                                 text=True, check=True)
        filtered = [r for r in map(json.loads, checked.stdout.splitlines()) if r["filters"]]
        self.assertEqual(len(filtered), 1)  # the draft is a filter of that rule, where somebody gives it
        process.terminate()
        process.child.wait(20)
        _, url = self.serve(pipeline)
        console = Client(url)
        self.assertEqual(console.get(f"/alerts/{alert}")["triage"]["status"], "false_positive")
        self.assertEqual([e["action"] for e in console.get("/audit")["items"]],
                         ["alert.false_positive", "alert.triage"])

    def test_a_stream_tells_an_alert_as_it_comes(self):
        pipeline = self.pipeline()
        self.run_pipeline(pipeline)
        _, url = self.serve(pipeline)
        stream = urllib.request.urlopen(url + "/api/v1/live", timeout=60)
        self.addCleanup(stream.close)
        self.assertEqual(stream.headers["Content-Type"], "text/event-stream")
        seen, number = {}, 20_000
        end = time.monotonic() + 60
        while "alert" not in seen and time.monotonic() < end:
            logs = pipeline.folder / f"live{number}.jsonl"
            logs.write_text(process_event(number, attack=True) + "\n")
            number += 1
            pipeline.produce("jsonl", logs)
            name = None
            for _ in range(12):
                line = stream.readline().decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line[len("event: "):]
                elif line.startswith("data: "):
                    seen[name] = json.loads(line[len("data: "):])
        self.assertIn("stats", seen)
        self.assertTrue(seen["alert"]["rule"]["id"])

    def test_it_ends_promptly_with_streams_open(self):
        pipeline = self.pipeline()
        process, url = self.serve(pipeline)
        with urllib.request.urlopen(url + "/api/v1/live", timeout=30) as stream:
            stream.readline()
            process.terminate()
            self.assertEqual(process.child.wait(20), 0)


class AccessTest(PipelineTest):
    serve = ConsoleTest.serve

    def refused(self, *arguments, env=None, stdin=""):
        pipeline = self.pipeline()
        done = subprocess.run([TOCSIN, "--data", pipeline.folder / "data", "serve", *map(str, arguments)], input=stdin,
                              capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def test_wrong_starts_are_refused_and_say_what_to_do(self):
        self.assertIn("--users", self.refused("--listen", "0.0.0.0:0"))
        self.assertIn("--users", self.refused("--public-url", "https://tocsin.example"))
        self.assertIn("--tls-key", self.refused("--tls-cert", "x.pem"))
        self.assertIn("16", self.refused(env={"TOCSIN_CONSOLE_TOKEN": "short"}))
        self.assertIn("cannot be read", self.refused("--users", "/nonexistent/users"))
        self.assertIn("no address", self.refused("--listen", "nonsense"))
        self.assertIn("role", self.refused("--users", "x", "--add-user", "ann:king"))
        self.assertIn("characters", self.refused("--users", "x", "--add-user", "ann:admin", stdin="short\n"))
        self.assertIn("certificate", self.refused("--tls-cert", "/dev/null", "--tls-key", "/dev/null"))

    def test_users_from_the_command_line_and_tls(self):
        pipeline = self.pipeline()
        users, cert, key = (pipeline.folder / name for name in ("users", "cert.pem", "key.pem"))
        for name, role in (("ann", "analyst"), ("vera", "viewer")):
            subprocess.run([TOCSIN, "serve", "--users", users, "--add-user", f"{name}:{role}"], check=True, text=True,
                           input=f"password of {name}\n", capture_output=True)
        self.assertEqual(users.stat().st_mode & 0o077, 0)
        self.assertNotIn("password", users.read_text())
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert,
                               "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                              capture_output=True, check=False)
        if made.returncode != 0:
            self.skipTest("no openssl to make a certificate with")
        _, url = self.serve(pipeline, "--users", users, "--tls-cert", cert, "--tls-key", key)
        self.assertTrue(url.startswith("https://"))
        context = ssl.create_default_context(cafile=str(cert))
        console = Client(url, context=context)
        self.assertEqual(console.call("/alerts")[0], 401)
        status, session, headers = console.call("/session", {"user": "vera", "password": "password of vera"})
        self.assertEqual((status, session["role"]), (200, "viewer"))
        cookie = headers["Set-Cookie"]
        for attribute in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/"):
            self.assertIn(attribute, cookie)
        self.assertIn("max-age", headers["Strict-Transport-Security"])
        known = {"Cookie": cookie.split(";")[0], "X-CSRF-Token": session["csrf"]}
        self.assertEqual(console.call("/alerts", headers=known)[0], 200)
        status, answer, _ = console.call("/dead-letters/replay", {"all": True}, headers=known)
        self.assertEqual((status, answer["error"]["code"]), (403, "forbidden"))

    def test_token_from_a_file(self):
        pipeline = self.pipeline()
        secret = pipeline.folder / "token"
        secret.write_text("a-secret-of-some-length-1234\n")
        _, url = self.serve(pipeline, "--token-file", secret)
        self.assertEqual(Client(url).call("/topics")[0], 401)
        self.assertEqual(Client(url, "a-secret-of-some-length-1235").call("/topics")[0], 401)
        self.assertEqual(Client(url, "a-secret-of-some-length-1234").call("/topics")[0], 200)


class DemoTest(PipelineTest):
    def demo(self, *arguments):
        pipeline = self.pipeline()
        log = pipeline.folder / "demo.log"
        with open(log, "wb") as err, open(f"{log}.out", "wb") as out:
            child = subprocess.Popen([TOCSIN, "--data", pipeline.folder / "data", "demo", "--events", "3000", "--rate",
                                      "1500", *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.addCleanup(lambda: child.poll() is None and child.kill())
        return child, log

    def test_the_demo_shows_everything_live(self):
        child, log = self.demo("--stay", "--console-port", "18642")
        url = until(20, "the address is told", lambda: re.search(r"console: (http://\S+)", log.read_text())).group(1)
        console = Client(url)
        for path, filled in (("/overview", lambda a: a["totals"]["alerts"] > 0 and a["now"]["latency_us"]),
                             ("/alerts", lambda a: a["items"]), ("/topics", lambda a: len(a["items"]) == 3),
                             ("/groups", lambda a: a["items"]), ("/lag", lambda a: len(a["points"]) > 1),
                             ("/traces", lambda a: a["items"]), ("/latency", lambda a: a["bottleneck"]),
                             ("/attack", lambda a: a["max"]["alerts"] > 0), ("/rules", lambda a: a["total"] > 100),
                             ("/pipeline", lambda a: len(a["stages"]) >= 2), ("/statistics", lambda a: a["scoring"])):
            until(30, path + " is filled", lambda p=path, f=filled: f(console.get(p)))
        until(60, "the run has ended", lambda: "The console stays up" in log.read_text())
        self.assertIsNone(child.poll())
        self.assertGreater(console.get("/alerts")["total"], 0)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(30), 0)

    def test_without_a_terminal_it_ends_by_itself(self):
        child, log = self.demo()
        self.assertEqual(child.wait(120), 0, log.read_text())
        self.assertIn("console: http", log.read_text())
        child, log = self.demo("--no-console")
        self.assertEqual(child.wait(120), 0, log.read_text())
        self.assertNotIn("console: http", log.read_text())


def load_tests(loader, _tests, _pattern):
    """Access and the demo do not depend on the bus: once is enough."""
    suite = loader.loadTestsFromTestCase(ConsoleTest)
    if PipelineTest.bus == "embedded":
        suite.addTests(loader.loadTestsFromTestCase(AccessTest))
        suite.addTests(loader.loadTestsFromTestCase(DemoTest))
    return suite


if __name__ == "__main__":
    harness.main()
