#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what the engine does not ask of a rule: the house rules of rules/.

  rules/, mappings/attack.yml -> this -> one line per problem, exit 1 if there is any

`tocsin rules check` proves that a rule compiles and `tocsin rules test` that it behaves; this proves
that ids are unique, that every rule has cases of both kinds, and that its tags name real tactics and
techniques.
"""
import pathlib
import re
import sys
import uuid

import yaml

LEVELS = {"informational", "low", "medium", "high", "critical"}
REQUIRED = ("title", "id", "status", "description", "references", "author", "date", "license",
            "tags", "logsource", "detection", "falsepositives", "level")
TECHNIQUE = re.compile(r"attack\.t\d{4}(\.\d{3})?")
REFERENCE = re.compile(r"https://attack\.mitre\.org/techniques/T\d{4}/(\d{3}/)?")
# TA0112 was split off TA0005: what the table lists under one may be tagged with the other.
TWINS = {"stealth", "defense-impairment"}


def load_attack(path):
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {tactic["slug"] for tactic in data["tactics"]}, data["techniques"]


def check_tags(rule, folder, tactics, techniques):
    tags = [str(tag) for tag in rule.get("tags", [])]
    names = [tag.removeprefix("attack.") for tag in tags if not TECHNIQUE.fullmatch(tag)]
    if not names or names[0] != folder:
        yield f"the first tag must be the tactic of the folder, attack.{folder}"
    yield from (f"unknown tactic {name}" for name in names if name not in tactics)
    ids = [tag.removeprefix("attack.").upper() for tag in tags if TECHNIQUE.fullmatch(tag)]
    if not ids:
        yield "no technique tag"
    for technique in ids:
        if technique not in techniques:
            yield f"unknown technique {technique}"
            continue
        allowed = set(techniques[technique]["tactics"])
        if allowed & TWINS:
            allowed |= TWINS
        if not allowed & set(names):
            yield f"{technique} belongs to {', '.join(sorted(allowed))}, none of which is tagged"


def check_rule(rule, path):
    yield from (f"no {key}" for key in REQUIRED if not rule.get(key))
    try:
        if uuid.UUID(str(rule.get("id"))).version != 4:
            yield "the id is not a UUID of version 4"
    except ValueError:
        yield "the id is not a UUID"
    if rule.get("level") not in LEVELS:
        yield f"unknown level {rule.get('level')}"
    if rule.get("status") not in {"stable", "test"}:
        yield "status must be stable or test"
    if not re.fullmatch(r"[a-z0-9_]{5,60}\.yml", path.name):
        yield "the file name must be lower case words joined by underscores"
    yield from (f"reference outside ATT&CK: {url}" for url in rule.get("references", [])
                if not REFERENCE.fullmatch(url))


def check_cases(rule, path):
    cases_path = path.with_name(path.stem + ".test.yml")
    if not cases_path.exists():
        yield f"no {cases_path.name} beside it"
        return
    cases = yaml.safe_load(cases_path.read_text(encoding="utf-8"))
    if cases.get("rule") != rule.get("id"):
        yield f"{cases_path.name} names another rule"
    wanted = [case["match"] for case in cases["cases"]]
    if True not in wanted or False not in wanted:
        yield f"{cases_path.name} needs a case that matches and a near miss"
    names = [case["name"] for case in cases["cases"]]
    if len(set(names)) != len(names):
        yield f"{cases_path.name} has two cases of one name"


def check(root):
    tactics, techniques = load_attack(root / "mappings" / "attack.yml")
    seen = {}
    for path in sorted((root / "rules").rglob("*.yml")):
        if path.name.endswith(".test.yml"):
            if not path.with_name(path.name.removesuffix(".test.yml") + ".yml").exists():
                yield path, "cases without a rule"
            continue
        rule = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key in ("id", "title"):
            other = seen.setdefault((key, rule.get(key)), path)
            if other is not path:
                yield path, f"same {key} as {other.name}"
        problems = [*check_rule(rule, path), *check_cases(rule, path)]
        problems += check_tags(rule, path.parent.name, tactics, techniques)
        yield from ((path, problem) for problem in problems)


if __name__ == "__main__":
    base = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    found = list(check(base))
    for where, what in found:
        print(f"{where}: error: {what}")
    count = sum(1 for p in (base / "rules").rglob("*.yml") if not p.name.endswith(".test.yml"))
    print(f"{count} rules checked, {len(found)} problems", file=sys.stderr)
    sys.exit(bool(found) or count == 0)
