# SPDX-License-Identifier: Apache-2.0
"""Producers and detectors know only the topic: either may be absent, slow, stopped or multiplied.

    python3 decoupling_test.py [embedded|kafka]
"""
import re
import time

import harness
from harness import until

EVENTS = 20_000
NOISE = 0.6  # of a rate, on a machine that does other things meanwhile


def synthetic(seed, events, *more):
    return ["synthetic", "--seed", seed, "--events", events, *more]


class ConsumerAway(harness.PipelineTest):
    def rate_with_consumer(self, pipeline):
        consumer = pipeline.detecting()
        until(30, "the detector reads all partitions", lambda: len(pipeline.owned()) == 4)
        rate = max(pipeline.produce(*synthetic(seed, EVENTS))["events_per_second"] for seed in (11, 12))
        until(60, "no lag behind a running producer", pipeline.caught_up)
        consumer.terminate()
        consumer.end()
        return rate

    def rate_without_consumer(self, pipeline):
        rates = []
        for seed in (21, 22):
            before = pipeline.lag()
            result = pipeline.produce(*synthetic(seed, EVENTS))
            self.assertEqual(result["acknowledged"], EVENTS)
            rates.append(result["events_per_second"])
            self.assertEqual(pipeline.lag(), before + EVENTS, "lag is what nobody has read")
        return max(rates)

    def test_the_producer_does_not_notice_and_the_lag_drains_later(self):
        pipeline = self.pipeline()
        with_consumer = self.rate_with_consumer(pipeline)
        without = self.rate_without_consumer(pipeline)
        print(f"events/s: {with_consumer:.0f} with a consumer, {without:.0f} without", flush=True)
        self.assertGreater(without, NOISE * with_consumer)
        result = pipeline.detect()
        self.assertEqual(pipeline.lag(), 0)
        self.assertGreaterEqual(result["events"], 2 * EVENTS)
        self.assert_nothing_lost(pipeline, pipeline.ids_on_topic())

    def test_the_lag_is_seen_growing(self):
        pipeline = self.pipeline()
        pipeline.produce(*synthetic(1, 500))
        pipeline.detect()
        producer = pipeline.producing(*synthetic(2, 6_000, "--rate", 1_000))
        seen = []
        while producer.running():
            seen.append(pipeline.lag())
            time.sleep(0.2)
        result = producer.end()
        self.assertGreater(result["events_per_second"], NOISE * 1_000)
        self.assertLess(result["events_per_second"], 1.1 * 1_000)
        self.assertEqual(seen, sorted(seen), "lag only grows while nobody reads")
        self.assertGreaterEqual(len(set(seen)), 3, seen)
        self.assertEqual(pipeline.lag(), 6_000)
        pipeline.detect()
        self.assertEqual(pipeline.lag(), 0)
        self.assert_nothing_lost(pipeline, pipeline.ids_on_topic())


class Sharing(harness.PipelineTest):
    def test_two_detectors_share_and_a_third_producer_joins(self):
        pipeline = self.pipeline()
        detectors = [pipeline.detecting("--workers", 1) for _ in range(2)]
        until(30, "both detectors read two partitions",
              lambda: sorted(map(list(pipeline.owned().values()).count, set(pipeline.owned().values()))) == [2, 2])
        self.assertEqual(pipeline.group_now()["members"], 2)
        producers = [pipeline.producing(*synthetic(seed, 4_000, "--rate", 2_000)) for seed in (31, 32)]
        time.sleep(0.7)
        self.assertTrue(all(producer.running() for producer in producers))
        producers.append(pipeline.producing(*synthetic(33, 4_000)))
        self.assertEqual([producer.end()["acknowledged"] for producer in producers], [4_000] * 3)
        until(30, "no lag", pipeline.caught_up)
        for detector in detectors:
            detector.terminate()
        events = [detector.end()["events"] for detector in detectors]
        print(f"events of each detector: {events}", flush=True)
        self.assertTrue(all(events), events)
        self.assertEqual(sum(events), 12_000, "each event went to one of the two")
        self.assert_nothing_lost(pipeline, pipeline.ids_on_topic())


class Sigterm(harness.PipelineTest):
    def test_drains_and_the_next_detector_goes_on_there(self):
        pipeline = self.pipeline()
        producer = pipeline.producing(*synthetic(41, 6_000, "--rate", 3_000))
        stats = []
        for _ in range(3):
            before = pipeline.csv.stat().st_size if pipeline.csv.exists() else 0
            detector = pipeline.detecting("--batch", 200)
            until(30, "the detector writes",
                  lambda size=before: pipeline.csv.exists() and pipeline.csv.stat().st_size > size + 200)
            detector.terminate()
            stats.append(detector.end())
        producer.end()
        stats.append(pipeline.detect())
        rows = pipeline.csv_ids()
        self.assert_nothing_lost(pipeline, pipeline.ids_on_topic())
        self.assertEqual(sum(one["events"] for one in stats), len(rows), "what was counted was written")
        if not any(one["lost_partitions"] for one in stats):
            self.assertEqual(len(rows), len(set(rows)), "a detector that drained leaves nothing to do twice")


class CollectorAway(harness.PipelineTest):
    def test_detect_goes_on_without_it_and_tells_what_it_dropped(self):
        pipeline = self.pipeline()
        pipeline.produce(*synthetic(51, 3_000))
        detector = pipeline.detecting("--drain", 0.5, "--traces", "http://127.0.0.1:9")  # nobody listens there
        self.assertEqual(detector.end()["events"], 3_000)
        told = re.search(r"(\d+) spans were not delivered", detector.stderr())
        self.assertTrue(told, detector.stderr())
        self.assertGreaterEqual(int(told[1]), 4 * 3_000, "process, classify and two writes of each event")
        self.assert_nothing_lost(pipeline, pipeline.ids_on_topic())


if __name__ == "__main__":
    harness.main()
