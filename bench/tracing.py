#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tracing costs the pipeline: `produce` to the embedded bus, then `detect` from it, under each way of sampling.

    ./dev bench tracing [--events N] [--runs N] [--otlp URL]

One run of every mode after the other, again and again, so that a ratio compares neighbours in time; medians.
On a busy machine look at the least CPU of all runs: what others do to the caches only adds. The
collector is a stub that takes every span and counts (trace_collector.cc), on the same cores; --otlp sends the spans of
the mode `all` to a real one as well, to see how many it takes. Seconds are the programs' own, from the first event to
the last one durable; CPU seconds are those of both processes, whatever they do with them.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOCSIN = os.environ.get("TOCSIN", str(ROOT / "build/release/tocsin"))
STUB = os.environ.get("TOCSIN_TRACE_COLLECTOR", str(ROOT / "build/release/bench/trace_collector"))

# Name, what the stub is told (None: nobody listens), flags of the pipeline. The first is what others are compared to.
MODES = [
    ("off", [], None),
    ("all", [], ["--trace-sampling", "all"]),
    ("all, gzip", [], ["--trace-sampling", "all", "--trace-compression", "gzip"]),
    ("ratio:0.01", [], ["--trace-sampling", "ratio:0.01"]),
    ("tail:100", [], ["--trace-sampling", "tail:100"]),
    ("all, collector absent", None, ["--trace-sampling", "all"]),
    ("all, collector slow", ["--delay", "2000"], ["--trace-sampling", "all"]),
    ("all, collector refuses", ["--status", "400"], ["--trace-sampling", "all"]),
]


class Stub:
    """The counting collector as a process; `counts` after close()."""

    def __init__(self, arguments):
        self.child = subprocess.Popen([STUB, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = "http://127.0.0.1:" + self.child.stdout.readline().split()[1]
        self.counts, self.cpu = {}, 0.0

    def close(self):
        self.child.stdin.close()
        self.counts = json.loads(self.child.stdout.read())
        _, _, usage = os.wait4(self.child.pid, 0)
        self.child.returncode = 0
        self.cpu = usage.ru_utime + usage.ru_stime


def command(folder, words, flags):
    """(figures that the program printed, CPU seconds, peak MB)."""
    out = folder / "out.json"
    job = measure.Job(words[0], [TOCSIN, "--data", folder / "data", "-q", *words, "--json", *flags], stdout=str(out))
    _, cpu, rss = measure.run_once(job)
    return json.loads(out.read_text()), cpu, rss


def run_mode(mode, events, otlp=None):
    """One run of the whole pipeline."""
    _, stub_arguments, sampling = mode
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    stub = Stub(stub_arguments) if stub_arguments is not None and sampling is not None else None
    url = otlp or (stub.url if stub else "http://127.0.0.1:9")
    flags = ["--traces", url, *sampling] if sampling is not None else []
    try:
        produced, produce_cpu, produce_rss = command(folder, ["produce", "synthetic", "--events", events], flags)
        detected, detect_cpu, detect_rss = command(folder, ["detect", "--drain", "0.01"], flags)
    finally:
        if stub:
            stub.close()
        shutil.rmtree(folder, ignore_errors=True)
    if produced["acknowledged"] != events or detected["events"] != events:
        raise measure.Failed("%s: %s events sent, %s classified" % (mode[0], produced["acknowledged"], detected["events"]))
    spans = {key: produced["spans"][key] + detected["spans"][key] for key in produced["spans"]}
    return {"produce_s": produced["seconds"], "detect_s": detected["seconds"],
            "cpu_s": produce_cpu + detect_cpu, "produce_cpu_s": produce_cpu, "detect_cpu_s": detect_cpu,
            "rss_mb": max(produce_rss, detect_rss), "collector_cpu_s": stub.cpu if stub else 0.0,
            "collected": stub.counts["spans"] if stub else 0, "bytes": stub.counts["bytes"] if stub else 0, **spans}


def median_of(runs):
    medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return {**medians, "least_cpu_s": min(run["cpu_s"] for run in runs)}


def table(results, events):
    base = results[MODES[0][0]]
    base_wall = base["produce_s"] + base["detect_s"]
    yield "%-24s %9s %8s %9s %8s %9s %8s %10s %9s %6s" % (
        "mode", "events/s", "less", "CPU us", "more", "least us", "more", "collected", "dropped", "MB")
    for name, _, _ in MODES:
        result = results.get(name)
        if result is None:
            continue
        wall = result["produce_s"] + result["detect_s"]
        yield "%-24s %9d %7.1f%% %9.2f %7.1f%% %9.2f %7.1f%% %10d %9d %6d" % (
            name, events / wall, 100 * (1 - base_wall / wall), 1e6 * result["cpu_s"] / events,
            100 * (result["cpu_s"] / base["cpu_s"] - 1), 1e6 * result["least_cpu_s"] / events,
            100 * (result["least_cpu_s"] / base["least_cpu_s"] - 1), result["collected"], result["dropped"],
            result["rss_mb"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--modes", help="only these, separated by ';' (`off` is always there)")
    parser.add_argument("--otlp", help="a real collector, for one more run of `all`")
    parser.add_argument("--json", help="write the medians, and every run, to this file")
    options = parser.parse_args()
    wanted = set(options.modes.split(";")) | {"off"} if options.modes else None
    modes = [mode for mode in MODES if wanted is None or mode[0] in wanted]
    runs = {mode[0]: [] for mode in modes}
    for number in range(options.runs):
        for mode in modes:
            print("run %d of %d: %s" % (number + 1, options.runs, mode[0]), file=sys.stderr, flush=True)
            runs[mode[0]].append(run_mode(mode, options.events))
    results = {name: median_of(all_runs) for name, all_runs in runs.items()}
    print("%d events, medians of %d runs, load %s" % (options.events, options.runs, os.getloadavg()))
    print("\n".join(table(results, options.events)))
    full = results.get("all")
    if full:
        spans = full["collected"]
        print("\nall: %.1f spans and %.0f bytes an event; %.0f ns of CPU a span, and %.0f ns of the stub's" % (
            spans / options.events, full["bytes"] / options.events,
            1e9 * (full["least_cpu_s"] - results["off"]["least_cpu_s"]) / spans, 1e9 * full["collector_cpu_s"] / spans))
    if options.otlp:
        result = run_mode(("all", None, ["--trace-sampling", "all"]), options.events, options.otlp)
        seconds = result["produce_s"] + result["detect_s"]
        print("%s: %d spans taken, %d dropped, %.0f spans/s while the pipeline ran" % (
            options.otlp, result["exported"], result["dropped"], result["exported"] / seconds))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"medians": results, "runs": runs}, indent=1))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
