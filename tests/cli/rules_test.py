# SPDX-License-Identifier: Apache-2.0
"""`tocsin rules` as a detection engineer uses it: check, list, explain, test, coverage, stats."""

import csv
import io
import json
import sqlite3
import xml.etree.ElementTree

from harness import RULE, Case, event, main

SHADOW = """title: Shadow copies deleted
id: 11111111-2222-4333-8444-555555555555
status: test
description: Deletes the copies that a victim would restore from.
author: Jane Doe
level: high
tags: [attack.impact, attack.t1490]
logsource: {product: windows, category: process_creation}
detection:
  selection_img:
    - Image|endswith: ['\\vssadmin.exe', '\\wmic.exe']
    - OriginalFileName: VSSADMIN.EXE
  selection_cli:
    CommandLine|contains|all: [delete, Shadows]
  filter_backup:
    ParentImage|endswith: \\backup.exe
  filter_null:
    User: null
  condition: all of selection_* and not 1 of filter_*
falsepositives: [Backup software]
"""
LINUX = """title: A shell on Linux
id: 22222222-2222-4333-8444-555555555555
status: experimental
level: low
tags: [attack.execution, attack.t1059.004]
logsource: {product: linux, category: process_creation}
detection: {selection: {Image: /bin/sh}, condition: selection}
"""
BROKEN = """title: Broken
id: 33333333-2222-4333-8444-555555555555
logsource: {product: windows, category: process_creation}
detection:
  selection: {Image|endwith: x}
  condition: selection
"""


class Explain(Case):
    def setUp(self):
        super().setUp()
        self.write("rules/shadow.yml", SHADOW)
        self.write("in.jsonl", event(1, "cmd /c dir") + b"\n" + event(2) + b"\n" +
                   event(3, ParentImage="C:\\b\\backup.exe") + b"\n")

    def explain(self, *args, code=0, **kwargs):
        return self.run_("rules", "explain", "--rules", "rules", *args, code=code, **kwargs)

    def test_what_it_means(self):
        out, err = self.explain("shadow copies")
        for part in ("Shadow copies deleted", "Deletes the copies", "T1490 Inhibit System Recovery", "Impact",
                     "product=windows category=process_creation", "windows/", "selection_img",
                     "ends with", "Backup software", "all of selection_* and not 1 of filter_*"):
            self.assertIn(part, out)
        self.assertEqual("", err)

    def test_each_node_says_what_decided_it(self):
        out, _ = self.explain("11111111", "in.jsonl")
        self.assertIn("in.jsonl:2", out)  # the first that matches
        self.assertIn("3 events were looked at, the rule matches 1", out)
        self.assertIn("The rule matches.", out)
        self.assertRegex(out, r"✔ Image\|endswith any of 2 values")
        self.assertIn("✔ '\\vssadmin.exe'", out)
        self.assertIn("✘ '\\wmic.exe'", out)
        self.assertIn(RULE, out)
        self.assertIn("'Shadows'", out)  # as written, not as lowered
        self.assertRegex(out, r"✘ OriginalFileName: 'VSSADMIN.EXE'\n +event: the field is absent")
        self.assertRegex(out, r"✔ not\n +✘ any of\n +✘ filter_backup")

    def test_chosen_lines_and_what_fails(self):
        out, _ = self.explain("11111111", "in.jsonl", "--line", "1")
        self.assertIn("The rule does not match.", out)
        self.assertIn("✘ selection_cli", out)
        self.assertRegex(out, r"✘ 'delete'")
        out, _ = self.explain("11111111", "in.jsonl", "--line", "3")
        self.assertIn("✔ filter_backup", out)
        self.assertIn("event: 'C:\\b\\backup.exe'", out)
        _, err = self.explain("11111111", "in.jsonl", "--line", "9", code=1)
        self.assertIn("no event at line or record 9", err)

    def test_null_is_told_from_absent(self):
        self.write("null.json", json.dumps({"Event": {
            "System": {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1},
            "EventData": {"User": None, "Image": "C:\\vssadmin.exe", "CommandLine": "delete shadows"}}}))
        out, _ = self.explain("11111111", "null.json")
        self.assertRegex(out, r"✔ filter_null: User: null\n +event: null")

    def test_as_json(self):
        out, _ = self.explain("11111111", "in.jsonl", "--format", "json")
        told = json.loads(out)
        self.assertTrue(told["matches"])
        self.assertTrue(told["event"]["route_read"])
        self.assertEqual("host1.example", told["event"]["host"])
        items = []

        def walk(node):
            items.extend([node] if node["kind"] == "item" else [])
            for child in node.get("children", []):
                walk(child)
        walk(told["tree"])
        by_key = {item["key"]: item for item in items}
        self.assertEqual({"Image|endswith", "OriginalFileName", "CommandLine|contains|all", "ParentImage|endswith",
                          "User"}, set(by_key))
        self.assertEqual([True, False], [p["holds"] for p in by_key["Image|endswith"]["patterns"]])
        self.assertTrue(by_key["OriginalFileName"]["absent"])
        self.assertEqual(RULE, by_key["CommandLine|contains|all"]["values"][0]["value"])

    def test_another_log_is_not_read(self):
        self.write("rules/linux.yml", LINUX)
        out, _ = self.explain("2222", "in.jsonl")
        self.assertIn("✘ logsource", out)
        self.assertIn("The rule does not match.", out)

    def test_filter_is_named(self):
        self.write("rules/filter.yml", """title: Our backup runs
id: 44444444-2222-4333-8444-555555555555
logsource: {product: windows, category: process_creation}
filter:
  rules: [11111111-2222-4333-8444-555555555555]
  ours: {User: u}
  condition: not ours
""")
        out, _ = self.explain("11111111", "in.jsonl", "--line", "2")
        self.assertIn("✘ filter Our backup runs", out)
        self.assertRegex(out, r"✔ ours: User: 'u'\n +event: 'u'")
        self.assertIn("The rule does not match.", out)
        out, _ = self.run_("rules", "list", "rules")
        self.assertIn("[1 filter]", out)

    def test_which_rule(self):
        self.write("rules/linux.yml", LINUX)
        self.write("rules/broken.yml", BROKEN)
        for wanted, says in (("nothing like it", "no rule has the id or title"),
                             ("S", "2 rules fit"),
                             ("33333333-2222-4333-8444-555555555555", "modifier.unknown"),
                             ("rules/broken.yml", "modifier.unknown"),
                             ("rules/absent.yml", "rules/absent.yml")):
            with self.subTest(wanted=wanted):
                self.assertIn(says, self.explain(wanted, "in.jsonl", code=2)[1])
        self.explain("rules/shadow.yml", "-", stdin=event(1))
        for name, text in (("empty.json", b""), ("bad.json", b"{]\n"), ("list.json", b"[1]\n")):
            self.write(name, text)
            self.explain("11111111", name, code=1)
        self.explain("11111111", "absent.json", code=1)

    def test_hostile_values_do_not_reach_the_terminal(self):
        self.write("esc.jsonl", event(1, RULE + "\x1b[2J\x07"))
        out, _ = self.explain("11111111", "esc.jsonl")
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\x07", out)


class CheckAndList(Case):
    def setUp(self):
        super().setUp()
        self.write("rules/windows/shadow.yml", SHADOW)
        self.write("rules/linux/shell.yml", LINUX)

    def test_check_formats_and_codes(self):
        out, _ = self.run_("rules", "check", "rules")
        self.assertIn("2 rules in 2 files are good, none rejected", out)
        self.assertRegex(out, r"(?m)^rules/linux +1 +0 +0$")
        self.write("rules/windows/broken.yml", BROKEN)
        out, _ = self.run_("rules", "check", "rules", code=1)
        self.assertRegex(out, r"rules/windows/broken.yml:5:\d+: error: ")
        self.assertRegex(out, r"(?m)^rules/windows +1 +1 ")
        told = json.loads(self.run_("rules", "check", "--format", "json", "rules", code=1)[0])
        self.assertEqual((2, 1), (told["rules"], told["rejected"]))
        self.run_("rules", "check", "absent", code=2)

    def test_sarif(self):
        self.write("rules/windows/bro ken.yml", BROKEN)
        out, _ = self.run_("rules", "check", "--format", "sarif", "rules", code=1)
        log = json.loads(out)
        self.assertEqual("2.1.0", log["version"])
        run = log["runs"][0]
        [result] = [r for r in run["results"] if r["level"] == "error"]
        self.assertEqual(result["ruleId"], run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"])
        place = result["locations"][0]["physicalLocation"]
        self.assertEqual("rules/windows/bro%20ken.yml", place["artifactLocation"]["uri"])
        self.assertEqual(5, place["region"]["startLine"])

    def test_strict_fails_on_warnings(self):
        self.write("rules/windows/dead.yml", SHADOW.replace("11111111", "55555555").replace(
            "category: process_creation", "service: no-such-service"))
        out, _ = self.run_("rules", "check", "rules", "--warnings")
        self.assertIn("logsource.unknown", out)
        self.run_("rules", "check", "rules", "--strict", code=1)

    def test_a_field_that_no_event_of_the_log_has(self):
        dead = SHADOW.replace("11111111", "55555555").replace("CommandLine", "NoSuchField")
        self.write("rules/windows/dead.yml", dead)
        out, _ = self.run_("rules", "check", "rules", "--warnings")
        self.assertIn("rule.never_fires", out)
        self.assertIn("carries NoSuchField", out)

    def ids(self, *args):
        out, _ = self.run_("rules", "list", "rules", "--json", *args)
        return [json.loads(line)["id"][0] for line in out.splitlines()]

    def test_list_filters(self):
        for args, ids in (([], ["1", "2"]), (["--tactic", "impact"], ["1"]), (["--tactic", "TA0002"], ["2"]),
                          (["--tactic", "Impact,execution"], ["1", "2"]), (["--technique", "t1059"], ["2"]),
                          (["--technique", "T105"], []), (["--level", "high"], ["1"]), (["--min-level", "medium"], ["1"]),
                          (["--product", "linux"], ["2"]), (["--category", "process_creation"], ["1", "2"]),
                          (["--service", "security"], []), (["--status", "test"], ["1"]), (["--text", "SHELL"], ["2"]),
                          (["--text", "jane", "--text", "victim"], ["1"]), (["--source", "rules/linux"], ["2"]),
                          (["--sort", "title"], ["2", "1"]), (["--sort", "level"], ["1", "2"])):
            with self.subTest(args=args):
                self.assertEqual(ids, self.ids(*args))
        for args in (["--tactic", "impakt"], ["--level", "hi"], ["--min-level", "x"], ["--sort", "x"]):
            self.run_("rules", "list", "rules", *args, code=2)

    def test_list_table_and_csv(self):
        out, _ = self.run_("rules", "list", "rules")
        self.assertIn("2 of 2 rules", out)
        self.assertRegex(out, r"levels: +high 1 +low 1")
        rows = list(csv.DictReader(io.StringIO(self.run_("rules", "list", "rules", "--format", "csv")[0])))
        self.assertEqual(["Shadow copies deleted", "A shell on Linux"], [row["title"] for row in rows])
        self.assertEqual("T1490", rows[0]["techniques"])

    def test_coverage(self):
        out, _ = self.run_("rules", "coverage", "rules", "--navigator", "layer.json")
        self.assertRegex(out, r"(?m)^Impact +1 ")
        self.assertRegex(out, r"(?m)^T1059\.004 +\S")
        with open(self.path("layer.json"), encoding="utf-8") as file:
            layer = json.load(file)
        self.assertEqual(("4.5", "enterprise-attack"), (layer["versions"]["layer"], layer["domain"]))
        scores = {t["techniqueID"]: t.get("score") for t in layer["techniques"]}
        self.assertEqual({"T1490": 1, "T1059.004": 1, "T1059": None}, scores)
        out, _ = self.run_("rules", "coverage", "rules", "--score", "level", "--level", "high", "--navigator", "-")
        self.assertEqual([("T1490", 73)], [(t["techniqueID"], t["score"]) for t in json.loads(out)["techniques"]])
        self.run_("rules", "coverage", "rules", "--navigator", "absent/layer.json", code=1)

    def test_coverage_of_alerts(self):
        self.write("in.jsonl", event(1) + b"\n" + event(2) + b"\n")
        self.run_("produce", "in.jsonl")
        self.run_("detect", "--drain", "0.3", "--sinks", "sqlite", "--rules", "rules")
        out, _ = self.run_("rules", "coverage", "--alerts", "tocsin-data/tocsin.db", "--format", "json")
        self.assertEqual(2, json.loads(out)["techniques"]["T1490"]["count"])
        self.run_("rules", "coverage", "--alerts", "absent.db", code=1)
        alerts = ("rules", "coverage", "--alerts", "tocsin-data/tocsin.db", "--format", "json")
        for choice, count in ((("--tactic", "impact"), 2), (("--tactic", "exfiltration"), 0), (("--level", "critical"), 0),
                              (("--technique", "T1490"), 2), (("--text", "shadow"), 2), (("--text", "zzz"), 0)):
            self.assertEqual(count, json.loads(self.run_(*alerts, *choice)[0])["total"], choice)
        _, err = self.run_(*alerts, "--product", "windows", code=2)
        self.assertIn("--product: alerts do not tell", err)

    def test_what_is_no_rule_is_told(self):
        self.write("up/x.YML", LINUX)
        self.assertIn("1 rules in 1 files are good", self.run_("rules", "check", "up")[0])
        self.write("nothing/readme.txt", "no rule")
        _, err = self.run_("rules", "check", "nothing", code=1)
        self.assertIn("no rule file", err)
        _, err = self.run_("rules", "list", "rules", "--status", "nope", code=2)
        self.assertIn("'nope' is none of stable", err)
        self.write("broken/r.yml", BROKEN)
        self.write("in.jsonl", event(1) + b"\n")
        _, err = self.run_("scan", "--rules", "broken", "in.jsonl", code=2)
        self.assertRegex(err, r"no rule can be used, 1 rejected: broken/r\.yml:\d+:\d+")


class Cases(Case):
    CASES = """rule: 11111111-2222-4333-8444-555555555555
cases:
  - name: by hand
    match: true
    event: %s
  - name: recorded
    match: true
    event_file: samples/in.jsonl
    count: 1
  - name: its first line
    match: false
    event_file: samples/in.jsonl
    line: 1
"""

    def setUp(self):
        super().setUp()
        self.write("r/shadow.yml", SHADOW)
        self.write("r/samples/in.jsonl", event(1, "dir") + b"\n" + event(2) + b"\n")
        self.write("r/shadow.test.yml", self.CASES % event(1).decode())

    def test_good_cases(self):
        out, _ = self.run_("rules", "test", "r", "--junit", "out.xml")
        self.assertIn("3 cases passed, 0 failed, 0 unreadable; 0 of 1 rules have no case", out)
        suites = xml.etree.ElementTree.parse(self.path("out.xml")).getroot()
        self.assertEqual(("3", "0"), (suites.get("tests"), suites.get("failures")))
        out, err = self.run_("rules", "test", "r", "--junit", "-")  # words go to the other stream then
        self.assertEqual("3", xml.etree.ElementTree.fromstring(out).get("tests"))
        self.assertIn("3 cases passed", err)
        self.assertIn("1 cases passed", self.run_("rules", "test", "r", "--only", "by hand")[0])
        self.run_("rules", "test", "r", "--only", "nothing", code=2)
        self.run_("rules", "test", "r/shadow.yml")  # its cases are beside it
        self.run_("rules", "test", "--rules", "r")
        self.write("cases/x.test.yml", self.CASES[:self.CASES.index("  - name: recorded")] % event(1).decode())
        self.run_("rules", "test", "cases", "--rules", "r/shadow.yml")

    def test_starter_rules(self):
        out, _ = self.run_("rules", "test")
        self.assertRegex(out, r"^\d\d+ cases passed, 0 failed, 0 unreadable")

    def test_failures_explain_themselves(self):
        self.write("r/shadow.yml", SHADOW.replace("\\vssadmin.exe", "\\vss<x>.exe"))
        out, _ = self.run_("rules", "test", "r", "--junit", "out.xml", code=1)
        self.assertIn("FAILED r/shadow.test.yml:3: by hand: the rule does not match, but should", out)
        self.assertIn("✘ '\\vss<x>.exe'", out)
        self.assertIn("samples/in.jsonl: 0 of 2 events match, but 1 should", out)
        failures = xml.etree.ElementTree.parse(self.path("out.xml")).getroot().findall(".//failure")
        self.assertEqual(2, len(failures))
        self.assertIn("\\vss<x>.exe", failures[0].text)

    def test_what_is_no_case(self):
        for text, says in (("rule: x\ncases:\n  - {name: a, match: maybe, event: {}}\n", "true or false"),
                           ("rule: x\ncases:\n  - {name: a, match: true}\n", "either 'event'"),
                           ("rule: x\ncases:\n  - {name: a, match: true, event: {}, evnt: 1}\n", "no key 'evnt'"),
                           ("rule: x\ncases:\n  - {name: a, match: true, event_file: f, count: 0}\n", "contradict"),
                           ("rule: x\ncases:\n  - {name: a, match: true, event_file: f, line: x}\n", "is a number"),
                           ("rule: x\n", "'rule' and 'cases'"), ("a: [\n", "UNREADABLE"),
                           ("rule: x\ncases:\n  - {name: a, match: true, event: {}}\n", "no rule has the id x"),
                           ("rule: 11111111-2222-4333-8444-555555555555\ncases:\n"
                            "  - {name: a, match: true, event_file: absent.jsonl}\n", "absent.jsonl")):
            with self.subTest(text=text):
                self.write("r/shadow.test.yml", text)
                self.assertIn(says, self.run_("rules", "test", "r", code=1)[0])
        self.run_("rules", "test", "absent", code=2)

    def test_rejected_rule_says_why(self):
        self.write("r/shadow.yml", BROKEN.replace("33333333", "11111111"))
        self.assertIn("the rule was rejected: r/shadow.yml:5", self.run_("rules", "test", "r", code=1)[0])


class Stats(Case):
    def test_noisy_and_slow(self):
        self.write("rules/shadow.yml", SHADOW)
        self.run_("rules", "stats", code=1)
        self.write("in.jsonl", b"".join(event(n) + b"\n" for n in range(60)))
        self.run_("produce", "in.jsonl")
        self.run_("detect", "--drain", "0.3", "--sinks", "sqlite", "--rules", "rules")
        out, _ = self.run_("rules", "stats", "--rules", "rules")
        self.assertRegex(out, r"(?m)^Shadow copies deleted +high +60 +100\.0% .*noisy")
        db = sqlite3.connect(self.path("tocsin-data/tocsin.db"))
        evaluated, = db.execute("SELECT evaluated FROM rule_stats").fetchone()
        self.assertTrue(1 <= evaluated <= 60, evaluated)  # outcomes are remembered
        db.execute("INSERT INTO rule_stats VALUES('other', 10, 1, 0, 9000000000, 1, 1767607200000000000)")
        db.execute("UPDATE rule_stats SET nanoseconds = 1000000000 WHERE rule_id <> 'other'")
        db.commit()
        db.close()
        rows = [json.loads(line) for line in self.run_("rules", "stats", "--rules", "rules", "--sort", "cost",
                                                       "--format", "json")[0].splitlines()]
        self.assertEqual(["other", "11111111-2222-4333-8444-555555555555"], [row["rule_id"] for row in rows])
        self.assertEqual((True, True, False, False), (rows[0]["slow"], rows[1]["slow"], rows[0]["noisy"],
                                                      rows[0]["loaded"]))
        self.assertAlmostEqual(0.9, rows[0]["cost_share"])
        self.assertEqual("2026-01-05T10:00:00Z", rows[0]["last_seen"])


if __name__ == "__main__":
    main()
