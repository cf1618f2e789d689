# SPDX-License-Identifier: Apache-2.0
"""Broken input: told with file and line or offset, counted, kept as a dead letter; the rest goes on."""

import base64
import glob
import os
import resource
import signal
import subprocess
import time
import unittest

from harness import DATA, TOCSIN, Case, environment, event, main

MIB = 1 << 20


def value_bytes(message):
    if "value_base64" in message:
        return base64.b64decode(message["value_base64"])
    value = message["value"]
    return value.encode() if isinstance(value, str) else value


class Lines(Case):
    def check_poison(self, line, says):
        """One bad line between two good ones: both are classified, the bad one is a dead letter."""
        self.write("in.jsonl", b"\n".join([event(1), line, event(2)]) + b"\n")
        out, err = self.run_("scan", "--format", "jsonl", "in.jsonl")
        self.assertEqual(2, len(out.splitlines()), err)
        self.assertRegex(err, r"in\.jsonl:2: .*" + says)
        self.assertIn("1 unreadable part", err)
        produced, detected, _ = self.pipeline("in.jsonl")
        self.assertEqual((3, 3), (produced["read"], produced["acknowledged"]))
        self.assertEqual((3, 2, 1), tuple(detected[k] for k in ("events", "alerts", "dead_letters")))
        self.assertEqual(2, len(self.verdicts()))
        (letter,) = self.messages("dead-letter")
        headers = letter["headers"]
        self.assertEqual("detect", headers["error.stage"])
        self.assertEqual("event.invalid", headers["error.code"])
        self.assertRegex(headers["error.message"], says)
        self.assertRegex(headers["origin"], r"^raw-events/\d+/\d+$")
        self.assertEqual(("in.jsonl", "2"), (headers["log.file.path"], headers["log.offset"]))
        self.assertEqual(line, value_bytes(letter))

    def test_not_json(self):
        self.check_poison(b"Jan 5 10:00:00 host sshd[1]: hello", "not a JSON object")

    def test_half_a_line(self):
        self.check_poison(event(9)[:99], "not a JSON object")

    def test_cut_at_its_last_brace(self):
        self.check_poison(event(9)[:-1], "not a JSON object")

    def test_number(self):
        self.check_poison(b"'42'", "not a JSON object")

    def test_deep_nesting(self):
        line = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
        self.write("in.jsonl", event(1) + b"\n" + line + b"\n" + event(2) + b"\n")
        _, err = self.run_("scan", "in.jsonl")
        self.assertRegex(err, r"in\.jsonl:2: nested deeper")
        _, detected, _ = self.pipeline("in.jsonl")
        self.assertEqual((2, 1), (detected["alerts"], detected["dead_letters"]))

    def check_matched(self, line, repaired):
        self.write("in.jsonl", line + b"\n")
        out, err = self.run_("scan", "--format", "jsonl", "in.jsonl")
        self.assertEqual(1, len(out.splitlines()), err)
        self.assertEqual(repaired, ", 1 repaired" in err, err)
        _, detected, _ = self.pipeline("in.jsonl")
        self.assertEqual((1, int(repaired), 0),
                         tuple(detected[k] for k in ("alerts", "repaired", "dead_letters")))
        self.assertEqual(1, len(self.verdicts()))
        return self.messages("alerts")[0]

    def test_invalid_utf8_is_repaired_and_matched(self):
        bad = event(1).replace(b"/all", b"/all \xff\xc3( \xed\xa0\x80")
        alert = self.check_matched(bad, True)
        self.assertIn("\ufffd", str(alert["value"]["tocsin"]["matched_fields"]))

    def test_nul_bytes(self):
        self.check_matched(event(1).replace(b"/all", b"/all \x00"), True)

    def test_duplicate_keys(self):
        twice = event(1).replace(b'"User": "u"', b'"User": "u", "User": "v"')
        self.assertIn(b'"v"', twice)
        self.check_matched(twice, False)

    def test_line_of_50_mb(self):
        self.write("in.jsonl", event(1) + b"\n" + b"x" * (50 * MIB) + b"\n" + event(2) + b"\n")
        _, err = self.run_("scan", "in.jsonl")
        self.assertRegex(err, r"in\.jsonl:2: the line is longer than")
        produced, detected, err = self.pipeline("in.jsonl")
        self.assertEqual((2, 1), (produced["read"], produced["problems"]))
        self.assertEqual((2, 0), (detected["alerts"], detected["dead_letters"]))
        self.assertRegex(err, r"in\.jsonl:2: ")
        (letter,) = self.messages("dead-letter")
        self.assertEqual(("produce", "line.too_long", "true"), tuple(
            letter["headers"][k] for k in ("error.stage", "error.code", "truncated")))
        self.assertEqual(b"x" * 65536, value_bytes(letter))

    def test_empty_file(self):
        self.write("empty.jsonl", b"")
        self.write("good.jsonl", event(1) + b"\n")
        self.run_("scan", "empty.jsonl")
        produced, detected, _ = self.pipeline("empty.jsonl", "good.jsonl")
        self.assertEqual((1, 1), (produced["read"], detected["alerts"]))


class Files(Case):
    def test_missing_file_and_dangling_link(self):
        self.write("logs/good.jsonl", event(1) + b"\n")
        os.symlink("nowhere", self.path("logs/link.jsonl"))
        out, err = self.run_("scan", "--format", "jsonl", "logs", "absent.jsonl", code=1)
        self.assertEqual(1, len(out.splitlines()))
        self.assertIn("absent.jsonl", err)
        self.assertIn("No such file", err)
        produced, detected, err = self.pipeline("logs/good.jsonl", "absent.jsonl", code=1)
        self.assertEqual((1, 1, 1),
                         (produced["acknowledged"], produced["unreadable"], detected["alerts"]))

    def test_rule_that_is_not_yaml_among_good_ones(self):
        good = ("title: t\nid: 6f9619ff-8b86-4011-b42d-00c04fc964ff\nlogsource: {product: windows, category: "
                "process_creation}\ndetection:\n  s: {CommandLine|contains: shadows}\n  condition: s\n")
        self.write("rules/good.yml", good)
        self.write("rules/bad.yml", "title: [\ndetection")
        self.write("in.jsonl", event(1) + b"\n")
        out, err = self.run_("scan", "--rules", "rules", "--format", "jsonl", "in.jsonl")
        self.assertEqual(1, len(out.splitlines()))
        self.assertIn("1 of 2 rules were rejected", err)
        out, _ = self.run_("rules", "check", "rules", code=1)
        self.assertRegex(out, r"bad\.yml:\d+")
        os.remove(self.path("rules/good.yml"))
        self.run_("scan", "--rules", "rules", "in.jsonl", code=2)

    def samples(self):
        found = [p for p in glob.glob(os.path.join(DATA, "evtx-attack-samples/**/*.evtx"), recursive=True)
                 if os.path.getsize(p) in range(65536, 2 * 65536)]
        if not found:
            print("SKIPPED: no EVTX below", DATA)
            self.skipTest("no EVTX samples")
        # The one whose only chunk is fullest, and where the chunk's free space begins.
        best = (0, b"")
        for path in sorted(found):
            with open(path, "rb") as file:
                data = file.read()
            best = max(best, (int.from_bytes(data[4096 + 48:4096 + 52], "little"), data), key=lambda b: b[0])
        return best[1], 4096 + best[0]

    def events_of(self, data):
        """(events, problems) of a pipeline run; a scan must agree and never fail."""
        self.write("in.evtx", data)
        _, err = self.run_("scan", "in.evtx")
        produced, detected, told = self.pipeline("in.evtx")
        self.assertEqual(produced["acknowledged"], detected["events"])
        self.assertIn(f"{produced['read']} events", err)
        if produced["problems"]:
            self.assertRegex(told, r"in\.evtx.*(offset|byte|chunk)")
            letter = self.messages("dead-letter")[0]
            self.assertEqual("produce", letter["headers"]["error.stage"])
            self.assertTrue(letter["headers"]["origin"].startswith("in.evtx"))
        subprocess.run(["rm", "-rf", self.path("tocsin-data")], check=True)
        return produced["read"], produced["problems"]

    def test_evtx_truncated_and_corrupt(self):
        whole, end = self.samples()
        events, problems = self.events_of(whole)
        self.assertGreater(events, 2)
        cut, cut_problems = self.events_of(whole[:end // 2])
        self.assertTrue(0 < cut < events or cut_problems > 0, (events, problems, cut, cut_problems))
        flipped = bytearray(whole)
        for at in range(end // 2, end // 2 + 3000):
            flipped[at] ^= 0xFF
        left, left_problems = self.events_of(bytes(flipped))
        self.assertLess(left, events)
        self.assertGreater(left_problems, problems)
        head = bytearray(whole)
        head[4096:4096 + 512] = b"\xaa" * 512  # the first chunk's header
        _, head_problems = self.events_of(bytes(head))
        self.assertGreater(head_problems, problems)


class Rules(Case):
    """Hostile rule files beside a good one: bounded work, a diagnostic for each, the good one fires."""

    HEAD = "title: x\nlogsource: {product: windows, category: process_creation}\n"

    def rule(self, detection, rule_id="11111111-2222-4333-8444-555555555555"):
        return f"id: {rule_id}\n{self.HEAD}detection:\n{detection}\n"

    def hostile(self):
        item = "  s:\n    {}\n  condition: {}"
        bomb = "title: x\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"a{i}: &a{i} [{f'*a{i - 1},' * 10}]\n" for i in range(1, 12))
        selections = "".join(f"  s{i}: {{A: v}}\n" for i in range(20_000))
        dashes = ",".join(f"' -a -b -c -d -e{i}'" for i in range(2000))
        return {
            "aliases": ("---\n" + bomb) * 2000,
            "cycle": "title: x\na: &a [*a]\n",
            "large": self.rule(item.format("F: [" + "value," * 1_800_000 + "]", "s")),
            "selections": self.rule(selections + "  condition: 1 of *" + " or all of *" * 1000),
            "name": self.rule("  ? " + "a" * 400_000 + "\n  : {F: x}\n  condition: 1 of *" +
                              "a?" * 200_000 + "b"),
            "dashes": self.rule(item.format(f"F|windash|base64offset|contains: [{dashes}]", "s")),
            "expression": self.rule(item.format("F|re: '((a{100}){100}){100}'", "s")),
            "parentheses": self.rule(item.format("F: x", "(" * 50_000 + "s" + ")" * 50_000)),
            "encoding": b"title: \xff\xfe\xfa\n",
            "binary": bytes(range(256)) * 4000,
            "deep": "[" * 1_000_000,
        }

    def test_hostile_rules_beside_a_good_one(self):
        files = self.hostile()
        for name, text in files.items():
            self.write(f"rules/{name}.yml", text)
        self.write("rules/good.yml", self.rule("  s: {CommandLine|contains: shadows}\n  condition: s",
                                               "6f9619ff-8b86-4011-b42d-00c04fc964ff"))
        os.mkfifo(self.path("pipe"))
        os.symlink(self.path("pipe"), self.path("rules/pipe.yml"))
        os.symlink("..", self.path("rules/up"))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out, _ = self.run_("rules", "check", "rules", code=1)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        for name in files:
            self.assertRegex(out, rf"rules/{name}\.yml:\d+:\d+: error: ")
        self.assertIn("1 rules in 12 files are good", out)
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 60)
        self.write("in.jsonl", event(1) + b"\n")
        out, err = self.run_("scan", "--rules", "rules", "--format", "jsonl", "in.jsonl")
        self.assertEqual(1, len(out.splitlines()), err)


class Surroundings(Case):
    def test_no_broker(self):
        self.write("in.jsonl", event(1) + b"\n")
        started = time.monotonic()
        _, err = self.run_("topics", "--bus", "kafka://127.0.0.1:1", code=1)
        self.assertLess(time.monotonic() - started, 40)
        self.assertIn("127.0.0.1:1", err)
        for command in (["detect"], ["produce", "in.jsonl"]):
            with self.subTest(command=command[0]):
                process = subprocess.Popen(
                    [TOCSIN, *command, "--bus", "kafka://127.0.0.1:1"], cwd=self.folder,
                    env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE)
                time.sleep(2.5)
                process.send_signal(signal.SIGTERM)
                stopped = time.monotonic()
                try:
                    _, err = process.communicate(timeout=30)
                finally:
                    process.kill()
                self.assertIn(b"127.0.0.1:1", err)
                self.assertLess(time.monotonic() - stopped, 12)
                self.assertIn(process.returncode, (0, 1))

    def mount(self, size):
        folder = self.path("small")
        os.makedirs(folder)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                              stderr=subprocess.DEVNULL, check=False) if os.geteuid() == 0 else None
        if done is None or done.returncode != 0:
            print("SKIPPED: a small tmpfs cannot be mounted here")
            self.skipTest("no tmpfs")
        self.addCleanup(subprocess.run, ["umount", folder], check=False)
        return folder

    def test_full_disk_under_the_bus(self):
        folder = self.mount("3m")
        self.write("in.jsonl", b"".join(event(n, "c" * 2000) + b"\n" for n in range(4000)))
        _, err = self.run_("--data", folder, "produce", "--quiet", "in.jsonl", code=1)
        self.assertRegex(err, r"(?i)full|space")
        subprocess.run(["mount", "-o", "remount,size=200m", folder], check=True)
        self.run_("--data", folder, "produce", "in.jsonl")
        self.run_("--data", folder, "detect", "--drain", "0.5", "--sinks", "csv")
        with open(os.path.join(folder, "verdicts.csv"), encoding="utf-8") as file:
            ids = {line.split(",")[0] for line in file.read().splitlines()[1:]}
        self.assertEqual(4000, len(ids))

    def test_full_disk_under_the_output(self):
        self.write("in.jsonl", event(1) + b"\n")
        _, err = self.run_("scan", "--format", "jsonl", "-o", "/dev/full", "in.jsonl", code=1)
        self.assertIn("could not be written", err)

    def test_data_directory_that_cannot_be_made(self):
        self.write("file", b"")
        self.write("in.jsonl", event(1) + b"\n")
        for command in (["produce", "in.jsonl"], ["detect", "--drain", "0.2"]):
            _, err = self.run_("--data", "file/below", *command, code=1)
            self.assertIn("file/below", err)


if __name__ == "__main__":
    main()
