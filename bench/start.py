# SPDX-License-Identifier: Apache-2.0
"""Row d: from the start of the process to its first event, with a cold and a warm page cache; memory."""
import os
import pathlib
import statistics
import subprocess

import corpus
import measure
from report import Line, number

COLD_RUNS = 3


def drop_caches():
    """Whether the whole page cache could be dropped (root, and the kernel lets us)."""
    try:
        os.sync()
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n", encoding="ascii")
        return True
    except OSError:
        return False


def forget_files(paths):
    """The second best: asks the kernel to drop the pages of these files (not their names)."""
    for path in paths:
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def libraries(program):
    out = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return [word for line in out.splitlines() for word in line.split() if word.startswith("/")]


def first_event(context):
    path = context.folder / "one.jsonl"
    with open(corpus.otrf_jsonl(context.data), "rb") as events:
        path.write_bytes(events.readline())
    return path


def row_d(context):
    """Start to first event, and memory."""
    rules = corpus.rules_folder(context.data)
    count = sum(1 for _ in rules.rglob("*.yml"))
    job = context.scan("start", [first_event(context)], rules, threads=None)
    pinned = context.scan("start on one core", [first_event(context)], rules)
    runs = measure.interleaved([job, pinned], max(context.runs, 5), context.talk.say)
    warm, one = runs["start"], runs["start on one core"]
    walls, dropped = [], True
    touched = [context.tocsin, *libraries(context.tocsin), *map(str, rules.rglob("*.yml"))]
    for _ in range(COLD_RUNS):
        context.talk.say("cold start")
        if not drop_caches():
            dropped = False
            forget_files(touched)
        walls.append(measure.run_once(job)[0])
    cold = statistics.median(walls)
    how = ("page cache dropped before each run" if dropped else
           "the page cache may not be dropped here: only the pages of program, libraries and rules were; "
           "run as root for the true figure")
    steady = context.scan("memory", [corpus.otrf_jsonl(context.data)], rules)
    anon, rss = measure.anonymous_peak_mb(steady)
    return [
        Line("d", "start to first event, warm cache", "%.3f s wall, %.3f s CPU" % (warm.wall, warm.cpu),
             "at most 0.3 s", warm.wall, 0.3, at_most=True, unit=" s",
             note="%s rules; one event, whole process; pinned to one core %.3f s" % (number(count), one.wall),
             figures={**vars(warm), "one_core": vars(one)}),
        Line("d", "start to first event, cold cache", "%.3f s wall" % cold, "at most 1.0 s", cold, 1.0, at_most=True,
             unit=" s", note=how, figures={"walls": walls, "dropped": dropped}),
        Line("d", "memory while scanning row a's events", "%s MB RSS" % number(rss), "at most 250 MB", rss, 250,
             at_most=True, unit=" MB", note="peak; %s MB of it are the process's own (the rest: mapped files)" %
             number(anon), figures={"rss_mb": rss, "anonymous_mb": anon}),
    ]
