#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules like those of a corpus, as many as you like, to see how a program grows with them.

    bench/grow_rules.py FROM TO COUNT      COUNT rules into the new folder TO

Up to the size of the corpus every n-th rule is taken as it stands. Beyond it come copies whose literals are
others: in each text some letters are changed, so that length, wildcards, separators and most pieces stay as
in life and the text is not found. Field names, numbers and what stands under a `not` stay: a copy reads the same
events, asks for the same fields, and matches no more than before. A rule of numbers only gets other numbers; one
in which nothing can be changed (`ContextInfo: '*'` and filters) has no copies: they would be the rule itself.
"""
import fnmatch
import json
import pathlib
import random
import re
import sys
import uuid

import yaml

KEEP_MODIFIERS = {"cidr", "fieldref", "exists", "expand", "gt", "gte", "lt", "lte"}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORD = re.compile(r"[A-Za-z]+")
# In a regular expression what has a meaning of its own is passed over: escapes, groups' names, classes.
REGEX_WORD = re.compile(r"\\p\{\w+\}|\\.|\(\?P?<\w+>|\[:\w+:\]|[A-Za-z]{4,}", re.DOTALL)
SKIPPED_KEYS = {"condition", "timeframe"}
NEGATED = re.compile(r"\bnot\s+(\([^()]*\)|[^()]*?[\w*]+(?=\s|\)|$))")


def _other_letter(letter, dice):
    other = dice.choice(LETTERS)
    while other == letter.lower():
        other = dice.choice(LETTERS)
    return other.upper() if letter.isupper() else other


def change_text(text, dice, words=WORD):
    """Every word gets one letter in three changed, at least one."""
    def change(found):
        word = list(found.group())
        if not word[0].isalpha():
            return found.group()
        for place in dice.sample(range(len(word)), max(1, len(word) // 3)):
            word[place] = _other_letter(word[place], dice)
        return "".join(word)
    return words.sub(change, text)


def negated_names(detection):
    """The names of the sections under a `not`, by the look of the condition (innermost parentheses only)."""
    conditions = detection.get("condition", "")
    patterns = set()
    for condition in conditions if isinstance(conditions, list) else [conditions]:
        for found in NEGATED.finditer(re.sub(r"\b(1|all|any) of ", "", str(condition))):
            patterns.update(re.findall(r"[\w*]+", found.group(1)))
    return {name for name in detection if any(fnmatch.fnmatchcase(name, p) for p in patterns)}


class Rewriter:
    """One copy of one rule."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.changed = 0
        self.numbers = False  # numbers, too

    def value(self, value, modifiers):
        if isinstance(value, list):
            return [self.value(item, modifiers) for item in value]
        if isinstance(value, dict):
            return self.mapping(value)
        if KEEP_MODIFIERS & modifiers or value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)) or (isinstance(value, str) and value.isdigit()):
            if not self.numbers:
                return value
            self.changed += 1
            other = int(float(value)) + self.dice.randrange(100_000, 1_000_000)
            return str(other) if isinstance(value, str) else other
        text = change_text(str(value), self.dice, REGEX_WORD if "re" in modifiers else WORD)
        self.changed += text != value
        return text

    def mapping(self, section):
        return {key: self.value(value, set(str(key).split("|")[1:])) for key, value in section.items()}

    def detection(self, detection):
        out, kept = {}, negated_names(detection) | SKIPPED_KEYS
        for name, section in detection.items():
            if name in kept:
                out[name] = section
            elif isinstance(section, dict):
                out[name] = self.mapping(section)
            else:
                out[name] = self.value(section, set())
        return out


def copy_rule(rule, number):
    """The rule with other literals; None when it has none."""
    rewriter = Rewriter("%s %d" % (rule["id"], number))
    detection = rewriter.detection(rule["detection"])
    if rewriter.changed == 0:
        rewriter.numbers = True
        detection = rewriter.detection(rule["detection"])
    if rewriter.changed == 0:
        return None
    out = {k: rule[k] for k in ("title", "logsource", "level", "tags") if k in rule}
    out["id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, "%s/%d" % (rule["id"], number)))
    out["title"] = "%s (%d)" % (rule["title"], number)
    out["detection"] = detection
    return out


def read_rules(folder):
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rules = []
    for path in sorted(pathlib.Path(folder).rglob("*.yml")):
        rule = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        if isinstance(rule, dict) and "detection" in rule and "id" in rule:
            rules.append((path, rule))
    return rules


def grow(source, target, count):
    """Writes `count` rules below `target`; returns how many there are."""
    target = pathlib.Path(target)
    rules = read_rules(source)
    step = max(1.0, len(rules) / count)
    taken = [rules[int(i * step)] for i in range(min(count, len(rules)))]
    target.mkdir(parents=True)
    for number, (path, _) in enumerate(taken):
        (target / ("0-%05d.yml" % number)).write_bytes(path.read_bytes())
    written, copy = len(taken), 1
    while written < count:
        folder = target / str(copy)
        folder.mkdir()
        before = written
        for path, rule in rules:
            if written == count:
                break
            made = copy_rule(rule, copy)
            if made is None:
                continue
            # JSON is YAML; dates of the original are left out, so all of it can be written.
            text = json.dumps(made, ensure_ascii=False, default=str)
            (folder / ("%05d.yml" % written)).write_text(text + "\n", encoding="utf-8")
            written += 1
        if written == before:
            raise ValueError("no rule below %s has a literal that could be another" % source)
        copy += 1
    return written


def main(arguments):
    if len(arguments) != 3 or not arguments[2].isdigit() or int(arguments[2]) == 0:
        sys.stderr.write(__doc__)
        return 2
    if pathlib.Path(arguments[1]).exists():
        sys.stderr.write("grow_rules: %s is there already; name a new folder\n" % arguments[1])
        return 2
    print(grow(arguments[0], arguments[1], int(arguments[2])), "rules")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
