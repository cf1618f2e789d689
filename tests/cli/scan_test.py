# SPDX-License-Identifier: Apache-2.0
"""tocsin scan as a responder uses it: the same answer from any container and any number of threads,
filters, timelines, the report, damaged files."""

import base64
import collections
import csv
import gzip
import hashlib
import html.parser
import io
import json
import os
import re
import signal
import subprocess
import time
import zipfile

from harness import DATA, TOCSIN, Case, environment, event, main

FIXED = {"SOURCE_DATE_EPOCH": "1700000000"}


def at(record, time, host="host1.example", command=None):
    text = event(record, command) if command else event(record)
    return (text.replace(b"2026-01-05T10:00:00.000Z", time.encode())
            .replace(b"host1.example", host.encode()))


class Same(Case):
    """Whatever holds the events, and whatever the number of threads."""

    def lines(self, count=3000):
        out = []
        for n in range(count):
            # The events are of very different sizes, some lines are blank or no JSON.
            filler = "x" * (n * 7919 % 3000)
            out.append(event(n + 1, Note=filler) if n % 3 == 0 else event(n + 1, "whoami", Note=filler))
            if n % 500 == 77:
                out.append(b"")
            if n % 700 == 5:
                out.append(b"not json at all")
        return b"\n".join(out) + b"\n"

    def scan_all(self, threads, *paths):
        outputs = {}
        args = ["--threads", str(threads), "--timeline", "t.csv", "--timeline", "t.jsonl", "--html", "r.html",
                "-o", "alerts.jsonl", "--format", "jsonl", "--summary", "json"]
        outputs["summary"], err = self.run_("-q", "scan", *args, *paths, env=FIXED)
        outputs["warnings"] = re.sub(r"(?m)^[0-9:.]+ ", "", err)
        for name in ("t.csv", "t.jsonl", "r.html", "alerts.jsonl"):
            with open(self.path(name), "rb") as file:
                outputs[name] = file.read()
        return outputs

    def test_any_number_of_threads_gives_the_same_bytes(self):
        text = self.lines()
        self.assertGreater(len(text), 4 << 20)  # several parts
        self.write("in/a.jsonl", text)
        self.write("in/b.jsonl", event(1) + b"\n" + event(2))
        with gzip.open(self.path("in/c.jsonl.gz"), "wb") as file:
            file.write(text[:1 << 20])
        one = self.scan_all(1, "in")
        self.assertIn(b"a.jsonl", one["alerts.jsonl"])
        for threads in (2, 5):
            many = self.scan_all(threads, "in")
            for name, content in one.items():
                self.assertTrue(content == many[name], name)

    def test_line_numbers_are_those_of_the_file(self):
        text = self.lines()
        self.write("a.jsonl", text)
        lines = text.split(b"\n")
        out, err = self.run_("scan", "--format", "jsonl", "--threads", "3", "a.jsonl")
        alerts = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(1000, len(alerts))
        for alert in alerts:
            event_line = json.loads(lines[alert["log"]["offset"] - 1])
            self.assertEqual(alert["winlog"]["record_id"], event_line["Event"]["System"]["EventRecordID"])
        bad = [n + 1 for n, line in enumerate(lines) if line == b"not json at all"]
        self.assertEqual([str(n) for n in bad[:3]], re.findall(r"a\.jsonl:(\d+): ", err))
        self.assertIn(f"{len(bad)} unreadable parts", err)

    def test_any_container_gives_the_same_alerts(self):
        text = self.lines(1500)
        self.write("plain/x.jsonl", text)
        with gzip.open(self.path("x.jsonl.gz"), "wb") as file:
            file.write(text)
        with zipfile.ZipFile(self.path("x.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.jsonl", text)

        def alerts(*args, stdin=b""):
            out, _ = self.run_("-q", "scan", "--format", "jsonl", *args, stdin=stdin, env=FIXED)
            rows = [json.loads(line) for line in out.splitlines()]
            paths = {row["log"]["file"].pop("path") for row in rows}
            self.assertEqual(1, len(paths))
            return paths.pop(), rows
        path, expected = alerts("plain")
        self.assertEqual(("plain/x.jsonl", 500), (path, len(expected)))
        self.assertEqual(("x.jsonl.gz", expected), alerts("x.jsonl.gz"))
        self.assertEqual(("x.zip!x.jsonl", expected), alerts("x.zip"))
        self.assertEqual(("-", expected), alerts("-", stdin=text))
        self.assertEqual(("./plain/x.jsonl", expected), alerts("./plain/x.jsonl"))

    def test_events_of_one_line_have_ids_of_their_own(self):
        self.write("r.yml", "title: T\nid: 11111111-2222-4333-8444-555555555555\nlogsource: {category: test}\n"
                            "detection: {s: {b: 1}, condition: s}\n")
        self.write("x.jsonl", b'{"b":1}{"b":1}\n{"b":1}\n')
        out, _ = self.run_("scan", "--rules", "r.yml", "--logsource", "category=test", "--format", "jsonl", "x.jsonl")
        alerts = [json.loads(line) for line in out.splitlines()]
        self.assertEqual((3, 3), (len(alerts), len({alert["event"]["id"] for alert in alerts})))

    def test_lines_of_several_events_are_the_same_from_any_container(self):
        one, two, three = event(1), event(2), event(3)
        cases = {
            "on one line": (one + two + b"\n" + three + b"\n", [1, 2, 3], 0),
            "later on one line": (one + b"\n" + two + b" " + three + b"\n", [1, 2, 3], 0),
            "commas": (one + b"," + two + b",\n" + three + b",\n", [1, 2, 3], 0),
            "an array on a line": (b"[" + one + b"," + two + b"]\n" + three, [1, 2, 3], 0),
            "text behind": (one + b"garbage\n" + two + b"\n" + three, [1, 2, 3], 1),
            "half an event behind": (one + two[:-9] + b"\n" + three, [1, 3], 1),
            "unclosed first": (b'{"a":{"b":[\n' + one + b"\n" + two + b"\n" + three + b"\n", [1, 2, 3], 1),
            "half a line first": (b'o","b":1}\n' + one + b"\n" + two + b"\n" + three, [1, 2, 3], 1),
        }
        for name, (text, want, damaged) in cases.items():
            self.write("x.jsonl", text)
            self.write("x.json", text)
            self.write("x.log", text)
            with gzip.open(self.path("x.log.gz"), "wb") as file:
                file.write(text)
            with zipfile.ZipFile(self.path("x.zip"), "w") as archive:
                archive.writestr("x.json", text)
            for path in ("x.jsonl", "x.json", "x.log", "x.log.gz", "x.zip", "-"):
                with self.subTest(name=name, path=path):
                    out, err = self.run_("scan", "--format", "jsonl", path, stdin=text)
                    self.assertEqual(want, [json.loads(line)["winlog"]["record_id"] for line in out.splitlines()])
                    self.assertIn(f" {len(want)} events", err)
                    self.assertEqual(damaged, int((re.findall(r"(\d+) unreadable parts", err) or [0])[0]))

    def test_a_line_longer_than_an_event_may_be(self):
        text = event(1) + b"\n" + b"y" * (20 << 20) + b"\n" + event(2) + b"\n" + b"z" * (17 << 20)
        self.write("in.jsonl", text)
        out, err = self.run_("scan", "--format", "jsonl", "--threads", "4", "in.jsonl")
        self.assertEqual([1, 3], [json.loads(line)["log"]["offset"] for line in out.splitlines()])
        self.assertRegex(err, r"in\.jsonl:2: the line is longer")
        self.assertRegex(err, r"in\.jsonl:4: the line is longer")

    def test_real_logs(self):
        if not os.path.isdir(os.path.join(DATA, "evtx-attack-samples")):
            print("SKIPPED: no samples below", DATA)
            self.skipTest("no samples")
        rules = os.path.join(DATA, "sigma/rules/windows/process_creation")
        paths = ["--rules", rules, os.path.join(DATA, "evtx-attack-samples")]
        one = self.scan_all(1, *paths)
        two = self.scan_all(2, *paths)
        self.assertGreater(len(one["alerts.jsonl"].splitlines()), 100)
        for name, content in one.items():
            self.assertTrue(content == two[name], name)


class Filters(Case):
    def setUp(self):
        super().setUp()
        self.write("in.jsonl", b"\n".join([
            at(1, "2026-01-03T10:00:00.000Z", "DC01.corp"),
            at(2, "2026-01-04T10:00:00.000Z", "ws7.corp"),
            at(3, "2026-01-05T10:00:00.000Z", "dc02.corp"),
            at(4, "no time at all", "ws7.corp")]) + b"\n")
        self.write("rules/low.yml", "title: t\nid: 6f9619ff-8b86-4011-b42d-00c04fc964ff\nlevel: low\nlogsource: {product: "
                   "windows, category: process_creation}\ndetection:\n  s: {CommandLine|contains: shadows}\n"
                   "  condition: s\n")

    def records(self, *args):
        out, _ = self.run_("-q", "scan", "--format", "jsonl", *args, "in.jsonl")
        return [json.loads(line)["winlog"]["record_id"] for line in out.splitlines()]

    def test_time(self):
        # An event whose time cannot be read is never filtered away by time.
        for args, want in (
                (["--from", "2026-01-04"], [2, 3, 4]),
                (["--to", "2026-01-04"], [1, 2, 4]),
                (["--from", "2026-01-03T10:00:01Z", "--to", "2026-01-05T11:00:00+02:00"], [2, 4]),
                (["--from", "2026-01-04 10:00", "--to", "2026-01-04 10:00:00"], [2, 4]),
                (["--from", "1h", "--to", "1s"], [4])):
            with self.subTest(args=args):
                self.assertEqual(want, self.records(*args))

    def test_host_rule_level(self):
        for args, want in (
                (["--host", "DC*"], [1, 3]),
                (["--host", "ws7.corp", "--host", "dc01.CORP"], [1, 2, 4]),
                (["--min-level", "critical"], [1, 2, 3, 4]),
                (["--min-level", "critical", "--rules", "rules"], []),
                (["--min-level", "low", "--rules", "rules"], [1, 2, 3, 4]),
                (["--rule", "*shadow*"], [1, 2, 3, 4])):
            with self.subTest(args=args):
                self.assertEqual(want, self.records(*args))

    def test_events_of_no_known_kind_are_told(self):
        self.write("in.jsonl", b'{"a":"foo"}\n' * 3 + event(1) + b"\n")
        self.write("r.yml", "title: t\nid: 6f9619ff-8b86-4011-b42d-00c04fc964ff\nlogsource: {product: aws, service: "
                   "cloudtrail}\ndetection:\n  s: {a: foo}\n  condition: s\n")
        out, err = self.run_("scan", "--rules", "r.yml", "in.jsonl")
        self.assertIn("No rule matched.", out)
        self.assertRegex(out, r"3 of 4 events are of no known kind[^$]*--logsource")
        self.assertIn("3 of no known kind", err)
        out, _ = self.run_("-q", "scan", "--rules", "r.yml", "--summary", "json", "in.jsonl")
        self.assertEqual(3, json.loads(out)["events_of_no_known_kind"])
        out, err = self.run_("scan", "--rules", "r.yml", "--logsource", "product=aws,service=cloudtrail", "in.jsonl")
        self.assertNotIn("no known kind", out + err)
        self.assertIn("3 alerts", err)

    def test_mistakes(self):
        for args, says in (
                (["--from", "yesterday"], "--from 'yesterday': expected a date"),
                (["--from", "2026-02-01", "--to", "2026-01-01"], "--from is later than --to"),
                (["--rule", "no such rule"], "--rule 'no such rule': no loaded rule"),
                (["--min-level", "severe"], "--min-level"),
                (["--timeline", "t.xlsx"], ".csv or .jsonl"),
                (["--format", "jsonl", "--summary", "json"], "give that a file with -o"),
                (["--all"], "only --format csv"),
                (["--logsource", "product="], "nothing behind the ="),
                (["--threads", "-1"], "--threads")):
            with self.subTest(args=args):
                out, err = self.run_("scan", *args, "in.jsonl", code=2)
                self.assertEqual("", out)
                self.assertIn(says, err)


class Outputs(Case):
    def test_timeline_is_in_the_order_of_time_and_safe_for_spreadsheets(self):
        self.write("in.jsonl", b"\n".join([
            at(1, "2026-01-05T10:00:00.000Z"), at(2, "2026-01-03T10:00:00.000Z", "=HYPERLINK(1)"),
            at(3, "2026-01-04T10:00:00.000Z", 'a,\\"b\\n')]) + b"\n")
        out, _ = self.run_("-q", "scan", "--format", "timeline", "in.jsonl")
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        self.assertEqual(
            "time,host,channel,event_id,level,rule,tactics,techniques,record_id,file,line,user,provider,"
            "rule_id,matched_fields", ",".join(rows[0]))
        self.assertEqual(["2", "3", "1"], [row["record_id"] for row in rows])
        self.assertEqual(["'=HYPERLINK(1)", 'a,"b ', "host1.example"], [row["host"] for row in rows])
        self.assertEqual(4, len(out.splitlines()))
        self.assertIn("CommandLine: vssadmin delete shadows", rows[0]["matched_fields"])
        out, _ = self.run_("-q", "scan", "--format", "timeline-jsonl", "--sort", "input", "in.jsonl")
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([1, 2, 3], [row["record_id"] for row in rows])
        self.assertEqual("=HYPERLINK(1)", rows[1]["host"])

    def test_summary(self):
        self.write("in.jsonl", at(1, "2026-01-05T10:00:00.000Z") + b"\n" + at(2, "2026-01-03T10:00:00.000Z") + b"\n")
        out, _ = self.run_("-q", "scan", "--summary", "json", "in.jsonl")
        summary = json.loads(out)
        self.assertEqual((2, 2, 2), tuple(summary[k] for k in ("events", "events_with_alerts", "alerts")))
        (rule,) = summary["rules"]
        self.assertEqual(("2026-01-03T10:00:00.000000Z", "2026-01-05T10:00:00.000000Z", 1),
                         (rule["first"], rule["last"], rule["hosts"]))
        self.assertEqual("host1.example", summary["hosts"][0]["name"])
        out, err = self.run_("scan", "in.jsonl")
        for text in (rule["title"], "By level", "By ATT&CK tactic", "By host", "2026-01-03 10:00:00"):
            self.assertIn(text, out)
        self.assertIn("2 events, 2 with a detection, 2 alerts of 1 rules", err)
        out, _ = self.run_("-q", "scan", "--format", "jsonl", "-o", "x.jsonl", "--summary", "text", "in.jsonl")
        self.assertIn("By host", out)

    def test_report_is_self_contained_and_escapes_what_logs_say(self):
        evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\"'&"
        self.write("in.jsonl", at(1, "2026-01-05T10:00:00.000Z").replace(
            b"host1.example", json.dumps(evil)[1:-1].encode()) + b"\n" + event(2, User=evil, Image=evil) + b"\n")
        self.run_("-q", "scan", "--html", "r.html", "in.jsonl")
        with open(self.path("r.html"), encoding="utf-8") as file:
            page = file.read()
        tags = collections.Counter()
        attributes = set()

        class Parser(html.parser.HTMLParser):
            def handle_starttag(self, tag, attrs):
                tags[tag] += 1
                attributes.update(name for name, _ in attrs)
        Parser().feed(page)
        self.assertEqual((2, 0, 0), (tags["script"], tags["img"], tags["a"]))
        self.assertFalse({name for name in attributes if name in ("src", "href") or name.startswith("on")})
        self.assertIn("default-src 'none'", page)
        self.assertIsNone(re.search(r"https?://|@import|url\(", page))
        data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page).group(1))
        self.assertIn(evil, data["hosts"])
        # The policy names the script and the style by their hashes.
        for tag in ("style", "script"):
            text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.S).group(1)
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            self.assertIn(f"{tag}-src 'sha256-{digest}'", page)

    def test_report_keeps_the_most_severe_when_rows_are_capped(self):
        self.write("in.jsonl", b"".join(event(n) + b"\n" for n in range(50)))
        self.run_("-q", "scan", "--html", "r.html", "--html-rows", "10", "in.jsonl")
        with open(self.path("r.html"), encoding="utf-8") as file:
            page = file.read()
        self.assertIn("holds 10 of 50 alerts", page)
        data = json.loads(re.search(r'id="data">(.*?)</script>', page).group(1))
        self.assertEqual(10, len(data["rows"]))

    def test_outputs_that_cannot_be_written(self):
        self.write("in.jsonl", event(1) + b"\n")
        out, _ = self.run_("scan", "--html", "/nowhere/r.html", "in.jsonl", code=1)
        self.assertEqual("", out)  # told before anything is read
        for args in (["--html", "/nowhere/r.html"], ["--timeline", "/nowhere/t.csv"], ["-o", "/nowhere/o"],
                     ["--format", "timeline", "-o", "/dev/full"]):
            with self.subTest(args=args):
                _, err = self.run_("scan", *args, "in.jsonl", code=1)
                self.assertRegex(err, r"(/nowhere/|/dev/full).*written")


class Damaged(Case):
    def test_each_kind_is_listed_with_what_was_read(self):
        self.write("in/a-good.jsonl", event(1) + b"\n")
        self.write("in/b-empty.evtx", b"")
        self.write("in/c-magic.evtx", b"MZ" + b"\0" * 70000)
        self.write("in/d-half.jsonl", event(1) + b"\n" + event(2)[:-40])
        self.write("in/e-cut.jsonl.gz", gzip.compress(b"".join(event(n) + b"\n" for n in range(9000)))[:-3000])
        self.write("in/f-header.evtx", b"ElfFile\0" + b"\0" * 100)
        self.write("in/g-notes.txt", b"hello")
        self.write("in/h-text.log", b"Jan 5 10:00:00 host sshd: hello\n")
        out, err = self.run_("-q", "scan", "--summary", "json", "in", code=1)
        problems = {os.path.basename(p["file"]): p for p in json.loads(out)["problems"]}
        self.assertEqual(["b-empty.evtx", "c-magic.evtx", "d-half.jsonl", "e-cut.jsonl.gz", "f-header.evtx",
                          "h-text.log"], sorted(problems))
        self.assertEqual(1, problems["d-half.jsonl"]["events_read"])
        self.assertEqual(2, json.loads(out)["unreadable_files"])  # c-magic.evtx, f-header.evtx
        self.assertGreater(problems["e-cut.jsonl.gz"]["events_read"], 100)
        self.assertIn("Damaged, unreadable or empty input", err)
        for name in problems:
            self.assertIn(name, err)
        self.assertFalse(problems["b-empty.evtx"]["lost"])
        self.assertTrue(problems["c-magic.evtx"]["lost"])

    def test_many_problems_of_one_kind_are_counted(self):
        self.write("in.jsonl", b"broken\n" * 5000 + event(1) + b"\n")
        out, err = self.run_("scan", "--summary", "json", "in.jsonl")
        (problem,) = json.loads(out)["problems"]
        self.assertEqual((5000, 1), (problem["count"], problem["events_read"]))
        self.assertEqual(3, len(re.findall(r"in\.jsonl:\d+: ", err)))

    def test_what_is_named_and_gives_nothing_is_exit_code_1(self):
        self.write("e.evtx", b"garbage")
        self.write("in/text.log", b"Jan 5 10:00:00 host sshd: hello\n")
        self.write("in/broken.txt", b"hello")
        for path in ("e.evtx", "in/text.log", "in/broken.txt", "absent"):
            with self.subTest(path=path):
                _, err = self.run_("scan", path, code=1)
                self.assertEqual(1, len(re.findall(rf"(?m)warning .*{path}.*$", err)), err)
                self.assertNotRegex(err, rf"{path}: {path}")
        self.run_("scan", "in")

    def test_pipe_without_a_writer_can_be_stopped(self):
        os.mkfifo(self.path("pipe"))
        for stop in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(stop=stop), subprocess.Popen(
                    [TOCSIN, "scan", "pipe"], cwd=self.folder, env=environment(), stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as scan:
                scan.stderr.readline()  # the rules are loaded
                scan.send_signal(stop)
                try:
                    scan.communicate(timeout=20)
                finally:
                    scan.kill()
                self.assertEqual(1, scan.returncode)
        with subprocess.Popen([TOCSIN, "scan", "pipe"], cwd=self.folder, env=environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as scan:
            with open(self.path("pipe"), "wb") as pipe:  # half an archive, then silence
                pipe.write(gzip.compress(event(1) + b"\n")[:60])
                pipe.flush()
                scan.stderr.readline()
                time.sleep(0.3)
                scan.send_signal(signal.SIGTERM)
                try:
                    scan.communicate(timeout=20)
                finally:
                    scan.kill()
            self.assertEqual(1, scan.returncode)
        with subprocess.Popen([TOCSIN, "scan", "--format", "jsonl", "pipe"], cwd=self.folder, env=environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as scan:
            with open(self.path("pipe"), "wb") as pipe:
                pipe.write(event(1) + b"\n" + event(2) + b"\n")
            out, err = scan.communicate(timeout=30)
        self.assertEqual((0, 2), (scan.returncode, len(out.splitlines())), err)

    def test_evtx_without_its_file_header(self):
        path = os.path.join(DATA, "evtx-attack-samples/Command and Control/bits_openvpn.evtx")
        if not os.path.exists(path):
            print("SKIPPED: no samples below", DATA)
            self.skipTest("no samples")
        with open(path, "rb") as file:
            whole = file.read()
        for name in ("x.evtx", "x.log"):
            for bytes_ in (b"\0" + whole[1:], bytes(4096) + whole[4096:], whole[4096:]):
                self.write(name, bytes_)
                out, err = self.run_("scan", "--summary", "json", name)
                self.assertEqual(1537, json.loads(out)["events"])
                self.assertIn("evtx.bad_header", err)

    def test_unreadable_file_is_exit_code_1_and_the_rest_is_read(self):
        self.write("good.jsonl", event(1) + b"\n")
        out, err = self.run_("scan", "--format", "jsonl", "absent.evtx", "good.jsonl", code=1)
        self.assertEqual(1, len(out.splitlines()))
        self.assertIn("absent.evtx", err)

    def test_interrupted_scan_tells_what_it_has(self):
        with subprocess.Popen([TOCSIN, "scan", "--format", "jsonl", "-"], cwd=self.folder, env=environment(),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as scan:
            scan.stdin.write(event(1) + b"\n" + event(2) + b"\n")
            scan.stdin.flush()
            told = b""
            while b" 2 events" not in told:  # the progress that is told now and then
                told = scan.stderr.readline()
                self.assertTrue(told, "it ended too early")
            scan.send_signal(signal.SIGINT)
            out, err = scan.communicate(timeout=30)
        self.assertEqual(1, scan.returncode)
        self.assertEqual(2, len(out.splitlines()), err)


if __name__ == "__main__":
    main()
