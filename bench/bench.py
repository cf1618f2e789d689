# SPDX-License-Identifier: Apache-2.0
"""What every row of the benchmark needs: the programs, the data, the folder for results, how often to run."""
import collections
import json
import os
import pathlib
import subprocess

import corpus
import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent


def rsigma_home():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return pathlib.Path(os.environ.get("PEERS_HOME") or cache / "tocsin-peers") / "rsigma-release"


RSIGMA_INSTALL = "cargo install rsigma --version 0.21.0 --locked --root %s" % rsigma_home()


class Bench:
    def __init__(self, options, talk, folder):
        self.tocsin = options.tocsin
        self.tools = options.tools
        self.runs = options.runs
        self.talk = talk
        self.folder = pathlib.Path(folder)
        self.core = measure.last_core()
        self.data = corpus.data_folder()
        self.rsigma = self._find_rsigma()
        self.has_threads = "--threads" in subprocess.run(
            [self.tocsin, "scan", "--help"], capture_output=True, text=True, check=False).stdout
        self.empty = self.folder / "empty.jsonl"
        self.empty.write_bytes(b"")

    @staticmethod
    def _find_rsigma():
        """An rsigma built for speed. The one of tools/peers is not looked at: it is built to be ready soon."""
        given = os.environ.get("TOCSIN_RSIGMA")
        if given and not os.access(given, os.X_OK):
            raise measure.Failed("TOCSIN_RSIGMA=%s is no program" % given)
        for candidate in [given, rsigma_home() / "bin" / "rsigma"]:
            if candidate and os.access(candidate, os.X_OK):
                return str(candidate)
        return None

    def tool(self, name):
        return str(pathlib.Path(self.tools) / name)

    def scan(self, name, inputs, rules, threads=1, out=None):
        """tocsin scan, writing its alerts as JSON lines. One thread is pinned to one core; threads=None: as users
        start it, on all cores."""
        command = [self.tocsin, "-q", "scan", "--rules", rules, "--format", "jsonl", "-o",
                   out or self.folder / "alerts.jsonl"]
        if self.has_threads and threads is not None:
            command += ["--threads", threads]
        core = self.core if threads == 1 else None
        return measure.Job(name, command + list(inputs), core)

    def rsigma_eval(self, name, events, rules, out=None):
        return measure.Job(name, [self.rsigma, "engine", "eval", "--rules", rules, "-p", "sysmon",
                                  "--logsource-routing", "-e", "@%s" % events], self.core,
                           stdout=str(out or self.folder / "rsigma.jsonl"))

    def floor(self, name, events):
        return measure.Job(name, [self.tool("json_floor"), events], self.core)

    def measure(self, jobs):
        return measure.interleaved(jobs, self.runs, self.talk.say)


def tocsin_counts(path):
    """How often each rule fired; an event counts once for a rule."""
    seen = set()
    with open(path, encoding="utf-8") as file:
        for text in file:
            alert = json.loads(text)
            log = alert.get("log", {})
            seen.add((alert["rule"]["id"], log.get("file", {}).get("path"), log.get("offset"),
                      alert.get("winlog", {}).get("record_id"), alert.get("event", {}).get("id")))
    return collections.Counter(item[0] for item in seen)


def rsigma_counts(path):
    counts = collections.Counter()
    with open(path, encoding="utf-8", errors="replace") as file:
        for text in file:
            if not text.startswith("{"):
                continue
            match = json.loads(text)
            counts[match.get("rule_id") or match.get("id") or match.get("rule", {}).get("id")] += 1
    return counts


def compare(ours, theirs):
    """Matches in both, only here, only there: by the counts of each rule."""
    both = sum((ours & theirs).values())
    return both, sum(ours.values()) - both, sum(theirs.values()) - both
