# SPDX-License-Identifier: Apache-2.0
"""Rows a, b, c: how many events a second; on two cores; with ten and a hundred times the rules."""
import collections
import os
import shutil
import statistics

import corpus
import grow_rules
import measure
from bench import RSIGMA_INSTALL, compare, rsigma_counts, tocsin_counts
from layers import run_layers
from report import Line, number, skipped


COUNTS = (300, 3000, 30000)
BUSY_LOAD = 2.8  # our own two threads are part of it


def _net(results, name, start):
    """CPU and wall seconds less those of the same program with nothing to read; never below 1 ms."""
    full, empty = results[name], results[start]
    return max(full.cpu - empty.cpu, 1e-3), max(full.wall - empty.wall, 1e-3)


def _rate(seconds, events):
    return "%s ev/s" % number(events / seconds)


def _figures(results, name, start, about):
    cpu, wall = _net(results, name, start)
    return {"cpu_s": results[name].cpu, "wall_s": results[name].wall, "start_cpu_s": results[start].cpu,
            "start_wall_s": results[start].wall, "net_cpu_s": cpu, "net_wall_s": wall,
            "events_per_cpu_s": about["events"] / cpu, "mb_per_cpu_s": about["bytes"] / cpu / 1e6,
            "rss_mb": results[name].rss_mb, "spread": results[name].spread, "runs": results[name].runs}


def row_a(bench):
    """All Windows, emerging-threats and threat-hunting rules on OTRF JSON lines, one core."""
    events, rules = corpus.otrf_jsonl(bench.data), corpus.rules_folder(bench.data)
    about = corpus.describe(events)
    jobs = [bench.scan("tocsin", [events], rules), bench.scan("tocsin-start", [bench.empty], rules,
                                                              out=bench.folder / "none.jsonl"),
            bench.floor("floor", events), bench.floor("floor-start", bench.empty)]
    if bench.rsigma:
        jobs += [bench.rsigma_eval("rsigma", events, rules),
                 bench.rsigma_eval("rsigma-start", bench.empty, rules, bench.folder / "none-rsigma.jsonl")]
    results = bench.measure(jobs)
    ours = _figures(results, "tocsin", "tocsin-start", about)
    floor = _figures(results, "floor", "floor-start", about)
    alerts = tocsin_counts(bench.folder / "alerts.jsonl")
    note = ("%s events, %.1f MB (sha256 %s); net of start; gross %.3f s CPU, %.3f s wall; start %.3f s CPU; "
            "%.0f MB/s; RSS %.0f MB; spread %.0f %%" % (
                number(about["events"]), about["bytes"] / 1e6, about["sha256"], ours["cpu_s"], ours["wall_s"],
                ours["start_cpu_s"], ours["mb_per_cpu_s"], ours["rss_mb"], 100 * ours["spread"]))
    mine = "%.3f s CPU, %s" % (ours["net_cpu_s"], _rate(ours["net_cpu_s"], about["events"]))
    lines = []
    if bench.rsigma:
        theirs = _figures(results, "rsigma", "rsigma-start", about)
        other = rsigma_counts(bench.folder / "rsigma.jsonl")
        both, only_ours, only_theirs = compare(alerts, other)
        note += ("\nrsigma gross %.3f s CPU, start %.3f s, RSS %.0f MB; spread %.0f %%; gross ratio %.1fx" % (
            theirs["cpu_s"], theirs["start_cpu_s"], theirs["rss_mb"], 100 * theirs["spread"],
            theirs["cpu_s"] / ours["cpu_s"]))
        note += ("\n(event, rule) pairs: Tocsin %s, rsigma %s; by the counts of each rule %s in both, %s only Tocsin, "
                 "%s only rsigma (docs/proof.md says who judges)" % tuple(
                     number(x) for x in (sum(alerts.values()), sum(other.values()), both, only_ours, only_theirs)))
        lines.append(Line("a", "OTRF JSONL, one core", mine, "rsigma %.3f s CPU, %s" % (
            theirs["net_cpu_s"], _rate(theirs["net_cpu_s"], about["events"])),
            theirs["net_cpu_s"] / ours["net_cpu_s"], 10, note=note,
            figures={"input": about, "tocsin": ours, "rsigma": theirs, "pairs": {
                "tocsin": sum(alerts.values()), "rsigma": sum(other.values()), "both": both}}))
    else:
        bench.talk.loud("no rsigma here, so its half of row a is skipped; to have it: %s" % RSIGMA_INSTALL)
        lines.append(Line("a", "OTRF JSONL, one core", mine, note=note + "\nSKIPPED: no rsigma to compare with; "
                          "%s (event, rule) pairs" % number(sum(alerts.values())), skipped=True,
                          figures={"input": about, "tocsin": ours}))
    lines.append(Line("a", "the same, of simdjson On-Demand's speed", mine, "simdjson %.3f s CPU, %s" % (
        floor["net_cpu_s"], _rate(floor["net_cpu_s"], about["events"])),
        100 * floor["net_cpu_s"] / ours["net_cpu_s"], 50, unit="%", figures={"simdjson": floor}))
    return lines


def _halves(path, folder):
    """The file cut at a line's end near its middle."""
    data = path.read_bytes()
    cut = data.index(b"\n", len(data) // 2) + 1
    names = [folder / "half1.jsonl", folder / "half2.jsonl"]
    names[0].write_bytes(data[:cut])
    names[1].write_bytes(data[cut:])
    return names


def row_b(bench):
    """The same on two cores."""
    if len(os.sched_getaffinity(0)) < 2:
        return [skipped("b", "two cores against one", "this process may use one core only")]
    if not bench.has_threads:
        return [skipped("b", "two cores against one", "this tocsin scan has no --threads")]
    rules = corpus.rules_folder(bench.data)
    halves = _halves(corpus.otrf_jsonl(bench.data), bench.folder)
    results = bench.measure([
        bench.scan("one", halves, rules), bench.scan("one-start", [bench.empty], rules),
        bench.scan("two", halves, rules, threads=2), bench.scan("two-start", [bench.empty], rules, threads=2)])
    one, two = (_net(results, n, n + "-start")[1] for n in ("one", "two"))
    note = "wall seconds net of start, two files of one half each; CPU %.2f s against %.2f s" % (
        results["two"].cpu, results["one"].cpu)
    line = Line("b", "two cores against one", "%.3f s wall" % two, "one core %.3f s wall" % one, one / two, 1.9,
                figures={"one": vars(results["one"]), "two": vars(results["two"])})
    if os.getloadavg()[0] > BUSY_LOAD:
        # Two threads get a greater share of a busy machine than one does: such a ratio would be a lie.
        line.ratio = None
        note += ("\nNOT JUDGED: the machine was busy (load %.1f). By CPU seconds it could be %.2fx at most" % (
            os.getloadavg()[0], 2 * _net(results, "one", "one-start")[0] / _net(results, "two", "two-start")[0]))
    line.note = note
    return [line]


def row_c(bench):
    """300, 3,000 and 30,000 rules."""
    rules = corpus.rules_folder(bench.data)
    events = corpus.otrf_jsonl(bench.data)
    about = corpus.describe(events)
    made, taken, alerts = {}, collections.defaultdict(list), {}
    for count in COUNTS:
        folder = bench.folder / ("rules-%d" % count)
        bench.talk.say("writing %d rules" % count)
        made[count] = grow_rules.grow(rules, folder, count)
        out = bench.folder / ("alerts-%d.jsonl" % count)
        measure.run_once(bench.scan("alerts", [events], folder, out=out))
        alerts[count] = sum(tocsin_counts(out).values())
    # Loading 30,000 rules takes ten times as long as the events: so by the thread's own clock.
    for run in range(bench.runs):
        for count in COUNTS:
            bench.talk.say("%d rules, run %d" % (count, run + 1))
            taken[count].append(run_layers(bench, "--layer", "scan", "--rules", bench.folder / ("rules-%d" % count),
                                           "--events", events)["ns"] / 1e9)
    rates, lines = collections.OrderedDict(), []
    for count in COUNTS:
        cpu = statistics.median(taken[count])
        rates[count] = about["events"] / cpu
        line = Line("c", "%s rules" % number(count), "%.3f s CPU, %s" % (cpu, _rate(cpu, about["events"])),
                    note="%s rules, %s alerts; reading, matching and writing alerts, without the start" % (
                        number(made[count]), number(alerts[count])),
                    figures={"net_cpu_s": cpu, "alerts": alerts[count], "all": taken[count]})
        if count != 300:
            line.reference = "300 rules %s" % _rate(about["events"] / rates[300], about["events"])
            line.ratio, line.unit = 100 * rates[count] / rates[300], "%"
            line.bar = 60 if count == 30000 else None
        lines.append(line)
        shutil.rmtree(bench.folder / ("rules-%d" % count), ignore_errors=True)
    return lines
