# SPDX-License-Identifier: Apache-2.0
"""The stage that feeds stores from the log: each verdict and alert is in each store once, whatever is killed meanwhile,
and a store that fails holds up no other.

    python3 store_test.py [embedded|kafka]
"""
import collections
import contextlib
import json
import os
import random
import sqlite3
import subprocess
import time

import harness
from harness import process_event, until

ATTACK_EVERY = 5
NOBODY = "http://127.0.0.1:1"  # where nobody listens


class Store(harness.PipelineTest):
    def setUp(self):
        self.seed = int(os.environ.get("TOCSIN_SEED", time.time_ns() % 1_000_000))
        self.dice = random.Random(self.seed)
        print(f"seed {self.seed}", flush=True)

    def classified(self, count, sinks="csv,topic"):
        """A pipeline with that many events classified, their verdicts in these sinks."""
        pipeline = self.pipeline()
        path = pipeline.folder / "input.jsonl"
        path.write_text("".join(process_event(n, n % ATTACK_EVERY == 0) + "\n" for n in range(count)))
        pipeline.produce("jsonl", path)
        pipeline.detect("--sinks", sinks)
        return pipeline

    def lines(self, pattern):
        """Of all files of that name, also those that were put aside."""
        folder, name = pattern.parent, pattern.stem
        return [json.loads(line) for path in sorted(folder.glob(f"{name}*{pattern.suffix}"))
                for line in path.read_text().splitlines()]

    def size(self, folder):
        """Bytes of the files in it, some of which may be put aside while we look."""
        total = 0
        for path in folder.glob("*.jsonl"):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    def assert_once(self, got, want, where):
        counts = collections.Counter(got)
        self.assert_same_ids(counts, want, where)
        twice = [one for one, times in counts.items() if times > 1]
        self.assertFalse(twice, f"{where}: {len(twice)} are there more than once: {twice[:3]}")

    def alert_ids(self, pipeline):
        return [m["value"]["tocsin"]["alert_id"] for m in pipeline.messages(pipeline.alerts)]

    def test_every_sink_has_all_of_it(self):
        pipeline = self.classified(2_000, "csv,sqlite,topic")
        data = pipeline.folder / "out"
        done = pipeline.store("--sink", f"jsonl-verdicts={data}/verdicts.jsonl", "--sink", f"jsonl-alerts={data}/alerts.jsonl",
                              "--sink", f"csv={data}/verdicts.csv", "--sink", f"sqlite={data}/tocsin.db",
                              "--sink", f"ocsf={data}/findings.jsonl", "--sink", f"ocsf-topic={pipeline.verdicts}-ocsf")
        ids, alerts = pipeline.csv_ids(), self.alert_ids(pipeline)
        self.assertEqual(len(alerts), 2_000 // ATTACK_EVERY)
        self.assertEqual({name: (sink["verdicts"], sink["alerts"], sink["dead_letters"]) for name, sink in done["sinks"].items()},
                         {"jsonl-verdicts": (2_000, 0, 0), "jsonl-alerts": (0, 400, 0), "csv": (2_000, 0, 0),
                          "sqlite": (2_000, 400, 0), "ocsf": (0, 400, 0), "ocsf-topic": (0, 400, 0)})
        self.assert_once([v["event_id"] for v in self.lines(data / "verdicts.jsonl")], ids, "jsonl of verdicts")
        self.assert_once([a["tocsin"]["alert_id"] for a in self.lines(data / "alerts.jsonl")], alerts, "jsonl of alerts")
        self.assert_once([f["finding_info"]["uid"] for f in self.lines(data / "findings.jsonl")], alerts, "findings")
        self.assert_once([m["value"]["finding_info"]["uid"] for m in pipeline.messages(pipeline.verdicts + "-ocsf")],
                         alerts, "topic of findings")
        # The rows of a detector that writes the file itself, in another order.
        self.assertEqual(sorted((data / "verdicts.csv").read_bytes().splitlines()), sorted(pipeline.csv.read_bytes().splitlines()))
        with contextlib.closing(sqlite3.connect(data / "tocsin.db")) as database:
            self.assertEqual(database.execute("SELECT count(*), count(DISTINCT event_id) FROM verdicts").fetchone(), (2_000, 2_000))
            self.assertEqual(database.execute("SELECT count(*) FROM alerts").fetchone(), (400,))
            # Where the event lies, and not its verdict.
            place = "SELECT event_id, topic, partition, offset FROM verdicts_view ORDER BY event_id"
            places = database.execute(place).fetchall()
        with contextlib.closing(sqlite3.connect(pipeline.database)) as database:
            self.assertEqual(places, database.execute(place).fetchall())
        self.assertEqual({row[1] for row in places}, {pipeline.topic})
        for name in done["sinks"]:
            self.assertEqual(pipeline.lag(f"{pipeline.group}-store-{name}"), 0, name)

    def test_a_sink_that_fails_holds_up_no_other(self):
        pipeline = self.classified(1_000)
        out = pipeline.folder / "out" / "all.jsonl"
        stage = pipeline.storing("--sink", f"opensearch={NOBODY}", "--sink", f"jsonl={out}")
        until(60, "the file is complete", lambda: out.exists() and len(self.lines(out)) == 1_200)
        # On Kafka the marks of transactions have offsets, too.
        until(30, "the lag of the other is told", lambda: (pipeline.lag(f"{pipeline.group}-store-opensearch") or 0) >= 1_200)
        until(30, "no lag of the file", lambda: pipeline.lag(f"{pipeline.group}-store-jsonl") == 0)
        stage.terminate()
        stage.child.wait(30)
        self.assertIn(NOBODY, stage.stderr())

    def test_sinks_that_would_spoil_what_others_write_are_refused(self):
        pipeline = self.pipeline()
        out = pipeline.folder / "out"
        for words, sinks in (("is the pipeline's own", [f"ocsf-topic={pipeline.alerts}"]),
                             ("is the pipeline's own", [f"ocsf-topic={pipeline.topic}"]),
                             ("two sinks write to", [f"jsonl:a={out}/same", f"csv:b={out}/x/../same"])):
            arguments = [word for sink in sinks for word in ("--sink", sink)]
            done = subprocess.run([harness.TOCSIN, "--data", str(pipeline.folder / "data"), "store", "--drain", "0.1", *arguments,
                                   *pipeline.on_bus()], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(words, done.stderr)

    def test_kill_in_the_middle(self):
        pipeline = self.classified(20_000)
        data = pipeline.folder / "out"
        sinks = ("--sink", f"jsonl-verdicts={data}/verdicts.jsonl", "--sink", f"ocsf={data}/findings.jsonl",
                 "--rotate-size", "1MB", "--batch", 40)
        killed_in_the_middle = 0
        for _ in range(6):
            before = self.size(data)
            stage = pipeline.storing(*sinks, "--instance-id", "crasher")
            until(40, "something is written", lambda: self.size(data) > before)
            time.sleep(self.dice.uniform(0, 0.1))
            stage.kill()
            if pipeline.lag(f"{pipeline.group}-store-jsonl-verdicts") == 0:
                break  # a quick machine: all is written
            killed_in_the_middle += 1
        self.assertGreater(killed_in_the_middle, 0, "killed too late")
        pipeline.store(*sinks, "--instance-id", "crasher")
        self.assert_once([v["event_id"] for v in self.lines(data / "verdicts.jsonl")], pipeline.csv_ids(), "verdicts")
        self.assert_once([f["finding_info"]["uid"] for f in self.lines(data / "findings.jsonl")],
                         self.alert_ids(pipeline), "findings")
        self.assertGreater(len(list(data.glob("verdicts*.jsonl"))), 2)

    def test_what_is_no_alert_is_a_dead_letter_with_its_bytes(self):
        pipeline = self.classified(100)
        path = pipeline.folder / "foreign.jsonl"
        path.write_text('{"not":"an alert"}\n')
        # A producer that was pointed to the wrong topic.
        stray = [word if word != pipeline.topic else pipeline.alerts for word in pipeline.on_bus()]
        pipeline.start("produce", "jsonl", path, "--json", *stray).end()
        done = pipeline.store("--sink", f"jsonl={pipeline.folder}/out.jsonl")
        self.assertEqual(done["sinks"]["jsonl"], {"verdicts": 100, "alerts": 20, "dead_letters": 1, "retries": 0,
                                                  "undone": 0, "lost": 0})
        letter, = pipeline.messages(pipeline.dead)
        self.assertEqual(letter["value"], {"not": "an alert"})
        self.assertEqual((letter["headers"]["error.stage"], letter["headers"]["error.code"]), ("store", "alert.invalid"))
        self.assertTrue(letter["headers"]["origin"].startswith(pipeline.alerts + "/"))

    def test_detections_only_and_truth(self):
        pipeline = self.pipeline()
        pipeline.produce("synthetic", "--seed", 7, "--events", 2_000)
        detected = pipeline.detect("--sinks", "topic", "--verdicts", "detections")
        self.assertGreater(detected["detections"], 0)
        self.assertFalse(pipeline.csv.exists())
        verdicts = list(pipeline.messages(pipeline.verdicts))
        self.assertEqual(len(verdicts), detected["detections"])
        self.assertEqual([name for name in verdicts[0]["value"]], harness.COLUMNS)
        database = pipeline.folder / "out.db"
        pipeline.store("--sink", f"sqlite={database}")
        with contextlib.closing(sqlite3.connect(database)) as opened:
            truths = opened.execute("SELECT count(*) FROM verdicts WHERE truth <> ''").fetchone()[0]
        self.assertEqual(truths, detected["detections"])

    def test_the_span_of_the_write_hangs_under_classify_event(self):
        pipeline = self.pipeline()
        traces = pipeline.folder / "traces.db"
        path = pipeline.folder / "input.jsonl"
        path.write_text("".join(process_event(n, n % ATTACK_EVERY == 0) + "\n" for n in range(50)))
        pipeline.produce("jsonl", path, "--traces", traces)
        pipeline.detect("--sinks", "topic", "--traces", traces)
        before = time.time_ns()
        pipeline.store("--sink", f"jsonl={pipeline.folder}/out.jsonl", "--traces", traces)
        with contextlib.closing(sqlite3.connect(f"file:{traces}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT hex(trace_id), start_ns, end_ns FROM spans "
                                    "WHERE name = 'write_jsonl' AND service = 'tocsin-store'").fetchall()
            classified = {row[0] for row in database.execute("SELECT hex(trace_id) FROM spans WHERE name = 'classify_event'")}
        self.assertEqual(len(rows), 60)  # a verdict each, and the alerts
        self.assertEqual({row[0] for row in rows}, classified)
        self.assertTrue(all(before <= start <= end for _, start, end in rows))
        shown = subprocess.run([harness.TOCSIN, "trace", rows[0][0].lower(), "--store", str(traces), "--json"],
                               capture_output=True, text=True, timeout=60, check=True)
        spans = {span["span_id"]: span for span in json.loads(shown.stdout)["spans"]}
        written = [span for span in spans.values() if span["name"] == "write_jsonl"]
        self.assertTrue(written)
        for span in written:
            self.assertEqual(spans[span["parent_span_id"]]["name"], "classify_event")


if __name__ == "__main__":
    harness.main()
