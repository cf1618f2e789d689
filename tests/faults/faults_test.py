# SPDX-License-Identifier: Apache-2.0
"""Everything goes wrong while events flow: each has one verdict in the end, and each alert is on its topic once.

    python3 faults_test.py [embedded|kafka]       TOCSIN_SEED=N repeats the faults of an earlier run
                                                  TOCSIN_FAULTS=1: 100 faults over a million events, not a few

On Kafka three brokers of its own, behind a proxy. The topics are read by kcat, which knows nothing of Tocsin, with
isolation.level=read_committed.
"""
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import cluster  # noqa: E402  (the path must be set first)
import fault_kinds  # noqa: E402
import harness  # noqa: E402
from harness import process_event, until  # noqa: E402

LONG = os.environ.get("TOCSIN_FAULTS") == "1"
EVENTS = int(os.environ.get("TOCSIN_FAULT_EVENTS", 1_000_000 if LONG else 60_000))
FAULTS = int(os.environ.get("TOCSIN_FAULT_COUNT", 100 if LONG else 10))
SECONDS_EACH = 9  # about: the events last as long as the faults
ATTACK_EVERY = 50
DISK_BYTES = (256 << 20) + 1_500 * EVENTS
SHIM = os.environ.get("TOCSIN_FAULT_SHIM", "")


class FaultyPipeline(harness.Pipeline):
    """The processes reach the brokers through the proxies; who looks at the result does not."""

    def __init__(self, bus, faulty_bus):
        super().__init__(bus)
        self.faulty_bus = faulty_bus if self.kafka else self.bus
        self.fault_file = self.folder / "faults"
        self.fault_file.write_text("0 0")
        (self.folder / "data").mkdir()
        self.small_disk = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tocsin-faults", str(self.folder / "data")],
            capture_output=True, check=False).returncode == 0

    def close(self):
        for process in self.processes:
            if process.running():
                process.kill()
        if self.small_disk:
            subprocess.run(["umount", str(self.folder / "data")], capture_output=True, check=False)
        super().close()

    def on_bus(self):
        return ["--bus", self.faulty_bus, *super().on_bus()[2:]]

    def start(self, *arguments):
        log = self.folder / f"{len(self.processes):03}.log"
        prefix = []
        if arguments[0] == "detect" and SHIM:
            prefix = ["env", f"LD_PRELOAD={SHIM}", f"FAULT_FILE={self.fault_file}"]
        process = harness.Process([*prefix, harness.TOCSIN, "--data", str(self.folder / "data"), *map(str, arguments)], log)
        self.processes.append(process)
        return process


class World:
    """What faults can reach."""

    names = ("detector-1", "detector-2")
    nodes = cluster.NODES
    stop_seconds = 60 if LONG else 8

    def __init__(self, pipeline, brokers):
        self.pipeline, self.cluster = pipeline, brokers
        self.detectors = {}

    def any_node(self, dice):
        return dice.choice(self.nodes)

    def ensure(self, name):
        if name not in self.detectors:
            self.detectors[name] = self.pipeline.detecting("--batch", 500, "--workers", 2)

    def kill(self, name):
        self.detectors.pop(name).kill()

    def bad_day(self, clock_off_s=0, fsync_ms=0):
        new = self.pipeline.fault_file.with_suffix(".new")
        new.write_text(f"{clock_off_s} {fsync_ms}")
        new.rename(self.pipeline.fault_file)


class Faults(harness.PipelineTest):
    def setUp(self):
        self.seed = int(os.environ.get("TOCSIN_SEED", time.time_ns() % 1_000_000))
        self.dice = random.Random(self.seed)
        print(f"seed {self.seed}", flush=True)

    def expected(self, path):
        """Event ids and alert ids of a run that nobody disturbs."""
        calm = harness.Pipeline("embedded")
        self.addCleanup(calm.close)
        calm.produce("jsonl", path, seconds=600)
        calm.detect("--sinks", "csv", "--no-fsync", seconds=600)
        alerts = [m["value"]["tocsin"]["alert_id"] for m in calm.messages(calm.alerts)]
        self.assertEqual(len(alerts), len(set(alerts)))
        ids = calm.csv_ids()
        self.assertEqual((len(ids), len(set(ids))), (EVENTS, EVENTS))
        self.assertTrue(alerts)
        return set(ids), set(alerts)

    def alerts_on_topic(self, pipeline):
        if not pipeline.kafka:
            return [m["value"]["tocsin"]["alert_id"] for m in pipeline.messages(pipeline.alerts)]
        done = subprocess.run(["kcat", "-b", pipeline.bus.removeprefix("kafka://"), "-X", "isolation.level=read_committed",
                               "-C", "-e", "-q", "-o", "beginning", "-t", pipeline.alerts],
                              capture_output=True, text=True, timeout=300, check=True)
        return [json.loads(line)["tocsin"]["alert_id"] for line in done.stdout.splitlines()]

    def kinds(self, pipeline):
        kinds = list(fault_kinds.ON_EITHER_BUS)
        if not pipeline.small_disk:
            print("no disk of our own to fill (that needs root): full_disk is left out", flush=True)
            kinds.remove(fault_kinds.full_disk)
        if not SHIM:
            raise AssertionError("TOCSIN_FAULT_SHIM: the library of the build, fault_shim")
        return kinds + (fault_kinds.OF_BROKERS if pipeline.kafka else [])

    def order(self, kinds):
        """Every kind as often as any other, in a random order."""
        rounds = [kinds[i % len(kinds)] for i in range(FAULTS)]
        self.dice.shuffle(rounds)
        return rounds

    def written(self, pipeline):
        return pipeline.csv.stat().st_size if pipeline.csv.exists() else 0

    def let_flow(self, pipeline):
        """The pipeline recovers by itself: more verdicts come, or there is nothing left to read."""
        before = self.written(pipeline)
        try:
            until(180, "verdicts after a fault", lambda: self.written(pipeline) > before or pipeline.caught_up())
        except AssertionError:
            for process in pipeline.processes:
                print(f"\n--- {process.log.name}, status {process.child.poll()}\n{process.stderr()}", flush=True)
            print(json.dumps(pipeline.topics(), indent=1)[:4000], flush=True)
            raise

    def run_faults(self, world, kinds):
        done = collections.Counter()
        for number, kind in enumerate(self.order(kinds), 1):
            begin = time.monotonic()
            what = kind(world, self.dice)
            lasted = time.monotonic() - begin
            for name, detector in world.detectors.items():
                self.assertTrue(detector.running(), f"{name} ended by itself after: {what}\n{detector.stderr()}")
            print(f"{number:3} {what}: {lasted:.1f} s", end="", flush=True)
            self.let_flow(world.pipeline)
            done[kind.__name__] += 1
            print(f", flows again after {time.monotonic() - begin - lasted:.1f} s", flush=True)
            time.sleep(self.dice.uniform(0, 1))
        return done

    def check(self, pipeline, ids, alerts):
        on_topic = collections.Counter(self.alerts_on_topic(pipeline))
        stored, rows = collections.Counter(pipeline.stored_ids()), collections.Counter(pipeline.csv_ids())
        for where, got, want in (("topic of the alerts", on_topic, alerts), ("tocsin.db", stored, ids), ("verdicts.csv", rows, ids)):
            double = sum(times > 1 for times in got.values())
            print(f"{where}: {sum(got.values())} of {len(want)}; lost {len(want - got.keys())}, double {double}, "
                  f"foreign {len(got.keys() - want)}", flush=True)
        for where, got, want in (("topic of the alerts", on_topic, alerts), ("tocsin.db", stored, ids), ("verdicts.csv", rows, ids)):
            self.assert_same_ids(got, want, where)
            if where != "verdicts.csv":
                self.assertEqual(max(got.values()), 1, f"{where}: something is there twice")
        if max(rows.values()) > 1:
            # What came from the spool may have been stored before, its acknowledgement lost: two records, so two rows.
            self.assertFalse(rows - collections.Counter(pipeline.ids_on_topic()), "verdicts.csv: more rows than records")
        self.assertEqual(list(pipeline.messages(pipeline.dead)), [])

    def deliver_all(self, pipeline, producer):
        """A producer whose input ends while the brokers are away leaves the rest in its spool, and says so by its status."""
        producer.child.wait(3600)
        figures = json.loads(pathlib.Path(f"{producer.log}.out").read_text())
        if producer.child.returncode != 0:
            self.assertGreater(figures["spooled"], 0, producer.stderr())
            drain = pipeline.start("spool", "drain", *pipeline.on_bus())
            self.assertEqual(drain.child.wait(300), 0, drain.stderr())
            print(f"{EVENTS - figures['acknowledged']} events came from the spool", flush=True)
        else:
            self.assertEqual(figures["acknowledged"], EVENTS)

    def test_faults(self):
        brokers = None
        if self.bus != "embedded":
            if not shutil.which("kcat"):
                harness.skip("no kcat")
            folder = pathlib.Path(harness.tempfile.mkdtemp(prefix="tocsin-faults-"))
            brokers = cluster.Cluster(folder)
            self.addCleanup(shutil.rmtree, folder, True)
            self.addCleanup(brokers.close)
            brokers.start()
        pipeline = FaultyPipeline(f"kafka://{brokers.plain}" if brokers else "embedded",
                                  f"kafka://{brokers.proxied}" if brokers else "")
        self.addCleanup(pipeline.close)
        self.addCleanup(self.tell, pipeline)
        path = pipeline.folder / "input.jsonl"
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(process_event(n, n % ATTACK_EVERY == 0) + "\n" for n in range(EVENTS))
        ids, alerts = self.expected(path)
        world = World(pipeline, brokers)
        for name in world.names:
            world.ensure(name)
        producer = pipeline.producing("jsonl", path, "--rate", EVENTS // (FAULTS * SECONDS_EACH))
        until(60, "the first verdicts", lambda: self.written(pipeline) > 0)
        done = self.run_faults(world, self.kinds(pipeline))
        self.deliver_all(pipeline, producer)
        until(300, "no lag", pipeline.caught_up)
        for detector in world.detectors.values():
            detector.terminate()
            detector.end(120)
        print(f"{sum(done.values())} faults: {dict(done)}", flush=True)
        self.check(pipeline, ids, alerts)


if __name__ == "__main__":
    harness.PipelineTest.bus = sys.argv.pop(1) if sys.argv[1:2] in (["embedded"], ["kafka"]) else "embedded"
    unittest.main(verbosity=2)
