#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast rules are matched, beside the references, as a table with ratios.

    ./dev bench match                     every row
    ./dev bench match --rows a,g          some of them
    ./dev bench match --json > out.json   for programs

Rows: a throughput on one core (rsigma, simdjson)   b two cores against one    c 300 to 30,000 rules
      d start and memory                            e scan of attack EVTX      f worst-case events
      g layers
All commands of a row run interleaved; figures are medians of CPU seconds, of one run on one machine.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import bench
import corpus
import evtx
import layers
import measure
import report
import start
import throughput
import worst

ROWS = {"a": throughput.row_a, "b": throughput.row_b, "c": throughput.row_c, "d": start.row_d,
        "e": evtx.row_e, "f": worst.row_f, "g": layers.row_g}


def parse(arguments):
    build = bench.ROOT / "build" / "release"
    parser = argparse.ArgumentParser(prog="./dev bench match", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help="which rows, e.g. a,g (default: all)")
    parser.add_argument("--runs", type=int, default=7, help="runs of each command (default: 7; at least 5 to quote)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--tocsin", default=os.environ.get("TOCSIN", str(build / "tocsin")), help="the program")
    parser.add_argument("--tools", default=str(build / "bench"), help="folder of bench_layers and json_floor")
    options = parser.parse_args(arguments)
    options.rows = options.rows.split(",")
    unknown = [row for row in options.rows if row not in ROWS]
    if unknown:
        parser.error("no row '%s'; there are %s" % (unknown[0], ", ".join(ROWS)))
    if options.runs < 1:
        parser.error("--runs: at least 1")
    for program in [options.tocsin, options.tools + "/bench_layers", options.tools + "/json_floor"]:
        if not os.access(program, os.X_OK):
            parser.error("%s is not built; `./dev bench match` builds it" % program)
    return options


def about(context):
    versions = {"tocsin": report.first_line(context.tocsin, "--version"),
                "commit": report.first_line("git", "-C", str(bench.ROOT), "rev-parse", "--short", "HEAD"),
                "rsigma": report.first_line(context.rsigma, "--version") if context.rsigma else "not installed",
                "compiler": report.first_line("c++", "--version")}
    return {"machine": report.machine(), "versions": versions, "runs": context.runs, "core": context.core}


def run_rows(context, rows):
    lines = []
    for row in rows:
        if context.data is None and row != "g":
            lines.append(report.skipped(row, ROWS[row].__doc__.strip(),
                                        "no logs and rules; set TOCSIN_DATA to their folder"))
            continue
        try:
            lines += ROWS[row](context)
        except measure.Failed as error:
            lines.append(report.Line(row, ROWS[row].__doc__.strip(), "FAILED", note=str(error), failed=True))
        context.talk.clear()
    return lines


def print_people(head, lines):
    machine, versions = head["machine"], head["versions"]
    print("%s, %d cores, %.0f GB, Linux %s; load before %s" % (
        machine["cpu"], machine["cores"], machine["memory_gb"], machine["kernel"],
        " ".join(map(str, machine["load"]))))
    print("%s (%s), rsigma: %s; %d runs, medians, CPU seconds; one core is core %d\n" % (
        versions["tocsin"], versions["commit"], versions["rsigma"], head["runs"], head["core"]))
    print(report.table(lines, sys.stdout.isatty()))


def main(arguments):
    options = parse(arguments)
    talk = report.Talk()
    folder = tempfile.mkdtemp(prefix="tocsin-bench-", dir=corpus.cache_folder())
    try:
        context = bench.Bench(options, talk, pathlib.Path(folder))
        head = about(context)
        if head["machine"]["load"][0] > 0.5:
            talk.loud("other programs are running (load %.1f): compare ratios, not seconds" % head["machine"]["load"][0])
        lines = run_rows(context, options.rows)
    except KeyboardInterrupt:
        talk.clear()
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps({**head, "lines": report.as_json(lines)}, indent=1))
    else:
        print_people(head, lines)
    for line in lines:
        if line.skipped:
            talk.loud("row %s: %s" % (line.row, line.note.splitlines()[-1]))
    return 1 if any(line.failed for line in lines) else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    sys.exit(main(sys.argv[1:]))
