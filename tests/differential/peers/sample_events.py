# SPDX-License-Identifier: Apache-2.0
"""All sample logs of Windows, event by event: as they are written, and flat, with the names that rules use.

    OTRF archives, regression samples, recorded attacks (EVTX, as `tocsin produce` publishes them) -> (bytes, {name: value})
"""

import json
import zipfile

import example_events
import peers


def put(out, name, value):
    """One more value of a field: several are an array."""
    if value is None:
        return
    if name in out:
        value = example_events.scalars(out[name]) + example_events.scalars(value)
    out[name] = value


def put_element(out, name, value):
    """An XML element: its text under its name, its attributes under Name_Attribute."""
    for one in example_events.scalars(value):
        if isinstance(one, dict):
            for attribute, given in one.get("#attributes", {}).items():
                put(out, f"{name}_{attribute}", given)
            for key, given in one.items():
                if key == "#text":
                    put(out, name, given)
                elif key != "#attributes":
                    put_element(out, f"{name}.{key}", given)
        else:
            put(out, name, one)


def flat(event):
    """{"Event": {"System": ..., "EventData": ...}} by name; anything else is flat already."""
    if not isinstance(event.get("Event"), dict):
        return event
    event, out = event["Event"], {}
    for key, value in event.get("System", {}).items():
        put_element(out, key, value)
    groups = [event.get("EventData")]
    groups += (event.get("UserData") or {}).values()
    for group in groups:
        for key, value in (group if isinstance(group, dict) else {}).items():
            if key != "#attributes":
                put_element(out, key, value)
    return out


def of_windows(event):
    return isinstance(event, dict) and "Channel" in event and "EventID" in event


def otrf(every=1):
    """Each n-th event of the archives."""
    for archive in sorted((peers.DATA / "otrf").rglob("*.zip")):
        with zipfile.ZipFile(archive) as files:
            for name in sorted(files.namelist()):
                if not name.endswith(".json") or "__MACOSX" in name:
                    continue
                with files.open(name) as lines:
                    for number, line in enumerate(lines):
                        if number % every == 0:
                            yield line


def regression():
    for path in sorted((peers.DATA / "regression").rglob("*.json")):
        for event in example_events.read_json(path):
            yield json.dumps(event, ensure_ascii=False).encode()


def attacks(folder):
    """The EVTX samples, read by Tocsin, through its embedded bus in `folder`."""
    bus = folder / "attacks.bus"
    quiet = {**peers.environment(), "TOCSIN_BUS": f"embedded:{bus}"}
    peers.run(peers.TOCSIN, "-q", "produce", peers.DATA / "evtx-attack-samples", env=quiet, cwd=folder)
    for line in peers.run(peers.TOCSIN, "-q", "topics", "read", "raw-events", env=quiet, cwd=folder).splitlines():
        yield json.dumps(json.loads(line)["value"], ensure_ascii=False).encode()


def windows_events(lines):
    """(line, flat event) of those that are events of Windows, one JSON object a line."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:  # not every file is one object a line
            continue
        event = flat(event) if isinstance(event, dict) else event
        if of_windows(event):
            yield line.rstrip(b"\r\n"), event
