#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each house rule that check_rules.py knows is broken once, in a tree of one rule."""
import pathlib
import tempfile
import unittest

import check_rules

ATTACK = """
tactics:
  - {id: TA0002, slug: execution, name: Execution, old_slugs: []}
  - {id: TA0005, slug: stealth, name: Stealth, old_slugs: [defense-evasion]}
  - {id: TA0112, slug: defense-impairment, name: Defense Impairment, old_slugs: []}
techniques:
  T1059: {name: "Command and Scripting Interpreter", tactics: [execution]}
  T1070: {name: "Indicator Removal", tactics: [stealth]}
"""
RULE = """
title: A Shell
id: 0b6f7a5e-5a3c-4d0e-9a53-0f6f1c1d2e3f
status: test
description: Sees a shell.
references: [https://attack.mitre.org/techniques/T1059/]
author: Tocsin project
date: 2026-11-22
license: Apache-2.0
tags: [attack.execution, attack.t1059]
logsource: {product: windows, category: process_creation}
detection: {selection: {Image: a}, condition: selection}
falsepositives: [None known]
level: low
"""
CASES = """
rule: 0b6f7a5e-5a3c-4d0e-9a53-0f6f1c1d2e3f
cases:
  - {name: seen, match: true, event: {Image: a}}
  - {name: not seen, match: false, event: {Image: b}}
"""


def problems(rule=RULE, cases=CASES, name="a_shell"):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "mappings").mkdir()
        (root / "mappings" / "attack.yml").write_text(ATTACK)
        (root / "rules" / "execution").mkdir(parents=True)
        (root / "rules" / "execution" / f"{name}.yml").write_text(rule)
        if cases:
            (root / "rules" / "execution" / f"{name}.test.yml").write_text(cases)
        return [problem for _, problem in check_rules.check(root)]


class CheckRules(unittest.TestCase):
    def test_a_good_rule_has_no_problem(self):
        self.assertEqual(problems(), [])

    def test_a_twin_of_stealth_is_accepted(self):
        tags = "[attack.execution, attack.defense-impairment, attack.t1070]"
        self.assertEqual(problems(RULE.replace("[attack.execution, attack.t1059]", tags)), [])

    def test_broken_rules(self):
        cases = [
            ("unknown technique", RULE.replace("attack.t1059]", "attack.t1059, attack.t9999]")),
            ("unknown tactic", RULE.replace("attack.t1059]", "attack.t1059, attack.magic]")),
            ("first tag", RULE.replace("[attack.execution,", "[attack.stealth, attack.execution,")),
            ("belongs to", RULE.replace("attack.t1059]", "attack.t1070]")),
            ("no technique tag", RULE.replace(", attack.t1059]", "]")),
            ("version 4", RULE.replace("-4d0e-", "-1d0e-")),
            ("unknown level", RULE.replace("level: low", "level: loud")),
            ("reference outside", RULE.replace("attack.mitre.org", "blog.example.test")),
            ("no author", RULE.replace("author: Tocsin project", "")),
        ]
        for want, rule in cases:
            with self.subTest(want):
                self.assertTrue(any(want in problem for problem in problems(rule)))

    def test_broken_cases(self):
        cases = [
            ("near miss", CASES.replace("match: false", "match: true")),
            ("names another rule", CASES.replace("0b6f7a5e", "1b6f7a5e")),
            ("two cases of one name", CASES.replace("not seen", "seen")),
            ("beside it", ""),
        ]
        for want, text in cases:
            with self.subTest(want):
                self.assertTrue(any(want in problem for problem in problems(cases=text)))

    def test_file_name(self):
        self.assertTrue(any("file name" in problem for problem in problems(name="A-Shell")))


if __name__ == "__main__":
    unittest.main()
