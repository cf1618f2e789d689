# SPDX-License-Identifier: Apache-2.0
"""Row f: events made to be dear. What a byte of them costs, against a byte of everyday events."""
import corpus
import measure
from layers import run_layers
from report import Line, number

RUNS = 3
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


def each(context, rules, events):
    """ns per byte of all events, and of the dearest one."""
    found = run_layers(context, "--each", "--runs", PASSES, "--rules", rules, "--events", events)
    dearest = max(w["ns"] / w["bytes"] for w in found["worst"])
    return found["ns"] / found["bytes"], dearest


def row_f(context):
    """Worst-case events."""
    rules = corpus.rules_folder(context.data)
    context.talk.say("making events that are dear to match")
    kinds = corpus.adversary_events(context.data)
    jobs = {"start": context.scan("start", [context.empty], rules), "everyday": context.scan(
        "everyday", [corpus.otrf_jsonl(context.data)], rules)}
    jobs.update((kind, context.scan(kind, [path], rules, out=context.folder / (kind + ".out")))
                for kind, path in kinds.items())
    results = measure.interleaved(list(jobs.values()), RUNS, context.talk.say)

    def per_byte(name, path):
        return 1e9 * max(results[name].cpu - results["start"].cpu, 1e-4) / path.stat().st_size

    mean = per_byte("everyday", corpus.otrf_jsonl(context.data))
    context.talk.say("each event")
    mean_each, _ = each(context, rules, everyday(context))
    rows = []
    for kind, path in kinds.items():
        context.talk.say("each event of " + kind)
        whole = per_byte(kind, path)
        _, dearest = each(context, rules, path)
        rows.append((max(whole / mean, dearest / mean_each), kind, whole, dearest))
    rows.sort(reverse=True)
    rss = max(results[kind].rss_mb for kind in kinds)
    lines = [Line("f", "the dearest event of %d kinds" % len(rows), "%s ns a byte" % number(
        max(rows[0][2], rows[0][3])), "mean %s ns a byte" % number(mean), rows[0][0], FACTOR_MAX, at_most=True,
        note="kind '%s'; whole process net of start, and each event with empty memos: the greater factor counts" %
        rows[0][1], figures={"mean_ns_per_byte": mean, "mean_each_ns_per_byte": mean_each}),
        Line("f", "memory on such events", "%s MB RSS" % number(rss), "everyday %s MB" % number(
            results["everyday"].rss_mb), figures={"rss_mb": rss})]
    for factor, kind, whole, dearest in rows:
        lines.append(Line("f", kind.replace("_", " "), "%s ns a byte" % number(whole),
                          "dearest event %s" % number(dearest), factor, unit="x mean",
                          figures={"ns_per_byte": whole, "dearest_ns_per_byte": dearest,
                                   "rss_mb": results[kind].rss_mb}))
    return lines
