# SPDX-License-Identifier: Apache-2.0
"""Row e: scan of the attack EVTX, and of 1 GB of them."""
import corpus
from report import Line, number

# Whole runs over 277 such files as their projects' users published them, in seconds. NOT measured here: on another
# machine, on more files (we have 149 of them). They give the order of magnitude only.
PUBLISHED = {"Zircolite 3.7": 10.0, "hayabusa 4.0": 15.0, "chainsaw 2.16": 17.0}
PUBLISHED_FILES = 277
GIGABYTE = 1_000_000_000


def row_e(context):
    """scan of the attack EVTX: whole process, and net of start on 1 GB."""
    rules = corpus.rules_folder(context.data)
    samples = context.data / "evtx-attack-samples"
    files = sorted(samples.rglob("*.evtx"))
    size = sum(f.stat().st_size for f in files)
    copies, size_big, times = corpus.evtx_copies(context.data, GIGABYTE)
    results = context.measure([
        context.scan("samples", [samples], rules), context.scan("start", [context.empty], rules),
        context.scan("big", [copies], rules)])
    whole, start, big = results["samples"], results["start"], results["big"]
    net = max(big.cpu - start.cpu, 1e-3)
    best_name, best = min(PUBLISHED.items(), key=lambda item: item[1])
    best_here = best * len(files) / PUBLISHED_FILES
    published = ", ".join("%s %.0f s" % item for item in PUBLISHED.items())
    best_net = best_here * times / net
    return [
        Line("e", "scan of %d attack EVTX, whole process" % len(files), "%.3f s wall, %.3f s CPU" % (
            whole.wall, whole.cpu), "%s, published: %.1f s" % (best_name, best_here), best_here / whole.cpu, 10,
            note="%.1f MB; net of start %.3f s CPU\nreferences are published figures for %d files (%s), scaled by the "
                 "number of files; NOT measured here" % (size / 1e6, max(whole.cpu - start.cpu, 0), PUBLISHED_FILES,
                                                         published),
            figures={"bytes": size, "files": len(files), **vars(whole)}),
        Line("e", "the same %d times, net of start" % times, "%.2f s CPU, %s MB/s a core" % (
            net, number(size_big / net / 1e6)), "%s, published, scaled: %.0f s" % (best_name, best_here * times),
            best_net, 30, note="%.2f GB; RSS %.0f MB. Chunks that hold no records are part of the bytes" % (
                size_big / 1e9, big.rss_mb), figures={"bytes": size_big, **vars(big)}),
        Line("e", "MB of EVTX a second and core", "%s MB/s" % number(size_big / net / 1e6), "at least 150 MB/s",
             size_big / net / 1e6, 150, unit=" MB/s"),
    ]
