# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a pipeline of real processes on either bus, in folders and topics of its own.

    test -> Pipeline -> tocsin produce | detect | topics -> verdicts.csv, tocsin.db -> test

TOCSIN is the program under test; TOCSIN_KAFKA (host:port) the broker of the tests that need one.
"""
import contextlib
import csv
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

TOCSIN = os.environ.get("TOCSIN", "build/release/tocsin")
SKIPPED = 77
COLUMNS = ("event_id,trace_id,timestamp,host,channel,provider,event_code,class,tactics,techniques,rules,"
           "level,score,classified_at,latency_us").split(",")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def skip(reason):
    """Ends the program as one that could not run; ctest and ./dev count it as skipped."""
    print("SKIPPED " + reason, flush=True)
    sys.exit(SKIPPED)


def kafka_url():
    address = os.environ.get("TOCSIN_KAFKA")
    if not address:
        skip("no Kafka: set TOCSIN_KAFKA=host:port")
    return "kafka://" + address


def bus_of_arguments():
    """The bus that ctest asks for with the first argument, which unittest must not see."""
    kind = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("embedded", "kafka") else "embedded"
    return kafka_url() if kind == "kafka" else "embedded"


def until(seconds, what, condition):
    """The first true value of condition(); fails when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def process_event(number, attack=False):
    """A line of JSON as evtx_dump writes it: Sysmon saw a process start. Its record id is unique to `number`."""
    command = "vssadmin.exe delete shadows /all /quiet" if attack else f"ping.exe -n 1 10.0.0.{number % 250}"
    image = "C:\\Windows\\System32\\" + command.split()[0]
    return json.dumps({"Event": {
        "System": {
            "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}}, "EventID": 1,
            "TimeCreated": {"#attributes": {"SystemTime": f"2026-03-02T{number // 3600 % 24:02}:{number // 60 % 60:02}:"
                                                          f"{number % 60:02}.{number % 1000:03}000Z"}},
            "EventRecordID": 100_000 + number, "Channel": "Microsoft-Windows-Sysmon/Operational",
            "Computer": f"host{number % 17}.example"},
        "EventData": {"Image": image, "CommandLine": command, "ParentImage": "C:\\Windows\\System32\\cmd.exe",
                      "User": "EXAMPLE\\user", "ProcessId": number}}}, separators=(",", ":"))


class Process:
    """A tocsin that runs beside the test. Its output goes to files, so that no pipe can fill and stop it."""

    def __init__(self, command, log):
        self.log = log
        with open(log, "ab") as stderr, open(f"{log}.out", "wb") as stdout:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)

    def running(self):
        return self.child.poll() is None

    def kill(self):
        self.child.kill()
        self.child.wait()

    def terminate(self):
        self.child.send_signal(signal.SIGTERM)

    def end(self, seconds=60):
        """The JSON that it printed; fails unless it ended well, by itself or as it was asked to."""
        try:
            status = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end within {seconds} s:\n{self.stderr()}") from None
        if status != 0:
            raise AssertionError(f"exit status {status}:\n{self.stderr()}")
        return json.loads(pathlib.Path(f"{self.log}.out").read_text() or "null")

    def stderr(self):
        return pathlib.Path(self.log).read_text(errors="replace")[-4000:]


class Pipeline:
    """One bus with topics, a group, stores and logs of its own. `bus`: "embedded" or a kafka:// URL."""

    def __init__(self, bus):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-e2e-"))
        name = "e2e-" + uuid.uuid4().hex[:8]
        self.kafka = bus != "embedded"
        self.bus = bus if self.kafka else f"embedded:{self.folder}/bus"
        self.topic, self.alerts, self.verdicts, self.dead, self.group = (
            name + part for part in ("", "-alerts", "-verdicts", "-dead", "-group"))
        # A broker takes no shorter session, so on Kafka a killed detector is missed later.
        self.session_seconds = 6 if self.kafka else 0.5
        self.csv = self.folder / "data" / "verdicts.csv"
        self.database = self.folder / "data" / "tocsin.db"
        self.processes = []

    def close(self):
        for process in self.processes:
            if process.running():
                process.kill()
        if self.kafka:
            for topic in (self.topic, self.alerts, self.verdicts, self.dead):
                subprocess.run([TOCSIN, "topics", "delete", topic, "--bus", self.bus], capture_output=True, check=False,
                               timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- the programs --

    def on_bus(self):
        return ["--bus", self.bus, "--raw-topic", self.topic, "--alerts-topic", self.alerts,
                "--verdicts-topic", self.verdicts, "--dead-letter-topic", self.dead]

    def start(self, *arguments):
        log = self.folder / f"{len(self.processes):03}.log"
        process = Process([TOCSIN, "--data", str(self.folder / "data"), *map(str, arguments)], log)
        self.processes.append(process)
        return process

    def producing(self, *arguments):
        return self.start("produce", *arguments, "--json", *self.on_bus())

    def produce(self, *arguments, seconds=60):
        return self.producing(*arguments).end(seconds)

    def detecting(self, *arguments):
        return self.start("detect", *arguments, "--json", "--group", self.group,
                          "--session-timeout", self.session_seconds, *self.on_bus())

    def detect(self, *arguments, seconds=60):
        """Reads the topic to its end."""
        return self.detecting("--drain", 0.5, *arguments).end(seconds)

    def storing(self, *arguments):
        """Each sink of it is the group GROUP-store-NAME."""
        return self.start("store", *arguments, "--json", "--group", self.group + "-store",
                          "--session-timeout", self.session_seconds, *self.on_bus())

    def store(self, *arguments, seconds=60):
        return self.storing("--drain", 0.5, *arguments).end(seconds)

    # -- what is on the bus --

    def topics(self):
        done = subprocess.run([TOCSIN, "topics", "--json", "--bus", self.bus], capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)

    def group_now(self, name=None):
        """This pipeline's group, or another, as `topics` tells of it; None before its first member."""
        return next((group for group in self.topics()["groups"] if group["name"] == (name or self.group)), None)

    def lag(self, name=None):
        group = self.group_now(name)
        return group["lag"] if group else None

    def caught_up(self):
        """Whether the group has committed all that is on the topic. While a group of Kafka's forms, its list lacks
        partitions: a lag of 0 does not tell yet."""
        now = self.topics()
        ends = {p["partition"]: p["end_offset"] for topic in now["topics"] if topic["name"] == self.topic
                for p in topic["partitions"] if p["end_offset"] > 0}
        done = {p["partition"]: p["committed"] for group in now["groups"] if group["name"] == self.group
                for p in group["partitions"] if p["topic"] == self.topic}
        return bool(ends) and all(done.get(partition) == end for partition, end in ends.items())

    def owned(self):
        """Which member reads each partition of the raw topic."""
        group = self.group_now() or {"partitions": []}
        return {p["partition"]: p["member"] for p in group["partitions"]
                if p["topic"] == self.topic and p["member"]}

    def messages(self, topic=None):
        """Every message of a topic, parsed; one by one, as there may be many."""
        command = [TOCSIN, "topics", "read", topic or self.topic, "--bus", self.bus]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader:
            late = threading.Timer(300, reader.kill)
            late.start()
            try:
                for line in reader.stdout:
                    yield json.loads(line)
            finally:
                late.cancel()
            if reader.wait() == -signal.SIGKILL:
                raise AssertionError(f"not within 300 s: the end of {command[3]}")
            if reader.returncode != 0:
                raise AssertionError(reader.stderr.read().decode())

    def ids_on_topic(self):
        return [message["headers"]["event_id"] for message in self.messages()]

    # -- what came out --

    def rows(self):
        """The rows of verdicts.csv as dictionaries; fails on one that is not whole."""
        with open(self.csv, newline="", encoding="utf-8") as file:
            text = file.read()
        if not text.endswith("\r\n"):
            raise AssertionError(f"the file ends in the middle of a row: {text[-200:]!r}")
        reader = csv.reader(text.splitlines(keepends=True), strict=True)
        header = next(reader)
        if header != COLUMNS:
            raise AssertionError(f"columns {header}")
        rows = []
        for row in reader:
            if len(row) != len(COLUMNS) or not UUID.fullmatch(row[0]) or not row[-1].isdigit() or \
                    not re.fullmatch(r"[0-9a-f]{32}", row[1]) or not row[7]:
                raise AssertionError(f"not a whole row: {row}")
            rows.append(dict(zip(COLUMNS, row)))
        return rows

    def csv_ids(self):
        return [row["event_id"] for row in self.rows()]

    def stored_ids(self, table="verdicts"):
        """The event ids of a table of the database, one for each row."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            rows = database.execute(f"SELECT hex(event_id) FROM {table}").fetchall()
        return [str(uuid.UUID(hex=row[0])) for row in rows]


class PipelineTest(unittest.TestCase):
    """A test with pipelines on the bus `bus`, which the program sets; a failure prints the ends of the logs."""

    bus = "embedded"

    def pipeline(self):
        pipeline = Pipeline(self.bus)
        self.addCleanup(pipeline.close)
        self.addCleanup(self.tell, pipeline)
        return pipeline

    def failed(self):
        """Also in a cleanup, during which unittest counts the cleanup alone."""
        result = self._outcome.result
        return any(test is self for test, _ in [*result.failures, *result.errors])

    def tell(self, pipeline):
        if self.failed():
            for process in pipeline.processes[-6:]:
                print(f"--- {process.child.args[3:5]} status {process.child.poll()}\n{process.stderr()}")

    def assert_same_ids(self, got, want, where):
        """Compares as sets, and tells a few of the differences only."""
        got, want = set(got), set(want)
        lost, foreign = sorted(want - got), sorted(got - want)
        self.assertFalse(lost or foreign, f"{where}: {len(lost)} of {len(want)} lost {lost[:5]}, "
                                          f"{len(foreign)} nobody produced {foreign[:5]}")

    def assert_nothing_lost(self, pipeline, ids):
        """Each id is in the CSV at least once, in the database once, and no other is in either."""
        self.assert_same_ids(pipeline.csv_ids(), ids, "verdicts.csv")
        stored = pipeline.stored_ids()
        self.assert_same_ids(stored, ids, "tocsin.db")
        self.assertEqual(len(stored), len(set(stored)), "rows and ids of tocsin.db")


def main():
    """Runs the tests of the program on the bus that the first argument names."""
    PipelineTest.bus = bus_of_arguments()
    if not os.access(TOCSIN, os.X_OK):
        sys.exit(f"TOCSIN={TOCSIN}: no such program")
    unittest.main(module="__main__", verbosity=2)
