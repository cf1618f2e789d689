# SPDX-License-Identifier: Apache-2.0
"""Tocsin against pySigma, the reference implementation: which rules are legal, and what they mean.

Meaning: every live Windows rule, its logsource widened to all of Windows, on the regression samples' events and on events made
from the rules themselves, once through `tocsin scan` and once as SQL that pySigma's SQLite backend writes. Each (event, rule)
that only one of both has must be explained in pysigma_differences.tsv.
Variables: TOCSIN_TEST_SEED runs the same made events again, TOCSIN_TEST_CASES: events made of each rule (default 1).
"""

import json
import os
import pathlib
import random
import shutil
import tempfile
import unittest

import example_events
import peers
import random_rules
import yaml

PYTHON = peers.ask("pysigma.sh", "python")
JUDGE = peers.HERE / "pysigma_judge.py"


def judge(*arguments):
    return json.loads(peers.run(PYTHON, JUDGE, *arguments))


class PySigma(peers.Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-peers-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def test_the_same_rules_are_refused(self):
        folders = [peers.DATA / "sigma" / name for name in
                   peers.LIVE + ["rules-compliance", "rules-placeholder", "deprecated", "unsupported"]]
        told = judge("parse", *folders)
        theirs = {str(pathlib.Path(p).resolve()) for p, why in told.items() if why}
        ours = {}
        for path, code in peers.tocsin_refuses(folders, self.folder):
            ours.setdefault(str(pathlib.Path(path).resolve()), code)
        found = [{"side": "tocsin", "what": code, "file": os.path.relpath(path, peers.DATA / "sigma")}
                 for path, code in sorted(ours.items()) if path not in theirs]
        found += [{"side": "pysigma", "what": told[path].split(":")[0], "file": os.path.relpath(path, peers.DATA / "sigma")}
                  for path in sorted(theirs - set(ours))]
        print(f"{len(told)} files: tocsin refuses {len(ours)}, pySigma {len(theirs)}, differences {len(found)}")
        self.assertGreater(len(told), 3700)
        table = peers.Differences("pysigma_refusals.tsv")
        self.expect_explained(table, found)
        self.assertEqual([], table.unused(), "rows that explain nothing any more")

    def write_rules(self):
        """The live Windows rules, each for all of Windows; {id: rule}."""
        out = {}
        (self.folder / "rules").mkdir()
        for name in peers.LIVE:
            for path in sorted((peers.DATA / "sigma" / name).rglob("*.yml")):
                text = path.read_text(encoding="utf-8")
                rule = yaml.load(text, Loader=yaml.CSafeLoader)
                if rule.get("logsource", {}).get("product") != "windows":
                    continue
                out[rule["id"]] = rule
                (self.folder / "rules" / path.name).write_text(peers.for_all_windows_logs(text), encoding="utf-8")
        return out

    @staticmethod
    def chance():
        seed = int(os.environ.get("TOCSIN_TEST_SEED") or random.SystemRandom().randrange(2**32))
        print(f"TOCSIN_TEST_SEED={seed}")
        return random.Random(seed)

    def made_events(self, rules):
        chance = self.chance()
        events = [example_events.of_sample(event)
                  for path in sorted((peers.DATA / "regression").rglob("*.json"))
                  for event in example_events.read_json(path)]
        for rule_id in sorted(rules):
            for _ in range(min(20, int(os.environ.get("TOCSIN_TEST_CASES") or 1))):
                events.append(example_events.Example(rules[rule_id], chance).event())
        return events

    def compare(self, rules, events):
        """Runs both on all of them; each difference must have its row."""
        events = [example_events.as_event(event) for event in events]
        with open(self.folder / "events.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
        told = judge("match", self.folder / "events.jsonl", self.folder / "rules")
        alerts = peers.tocsin_alerts([self.folder / "rules"], self.folder / "events.jsonl", self.folder)
        theirs = {(line, rule) for line, rule in told["matches"]}
        ours = {(alert["log"]["offset"], alert["rule"]["id"]) for alert in alerts}
        unable = set(told["unable"])
        print(f"{len(rules)} rules, {len(events)} events: tocsin {len(ours)} matches, pySigma {len(theirs)}; "
              f"{len(unable)} rules that the backend cannot convert")
        table = peers.Differences("pysigma_differences.tsv")
        found = [{"side": "tocsin" if pair in ours else "pysigma", "rule": pair[1]}
                 for pair in sorted(ours ^ theirs) if pair[1] not in unable]
        found += [{"side": "unable", "rule": rule} for rule in sorted(unable)]
        if os.environ.get("TOCSIN_SHOW_DIFFERENCES"):
            self.show(rules, events, [f for f in sorted(ours ^ theirs) if f[1] not in unable], ours, told["unable"])
        self.assertGreater(len(ours), len(rules) // 2)
        self.expect_explained(table, found)

    @staticmethod
    def show(rules, events, pairs, ours, unable):
        for line, rule in pairs[:200]:
            print("only", "tocsin" if (line, rule) in ours else "pysigma", rule, json.dumps(rules[rule]["detection"]),
                  json.dumps(events[line - 1], ensure_ascii=False), sep="\n  ")
        for rule, why in sorted(unable.items()):
            print("unable", rule, why[:300])

    def test_public_rules_mean_the_same(self):
        rules = self.write_rules()
        self.compare(rules, self.made_events(rules))

    def test_random_rules_mean_the_same(self):
        maker = random_rules.Maker(self.chance())
        rules = {rule["id"]: rule for rule in map(maker.rule, range(400))}
        (self.folder / "rules").mkdir()
        for rule_id, rule in rules.items():
            (self.folder / "rules" / f"{rule_id}.yml").write_text(random_rules.as_yaml(rule), encoding="utf-8")
        self.compare(rules, [maker.event() for _ in range(500)])


if __name__ == "__main__":
    if PYTHON is None:
        peers.skip("pySigma is not installed: tools/peers/pysigma.sh install")
    peers.need_data()
    unittest.main(verbosity=2)
