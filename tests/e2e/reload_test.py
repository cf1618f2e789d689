# SPDX-License-Identifier: Apache-2.0
"""Rules, overrides and suppression change under a running detector, and no event suffers from it.

    python3 reload_test.py
"""
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import time

import harness
from harness import process_event, until

FIRST, SECOND = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"
RULE = """title: {title}
id: {id}
logsource: {{product: windows, category: process_creation}}
level: high
tags: [attack.impact]
detection:
  sel: {{CommandLine|contains: '{text}'}}
  condition: sel
"""
SECONDS = 40


class Reload(harness.PipelineTest):
    def setUp(self):
        self.line = self.pipeline()
        self.rules = self.line.folder / "rules" / "windows"
        self.rules.mkdir(parents=True)
        self.overrides = self.line.folder / "overrides.yml"
        self.overrides.write_text("overrides:\n")
        self.write("first", FIRST)
        self.sent = 0

    def write(self, name, rule_id, text="vssadmin", title="A title"):
        """As a careful program writes: another file, then renamed."""
        fresh = self.rules / f".{name}.tmp"
        fresh.write_text(RULE.format(id=rule_id, text=text, title=title))
        os.replace(fresh, self.rules / f"{name}.yml")

    def start(self, *arguments):
        detector = self.line.detecting("--workers", 2, "--rules", self.rules.parent, "--overrides", self.overrides,
                                       *arguments)
        self.told(detector, "workers read")
        return detector

    def told(self, detector, text, times=1):
        """Waits until the detector has said it so often."""
        def log():
            self.assertTrue(detector.running(), "the detector ended: " + detector.stderr())
            return pathlib.Path(detector.log).read_text(errors="replace")
        until(SECONDS, f"the detector says '{text}'", lambda: log().count(text) >= times)
        return log()

    def produce(self, count=1, step=1):
        """Attacks; returns the rules of their verdicts, in order."""
        path = self.line.folder / f"events{self.sent}.jsonl"
        numbers = [self.sent + i * step for i in range(count)]
        self.sent = numbers[-1] + step
        path.write_text("".join(process_event(n, True) + "\n" for n in numbers))
        before = len(self.line.rows()) if self.line.csv.exists() else 0
        self.line.produce("jsonl", path)
        rows = until(SECONDS, "verdicts on all events", lambda: self.line.csv.exists() and
                     len(self.line.rows()) >= before + count and self.line.rows())
        return [row["rules"] for row in rows[before:]]

    def alerts(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.line.database}?mode=ro", uri=True)) as database:
            return [json.loads(row[0]) for row in database.execute("SELECT json FROM alerts ORDER BY timestamp")]

    def stats(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.line.database}?mode=ro", uri=True)) as database:
            return {row[0]: row[1:] for row in
                    database.execute("SELECT rule_id, matched, suppressed, first_seen, last_seen FROM rule_stats")}

    def stop(self, detector):
        detector.child.send_signal(signal.SIGTERM)
        return detector.end(SECONDS)

    def test_rules_come_change_break_and_go(self):
        detector = self.start()
        self.assertEqual(self.produce(), [FIRST])
        self.write("second", SECOND)
        self.told(detector, f"rule {SECOND} 'A title': added")
        self.told(detector, "workers have them")
        self.assertEqual(self.produce(), [f"{FIRST};{SECOND}"])
        self.write("second", SECOND, text="no such text")
        self.told(detector, f"rule {SECOND} 'A title': changed")
        self.told(detector, "workers have them", 2)
        self.assertEqual(self.produce(), [FIRST])
        (self.rules / "first.yml").write_text("title: [broken\n")
        log = self.told(detector, "the last good version stays")
        self.assertIn("first.yml:", log)
        self.told(detector, "workers have them", 3)
        self.assertEqual(self.produce(), [FIRST])
        (self.rules / "first.yml").unlink()
        self.told(detector, f"rule {FIRST} 'A title': removed")
        self.told(detector, "workers have them", 4)
        self.assertEqual(self.produce(), [""])
        (self.rules / "second.yml").unlink()
        self.told(detector, "the rules in force stay")
        self.assertEqual(self.produce(), [""])
        self.write("first", FIRST)
        self.told(detector, "workers have them", 5)
        self.assertEqual(self.produce(), [FIRST])
        self.stop(detector)

    def test_the_whole_folder_is_replaced(self):
        detector = self.start()
        other = self.line.folder / "other"
        other.mkdir()
        (other / "x.yml").write_text(RULE.format(id=SECOND, text="vssadmin", title="B"))
        os.rename(self.rules.parent, self.line.folder / "old")
        os.rename(other, self.rules.parent)
        self.told(detector, "workers have them")
        self.assertEqual(self.produce(), [SECOND])
        self.stop(detector)

    def test_sighup_without_watching(self):
        detector = self.start("--no-reload")
        self.write("second", SECOND)
        time.sleep(1.5)
        self.assertEqual(self.produce(), [FIRST])
        detector.child.send_signal(signal.SIGHUP)
        self.told(detector, "rules reloaded (asked to)")
        self.told(detector, "workers have them")
        self.assertEqual(self.produce(), [f"{FIRST};{SECOND}"])
        self.stop(detector)

    def test_overrides_disable_rank_and_scope(self):
        self.write("second", SECOND)
        detector = self.start()
        self.overrides.write_text(f"overrides:\n- {{rule: {FIRST}, disable: true}}\n"
                                  f"- {{rule: {SECOND}, level: low, hosts: {{except: [HOST1]}}}}\n"
                                  "- {rule: nobody, level: low}\n")
        log = self.told(detector, "workers have them")
        self.assertIn("no rule has the id 'nobody'", log)
        self.assertIn(f"rule {FIRST} 'A title': disabled by an override", log)
        self.produce(3)
        self.assertEqual({row["host"]: row["rules"] for row in self.line.rows()},
                         {"host0.example": SECOND, "host1.example": "", "host2.example": SECOND})
        self.assertEqual({row["level"] for row in self.line.rows()}, {"low", ""})
        self.overrides.write_text("overrides: nonsense\n")
        self.told(detector, "the rules in force stay")
        self.assertEqual(self.produce(), [SECOND])
        self.overrides.write_text("")
        self.told(detector, "workers have them", 2)
        self.assertEqual(self.produce(), [f"{FIRST};{SECOND}"])
        self.stop(detector)

    def test_suppression_counts_instead_of_repeating(self):
        self.write("second", SECOND)
        self.overrides.write_text("suppress: {by: [host], for: 2m}\n"
                                  f"overrides: [{{rule: {SECOND}, suppress: false}}]\n")
        detector = self.start()
        verdicts = self.produce(20, step=17)  # of one host, 17 s apart: 8 in each two minutes
        self.assertEqual(verdicts, [f"{FIRST};{SECOND}"] * 20)
        said = self.stop(detector)
        alerts = self.alerts()
        first = [alert["tocsin"].get("suppressed") for alert in alerts if alert["rule"]["id"] == FIRST]
        self.assertEqual(first, [None, 7, 7])
        self.assertEqual(sum(alert["rule"]["id"] == SECOND for alert in alerts), 20)
        self.assertEqual((said["alerts"], said["suppressed"]), (23, 17))
        stats = self.stats()
        self.assertEqual(stats[FIRST][:2], (20, 17))
        self.assertEqual(stats[SECOND][:2], (20, 0))
        self.assertEqual(stats[FIRST][3] - stats[FIRST][2], 19 * 17 * 10**9 + 323 * 10**6)

    def test_suppression_says_the_same_on_a_replay(self):
        self.overrides.write_text("suppress: {by: [host, Image], for: 1m}\n")
        detector = self.start("--batch", 7)
        self.produce(200)
        self.stop(detector)
        before = [(a["event"]["id"], a["tocsin"].get("suppressed")) for a in self.alerts()]
        self.assertLess(len(before), 200)
        for path in self.line.folder.glob("data/tocsin.db*"):
            path.unlink()
        self.line.group += "-again"
        self.stop_when_done(self.start("--batch", 50, "--drain", 1))
        self.assertEqual([(a["event"]["id"], a["tocsin"].get("suppressed")) for a in self.alerts()], before)

    def stop_when_done(self, detector):
        detector.end(SECONDS)

    def test_no_event_is_lost_or_unmatched_while_rules_change(self):
        detector = self.start("--batch", 50)
        path = self.line.folder / "many.jsonl"
        count = 6_000
        path.write_text("".join(process_event(n, True) + "\n" for n in range(count)))
        producer = self.line.producing("jsonl", path, "--rate", 2_000)
        changes = 0
        while producer.running():
            changes += 1
            self.write("second", SECOND, text=f"vssadmin{'' if changes % 2 else ' nothing'}")
            detector.child.send_signal(signal.SIGHUP)
            time.sleep(0.2)
        producer.end(SECONDS)
        until(SECONDS, "verdicts on all", lambda: len(self.line.rows()) >= count)
        log = self.told(detector, "rules reloaded", 3)
        self.assertNotIn("error", log)
        self.stop(detector)
        self.assert_nothing_lost(self.line, self.line.ids_on_topic())
        self.assertEqual({row["rules"] for row in self.line.rows()}, {FIRST, f"{FIRST};{SECOND}"})


if __name__ == "__main__":
    harness.main()
