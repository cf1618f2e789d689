#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what no compiler checks: that includes go down the tiers only, that folders and files stay
small enough to read, and that the sources are clean. Prints one `path:line: what: how to mend` a finding
and ends with status 1 when there is one; warnings alone are status 0.

    tools/tidy.py [ROOT]
"""
import os
import pathlib
import re
import subprocess
import sys
from collections import namedtuple

# Low to high: a folder of src/ may include its own tier and those before it. This is the one place, with
# src/CMakeLists.txt, where the order is stated.
TIERS = ["base", "core", "stages", "app"]
# Within a tier: a folder may include itself and those before it.
ORDER = {
    "core": ["event", "trace", "metrics", "bus", "sigma"],
    "app": ["pipeline", "insight", "console", "cli"],
}
# The folders inside these never include one another.
APART = ["stages", "core/bus"]

UNITS_MAX = 14  # of a folder: a header with its source file counts once
UNITS_MAX_OF = {"src/app/cli": 20}  # one file for each subcommand
LINE_MAX = 100
FILE_LINES_WARN = 600
FILE_LINES_MAX = 900
BLOB_BYTES_MAX = 1 << 20

CXX = {".h", ".cc"}
CODE = CXX | {".py", ".sh"}
TEXT = CODE | {".md", ".cmake", ".txt", ".json", ".yml", ".yaml"}
# Data made to look like somebody's logs may hold anything, and this file's fixtures are such.
DATA_FOLDERS = ("examples/", "tests/data/", "fuzz/corpus/")

# Package registries belong in a machine's configuration. Written in halves, or this file would find itself.
FORBIDDEN = [a + "." + b for a, b in [
    ("deb", "debian.org"), ("archive", "ubuntu.com"), ("pypi", "org"), ("files", "pythonhosted.org"),
    ("repo1", "maven.org"), ("repo.maven", "apache.org"), ("proxy", "golang.org"),
    ("sum", "golang.org"), ("registry", "npmjs.org"), ("crates", "io")]]

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\([a-z][\w.-]*\))")
STRING = re.compile(r'"(\\.|[^"\\])*"')
ALLOW_UTF8 = "tidy: utf-8"

Problem = namedtuple("Problem", "path line what mend warning", defaults=[False])


class File:
    """One file of the project, read once."""

    def __init__(self, root, path):
        self.path = path
        self.suffix = pathlib.PurePosixPath(path).suffix
        self.bytes = (root / path).read_bytes()
        if not self.suffix and self.bytes[:2] == b"#!":
            self.suffix = ".sh" if b"sh" in self.bytes.split(b"\n", 1)[0] else ".py"
        self.lines = self.bytes.decode("utf-8", "replace").splitlines()

    def folder(self):
        return os.path.dirname(self.path)

    def is_data(self):
        return self.path.startswith(DATA_FOLDERS)


def list_files(root):
    """Tracked and not-ignored files; outside of git, all but build trees."""
    git = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "-c", "-o", "--exclude-standard"],
                         capture_output=True, check=False)
    if git.returncode == 0 and (root / ".git").exists():
        names = sorted(set(git.stdout.decode().split("\0")) - {""})
        return [n for n in names if (root / n).is_file() and not (root / n).is_symlink()]
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in (".git", "build", "__pycache__")]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(found)


# ---- layers -------------------------------------------------------------------------------------------


def rank(parts):
    """Where a path below src/ stands: its tier, and its place inside it (0 where there is no order)."""
    tier = TIERS.index(parts[0])
    order = ORDER.get(parts[0], [])
    inner = parts[1] if len(parts) > 2 else None
    return tier, order.index(inner) if inner in order else 0


def forbidden_include(me, target):
    """Why `me` may not include `target` (both below src/), or None."""
    mine, theirs = me.split("/"), target.split("/")
    if rank(theirs) > rank(mine):
        return "goes up: %s stands above %s" % ("/".join(theirs[:2]), "/".join(mine[:2]))
    for parent in APART:
        depth = parent.count("/") + 1
        inside = ["/".join(parts[:depth]) == parent and len(parts) > depth + 1 for parts in (mine, theirs)]
        if all(inside) and mine[depth] != theirs[depth]:
            return "goes sideways: folders of %s know nothing of each other" % parent
    return None


def check_includes(files):
    known = {f.path for f in files}
    for file in files:
        if file.suffix not in CXX or not file.path.startswith(("src/", "tests/", "fuzz/", "bench/")):
            continue
        for number, line in enumerate(file.lines, 1):
            match = INCLUDE.match(line)
            if not match or match.group(1).endswith(".inc"):  # .inc: generated into the build tree
                continue
            target = match.group(1)
            # A test may also include what stands beside it.
            roots = ["src/"] if file.path.startswith("src/") else ["src/", "tests/", file.folder() + "/"]
            if not any(r + target in known for r in roots):
                yield Problem(file.path, number, "no header %s in %s" % (target, " or ".join(roots)),
                              'write its path from src/, or <...> for a library')
            elif file.path.startswith("src/"):
                why = forbidden_include(file.path[4:], target)
                if why:
                    yield Problem(file.path, number, "include of %s %s" % (target, why),
                                  "move what is shared down, or pass it in from above")


def check_tree(files):
    """Every folder of src/ must have its place in the order, or it could not be checked."""
    seen = set()
    for file in files:
        parts = file.path.split("/")
        if parts[0] != "src" or file.suffix not in CXX or len(parts) < 3:
            continue
        if parts[1] not in TIERS:
            name = "src/" + parts[1]
        elif parts[1] in ORDER and len(parts) > 3 and parts[2] not in ORDER[parts[1]]:
            name = "/".join(parts[:3])
        else:
            continue
        if name not in seen:
            seen.add(name)
            yield Problem(name, 1, "folder without a place in the layers", "give it one in tools/tidy.py")


def check_cycles(files):
    """Headers that include each other in a circle; `#pragma once` hides them from the compiler."""
    graph = {}
    for file in files:
        if file.suffix == ".h" and file.path.startswith("src/"):
            graph[file.path[4:]] = [m.group(1) for m in map(INCLUDE.match, file.lines) if m]
    done = set()

    def walk(node, trail):
        if node in trail:
            yield trail[trail.index(node):] + [node]
        elif node in graph and node not in done:
            for target in graph[node]:
                yield from walk(target, trail + [node])
            done.add(node)

    for node in sorted(graph):
        for circle in walk(node, []):
            yield Problem("src/" + circle[0], 1, "headers include each other: " + " -> ".join(circle),
                          "split off what both need")


# ---- folders ------------------------------------------------------------------------------------------


def check_folders(files):
    units, with_readme = {}, set()
    for file in files:
        if file.suffix in CXX:
            units.setdefault(file.folder(), set()).add(os.path.splitext(file.path)[0])
        if os.path.basename(file.path) == "README.md":
            with_readme.add(file.folder())
    for folder, stems in sorted(units.items()):
        most = UNITS_MAX_OF.get(folder, UNITS_MAX)
        if len(stems) > most:
            yield Problem(folder, 1, "%d units in one folder, at most %d" % (len(stems), most),
                          "split it by idea into folders")
        # A folder inside a module's part (src/stages/produce/evtx/...) may leave it to that part.
        readers = [folder] + ([os.path.dirname(folder)] if folder.count("/") > 3 else [])
        if folder.startswith("src/") and not with_readme.intersection(readers):
            yield Problem(folder, 1, "module folder without a README.md",
                          "say what it is for, what may live in it, and in which order to read it")


# ---- one file -----------------------------------------------------------------------------------------


def check_size(file):
    if len(file.bytes) > BLOB_BYTES_MAX:
        yield Problem(file.path, 1, "%d bytes" % len(file.bytes), "make it, fetch it, or leave it out")
    if file.suffix in CODE and len(file.lines) > FILE_LINES_WARN:
        yield Problem(file.path, FILE_LINES_WARN, "%d lines" % len(file.lines), "split it by idea",
                      warning=len(file.lines) <= FILE_LINES_MAX)


def check_head(file):
    if file.suffix in CODE and not any("SPDX-License-Identifier: Apache-2.0" in l for l in file.lines[:3]):
        yield Problem(file.path, 1, "no licence line",
                      "begin with `SPDX-License-Identifier: Apache-2.0` in a comment")
    if file.suffix == ".h" and not any(l.strip() == "#pragma once" for l in file.lines):
        yield Problem(file.path, 1, "header without #pragma once", "add it below the header comment")


def long_line_allowed(file):
    """Per line: inside a raw string, or between `clang-format off` and `on` (tables)."""
    raw_end, table = None, False
    for line in file.lines:
        inside = raw_end is not None or table
        if raw_end is None:
            if "clang-format off" in line or "clang-format on" in line:
                table = "clang-format off" in line
            opened = re.search(r'R"([^\s()\\]{0,16})\(', line)
            if opened:
                inside = True
                closing = ")" + opened.group(1) + '"'
                raw_end = None if closing in line[opened.end():] else closing
        elif raw_end in line:
            raw_end = None
        yield inside or table


def check_lines(file):
    if file.suffix not in TEXT or file.is_data():
        return
    ascii_only = file.suffix in CODE and not file.path.startswith("tests/") and \
        not any(ALLOW_UTF8 in l for l in file.lines[:10])
    allowed = list(long_line_allowed(file)) if file.suffix in CXX else None
    for number, line in enumerate(file.lines, 1):
        # The text of a string counts for nothing: breaking it would not make it easier to read.
        if allowed and len(STRING.sub('""', line)) > LINE_MAX and not allowed[number - 1] and "://" not in line:
            yield Problem(file.path, number, "%d columns, at most %d" % (len(line), LINE_MAX), "./dev fmt, or break it")
        if "\t" in line and file.suffix != ".md":
            yield Problem(file.path, number, "tab", "indent with blanks")
        if line.rstrip() != line:
            yield Problem(file.path, number, "blanks at the end of the line", "delete them")
        if ascii_only and not line.isascii() and ALLOW_UTF8 not in line:
            yield Problem(file.path, number, "character outside ASCII",
                          "escape it, or put `%s` into a comment of the line or of the file's head" % ALLOW_UTF8)
        if file.suffix in CODE and TODO.search(line) and not file.path.startswith("tools/tidy"):
            yield Problem(file.path, number, "note for later without an owner", "do it now, or write TODO(name)")


def check_words(file):
    for host in FORBIDDEN:
        at = file.bytes.find(host.encode())
        if at >= 0:
            yield Problem(file.path, file.bytes.count(b"\n", 0, at) + 1, "names the package registry " + host,
                          "leave where packages come from to the machine's configuration")


def check(root):
    files = [File(root, path) for path in list_files(root)]
    for whole in (check_tree, check_includes, check_cycles, check_folders):
        # A folder without a place has no rank; say so first and nothing else.
        problems = list(whole(files))
        yield from problems
        if whole is check_tree and problems:
            return
    for file in files:
        for single in (check_size, check_head, check_lines, check_words):
            yield from single(file)


def main(arguments):
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent.parent
    errors = 0
    for p in check(root):
        errors += not p.warning
        print("%s:%d: %s%s: %s" % (p.path, p.line, "warning: " if p.warning else "", p.what, p.mend))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
