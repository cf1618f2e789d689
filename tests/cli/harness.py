# SPDX-License-Identifier: Apache-2.0
"""Runs the program under test in an empty folder, without the caller's TOCSIN_* variables."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOCSIN = os.path.abspath(os.environ.get("TOCSIN", os.path.join(ROOT, "build/release/tocsin")))
DATA = os.path.abspath(os.environ.get("TOCSIN_DATA", os.path.join(ROOT, "../shared/data")))
RULE = "vssadmin delete shadows /all"


def environment(extra=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN")}
    env.update({"LC_ALL": "C.UTF-8", "COLUMNS": "200"})
    env.update(extra or {})
    return env


def event(record, command=RULE, **more):
    """A Sysmon process creation in evtx_dump's shape; the default command line fires a starter rule."""
    data = {"Image": "C:\\Windows\\System32\\vssadmin.exe", "CommandLine": command, "User": "u"}
    data.update(more)
    system = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
        "EventID": 1,
        "TimeCreated": {"#attributes": {"SystemTime": "2026-01-05T10:00:00.000Z"}},
        "EventRecordID": record,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "host1.example",
    }
    return json.dumps({"Event": {"System": system, "EventData": data}}).encode()


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tocsin-cli-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return name

    def run_(self, *args, code=0, env=None, stdin=b"", timeout=100):
        """Runs it, expects the exit code, and returns (stdout, stderr)."""
        done = subprocess.run([TOCSIN, *args], cwd=self.folder, env=environment(env), input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                              check=False)
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        self.assertEqual(code, done.returncode, f"tocsin {' '.join(args)}\n{out[-2000:]}\n{err[-4000:]}")
        return out, err

    def pipeline(self, *paths, code=0, env=None):
        """produce and detect on a new embedded bus: (produce figures, detect figures, stderr)."""
        out, err = self.run_("produce", "--json", *paths, code=code, env=env)
        detect_out, detect_err = self.run_("detect", "--drain", "0.3", "--json", "--sinks", "csv")
        return json.loads(out), json.loads(detect_out), err + detect_err

    def messages(self, topic):
        out, _ = self.run_("topics", "read", topic)
        return [json.loads(line) for line in out.splitlines()]

    def verdicts(self):
        with open(self.path("tocsin-data/verdicts.csv"), newline="", encoding="utf-8") as file:
            return file.read().split("\r\n")[1:-1]


def main():
    if not os.access(TOCSIN, os.X_OK):
        print(f"SKIPPED: {TOCSIN} is not built")
        raise SystemExit(77)
    unittest.main(verbosity=2)
