#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How soon the console's API answers over a large store: `tocsin serve` on a million alerts.

    ./dev bench console [--verdicts N] [--alerts N] [--rounds N] [--keep FILE.db]

The store is filled by the sink itself (bench_search). Each request is sent again and again, with other values each time, over one connection;
what is told is the time until the whole answer is there.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpus
import report
from report import Line

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOCSIN = os.environ.get("TOCSIN", str(ROOT / "build/release/tocsin"))
FILL = os.environ.get("TOCSIN_BENCH_SEARCH", str(ROOT / "build/release/bench/bench_search"))
BAR_MS = 100


class Console:
    def __init__(self, database, folder):
        self.url_file = folder / "url"
        self.child = subprocess.Popen([TOCSIN, "-q", "--data", str(folder), "serve", "--db", str(database), "--listen", "127.0.0.1:0",
                                       "--url-file", str(self.url_file)], stdout=subprocess.DEVNULL)
        while not self.url_file.exists() or not self.url_file.read_text().strip():
            if self.child.poll() is not None:
                sys.exit("tocsin serve ended at once")
            time.sleep(0.05)
        self.connection = http.client.HTTPConnection(urllib.parse.urlparse(self.url_file.read_text().strip()).netloc, timeout=60)

    def get(self, path, **parameters):
        target = "/api/v1" + path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
        begin = time.perf_counter()
        self.connection.request("GET", target)
        answer = self.connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - begin
        if answer.status != 200:
            sys.exit("%s: %d %s" % (target, answer.status, body[:300]))
        return json.loads(body), took

    def close(self):
        self.child.terminate()
        self.child.wait()


def requests(console, dice):
    """Name -> () -> (path, parameters); values are those that the store has."""
    overview, _ = console.get("/overview")
    hosts = [host["name"] for host in overview["hosts"]]
    rules = [rule["id"] for rule in overview["rules"]]
    tactics = [tactic["tactic"] for tactic in overview["tactics"]]
    page, _ = console.get("/alerts", limit=500)
    ids = [row["alert_id"] for row in page["items"]]
    newest, oldest = overview["range"]["to"], overview["range"]["from"]
    day = newest[:10] + "T00:00:00Z"
    return {
        "overview, all time": lambda: ("/overview", {}),
        "overview, last day": lambda: ("/overview", {"from": day, "to": newest}),
        "alerts, newest first": lambda: ("/alerts", {"limit": 50}),
        "alerts of a host": lambda: ("/alerts", {"host": dice.choice(hosts)}),
        "alerts of a rule, oldest first": lambda: ("/alerts", {"rule": dice.choice(rules), "sort": "time"}),
        "alerts of a tactic, by level": lambda: ("/alerts", {"tactic": dice.choice(tactics), "sort": "-level"}),
        "alerts with a word": lambda: ("/alerts", {"q": dice.choice(["powershell", "cmd", "svchost", "whoami"])}),
        "alerts, high and up": lambda: ("/alerts", {"q": "level:>=high"}),
        "groups by rule": lambda: ("/alerts/groups", {"by": "rule"}),
        "groups by host": lambda: ("/alerts/groups", {"by": "host"}),
        "groups by user": lambda: ("/alerts/groups", {"by": "user"}),
        "groups by tactic": lambda: ("/alerts/groups", {"by": "tactic"}),
        "incidents": lambda: ("/alerts/groups", {"by": "incident"}),
        "groups by host, last day": lambda: ("/alerts/groups", {"by": "host", "from": day, "to": newest}),
        "one alert": lambda: ("/alerts/" + dice.choice(ids), {}),
        "ATT&CK matrix": lambda: ("/attack", {"from": oldest, "to": newest}),
        "topics": lambda: ("/topics", {}),
        "rules": lambda: ("/rules", {}),
    }


def percentile(times, share):
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=3_000_000)
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--keep", help="keep the store in this file, and use it when it is there")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=corpus.cache_folder())))
        database = pathlib.Path(options.keep or folder / "store.db")
        if not database.exists():
            print("filling %s ..." % database, file=sys.stderr)
            subprocess.run([FILL, "--db", str(database), "--verdicts", str(options.verdicts), "--alerts", str(options.alerts),
                            "--rounds", "0"], check=True, stdout=sys.stderr)
        console = Console(database, folder)
        stack.callback(console.close)
        lines = []
        for name, make in requests(console, random.Random(1)).items():
            times = []
            for _ in range(options.rounds):
                path, parameters = make()
                times.append(1e3 * console.get(path, **parameters)[1])
            p95 = percentile(times, 0.95)
            lines.append(Line(name, "p95", "%.1f ms" % p95, "p50 %.1f ms" % statistics.median(times), p95, BAR_MS, at_most=True,
                              unit=" ms"))
        size, _ = console.get("/pipeline")
    if options.json:
        print(json.dumps({"machine": report.machine(), "lines": report.as_json(lines)}, indent=1))
    else:
        print("%s, load %s; stores: %s\n" % (report.machine()["cpu"], report.machine()["load"], json.dumps(size["stores"])))
        print(report.table(lines, sys.stdout.isatty()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
