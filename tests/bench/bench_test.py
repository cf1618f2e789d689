#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of bench/: that copies of rules are other rules, that adversarial events are what they claim, that
comparisons and judgements come out right. Nothing is timed."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
try:
    import adversary
    import grow_rules
except ImportError as error:
    print("SKIPPED: %s" % error)
    sys.exit(77)
import instructions  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
from bench import compare, rsigma_counts, tocsin_counts  # noqa: E402

RULE = {
    "id": "11111111-1111-4111-8111-111111111111", "title": "t", "level": "low",
    "logsource": {"product": "windows", "category": "process_creation"},
    "detection": {
        "selection": {"Image|endswith": "\\powershell.exe", "EventID": 1,
                      "CommandLine|re": r"(?i)\bdownloadstring\s*\(", "Ip|cidr": "10.0.0.0/8"},
        "filter_main": {"User|contains": "SYSTEM"},
        "condition": "selection and not filter_main",
    },
}


class GrowRules(unittest.TestCase):
    def test_a_copy_has_other_literals_of_the_same_shape(self):
        copy = grow_rules.copy_rule(RULE, 1)
        old, new = RULE["detection"], copy["detection"]
        self.assertNotEqual(copy["id"], RULE["id"])
        self.assertNotEqual(new["selection"]["Image|endswith"], old["selection"]["Image|endswith"])
        self.assertRegex(new["selection"]["Image|endswith"], r"^\\[a-z]{10}\.[a-z]{3}$")
        self.assertEqual(new["selection"]["EventID"], 1)
        self.assertEqual(new["selection"]["Ip|cidr"], "10.0.0.0/8")
        self.assertEqual(new["filter_main"], old["filter_main"])
        self.assertEqual(new["condition"], old["condition"])

    def test_a_regular_expression_stays_one(self):
        pattern = grow_rules.copy_rule(RULE, 1)["detection"]["selection"]["CommandLine|re"]
        self.assertNotEqual(pattern, RULE["detection"]["selection"]["CommandLine|re"])
        self.assertRegex(pattern, r"^\(\?i\)\\b[a-z]{14}\\s\*\\\($")

    def test_numbers_change_only_where_there_is_nothing_else(self):
        rule = dict(RULE, detection={"selection": {"EventID": 4738}, "condition": "selection"})
        self.assertNotEqual(grow_rules.copy_rule(rule, 1)["detection"]["selection"]["EventID"], 4738)

    def test_where_nothing_can_change_there_is_no_copy(self):
        rule = dict(RULE, detection={"selection": {"ContextInfo|contains": "*"}, "condition": "selection"})
        self.assertIsNone(grow_rules.copy_rule(rule, 1))
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder) / "from", pathlib.Path(folder) / "to"
            source.mkdir()
            (source / "0.yml").write_text(json.dumps(rule))
            with self.assertRaises(ValueError):
                grow_rules.grow(source, target, 2)

    def test_copies_differ_from_each_other_and_are_always_the_same(self):
        self.assertNotEqual(grow_rules.copy_rule(RULE, 1), grow_rules.copy_rule(RULE, 2))
        self.assertEqual(grow_rules.copy_rule(RULE, 1), grow_rules.copy_rule(RULE, 1))

    def test_what_is_negated_stays(self):
        for condition, names in [
                ("selection and not filter_main", {"filter_main"}), ("a and not 1 of filter_*", {"filter_x", "filter_main"}),
                ("all of sel* and not (known or a)", {"known", "a"}), ("not selection", {"selection"}),
                ("selection or nothing", set()), (["a", "a and not known"], {"known"})]:
            detection = dict.fromkeys(["a", "selection", "known", "filter_main", "filter_x"], {})
            detection["condition"] = condition
            self.assertEqual(grow_rules.negated_names(detection), names, condition)

    def test_as_many_as_asked_for(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "from").mkdir()
            for number in range(5):
                (folder / "from" / ("%d.yml" % number)).write_text(json.dumps(dict(RULE, id="%d" % number)))
            for count in (1, 3, 5, 12):
                target = folder / str(count)
                self.assertEqual(grow_rules.grow(folder / "from", target, count), count)
                rules = grow_rules.read_rules(target)
                self.assertEqual(len({rule["id"] for _, rule in rules}), count)


class Adversary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules = grow_rules.read_rules(ROOT / "rules")
        adversary.LONG = 20_000  # smaller, so that the test is quick
        cls.maker = adversary.Adversary(cls.rules)

    def test_every_kind_is_json_and_no_two_events_are_alike(self):
        for kind in adversary.kinds():
            with self.subTest(kind=kind):
                lines = list(adversary.events_of(self.maker, kind, 1))
                self.assertGreaterEqual(len(lines), 2)
                self.assertEqual(len(set(lines)), len(lines))
                for line in lines:
                    event = json.loads(line)
                    self.assertIn("Channel", event)
                    self.assertGreater(len(line), 2_000)

    def test_near_misses_are_literals_less_their_last_character(self):
        literals = set(self.maker.lines)
        event = self.maker.kind_array_of_near_misses(0)["CommandLine"]
        self.assertEqual(event[0], "0" + self.maker.lines[0][:-1])
        self.assertNotIn(event[0], literals)
        self.assertEqual(len(set(event)), 100_000)

    def test_escaped_means_everything_escaped(self):
        line = next(adversary.events_of(self.maker, "escapes_long", 1))
        self.assertGreater(line.count("\\u"), 1000)
        self.assertIn("CommandLine", json.loads(line))


class Judgements(unittest.TestCase):
    def test_bars(self):
        for ratio, bar, at_most, reached in [(10, 10, False, True), (9.9, 10, False, False), (0.2, 0.3, True, True),
                                             (0.4, 0.3, True, False), (None, 10, False, None), (5, None, False, None)]:
            line = report.Line("a", "m", "o", ratio=ratio, bar=bar, at_most=at_most)
            self.assertEqual(line.reached(), reached, (ratio, bar, at_most))

    def test_the_table_shows_what_was_missed_and_skipped(self):
        text = report.table([report.Line("a", "speed", "1 s", "9 s", 9.0, 250, note="first\nsecond"),
                             report.skipped("b", "two cores", "one core only")], colour=False)
        self.assertRegex(text, r"a  speed +1 s +9 s +9.00x  >= 250x  NO")
        self.assertIn("SKIPPED: one core only", text)
        self.assertIn("second", text)

    def test_matches_are_compared_by_rule(self):
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = pathlib.Path(folder, "ours"), pathlib.Path(folder, "theirs")
            alert = {"rule": {"id": "r1"}, "event": {"id": "e"}, "log": {"file": {"path": "p"}, "offset": 1}}
            ours.write_text("".join(json.dumps(a) + "\n" for a in [alert, alert, dict(alert, log={"offset": 2})]))
            theirs.write_text('{"rule_id":"r1"}\n{"rule_id":"r2"}\nnot a match\n')
            a, b = tocsin_counts(ours), rsigma_counts(theirs)
        self.assertEqual(dict(a), {"r1": 2})
        self.assertEqual(compare(a, b), (1, 1, 1))

    def test_growth_of_instructions(self):
        rows = {r[0]: r[-1] for r in instructions.compare(
            {"walk": 11_200, "fields": 10_900, "read": 150, "new": 5}, {"walk": 10_000, "fields": 10_000, "read": 100})}
        self.assertEqual(rows, {"walk": True, "fields": False, "read": False, "new": False})

    def test_what_a_layer_adds(self):
        totals = {"none": 100, "read": 110, "walk": 200, "fields": 250, "match-cold": 400, "match-warm": 650,
                  "verdict": 420, "output": 430}
        steps = instructions.per_event(totals, 10)
        self.assertEqual(steps["walk"], 10)
        self.assertEqual(steps["match-cold"], 15)
        self.assertEqual(steps["match-warm"], 10)  # 650 - 400 = fields (150) and the warm match (100)
        self.assertEqual(steps["output"], 1)


class Measure(unittest.TestCase):
    def test_a_command_that_fails_is_told_with_its_talk(self):
        job = measure.Job("bad", [sys.executable, "-c", "import sys; sys.exit('went wrong')"])
        with self.assertRaisesRegex(measure.Failed, "bad ended with status 1(.|\n)*went wrong"):
            measure.run_once(job)

    def test_a_limit_ends_it(self):
        job = measure.Job("endless", [sys.executable, "-c", "while True: pass"], cpu_limit=1)
        with self.assertRaises(measure.TooSlow):
            measure.run_once(job)

    def test_medians(self):
        result = measure.interleaved([measure.Job("a", ["true"]), measure.Job("b", ["true"])], 3)
        self.assertEqual(sorted(result), ["a", "b"])
        self.assertEqual(len(result["a"].walls), 3)
        self.assertEqual(result["a"].wall, sorted(result["a"].walls)[1])


class Programs(unittest.TestCase):
    """bench_layers and json_floor, where they are built."""

    def setUp(self):
        self.layers, self.floor = os.environ.get("TOCSIN_LAYERS"), os.environ.get("TOCSIN_FLOOR")
        if not self.layers:
            self.skipTest("not built")
        self.events = str(ROOT / "examples" / "attack-chain.jsonl")
        self.lines = len(pathlib.Path(self.events).read_text(encoding="utf-8").splitlines())

    def run_tool(self, *command):
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_every_layer_sees_every_event(self):
        witness = {}
        for layer in ("none", "read", "walk", "fields", "match-cold", "match-warm", "verdict", "output"):
            done = self.run_tool(self.layers, "--layer", layer, "--events", self.events)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(done.stdout)
            self.assertEqual(found["events"], self.lines)
            witness[layer] = found["witness"]
        self.assertEqual(witness["none"], 0)
        self.assertGreater(witness["fields"], witness["walk"])
        self.assertGreater(witness["match-cold"], 0)
        self.assertGreater(witness["output"], witness["verdict"])

    def test_each_event_has_a_cost(self):
        done = self.run_tool(self.layers, "--each", "--runs", "1", "--events", self.events)
        found = json.loads(done.stdout)
        self.assertEqual(found["events"], self.lines)
        self.assertTrue(all(w["ns"] > 0 and w["bytes"] > 0 for w in found["worst"]))

    def test_wrong_use(self):
        self.assertEqual(self.run_tool(self.layers, "--layer", "magic", "--events", self.events).returncode, 2)
        self.assertEqual(self.run_tool(self.layers, "--events", "/nowhere.jsonl").returncode, 1)
        self.assertEqual(self.run_tool(self.floor).returncode, 2)
        self.assertEqual(self.run_tool(self.floor, "/nowhere.jsonl").returncode, 1)

    def test_the_floor_reads_everything(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "e.jsonl")
            path.write_bytes(b'{"a":"b\\u0041","c":[1,true,null,{"d":"ee"}]}\n\n{"broken\n' + b'{"x":"' +
                             b"y" * 3_000_000 + b'"}\n{"last":1}')
            found = json.loads(self.run_tool(self.floor, str(path)).stdout)
        self.assertEqual((found["events"], found["bad"]), (3, 1))
        # a c d x last + bA ee yyy... (the numbers, true and null have no text)
        self.assertEqual(found["text_bytes"], 3 + 1 + 4 + 2 + 2 + 3_000_000)


if __name__ == "__main__":
    unittest.main()
