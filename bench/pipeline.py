#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pipeline over a real Kafka, beside bare librdkafka clients and `tocsin scan` on the same events; and over the embedded bus.

    ./dev bench pipeline [--rows a,b,...] [--events N] [--runs N] [--overload SECONDS] [--json]

Broker and clients share the cores of one machine, so CPU seconds an event are the honest figure; those of the broker are told
beside it. One run of everything after the other, again and again, so that a ratio compares neighbours in time; medians. What a
program costs with nothing to do (loading rules, joining a group) is measured apart and subtracted. The broker is started here
and removed afterwards.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpus
import measure
import report
from pipeline_lab import Lab
from report import Line, number


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def us(seconds, events):
    return 1e6 * seconds / events


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def row_a(lab):
    """CPU of detect over Kafka: all Windows rules, verdicts to CSV, alerts to their topic"""
    idle_scan, idle_detect = lab.scan(lab.empty), lab.detect(lab.topic(fill=False))
    runs = []
    for _ in range(lab.runs):
        topic = lab.topic()
        runs.append({"consume": lab.consume(topic)["cpu"], "headers": lab.consume(topic, "headers")["cpu"],
                     "scan": lab.scan(lab.events)["cpu"] - idle_scan["cpu"],
                     "detect": lab.detect(topic)["cpu"] - idle_detect["cpu"],
                     "least": lab.detect(topic, "--guarantee", "at-least-once")["cpu"] - idle_detect["cpu"]})
    consume, headers, scan, detect, least = (
        us(median(runs, key), lab.count) for key in ("consume", "headers", "scan", "detect", "least"))
    note = "the bare consumer with headers: %.2f us; detect at least once: %.2f us" % (headers, least)
    return [Line("a", row_a.__doc__, "%.2f us" % detect, "%.2f us consume + %.2f us scan" % (consume, scan),
                 detect / (consume + scan), 1.15, at_most=True, note=note,
                 figures={"consume_us": consume, "headers_us": headers, "scan_us": scan, "detect_us": detect,
                          "detect_at_least_once_us": least})]


def row_b(lab):
    """Exactly once against at least once, events a second"""
    runs = []
    for _ in range(lab.runs):
        topic = lab.topic()
        runs.append({name: lab.rate(lab.detect(topic, "--guarantee", name)) for name in ("exactly-once", "at-least-once")})
    once, least = median(runs, "exactly-once"), median(runs, "at-least-once")
    return [Line("b", row_b.__doc__, number(once), number(least), once / least, 0.9)]


def row_c(lab):
    """`produce` of JSON lines against a bare librdkafka producer, events a second"""
    runs = []
    for _ in range(lab.runs):
        done = {"bare": lab.bare_produce(lab.topic(fill=False)), "label": lab.bare_produce(lab.topic(fill=False), "label"),
                "ours": lab.produce(lab.topic(fill=False))}
        runs.append({name: lab.rate(one) for name, one in done.items()} | {name + "_cpu": one["cpu"] for name, one in done.items()})
    bare, label, ours = (median(runs, key) for key in ("bare", "label", "ours"))
    cpu = {key: us(median(runs, key), lab.count) for key in ("ours_cpu", "label_cpu", "bare_cpu")}
    return [Line("c", row_c.__doc__, number(ours), number(bare), ours / bare, 0.85,
                 note="bare with an event's key and headers: %s (%.2fx); CPU an event: %.2f us, bare %.2f us, so labelled %.2f us"
                 % (number(label), label / bare, cpu["ours_cpu"], cpu["bare_cpu"], cpu["label_cpu"]), figures=cpu)]


def row_d(lab):
    """Two detectors of a group against one, topic filled before; events a second"""
    runs = []
    for _ in range(lab.runs):
        topic, empty = lab.topic(), lab.topic(fill=False)
        one, two = lab.detectors(topic, 1), lab.detectors(topic, 2)
        idle_one, idle_two = lab.detectors(empty, 1), lab.detectors(empty, 2)
        runs.append({"one": lab.count / one["seconds"], "two": lab.count / two["seconds"],
                     "own_one": (one["cpu"] - idle_one["cpu"]) / one["seconds"],
                     "own_two": (two["cpu"] - idle_two["cpu"]) / two["seconds"],
                     "broker_one": (one["broker_cpu"] - idle_one["broker_cpu"]) / one["seconds"],
                     "broker_two": (two["broker_cpu"] - idle_two["broker_cpu"]) / two["seconds"]})
    one, two = median(runs, "one"), median(runs, "two")
    note = "cores busy of %d, without the start: one detector %.2f and the broker %.2f; two %.2f and %.2f" % (
        len(os.sched_getaffinity(0)), *(median(runs, key) for key in ("own_one", "broker_one", "own_two", "broker_two")))
    return [Line("d", row_d.__doc__, number(two), number(one), two / one, 1.8, note=note)]


def row_e(lab):
    """From reading an event to its verdict in the file, at half of what produce and detect can do at once"""
    rate = int(lab.at_once() / 2)
    steps = lab.latency(rate)
    total = steps["(from reading to durable)"]
    p50, p99 = percentile(lab.latencies, 50), percentile(lab.latencies, 99)
    note = "%s events/s; until its offset is committed, too: %.1f/%.1f; %s" % (
        number(rate), total["p50_ns"] / 1e6, total["p99_ns"] / 1e6, ", ".join(
            "%s %.1f/%.1f" % (name, step["p50_ns"] / 1e6, step["p99_ns"] / 1e6) for name, step in steps.items()
            if step is not total))
    return [Line("e", row_e.__doc__ + ", p50", "%.1f ms" % p50, ratio=p50, bar=15, at_most=True, unit=" ms", note=note),
            Line("e", row_e.__doc__ + ", p99", "%.1f ms" % p99, ratio=p99, bar=100, at_most=True, unit=" ms",
                 note="\n" + lab.histogram())]


def row_f(lab):
    """Embedded bus, produce and detect at once, starter rules; events a second"""
    runs = [lab.embedded() for _ in range(lab.runs)]
    rate = lab.embedded_count / median(runs, "seconds")
    note = "CPU an event: produce %.2f us, detect %.2f us" % tuple(
        us(median(runs, key), lab.embedded_count) for key in ("produce_cpu", "detect_cpu"))
    return [Line("f", row_f.__doc__, number(rate), "100,000", rate / 100_000, 1, note=note)]


def row_g(lab):
    """Memory of detect while ten times as much comes as it can do"""
    samples = lab.overload()
    if len(samples) < 4:
        return [report.skipped("g", row_g.__doc__, "ended too soon")]
    early, late = max(samples[:len(samples) // 4]), max(samples[-len(samples) // 4:])
    note = "MB: " + " ".join("%.0f" % s for s in samples[::max(1, len(samples) // 12)])
    return [Line("g", row_g.__doc__ + " (last quarter against first)", "%.0f MB" % late, "%.0f MB" % early, late / early, 1.1,
                 at_most=True, note=note)]


ROWS = {"a": row_a, "b": row_b, "c": row_c, "d": row_d, "e": row_e, "f": row_f, "g": row_g}


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help="which rows (default: all)")
    parser.add_argument("--events", type=int, default=100_000, help="events of each run (default: 100,000)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--overload", type=int, default=60, metavar="SECONDS", help="how long row g lasts (default: 60)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows = options.rows.split(",")
    if set(rows) - set(ROWS):
        parser.error("rows are " + ", ".join(ROWS))
    data = corpus.data_folder()
    if data is None:
        print("SKIPPED: no logs and rules; set TOCSIN_DATA to their folder", file=sys.stderr)
        return 0
    talk = report.Talk()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-bench-", dir=corpus.cache_folder()))
    lines = []
    with Lab(folder, data, options, talk) as lab:
        head = {"machine": report.machine(), "events": lab.count, "runs": options.runs}
        for row in rows:
            talk.say("row " + row)
            try:
                lines += ROWS[row](lab)
            except measure.Failed as error:
                lines.append(Line(row, ROWS[row].__doc__, "FAILED", note=str(error), failed=True))
            talk.clear()
    shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps({**head, "lines": report.as_json(lines)}, indent=1))
    else:
        print("%s, %d cores, load before %s; %d events of %d bytes, %d runs, medians\n" % (
            head["machine"]["cpu"], head["machine"]["cores"], head["machine"]["load"], lab.count, lab.event_bytes, options.runs))
        print(report.table(lines, sys.stdout.isatty()))
    return 1 if any(line.failed for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
