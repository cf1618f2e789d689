# SPDX-License-Identifier: Apache-2.0
"""kill -9 of producer and detector at random moments: every event arrives, none is invented, no file is torn.

    python3 crash_test.py [embedded|kafka]        TOCSIN_SEED=N repeats the moments of an earlier run
"""
import collections
import contextlib
import os
import random
import sqlite3
import time

import harness
from harness import process_event, until

EVENTS = 5_000
ATTACK_EVERY = 10
RATE = 5_000
ROUNDS = 20  # on Kafka some two minutes: a broker waits six seconds before it gives up a killed detector


class Crash(harness.PipelineTest):
    def write_input(self, pipeline):
        path = pipeline.folder / "input.jsonl"
        path.write_text("".join(process_event(n, n % ATTACK_EVERY == 0) + "\n" for n in range(EVENTS)))
        return path

    def ids_of(self, path):
        """The ids that the events of a file have, and of them the attacks: from a producer that nobody disturbs."""
        calm = harness.Pipeline("embedded")
        self.addCleanup(calm.close)
        calm.produce("jsonl", path)
        ids, attacks = set(), set()
        for message in calm.messages():
            event_id = message["headers"]["event_id"]
            ids.add(event_id)
            if message["value"]["Event"]["System"]["EventRecordID"] % ATTACK_EVERY == 0:
                attacks.add(event_id)
        self.assertEqual((len(ids), len(attacks)), (EVENTS, EVENTS // ATTACK_EVERY))
        return ids, attacks

    def one_round(self, pipeline, path, dice, running):
        """Starts what does not run, waits, kills; returns whom."""
        size = pipeline.csv.stat().st_size if pipeline.csv.exists() else 0
        if "producer" not in running:
            running["producer"] = pipeline.producing("jsonl", path, "--rate", RATE)
        if "detector" not in running:
            running["detector"] = pipeline.detecting("--batch", 100)
        victims = dice.choice([["producer"], ["detector"], ["producer", "detector"]])
        if dice.random() < 0.7:  # else perhaps before it has begun
            until(40, "verdicts after a restart", lambda: pipeline.csv.exists() and pipeline.csv.stat().st_size > size)
        time.sleep(dice.uniform(0, 0.4))
        self.assertTrue(running["detector"].running(), "a detector ends only when it is told to")
        killed = []
        for name in victims:
            process = running.pop(name)
            if process.running():
                process.kill()
                killed.append(name)
            else:
                process.end()  # a producer at the end of its input
        if "producer" in running and not running["producer"].running():
            running.pop("producer").end()
        return killed

    def finish(self, pipeline, path, running):
        for process in running.values():
            process.kill()
        result = pipeline.produce("jsonl", path)
        self.assertEqual(result["acknowledged"], EVENTS)
        pipeline.detect()
        self.assertEqual(pipeline.lag(), 0)

    def check_outputs(self, pipeline, ids, attacks):
        self.assert_nothing_lost(pipeline, ids)
        classes = collections.defaultdict(set)
        for row in pipeline.rows():
            classes[row["event_id"]].add(row["class"])
        self.assertFalse({i: c for i, c in classes.items() if len(c) > 1}, "one event, one verdict")
        self.assert_same_ids([i for i, c in classes.items() if c != {"None"}], attacks, "detections")
        self.assert_same_ids(pipeline.stored_ids("alerts"), attacks, "alerts of tocsin.db")
        on_topic = (m["headers"]["event_id"] for m in pipeline.messages(pipeline.alerts))
        self.assert_same_ids(on_topic, attacks, "topic of the alerts")
        self.assertEqual(list(pipeline.messages(pipeline.dead)), [])
        with contextlib.closing(sqlite3.connect(pipeline.database)) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])

    def test_kill_at_random_moments_loses_nothing(self):
        seed = int(os.environ.get("TOCSIN_SEED", time.time_ns() % 1_000_000))
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        pipeline = self.pipeline()
        path = self.write_input(pipeline)
        ids, attacks = self.ids_of(path)
        running, kills = {}, collections.Counter()
        for _ in range(ROUNDS):
            kills.update(self.one_round(pipeline, path, dice, running))
        self.assertTrue(kills, "nobody was killed")
        self.finish(pipeline, path, running)
        self.check_outputs(pipeline, ids, attacks)
        print(f"kills: {dict(kills)}; rows {len(pipeline.rows())} of {EVENTS} events", flush=True)


if __name__ == "__main__":
    harness.main()
