# SPDX-License-Identifier: Apache-2.0
"""mappings/windows.yml read once more, in Python: what a flat event is (services, categories) and which fields it has besides
its own. Shares nothing with the normalizer, so that what a peer gets from here judges that too."""

import re

import peers
import yaml


def items(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Source:
    """One way to make a field: {from: ..., values: ..., ...}, or the short forms of it."""

    def __init__(self, what):
        if isinstance(what, (str, list)):
            what = {"from": what}
        self.names = items(what["from"])
        self.what = what

    def make(self, event):
        """The field's value, or None."""
        values = [event.get(name) for name in self.names]
        if any(value is None or isinstance(value, (dict, list)) for value in values):
            return None
        what, form = self.what, self.what.get("form")
        if len(what) == 1 and len(values) == 1:
            return values[0]
        values = [text(value) for value in values]
        if form == "decimal":
            return str(int(values[0], 0)) if re.fullmatch(r"0x[0-9a-fA-F]+|\d+", values[0]) else values[0]
        if form == "key":
            found = [part.strip().partition("=") for part in values[0].split(what["separator"])]
            return next((value for key, _, value in found if key.upper() == what["key"].upper()), None)
        if form == "registry_value":
            return self.registry_value(*values)
        out = what.get("separator", "\\").join(values)
        if out in items(what.get("absent")):
            return None
        if out in what.get("values", {}):
            return what["values"][out]
        if what.get("only_listed"):
            return None
        for prefix, instead in what.get("prefixes", {}).items():
            found = re.match(re.escape(prefix).replace(r"\#", r"\d+"), out, re.IGNORECASE)
            if found:
                return instead + out[found.end():]
        return out

    @staticmethod
    def registry_value(kind, value):
        try:
            if kind == "%%1876":
                return f"DWORD (0x{int(value, 0):08x})"
            if kind == "%%1883":
                return f"QWORD (0x{int(value, 0) >> 32:08x}-0x{int(value, 0) & 0xFFFFFFFF:08x})"
        except ValueError:
            pass
        return "Binary Data" if kind == "%%1875" else value


class Kind:
    """What one entry of the table says about a kind of event."""

    def __init__(self, entry):
        self.categories = items(entry.get("category"))
        self.when = {field: [text(v).lower() for v in items(values)] for field, values in entry.get("when", {}).items()}
        self.fields = []
        for name, what in entry.get("fields", {}).items():
            several = isinstance(what, list) and any(isinstance(part, (dict, list)) for part in what)
            sources = [Source(part) for part in (what if several else [what])]
            self.fields.append((name, sources, isinstance(what, dict) and what.get("replaces", False)))

    def holds(self, event):
        return all(text(event.get(field, "")).lower() in values for field, values in self.when.items())


class Taxonomy:
    def __init__(self):
        table = yaml.load((peers.ROOT / "mappings/windows.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        self.services, self.kinds = {}, {}
        for service, channels in table["services"].items():
            for channel in channels:
                self.services.setdefault(channel.lower(), []).append(service)
        for entry in table["events"]:
            kind = Kind(entry)
            for channel in items(entry["channel"]):
                for number in entry["ids"]:
                    self.kinds.setdefault((channel.lower(), str(number)), []).append(kind)
        self.aliases = [(name, source) for name, sources in table["agents"]["nxlog"].items() for source in items(sources)]

    def find(self, channel, number):
        return self.services.get(channel, []), self.kinds.get((channel, number), [])

    def entries(self, event):
        """(services, entries of the table); the log's own name comes before what an event says of another log."""
        channel, number = ([*items(event.get(name)), ""][0] for name in ("Channel", "EventID"))
        return self.find(text(channel).lower(), text(number))

    def of(self, event):
        """(services, categories) of a flat event."""
        services, kinds = self.entries(event)
        return services, [c for kind in kinds if kind.holds(event) for c in kind.categories]

    def complete(self, event):
        """The event with the fields that agents call otherwise and those that only follow from others."""
        blank = [name for name in event if " " in name]
        if blank:
            event = {**{name.replace(" ", ""): event[name] for name in blank}, **event}
        out = dict(event)
        for name, source in self.aliases:
            if source in event:
                own = items(out.get(name))
                out[name] = own + [event[source]] if own else event[source]
        for kind in self.entries(event)[1]:
            if not kind.holds(event):
                continue
            for name, sources, replaces in kind.fields:
                if name in event and not replaces:
                    continue
                value = next((v for v in (source.make(event) for source in sources) if v is not None), None)
                if value is not None:
                    out[name] = value
        return out

    def reads(self, logsource, event):
        """Does a rule of this logsource read the event?"""
        services, categories = self.of(event)
        return (logsource.get("product", "windows") == "windows" and logsource.get("service", None) in [None, *services]
                and logsource.get("category", None) in [None, *categories])
