# SPDX-License-Identifier: Apache-2.0
"""Verdicts and alerts in a real OpenSearch: all of them, each once, whatever is killed or restarted meanwhile, and its
aggregations tell what the CSV file tells.

    python3 opensearch_test.py [embedded|kafka]

TOCSIN_OPENSEARCH is its URL (http://127.0.0.1:19200); it is restarted by tools/services/opensearch.sh, which finds it by
OPENSEARCH_DIR and OPENSEARCH_PORT. TOCSIN_OPENSEARCH_EVENTS says how many events (20000).
"""
import collections
import json
import os
import pathlib
import random
import subprocess
import time
import urllib.error
import urllib.request
import uuid

import harness
from harness import process_event, until

EVENTS = int(os.environ.get("TOCSIN_OPENSEARCH_EVENTS", "20000"))
SERVICE = str(pathlib.Path(__file__).resolve().parents[2] / "tools/services/opensearch.sh")
SECONDS_OF_TROUBLE = 90
SECONDS = 120 + EVENTS // 1_000  # a busy machine takes 2,000 documents a second, at the worst half of that


def server_url():
    url = os.environ.get("TOCSIN_OPENSEARCH")
    if not url:
        harness.skip("no OpenSearch: set TOCSIN_OPENSEARCH=http://host:port")
    return url


def service(*arguments):
    done = subprocess.run([SERVICE, *arguments], capture_output=True, text=True, timeout=240, check=False)
    return done.returncode == 0, done.stdout + done.stderr


class Server:
    """The server's API, for indices with a prefix of this test's own."""

    def __init__(self, url):
        self.url = url
        self.prefix = "e2e-" + uuid.uuid4().hex[:8]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, headers={"Content-Type": "application/json"},
                                         data=json.dumps(body).encode() if body is not None else None)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read() or "null")

    def close(self):
        for path in self.indices():
            self.ask("DELETE", "/" + path)
        for kind in ("alerts", "verdicts"):
            try:
                self.ask("DELETE", f"/_index_template/{self.prefix}-{kind}")
            except urllib.error.HTTPError:
                pass  # the test did not come that far

    def indices(self):
        return [row["index"] for row in self.ask("GET", f"/_cat/indices/{self.prefix}-*?format=json")]

    def count(self, kind, query=None):
        self.ask("POST", f"/{self.prefix}-*/_refresh")
        body = {"query": query} if query else None
        return self.ask("POST" if body else "GET", f"/{self.prefix}-{kind}-*/_count", body)["count"]

    def terms(self, kind, field):
        """How many documents have each value of the field."""
        found = self.ask("POST", f"/{self.prefix}-{kind}-*/_search",
                         {"size": 0, "aggs": {"by": {"terms": {"field": field, "size": 1_000}}}})
        return {bucket["key"]: bucket["doc_count"] for bucket in found["aggregations"]["by"]["buckets"]}

    def distinct(self, kind, field):
        """The number of values, counted one by one: a cardinality is an estimate."""
        values, after = 0, None
        while True:
            composite = {"size": 5_000, "sources": [{"v": {"terms": {"field": field}}}]}
            if after:
                composite["after"] = after
            found = self.ask("POST", f"/{self.prefix}-{kind}-*/_search", {"size": 0, "aggs": {"by": {"composite": composite}}})
            buckets = found["aggregations"]["by"]["buckets"]
            values += len(buckets)
            after = found["aggregations"]["by"].get("after_key")
            if not buckets or not after:
                return values


class OpenSearch(harness.PipelineTest):
    server_url = None

    def setUp(self):
        self.seed = int(os.environ.get("TOCSIN_SEED", time.time_ns() % 1_000_000))
        self.dice = random.Random(self.seed)
        print(f"seed {self.seed}", flush=True)
        self.server = Server(self.server_url)
        self.addCleanup(self.server.close)

    def sink(self):
        return ("--sink", f"opensearch={self.server_url}", "--opensearch-prefix", self.server.prefix,
                "--opensearch-retention", 0)

    def group(self, pipeline):
        return f"{pipeline.group}-store-opensearch"

    def assert_all_there_once(self, pipeline):
        rows = pipeline.rows()
        alerts = [m["value"]["tocsin"]["alert_id"] for m in pipeline.messages(pipeline.alerts)]
        self.assertEqual(self.server.count("verdicts"), len(rows))
        self.assertEqual(self.server.count("alerts"), len(alerts))
        self.assertEqual(self.server.distinct("verdicts", "event.id"), len({row["event_id"] for row in rows}))
        self.assertEqual(self.server.distinct("alerts", "tocsin.alert_id"), len(set(alerts)))
        self.assertEqual(self.server.terms("verdicts", "tocsin.class"), collections.Counter(row["class"] for row in rows))
        self.assertEqual(self.server.terms("verdicts", "threat.tactic"),
                         collections.Counter(t for row in rows for t in row["tactics"].split(";") if t))
        self.assertEqual(self.server.terms("verdicts", "host.name"), collections.Counter(row["host"] for row in rows))
        return len(rows), len(alerts)

    def stored(self, pipeline):
        """How many records the sink's group has committed."""
        group = pipeline.group_now(self.group(pipeline)) or {"partitions": []}
        return sum(p["committed"] or 0 for p in group["partitions"])

    def wait_for_progress(self, pipeline):
        before = self.stored(pipeline)
        until(SECONDS, "progress", lambda: self.stored(pipeline) > before)
        time.sleep(self.dice.uniform(0, 0.5))

    def test_all_of_it_is_there_once_through_kills_and_restarts(self):
        pipeline = self.pipeline()
        pipeline.produce("synthetic", "--seed", self.seed, "--events", EVENTS // 2, seconds=SECONDS)
        pipeline.detect("--sinks", "csv,topic", seconds=SECONDS)
        begin = time.monotonic()
        batch = max(200, EVENTS // 100)
        # A static member has its partitions again at once, so that there is no session to wait for.
        sink = (*self.sink(), "--batch", batch, "--instance-id", "killed")
        stage = pipeline.storing(*sink)
        # The other half comes while the sink and its server are killed.
        producer = pipeline.producing("synthetic", "--seed", self.seed + 1, "--events", EVENTS - EVENTS // 2,
                                      "--rate", EVENTS / 2 / SECONDS_OF_TROUBLE)
        detector = pipeline.detecting("--sinks", "csv,topic")
        for _ in range(3):
            self.wait_for_progress(pipeline)
            stage.kill()
            stage = pipeline.storing(*sink)
        mine = service("status")[0] and service("url")[1].strip() == self.server_url
        for how in ("kill", "stop") if mine else ():
            self.wait_for_progress(pipeline)
            self.assertTrue(producer.running(), "too late: nothing was left to do")
            self.assertTrue(service(how)[0])
            time.sleep(self.dice.uniform(1, 3))
            self.assertTrue(stage.running(), stage.stderr())
            started, told = service("start")
            self.assertTrue(started, told)
        if not mine:
            print("SKIPPED the restart of OpenSearch: it is none of tools/services/opensearch.sh", flush=True)
        self.assertEqual(producer.end(SECONDS)["acknowledged"], EVENTS - EVENTS // 2)
        until(SECONDS, "all is classified", pipeline.caught_up)
        detector.terminate()
        detector.end()
        until(SECONDS, "no lag", lambda: pipeline.lag(self.group(pipeline)) == 0)
        stage.terminate()
        done = stage.end()
        self.assertEqual(done["sinks"]["opensearch"]["dead_letters"], 0)
        verdicts, alerts = self.assert_all_there_once(pipeline)
        print(f"{verdicts} verdicts and {alerts} alerts, {time.monotonic() - begin:.0f} s with kills and restarts", flush=True)
        self.assertEqual(verdicts, EVENTS)
        # All of it once more, from the beginning, changes nothing.
        begin = time.monotonic()
        self.read_again(pipeline)
        print(f"once more in {time.monotonic() - begin:.0f} s", flush=True)
        self.assert_all_there_once(pipeline)

    def read_again(self, pipeline):
        again = pipeline.start("store", *self.sink(), "--json", "--group", pipeline.group + "-again", "--drain", 0.5,
                               *pipeline.on_bus()).end(SECONDS)
        self.assertGreater(again["sinks"]["opensearch"]["verdicts"], 0)

    def test_fields_have_their_types(self):
        pipeline = self.pipeline()
        path = pipeline.folder / "input.jsonl"
        path.write_text("".join(process_event(n, n % 5 == 0) + "\n" for n in range(500)))
        pipeline.produce("jsonl", path)
        pipeline.detect("--sinks", "csv,topic")
        pipeline.store(*self.sink())
        self.assert_all_there_once(pipeline)
        # Events of a year that is long over share an index, those of now have their day's.
        self.assertTrue(all(name.startswith(self.server.prefix) for name in self.server.indices()))
        name = next(name for name in self.server.indices() if "-alerts-" in name)
        mapping = self.server.ask("GET", f"/{name}/_mapping")[name]["mappings"]
        self.assertEqual(mapping["dynamic"], "false")
        self.assertEqual(mapping["properties"]["@timestamp"]["type"], "date")
        self.assertEqual(mapping["properties"]["host"]["properties"]["name"]["type"], "keyword")
        rows = pipeline.rows()
        one = next(row for row in rows if row["rules"])
        for query, want in (({"term": {"host.name": one["host"]}}, sum(r["host"] == one["host"] for r in rows)),
                            ({"prefix": {"threat.technique": one["techniques"].split(";")[0][:5]}},
                             sum(one["techniques"].split(";")[0][:5] in r["techniques"] for r in rows)),
                            ({"range": {"event.severity": {"gte": int(one["score"])}}},
                             sum(int(r["score"]) >= int(one["score"]) for r in rows)),
                            ({"range": {"@timestamp": {"lte": one["timestamp"]}}},
                             sum(r["timestamp"] <= one["timestamp"] for r in rows))):
            self.assertEqual(self.server.count("verdicts", query), want, query)
        self.assertEqual(self.server.count("alerts", {"match": {"tocsin.matched_fields.value.text": "vssadmin.exe"}}), 100)

    def test_the_doctor_looks_and_changes_nothing(self):
        pipeline = self.pipeline()
        sink = ("--sink", f"opensearch={self.server_url}", "--opensearch-prefix", self.server.prefix)

        def look(*arguments):
            command = [harness.TOCSIN, "doctor", "--role", "store", "--json", *sink, *arguments, *pipeline.on_bus()]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            checks = {c["check"]: c for c in json.loads(done.stdout)["checks"]}
            return done.returncode, {name.split(": ")[1]: c["state"] for name, c in checks.items()
                                     if name.startswith("sink opensearch: ")}

        before = self.server.indices()
        code, found = look()
        self.assertEqual(code, 0)
        self.assertEqual({"server": "ok", "templates": "note", "indices": "ok", "writing": "ok"},
                         {name: state for name, state in found.items() if name != "health"})
        self.assertIn(found["health"], ("ok", "note"))  # yellow: one node
        self.assertEqual((1, "problem"), (lambda code, found: (code, found["templates"]))(*look("--opensearch-no-setup")))
        self.assertEqual(before, self.server.indices())

    def search(self, *arguments):
        done = subprocess.run([harness.TOCSIN, "search", "--quiet", "--format", "jsonl", "--limit", "0", *arguments],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_a_search_finds_what_the_database_finds(self):
        pipeline = self.pipeline()
        pipeline.produce("synthetic", "--seed", 11, "--events", 3_000)
        pipeline.detect("--sinks", "csv,sqlite,topic")
        pipeline.store(*self.sink())
        self.assert_all_there_once(pipeline)
        alerts = self.search("--db", str(pipeline.database))
        self.assertGreater(len(alerts), 10)
        one = alerts[0]
        server = ("--store", self.server_url, "--opensearch-prefix", self.server.prefix)
        host = one["host"].split(".")[0]
        for query in ("", "level:>=high", f"host:{host}", f"-host:{host}", f"event_id:{one['event_id']}",
                      f"rule:\"{one['rule']['name']}\"", f"tactic:{one['tactics'][0]} OR level:low", f"class:{one['class']}",
                      f"technique:{one['techniques'][0].split('.')[0]}", one["rule"]["name"].split()[0], "nothing-has-this",
                      f"time:>={one['time']}", f"user:{one['user']}" if one["user"] else "level:medium"):
            want = self.search("--db", str(pipeline.database), "--", query)
            got = self.search(*server, "--", query)
            key = lambda row: row["alert_id"]
            self.assertEqual(sorted(map(key, got)), sorted(map(key, want)), query)
            for found, wanted in zip(sorted(got, key=key), sorted(want, key=key)):
                self.assertEqual({**found, "status": wanted["status"]}, wanted, query)
            self.assertEqual(got, sorted(got, key=lambda row: row["time"], reverse=True), query)
            self.assertEqual(self.search(*server, "--count", "--", query), [len(want)], query)
        verdicts = self.search(*server, "--verdicts", "--", f"host:{host}")
        self.assertEqual(len(verdicts), sum(row["host"] == one["host"] for row in pipeline.rows()))

    def test_what_the_server_refuses_is_a_dead_letter_and_can_be_replayed(self):
        pipeline = self.pipeline()
        path = pipeline.folder / "input.jsonl"
        path.write_text("".join(process_event(n, n % 5 == 0) + "\n" for n in range(100)))
        pipeline.produce("jsonl", path)
        pipeline.detect("--sinks", "csv,topic")
        # Somebody made an index in which a host is a number.
        periods = ("2026", "2026.03.02", "undated")
        for period in periods:
            self.server.ask("PUT", f"/{self.server.prefix}-alerts-{period}",
                            {"mappings": {"properties": {"host": {"type": "long"}}}})
        done = pipeline.store(*self.sink())["sinks"]["opensearch"]
        self.assertEqual((done["verdicts"], done["alerts"], done["dead_letters"]), (100, 0, 20))
        letters = list(pipeline.messages(pipeline.dead))
        self.assertEqual({(m["headers"]["error.stage"], m["headers"]["error.code"]) for m in letters},
                         {("store", "sink.refused")})
        self.assertIn("mapper_parsing_exception", letters[0]["headers"]["error.message"])
        for period in periods:
            self.server.ask("DELETE", f"/{self.server.prefix}-alerts-{period}")
        done = subprocess.run([harness.TOCSIN, "dlq", "replay", "--all", *pipeline.on_bus()], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(pipeline.alerts, done.stderr)
        self.assertEqual(pipeline.store(*self.sink())["sinks"]["opensearch"]["alerts"], 20)
        self.assertEqual(self.server.count("alerts"), 20)


if __name__ == "__main__":
    OpenSearch.server_url = server_url()
    harness.main()
