# SPDX-License-Identifier: Apache-2.0
"""Small random rules that use what SQL can say too, and small random events: short texts of few letters, so that they meet.

Left out, because SQLite knows no such thing: fields that are there and null, arrays, letters beyond ASCII, keywords over
several fields at once, IPv6 networks as numbers.
"""

import base64
import json

LETTERS = "aaabAB-/ %_.1"


class Maker:
    def __init__(self, random):
        self.random = random

    def word(self, letters, longest):
        return "".join(self.random.choice(letters) for _ in range(self.random.randint(0, longest)))

    def pattern(self):
        return self.word(LETTERS + "*?\\", 4)

    def item(self):
        pick = self.random.choice
        neq = pick(["", "", "", "|neq"])
        kind = self.random.randrange(12)
        if kind == 0:
            return pick("FGH") + neq, None
        if kind == 1:
            return pick("FGH") + "|exists", pick([True, False])
        if kind == 2:
            return pick("FG") + pick(["|re", "|re|i", "|re|s"]) + neq, pick(["a.b", "^a", "b$", "[ab]{2}", "a|B", "(aa)+", "A?b"])
        if kind == 3:
            return "N" + pick(["|lt", "|lte", "|gt", "|gte"]) + neq, pick([0, 1, 2, 10, 1.5, -1])
        if kind == 4:
            return "N" + neq, pick([0, 1, 10, "10", [1, 2, 10], -1])
        if kind == 5:
            return "A|cidr" + neq, pick(["10.0.0.0/8", "10.1.2.0/24", "10.1.2.3/32", "192.168.0.0/15", "10.1.2.128/25"])
        if kind == 6:
            return pick("FG") + "|fieldref" + pick(["", "", "|startswith", "|endswith", "|contains"]) + neq, pick("FGH")
        modifiers = pick(["", "", "|contains", "|contains", "|startswith", "|endswith", "|contains|all", "|windash",
                          "|contains|windash", "|cased", "|contains|cased", "|startswith|cased", "|base64offset|contains"])
        count = self.random.randint(2, 3) if modifiers.endswith("all") else self.random.randint(1, 3)
        if "base64" in modifiers:
            return "F" + modifiers + neq, [pick(["ab", "aaa", "A-b1"]) for _ in range(count)]
        if "cased" in modifiers:  # GLOB has brackets and no escapes
            return pick("FG") + modifiers + neq, [self.word(LETTERS, 3) + "a" for _ in range(count)]
        # A text of nothing but stars is refused or doubtful, and says nothing.
        values = [self.pattern() for _ in range(count)]
        return pick("FG") + modifiers + neq, [v if v.strip("*") else "a" for v in values]

    def selection(self):
        one = dict(self.item() for _ in range(self.random.randint(1, 3)))
        return [one, dict([self.item()])] if self.random.random() < 0.2 else one

    def rule(self, number):
        condition = self.random.choice([
            "s1", "not s1", "s1 and s2", "s1 or not s2", "s1 and not s2 or f", "not (s1 or s2) and not f", "1 of s*", "all of s*",
            "all of them", "1 of them", "s1 and not 1 of f*", "not 1 of s* or f", "s1 or s2 and f", "(s1 or s2) and f"])
        detection = {"s1": self.selection(), "s2": self.selection(), "f": self.selection(), "condition": condition}
        return {"title": f"random {number}", "id": f"00000000-0000-4000-8000-{number:012}",
                "logsource": {"product": "windows"}, "detection": detection}

    def event(self):
        out = {}
        for name in "FGH":
            if self.random.random() < 0.8:
                out[name] = self.word(LETTERS + "*?\\", 6)
        if self.random.random() < 0.15:
            out["F"] = base64.b64encode((self.word("xyz", 2) + self.random.choice(["ab", "aaa", "A-b1"])).encode()).decode()
        if self.random.random() < 0.7:
            out["N"] = self.random.choice([0, 1, 2, 10, "1", "10", -1, 1.5, "x"])
        if self.random.random() < 0.7:
            out["A"] = self.random.choice(["10.1.2.3", "10.1.2.129", "10.2.0.1", "192.169.255.1", "192.170.0.1", "1.1.1.1"])
        return out


def as_yaml(rule):
    return json.dumps(rule) + "\n"  # JSON is YAML
