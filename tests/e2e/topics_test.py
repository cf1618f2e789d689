# SPDX-License-Identifier: Apache-2.0
"""`tocsin topics`: makes the topics of the pipeline once, tells what differs, and shows how far behind a group is.

    python3 topics_test.py [embedded|kafka]
"""
import subprocess
import time

import harness
from harness import until


class Topics(harness.PipelineTest):
    def create(self, pipeline, *arguments):
        done = subprocess.run([harness.TOCSIN, "topics", "create", *map(str, arguments), *pipeline.on_bus()],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def partitions(self, pipeline):
        return {topic["name"]: len(topic["partitions"]) for topic in pipeline.topics()["topics"]}

    def test_creates_what_is_missing_and_tells_what_differs(self):
        pipeline = self.pipeline()
        names = (pipeline.topic, pipeline.alerts, pipeline.verdicts, pipeline.dead)
        said = self.create(pipeline, "--partitions", 3, "--retention", "36h")
        for name in names:
            self.assertIn(f"topic {name}: created with 3 partitions", said)
            self.assertEqual(self.partitions(pipeline)[name], 3)
        said = self.create(pipeline, "--partitions", 3, "--retention", "36h")
        self.assertEqual(said.count("is there, as wanted"), len(names), said)
        self.assertNotIn("warning", said)
        said = self.create(pipeline, pipeline.topic, "--partitions", 5, "--retention", "7d")
        self.assertIn("partitions is 3, wanted 5; it is left as it is", said)
        self.assertIn(f"retention.ms is {36 * 3_600_000}, wanted {7 * 24 * 3_600_000}", said)
        self.assertNotIn(pipeline.alerts, said)
        self.assertEqual(self.partitions(pipeline)[pipeline.topic], 3)

    def test_shows_how_old_the_oldest_event_is_that_nobody_has_done(self):
        pipeline = self.pipeline()
        pipeline.produce("synthetic", "--seed", 1, "--events", 200)
        pipeline.detect()
        self.assertEqual((pipeline.group_now()["lag"], pipeline.group_now()["lag_ms"]), (0, 0))
        start = time.time()
        pipeline.produce("synthetic", "--seed", 2, "--events", 100)
        time.sleep(1.2)
        group = pipeline.group_now()
        self.assertEqual(group["lag"], 100)
        self.assertGreater(group["lag_ms"], 1_000)
        self.assertLess(group["lag_ms"], (time.time() - start) * 1_000 + 100)
        late = [p for p in group["partitions"] if p["lag"] > 0 and p["topic"] == pipeline.topic]
        self.assertTrue(late)
        self.assertTrue(all(p["lag_ms"] is not None and p["lag_ms"] > 0 for p in late), late)
        pipeline.detect()
        until(10, "no lag", lambda: pipeline.group_now()["lag_ms"] == 0)


if __name__ == "__main__":
    harness.main()
