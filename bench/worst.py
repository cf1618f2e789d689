# SPDX-License-Identifier: Apache-2.0
"""Row f: events made to be dear. What a byte of them costs, against a byte of everyday events."""
import statistics

import corpus
import measure
from layers import run_layers
from report import Line, number

RUNS = 3          # of the whole process; what takes long is run once
LONG_S = 2.0
CPU_LIMIT_S = 20  # then a kind counts as that dear, at least
PASSES = 2        # of bench_layers --each: the least of them counts
EVERYDAY_BYTES = 20_000_000
FACTOR_MAX = 20


def everyday(context):
    """The beginning of row a's events: what the mean is taken over."""
    path = context.folder / "everyday.jsonl"
    with open(corpus.otrf_jsonl(context.data), "rb") as events:
        head = events.read(EVERYDAY_BYTES)
    path.write_bytes(head[:head.rfind(b"\n") + 1])
    return path


def each(context, rules, events, passes=PASSES):
    """ns per byte of all events, and of the dearest one."""
    found = run_layers(context, "--each", "--runs", passes, "--rules", rules, "--events", events,
                       cpu_limit=CPU_LIMIT_S)
    return found["ns"] / found["bytes"], max(w["ns"] / w["bytes"] for w in found["worst"])


def whole(context, name, events, rules):
    """(CPU seconds, peak MB) of a scan; the median of some runs unless one takes long."""
    job = context.scan(name, [events], rules, out=context.folder / "worst.out")
    job.cpu_limit = CPU_LIMIT_S
    cpus, rss = [], 0.0
    for _ in range(RUNS):
        context.talk.say("worst case: %s" % name)
        _, cpu, peak = measure.run_once(job)
        cpus.append(cpu)
        rss = max(rss, peak)
        if cpu > LONG_S:
            break
    return statistics.median(cpus), rss


def cost(context, kind, path, rules, start_s):
    """{ns_per_byte, dearest_ns_per_byte, rss_mb, too_slow}"""
    size = path.stat().st_size
    try:
        cpu, rss = whole(context, kind, path, rules)
        out = {"ns_per_byte": 1e9 * max(cpu - start_s, 1e-4) / size, "rss_mb": rss, "too_slow": False}
        out["dearest_ns_per_byte"] = each(context, rules, path, 1 if cpu > LONG_S else PASSES)[1]
    except measure.TooSlow:
        least = 1e9 * CPU_LIMIT_S / size
        out = {"ns_per_byte": least, "dearest_ns_per_byte": least, "rss_mb": 0.0, "too_slow": True}
    return out


def row_f(context):
    """Worst-case events."""
    rules = corpus.rules_folder(context.data)
    context.talk.say("making events that are dear to match")
    kinds = corpus.adversary_events(context.data)
    usual = corpus.otrf_jsonl(context.data)
    start_s, _ = whole(context, "start", context.empty, rules)
    mean = cost(context, "everyday", usual, rules, start_s)
    mean_each = each(context, rules, everyday(context))[0]
    rows = []
    for kind, path in kinds.items():
        found = cost(context, kind, path, rules, start_s)
        factor = max(found["ns_per_byte"] / mean["ns_per_byte"], found["dearest_ns_per_byte"] / mean_each)
        rows.append((factor, kind, found))
    rows.sort(key=lambda row: -row[0])
    dearest = max(rows[0][2]["ns_per_byte"], rows[0][2]["dearest_ns_per_byte"])
    rss = max(found["rss_mb"] for _, _, found in rows)
    lines = [
        Line("f", "the dearest of %d kinds of events" % len(rows), "%s ns a byte" % number(dearest),
             "mean %s ns a byte" % number(mean["ns_per_byte"]), rows[0][0], FACTOR_MAX, at_most=True,
             note="kind '%s'; by whole processes net of start, and by each event with empty memos (mean %s): "
                  "the greater factor counts" % (rows[0][1].replace("_", " "), number(mean_each)),
             figures={"mean": mean, "mean_each_ns_per_byte": mean_each}),
        Line("f", "memory on such events", "%s MB RSS" % number(rss),
             "everyday %s MB" % number(mean["rss_mb"]), figures={"rss_mb": rss})]
    for factor, kind, found in rows:
        lines.append(Line("f", "  " + kind.replace("_", " "), "%s%s ns a byte" % (
            "over " if found["too_slow"] else "", number(found["ns_per_byte"])),
            "dearest event %s" % number(found["dearest_ns_per_byte"]), factor, figures=found))
    return lines
