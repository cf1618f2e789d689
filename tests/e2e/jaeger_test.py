# SPDX-License-Identifier: Apache-2.0
"""Events through a real pipeline into a real Jaeger: each is one trace of exactly five spans. A thousand over Kafka, and
a hundred thousand over the embedded bus, of which every trace is looked at.

TOCSIN_JAEGER_OTLP is where spans go (http://127.0.0.1:4318), TOCSIN_JAEGER_QUERY where they are looked up
(http://127.0.0.1:16686).
"""
import http.client
import json
import os
import subprocess
import time
import urllib.parse

import harness

EVENTS = 1_000
MANY = int(os.environ.get("TOCSIN_JAEGER_EVENTS", "100000"))
RATE = 6_000  # events a second that Jaeger takes on two cores, with pipeline and test beside it
VISIBLE_SECONDS = 60
CLOCK_US = 1  # Jaeger's API tells microseconds, rounded: ends may seem to be that much late


def jaeger_urls():
    query, otlp = os.environ.get("TOCSIN_JAEGER_QUERY"), os.environ.get("TOCSIN_JAEGER_OTLP")
    if not query or not otlp:
        harness.skip("no Jaeger: set TOCSIN_JAEGER_QUERY and TOCSIN_JAEGER_OTLP")
    return query, otlp


class Query:
    """Jaeger's HTTP API, over one connection."""

    def __init__(self, url):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)

    def search(self, service, begin_us, end_us, limit=20_000, **tag):
        """Traces with a span of the service that began in this time and has the tag."""
        wanted = {"service": service, "start": begin_us, "end": end_us, "limit": limit}
        if tag:
            wanted["tags"] = json.dumps(tag["tag"])
        found = self.get("/api/traces?" + urllib.parse.urlencode(wanted))
        if len(found) >= limit:
            raise AssertionError(f"{limit} traces or more in {end_us - begin_us} us")
        return found

    def traces(self, trace_id):
        """The traces of that id: none while Jaeger does not know it."""
        return self.get(f"/api/traces/{trace_id}")

    def get(self, path):
        self.connection.request("GET", path)
        response = self.connection.getresponse()
        body = response.read()
        if response.status == 404:
            return []
        if response.status != 200:
            raise AssertionError(f"Jaeger answers {response.status}: {body[:300]}")
        return json.loads(body)["data"]


def tags(span):
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def parent_of(span):
    return next((ref["spanID"] for ref in span["references"] if ref["refType"] == "CHILD_OF"), None)


class Jaeger(harness.PipelineTest):
    def wanted(self, topic):
        """Name, service and kind of the five, each the parent of the next."""
        return [("produce_event", "tocsin-produce", "internal"), (f"send {topic}", "tocsin-produce", "producer"),
                (f"process {topic}", "tocsin-detect", "consumer"), ("classify_event", "tocsin-detect", "internal"),
                ("write_csv", "tocsin-detect", "internal")]

    def check_trace(self, trace, trace_id, wanted):
        self.assertEqual(trace["traceID"], trace_id)
        spans = {span["operationName"]: span for span in trace["spans"]}
        self.assertEqual(len(trace["spans"]), len(wanted), sorted(s["operationName"] for s in trace["spans"]))
        parent, start = None, 0
        begin = min(span["startTime"] for span in trace["spans"])
        end = max(span["startTime"] + span["duration"] for span in trace["spans"])
        for name, service, kind in wanted:
            self.assertIn(name, spans)
            span = spans[name]
            self.assertEqual(trace["processes"][span["processID"]]["serviceName"], service, name)
            self.assertEqual(tags(span).get("span.kind"), kind, name)
            self.assertEqual(parent_of(span), parent, f"parent of {name}")
            self.assertGreaterEqual(span["duration"], 0, name)
            self.assertLessEqual(span["duration"], end - begin, name)
            self.assertGreaterEqual(span["startTime"] + CLOCK_US, start, f"{name} starts before its parent")
            self.assertFalse(tags(span).get("error"), name)
            parent, start = span["spanID"], span["startTime"]

    def check_messaging(self, spans, pipeline):
        """Which message it was, as OpenTelemetry's conventions for messaging name it."""
        send, process = (tags(spans[f"{verb} {pipeline.topic}"]) for verb in ("send", "process"))
        for key in ("messaging.system", "messaging.destination.name", "messaging.destination.partition.id",
                    "messaging.kafka.offset"):
            self.assertEqual(send[key], process[key], key)
        self.assertEqual((send["messaging.system"], send["messaging.destination.name"]), ("kafka", pipeline.topic))
        self.assertEqual(process["messaging.consumer.group.name"], pipeline.group)
        self.assertGreaterEqual(process["tocsin.topic_wait_ms"], 0)

    def test_each_event_is_one_trace_of_five_spans(self):
        query, otlp = jaeger_urls()
        pipeline = self.pipeline()
        seed = time.time_ns() % 1_000_000  # other events than those that an earlier run left in Jaeger
        print(f"seed {seed}", flush=True)
        detector = pipeline.detecting("--traces", otlp, "--sinks", "csv")
        result = pipeline.produce("synthetic", "--seed", seed, "--events", EVENTS, "--traces", otlp)
        self.assertEqual(result["acknowledged"], EVENTS)
        harness.until(60, "no lag", pipeline.caught_up)
        detector.terminate()
        self.assertEqual(detector.end()["events"], EVENTS)
        self.assertRegex(detector.stderr(), r"exported, 0 dropped")

        ids = pipeline.csv_ids()
        self.assertEqual(len(set(ids)), EVENTS)
        self.assert_same_ids(ids, pipeline.ids_on_topic(), "verdicts.csv")
        api, wanted = Query(query), self.wanted(pipeline.topic)
        deadline = time.monotonic() + VISIBLE_SECONDS
        for event_id in ids:
            trace_id = event_id.replace("-", "")
            with self.subTest(event_id):
                traces = api.traces(trace_id)
                while (not traces or len(traces[0]["spans"]) < len(wanted)) and time.monotonic() < deadline:
                    time.sleep(0.2)
                    traces = api.traces(trace_id)
                self.assertEqual(len(traces), 1)
                self.check_trace(traces[0], trace_id, wanted)
                self.check_messaging({span["operationName"]: span for span in traces[0]["spans"]}, pipeline)


class Many(harness.PipelineTest):
    """A hundred thousand events on the embedded bus."""

    bus = "embedded"

    def fill(self, pipeline, otlp):
        """Produces and detects at once, and returns when every span has been taken."""
        tracing = ("--traces", otlp, "--trace-queue", 2_000_000)
        detector = pipeline.detecting(*tracing, "--sinks", "csv")
        seed = time.time_ns() % 1_000_000
        print(f"seed {seed}", flush=True)
        result = pipeline.produce("synthetic", "--seed", seed, "--events", MANY, "--rate", RATE, *tracing, seconds=180)
        self.assertEqual(result["acknowledged"], MANY)
        self.assertEqual(result["spans"], {"exported": 2 * MANY, "dropped": 0, "queue_full": 0, "rejected": 0,
                                           "no_taker": 0})
        harness.until(60, "no lag", pipeline.caught_up)
        time.sleep(1)  # what waits for Jaeger
        detector.terminate()
        end = detector.end()
        self.assertEqual((end["events"], end["spans"]["dropped"]), (MANY, 0))
        self.assertGreaterEqual(end["spans"]["exported"], 3 * MANY)  # and one for each poll

    def check(self, trace, topic):
        """Five spans, one root, each the parent of the next; nothing begins before its cause."""
        spans = {span["operationName"]: span for span in trace["spans"]}
        names = ("produce_event", f"send {topic}", f"process {topic}", "classify_event", "write_csv")
        self.assertEqual((len(trace["spans"]), set(spans)), (5, set(names)), trace["traceID"])
        parent, start = None, 0
        for name in names:
            span = spans[name]
            self.assertEqual(parent_of(span), parent, f"{trace['traceID']}: parent of {name}")
            self.assertGreaterEqual(span["startTime"] + CLOCK_US, start, f"{trace['traceID']}: {name}")
            parent, start = span["spanID"], span["startTime"]

    def read_all(self, api, begin_us, end_us, topic):
        """Checks every trace of that time; their ids, and when each began."""
        seen, step = {}, 500_000
        for at in range(begin_us, end_us, step):
            for trace in api.search("tocsin-produce", at, at + step):
                if trace["traceID"] not in seen and any(s["operationName"] == f"send {topic}" for s in trace["spans"]):
                    self.check(trace, topic)
                    seen[trace["traceID"]] = min(span["startTime"] for span in trace["spans"])
        return seen

    def test_every_trace_of_many_is_whole_and_found_by_its_tags(self):
        query, otlp = jaeger_urls()
        pipeline = self.pipeline()
        begin = time.time_ns() // 1_000
        self.fill(pipeline, otlp)
        end = time.time_ns() // 1_000
        time.sleep(1)  # Jaeger's own batches
        api = Query(query)
        seen = self.read_all(api, begin, end, pipeline.topic)
        rows = pipeline.rows()
        self.assertEqual(len(rows), MANY)
        self.assert_same_ids(seen, [row["trace_id"] for row in rows], "Jaeger")
        alert = next(row for row in rows if row["rules"] and row["class"] not in ("None", "Unmapped"))
        began = seen[alert["trace_id"]]
        for tag in ({"event.id": alert["event_id"]}, {"rule.id": alert["rules"].split(";")[0]},
                    {"host.name": alert["host"]}, {"threat.tactic.name": alert["class"]},
                    {"rule.id": alert["rules"].split(";")[0], "host.name": alert["host"]}):
            with self.subTest(tag):
                found = api.search("tocsin-detect", began - 1_000_000, began + 10_000_000, tag=tag)
                self.assertIn(alert["trace_id"], [trace["traceID"] for trace in found])
                self.assertLess(len(found), MANY)
        self.assertFalse(api.search("tocsin-detect", begin, end, tag={"rule.id": "no such rule"}))
        self.check_commands(query, alert, pipeline.topic)

    def check_commands(self, query, alert, topic):
        """`tocsin trace` and `tocsin latency` read the same from Jaeger."""
        run = [harness.TOCSIN, "trace", alert["event_id"], "--store", query, "--json"]
        spans = json.loads(subprocess.run(run, capture_output=True, check=True).stdout)["spans"]
        self.assertEqual([span["name"] for span in spans if span["service"] == "tocsin-produce"],
                         ["produce_event", f"send {topic}"])
        self.assertEqual(len(spans), 5)
        run = [harness.TOCSIN, "latency", "--store", query, "--since", "10m", "--format", "json"]
        latency = json.loads(subprocess.run(run, capture_output=True, check=True).stdout)
        self.assertGreater(latency["traces"], 100)
        self.assertTrue(latency["bottleneck"])


if __name__ == "__main__":
    jaeger_urls()
    harness.main()
