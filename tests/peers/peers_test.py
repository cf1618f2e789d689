# SPDX-License-Identifier: Apache-2.0
"""Every detection that another engine has on the sample logs and Tocsin lacks, or the reverse, is in
explained.tsv with its cause. Fails on any other.

    peers_test.py            compare
    peers_test.py --update   write explained.tsv anew: known causes are kept, new lines get '?'
"""

import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOCSIN = os.path.abspath(os.environ.get("TOCSIN", os.path.join(ROOT, "build/release/tocsin")))
DATA = os.path.abspath(os.environ.get("TOCSIN_DATA", os.path.join(ROOT, "../shared/data")))
TABLE = os.path.join(HERE, "explained.tsv")

SETS = ("regression", "evtx-attack-samples", "otrf")
PEERS = ("zircolite", "hayabusa", "sigma-rust", "chainsaw")
FOLDERS = ("rules/windows", "rules/category/antivirus", "rules-emerging-threats", "rules-threat-hunting")
# Rules for no product in particular, which only hayabusa was given.
ANTIVIRUS = "rules/category/antivirus"
COLUMNS = ("peer", "set", "rule", "direction", "count", "right", "cause")

Line = collections.namedtuple("Line", ("count", "right", "cause"))


def scan(folder):
    """Tocsin's detections below a folder: {(file, record or line, rule)}."""
    command = [TOCSIN, "scan", "-q", "--format", "jsonl"]
    for rules in FOLDERS:
        command += ["--rules", os.path.join(DATA, "sigma", rules)]
    home = tempfile.mkdtemp(prefix="tocsin-peers-")
    try:
        env = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN")}
        done = subprocess.run(command + [os.path.join(DATA, folder)], cwd=home, env=env,
                              stdout=subprocess.PIPE, check=True)
    finally:
        shutil.rmtree(home, True)
    found = set()
    for line in done.stdout.splitlines():
        alert = json.loads(line)
        path = alert["log"]["file"]["path"]
        name = os.path.basename(path.split("!")[-1])
        rule = alert["rule"]["id"]
        if name.endswith(".evtx"):
            found.add((name, str(alert["winlog"]["record_id"]), rule))
        elif folder == "otrf":  # the samples of the regression are the same events again as JSON
            found.add((name, str(alert["log"]["offset"]), rule))
    return found


def blank_lines():
    """{file: numbers of its lines without an event}; the peers read copies without them."""
    out = {}
    folder = os.path.join(DATA, "otrf")
    for archive in sorted(os.listdir(folder)):
        if not archive.endswith(".zip"):
            continue
        with zipfile.ZipFile(os.path.join(folder, archive)) as files:
            for name in files.namelist():
                if not name.endswith(".json") or "__MACOSX" in name:
                    continue
                with files.open(name) as lines:
                    blank = [number for number, text in enumerate(lines, 1) if not text.strip()]
                if blank:
                    out[os.path.basename(name)] = blank
    return out


def peer_detections(peer, folder, blank):
    path = os.path.join(DATA, "peer-detections", f"{peer}-{folder}.tsv")
    if not os.path.exists(path):
        return None
    found = set()
    with open(path, encoding="utf-8") as rows:
        for row in rows:
            fields = row.rstrip("\n").split("\t")
            if len(fields) < 3:
                continue
            name = os.path.basename(fields[0])
            if name.endswith(".jsonl"):
                name = name[:-1]
                number = int(fields[1])
                for line in blank.get(name, ()):
                    number += line <= number
                fields[1] = str(number)
            found.add((name, fields[1], fields[2]))
    return found


def antivirus_rules():
    ids = set()
    folder = os.path.join(DATA, "sigma", ANTIVIRUS)
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as text:
            ids.update(line.split(":")[1].strip() for line in text if line.startswith("id:"))
    return ids


def differences():
    """{(peer, set, rule, direction): count}"""
    counts = collections.Counter()
    blank, antivirus = blank_lines(), antivirus_rules()
    for folder in SETS:
        ours = scan(folder)
        for peer in PEERS:
            theirs = peer_detections(peer, folder, blank)
            if theirs is None:
                continue
            known = ours if peer == "hayabusa" else {d for d in ours if d[2] not in antivirus}
            for direction, only in (("only tocsin", known - theirs), ("only peer", theirs - known)):
                for detection in only:
                    counts[peer, folder, detection[2], direction] += 1
    return counts


def read_table():
    table = {}
    with open(TABLE, encoding="utf-8") as rows:
        for number, row in enumerate(rows, 1):
            if row.startswith("#"):
                continue
            fields = row.rstrip("\n").split("\t")
            if fields == list(COLUMNS):
                continue
            if len(fields) != len(COLUMNS):
                raise ValueError(f"{TABLE}:{number}: {len(COLUMNS)} columns expected, {len(fields)} found")
            table[tuple(fields[:4])] = Line(int(fields[4]), fields[5], fields[6])
    return table


def causes():
    """The causes that docs/sigma-differences.md explains: its table's first column."""
    with open(os.path.join(ROOT, "docs/sigma-differences.md"), encoding="utf-8") as text:
        return {line.split("|")[1].strip(" `") for line in text if line.startswith("| `")}


def update():
    old = read_table() if os.path.exists(TABLE) else {}
    head = []
    if os.path.exists(TABLE):
        with open(TABLE, encoding="utf-8") as text:
            head = [line for line in text if line.startswith("#")]
    with open(TABLE, "w", encoding="utf-8") as out:
        out.writelines(head)
        out.write("\t".join(COLUMNS) + "\n")
        for key, count in sorted(differences().items()):
            line = old.get(key, Line(0, "?", "?"))
            out.write("\t".join((*key, str(count), line.right, line.cause)) + "\n")


class Peers(unittest.TestCase):
    def test_every_difference_is_explained(self):
        table, found = read_table(), differences()
        wrong = []
        for key in sorted(set(table) | set(found)):
            want = table[key].count if key in table else 0
            if want != found.get(key, 0):
                wrong.append(f"{' '.join(key)}: {found.get(key, 0)} found, {want} explained")
        self.assertEqual([], wrong, "\n".join(wrong))

    def test_each_line_of_the_table_names_a_cause_that_the_documentation_has(self):
        known = causes()
        self.assertTrue(known)
        for key, line in read_table().items():
            self.assertIn(line.right, ("tocsin", "peer", "both"), key)
            for cause in line.cause.split("+"):
                self.assertIn(cause, known, key)


if __name__ == "__main__":
    if not os.access(TOCSIN, os.X_OK):
        print(f"SKIPPED: {TOCSIN} is not built")
        raise SystemExit(77)
    if not os.path.isdir(os.path.join(DATA, "peer-detections")):
        print(f"SKIPPED: {DATA}/peer-detections is not there; set TOCSIN_DATA to the folder of the samples")
        raise SystemExit(77)
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        unittest.main(verbosity=2)
