# SPDX-License-Identifier: Apache-2.0
"""A thousand events through a real Kafka into a real Jaeger: each is one trace of exactly five spans.

TOCSIN_JAEGER_OTLP is where spans go (http://127.0.0.1:4318), TOCSIN_JAEGER_QUERY where they are looked up
(http://127.0.0.1:16686).
"""
import http.client
import json
import os
import time
import urllib.parse

import harness

EVENTS = 1_000
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

    def traces(self, trace_id):
        """The traces of that id: none while Jaeger does not know it."""
        self.connection.request("GET", f"/api/traces/{trace_id}")
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


if __name__ == "__main__":
    jaeger_urls()
    harness.main()
