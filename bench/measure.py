# SPDX-License-Identifier: Apache-2.0
"""Runs commands and measures them: wall seconds, CPU seconds of the whole process, peak memory.

    [Job] -> interleaved(jobs, runs) -> {name: Result}, medians

Interleaved, because a machine's speed drifts: run 1 of every job, then run 2 of every job, so that a ratio
compares neighbours in time.
"""
import dataclasses
import os
import signal
import statistics
import subprocess
import time


@dataclasses.dataclass
class Job:
    name: str
    command: list
    core: int = None       # pinned to this core; None: wherever it likes
    stdout: str = os.devnull
    ok: tuple = (0,)       # exit statuses that are no failure
    cpu_limit: int = 0     # seconds after which it is ended; 0: none


@dataclasses.dataclass
class Result:
    wall: float = 0.0      # medians
    cpu: float = 0.0
    rss_mb: float = 0.0    # the greatest
    spread: float = 0.0    # (max - min) / median of CPU seconds: how quiet the machine was
    runs: int = 0
    walls: list = dataclasses.field(default_factory=list)
    cpus: list = dataclasses.field(default_factory=list)


class Failed(Exception):
    """A command that was to be measured did not work."""


class TooSlow(Failed):
    """It reached its limit of CPU seconds."""


def run_once(job):
    """(wall, cpu, rss_mb) of one run."""
    cores = os.sched_getaffinity(0)
    with open(job.stdout, "wb") as out, open(os.devnull, "rb") as empty:
        if job.core is not None:
            os.sched_setaffinity(0, {job.core})
        try:
            begin = time.monotonic()
            # A child inherits the affinity. stderr is kept for the message when it fails.
            limit = ["prlimit", "--cpu=%d:%d" % (job.cpu_limit, job.cpu_limit + 5)] if job.cpu_limit else []
            child = subprocess.Popen(limit + [str(word) for word in job.command], stdin=empty, stdout=out,
                                     stderr=subprocess.PIPE)
        finally:
            os.sched_setaffinity(0, cores)
        talk = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stderr.close()
    if child.returncode == -signal.SIGXCPU:
        raise TooSlow("%s needed more than %d CPU seconds" % (job.name, job.cpu_limit))
    if child.returncode not in job.ok:
        raise Failed("%s ended with status %d:\n  %s\n%s" % (
            job.name, child.returncode, " ".join(map(str, job.command)), talk.decode("utf-8", "replace")[-2000:]))
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def interleaved(jobs, runs, progress=None):
    results = {job.name: Result() for job in jobs}
    for number in range(runs):
        for job in jobs:
            if progress:
                progress("run %d of %d: %s" % (number + 1, runs, job.name))
            wall, cpu, rss = run_once(job)
            result = results[job.name]
            result.walls.append(wall)
            result.cpus.append(cpu)
            result.rss_mb = max(result.rss_mb, rss)
    for result in results.values():
        result.runs = runs
        result.wall = statistics.median(result.walls)
        result.cpu = statistics.median(result.cpus)
        result.spread = (max(result.cpus) - min(result.cpus)) / result.cpu if result.cpu else 0.0
    return results


def last_core():
    """The core to pin to: the last that this process may use, since the first takes most interrupts."""
    return max(os.sched_getaffinity(0))


def anonymous_peak_mb(job, period=0.01):
    """Peak of the process's own memory (RssAnon), without the pages of files that it maps; and its RSS."""
    anon = rss = 0
    with open(job.stdout, "wb") as out, open(os.devnull, "rb") as empty:
        child = subprocess.Popen([str(word) for word in job.command], stdin=empty, stdout=out,
                                 stderr=subprocess.DEVNULL)
        while child.poll() is None:
            try:
                with open("/proc/%d/status" % child.pid, encoding="ascii", errors="replace") as status:
                    for line in status:
                        if line.startswith("RssAnon:"):
                            anon = max(anon, int(line.split()[1]))
                        elif line.startswith("VmHWM:"):
                            rss = max(rss, int(line.split()[1]))
            except OSError:
                pass
            time.sleep(period)
    if child.returncode not in job.ok:
        raise Failed("%s ended with status %d" % (job.name, child.returncode))
    return anon / 1024, rss / 1024
