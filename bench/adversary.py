#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Events made to be as dear as possible to match, out of the rules themselves.

    bench/adversary.py RULES FOLDER [SEED]     one file of JSON lines for each kind into FOLDER

Every event is a Windows event that rules read (mostly Sysmon 1), so that nothing can be thrown away early,
and no two hold the same values, so that nothing can be remembered.
"""
import collections
import json
import pathlib
import random
import re
import sys

import grow_rules

BYTES_EACH = 6_000_000  # of one kind
LONG = 4_000_000        # of one value
TEXT_MODIFIERS = {"contains", "startswith", "endswith", "windash", "all", "cased"}


def literals_by_field(rules):
    """{field: texts that rules look for in it}, and {field: regular expressions}."""
    texts, patterns = collections.defaultdict(set), collections.defaultdict(set)

    def take(section):
        if isinstance(section, list):
            for item in section:
                take(item)
        if not isinstance(section, dict):
            return
        for key, value in section.items():
            field, *modifiers = str(key).split("|")
            for item in value if isinstance(value, list) else [value]:
                if not isinstance(item, str) or not item:
                    continue
                if "re" in modifiers:
                    patterns[field].add(item)
                elif set(modifiers) <= TEXT_MODIFIERS:
                    texts[field].update(part for part in re.split(r"[*?]+", item) if len(part) >= 3)

    for _, rule in rules:
        for name, section in rule["detection"].items():
            if name != "condition":
                take(section)
    return ({k: sorted(v) for k, v in texts.items() if v}, {k: sorted(v) for k, v in patterns.items()})


class Adversary:
    """Methods named kind_*: event number -> the event's own fields. Long texts have `LONG` bytes or more."""

    def __init__(self, rules, seed=1):
        self.dice = random.Random(seed)
        self.texts, self.patterns = literals_by_field(rules)
        self.fields = sorted(self.texts, key=lambda f: -len(self.texts[f]))
        self.lines = self.texts["CommandLine"]
        self.pieces = sorted({text[i:i + 4] for text in self.lines for i in range(0, len(text) - 3)})

    def _fill(self, parts, size, between=""):
        """Parts in a random order, again and again, to about `size` characters."""
        mean = sum(map(len, parts)) / len(parts) + len(between)
        return between.join(self.dice.choices(parts, k=int(size / mean) + 1))

    def _word(self, size):
        return "".join(self.dice.choices("abcdefghijklmnopqrstuvwxyz0123456789\\./-_ ", k=size))

    def kind_long_value(self, _):
        return {"CommandLine": self._fill([self._word(61) for _ in range(997)], LONG)}

    def kind_one_character(self, number):
        return {"CommandLine": "aA-\\. "[number % 6] * LONG + str(number)}

    def kind_many_fields(self, number):
        return {"Field%d_%d" % (number, i): "value %d" % i for i in range(10_000)}

    def kind_many_short_fields(self, number):
        return {"%x" % (number * 10_000 + i): i for i in range(10_000)}

    def kind_same_field_again(self, number):
        """One name 10,000 times; written by hand, since a dictionary cannot hold it."""
        return [("CommandLine", "%s %d %d" % (self.lines[i % len(self.lines)][:-1], number, i)) for i in range(10_000)]

    def kind_distinct_values(self, _):
        return {field: self._word(self.dice.randrange(20, 120)) for field in self.fields}

    def kind_distinct_paths(self, number):
        """Every field a path that ends like most literals end."""
        return {field: "C:\\Windows\\System32\\%s%d.exe" % (self._word(9), number) for field in self.fields}

    def kind_array_of_distinct(self, number):
        return {"CommandLine": ["%s %d" % (self._word(8), number * 100_000 + i) for i in range(100_000)]}

    def kind_array_of_near_misses(self, number):
        return {"CommandLine": ["%d%s" % (number * 100_000 + i, self.lines[i % len(self.lines)][:-1])
                                for i in range(100_000)]}

    def kind_near_miss_short(self, _):
        """Every field: literals of that very field less their last character."""
        return {field: self._fill([t[:-1] for t in self.texts[field]], 200) for field in self.fields}

    def kind_near_miss_long(self, _):
        return {"CommandLine": self._fill([t[:-1] for t in self.lines], LONG)}

    def kind_prefixes(self, _):
        parts = [t[:n] for t in self.lines for n in range(3, len(t), 3)]
        return {"CommandLine": self._fill(parts, LONG)}

    def kind_suffixes(self, _):
        parts = [t[n:] for t in self.lines for n in range(1, len(t) - 2, 3)]
        return {"CommandLine": self._fill(parts, LONG)}

    def kind_all_literals(self, _):
        """Everything that rules look for in a command line: almost all predicates hold."""
        return {"CommandLine": self._fill(self.lines, LONG // 8, " ")}

    def kind_all_literals_everywhere(self, _):
        return {field: self._fill(self.texts[field], 2_000, " ") for field in self.fields}

    def kind_four_grams(self, _):
        """Pieces of four characters of literals, which a filter of such pieces lets through."""
        return {"CommandLine": self._fill(self.pieces, LONG)}

    def kind_one_four_gram(self, number):
        return {"CommandLine": self.pieces[number * 37 % len(self.pieces)] * (LONG // 4) + str(number)}

    def kind_regex_bait(self, _):
        """What regular expressions ask for in front, then long runs on which a backtracking matcher would work."""
        bait = ["cmd.exe /c set x=", "powershell -e ", "for /f ", "^", "(((((", "'+'", '"+"', "%%", "a" * 40, " " * 40,
                "JAB" * 10, "1" * 30, "\\x41", "$env:", "`", "-f", "{0}{1}{2}", "echo.", "&&", "||"]
        fields = sorted(self.patterns)
        return {field: self._fill(bait + self.lines[:200], 100_000) for field in fields}

    def kind_regex_near_miss(self, _):
        """The patterns' own literal words, in order, without what stands between them."""
        words = [w for all_of_field in self.patterns.values() for p in all_of_field for w in re.findall(r"\w{3,}", p)]
        return {field: self._fill(words, 60_000, " ") for field in sorted(self.patterns)}

    def kind_not_ascii(self, _):
        letters = "".join(map(chr, range(0xC0, 0x180))) + "\u0130\u0131\u1E9E\u212A\u017F\U0001F600"
        return {field: "".join(self.dice.choices(letters, k=400)) for field in self.fields}

    def kind_not_ascii_long(self, _):
        letters = "".join(map(chr, range(0x390, 0x3D0))) + "\u0130\u212A"
        return {"CommandLine": "".join(self.dice.choices(letters, k=LONG // 2))}

    def kind_escapes(self, _):
        """All of it as \\u escapes (see ESCAPED)."""
        return {field: self._fill([t[:-1] for t in self.texts[field]], 150) for field in self.fields}

    def kind_escapes_long(self, _):
        return {"CommandLine": self._fill([t[:-1] for t in self.lines], LONG // 6)}

    def kind_keywords(self, _):
        """Every value of a PowerShell script block that keyword rules search."""
        return {"Part%d" % i: self._fill([t[:-1] for t in self.lines], 300) for i in range(300)}


ESCAPED = {"escapes", "escapes_long"}
CHANNELS = {
    "keywords": {"Channel": "Windows PowerShell", "EventID": 800, "SourceName": "PowerShell"},
}
SYSMON = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "SourceName": "Microsoft-Windows-Sysmon"}


def to_json(fields, escaped):
    pairs = fields if isinstance(fields, list) else list(fields.items())

    def quote(value):
        if isinstance(value, str) and escaped:
            return '"' + "".join("\\u%04x" % unit for unit in memoryview(value.encode("utf-16-le")).cast("H")) + '"'
        return json.dumps(value, ensure_ascii=False)

    return "{" + ",".join("%s:%s" % (json.dumps(k, ensure_ascii=False), quote(v)) for k, v in pairs) + "}"


def events_of(adversary, kind, size):
    """JSON lines of this kind: at least 2 events, and about `size` bytes."""
    make = getattr(adversary, "kind_" + kind)
    head = CHANNELS.get(kind, SYSMON)
    number = written = 0
    while number < 2 or written < size:
        own = make(number)
        pairs = list(own.items()) if isinstance(own, dict) else own
        base = [("Hostname", "adversary"), ("EventTime", "2026-01-01 00:00:%02d" % (number % 60)),
                ("RecordNumber", number), *head.items()]
        own_names = {name for name, _ in pairs}
        text = to_json([p for p in base if p[0] not in own_names or p[0] in head], False)[:-1]
        body = to_json([p for p in pairs if p[0] not in head], kind in ESCAPED)[1:]
        line = text + "," + body + "\n"
        written += len(line)
        number += 1
        yield line


def kinds():
    return [name[len("kind_"):] for name in dir(Adversary) if name.startswith("kind_")]


def write(rules_folder, target, seed=1, size=BYTES_EACH):
    """{kind: file} below `target`."""
    adversary = Adversary(grow_rules.read_rules(rules_folder), seed)
    target = pathlib.Path(target)
    target.mkdir(parents=True)
    out = {}
    for kind in kinds():
        out[kind] = target / (kind + ".jsonl")
        with open(out[kind], "w", encoding="utf-8") as file:
            file.writelines(events_of(adversary, kind, size))
    return out


def main(arguments):
    if len(arguments) not in (2, 3):
        sys.stderr.write(__doc__)
        return 2
    for kind, path in write(arguments[0], arguments[1], int(arguments[2]) if len(arguments) > 2 else 1).items():
        print("%-24s %s" % (kind, path))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
