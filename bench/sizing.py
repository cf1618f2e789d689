#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a stage costs, for docs/operations.md: processor time an event, memory, bytes on the disk; as the stages' own metrics and
the sizes of their files tell. On the embedded bus, with the simulated estate.

    bench/sizing.py [--events N] [--rules DIR]...        ./dev bench sizing does the same after a build
"""
import argparse
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.request

TOCSIN = os.environ.get("TOCSIN", str(pathlib.Path(__file__).resolve().parent.parent / "build/release/tocsin"))


class Stage:
    """A stage with its metrics served."""

    def __init__(self, folder, *arguments):
        self.log = folder / "stage.log"
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen([TOCSIN, "--data", str(folder), *arguments, "--metrics", "127.0.0.1:0"],
                                          stdout=subprocess.DEVNULL, stderr=log)
        self.url = None

    def scrape(self):
        while self.url is None:
            told = re.search(r"metrics: (\S+/metrics)", self.log.read_text(errors="replace"))
            self.url = told[1] if told else None
            time.sleep(0.02)
        with urllib.request.urlopen(self.url, timeout=30) as response:
            return response.read().decode()

    def end(self):
        self.child.terminate()
        self.child.wait(120)


def value(text, name):
    return sum(float(v) for v in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))


def detect(folder, group, events, workers, rules):
    """Processor seconds and bytes of memory when all events are done, without what the start took."""
    arguments = [word for path in rules for word in ("--rules", path)]
    stage = Stage(folder, "detect", "--group", group, "--workers", str(workers), "--sinks", "csv,sqlite", *arguments)
    try:
        start = stage.scrape()
        while value(start, "tocsin_rules") == 0:
            start = stage.scrape()
        while True:
            now = stage.scrape()
            if value(now, "tocsin_event_latency_seconds_count") >= events:
                break
            if stage.child.poll() is not None:
                raise SystemExit(stage.log.read_text())
            time.sleep(0.2)
    finally:
        stage.end()
    cpu = value(now, "process_cpu_seconds_total") - value(start, "process_cpu_seconds_total")
    return cpu, value(now, "process_resident_memory_bytes"), value(now, "tocsin_rules")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--rules", action="append", default=[])
    options = options.parse_args()
    events = options.events
    with tempfile.TemporaryDirectory(prefix="tocsin-sizing-") as scratch:
        folder = pathlib.Path(scratch)
        before = os.times()
        subprocess.run([TOCSIN, "--data", scratch, "-q", "produce", "synthetic", "--events", str(events)], check=True)
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        size = sum(path.stat().st_size for path in (folder / "bus").iterdir())
        print(f"produce: {cpu / events * 1e6:.1f} us of processor time an event")
        print(f"embedded bus: {size / events:.0f} bytes an event")
        for number, (workers, rules) in enumerate([(1, []), (2, []), (4, []), *([(2, options.rules)] if options.rules else [])]):
            for name in ("verdicts.csv", "tocsin.db", "tocsin.db-wal"):
                (folder / name).unlink(missing_ok=True)
            cpu, memory, count = detect(folder, f"sizing-{number}", events, workers, rules)
            print(f"detect, {workers} workers, {count:.0f} rules: {cpu / events * 1e6:.1f} us an event, {memory / 1e6:.0f} MB")
        for name in ("verdicts.csv", "tocsin.db"):
            print(f"{name}: {(folder / name).stat().st_size / events:.0f} bytes a verdict")


if __name__ == "__main__":
    main()
