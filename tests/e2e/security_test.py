# SPDX-License-Identifier: Apache-2.0
"""TLS, SASL and ACLs on real brokers, old and new, which this test starts itself.

    python3 security_test.py 3.9.2|4.3.1       TOCSIN_KAFKA_ACL: the program e2e_kafka_acl; SERVICES_HOME: where Kafka is
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import harness
from harness import TOCSIN, process_event, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
KAFKA_SH = ROOT / "tools/services/kafka.sh"
ACL = os.environ.get("TOCSIN_KAFKA_ACL", "build/release/tests/e2e/e2e_kafka_acl")
SECRET = "app-secret"
EVENTS = 50
VERSION = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1][0].isdigit() else "3.9.2"
# Brokers from 4.0 on refuse the SCRAM of a librdkafka before 2.6.1.
MECHANISM = "SCRAM-SHA-512" if VERSION.startswith("3.") else "PLAIN"


def free_base():
    """A port from which on six are free."""
    for base in range(33000 if VERSION.startswith("3.") else 35000, 37000, 20):
        sockets = []
        try:
            for port in range(base, base + 6):
                sockets.append(socket.create_server(("127.0.0.1", port)))
            return base
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise AssertionError("no free ports")


class Broker:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-kafka-"))
        self.base = free_base()
        self.env = {**os.environ, "KAFKA_VERSION": VERSION, "KAFKA_DIR": str(self.folder / "kafka"), "KAFKA_ACL": "1",
                    "KAFKA_BASE_PORT": str(self.base), "KAFKA_HEAP": "256m", "KAFKA_MECHANISM": MECHANISM}
        self.run("start")
        self.plain = f"kafka://127.0.0.1:{self.base}"
        self.sasl = f"kafka://127.0.0.1:{self.base + 1}"
        self.mtls = f"kafka://127.0.0.1:{self.base + 3}"

    def run(self, *arguments):
        done = subprocess.run([str(KAFKA_SH), *arguments], env=self.env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        return done.stdout

    def properties(self, listener, name):
        """A file as people keep it; the password is in a file of its own."""
        text = self.run("client-conf", listener).replace("=" + SECRET, f"=file:{self.folder}/password")
        (self.folder / "password").write_text(SECRET + "\n")
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def acl(self, action, *permissions, principal="User:app"):
        subprocess.run([ACL, f"127.0.0.1:{self.base}", action, principal, *permissions], check=True, timeout=60)

    def transactions(self, action, group, principal="User:app"):
        """By Kafka's own tool: the client library of the distribution knows no permission of this kind."""
        tool = "kafka.admin.AclCommand" if VERSION.startswith("3.") else "org.apache.kafka.tools.AclCommand"
        self.run("cli", tool, "--bootstrap-server", f"127.0.0.1:{self.base}", f"--{action}",
                 "--allow-principal", principal, "--operation", "Write", "--operation", "Describe",
                 "--transactional-id", f"tocsin.{group}.", "--resource-pattern-type", "prefixed",
                 *(["--force"] if action == "remove" else []))

    def stop(self):
        self.run("stop")
        shutil.rmtree(self.folder, ignore_errors=True)


class Security(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker()
        cls.addClassCleanup(cls.broker.stop)
        cls.sasl = cls.broker.properties("sasl", "sasl.properties")

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-security-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        name = self._testMethodName.replace("_", "-")[:40]
        self.raw, self.alerts, self.dead, self.group = (name + part for part in ("", "-alerts", "-dead", "-group"))
        self.input = self.folder / "events.jsonl"
        self.input.write_text("".join(process_event(n, n % 10 == 0) + "\n" for n in range(EVENTS)))

    def command(self, *arguments, bus=None, properties=None):
        return [TOCSIN, "--data", str(self.folder / "data"), *map(str, arguments), "--bus", bus or self.broker.sasl,
                "--raw-topic", self.raw, "--alerts-topic", self.alerts, "--dead-letter-topic", self.dead,
                *(["--bus-properties-file", properties or self.sasl] if bus is None or properties else [])]

    def run_(self, *arguments, code=0, env=None, **where):
        done = subprocess.run(self.command(*arguments, **where), capture_output=True, text=True, timeout=90, check=False,
                              env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn(SECRET, done.stdout + done.stderr)
        return done

    def start(self, *arguments):
        process = harness.Process(self.command(*arguments), self.folder / f"{arguments[0]}.log")
        self.addCleanup(lambda: process.running() and process.kill())
        return process

    def make_topics(self):
        """By an administrator: the plain listener's user may do everything."""
        for topic in (self.raw, self.alerts, self.dead):
            self.run_("topics", "create", topic, bus=self.broker.plain)

    def grant(self, *permissions):
        self.broker.acl("add", *permissions)
        self.addCleanup(self.broker.acl, "remove", *permissions)

    def produce_permissions(self):
        return [f"topic:{self.raw}:Write", f"topic:{self.dead}:Write"]

    def detect_permissions(self):
        return [f"topic:{self.raw}:Read", f"topic:{self.alerts}:Write", f"topic:{self.dead}:Write",
                f"group:{self.group}:Read"]

    def transactional_id(self):
        return f"Write and Describe on transactional id tocsin.{self.group}.doctor"

    def doctor(self, role, code=0):
        done = self.run_("doctor", "--role", role, "--group", self.group, "--json", code=code)
        return {check["check"]: check for check in json.loads(done.stdout)["checks"]}

    def test_least_privilege_is_enough(self):
        self.make_topics()
        self.grant(*self.produce_permissions())
        done = self.run_("produce", "jsonl", self.input, "--json")
        self.assertEqual(json.loads(done.stdout)["acknowledged"], EVENTS)
        checks = self.doctor("produce")
        self.assertEqual(checks[f"kafka: ACL Write on topic {self.raw}"]["state"], "ok")
        # What a producer may is not enough for a detector.
        checks = self.doctor("detect", code=1)
        self.assertEqual(checks[f"kafka: ACL Read on topic {self.raw}"]["state"], "problem")

        self.assertEqual(checks[f"kafka: ACL {self.transactional_id()}"]["state"], "problem")

        self.broker.acl("add", *self.detect_permissions()[:2], self.detect_permissions()[3])
        self.broker.transactions("add", self.group)
        done = self.run_("detect", "--drain", 1, "--json", "--group", self.group)
        self.assertEqual(json.loads(done.stdout)["events"], EVENTS)
        checks = self.doctor("detect")
        for acl in (f"Read on topic {self.raw}", f"Write on topic {self.alerts}", f"Read on group {self.group}",
                    self.transactional_id()):
            self.assertEqual(checks[f"kafka: ACL {acl}"]["state"], "ok", acl)
        self.assertIn("Kafka " + ("3.8 or 3.9" if VERSION.startswith("3.") else "4."), checks["kafka: brokers"]["found"])
        # The probe wrote nothing.
        self.assertEqual(len(self.run_("topics", "read", self.raw).stdout.splitlines()), EVENTS)
        self.broker.acl("remove", *self.detect_permissions()[:2], self.detect_permissions()[3])

    def test_a_missing_permission_is_named_and_granting_it_is_enough(self):
        self.make_topics()
        # Without a spool it waits; with one it would end once its events are safe there.
        producer = self.start("produce", "jsonl", self.input, "--json", "--no-spool")
        wanted = f"must allow this user Write on topic {self.raw}"
        until(30, wanted, lambda: wanted in producer.stderr() or
              f"must allow this user Describe on topic {self.raw}" in producer.stderr())
        checks = self.doctor("produce", code=1)
        problem = checks.get(f"kafka: topic {self.raw}")
        self.assertEqual(problem["state"], "problem")
        self.assertIn(f"Write on topic {self.raw}", problem["advice"])
        self.grant(*self.produce_permissions())
        figures = producer.end(60)
        self.assertEqual((figures["acknowledged"], figures["failed"]), (EVENTS, 0))

        self.grant(f"topic:{self.raw}:Read", f"topic:{self.alerts}:Write")
        detector = self.start("detect", "--drain", 3, "--json", "--group", self.group)
        wanted = f"Write and Describe on transactional id tocsin.{self.group}."
        until(30, wanted, lambda: wanted in detector.stderr())
        self.broker.transactions("add", self.group)
        wanted = f"Read on group {self.group}"
        until(30, wanted, lambda: wanted in detector.stderr())
        self.grant(f"group:{self.group}:Read")
        self.assertEqual(detector.end(60)["events"], EVENTS)

    def test_mutual_tls_and_oauth(self):
        self.make_topics()
        listed = self.run_("topics", "--json", bus=self.broker.mtls,
                           properties=self.broker.properties("mtls", "mtls.properties"))
        self.assertNotIn(self.raw, listed.stdout)  # connected, and permitted nothing
        self.grant(f"topic:{self.raw}:Describe")
        oauth = self.broker.properties("oauth", "oauth.properties")
        self.assertIn(self.raw, self.run_("topics", "--json", properties=oauth).stdout)
        self.assertIn(self.raw, self.run_("topics", "--json").stdout)

    def test_wrong_credentials_are_told_without_the_secret(self):
        for words, properties in (
                ("user and password right", {"sasl.password": "wrong-word"}),
                ("ssl.ca.location", {"ssl.ca.location": "/etc/ssl/certs/ca-certificates.crt"})):
            given = [item for pair in properties.items() for item in ("--bus-property", "=".join(pair))]
            done = self.run_("topics", *given, code=1)
            self.assertIn(words, done.stderr)
            self.assertNotIn("wrong-word", done.stderr)
        if VERSION.startswith("4."):
            scram = ["--bus-property", "sasl.mechanisms=SCRAM-SHA-512"]
            done = subprocess.run(self.command("topics", *scram), capture_output=True, text=True, timeout=60, check=False)
            if done.returncode != 0:  # with a librdkafka that is new enough it works
                self.assertIn("before 2.6.1", done.stderr)

    def test_a_secret_on_the_command_line_is_hidden(self):
        process = harness.Process(self.command("produce", "--follow", self.input, "--bus-property",
                                               "sasl.password=" + SECRET), self.folder / "follow.log")
        self.addCleanup(process.kill)
        until(20, "a warning", lambda: "command line" in process.stderr())
        line = pathlib.Path(f"/proc/{process.child.pid}/cmdline").read_text()
        self.assertIn("sasl.password=*", line)
        self.assertNotIn(SECRET, line)
        self.assertNotIn(SECRET, process.stderr())

    def test_what_the_topic_is_too_small_for_is_a_dead_letter(self):
        self.make_topics()
        self.run_("topics", "delete", self.raw, bus=self.broker.plain)
        self.broker.run("topic", self.raw, "2", "1", "max.message.bytes=20000")
        self.grant(*self.produce_permissions())
        with open(self.input, "a", encoding="utf-8") as file:
            for n in range(3):
                file.write(json.dumps({"message": "x" * (30_000 + n), "pad": os.urandom(20_000).hex()}) + "\n")
            for n in range(EVENTS, EVENTS + 200):
                file.write(process_event(n) + "\n")
        done = self.run_("produce", "jsonl", self.input, "--json")
        figures = json.loads(done.stdout)
        self.assertEqual((figures["acknowledged"], figures["problems"], figures["failed"]), (EVENTS + 200, 3, 0))
        letters = self.run_("dlq", "list", "--json", "--code", "event.too_large", bus=self.broker.plain).stdout
        self.assertEqual(len(letters.splitlines()), 3, letters)
        self.assertIn("size", letters.lower())


def main():
    if shutil.which("java") is None:
        harness.skip("no java")
    libs = pathlib.Path(os.environ.get("SERVICES_HOME", pathlib.Path.home() / ".cache/tocsin-services"))
    if not (libs / f"dist/kafka-{VERSION}/libs/.complete").exists():
        harness.skip(f"no Kafka {VERSION}: KAFKA_VERSION={VERSION} tools/services/kafka.sh install")
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
