#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fuzzes one target until it has used so many minutes of CPU: campaign.py NAME MINUTES [--work DIR] [--build DIR]

Inputs that reach new code are kept in DIR/corpus, those that fail in DIR/found; DIR/total.json sums up all rounds.
CPU time is counted, not wall time, so that it can share a machine. Exit status 1: something was found."""

import argparse
import json
import os
import re
import resource
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Longer inputs find little more here, and cost much.
LENGTHS = {"condition_fuzz": 512, "evtx_fuzz": 9000, "pattern_fuzz": 170, "rule_fuzz": 2048,
           "normalize_fuzz": 4096, "search_fuzz": 2048, "sigma_fuzz": 2048,
           "yaml_fuzz": 512}
ROUND_SECONDS = 300
TIMEOUT = 70  # libFuzzer's exit status; a busy machine has false ones: run the input again by hand


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_round(options, work):
    """(executions, CPU seconds, exit status)"""
    dictionary = os.path.join(HERE, "dict", options.name + ".dict")
    command = [os.path.join(options.build, options.name), f"-max_len={LENGTHS.get(options.name, 4096)}",
               f"-max_total_time={ROUND_SECONDS}", "-timeout=100", "-rss_limit_mb=3000",
               "-print_final_stats=1", f"-artifact_prefix={work}/found/"]
    if os.path.exists(dictionary):
        command.append("-dict=" + dictionary)
    command += [f"{work}/corpus", os.path.join(HERE, "corpus", options.name)]
    # Short stacks and little quarantine: somewhat faster, and what is found can be run again without.
    env = dict(os.environ, ASAN_OPTIONS="malloc_context_size=2:quarantine_size_mb=16")
    before = cpu_of_children()
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode(errors="replace")
    with open(f"{work}/log", "a", encoding="utf-8") as log:
        log.write(text[-20_000:])
    counts = re.findall(r"number_of_executed_units:\s*(\d+)", text) or re.findall(r"^#(\d+)", text, re.M)
    return int(counts[-1]) if counts else 0, cpu_of_children() - before, done.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("minutes", type=float)
    parser.add_argument("--work")
    parser.add_argument("--build", default=os.path.join(os.path.dirname(HERE), "build/fuzz/fuzz"))
    options = parser.parse_args()
    work = options.work or f"/tmp/tocsin-fuzz/{options.name}"
    for folder in ("corpus", "found"):
        os.makedirs(os.path.join(work, folder), exist_ok=True)
    total = {"executions": 0, "cpu_seconds": 0.0, "crashes": 0, "timeouts": 0}
    if os.path.exists(f"{work}/total.json"):
        with open(f"{work}/total.json", encoding="utf-8") as file:
            total = json.load(file)
    while total["cpu_seconds"] < options.minutes * 60 and total["crashes"] < 5:
        executions, seconds, status = run_round(options, work)
        total["executions"] += executions
        total["cpu_seconds"] += seconds
        total["timeouts"] += status == TIMEOUT
        total["crashes"] += status not in (0, TIMEOUT)
        with open(f"{work}/total.json", "w", encoding="utf-8") as file:
            json.dump(total, file)
    print(f"{options.name}: {total['executions']:,} executions in {total['cpu_seconds'] / 60:.1f} CPU minutes, "
          f"{total['crashes']} crashes, {total['timeouts']} timeouts")
    return 1 if total["crashes"] else 0


if __name__ == "__main__":
    sys.exit(main())
