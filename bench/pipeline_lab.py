# SPDX-License-Identifier: Apache-2.0
"""What bench/pipeline.py runs: a broker of its own, topics full of the same events, and programs that read or write them.

    Lab: events -> topic -> tocsin detect | bare_kafka -> {"seconds", "cpu", ...}
"""
import contextlib
import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import time
import uuid

import bench
import corpus
import measure

TOCSIN = os.environ.get("TOCSIN", str(bench.ROOT / "build/release/tocsin"))
BARE = os.environ.get("TOCSIN_BARE_KAFKA", str(bench.ROOT / "build/release/bench/bare_kafka"))
SERVICES = bench.ROOT / "tools" / "services"
PARTITIONS = 4
# One event in twenty tells its times: spans of all would be much of the work.
SAMPLING = ("--trace-sampling", "ratio:0.05")
HISTOGRAM_STEPS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_of(pid):
    """CPU seconds of a process that lives, all threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Lab:
    def __init__(self, folder, data, options, talk):
        self.folder, self.runs, self.talk = folder, options.runs, talk
        self.overload_seconds = options.overload
        self.rules = str(corpus.rules_folder(data))
        self.empty = folder / "empty.jsonl"
        self.empty.write_bytes(b"")
        self.events = folder / "events.jsonl"
        with open(corpus.otrf_jsonl(data), "rb") as whole:
            lines = [line for line, _ in zip(whole, range(options.events))]
        self.events.write_bytes(b"".join(lines))
        self.count = len(lines)
        self.event_bytes = self.events.stat().st_size // self.count
        self.embedded_count = max(200_000, self.count)
        self.latencies = []
        port = free_port() // 100 * 100 + 92
        self.env = {**os.environ, "KAFKA_DIR": str(folder / "kafka"), "KAFKA_BASE_PORT": str(port), "KAFKA_HEAP": "768m"}
        self.brokers = f"127.0.0.1:{port}"

    def __enter__(self):
        self.service("install")
        self.service("start", 1)
        self.broker = int((self.folder / "kafka" / "node-1" / "kafka.pid").read_text().split()[0])
        return self

    def __exit__(self, *_):
        self.service("stop")

    def service(self, *words):
        done = subprocess.run([str(SERVICES / "kafka.sh"), *map(str, words)], env=self.env, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise measure.Failed(f"kafka.sh {words}: {done.stdout}{done.stderr}")

    # -- topics --

    def topic(self, fill=True):
        name = "bench-" + uuid.uuid4().hex[:8]
        self.service("topic", name, PARTITIONS)
        if fill:
            self.produce(name)
        return name

    # -- programs; each gives {"seconds" of its own, "cpu", "wall", ...} --

    def run(self, name, command, core=None):
        self.talk.say(name)
        out = self.folder / "out.json"
        wall, cpu, rss = measure.run_once(measure.Job(name, command, core, stdout=str(out)))
        text = out.read_text()
        return {**(json.loads(text) if text.startswith("{") else {}), "wall": wall, "cpu": cpu, "rss": rss}

    def data(self):
        return str(self.folder / ("data-" + uuid.uuid4().hex[:8]))

    def checked(self, result, key):
        if result[key] != self.count:
            raise measure.Failed(f"{result[key]} of {self.count} events")
        return result

    def rate(self, result):
        return self.count / result.get("busy_seconds", result["seconds"])

    def bare_produce(self, topic, how="produce"):
        return self.checked(self.run("bare " + how, [BARE, how, self.brokers, topic, self.events]), "messages")

    def consume(self, topic, how="consume"):
        return self.checked(self.run("bare " + how, [BARE, how, self.brokers, topic, self.count]), "messages")

    def produce(self, topic):
        return self.checked(self.run("produce", [TOCSIN, "-q", "--data", self.data(), "produce", "jsonl", self.events, "--json",
                                                 "--bus", "kafka://" + self.brokers, "--raw-topic", topic]), "acknowledged")

    def scan(self, events):
        return self.run("scan", [TOCSIN, "-q", "scan", "--rules", self.rules, "--format", "jsonl", "--threads", 1, "-o",
                                 self.folder / "alerts.jsonl", events])

    def detect_command(self, topic, group, *flags):
        return [TOCSIN, "-q", "--data", self.data(), "detect", "--rules", self.rules, "--bus", "kafka://" + self.brokers,
                "--raw-topic", topic, "--alerts-topic", topic + "-alerts", "--dead-letter-topic", topic + "-dead",
                "--group", group, "--workers", "1", "--sinks", "csv", "--json", *flags]

    def detect(self, topic, *flags):
        result = self.run("detect", self.detect_command(topic, uuid.uuid4().hex, "--drain", "1", *flags))
        if result["events"] not in (0, self.count):
            raise measure.Failed(f"{result['events']} of {self.count} events were classified")
        return result

    def detectors(self, topic, count):
        """So many at once, of one worker each, until the topic is read. The clock runs from when all have partitions."""
        group, before = uuid.uuid4().hex, cpu_of(self.broker)
        files = [open(self.folder / f"detector-{n}.json", "w+", encoding="utf-8") for n in range(count)]
        children = [subprocess.Popen(self.detect_command(topic, group, "--drain", "1"), stdout=file,
                                     stderr=subprocess.DEVNULL) for file in files]
        cpu, figures = 0.0, []
        for child, file in zip(children, files):
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            cpu += usage.ru_utime + usage.ru_stime
            file.seek(0)
            figures.append(json.loads(file.read()))
            file.close()
        if sum(one["events"] for one in figures) not in (0, self.count):
            raise measure.Failed("%s of %d events were classified" % ([one["events"] for one in figures], self.count))
        return {"seconds": max(one["busy_seconds"] for one in figures), "cpu": cpu, "broker_cpu": cpu_of(self.broker) - before}

    # -- latency --

    def at_once(self):
        """Producer and detector of one machine, both as fast as they can: events a second."""
        topic, data, out = self.topic(fill=False), self.data(), self.folder / "at-once.json"
        traces = ["--traces", data + ".traces.db", *SAMPLING]
        with open(out, "w", encoding="utf-8") as stdout:
            detector = subprocess.Popen(self.detect_command(topic, uuid.uuid4().hex, "--drain", "8", *traces), stdout=stdout,
                                        stderr=subprocess.DEVNULL)
        time.sleep(4)  # rules are loaded, the group has formed
        self.run("produce", [TOCSIN, "-q", "--data", data, "produce", "jsonl", self.events, "--json",
                             "--bus", "kafka://" + self.brokers, "--raw-topic", topic, *traces])
        detector.wait()
        figures = json.loads(out.read_text())
        if figures["events"] != self.count:
            raise measure.Failed(f"{figures['events']} of {self.count} events were classified")
        return self.count / figures["busy_seconds"]

    def latency(self, rate):
        """{step: percentiles} from the spans of both programs."""
        topic, data = self.topic(fill=False), self.data()
        traces = ["--traces", data + ".traces.db", *SAMPLING]
        detector = subprocess.Popen(self.detect_command(topic, uuid.uuid4().hex, *traces), stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        try:
            time.sleep(8)  # rules are loaded, the group has formed
            self.run("produce slowly", [TOCSIN, "-q", "--data", data, "produce", "jsonl", self.events, "--json", "--rate", rate,
                                        "--bus", "kafka://" + self.brokers, "--raw-topic", topic, *traces])
            time.sleep(3)
        finally:
            detector.terminate()
            detector.wait()
        steps = self.run("latency", [TOCSIN, "latency", "--store", traces[1], "--format", "json"])["steps"]
        self.latencies = self.read_latencies(traces[1])
        return {step["step"]: step for step in steps}

    def read_latencies(self, traces):
        with contextlib.closing(sqlite3.connect(traces)) as database:
            return [row[0] / 1e6 for row in database.execute(
                "SELECT max(end_ns) - min(start_ns) FROM spans WHERE name IN ('produce_event', 'write_csv') "
                "GROUP BY trace_id HAVING count(*) = 2")]

    def histogram(self):
        """Bars of the latencies that latency() saw."""
        lines, total, floor = [], len(self.latencies) or 1, 0
        for step in (*HISTOGRAM_STEPS_MS, float("inf")):
            share = sum(1 for value in self.latencies if floor <= value < step) / total
            if share > 0:
                lines.append("      %5s to %5s ms %6.2f %% %s" % (floor, step, 100 * share, "#" * round(50 * share)))
            floor = step
        return "\n".join(lines)

    # -- the embedded bus --

    def embedded(self):
        """Producer and detector started together, until the last verdict is stored."""
        data = self.data()
        out = self.folder / "embedded.json"
        with open(out, "w", encoding="utf-8") as stdout:
            detector = subprocess.Popen([TOCSIN, "-q", "--data", data, "detect", "--drain", "0.5", "--json"], stdout=stdout,
                                        stderr=subprocess.DEVNULL)
        produced = self.run("produce embedded", [TOCSIN, "-q", "--data", data, "produce", "synthetic", "--events",
                                                 self.embedded_count, "--json"])
        _, status, usage = os.wait4(detector.pid, 0)
        detector.returncode = os.waitstatus_to_exitcode(status)
        figures = json.loads(out.read_text())
        if figures["events"] != self.embedded_count:
            raise measure.Failed(f"{figures['events']} of {self.embedded_count} events were classified")
        return {"seconds": figures["busy_seconds"], "detect_cpu": usage.ru_utime + usage.ru_stime, "produce_cpu": produced["cpu"]}

    # -- overload --

    def overload(self):
        """Memory of detect in MB, sampled while producers write as fast as they can and it reads with a tenth of a core."""
        topic = self.topic()
        detector = subprocess.Popen(self.detect_command(topic, uuid.uuid4().hex), stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        samples, end = [], time.monotonic() + self.overload_seconds
        producer = None
        try:
            time.sleep(8)
            throttle = subprocess.Popen([sys.executable, "-c", THROTTLE, str(detector.pid)])
            while time.monotonic() < end and detector.poll() is None:
                if producer is None or producer.poll() is not None:
                    producer = subprocess.Popen([BARE, "produce", self.brokers, topic, str(self.events)],
                                                stdout=subprocess.DEVNULL)
                samples.append(rss_mb(detector.pid))
                time.sleep(max(0.5, self.overload_seconds / 200))
        finally:
            for child in (throttle, producer, detector):
                if child is not None and child.poll() is None:
                    child.kill()
                    child.wait()
        return samples


# Lets a process run for a tenth of the time: what comes is then far more than it can do.
THROTTLE = """
import os, signal, sys, time
pid = int(sys.argv[1])
while True:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.09)
    os.kill(pid, signal.SIGCONT)
    time.sleep(0.01)
"""
