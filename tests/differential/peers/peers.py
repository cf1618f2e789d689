# SPDX-License-Identifier: Apache-2.0
"""What the tests against other implementations share: our program, the samples, and the table of known differences."""

import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TOCSIN = os.path.abspath(os.environ.get("TOCSIN", ROOT / "build/release/tocsin"))
DATA = pathlib.Path(os.environ.get("TOCSIN_DATA", ROOT / "../shared/data")).resolve()
LIVE = ["rules", "rules-emerging-threats", "rules-threat-hunting"]  # folders of rules in use


def skip(why):
    """Leaves with the exit status that the test runner counts as a skip."""
    print(f"SKIPPED: {why}")
    sys.exit(77)


def ask(script, what):
    """The path that tools/peers/SCRIPT prints, or nothing when the peer is not installed."""
    done = subprocess.run([ROOT / "tools/peers" / script, what], stdout=subprocess.PIPE, check=False)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def need_data():
    if not DATA.is_dir():
        skip(f"{DATA} is not there; set TOCSIN_DATA to the folder of the samples")


def run(*command, ok=(0,), **more):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **more)
    if done.returncode not in ok:
        raise RuntimeError(f"{command[0]}: status {done.returncode}\n{done.stderr.decode(errors='replace')[-4000:]}")
    return done.stdout


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN")}


def tocsin_alerts(rules, path, cwd):
    """Alerts of `tocsin scan`, as objects."""
    options = [option for folder in rules for option in ("--rules", folder)]
    out = run(TOCSIN, "-q", "scan", *options, "--format", "jsonl", path, env=environment(), cwd=cwd)
    return [json.loads(line) for line in out.splitlines()]


def tocsin_refuses(folders, cwd):
    """(file, code) of all rules that `tocsin rules check` refuses. Not for an id that another file has: here files stand alone."""
    out = json.loads(run(TOCSIN, "-q", "rules", "check", "--json", *folders, ok=(0, 1), env=environment(), cwd=cwd))
    found = out if isinstance(out, list) else out.get("diagnostics", [])
    errors = [d for d in found if d["severity"] == "error" and d["code"] != "rule.duplicate_id"]
    return sorted({(d.get("path") or d.get("file"), d["code"]) for d in errors})


def for_all_windows_logs(text):
    """The rule with a logsource that takes in every Windows event."""
    return re.sub(r"(?m)^logsource:.*\n(?:[ \t#].*\n|\n)*", "logsource:\n    product: windows\n", text, count=1)


class Differences:
    """A committed table: what differs (a glob), who is right, why. Each row must be needed, each difference explained."""

    def __init__(self, name):
        self.path = HERE / name
        with open(self.path, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("#")]
        self.rows = list(csv.DictReader(lines, delimiter="\t"))
        self.used = set()

    def explains(self, **what):
        for i, row in enumerate(self.rows):
            if all(row[k] in ("*", v) or re.fullmatch(row[k], v) for k, v in what.items()):
                self.used.add(i)
                return True
        return False

    def unused(self):
        return [row for i, row in enumerate(self.rows) if i not in self.used]


class Case(unittest.TestCase):
    maxDiff = None

    def expect_explained(self, differences, found, limit=40):
        """Each item of `found` (dicts) must be explained by a row."""
        open_ones = [f for f in found if not differences.explains(**f)]
        shown = "\n".join(json.dumps(f, ensure_ascii=False) for f in open_ones[:limit])
        if open_ones:
            self.fail(f"{len(open_ones)} of {len(found)} differences are not in {differences.path.name}:\n{shown}")
