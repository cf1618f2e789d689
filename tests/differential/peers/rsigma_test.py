# SPDX-License-Identifier: Apache-2.0
"""Tocsin against rsigma, an independent engine: the same rules on the same events must give the same matches.

Each (event, rule) that only one of both has must be explained in rsigma_differences.tsv. Two runs:
  meaning   every live Windows rule, its logsource widened to all of Windows, on samples and on events made from the rules
  samples   the rules as they are, on flat logs (OTRF) and the regression samples; rsigma gets its sysmon pipeline and, in a
            field, the service that mappings/windows.yml gives the event's channel
Variables: TOCSIN_TEST_SEED runs the same made events again, TOCSIN_TEST_CASES: events made of each rule (default 1), and with
it all OTRF events instead of every 25th.
"""

import json
import os
import pathlib
import random
import shutil
import tempfile
import unittest
import zipfile

import example_events
import peers
import yaml

RSIGMA = peers.ask("rsigma.sh", "binary")
MADE = min(5, int(os.environ.get("TOCSIN_TEST_CASES") or 1))
EVERY = 1 if os.environ.get("TOCSIN_TEST_CASES") else 25
LINE = "PeerLine"  # rsigma tells events apart by what they hold


def services():
    """channel, in lower case -> the first service that it is"""
    out = {}
    table = yaml.load((peers.ROOT / "mappings/windows.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for service, channels in table["services"].items():
        for channel in channels if isinstance(channels, list) else channels.get("channels", []):
            out.setdefault(str(channel).lower(), service)
    return out


def otrf_events():
    """Every n-th event of the flat Windows logs in the archives."""
    for archive in sorted((peers.DATA / "otrf").rglob("*.zip")):
        with zipfile.ZipFile(archive) as files:
            for name in sorted(files.namelist()):
                if not name.endswith(".json") or "__MACOSX" in name:
                    continue
                with files.open(name) as lines:
                    for number, line in enumerate(lines):
                        if number % EVERY:
                            continue
                        try:
                            event = json.loads(line)
                        except ValueError:  # not every file is one object a line
                            continue
                        if isinstance(event, dict) and "Channel" in event and "EventID" in event:
                            yield event


class Rsigma(peers.Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-peers-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        (self.folder / "rules").mkdir()

    def write_rules(self, change):
        """The live Windows rules that have no placeholders; {id: rule}."""
        out = {}
        for name in peers.LIVE:
            for path in sorted((peers.DATA / "sigma" / name).rglob("*.yml")):
                text = path.read_text(encoding="utf-8")
                rule = yaml.load(text, Loader=yaml.CSafeLoader)
                if rule.get("logsource", {}).get("product") == "windows" and "|expand" not in text:
                    out[rule["id"]] = rule
                    (self.folder / "rules" / path.name).write_text(change(text), encoding="utf-8")
        return out

    def write_events(self, events):
        with open(self.folder / "events.jsonl", "w", encoding="utf-8") as file:
            for line, event in enumerate(events, 1):
                event[LINE] = f"line {line}"
                file.write(json.dumps(event, ensure_ascii=False) + "\n")

    def both(self, *options):
        """(ours, theirs), sets of (line, rule id)."""
        rules, events = self.folder / "rules", self.folder / "events.jsonl"
        ours = {(alert["log"]["offset"], alert["rule"]["id"])
                for alert in peers.tocsin_alerts([rules], events, self.folder)}
        theirs = set()
        for line in peers.run(RSIGMA, "engine", "eval", "-r", rules, "-e", f"@{events}", "--input-format", "json",
                              "--include-event", *options, cwd=self.folder).splitlines():
            found = json.loads(line)
            theirs.add((int(found["event"][LINE].split()[1]), found["rule_id"]))
        return ours, theirs

    def compare(self, test, events, ours, theirs):
        table = peers.Differences("rsigma_differences.tsv")
        found = []
        for line, rule in sorted(ours ^ theirs):
            event = events[line - 1]
            found.append({"test": test, "side": "tocsin" if (line, rule) in ours else "rsigma", "rule": rule,
                          "event": f"{event['Channel']}/{event['EventID']}"})
            if os.environ.get("TOCSIN_SHOW_DIFFERENCES") and not table.explains(**found[-1]):
                print("only", *found[-1].values(), json.dumps(event, ensure_ascii=False)[:3000], sep="\n  ")
        print(f"{test}: {len(events)} events, tocsin {len(ours)} matches, rsigma {len(theirs)}, only one of both {len(found)}")
        self.assertGreater(len(ours), 500)
        self.expect_explained(table, found)

    def test_rules_mean_the_same(self):
        seed = int(os.environ.get("TOCSIN_TEST_SEED") or random.SystemRandom().randrange(2**32))
        print(f"TOCSIN_TEST_SEED={seed}")
        chance = random.Random(seed)
        rules = self.write_rules(peers.for_all_windows_logs)
        events = [example_events.of_sample(event)
                  for path in sorted((peers.DATA / "regression").rglob("*.json"))
                  for event in example_events.read_json(path)]
        events += [example_events.Example(rules[rule], chance).event() for rule in sorted(rules) for _ in range(MADE)]
        events = [example_events.as_event(event) for event in events]
        self.write_events(events)
        self.compare("meaning", events, *self.both())

    def test_samples_match_the_same(self):
        known = services()
        self.write_rules(lambda text: text)
        events = [example_events.of_sample(event)
                  for path in sorted((peers.DATA / "regression").rglob("*.json"))
                  for event in example_events.read_json(path)]
        events += otrf_events()
        for event in events:
            service = known.get(str(event["Channel"]).lower())
            if service:
                event["PeerService"] = service
        self.write_events(events)
        self.compare("samples", events, *self.both("-p", "sysmon", "--logsource-routing", "--event-logsource",
                                                   "product=windows", "--logsource-field-map", "service=PeerService"))


if __name__ == "__main__":
    if RSIGMA is None:
        peers.skip("rsigma is not installed: tools/peers/rsigma.sh install")
    peers.need_data()
    unittest.main(verbosity=2)
