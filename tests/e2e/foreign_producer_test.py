# SPDX-License-Identifier: Apache-2.0
"""Any program may write plain JSON to the topic: without headers an event has its id from its content.

    python3 foreign_producer_test.py [embedded|kafka]       TOCSIN_FOREIGN: the program e2e_foreign_producer
"""
import base64
import os
import shutil
import subprocess
import uuid

import harness
from harness import process_event

FOREIGN = os.environ.get("TOCSIN_FOREIGN", "build/release/tests/e2e/e2e_foreign_producer")
EVENTS = 200
OWN_ID = "5b1f2f52-3c6e-4a2b-9d0e-0a1b2c3d4e5f"
NAMED = '{"@timestamp":"2026-03-02T08:00:00Z","event":{"id":"' + OWN_ID + '"},"message":"says who it is"}'
NAMELESS = '{"message":"nothing tells one of these from another"}'
BROKEN = '{"message": "half a li'


def lines():
    return [process_event(n, attack=n % 20 == 0) for n in range(EVENTS)]


class Foreign(harness.PipelineTest):
    def send(self, pipeline, messages):
        subprocess.run([FOREIGN, pipeline.bus, pipeline.topic], input="\n".join(messages) + "\n", text=True,
                       timeout=60, check=True)

    def ids_by_tocsin(self):
        """The ids that our own producer gives the same lines."""
        ours = harness.Pipeline("embedded")
        self.addCleanup(ours.close)
        path = ours.folder / "events.jsonl"
        path.write_text("\n".join(lines()) + "\n")
        ours.produce("jsonl", path)
        return ours.ids_on_topic()

    def check_verdicts(self, pipeline, want):
        rows = pipeline.rows()
        self.assert_same_ids([row["event_id"] for row in rows], want, "verdicts.csv")
        self.assertEqual(len(rows), len(want))
        self.assertEqual(sum(row["class"] == "Impact" for row in rows), EVENTS // 20)
        for row in rows:
            self.assertEqual(row["trace_id"], row["event_id"].replace("-", ""))

    def test_an_event_without_headers_has_its_id_from_its_content(self):
        pipeline = self.pipeline()
        self.send(pipeline, lines() + [NAMED])
        self.assertTrue(all(message["headers"] == {} for message in pipeline.messages()))
        pipeline.detect()
        want = self.ids_by_tocsin() + [OWN_ID]
        self.check_verdicts(pipeline, want)
        self.send(pipeline, lines() + [NAMED])  # a resend
        self.assertEqual(pipeline.detect()["events"], len(want))
        self.assert_nothing_lost(pipeline, want)

    def test_what_nothing_identifies_is_known_by_its_place(self):
        pipeline = self.pipeline()
        self.send(pipeline, [NAMELESS] * 10)
        pipeline.detect()
        ids = pipeline.csv_ids()
        self.assertEqual((len(ids), len(set(ids))), (10, 10))
        self.assertEqual(sorted(pipeline.stored_ids()), sorted(ids))

    def test_what_is_no_event_goes_to_the_dead_letters_as_it_was(self):
        pipeline = self.pipeline()
        self.send(pipeline, [lines()[0], BROKEN, lines()[1]])
        self.assertEqual(pipeline.detect()["dead_letters"], 1)
        self.assertEqual(len(pipeline.rows()), 2)
        [letter] = pipeline.messages(pipeline.dead)
        value = letter["value"] if "value" in letter else base64.b64decode(letter["value_base64"]).decode()
        self.assertEqual(value, BROKEN)
        headers = letter["headers"]
        self.assertEqual((headers["error.stage"], headers["error.code"]), ("detect", "event.invalid"))
        self.assertTrue(headers["error.message"])
        self.assertRegex(headers["origin"], rf"^{pipeline.topic}/\d+/\d+$")

    def test_kcat_is_a_producer_too(self):
        if self.bus == "embedded":
            self.skipTest("kcat speaks to Kafka only")
        if not shutil.which("kcat"):
            print("\nSKIPPED kcat is not installed", flush=True)
            return
        pipeline = self.pipeline()
        path = pipeline.folder / "events.jsonl"
        path.write_text("\n".join(lines()) + "\n")
        subprocess.run([harness.TOCSIN, "topics", "create", pipeline.topic, "--bus", self.bus], timeout=60, check=True)
        broker = self.bus.removeprefix("kafka://")
        kcat = ["kcat", "-P", "-b", broker, "-t", pipeline.topic]
        subprocess.run(kcat + ["-l", str(path)], timeout=60, check=True, capture_output=True)
        given = str(uuid.uuid4())
        subprocess.run(kcat + ["-H", f"event_id={given}"], input=process_event(EVENTS + 1), text=True, timeout=60,
                       check=True, capture_output=True)
        pipeline.detect()
        self.check_verdicts(pipeline, self.ids_by_tocsin() + [given])


if __name__ == "__main__":
    harness.main()
