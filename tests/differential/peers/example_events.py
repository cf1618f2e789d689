# SPDX-License-Identifier: Apache-2.0
"""From rules and real samples to flat events: what a rule looks for, or nearly, and what was really logged."""

import base64
import json
import pathlib

CHANNEL = "Differential/Test"  # a Windows log of no special kind: only rules for the product read it


def scalars(value):
    return value if isinstance(value, list) else [value]


class Example:
    """An event that satisfies most of what the rule's detections ask for."""

    def __init__(self, rule, random):
        self.random = random
        self.fields, self.loose = {}, []
        detection = {k: v for k, v in rule["detection"].items() if k not in ("condition", "timeframe")}
        wanted = [k for k in detection if not k.startswith("filter")]
        if random.random() < 0.3:
            wanted = random.sample(wanted, max(1, len(wanted) // 2)) if wanted else []
        for name, value in detection.items():
            if name in wanted or random.random() < 0.1:
                self.take(value)

    def take(self, value):
        if isinstance(value, list):
            self.take(self.random.choice(value)) if value else None
        elif isinstance(value, dict):
            for key, items in value.items():
                name, *modifiers = str(key).split("|")
                chosen = scalars(items)
                if "all" not in modifiers and chosen:
                    chosen = [self.random.choice(chosen)]
                for item in chosen:
                    self.one(name, modifiers, item)
        elif value is not None:
            self.loose.append(self.plain(str(value)))

    def plain(self, pattern):
        """A text that the pattern matches, in another case now and then, or nearly."""
        out, at = "", 0
        while at < len(pattern):
            c, then = pattern[at], pattern[at + 1:at + 2]
            if c == "\\" and then in ("*", "?", "\\") and then:
                out, at = out + then, at + 2
                continue
            out += self.random.choice(["", "x", "\\a b", "-"]) if c == "*" else "q" if c == "?" else c
            at += 1
        if self.random.random() < 0.25:
            out = "".join(c.swapcase() if c.isascii() and self.random.random() < 0.4 else c for c in out)
        if out and self.random.random() < 0.04:
            cut = self.random.randrange(len(out))
            out = out[:cut] + out[cut + 1:]
        return out

    def one(self, name, modifiers, item):
        parts = self.fields.setdefault(name, {"start": "", "mid": [], "end": "", "whole": None})
        if "exists" in modifiers:
            parts["whole"] = "x" if item else None
            return
        if item is None or "re" in modifiers or "fieldref" in modifiers or "expand" in modifiers:
            return
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            parts["whole"] = item + 1 if "gt" in modifiers else item - 1 if "lt" in modifiers else item
            return
        if "cidr" in modifiers:
            parts["whole"] = str(item).split("/", maxsplit=1)[0]
            return
        text = self.plain(str(item))
        for modifier in modifiers:
            if modifier in ("wide", "utf16le"):
                text = text.encode("utf-16-le").decode("latin-1")
            if modifier.startswith("base64"):
                text = base64.b64encode(("x" * self.random.randrange(3) + text).encode("latin-1", "replace")).decode()
            if modifier == "windash":
                text = text.replace(" -", " " + self.random.choice("-/\u2013\u2014\u2015"))
        if "contains" in modifiers:
            parts["mid"].append(text)
        elif "startswith" in modifiers:
            parts["start"] = text
        elif "endswith" in modifiers:
            parts["end"] = text
        else:
            parts["whole"] = text

    def event(self):
        out = {}
        for name, parts in self.fields.items():
            if not name:
                self.loose += parts["mid"]
                continue
            if parts["whole"] is not None:
                out[name] = parts["whole"]
            elif parts["start"] or parts["mid"] or parts["end"]:
                glue = self.random.choice(["", " ", "z"])
                out[name] = parts["start"] + glue.join(parts["mid"]) + parts["end"]
        if self.loose:
            out["Message"] = " ".join(self.loose)
        return out


def of_sample(event):
    """A regression sample's {"Event": ...} as flat names; values of several elements are left out."""
    out = {}
    for key, value in event["Event"].get("System", {}).items():
        if isinstance(value, dict):
            for name, attribute in value.get("#attributes", {}).items():
                out[f"{key}_{name}"] = attribute
            if "#text" in value:
                out[key] = value["#text"]
        else:
            out[key] = value
    groups = [event["Event"].get("EventData") or {}]
    groups += [g for g in (event["Event"].get("UserData") or {}).values() if isinstance(g, dict)]
    for group in groups:
        out.update({k.replace(" ", ""): v for k, v in group.items() if not isinstance(v, (dict, list))})
    return out


def read_json(path):
    """All objects of a file: one, an array, or one a line."""
    text = pathlib.Path(path).read_text(encoding="utf-8-sig")
    decoder, at, out = json.JSONDecoder(), 0, []
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        out += value if isinstance(value, list) else [value]
    return out


def as_event(fields):
    """The event in the log that all rules of the test read."""
    return {**fields, "Channel": CHANNEL, "EventID": fields.get("EventID", 0)}
