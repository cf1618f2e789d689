# SPDX-License-Identifier: Apache-2.0
"""The command line as a newcomer meets it: help, mistakes, configuration, pipes, dead letters."""

import glob
import json
import os
import re
import subprocess

from harness import ROOT, RULE, TOCSIN, Case, environment, event, main

COMMANDS = ("demo produce detect search scan rules topics dlq trace report config doctor").split()


class Usage(Case):
    def test_help_and_version(self):
        out, err = self.run_("--version")
        self.assertRegex(out, r"^tocsin \d+\.\d+")
        self.assertEqual("", err)
        out, err = self.run_("--help")
        for command in COMMANDS:
            self.assertRegex(out, rf"(?m)^  {command} ")
            text, err = self.run_(command, "--help")
            self.assertIn(f"Usage: tocsin {command}", text)
            self.assertEqual("", err)
        self.assertEqual(out, self.run_("help")[0])
        self.assertIn("--bus ", self.run_("topics", "read", "--help")[0])

    def test_mistakes_are_usage_errors_that_name_the_word(self):
        for args, says in (
                ([], "Usage: tocsin "),
                (["detct"], "no command 'detct'; did you mean detect?"),
                (["topics", "raed"], "did you mean read?"),
                (["scan", "--ruless", "x", "y"], "no option --ruless; did you mean --rules?"),
                (["--frob"], "no option --frob"),
                (["scan"], "PATH is required"),
                (["report", "extra"], "'extra' is one argument too many"),
                (["detect", "--workers", "many"], "--workers: 'many'"),
                (["produce"], "produce what?"),
                (["--bus", "zk://host", "topics"], "'zk://host' is no bus"),
                (["topics", "--bus-property", "oops"], "name=value"),
                (["trace", "xyz"], "no event id"),
                (["search", "--limit", "-1"], "--limit: -1 is negative"),
                (["topics", "read", "raw-events", "--limit=-5"], "-5 is negative"),
                (["store", "--rotate-size", "-1"], "--rotate-size: -1 is negative"),
                (["produce", "synthetic", "--count", "-1"], "--count: -1"),
                (["detect", "--drain", "-1"], "--drain: -1 is negative"),
                (["search", "-user:ann"], "tocsin search -- -user:ann"),
                (["search", "-limit", "3"], "did you mean --limit?"),
                (["scan", "--rules", "absent", "x"], "absent"),
                (["dlq", "replay"], "replay which?")):
            with self.subTest(args=args):
                out, err = self.run_(*args, code=2)
                self.assertEqual("", out)
                self.assertIn(says, err)

    def test_options_before_and_after_the_command(self):
        for args in (["--bus", "embedded:b", "topics", "--json"], ["topics", "--json", "--bus", "embedded:b"],
                     ["topics", "list", "--bus", "embedded:b"]):
            self.run_(*args)
            self.assertTrue(os.path.isdir(self.path("b")))

    def test_what_is_not_there_is_a_failure(self):
        for args in (["report"], ["trace", "6f9619ff"], ["topics", "read", "absent"], ["dlq", "show", "0/1"]):
            with self.subTest(args=args):
                out, err = self.run_(*args, code=1)
                self.assertEqual("", out)
                self.assertTrue(err.startswith("tocsin: "), err)


class Configuration(Case):
    def raw_topic(self, *args, env=None):
        out, _ = self.run_(*args, "config", "show", env=env)
        return re.search(r'(?m)^raw-topic: "(.*)"', out).group(1)

    def test_flag_over_variable_over_file(self):
        self.write("c.yml", "raw_topic: of-file\n")
        variable = {"TOCSIN_RAW_TOPIC": "of-variable"}
        self.assertEqual("raw-events", self.raw_topic())
        self.assertEqual("of-file", self.raw_topic("--config", "c.yml"))
        self.assertEqual("of-file", self.raw_topic(env={"TOCSIN_CONFIG": "c.yml"}))
        self.assertEqual("of-variable", self.raw_topic("--config", "c.yml", env=variable))
        self.assertEqual("of-flag", self.raw_topic("--config", "c.yml", "--raw-topic", "of-flag", env=variable))

    def test_mistakes_name_file_and_line(self):
        for text, says in (("a: [\n", r"c\.yml:\d+:\d+: not valid YAML"),
                           ("data: x\ndetect:\n  wokers: 1\n", r"c\.yml:3:3: 'wokers'.*did you mean 'workers'"),
                           ("detect:\n  workers: many\n", r"c\.yml:2:12: .*many"),
                           ("\nbus: zk://x\n", r"c\.yml:2:6: .*no bus"),
                           ("quiet: perhaps\n", r"c\.yml:1:8: .*true or false"),
                           ("data: [a, b]\n", r"c\.yml:1:7: .*one value"),
                           ("- a\n", r"c\.yml:1:1: expected a map")):
            with self.subTest(text=text):
                self.write("c.yml", text)
                _, err = self.run_("--config", "c.yml", "topics", code=2)
                self.assertRegex(err, says)
        _, err = self.run_("--config", "absent.yml", "topics", code=2)
        self.assertIn("absent.yml", err)
        _, err = self.run_("topics", env={"TOCSIN_WORKERS": "many"}, code=2)
        self.assertIn("TOCSIN_WORKERS", err)

    def test_the_examples_are_good_and_show_reads_itself(self):
        files = glob.glob(os.path.join(ROOT, "config/*.yml"))
        self.assertTrue(files)
        for file in files:
            self.run_("--config", file, "config", "check")
            shown, _ = self.run_("--config", file, "config", "show")
            self.write("shown.yml", shown)
            self.assertEqual(shown, self.run_("--config", "shown.yml", "config", "show")[0])

    def test_secrets_are_not_shown(self):
        out, _ = self.run_("--bus-property", "sasl.password=hunter2", "--bus-property", "client.id=me",
                           "--traces", "http://me:hunter2@host", "config", "show")
        self.assertNotIn("hunter2", out)
        self.assertIn("client.id=me", out)
        # Where a secret is may be shown.
        out, err = self.run_("--bus-property", "sasl.password=file:/run/secrets/kafka", "config", "show")
        self.assertIn("sasl.password=file:/run/secrets/kafka", out)
        self.assertNotIn("command line", err)

    def test_bus_properties_from_file_and_environment(self):
        kafka = ("--bus", "kafka://127.0.0.1:1", "config", "check")
        self.write("client.properties", "# as of kcat -F\nbootstrap.servers=x:1\nsasl.password=hunter2\n\n linger.ms = 7\n")
        self.run_("--bus-properties-file", "client.properties", *kafka)
        self.write("bad.properties", "linger.ms=7\nhunter2\n")
        _, err = self.run_("--bus-properties-file", "bad.properties", *kafka, code=2)
        self.assertIn("bad.properties:2: expected name=value", err)
        self.assertNotIn("hunter2", err)
        self.run_("--bus-properties-file", "absent", *kafka, code=2)
        # Several in one variable, a line each; the option wins over the file.
        _, err = self.run_(*kafka, code=2, env={"TOCSIN_BUS_PROPERTY": "linger.ms=7\nno.such.property=1"})
        self.assertIn("no.such.property", err)
        self.write("wrong.properties", "security.protocol=oops\n")
        self.run_("--bus-properties-file", "wrong.properties", *kafka, code=2)
        self.run_("--bus-properties-file", "wrong.properties", "--bus-property", "security.protocol=PLAINTEXT", *kafka)
        # Behind each other instead: said, without the password.
        _, err = self.run_(*kafka, code=2, env={"TOCSIN_BUS_PROPERTY": "security.protocol=SASL_SSL sasl.password=hunter2"})
        self.assertIn("a line each", err)
        self.assertNotIn("hunter2", err)
        for given in ("security.protocol=SASL_SSL\nsasl.password=hunter2\nsasl.username=me", "linger.ms=7 sasl.password=hunter2 x",
                      "sasl.password = hunter2", "linger.ms=7\nsasl.password\t=hunter2"):
            out, _ = self.run_("config", "show", env={"TOCSIN_BUS_PROPERTY": given})
            self.assertNotIn("hunter2", out)
            self.assertRegex(out, r"sasl\.password\S{0,2} ?=\*\*\*")
        _, err = self.run_("--bus-property", "sasl.password=env:NOT_SET_AT_ALL", *kafka, code=2)
        self.assertIn("NOT_SET_AT_ALL", err)

    def test_the_embedded_doctor_speaks_json(self):
        out, _ = self.run_("doctor", "--json")
        checks = {check["check"]: check["state"] for check in json.loads(out)["checks"]}
        self.assertEqual((checks["rules"], checks["bus"], json.loads(out)["healthy"]), ("ok", "ok", True))

    def test_dead_letters_are_chosen_and_replayed_once(self):
        self.write("in.jsonl", b'{"half\n{"also half\n' + event(1) + b"\n")
        self.pipeline("in.jsonl")
        listed = [json.loads(line) for line in self.run_("dlq", "list", "--json")[0].splitlines()]
        self.assertEqual(2, len(listed))
        self.assertEqual(["detect"] * 2, [letter["error.stage"] for letter in listed])
        self.assertEqual("", self.run_("dlq", "list", "--json", "--since", "2200-01-01T00:00:00Z")[0])
        self.assertEqual("", self.run_("dlq", "list", "--json", "--until", "1h")[0])
        self.assertEqual("", self.run_("dlq", "list", "--json", "--reason", "no such words")[0])
        self.assertEqual(2, len(self.run_("dlq", "list", "--json", "--since", "1h")[0].splitlines()))
        self.run_("dlq", "list", "--since", "soon", code=2)
        before = self.messages("raw-events")
        out, err = self.run_("dlq", "replay", "--all", "--dry-run")
        self.assertEqual((2, len(before)), (len(out.splitlines()), len(self.messages("raw-events"))), err)
        self.run_("dlq", "replay", "--all")
        replayed = [m for m in self.messages("raw-events") if "tocsin.replays" in m["headers"]]
        self.assertEqual(["1", "1"], [m["headers"].pop("tocsin.replays") for m in replayed])
        # The same bytes, key and headers as at first.
        for message in replayed:
            self.assertTrue(any(all(message.get(k) == m.get(k) for k in ("key", "headers", "value", "value_base64"))
                                for m in before), message)
        # They fail again, and what came back is not sent a second time.
        self.run_("detect", "--drain", "0.3", "--sinks", "csv")
        letters = [json.loads(line) for line in self.run_("dlq", "list", "--json")[0].splitlines()]
        self.assertEqual([0, 0, 1, 1], sorted(letter["replays"] for letter in letters))
        _, err = self.run_("dlq", "replay", "--all")
        self.assertIn("2 came back", err)
        self.assertEqual(len(before) + 4, len(self.messages("raw-events")))
        self.run_("dlq", "replay", "--all", "--again")
        self.assertEqual(len(before) + 8, len(self.messages("raw-events")))


class Output(Case):
    def test_stdin_quiet_and_closed_pipe(self):
        lines = b"".join(event(n) + b"\n" for n in range(2000))
        out, err = self.run_("-q", "scan", "--format", "jsonl", "-", stdin=lines)
        self.assertEqual((2000, ""), (len(out.splitlines()), err))
        self.write("in.jsonl", lines)
        done = subprocess.run(["bash", "-c", f"{TOCSIN} -q produce in.jsonl && {TOCSIN} topics read raw-events "
                               "| head -1; echo ${PIPESTATUS[0]}"], cwd=self.folder, env=environment(),
                              capture_output=True, check=False)
        first, status = done.stdout.decode().splitlines()
        self.assertEqual(("0", b""), (status, done.stderr))
        json.loads(first)

    def test_plain_locale_and_narrow_width(self):
        self.write("in.jsonl", event(1))
        out, _ = self.run_("scan", "in.jsonl", env={"LC_ALL": "C", "LANG": "C", "COLUMNS": "60"})
        self.assertTrue(out.isascii())
        self.assertLessEqual(max(map(len, out.splitlines())), 60)
        self.assertNotIn("\x1b", out)

    def test_full_standard_output(self):
        self.write("in.jsonl", event(1))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([TOCSIN, "rules", "list"], stdout=full, stderr=subprocess.PIPE,
                                  env=environment(), check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn(b"standard output", done.stderr)


class Tools(Case):
    def test_dead_letters_are_listed_shown_and_replayed(self):
        self.write("in.jsonl", event(1) + b"\nno event\n" + b"x" * (20 << 20) + b"\n")
        self.pipeline("in.jsonl")
        out, _ = self.run_("dlq", "list")
        self.assertIn("event.invalid", out)
        self.assertIn("line.too_long", out)
        out, _ = self.run_("dlq", "list", "--stage", "detect")
        which = re.search(r"(?m)^(\d+/\d+) ", out).group(1)
        self.assertNotIn("line.too_long", out)
        shown = json.loads(self.run_("dlq", "show", which)[0])
        self.assertEqual("no event", shown["value"])
        _, err = self.run_("dlq", "replay", "--all")
        self.assertIn("1 dead letters sent", err)
        self.assertIn("1 hold only the beginning", err)
        again = [m for m in self.messages("raw-events") if m["value"] == "no event"]
        self.assertEqual(2, len(again))
        for message in again:
            self.assertFalse([h for h in message["headers"] if h.startswith("error.") or h == "origin"])
        self.assertEqual(again[0]["headers"]["event_id"], again[1]["headers"]["event_id"])

    def test_doctor(self):
        out, _ = self.run_("doctor")
        self.assertNotIn("problem", out)
        self.write("file", b"")
        out, _ = self.run_("doctor", "--data", "file/below", "--rules", "absent", "--bus",
                           "kafka://127.0.0.1:1", "--traces", "http://127.0.0.1:1", code=1)
        self.assertEqual(4, len(re.findall(r"(?m)^problem +(?:rules|data directory|kafka: connection|traces):", out)), out)

    def test_explain_and_report(self):
        self.write("in.jsonl", event(1))
        self.run_("-q", "produce", "in.jsonl")
        self.run_("-q", "detect", "--drain", "0.3")
        self.assertIn("Impact", self.run_("report")[0])
        rule = json.loads(self.run_("-q", "scan", "--format", "jsonl", "in.jsonl")[0].splitlines()[0])["rule"]["id"]
        self.assertIn("The rule matches.", self.run_("rules", "explain", rule, "in.jsonl")[0])
        self.assertIn(RULE, self.run_("rules", "explain", rule, "in.jsonl")[0])


if __name__ == "__main__":
    main()
