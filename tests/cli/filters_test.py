#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sigma filters and hostile rules as a user meets them: scan, rules check, rules list."""

import os
import pathlib
import unittest

import harness

RULE = """title: Shadow copies
id: 5e0a1f0c-0c51-4c2b-9f39-0d4f6f1a0001
name: shadow
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|contains: vssadmin}
  condition: selection
level: high
"""

FILTER = """title: Backup user
id: 5e0a1f0c-0c51-4c2b-9f39-0d4f6f1a00ff
logsource: {product: windows}
filter:
  rules: %s
  selection: {User: backup}
  condition: %s
"""


class Filters(harness.Case):
    def setUp(self):
        super().setUp()
        self.write("rules/shadow.yml", RULE)
        lines = [harness.event(1, User="backup"), harness.event(2, User="eve")]
        self.write("events.jsonl", b"\n".join(lines) + b"\n")

    def users(self, *options, env=None):
        """Whose events fire the rule."""
        out, _ = self.run_("scan", "--rules", "rules", "--format", "jsonl", *options, "events.jsonl",
                           env=env)
        return [user for user in ("backup", "eve") if f'"name":"{user}"' in out.replace(" ", "")]

    def test_without_a_filter_both_fire(self):
        self.assertEqual(["backup", "eve"], self.users())

    def test_a_filter_among_the_rules(self):
        self.write("rules/filter.yml", FILTER % ("[shadow]", "not selection"))
        self.assertEqual(["eve"], self.users())

    def test_a_filter_of_its_own_folder(self):
        self.write("mine/filter.yml", FILTER % ("any", "not selection"))
        self.assertEqual(["eve"], self.users("--filters", "mine"))
        self.assertEqual(["eve"], self.users(env={"TOCSIN_FILTERS": "mine/filter.yml"}))

    def test_the_mode_decides_what_a_condition_says(self):
        self.write("mine/filter.yml", FILTER % ("any", "selection"))
        self.assertEqual(["backup"], self.users("--filters", "mine"))
        self.assertEqual(["eve"], self.users("--filters", "mine", "--filter-mode", "exclude"))
        self.run_("scan", "--filter-mode", "other", "events.jsonl", code=2)

    def test_a_filter_that_is_not_there(self):
        _, err = self.run_("scan", "--rules", "rules", "--filters", "nowhere", "events.jsonl", code=2)
        self.assertIn("nowhere", err)

    def test_check_names_a_reference_to_nothing(self):
        self.write("rules/filter.yml", FILTER % ("[shadow, nobody]", "not selection"))
        out, _ = self.run_("rules", "check", "--warnings", "rules")
        self.assertIn("'nobody'", out)
        self.assertIn("filter.unknown_rule", out)

    def test_check_warns_of_a_filter_without_not(self):
        self.write("rules/filter.yml", FILTER % ("any", "selection"))
        out, _ = self.run_("rules", "check", "--warnings", "rules")
        self.assertIn("filter.no_not", out)


class Hostile(harness.Case):
    def test_wrong_files_do_not_stop_the_right_one(self):
        self.write("rules/shadow.yml", RULE)
        bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
        self.write("rules/bomb.yml", bomb)
        self.write("rules/deep.yml", "[" * 100000)
        self.write("rules/long.yml", RULE.replace("vssadmin", "x" * (10 << 20)))
        self.write("rules/nul.yml", b"title: a\0b\n")
        self.write("rules/latin.yml", b"title: caf\xe9\n")
        self.write("rules/empty.yml", "")
        os.symlink(".", self.path("rules/circle"))
        self.write("events.jsonl", harness.event(1) + b"\n")
        out, _ = self.run_("rules", "check", "rules", code=1)
        for name in ("bomb", "deep", "long", "nul", "latin"):
            self.assertIn(f"{name}.yml:", out)
        self.assertEqual(5, out.count(": error: "), out)
        self.assertEqual(5, out.count("    hint: "), out)
        out, _ = self.run_("scan", "--rules", "rules", "--format", "jsonl", "events.jsonl")
        self.assertEqual(1, out.count("\n"))

    @unittest.skipUnless(os.geteuid() == 0, "only root can become nobody")
    def test_a_file_that_may_not_be_read(self):
        self.write("rules/shadow.yml", RULE)
        self.write("rules/secret.yml", RULE)
        os.chmod(self.path("rules/secret.yml"), 0)
        os.chmod(self.folder, 0o755)
        reachable = pathlib.Path(harness.TOCSIN)
        if not all(p.stat().st_mode & 0o001 for p in [reachable, *reachable.parents]):
            self.skipTest("nobody may not run the program where it is")
        out = self.as_nobody("rules", "check", "rules")
        self.assertIn("secret.yml: cannot be read", out)
        self.assertIn("rule.unreadable", out)

    def as_nobody(self, *args):
        import subprocess
        done = subprocess.run([harness.TOCSIN, *args], cwd=self.folder, env=harness.environment(),
                              stdout=subprocess.PIPE, user=65534, timeout=60, check=False)
        self.assertEqual(1, done.returncode)
        return done.stdout.decode()


if __name__ == "__main__":
    unittest.main()
