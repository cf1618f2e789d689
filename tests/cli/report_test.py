# SPDX-License-Identifier: Apache-2.0
"""`tocsin report` as people and programs use it: the page, the CSV files, the layer, JSON; with hostile logs and rules."""
import csv
import html.parser
import io
import json
import os
import sqlite3

import harness

HOSTILE = "<script>alert(1)</script>\"'&=cmd|'/c calc'!A1"
RULE = """title: "{title}"
id: 6f9619ff-8b86-4d01-b42d-00cf4fc964ff
status: test
description: d
logsource: {{category: process_creation, product: windows}}
detection:
  selection: {{CommandLine|contains: whoami}}
  condition: selection
level: high
tags: [attack.discovery, attack.t1033]
"""
VOID = {"meta", "br", "line", "rect"}


class Parser(html.parser.HTMLParser):
    """Fails on what a page without script and requests must not have; collects tags and text."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.words = [], set(), []

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "link", "iframe", "object", "form", "img", "base", "a"), tag
        for name, _ in attrs:
            assert not name.startswith("on") and name not in ("style", "src", "href", "srcset", "action"), name
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open and self.open[-1] == tag, (tag, self.open[-5:])
        self.open.pop()

    def handle_data(self, data):
        self.words.append(data)


class ReportTest(harness.Case):
    def simulate(self):
        self.run_("produce", "synthetic", "--events", "3000", "--seed", "7", "--traces", "tocsin-data/traces.db")
        self.run_("detect", "--drain", "0.3", "--traces", "tocsin-data/traces.db")

    def sql(self, text):
        with sqlite3.connect(self.path("tocsin-data/tocsin.db")) as db:
            rows = db.execute(text).fetchall()
        db.close()
        return rows

    def read(self, name):
        with open(self.path(name), newline="", encoding="utf-8") as file:
            return file.read()

    def rows(self, name):
        text = self.read(name)
        self.assertEqual(text.count("\n"), text.count("\r\n"), name)
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
        self.assertFalse([row for row in rows if None in row or None in row.values()], name)
        return rows

    def parsed(self, name):
        parser = Parser()
        parser.feed(self.read(name))
        parser.close()
        self.assertEqual([], parser.open)
        return parser

    def test_all_outputs_agree_with_the_database(self):
        self.simulate()
        out, err = self.run_("report", "--html", "r.html", "--csv", "new/csv", "--layer", "l.json")
        for part in ("Detections over time", "Top techniques", "Top hosts", "Confusion matrix"):
            self.assertIn(part, out)
        for name in ("r.html", "l.json", "new/csv"):
            self.assertIn(name, err)
        page = " ".join(self.parsed("r.html").words)
        (verdicts, detected), = self.sql("SELECT count(*), sum(rules <> '') FROM verdicts")
        (alerts,), = self.sql("SELECT count(*) FROM alerts")
        for number in (verdicts, detected, alerts):
            self.assertIn(f"{number:,}", page)
        for part in ("Confusion matrix", "classify_event", "bottleneck"):
            self.assertIn(part, page)

        self.assertEqual(dict(self.sql("SELECT class, count(*) FROM verdicts GROUP BY 1")),
                         {row["class"]: int(row["events"]) for row in self.rows("new/csv/classes.csv")})
        self.assertEqual(set(self.sql("SELECT strftime('%Y-%m-%dT%H:00:00Z', timestamp/1000000000, 'unixepoch'), class,"
                                      " count(*) FROM verdicts WHERE timestamp > 0 GROUP BY 1, 2")),
                         {(row["hour"], row["class"], int(row["events"])) for row in self.rows("new/csv/hourly.csv")})
        self.assertEqual(set(self.sql("SELECT host, count(*), sum(rules <> '') FROM verdicts GROUP BY 1")),
                         {(row["host"], int(row["events"]), int(row["detected"])) for row in self.rows("new/csv/hosts.csv")})
        self.assertEqual(set(self.sql("SELECT host, class, count(*) FROM verdicts WHERE class <> 'None' GROUP BY 1, 2")),
                         {(row["host"], row["class"], int(row["events"]))
                          for row in self.rows("new/csv/host_classes.csv")})
        self.assertEqual(set(self.sql("SELECT rule_id, count(*), count(DISTINCT host) FROM alerts GROUP BY 1")),
                         {(row["rule_id"], int(row["alerts"]), int(row["hosts"])) for row in self.rows("new/csv/rules.csv")})
        self.assertEqual(verdicts, sum(int(row["events"]) for row in self.rows("new/csv/confusion.csv")))
        self.assertIn("write_csv", {row["step"] for row in self.rows("new/csv/latency.csv")})

        wanted = {}
        for ids, in self.sql("SELECT techniques FROM alerts"):
            for technique in filter(None, ids.split(";")):
                wanted[technique] = wanted.get(technique, 0) + 1
        self.assertEqual(wanted, {row["technique"]: int(row["alerts"]) for row in self.rows("new/csv/techniques.csv")})
        layer = json.loads(self.read("l.json"))
        self.assertEqual("enterprise-attack", layer["domain"])
        self.assertEqual(wanted, {t["techniqueID"]: t["score"] for t in layer["techniques"] if "score" in t})

        report = json.loads(self.run_("report", "--format", "json")[0])
        self.assertEqual(report, json.loads(self.run_("report", "--json")[0]))
        shown = sum(sum(bucket["classes"].values()) for bucket in report["over_time"]["buckets"])
        self.assertEqual(detected, shown + report["over_time"]["detected_outside"])
        self.assertEqual(wanted, {t["id"]: t["alerts"] for t in report["techniques"]})

    def test_text_of_logs_and_rules_stays_text(self):
        self.write("rules/r.yml", RULE.format(title=HOSTILE.replace('"', "\\\"")))
        record = json.loads(harness.event(1, "whoami /all"))
        record["Event"]["System"]["Computer"] = HOSTILE
        self.write("in.jsonl", json.dumps(record) + "\n")
        self.run_("produce", "in.jsonl")
        self.run_("detect", "--rules", "rules", "--drain", "0.3")
        self.run_("report", "--html", "r.html", "--csv", "csv")
        words = self.parsed("r.html").words
        self.assertIn(HOSTILE, words)  # the host, whole, in one piece of text
        self.assertGreaterEqual(words.count(HOSTILE), 2)
        self.assertEqual([HOSTILE], [row["host"] for row in self.rows("csv/hosts.csv")])
        self.assertEqual([HOSTILE], [row["rule_name"] for row in self.rows("csv/rules.csv")])
        # No truth: the page is silent about it, and its files have their first line only.
        self.assertNotIn("Confusion matrix", words)
        self.assertEqual("truth,class,events\r\n", self.read("csv/confusion.csv"))

    def test_to_stdout_and_what_goes_wrong(self):
        self.simulate()
        page, _ = self.run_("report", "--html", "-")
        self.assertTrue(page.startswith("<!doctype html>") and page.endswith("</html>\n"))
        self.assertIn("techniques", json.loads(self.run_("report", "--layer", "-")[0]))
        self.write("file", "")
        for args, what in ((["--html", "absent/r.html"], "absent/r.html"), (["--csv", "file/csv"], "file/csv"),
                           (["--layer", "absent/l.json"], "absent/l.json"), (["--store", "absent.db"], "absent.db"),
                           (["--db", "absent.db"], "absent.db")):
            _, err = self.run_("report", *args, code=1)
            self.assertIn(what, err)
        self.run_("report", "--format", "xml", code=2)
        os.remove(self.path("tocsin-data/traces.db"))
        self.run_("report", "--html", "r.html")
        self.assertNotIn("classify_event", self.read("r.html"))


if __name__ == "__main__":
    harness.main()
