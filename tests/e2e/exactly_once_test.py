# SPDX-License-Identifier: Apache-2.0
"""Detectors are killed, stopped and woken, come and go: each alert is on its topic once, each verdict stored once.

    python3 exactly_once_test.py [embedded|kafka]        TOCSIN_SEED=N repeats the moments of an earlier run

On Kafka the alerts are read by kcat, which knows nothing of Tocsin, with isolation.level=read_committed.
"""
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time

import harness
from harness import process_event, until

ATTACK_EVERY = 5
KILLS = 6


class ExactlyOnce(harness.PipelineTest):
    def setUp(self):
        self.seed = int(os.environ.get("TOCSIN_SEED", time.time_ns() % 1_000_000))
        self.dice = random.Random(self.seed)
        print(f"seed {self.seed}", flush=True)

    # -- what is expected, from a pipeline that nobody disturbs --

    def write_events(self, pipeline, first, count):
        path = pipeline.folder / f"input-{first}.jsonl"
        path.write_text("".join(process_event(n, n % ATTACK_EVERY == 0) + "\n" for n in range(first, first + count)))
        return path

    def expected(self, *paths):
        calm = harness.Pipeline("embedded")
        self.addCleanup(calm.close)
        for path in paths:
            calm.produce("jsonl", path)
        calm.detect("--sinks", "csv")
        alerts = collections.Counter(m["value"]["tocsin"]["alert_id"] for m in calm.messages(calm.alerts))
        self.assertTrue(alerts)
        self.assertEqual(set(alerts.values()), {1})
        return set(calm.csv_ids()), set(alerts)

    # -- what came out --

    def alert_ids(self, pipeline):
        """Of every alert that is committed, as often as it is there."""
        if not pipeline.kafka or not shutil.which("kcat"):
            return [m["value"]["tocsin"]["alert_id"] for m in pipeline.messages(pipeline.alerts)]
        done = subprocess.run(["kcat", "-b", pipeline.bus.removeprefix("kafka://"), "-X", "isolation.level=read_committed",
                               "-C", "-e", "-q", "-o", "beginning", "-t", pipeline.alerts],
                              capture_output=True, text=True, timeout=60, check=True)
        return [json.loads(line)["tocsin"]["alert_id"] for line in done.stdout.splitlines()]

    def assert_exactly_once(self, pipeline, ids, alerts):
        on_topic = collections.Counter(self.alert_ids(pipeline))
        self.assert_same_ids(on_topic, alerts, "topic of the alerts")
        twice = [alert for alert, times in on_topic.items() if times > 1]
        self.assertFalse(twice, f"{len(twice)} alerts are on the topic more than once")
        self.assert_nothing_lost(pipeline, ids)
        rows = collections.Counter(pipeline.csv_ids())
        again = [event for event, times in rows.items() if times > 1]
        self.assertFalse(again, f"{len(again)} of {len(rows)} events have more than one row: {again[:3]}")
        self.assertEqual(list(pipeline.messages(pipeline.dead)), [])

    def rows_written(self, pipeline):
        return pipeline.csv.read_bytes().count(b"\n") if pipeline.csv.exists() else 0

    def stop_between_writes(self, pipeline, detector):
        """Stops it where it holds no lock: a stopped process keeps the locks of files, and all others who write to the
        same file on this machine wait for it. What it has in hand is in the sinks already, or not yet."""
        for _ in range(500):
            detector.child.send_signal(signal.SIGSTOP)
            until(5, "stopped", lambda: re.search(r"State:\s+T", pathlib.Path(f"/proc/{detector.child.pid}/status").read_text()))
            locks = [line.split() for line in pathlib.Path("/proc/locks").read_text().splitlines()]
            held = {int(lock[5].split(":")[2]) for lock in locks
                    if lock[1] != "->" and lock[3] == "WRITE" and lock[4] == str(detector.child.pid)}
            shared = {path.stat().st_ino for path in pipeline.folder.rglob("*.*") if path.suffix != ".instance"}
            if not held & shared:
                return
            detector.child.send_signal(signal.SIGCONT)
            time.sleep(self.dice.uniform(0, 0.02))
        self.fail(f"always holds a lock, {pipeline.csv}")

    def wait_for_rows(self, pipeline, more, seconds=40):
        before = self.rows_written(pipeline)
        until(seconds, "rows of verdicts", lambda: self.rows_written(pipeline) >= before + more)

    # -- the tests --

    def test_kill_in_the_middle_of_batches(self):
        pipeline = self.pipeline()
        path = self.write_events(pipeline, 0, 12_000)
        rest = self.write_events(pipeline, 12_000, 600)
        ids, alerts = self.expected(path, rest)
        producer = pipeline.producing("jsonl", path, "--rate", 1_500)
        for _ in range(KILLS):
            # A static member has its partitions again at once, so that there is no session to wait for.
            detector = pipeline.detecting("--batch", 150, "--workers", 2, "--instance-id", "crasher")
            self.wait_for_rows(pipeline, 1)
            time.sleep(self.dice.uniform(0, 0.3))
            self.assertTrue(detector.running(), detector.stderr())
            detector.kill()
        self.assertEqual(producer.end()["acknowledged"], 12_000)
        pipeline.produce("jsonl", rest)  # so that there is something left, however slow the machine is
        pipeline.detect("--instance-id", "crasher", "--workers", 2)
        self.assertEqual(pipeline.lag(), 0)
        self.assert_exactly_once(pipeline, ids, alerts)

    def test_a_detector_that_was_stopped_wakes_up_and_writes_nothing_twice(self):
        pipeline = self.pipeline()
        first, second = self.write_events(pipeline, 0, 6_000), self.write_events(pipeline, 6_000, 3_000)
        ids, alerts = self.expected(first, second)
        producer = pipeline.producing("jsonl", first, "--rate", 600)
        zombie = pipeline.detecting("--batch", 100, "--workers", 2)
        self.wait_for_rows(pipeline, 200)
        time.sleep(self.dice.uniform(0, 0.3))
        self.stop_between_writes(pipeline, zombie)
        self.assertEqual(producer.end()["acknowledged"], 6_000)
        self.assertLess(self.rows_written(pipeline), 6_001, "stopped too late: it had done everything")
        other = pipeline.detecting("--batch", 100, "--workers", 2)
        until(60, "the other takes over", pipeline.caught_up)
        zombie.child.send_signal(signal.SIGCONT)
        pipeline.produce("jsonl", second)
        until(30, "both read", lambda: len(set(pipeline.owned().values())) > 2)
        until(30, "no lag", pipeline.caught_up)
        for detector in (zombie, other):
            self.assertTrue(detector.running(), detector.stderr())
            detector.terminate()
            detector.end()
        self.assert_exactly_once(pipeline, ids, alerts)

    def test_members_come_and_go(self):
        pipeline = self.pipeline()
        path = self.write_events(pipeline, 0, 12_000)
        ids, alerts = self.expected(path)
        steady = pipeline.detecting("--batch", 100, "--workers", 2)
        self.addCleanup(steady.kill)
        producer = pipeline.producing("jsonl", path, "--rate", 2_500)
        self.wait_for_rows(pipeline, 100)
        for _ in range(2):
            guest = pipeline.detecting("--batch", 100, "--workers", 2)
            until(30, "the guest reads", lambda: len(set(pipeline.owned().values())) > 2)
            time.sleep(self.dice.uniform(0, 0.4))
            guest.terminate()
            guest.end()
        self.assertEqual(producer.end()["acknowledged"], len(ids))
        until(30, "no lag", pipeline.caught_up)
        steady.terminate()
        self.assertEqual(steady.end()["lost_partitions"], 0, "whoever leaves in peace finishes what it has in hand")
        self.assert_exactly_once(pipeline, ids, alerts)


if __name__ == "__main__":
    harness.main()
