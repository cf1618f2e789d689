# SPDX-License-Identifier: Apache-2.0
"""Kafka goes away and comes back: what was read meanwhile waits on the producer's disk, through kill -9 too.

    python3 spool_test.py kafka       TOCSIN_KAFKA=host:port of a broker of tools/services/kafka.sh (its proxied listener is
                                      used); TOCSIN_SEED=N repeats the moments of an earlier run
"""
import json
import os
import random
import socket
import subprocess
import threading
import time

import harness
from harness import process_event, until

EVENTS = 3_000


class Wire:
    """What stands between the producer and the broker's proxied listener, and can be cut."""

    def __init__(self, port):
        self.target = port + 4
        self.connections = []
        self.listener = None
        self.port = port + 5

    def join(self):
        listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.listener = listener
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                near = listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.connections += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def carry(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        if self.listener is None:
            return
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.listener = None
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
        self.connections = []


class Spool(harness.PipelineTest):
    def setUp(self):
        self.plain = self.bus
        port = int(self.bus.rsplit(":", 1)[1])
        self.wire = Wire(port)
        self.addCleanup(self.wire.cut)
        self.proxied = f"kafka://127.0.0.1:{port + 5}"

    def piped(self, pipeline, *arguments):
        """A producer that reads its standard input, which cannot be read twice."""
        log = pipeline.folder / f"{len(pipeline.processes):03}.log"
        with open(log, "ab") as stderr, open(f"{log}.out", "wb") as stdout:
            child = subprocess.Popen(
                [harness.TOCSIN, "--data", str(pipeline.folder / "data"), "produce", "jsonl", "-", "--json", *arguments,
                 "--bus", self.proxied, "--raw-topic", pipeline.topic, "--dead-letter-topic", pipeline.dead],
                stdin=subprocess.PIPE, stdout=stdout, stderr=stderr)
        process = object.__new__(harness.Process)
        process.log, process.child = log, child
        pipeline.processes.append(process)
        self.addCleanup(child.stdin.close)
        return process

    def feed(self, process, first, end):
        data = "".join(process_event(n) + "\n" for n in range(first, end))
        process.child.stdin.write(data.encode())
        process.child.stdin.flush()

    def waiting(self, pipeline):
        done = subprocess.run([harness.TOCSIN, "--data", str(pipeline.folder / "data"), "spool", "list", "--json"],
                              capture_output=True, text=True, check=True)
        return sum(spool["records"] for spool in json.loads(done.stdout))

    def check_arrived(self, pipeline, count, in_order=True):
        """Each event is there; those of a host in the order in which they were read, repeats left out."""
        seen, of_host = set(), {}
        for message in pipeline.messages():
            system = message["value"]["Event"]["System"]
            number = system["EventRecordID"] - 100_000
            if number not in seen:
                of_host.setdefault(system["Computer"], []).append(number)
            seen.add(number)
        self.assertEqual(seen, set(range(count)))
        if in_order:
            for host, numbers in of_host.items():
                self.assertEqual(numbers, sorted(numbers), host)

    def test_away_and_back_with_a_crash_between(self):
        seed = int(os.environ.get("TOCSIN_SEED", time.time_ns() % 1_000_000))
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        pipeline = self.pipeline()
        pipeline.bus = self.plain
        self.wire.join()
        producer = self.piped(pipeline)
        self.feed(producer, 0, 1_000)
        until(30, "the first events", lambda: len(list(pipeline.messages())) == 1_000
              if any(t["name"] == pipeline.topic for t in pipeline.topics()["topics"]) else False)
        self.wire.cut()
        self.feed(producer, 1_000, 1_500)
        until(30, "events in the spool", lambda: self.waiting(pipeline) >= 500)
        self.feed(producer, 1_500, 2_000)
        until(30, "all of them", lambda: self.waiting(pipeline) >= 1_000)
        time.sleep(dice.uniform(0, 0.2))
        producer.kill()
        self.assertGreaterEqual(self.waiting(pipeline), 1_000)

        # A new producer starts while the broker is still away, and drains what the killed one left first.
        producer = self.piped(pipeline)
        self.feed(producer, 2_000, EVENTS)
        time.sleep(dice.uniform(0, 1))
        self.wire.join()
        until(60, "an empty spool", lambda: self.waiting(pipeline) == 0)
        producer.child.stdin.close()
        figures = producer.end(60)
        self.assertEqual(figures["recovered"], 1_000)
        self.assertEqual((figures["acknowledged"], figures["failed"], figures["spooled"]), (EVENTS - 2_000, 0, 0))
        self.check_arrived(pipeline, EVENTS)
        self.assertEqual(self.waiting(pipeline), 0)

    def test_killed_while_it_drains(self):
        dice = random.Random(int(os.environ.get("TOCSIN_SEED", time.time_ns() % 1_000_000)))
        pipeline = self.pipeline()
        pipeline.bus = self.plain
        producer = self.piped(pipeline)
        self.feed(producer, 0, EVENTS)
        producer.child.stdin.close()
        self.assertEqual(producer.child.wait(60), 1, producer.stderr())
        self.assertIn("wait in the spool", producer.stderr())
        self.assertEqual(self.waiting(pipeline), EVENTS)
        subprocess.run([harness.TOCSIN, "topics", "create", pipeline.topic, "--bus", self.plain], check=True)
        self.wire.join()
        for _ in range(4):
            drain = pipeline.start("spool", "drain", "--bus", self.proxied, "--raw-topic", pipeline.topic,
                                   "--dead-letter-topic", pipeline.dead)
            time.sleep(dice.uniform(0.1, 0.5))
            drain.kill()
        drain = pipeline.start("spool", "drain", "--bus", self.proxied, "--raw-topic", pipeline.topic,
                               "--dead-letter-topic", pipeline.dead)
        drain.end(60)
        self.check_arrived(pipeline, EVENTS)
        self.assertEqual(self.waiting(pipeline), 0)


if __name__ == "__main__":
    harness.main()
