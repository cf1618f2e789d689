# SPDX-License-Identifier: Apache-2.0
"""Row g: where the time of an event goes, by bench_layers."""
import json
import signal
import subprocess

import corpus
import measure
from report import Line, number


def run_layers(context, *arguments, cpu_limit=0):
    command = ["taskset", "-c", str(context.core), context.tool("bench_layers"), *map(str, arguments)]
    if cpu_limit:
        command = ["prlimit", "--cpu=%d:%d" % (cpu_limit, cpu_limit + 5)] + command
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGXCPU:
        raise measure.TooSlow("bench_layers needed more than %d CPU seconds" % cpu_limit)
    if done.returncode != 0:
        raise measure.Failed("bench_layers ended with status %d: %s" % (done.returncode, done.stderr[-2000:]))
    return json.loads(done.stdout)


def synthetic_events(context, count):
    """JSON lines of the simulated estate, always the same ones: for guards, and when there are no recordings."""
    out, bus = context.folder / "synthetic.jsonl", context.folder / "synthetic"
    subprocess.run([context.tocsin, "-q", "--data", bus, "produce", "synthetic", "--events", str(count),
                    "--seed", "1", "--start", "2026-01-01T00:00:00Z"], check=True)
    done = subprocess.run([context.tocsin, "-q", "topics", "read", "raw-events", "--bus", "embedded:%s/bus" % bus],
                          check=True, capture_output=True, text=True)
    records = sorted((json.loads(line) for line in done.stdout.splitlines()),
                     key=lambda record: (record["partition"], record["offset"]))
    with open(out, "w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record["value"], ensure_ascii=False, separators=(",", ":")) + "\n")
    return out


def row_g(context):
    """What each layer costs."""
    context.talk.say("layers")
    if context.data is None:
        found = run_layers(context, "--json", "--runs", context.runs, "--events", synthetic_events(context, 20000))
    else:
        found = run_layers(context, "--json", "--runs", context.runs, "--events", corpus.otrf_jsonl(context.data),
                           "--rules", corpus.rules_folder(context.data))
    total = found["total_ns_per_event"]
    lines = []
    for layer in found["layers"]:
        share = 100 * layer["ns_per_event"] / total
        lines.append(Line("g", layer["layer"], "%s ns/event, %s MB/s" % (
            number(layer["ns_per_event"]), number(layer["mb_per_s"])),
            "(instead of cold)" if "warm" in layer["layer"] else "%.0f %% of all" % share, figures=layer))
    lines.append(Line("g", "all layers, cold memo", "%s ns/event, %s MB/s" % (
        number(total), number(found["total_mb_per_s"])), note="%s events, %.1f MB, %s rules; one thread" % (
            number(found["events"]), found["bytes"] / 1e6, number(found["rules"])),
        figures={k: v for k, v in found.items() if k != "layers"}))
    return lines
