# SPDX-License-Identifier: Apache-2.0
"""`tocsin rules fetch` against a local server that is helpful, broken or hostile."""

import hashlib
import http.server
import io
import json
import os
import tarfile
import threading
import zipfile

from harness import Case, main

MEBI = 1 << 20


def rule(number, title="A rule"):
    return (f"title: {title} {number}\nid: {number:08d}-2222-4333-8444-555555555555\n"
            "logsource: {product: windows, category: process_creation}\n"
            "detection: {selection: {Image: x}, condition: selection}\n")


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members):
    """Members: (name, bytes) or ready TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1].encode() if isinstance(member[1], str) else member[1]))
    return out.getvalue()


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    files = {}

    def do_GET(self):  # noqa: N802 (the name is the library's)
        if self.path.startswith("/hop/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
        elif self.path == "/loop":
            self.send_response(302)
            self.send_header("Location", "/loop")
            self.end_headers()
        elif self.path == "/to-file":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
        elif self.path.startswith("/cut/"):
            data = self.files[self.path[4:]]
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:len(data) // 2])
        elif self.path == "/broken":
            self.send_error(500)
        elif self.path in self.files:
            data = self.files[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        else:
            self.send_error(404)

    def log_message(self, *args):
        pass


class Fetch(Case):
    def setUp(self):
        super().setUp()
        Server.files = {}
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def serve(self, data, path="/rules.zip"):
        Server.files[path] = data
        return self.url(path), digest(data)

    def fetch(self, url, sha256, *more, code=0):
        return self.run_("rules", "fetch", url, "--sha256", sha256, *more, code=code,
                         env={"no_proxy": "*", "http_proxy": ""})

    def titles(self, folder="tocsin-data/rules/fetched"):
        out, _ = self.run_("rules", "list", folder, "--json")
        return [json.loads(line)["title"] for line in out.splitlines()]

    def nothing_left(self, parent="tocsin-data/rules"):
        self.assertEqual([], [n for n in os.listdir(self.path(parent)) if ".new-" in n])

    def test_fetch_update_and_rollback(self):
        first = zipped([("rules/a.yml", rule(1)), ("rules/b.yml", rule(2)), ("rules/c.yml", rule(3)),
                        ("LICENSE", "free"), ("samples/x.evtx", "not wanted"), (".github/ci.yml", "a: b")])
        out, _ = self.fetch(*self.serve(first))
        self.assertIn("3 rules in tocsin-data/rules/fetched can be used, 0 are rejected", out)
        self.assertEqual(["A rule 1", "A rule 2", "A rule 3"], self.titles())
        here = self.path("tocsin-data/rules/fetched")
        self.assertEqual([".tocsin-source.json", "LICENSE", "rules"], sorted(os.listdir(here)))
        second = tarred([("s-2/rules/a.yml", rule(1)), ("s-2/rules/moved.yml", rule(2)),
                         ("s-2/rules/c.yml", rule(3, "Another")), ("s-2/rules/d.yml", rule(4)), ("s-2/bad.yml", "a: [")])
        url, sha256 = self.serve(second, "/s-2.tar.gz")
        out, _ = self.fetch(url, "sha256:" + sha256.upper())
        self.assertIn("1 rules added, 1 changed, 0 removed, 2 as before", out)
        self.assertRegex(out, r"(?m)^\+ 00000004-.* A rule 4$")
        self.assertRegex(out, r"(?m)^~ 00000003-.* Another 3$")
        self.assertIn("4 rules in tocsin-data/rules/fetched can be used, 1 are rejected", out)
        _, err = self.fetch(url, sha256)
        self.assertIn("has this archive already", err)
        self.assertEqual(4, len(self.titles("tocsin-data/rules")))  # the version before is hidden
        out, _ = self.run_("rules", "fetch", "--rollback", "--format", "json")
        told = json.loads(out)
        self.assertEqual((3, 1, 1), (told["rules"], len(told["removed"]), len(told["changed"])))
        self.assertEqual(["A rule 1", "A rule 2", "A rule 3"], self.titles())
        # Without a URL the last one is asked again: now that of the first archive.
        new = zipped([("rules/a.yml", rule(9))])
        Server.files["/rules.zip"] = new
        self.run_("rules", "fetch", "--sha256", digest(new))
        self.assertEqual(["A rule 9"], self.titles())
        self.nothing_left()

    def test_what_fails_changes_nothing(self):
        self.fetch(*self.serve(zipped([("a.yml", rule(1))])))
        good = zipped([("a.yml", rule(2)), ("filler.yml", os.urandom(100_000).hex())])
        url, sha256 = self.serve(good, "/good.zip")
        for address, wanted, says in (
                (url, "0" * 64, "checksum is wrong"),
                (self.url("/cut/good.zip"), sha256, "cut off after"),
                (self.url("/absent"), sha256, "the server answered 404"),
                (self.url("/broken"), sha256, "the server answered 500"),
                (self.url("/loop"), sha256, "redirects"),
                (self.url("/to-file"), sha256, "to-file"),
                ("http://127.0.0.1:1/x.zip", sha256, "127.0.0.1"),
                ("file:///absent/x.zip", sha256, "absent/x.zip"),
                (*self.serve(good[:50_000], "/half.zip"), "cannot be read"),
                (*self.serve(b"no archive at all" * 100, "/text"), "cannot be read"),
                (*self.serve(b"", "/empty"), "cannot be read"),
                (*self.serve(zipped([("README", "no rules")]), "/readme.zip"), "no rule")):
            with self.subTest(says=says, address=address):
                out, err = self.fetch(address, wanted, code=1)
                self.assertEqual("", out)
                self.assertIn(says, err)
                self.assertEqual(["A rule 1"], self.titles())
                self.nothing_left()

    def test_hostile_archives(self):
        inner = ("a.yml", rule(1))
        for name, data, says in (
                ("dots.zip", zipped([inner, ("../out.yml", rule(2))]), "leads out"),
                ("inner.zip", zipped([inner, ("x/../../out.yml", rule(2))]), "leads out"),
                ("back.zip", zipped([inner, ("x\\..\\..\\out.yml", rule(2))]), "leads out"),
                ("absolute.tgz", tarred([inner, ("/tmp/tocsin-out.yml", rule(2))]), "absolute"),
                ("drive.zip", zipped([inner, ("C:out.yml", rule(2))]), "absolute"),
                ("link.tgz", tarred([inner, link("l", "/etc"), ("l/out.yml", rule(2))]), "is a link"),
                ("hard.tgz", tarred([inner, link("h.yml", "a.yml", tarfile.LNKTYPE)]), "is a link"),
                ("pipe.tgz", tarred([inner, link("p.yml", "", tarfile.FIFOTYPE)]), "neither a file"),
                ("twice.tgz", tarred([inner, inner]), "twice"),
                ("control.tgz", tarred([inner, ("x\x1b[2J.yml", rule(2))]), "control characters"),
                ("big.zip", zipped([inner, ("big.yml", b"\0" * (17 * MEBI))]), "larger than 16 MiB"),
                ("many.zip", zipped([(f"{n}", b"") for n in range(200_001)]), "200000 members"),
                ("bomb.tgz", self.bomb(), "1024 MiB")):
            with self.subTest(name=name):
                url, sha256 = self.serve(data, "/" + name)
                out, err = self.fetch(url, sha256, code=1)
                self.assertEqual("", out)
                self.assertIn(says, err)
                self.assertNotIn("\x1b", err)
                self.assertFalse(os.path.exists(self.path("tocsin-data/rules/fetched")))
                self.assertFalse(os.path.exists(self.path("tocsin-data/rules/out.yml")))
                self.assertFalse(os.path.exists("/tmp/tocsin-out.yml"))
                self.nothing_left()

    @staticmethod
    def bomb():
        """A member of 1.1 GiB in a tar.gz of about a megabyte."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
            info = tarfile.TarInfo("samples/zeros.bin")
            info.size = 1100 * MEBI

            class Zeros:
                def read(self, size):
                    return bytes(size)
            archive.addfile(info, Zeros())
        return out.getvalue()

    def test_redirects_and_files(self):
        data = zipped([("a.yml", rule(1))])
        _, sha256 = self.serve(data)
        self.fetch(self.url("/hop/hop/rules.zip"), sha256, "--to", "one")
        self.assertEqual(["A rule 1"], self.titles("one"))
        self.write("archive.zip", data)
        self.fetch("file://" + self.path("archive.zip"), sha256, "--to", "deep/two/")
        self.assertEqual(["A rule 1"], self.titles("deep/two"))

    def test_usage(self):
        url, sha256 = self.serve(zipped([("a.yml", rule(1))]))
        self.write("mine/own.yml", rule(7))
        for args, says, code in (([url], "--sha256 is required", 2), ([url, "--sha256", "abc"], "64 hexadecimal", 2),
                                 (["ftp://host/x", "--sha256", sha256], "expected http://", 2),
                                 (["--sha256", sha256], "URL is required", 2),
                                 ([url, "--sha256", sha256, "--to", "mine"], "no fetch has put there", 1),
                                 (["--rollback"], "no version before", 1)):
            with self.subTest(args=args):
                self.assertIn(says, self.run_("rules", "fetch", *args, code=code)[1])
        self.assertTrue(os.path.exists(self.path("mine/own.yml")))

    def test_password_is_not_kept(self):
        url, sha256 = self.serve(zipped([("a.yml", rule(1))]))
        out, err = self.fetch(url.replace("//", "//me:hunter2@"), sha256)
        with open(self.path("tocsin-data/rules/fetched/.tocsin-source.json"), encoding="utf-8") as file:
            self.assertNotIn("hunter2", file.read() + out + err)
        _, err = self.fetch(self.url("/absent").replace("//", "//me:hunter2@"), sha256.replace("a", "b"), code=1)
        self.assertNotIn("hunter2", err)


if __name__ == "__main__":
    main()
