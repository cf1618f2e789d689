# SPDX-License-Identifier: Apache-2.0
"""What pySigma says. Runs in pySigma's own Python environment (tools/peers/pysigma.sh).

  pysigma_judge.py parse RULES...             file -> why it is refused, or null
  pysigma_judge.py match EVENTS RULES...      (line of EVENTS, rule id) that match, through the SQLite backend

Both print one JSON object. An event is a flat object of names and scalars. As SQL sees it a value is text that compares
without the case of ASCII letters; numbers compare through num(), regular expressions through Python's re.
"""

import json
import pathlib
import re
import sqlite3
import sys

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

WHOLE_EVENT = "whole_event"  # keywords search this column: all values, one a line


def column(name):
    """SQLite's names know no case, Sigma's do. In back quotes: SQLite would read an unknown "name" as a text."""
    return "`" + "".join("^" + c if c.isupper() else c for c in name) + "`"


class Backend(sqliteBackend):
    compare_op_expression = "num({field}){operator}{value}"

    def escape_and_quote_field(self, field_name):
        return column(field_name)


def rule_files(paths):
    for path in map(pathlib.Path, paths):
        yield from sorted(path.rglob("*.yml")) if path.is_dir() else [path]


def load(path):
    return SigmaCollection.from_yaml(path.read_text(encoding="utf-8"))


def parse(paths):
    out = {}
    for path in rule_files(paths):
        try:
            rules = load(path)
            for rule in rules.rules:
                for condition in getattr(getattr(rule, "detection", None), "parsed_condition", []):
                    _ = condition.parsed  # read on demand only
            out[str(path)] = "; ".join(map(str, rules.errors)) or None
        except Exception as error:  # pylint: disable=broad-except
            out[str(path)] = f"{type(error).__name__}: {error}"
    return out


def number(value):
    try:
        return float(value) if re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value or "") else None
    except TypeError:
        return None


def text(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


class Table:
    def __init__(self, events):
        self.db = sqlite3.connect(":memory:")
        self.db.create_function("REGEXP", 2, lambda e, v: v is not None and re.search(e, v) is not None,
                                deterministic=True)
        self.db.create_function("num", 1, number, deterministic=True)
        self.columns = sorted({name for event in events for name in event} | {WHOLE_EVENT})
        self.db.execute("CREATE TABLE logs (line INTEGER PRIMARY KEY, "
                        + ", ".join(f"{column(c)} TEXT COLLATE NOCASE" for c in self.columns) + ")")
        marks = ", ".join("?" * (len(self.columns) + 1))
        for line, event in enumerate(events, 1):
            values = {name: text(value) for name, value in event.items()}
            values[WHOLE_EVENT] = "\n".join(v for v in values.values() if v is not None)
            self.db.execute(f"INSERT INTO logs VALUES ({marks})", [line] + [values.get(c) for c in self.columns])

    def lines(self, query):
        query = query.replace("SELECT *", "SELECT line", 1)
        while True:
            try:
                return [row[0] for row in self.db.execute(query)]
            except sqlite3.OperationalError as error:  # a field that no event has
                missing = re.fullmatch(r"no such column: (.+)", str(error))
                if not missing:
                    raise
                self.db.execute(f"ALTER TABLE logs ADD COLUMN `{missing[1]}` TEXT COLLATE NOCASE")


def match(events_path, paths):
    events = [json.loads(line) for line in open(events_path, encoding="utf-8")]
    table, out, unable = Table(events), [], {}
    backend = Backend(fulltext_field=WHOLE_EVENT)
    for path in rule_files(paths):
        rule_id = str(path)
        try:
            rules = load(path)
            rule_id = str(rules.rules[0].id)
            lines = {line for query in backend.convert(rules) for line in table.lines(query)}
            out.extend((line, rule_id) for line in sorted(lines))
        except Exception as error:  # pylint: disable=broad-except
            unable[rule_id] = f"{type(error).__name__}: {error}"
    return {"matches": out, "unable": unable}


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("parse", "match"):
        sys.exit(__doc__)
    result = parse(sys.argv[2:]) if sys.argv[1] == "parse" else match(sys.argv[2], sys.argv[3:])
    json.dump(result, sys.stdout)
