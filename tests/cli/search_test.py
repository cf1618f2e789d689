# SPDX-License-Identifier: Apache-2.0
"""tocsin search: from events on the topic to what people find, and what they are told when they err."""

import csv
import io
import json
import sqlite3

from harness import Case, event, main


class Search(Case):
    def fill(self):
        lines = [event(1), event(2, "notepad.exe"), event(3, 'vssadmin delete shadows /all "C:\\two words"')]
        self.write("in.jsonl", b"\n".join(lines) + b"\n")
        self.run_("-q", "produce", "in.jsonl")
        self.run_("-q", "detect", "--drain", "0.3", "--sinks", "sqlite")

    def found(self, query, *args):
        out, _ = self.run_("-q", "search", query, "--format", "jsonl", *args)
        return [json.loads(line) for line in out.splitlines()]

    def test_finds_alerts_by_words_and_fields(self):
        self.fill()
        every = self.found("")
        self.assertEqual(2, len(every))
        row = every[0]
        for query, count in (("vssadmin", 2), ("VSSADMIN", 2), ("vssad*", 2), ('"two words"', 1), ("notepad", 0),
                             ("host:host1", 2), ("host:host1.example", 2), ("host:host2", 0), ("code:1", 2),
                             ("level:>=low", 2), ("level:<informational", 0), ("tactic:impact", 2), ("class:none", 0),
                             (f'rule:"{row["rule"]["name"]}"', 2), (f'rule:{row["rule"]["id"]}', 2),
                             (f'event_id:{row["event_id"]}', 1), (f'trace_id:{row["trace_id"]}', 1),
                             ("NOT vssadmin", 0), ("vssadmin -words", 1), ("words OR host:host1", 2),
                             ("status:new", 2), ("status:closed", 0), ("time:<2026-01-06", 2), ("time:>-1h", 0)):
            with self.subTest(query=query):
                self.assertEqual(count, len(self.found(query)))
                self.assertEqual(f"{count}\n", self.run_("search", "--count", query)[0])
        self.assertEqual(2, len(self.found("", "--since", "2026-01-01", "--until", "2026-02-01")))
        self.assertEqual(0, len(self.found("", "--since", "2026-02-01")))

    def test_finds_verdicts_and_where_their_events_lie(self):
        self.fill()
        rows = self.found("host:host1", "--verdicts")
        self.assertEqual(3, len(rows))
        self.assertEqual({("raw-events", 3)}, {(r["source"]["topic"], len(r["source"])) for r in rows})
        for query, count in (("", 3), ("class:none", 1), ("class:impact", 2), ("vssadmin", 2), ("NOT vssadmin", 1),
                             ("code:1 channel:microsoft*", 3), ("host:other", 0), ("level:>=low class:none", 0)):
            with self.subTest(query=query):
                self.assertEqual(count, len(self.found(query, "--verdicts")))
                self.assertEqual(f"{count}\n", self.run_("search", "--verdicts", "--count", query)[0])

    def test_cells_of_csv_are_no_formulas(self):
        attack = json.loads(event(1))
        attack["Event"]["System"]["Computer"] = '=HYPERLINK("http://x","y")'
        attack["Event"]["EventData"]["User"] = "@SUM(A1)"
        self.write("in.jsonl", json.dumps(attack).encode() + b"\n")
        self.run_("-q", "produce", "in.jsonl")
        self.run_("-q", "detect", "--drain", "0.3", "--sinks", "sqlite")
        for kind in ([], ["--verdicts"]):
            row = next(csv.DictReader(io.StringIO(self.run_("search", "--format", "csv", *kind)[0])))
            self.assertEqual("'" + attack["Event"]["System"]["Computer"], row["host"])
            self.assertEqual("'@SUM(A1)", row.get("user", "'@SUM(A1)"))
            for cell in row.values():
                self.assertFalse(cell and cell[0] in "=+-@\t\r", cell)

    def test_formats_and_limit(self):
        self.fill()
        out, err = self.run_("search", "--format", "csv", "--limit", "1")
        rows = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual(1, len(rows))
        self.assertEqual("host1.example", rows[0]["host"])
        self.assertIn("there are more", err)
        table, err = self.run_("search", "vssadmin")
        self.assertEqual(4, len(table.splitlines()))
        self.assertNotIn("\x1b", table)
        self.assertEqual("", err)
        self.assertIn("nothing was found", self.run_("search", "absent")[1])
        self.assertEqual(2, len(self.run_("search", "--format", "jsonl", "--limit", "0")[0].splitlines()))

    def test_what_is_wrong_is_marked(self):
        for query, says, column in (("a host:", "expected a value after 'host:'", 7), ("hots:x", "unknown field 'hots'", 0),
                                    ("a (b", "never closed", 2), ("level:severe", "is no level", 6)):
            with self.subTest(query=query):
                out, err = self.run_("search", query, code=2)
                self.assertEqual("", out)
                self.assertIn(says, err)
                self.assertIn(f"column {column + 1}:", err)
                self.assertEqual("  " + " " * column + "^", err.splitlines()[-1])
        self.assertIn("is no time", self.run_("search", "--since", "soon", code=2)[1])
        self.assertIn("no such database", self.run_("search", "x", code=1)[1])
        self.write("broken.db", b"x" * 4096)
        self.assertIn("broken.db", self.run_("search", "x", "--db", "broken.db", code=1)[1])
        db = sqlite3.connect(self.path("new.db"))
        db.executescript("CREATE TABLE x(y); PRAGMA user_version=99")
        db.close()
        self.assertIn("newer release", self.run_("search", "x", "--db", "new.db", code=1)[1])

    def test_retention_takes_out_what_is_old(self):
        self.fill()
        self.run_("-q", "detect", "--drain", "1", "--sinks", "sqlite", "--retention-days", "36500")
        self.assertEqual("3\n", self.run_("search", "--verdicts", "--count")[0])
        # The events are of January 2026; a day is all that is kept now.
        self.run_("-q", "detect", "--drain", "1", "--sinks", "sqlite", "--retention-days", "1")
        self.assertEqual("0\n", self.run_("search", "--verdicts", "--count")[0])
        self.assertEqual("0\n", self.run_("search", "--count")[0])


if __name__ == "__main__":
    main()
