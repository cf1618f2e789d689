# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks read: made once from $TOCSIN_DATA into a cache folder outside the repository.

    OTRF zips -> otrf.jsonl        Windows events of many recordings, mixed, one a line
    Sigma folders -> rules/        one folder, because some programs take only one
    attack EVTX -> evtx-1g/        the same files again and again, to 1 GB, as links
"""
import hashlib
import os
import pathlib
import shutil
import zipfile

RULE_FOLDERS = ["rules/windows", "rules-emerging-threats", "rules-threat-hunting"]
# Of each recording, so that many recordings fit: a value seen before is the exception, as in life.
RECORDING_BYTES = 4 << 20
JSONL_BYTES = 122_000_000
NOT_WINDOWS = ("aws_", "linux_", "Log4Shell_")


def cache_folder():
    base = os.environ.get("TOCSIN_BENCH_CACHE")
    if not base:
        base = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tocsin-bench"
    folder = pathlib.Path(base)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def data_folder():
    """$TOCSIN_DATA or ../shared/data; None when there is none."""
    root = pathlib.Path(__file__).resolve().parent.parent
    folder = pathlib.Path(os.environ.get("TOCSIN_DATA") or root.parent / "shared" / "data")
    return folder if (folder / "sigma").is_dir() else None


def _recordings(data):
    """(name, lines as one bytes object) of each Windows recording, at most RECORDING_BYTES of it."""
    for path in sorted((data / "otrf").glob("*.zip")):
        if path.name.startswith(NOT_WINDOWS):
            continue
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.startswith("__MACOSX") or not name.endswith(".json"):
                    continue
                with archive.open(name) as member:
                    head = member.read(RECORDING_BYTES)
                end = head.rfind(b"\n") + 1
                # The samples of one program hold a few JSON documents over many lines: not lines.
                lines = [l for l in head[:end].split(b"\n") if l.startswith(b"{") and l.rstrip().endswith(b"}")]
                if lines:
                    yield name, b"\n".join(lines) + b"\n"


def otrf_jsonl(data):
    """The path of the events, made when it is not there yet."""
    target = cache_folder() / "otrf.jsonl"
    stamp = cache_folder() / "otrf.stamp"
    recipe = "%d %d %s 1" % (RECORDING_BYTES, JSONL_BYTES, data)
    if target.exists() and stamp.exists() and stamp.read_text() == recipe:
        return target
    part = target.with_suffix(".part")
    written = 0
    with open(part, "wb") as out:
        for _, lines in _recordings(data):
            out.write(lines)
            written += len(lines)
            if written >= JSONL_BYTES:
                break
    part.rename(target)
    stamp.write_text(recipe)
    return target


def describe(path):
    """Size, lines and the first 16 digits of the SHA-256 of a file."""
    digest, lines, size = hashlib.sha256(), 0, 0
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            lines += piece.count(b"\n")
            size += len(piece)
    return {"path": str(path), "bytes": size, "events": lines, "sha256": digest.hexdigest()[:16]}


def rules_folder(data):
    """All rules of RULE_FOLDERS below one folder; made anew when their number or dates changed."""
    target = cache_folder() / "rules"
    stamp = cache_folder() / "rules.stamp"
    files = [path for folder in RULE_FOLDERS for path in sorted((data / "sigma" / folder).rglob("*.yml"))]
    recipe = "%d %d %s" % (len(files), max(int(f.stat().st_mtime) for f in files), data)
    if target.is_dir() and stamp.exists() and stamp.read_text() == recipe:
        return target
    shutil.rmtree(target, ignore_errors=True)
    for file in files:
        copy = target / file.relative_to(data / "sigma")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    stamp.write_text(recipe)
    return target


def evtx_copies(data, size_bytes):
    """A folder with the attack EVTX again and again (links, no disk space), and its size in bytes."""
    files = sorted(p for p in (data / "evtx-attack-samples").rglob("*.evtx"))
    once = sum(f.stat().st_size for f in files)
    copies = max(1, -(-size_bytes // once))
    target = cache_folder() / "evtx-1g"
    stamp = cache_folder() / "evtx-1g.stamp"
    recipe = "%d %d %s" % (copies, len(files), data)
    if not (target.is_dir() and stamp.exists() and stamp.read_text() == recipe):
        shutil.rmtree(target, ignore_errors=True)
        for copy in range(copies):
            folder = target / ("%04d" % copy)
            folder.mkdir(parents=True)
            for number, file in enumerate(files):
                link = folder / ("%03d-%s" % (number, file.name))
                try:
                    os.link(file, link)
                except OSError:  # another file system
                    shutil.copyfile(file, link)
        stamp.write_text(recipe)
    return target, copies * once, copies


def adversary_events(data):
    """{kind: file} of bench/adversary.py; made anew when the rules or the program changed."""
    import adversary  # here: it needs PyYAML, which the other rows do without

    target, stamp = cache_folder() / "adversary", cache_folder() / "adversary.stamp"
    rules = rules_folder(data)
    program = hashlib.sha256(pathlib.Path(adversary.__file__).read_bytes()).hexdigest()
    recipe = program + (cache_folder() / "rules.stamp").read_text()
    if not (target.is_dir() and stamp.exists() and stamp.read_text() == recipe):
        shutil.rmtree(target, ignore_errors=True)
        adversary.write(rules, target)
        stamp.write_text(recipe)
    return {kind: target / (kind + ".jsonl") for kind in adversary.kinds()}
