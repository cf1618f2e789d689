#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions that an event takes, layer by layer: a figure that does not depend on how busy the machine is.

    ./dev bench instructions             measures, and shows the committed figures beside
    ./dev bench instructions --check     fails when a layer takes over 10 % more than bench/instructions.tsv says
    ./dev bench instructions --update    writes bench/instructions.tsv

Callgrind counts them while bench_layers runs each layer over the same simulated events with the starter rules.
What a run has before its first event is subtracted. The figures depend on compiler and libraries: renew them with
--update on the machine that checks, and commit them with the change that explains the difference.
"""
import argparse
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import layers
import report

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "bench" / "instructions.tsv"
EVENTS = 1500
GROWTH_MAX = 0.10
# Layers of so few instructions vary by their nature: an absolute allowance beside the relative one.
ALLOWANCE = 100
# name: (run with it, run without it)
STEPS = {
    "read": ("read", "none"), "walk": ("walk", "none"), "fields": ("fields", "walk"),
    "match-cold": ("match-cold", "fields"), "match-warm": ("match-warm", "match-cold"),
    "verdict": ("verdict", "match-cold"), "output": ("output", "verdict"),
}


class Failed(Exception):
    pass


def count(tool, layer, events):
    """Instructions of the whole process."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", tool, "--layer", layer,
                           "--events", str(events)], capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise Failed("callgrind over layer '%s' ended with status %d: %s" % (
            layer, done.returncode, done.stderr[-1500:]))
    return int(found.group(1))


def per_event(totals, events):
    """Instructions of each step. The warm run holds a cold one too, which its subtraction takes away, fields and all."""
    out = {name: (totals[more] - totals[less]) / events for name, (more, less) in STEPS.items()}
    out["match-warm"] -= (totals["fields"] - totals["none"]) / events
    return out


def read_baseline():
    """(hash of the events, {layer: instructions})."""
    if not BASELINE.exists():
        return "", {}
    lines = BASELINE.read_text(encoding="ascii").splitlines()
    head = next((line for line in lines if line.startswith("# events ")), "# events ?")
    rows = (line.split("\t") for line in lines if line and not line.startswith(("#", "layer")))
    return head.split()[2], {name: float(value) for name, value in rows}


def write_baseline(digest, figures):
    text = ["# Instructions an event by `./dev bench instructions --update`; " + report.first_line("c++", "--version"),
            "# events %s" % digest, "layer\tinstructions"]
    text += ["%s\t%.0f" % item for item in figures.items()]
    BASELINE.write_text("\n".join(text) + "\n", encoding="ascii")


def compare(figures, before):
    """[(layer, now, before, growth, too much)]"""
    rows = []
    for name, now in figures.items():
        then = before.get(name)
        growth = None if not then else now / then - 1
        rows.append((name, now, then, growth,
                     then is not None and now > then * (1 + GROWTH_MAX) + ALLOWANCE))
    return rows


def measure(options, folder):
    """(hash of the events, {layer: instructions an event}); layers run side by side, for counts do not mind."""
    options.folder = pathlib.Path(folder)
    events = layers.synthetic_events(options, EVENTS)
    digest = hashlib.sha256(events.read_bytes()).hexdigest()[:16]
    names = sorted({name for step in STEPS.values() for name in step})
    totals = {}
    for name in names:
        sys.stderr.write("callgrind: %s\n" % name)
        totals[name] = count(options.layers, name, events)
    return digest, per_event(totals, EVENTS)


def main(arguments):
    build = ROOT / "build" / "release"
    parser = argparse.ArgumentParser(prog="./dev bench instructions", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="status 1 when a layer grew too much")
    parser.add_argument("--update", action="store_true", help="write the figures to bench/instructions.tsv")
    parser.add_argument("--tocsin", default=os.environ.get("TOCSIN", str(build / "tocsin")))
    parser.add_argument("--layers", default=str(build / "bench" / "bench_layers"))
    options = parser.parse_args(arguments)
    if not shutil.which("valgrind"):
        sys.stderr.write("instructions: no valgrind here; `./dev setup bench` installs it\n")
        return 2
    for program in (options.tocsin, options.layers):
        if not os.access(program, os.X_OK):
            sys.stderr.write("instructions: %s is not built; `./dev bench instructions` builds it\n" % program)
            return 2
    before_digest, before = read_baseline()
    try:
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            digest, figures = measure(options, folder)
    except (Failed, subprocess.CalledProcessError) as error:
        sys.stderr.write("instructions: %s\n" % error)
        return 1
    print("%-12s %14s %14s %8s" % ("layer", "instructions", "committed", "growth"))
    rows = compare(figures, before)
    for name, now, then, growth, too_much in rows:
        print("%-12s %14.0f %14s %8s%s" % (name, now, "-" if then is None else "%.0f" % then,
                                           "-" if growth is None else "%+.1f%%" % (100 * growth),
                                           "  TOO MUCH" if too_much else ""))
    if before and digest != before_digest:
        print("The simulated events are others than those of the committed figures: compare with care, then --update.")
    if options.update:
        write_baseline(digest, figures)
        print("written: %s" % BASELINE.relative_to(ROOT))
        return 0
    if options.check and not before:
        sys.stderr.write("instructions: there is no %s to check against; make it with --update\n" % BASELINE)
        return 2
    return 1 if options.check and any(row[-1] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
