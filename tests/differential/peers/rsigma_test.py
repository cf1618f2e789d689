# SPDX-License-Identifier: Apache-2.0
"""Tocsin against rsigma, an independent engine: the same rules on the same events must give the same matches.

Each (event, rule) that only one of both has must be explained in rsigma_differences.tsv. Three runs:
  meaning  every live Windows rule, its logsource widened to all of Windows, on samples and on events made from the rules
  samples  the rules as they are, on all sample logs; rsigma is told by taxonomy.py, in fields of the event and in a pipeline,
           which log an event is of and how Sigma calls its fields
  own      the events of `./dev bench match` with the pipeline that rsigma brings, as the benchmark runs it: it does not know what a
           service is, nor any log but Sysmon's. Causes are told by rule and event, counts by cause are in the table

    rsigma_test.py            compare
    rsigma_test.py --update   write the counts of the table anew: known causes are kept, new lines get '?'
Variables: TOCSIN_TEST_SEED: which events are made (default: always the same), TOCSIN_TEST_CASES: how many of each rule (default 1),
and others each time;
TOCSIN_OTRF_EVERY=N takes only each N-th event of OTRF; TOCSIN_SHOW_DIFFERENCES prints rule and event of what the table lacks.
"""

import collections
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import example_events
import peers
import sample_events
import taxonomy
import yaml

sys.path.insert(0, str(peers.ROOT / "bench"))
import corpus  # noqa: E402  pylint: disable=wrong-import-position

RSIGMA = peers.ask("rsigma.sh", "binary")
MADE = min(5, int(os.environ.get("TOCSIN_TEST_CASES") or 1))
LINE = "PeerLine"  # rsigma tells events apart by what they hold
TABLE = peers.HERE / "rsigma_differences.tsv"
COLUMNS = ("test", "side", "rule", "count", "right", "cause")
UPDATE = "--update" in sys.argv
# What rsigma's sysmon pipeline takes each category for; other categories and all services are any event to it.
SYSMON_IDS = {
    "process_creation": [1], "file_change": [2], "network_connection": [3], "sysmon_status": [4, 16], "process_termination": [5],
    "driver_load": [6], "image_load": [7], "create_remote_thread": [8], "raw_access_thread": [9], "process_access": [10],
    "file_event": [11], "registry_event": [12, 13, 14], "registry_add": [12], "registry_delete": [12], "registry_set": [13],
    "registry_rename": [14], "create_stream_hash": [15], "pipe_created": [17, 18], "wmi_event": [19, 20, 21], "dns_query": [22],
    "file_delete": [23], "clipboard_capture": [24], "process_tampering": [25], "file_delete_detected": [26],
    "file_block_executable": [27], "file_block_shredding": [28], "file_executable_detected": [29], "sysmon_error": [255]}


class Table:
    """The committed differences: (test, side, rule) -> [count, who is right, cause]."""

    def __init__(self):
        with open(TABLE, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.head = [line for line in lines if line.startswith("#")]
        rows = [line.split("\t") for line in lines if not line.startswith("#")][1:]
        self.rows = {tuple(row[:3]): row[3:] for row in rows}

    def update(self, test, found, causes):
        """Writes the counts that were found, and the causes where the test knows them."""
        old = {key: self.rows.pop(key) for key in list(self.rows) if key[0] == test}
        for (side, rule), count in found.items():
            _, right, cause = old.get((test, side, rule), ["", "?", "?"])
            if (side, rule) in causes:
                cause = causes[side, rule]
                right = "both" if cause.startswith(("twin", "sysmon")) else "tocsin"
            self.rows[test, side, rule] = [str(count), right, cause]
        with open(TABLE, "w", encoding="utf-8") as file:
            file.write("\n".join(self.head + ["\t".join(COLUMNS)]) + "\n")
            file.writelines("\t".join([*key, *row]) + "\n" for key, row in sorted(self.rows.items()))


def windows_rules(change):
    """{id: (name of the file, text)} of the live rules for Windows, or for no product, that have no placeholders."""
    out = {}
    for folder in peers.LIVE:
        for path in sorted((peers.DATA / "sigma" / folder).rglob("*.yml")):
            text = path.read_text(encoding="utf-8")
            rule = yaml.load(text, Loader=yaml.CSafeLoader)
            if rule.get("logsource", {}).get("product", "windows") == "windows" and "|expand" not in text:
                out[rule["id"]] = (path.name, change(text), rule)
    return out


def pipeline(rules):
    """Rules read an event only if it says that it is of their category and service."""
    steps = []
    for attribute, field in (("category", "PeerCategory"), ("service", "PeerService")):
        for value in sorted({rule["logsource"][attribute] for _, _, rule in rules.values() if attribute in rule["logsource"]}):
            steps.append({"id": f"{attribute}_{value}", "type": "add_condition", "conditions": {field: value},
                          "rule_conditions": [{"type": "logsource", attribute: value}]})
    return {"name": "peer", "priority": 10, "transformations": steps}


def item_causes(modifiers, value):
    """What rsigma makes another thing of."""
    bare = re.sub(r"\\[*?\\]", "", value)
    if {"startswith", "endswith"} & modifiers and "re" not in modifiers and re.search(r"[*?]", bare):
        yield "affix-wildcard"
    if "windash" in modifiers and "/" in value:
        yield "windash-slash"


def engine_causes(detection):
    """The causes that a rule's detections give rise to, whatever the event."""
    if isinstance(detection, list):
        return set().union(*map(engine_causes, detection))
    out = set()
    for key, values in detection.items() if isinstance(detection, dict) else ():
        for value in example_events.scalars(values):
            out.update(item_causes(set(str(key).split("|")[1:]), str(value)))
        out |= engine_causes(values)
    return out


def known_causes():
    """The causes that the documentation explains: the first column of its tables."""
    text = (peers.ROOT / "docs/sigma-differences.md").read_text(encoding="utf-8")
    return {line.split("|")[1].strip(" `") for line in text.splitlines() if line.startswith("| `")}


class Rsigma(peers.Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-peers-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        (self.folder / "rules").mkdir()

    def write_rules(self, change=lambda text: text):
        rules = windows_rules(change)
        for name, text, _ in rules.values():
            (self.folder / "rules" / name).write_text(text, encoding="utf-8")
        (self.folder / "pipeline.yml").write_text(json.dumps(pipeline(rules)), encoding="utf-8")
        return {rule_id: rule for rule_id, (_, _, rule) in rules.items()}

    def start(self, name, *command):
        """A program that reads what is written to its standard input; its results go to a file."""
        with open(self.folder / name, "wb") as out, open(self.folder / (name + ".err"), "wb") as err:
            return subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=out, stderr=err,
                                    env=peers.environment(), cwd=self.folder)

    def end(self, name, program):
        program.stdin.close()
        if program.wait() != 0:
            self.fail(f"{name}: status {program.returncode}: {(self.folder / (name + '.err')).read_text()[-3000:]}")

    def both(self, pairs, *options, rules="rules"):
        """Runs both programs on (line for Tocsin, line for rsigma); sets of (number of the line, rule id)."""
        tocsin = self.start("tocsin", peers.TOCSIN, "-q", "scan", "--rules", rules, "--format", "jsonl", "-")
        rsigma = self.start("rsigma", RSIGMA, "engine", "eval", "-r", rules, "--input-format", "json", "--include-event", *options)
        for number, (line, other) in enumerate(pairs, 1):
            tocsin.stdin.write(line + b"\n")
            rsigma.stdin.write(b'{"%s":%d,' % (LINE.encode(), number) + other.lstrip()[1:] + b"\n")
        self.end("tocsin", tocsin)
        self.end("rsigma", rsigma)
        ours, theirs = set(), set()
        with open(self.folder / "tocsin", encoding="utf-8") as file:
            for found in map(json.loads, file):
                ours.add((found["log"]["offset"], found["rule"]["id"]))
        with open(self.folder / "rsigma", encoding="utf-8") as file:
            for found in map(json.loads, file):
                theirs.add((found["event"][LINE], found["rule_id"]))
        return ours, theirs

    def compare(self, test, events, ours, theirs, causes=None):
        """Each difference must be in the table, as often, and with its cause where `causes` ({(side, rule): cause}) has it."""
        found, causes = self.count(ours, theirs), causes or {}
        print(f"{test}: {events} events, tocsin {len(ours)} matches, rsigma {len(theirs)}, in both {len(ours & theirs)}, "
              f"only tocsin {len(ours - theirs)}, only rsigma {len(theirs - ours)}")
        self.assertGreater(len(ours & theirs), 500)
        table = Table()
        if UPDATE and test != "meaning":  # its events are made by chance
            return table.update(test, found, causes)
        wanted = {key[1:]: row for key, row in table.rows.items() if key[0] == test}
        wrong = []
        for key in sorted(set(wanted) | set(found)):
            count, want = found.get(key, 0), wanted.get(key, ["0"])[0]
            if want not in (str(count), "*"):
                wrong.append(f"only {' '.join(key)}: {count} found, {want} explained")
            elif key in causes and causes[key] != wanted[key][2]:
                wrong.append(f"only {' '.join(key)}: for {causes[key]}, not {wanted[key][2]}")
        return self.assertEqual([], wrong, "\n".join(wrong))

    @staticmethod
    def count(ours, theirs):
        return collections.Counter(("tocsin" if pair in ours else "rsigma", pair[1]) for pair in ours ^ theirs)

    @staticmethod
    def show(pairs, ours, lines, rules, test):
        known = {key[1:] for key in Table().rows if key[0] == test}
        for number, rule in sorted(pairs):
            side = "tocsin" if (number, rule) in ours else "rsigma"
            if (side, rule) not in known:
                print("only", side, rule, json.dumps(rules[rule]["detection"]), lines[number].decode()[:4000], sep="\n  ")

    def test_rules_mean_the_same(self):
        fresh = random.SystemRandom().randrange(2**32) if os.environ.get("TOCSIN_TEST_CASES") else 1
        seed = int(os.environ.get("TOCSIN_TEST_SEED") or fresh)
        print(f"TOCSIN_TEST_SEED={seed}")
        chance = random.Random(seed)
        rules = self.write_rules(peers.for_all_windows_logs)
        events = [example_events.of_sample(json.loads(line)) for line in sample_events.regression()]
        events += [example_events.Example(rules[rule], chance).event() for rule in sorted(rules) for _ in range(MADE)]
        lines = [json.dumps(example_events.as_event(event), ensure_ascii=False).encode() for event in events]
        # Made events may or may not show what rsigma does with a rule; the rows must be those of just such rules.
        causes = {rule: "+".join(sorted(engine_causes(rules[rule]["detection"]))) for rule in rules}
        rows = {key[2]: row[2] for key, row in Table().rows.items() if key[0] == "meaning"}
        self.assertEqual(rows, {rule: cause for rule, cause in causes.items() if cause})
        ours, theirs = self.both((line, line) for line in lines)
        if os.environ.get("TOCSIN_SHOW_DIFFERENCES"):
            self.show(ours ^ theirs, ours, dict(enumerate(lines, 1)), rules, "meaning")
        self.compare("meaning", len(lines), ours, theirs)

    def completed(self, lines, kinds, keep=None):
        """(line, the event as rsigma gets it)"""
        table = taxonomy.Taxonomy()
        for line, event in sample_events.windows_events(lines):
            services, categories = table.of(event)
            event = {**table.complete(event), "PeerService": services, "PeerCategory": categories}
            kinds.append(f"{event['Channel']}/{event['EventID']}")
            other = json.dumps(event).encode()
            if keep is not None:
                keep[len(kinds)] = other
            yield line, other

    def test_samples_match_the_same(self):
        rules, kinds = self.write_rules(), []
        keep = {} if os.environ.get("TOCSIN_SHOW_DIFFERENCES") else None
        def samples():
            yield from sample_events.regression()
            yield from sample_events.attacks(self.folder)
            yield from sample_events.otrf(int(os.environ.get("TOCSIN_OTRF_EVERY") or 1))
        ours, theirs = self.both(self.completed(samples(), kinds, keep), "-p", "pipeline.yml")
        if keep:
            self.show(ours ^ theirs, ours, keep, rules, "samples")
        self.compare("samples", len(kinds), ours, theirs)

    def test_each_row_names_a_cause_that_the_documentation_has(self):
        known = known_causes()
        for key, (_, right, cause) in Table().rows.items():
            self.assertIn(right, ("tocsin", "rsigma", "both"), key)
            for one in cause.split("+"):
                self.assertIn(one, known, key)

    def own_cause(self, side, rule, event):
        """Why its own pipeline gives rsigma another answer; None when that is not the pipeline's doing."""
        logsource = rule["logsource"]
        if side == "rsigma":
            if "|expand" in json.dumps(rule["detection"]):
                return "placeholder"
            return None if self.taxonomy.reads(logsource, event) else "other-log"
        known, number = SYSMON_IDS.get(logsource.get("category"), ()), int(event["EventID"])
        if not known or number in known:
            return None
        return f"{'twin' if event['Channel'].lower() == 'security' else 'sysmon'}-{number}"

    def test_own_pipeline(self):
        os.environ["TOCSIN_BENCH_CACHE"] = str(self.folder / "bench")
        events, rules = corpus.otrf_jsonl(peers.DATA), corpus.rules_folder(peers.DATA)
        by_id = {rule["id"]: rule for rule in (yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
                                               for path in rules.rglob("*.yml"))}
        lines = events.read_bytes().splitlines()
        ours, theirs = self.both(((line, line) for line in lines), "-p", "sysmon", "--logsource-routing", rules=rules)
        self.taxonomy, causes, left = taxonomy.Taxonomy(), collections.defaultdict(set), []
        for number, rule in sorted(ours ^ theirs):
            side = "tocsin" if (number, rule) in ours else "rsigma"
            cause = self.own_cause(side, by_id[rule], json.loads(lines[number - 1]))
            if cause:
                causes[side, rule].add(cause)
            else:
                left.append((side, number, rule))
        # What only field names explain is gone once rsigma knows them; what stays is a difference of the engines.
        self.write_rules()
        numbers = [n for n in sorted({n for _, n, _ in left}) if sample_events.of_windows(json.loads(lines[n - 1]))]
        _, told = self.both(self.completed((lines[number - 1] for number in numbers), []), "-p", "pipeline.yml")
        told = {(numbers[number - 1], rule) for number, rule in told}
        for side, number, rule in left:
            agrees = ((number, rule) in told) == (side == "tocsin")
            causes[side, rule].add("field-names" if agrees else "engine")
        self.compare("own", len(lines), ours, theirs, {key: "+".join(sorted(cause)) for key, cause in causes.items()})


if __name__ == "__main__":
    if RSIGMA is None:
        peers.skip("rsigma is not installed: tools/peers/rsigma.sh install")
    peers.need_data()
    sys.argv = [a for a in sys.argv if a != "--update"]
    unittest.main(verbosity=2)
