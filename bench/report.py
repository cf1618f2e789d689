# SPDX-License-Identifier: Apache-2.0
"""What a benchmark found, as a table for people and as JSON for programs.

    [Line] + machine() -> text | JSON
"""
import dataclasses
import os
import pathlib
import platform
import shutil
import subprocess
import sys


@dataclasses.dataclass
class Line:
    """One measured thing beside what it is compared with."""
    row: str                 # "a", "b" ...
    measure: str
    ours: str
    reference: str = ""
    ratio: float = None      # how many times better than the reference (or the share that is asked for)
    bar: float = None        # the least (or with at_most: the greatest) ratio wanted
    at_most: bool = False
    unit: str = "x"
    note: str = ""
    skipped: bool = False
    failed: bool = False
    figures: dict = dataclasses.field(default_factory=dict)

    def reached(self):
        if self.bar is None or self.ratio is None:
            return None
        return self.ratio <= self.bar if self.at_most else self.ratio >= self.bar


def skipped(row, measure, why):
    return Line(row, measure, "", note="SKIPPED: " + why, skipped=True)


def first_line(*command):
    try:
        out = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "not there"
    return ((out.stdout or out.stderr).strip().splitlines() or ["?"])[0]


def machine():
    cpu = platform.processor() or platform.machine()
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "memory_gb": round(memory, 1),
            "kernel": platform.release(), "load": [round(x, 2) for x in os.getloadavg()]}


def number(value):
    """1234567 -> "1,234,567"; small ones with as many digits as matter."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return "{:,.0f}".format(value)
    return "{:.1f}".format(value) if abs(value) >= 10 else "{:.2f}".format(value)


def _verdict(line):
    reached = line.reached()
    return "" if reached is None else "yes" if reached else "NO"


def _bar(line):
    if line.bar is None:
        return ""
    return "%s %g%s" % ("<=" if line.at_most else ">=", line.bar, line.unit)


def table(lines, colour):
    heads = ["", "measure", "Tocsin", "reference", "ratio", "bar", "reached"]
    rows = [[line.row, line.measure, line.ours, line.reference,
             "" if line.ratio is None else number(line.ratio) + line.unit, _bar(line), _verdict(line)]
            for line in lines]
    widths = [max(len(str(r[i])) for r in rows + [heads]) for i in range(len(heads))]
    right = {4, 5}

    def fit(row):
        cells = [str(c).rjust(w) if i in right else str(c).ljust(w) for i, (c, w) in enumerate(zip(row, widths))]
        return "  ".join(cells).rstrip()

    out = [fit(heads), "  ".join("-" * w for w in widths)]
    for line, row in zip(lines, rows):
        text = fit(row)
        if colour and line.reached() is not None:
            text = "\033[%dm%s\033[0m" % (32 if line.reached() else 31, text)
        out.append(text)
        if line.note:
            out.extend("   " + " " * widths[0] + part for part in line.note.split("\n"))
    return "\n".join(out)


def as_json(lines):
    out = []
    for line in lines:
        item = {k: v for k, v in dataclasses.asdict(line).items() if v not in ("", None, {}, False)}
        item["reached"] = line.reached()
        out.append(item)
    return out


class Talk:
    """Progress on a terminal's last line; silent elsewhere. Data goes to stdout, talk to stderr."""

    def __init__(self):
        self.live = sys.stderr.isatty()

    def say(self, text):
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write("\r\033[K" + text[:width])
            sys.stderr.flush()

    def clear(self):
        if self.live:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def loud(self, text):
        self.clear()
        sys.stderr.write("!!! %s\n" % text)
