#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tidy.py: each case is a little project and the findings it must give, no more and no fewer."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tidy  # noqa: E402

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
HEAD = SPDX + "#pragma once\n"


def source(*includes):
    return SPDX + "".join('#include "%s"\n' % i for i in includes)


def header(*includes):
    return HEAD + "".join('#include "%s"\n' % i for i in includes)


# name, files, [(path, line, part of the message)]
CASES = [
    ("a clean project", {"src/base/a.h": header(), "src/core/bus/b.cc": source("base/a.h")}, []),

    ("includes go down", {"src/core/bus/b.h": header(), "src/stages/match/m.cc": source("core/bus/b.h")}, []),
    ("base may not include core", {"src/core/event/e.h": header(), "src/base/a.cc": source("core/event/e.h")},
     [("src/base/a.cc", 2, "goes up")]),
    ("core may not include stages",
     {"src/stages/match/m.h": header(), "src/core/sigma/s.cc": source("stages/match/m.h")},
     [("src/core/sigma/s.cc", 2, "goes up")]),
    ("the order inside core", {"src/core/bus/b.h": header(), "src/core/trace/t.cc": source("core/bus/b.h")},
     [("src/core/trace/t.cc", 2, "goes up: core/bus stands above core/trace")]),
    ("the order inside core, the right way",
     {"src/core/bus/b.cc": source("core/trace/t.h"), "src/core/trace/t.h": header()}, []),
    ("the order inside core holds for nested folders",
     {"src/core/bus/b.h": header(), "src/core/event/deep/e.cc": source("core/bus/b.h")},
     [("src/core/event/deep/e.cc", 2, "goes up")]),
    ("the order inside app", {"src/app/cli/c.h": header(), "src/app/pipeline/p.cc": source("app/cli/c.h")},
     [("src/app/pipeline/p.cc", 2, "goes up")]),
    ("stages never sideways",
     {"src/stages/match/m.h": header(), "src/stages/store/s.cc": source("stages/match/m.h")},
     [("src/stages/store/s.cc", 2, "sideways")]),
    ("what stands directly in stages is for all of them",
     {"src/stages/stage.h": header(), "src/stages/store/s.cc": source("stages/stage.h")}, []),
    ("inside one stage", {"src/stages/produce/evtx/e.h": header(),
                          "src/stages/produce/p.cc": source("stages/produce/evtx/e.h")}, []),
    ("the two buses never sideways",
     {"src/core/bus/kafka/k.h": header(), "src/core/bus/embedded/e.cc": source("core/bus/kafka/k.h")},
     [("src/core/bus/embedded/e.cc", 2, "sideways")]),
    ("a path that is not from src/", {"src/base/a.h": header(), "src/base/b.cc": source("a.h")},
     [("src/base/b.cc", 2, "no header a.h")]),
    ("src may not include tests", {"tests/t.h": header(), "src/base/b.cc": source("t.h")},
     [("src/base/b.cc", 2, "no header t.h")]),
    ("tests may include anything", {"tests/t.h": header(), "src/app/cli/c.h": header(),
                                    "tests/base/b_test.cc": source("t.h", "app/cli/c.h")}, []),
    ("a test includes what stands beside it", {"tests/base/fixture.h": header(),
                                               "tests/base/b_test.cc": source("fixture.h")}, []),
    ("a test includes what stands elsewhere", {"tests/core/fixture.h": header(),
                                               "tests/base/b_test.cc": source("fixture.h")},
     [("tests/base/b_test.cc", 2, "no header fixture.h")]),
    ("a tier nobody knows", {"src/misc/a.h": header()}, [("src/misc", 1, "without a place")]),
    ("a folder of core nobody knows", {"src/core/misc/a.h": header()}, [("src/core/misc", 1, "without a place")]),
    ("headers in a circle", {"src/base/a.h": header("base/b.h"), "src/base/b.h": header("base/a.h")},
     [("src/base/a.h", 1, "base/a.h -> base/b.h -> base/a.h")]),

    ("a pair counts once", {"src/base/f%d%s" % (i, s): HEAD for i in range(14) for s in (".h", ".cc")}, []),
    ("too many in a folder", {"src/base/f%d.h" % i: HEAD for i in range(15)}, [("src/base", 1, "15 units")]),
    ("a module without README", {"src/base/a.h": header(), "src/base/README.md": None},
     [("src/base", 1, "without a README.md")]),
    ("a part of a part leaves its README to that part",
     {"src/stages/produce/evtx/a.h": header(), "src/stages/produce/evtx/deep/b.h": header(),
      "src/stages/produce/evtx/deep/README.md": None}, []),
    ("a generated list", {"src/base/a.cc": source("list.inc")}, []),

    ("header without pragma", {"src/base/a.h": SPDX}, [("src/base/a.h", 1, "#pragma once")]),
    ("sources without a licence", {"src/base/a.cc": "int x;\n", "tools/x.py": "x = 1\n", "tools/x.sh": "true\n"},
     [("src/base/a.cc", 1, "licence"), ("tools/x.py", 1, "licence"), ("tools/x.sh", 1, "licence")]),
    ("a script is known by its first line", {"run": "#!/bin/sh\ntrue\n"}, [("run", 1, "licence")]),

    ("100 columns", {"src/base/a.cc": SPDX + "//" + "x" * 98 + "\n"}, []),
    ("101 columns", {"src/base/a.cc": SPDX + "//" + "x" * 99 + "\n"}, [("src/base/a.cc", 2, "101 columns")]),
    ("a long string", {"src/base/a.cc": SPDX + 'auto x = "' + "\\\"x" * 99 + '";\n'}, []),
    ("a long line with a string", {"src/base/a.cc": SPDX + 'auto x = "" + ' + "x" * 99 + ";\n"},
     [("src/base/a.cc", 2, "114 columns")]),
    ("a long URL", {"src/base/a.cc": SPDX + "// see https://example.test/" + "x" * 99 + "\n"}, []),
    ("a raw string", {"src/base/a.cc": SPDX + 'auto x = R"(\n' + "x" * 120 + '\n)";\n'}, []),
    ("after a raw string", {"src/base/a.cc": SPDX + 'auto x = R"j(\n)j";\n//' + "x" * 120 + "\n"},
     [("src/base/a.cc", 4, "122 columns")]),
    ("a table", {"src/base/a.cc": SPDX + "// clang-format off\n//" + "x" * 120 + "\n// clang-format on\n"}, []),
    ("after a table",
     {"src/base/a.cc": SPDX + "// clang-format off\n// clang-format on\n//" + "x" * 120 + "\n"},
     [("src/base/a.cc", 4, "122 columns")]),
    ("tab and blank", {"src/base/a.cc": SPDX + "\tint x;\nint y; \n"},
     [("src/base/a.cc", 2, "tab"), ("src/base/a.cc", 3, "blanks at the end")]),
    ("outside ASCII", {"src/base/a.cc": SPDX + "// \u00e9\n"}, [("src/base/a.cc", 2, "outside ASCII")]),
    ("outside ASCII, marked", {"src/base/a.cc": SPDX + 'f("\u00e9");  // tidy: utf-8\n'}, []),
    ("outside ASCII, in a test", {"tests/base/a_test.cc": SPDX + 'f("\u00e9");\n'}, []),
    ("outside ASCII, in text", {"docs/a.md": "\u2192\n"}, []),
    ("a note without an owner", {"src/base/a.cc": SPDX + "// TODO: later\n"},
     [("src/base/a.cc", 2, "without an owner")]),
    ("a note with an owner", {"src/base/a.cc": SPDX + "// TODO(ada): later\n"}, []),
    ("a long file is a warning", {"src/base/a.cc": SPDX + "\n" * 700}, [("src/base/a.cc", 600, "701 lines")]),
    ("a large file", {"docs/a.bin": "x" * ((1 << 20) + 1)}, [("docs/a.bin", 1, "1048577 bytes")]),
    ("a registry", {"docs/a.md": "text\nfrom https://" + tidy.FORBIDDEN[0] + "/x\n"},
     [("docs/a.md", 2, "package registry")]),
    ("data may be as they are", {"examples/a.json": '{"x":\t1} \n'}, []),
]


def findings(files):
    """Writes the project, with a README in each folder of sources, and checks it."""
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for path in list(files):
            if path.startswith("src/"):
                readme = str(pathlib.PurePosixPath(path).parent / "README.md")
                files.setdefault(readme, "# text\n")
        for path, text in files.items():
            if text is None:
                continue
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return list(tidy.check(root))


class TidyTest(unittest.TestCase):
    def test_cases(self):
        for name, files, want in CASES:
            with self.subTest(name):
                got = findings(dict(files))
                self.assertEqual([(p.path, p.line) for p in got], [(path, line) for path, line, _ in want],
                                 [p.what for p in got])
                for problem, (_, _, part) in zip(got, want):
                    self.assertIn(part, problem.what)
                    self.assertTrue(problem.mend)

    def test_only_the_middle_length_is_a_warning(self):
        for lines, warning in [(700, True), (1000, False)]:
            got = findings({"src/base/a.cc": SPDX + "\n" * lines})
            self.assertEqual([p.warning for p in got], [warning])

    def test_the_exit_status_follows_the_errors(self):
        with tempfile.TemporaryDirectory() as name:
            (pathlib.Path(name) / "a.py").write_text("x = 1\n", encoding="utf-8")
            with contextlib.redirect_stdout(io.StringIO()) as out:
                self.assertEqual(tidy.main([name]), 1)
            self.assertIn("a.py:1: no licence line: begin with", out.getvalue())
            (pathlib.Path(name) / "a.py").write_text("#" + SPDX[2:] + "x = 1\n", encoding="utf-8")
            self.assertEqual(tidy.main([name]), 0)


if __name__ == "__main__":
    unittest.main()
