#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""notebooks/statistics.ipynb and the module it stands on: executed on the outcome of a real pipeline, from the database
and from the CSV file; its figures are compared with SQL and with `tocsin report`.

    produce synthetic, detect -> data folder -> tools/notebook.sh run -> cells, pictures, numbers
"""
import base64
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOCSIN = os.path.abspath(os.environ.get("TOCSIN", ROOT / "build/release/tocsin"))
NOTEBOOK = ROOT / "tools/notebook.sh"
EVENTS = 6_000
HEAD = ("event_id,trace_id,timestamp,host,channel,provider,event_code,class,tactics,techniques,rules,level,score,"
        "classified_at,latency_us\r\n")


def in_notebooks_environment():
    """Starts this program again with the notebooks' interpreter, unless it runs in that."""
    found = subprocess.run([NOTEBOOK, "python"], capture_output=True, text=True, check=False)
    python = found.stdout.strip()
    if found.returncode != 0 or not os.access(TOCSIN, os.X_OK):
        print("SKIPPED the notebooks: " + ("tocsin is not built" if python else "`tools/notebook.sh install` first"))
        sys.exit(77)
    if os.path.realpath(sys.prefix) != os.path.realpath(pathlib.Path(python).parent.parent):
        os.execv(python, [python, *sys.argv])


in_notebooks_environment()
sys.path.insert(0, str(ROOT / "notebooks"))
import pandas as pd  # noqa: E402  (only there from here on)

import tocsin_statistics as ts  # noqa: E402


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN")}
    return {**env, "LC_ALL": "C.UTF-8", "MPLBACKEND": "", **more}


def tocsin(folder, *arguments):
    done = subprocess.run([TOCSIN, "-q", "--data", str(folder), *arguments], env=environment(), capture_output=True,
                          text=True, timeout=200, check=False)
    if done.returncode != 0:
        raise AssertionError(f"tocsin {' '.join(arguments)}: {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout


class Executed:
    """The notebook with its results."""

    def __init__(self, folder, source=""):
        out = pathlib.Path(folder) / f"executed-{source}.ipynb"
        done = subprocess.run([NOTEBOOK, "run", out, folder], env=environment(TOCSIN_SOURCE=source), capture_output=True,
                              text=True, timeout=500, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr[-4000:])
        self.cells = {cell["id"]: cell for cell in json.loads(out.read_text(encoding="utf-8"))["cells"]
                      if cell["cell_type"] == "code"}

    def text(self, cell):
        return "".join("".join(o.get("text", "")) for o in self.cells[cell]["outputs"])

    def pictures(self):
        """Cell id -> size in pixels and bytes of its PNG."""
        found = {}
        for name, cell in self.cells.items():
            for output in cell["outputs"]:
                if "image/png" in output.get("data", {}):
                    png = base64.b64decode(output["data"]["image/png"])
                    assert png.startswith(b"\x89PNG")
                    found[name] = (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big"), len(png))
        return found


class StatisticsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-notebook-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        spans = ["--traces", str(cls.folder / "traces.db")]
        tocsin(cls.folder, *spans, "produce", "synthetic", "--events", str(EVENTS))
        tocsin(cls.folder, *spans, "detect", "--drain", "0.5")
        cls.db = sqlite3.connect(cls.folder / "tocsin.db")
        cls.addClassCleanup(cls.db.close)
        cls.report = json.loads(tocsin(cls.folder, "report", "--json"))

    def one(self, sql):
        return self.db.execute(sql).fetchone()[0]

    def classes(self):
        return dict(self.db.execute("SELECT class, count(*) FROM verdicts WHERE class <> 'None' GROUP BY class"))

    def check_common(self, executed, pictures):
        for name, cell in executed.cells.items():
            self.assertIsNotNone(cell["execution_count"], name)
            self.assertFalse([o for o in cell["outputs"] if o["output_type"] == "error"], name)
            self.assertFalse([o for o in cell["outputs"] if o.get("name") == "stderr"], name)
        sizes = executed.pictures()
        self.assertEqual(set(pictures), set(sizes))
        for name, (width, height, size) in sizes.items():
            self.assertTrue(500 <= width <= 2_000 and 200 <= height <= 2_000 and 5_000 <= size <= 400_000,
                            f"{name}: {width} x {height}, {size} bytes")
        detected = self.one("SELECT count(*) FROM verdicts WHERE rules <> ''")
        self.assertIn(f"{EVENTS:,} events, {detected:,} with a match, on "
                      f"{self.one('SELECT count(DISTINCT host) FROM verdicts'):,} hosts", executed.text("load"))
        shown = dict(re.findall(r"^(\S.*\S) +(\d+)$", executed.text("classes"), re.M))
        self.assertEqual(self.classes(), {name: int(count) for name, count in shown.items()})
        drawn, outside = re.search(r"([\d,]+) detections in [\d,]+ bars, ([\d,]+) at other",
                                   executed.text("over-time")).groups()
        self.assertEqual(detected, int(drawn.replace(",", "")) + int(outside.replace(",", "")))

    def test_from_the_database(self):
        executed = Executed(self.folder)
        self.check_common(executed, ["classes", "over-time", "hosts", "together", "rules", "techniques", "confusion", "scores",
                                     "latency", "wait"])
        self.assertIn(f"{self.one('SELECT count(*) FROM alerts'):,} alerts", executed.text("load"))
        truth = self.report["truth"]
        self.assertIn(f"{truth['attack_events_detected']:,} of {truth['attack_events']:,} attack events detected, "
                      f"{truth['benign_events_detected']:,} of {truth['benign_events']:,} benign ones",
                      executed.text("confusion"))
        seen = sum(s["detected"] > 0 for s in truth["scenarios"])
        self.assertIn(f"{seen} of {len(truth['scenarios'])} attack scenarios", executed.text("scenarios"))

    def test_from_the_csv_file_without_truth(self):
        executed = Executed(self.folder, "csv")
        self.check_common(executed, ["classes", "over-time", "hosts", "together", "rules", "techniques", "latency", "wait"])
        self.assertIn("carry no truth", executed.text("confusion"))
        self.assertIn("No truth, no scores", executed.text("scores"))

    def test_both_sources_say_the_same(self):
        from_db, from_csv = ts.load(self.folder, "sqlite"), ts.load(self.folder, "csv")
        columns = ["host", "channel", "class", "tactics", "techniques", "rules", "level", "score", "latency_us"]
        one, other = (data.verdicts.set_index("event_id").sort_index() for data in (from_db, from_csv))
        pd.testing.assert_frame_equal(one[columns], other[columns], check_dtype=False)
        self.assertTrue(((one["timestamp"] - other["timestamp"]).abs() < pd.Timedelta("1us")).all())

    def test_scores_are_those_of_the_report(self):
        scores = ts.scores(ts.load(self.folder).truth)
        checked = 0
        for tactic, row in self.report["truth"]["tactics"].items():
            strict = row["class"]
            if row["events"] + strict["false_positives"] == 0:  # named as a further tactic only
                continue
            mine = scores.loc[tactic]
            self.assertEqual((row["events"], row["detected"], strict["true_positives"]),
                             (mine["events"], mine["detected"], mine["right"]), tactic)
            for key, name in (("precision", "precision"), ("recall", "recall"), ("f1", "F1")):
                if strict[key] is None:
                    self.assertTrue(pd.isna(mine[name]), (tactic, key))
                else:
                    self.assertAlmostEqual(strict[key], mine[name], msg=(tactic, key))
            checked += 1
        self.assertEqual(checked, len(scores))
        self.assertGreater(checked, 5)

    def test_percentiles_are_those_of_tocsin_latency(self):
        steps, _ = ts.stages(ts.spans(self.folder))
        told = {s["step"]: s for s in json.loads(tocsin(self.folder, "latency", "--format", "json"))["steps"]}
        for name, row in steps.iterrows():
            self.assertEqual([told[name][k] for k in ("count", "p50_ns", "p95_ns", "p99_ns", "max_ns")], list(row), name)
        self.assertIn("(waiting in topic)", steps.index)

    def test_rules_and_techniques_are_those_of_sql(self):
        data = ts.load(self.folder)
        told = {i: (n, h) for i, n, h in self.db.execute(
            "SELECT rule_id, count(*), count(DISTINCT host) FROM alerts GROUP BY rule_id")}
        mine = ts.rule_counts(data)
        self.assertEqual(told, {i: (row["alerts"], row["hosts"]) for i, row in mine.iterrows()})
        techniques = ts.technique_counts(data)
        for technique, row in techniques.iterrows():
            self.assertEqual(self.one("SELECT count(*) FROM verdicts WHERE ';' || techniques || ';' LIKE "
                                      f"'%;{technique};%'"), row["events"], technique)
        self.assertIn("PowerShell", set(techniques["name"]))


class ModuleTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-notebook-test-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def test_tactics_and_colours_are_those_of_the_program(self):
        listed = re.findall(r"slug: \S+, name: ([^,]+),", (ROOT / "mappings/attack.yml").read_text(encoding="utf-8"))
        self.assertEqual(listed, list(ts.TACTICS))
        css = (ROOT / "src/app/cli/report/report.css").read_text(encoding="utf-8")
        self.assertEqual([f"{ts.TACTICS[name]}" for name in listed],
                         [colour for _, colour in sorted((int(n), c) for n, c in
                                                         re.findall(r"rect\.t(\d+) \{ fill: (#\w+)", css))])

    def test_the_notebook_is_committed_without_results(self):
        notebook = json.loads((ROOT / "notebooks/statistics.ipynb").read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            self.assertFalse(cell.get("outputs"), cell["id"])
            self.assertIsNone(cell.get("execution_count"), cell["id"])

    def test_the_notebook_on_events_without_a_match(self):
        row = "0a,0b,,h,c,p,1,None,,,,,0,2026-01-01T00:00:00.000000Z,5\r\n"
        (self.folder / "verdicts.csv").write_text(HEAD + row, encoding="utf-8")
        executed = Executed(self.folder)
        self.assertIn("1 events, 0 with a match", executed.text("load"))
        self.assertIn("no traces.db", executed.text("latency"))
        self.assertEqual({}, executed.pictures())

    def test_a_folder_without_data_is_named(self):
        for source in ("", "sqlite", "csv"):
            with self.assertRaisesRegex(FileNotFoundError, re.escape(str(self.folder))):
                ts.load(self.folder, source)
        with self.assertRaisesRegex(ValueError, "sqlite or csv"):
            ts.load(self.folder, "xml")
        self.assertIsNone(ts.spans(self.folder))

    def test_an_empty_csv_file_and_hostile_text(self):
        (self.folder / "verdicts.csv").write_text(HEAD, encoding="utf-8")
        empty = ts.load(self.folder)
        self.assertEqual((0, 0), (len(empty.verdicts), len(empty.detected)))
        self.assertTrue(ts.technique_counts(empty).empty and ts.by_host(empty.detected).empty)
        (self.folder / "verdicts.csv").write_text(
            HEAD + "0a,0b,,\"NA, $x$ \"\"q\"\"\",c,p,1,Odd Class,,,r1;r2,high,73,2026-01-01T00:00:00.000000Z,5\r\n",
            encoding="utf-8")
        data = ts.load(self.folder)
        self.assertEqual('NA, $x$ "q"', data.verdicts["host"][0])
        self.assertTrue(pd.isna(data.verdicts["timestamp"][0]))
        self.assertEqual(["r1", "r2"], sorted(ts.rule_counts(data).index))
        self.assertTrue(ts.over_time(data.detected, "1h").empty)
        self.assertEqual(["Impact", "Odd Class"], ts.in_kill_chain(["Odd Class", "Impact"]))
        self.assertEqual(r"a?\$b", ts.printable("a\x1b$b"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
