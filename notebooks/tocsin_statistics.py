# SPDX-License-Identifier: Apache-2.0
"""What the notebook statistics.ipynb stands on: reading a data folder, counting, and the look of its plots.

    tocsin.db or verdicts.csv, traces.db -> load(), spans() -> DataFrames -> counts, scores -> plots

Verdicts have the same columns from either source, but for the truth of a simulation and the names of rules, which only
tocsin.db has. Nothing here writes.
"""
import os
import pathlib
import re
import sqlite3
from dataclasses import dataclass, field

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

# ATT&CK's tactics in the order of the kill chain. A tactic has the same colour here and in `tocsin report --html`
# (src/app/cli/report/report.css).
TACTICS = {
    "Reconnaissance": "#8b98a9", "Resource Development": "#5f6f86", "Initial Access": "#3f6fb5",
    "Execution": "#6cb4e4", "Persistence": "#1f8f88", "Privilege Escalation": "#7fcfb0", "Stealth": "#4a9a4a",
    "Defense Impairment": "#a5c53f", "Credential Access": "#e3b71c", "Discovery": "#f3a35c",
    "Lateral Movement": "#e0702a", "Collection": "#b5825f", "Command and Control": "#9a6fb8",
    "Exfiltration": "#e07fb4", "Impact": "#c93a4b",
}
NO_TACTIC = "#a0a0a0"
LEVELS = {"critical": "#9d174d", "high": "#d9480f", "medium": "#c28a00", "low": "#2f76c9", "informational": "#8b95a5"}
NONE = "None"  # the class of an event that no rule matched
LISTS = ["tactics", "techniques", "rules"]

WIDTHS = ["1s", "5s", "10s", "30s", "1min", "2min", "5min", "10min", "15min", "30min", "1h", "2h", "3h", "6h", "12h",
          "1D", "7D", "30D", "365D"]


@dataclass
class Data:
    """The verdicts of a data folder. `alerts` is empty from a CSV file."""
    path: pathlib.Path
    verdicts: pd.DataFrame
    alerts: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def detected(self):
        return self.verdicts[self.verdicts["class"] != NONE]

    @property
    def truth(self):
        """The verdicts that carry a truth; none from a CSV file, or of real events."""
        if "truth" not in self.verdicts:
            return self.verdicts.iloc[0:0]
        return self.verdicts[self.verdicts["truth"] != ""]


# ---- reading ------------------------------------------------------------------------------------------------------


def data_folder():
    """TOCSIN_DATA_DIR; without it what `tocsin demo` or the pipeline left here or one folder up."""
    named = os.environ.get("TOCSIN_DATA_DIR")
    if named:
        return pathlib.Path(named)
    for base in (pathlib.Path("."), pathlib.Path("..")):
        for name in ("tocsin-data/demo", "tocsin-data"):
            if any((base / name / file).exists() for file in ("tocsin.db", "verdicts.csv")):
                return base / name
    raise FileNotFoundError("no tocsin-data here: run `tocsin demo`, or name a data folder by TOCSIN_DATA_DIR")


def load(folder, source=""):
    """Reads tocsin.db, or verdicts.csv when there is no database or `source` is "csv"."""
    folder = pathlib.Path(folder)
    database, csv = folder / "tocsin.db", folder / "verdicts.csv"
    if source not in ("", "sqlite", "csv"):
        raise ValueError(f"the source is sqlite or csv, not '{source}'")
    if source != "csv" and database.exists():
        return load_sqlite(database)
    if source != "sqlite" and csv.exists():
        return load_csv(csv)
    raise FileNotFoundError(f"{folder} has no {'verdicts.csv' if source == 'csv' else 'tocsin.db'}")


def read_only(path):
    return sqlite3.connect(pathlib.Path(path).resolve().as_uri() + "?mode=ro", uri=True)


def load_sqlite(path):
    with read_only(path) as db:
        verdicts = pd.read_sql(
            "SELECT lower(hex(event_id)) AS event_id, timestamp, host, channel, class, tactics, techniques, rules,"
            " level, score, classified_at, latency_us, truth, truth_scenario FROM verdicts", db)
        alerts = pd.read_sql("SELECT timestamp, host, rule_id, rule_name, level, class FROM alerts", db)
    db.close()
    for column in ("timestamp", "classified_at"):
        # 0: the event does not say when it happened.
        verdicts[column] = pd.to_datetime(verdicts[column].where(verdicts[column] != 0), unit="ns", utc=True)
    return Data(pathlib.Path(path), with_lists(verdicts), alerts)


def load_csv(path):
    verdicts = pd.read_csv(path, keep_default_na=False, dtype={"event_code": str})
    verdicts["event_id"] = verdicts["event_id"].str.replace("-", "")
    for column in ("timestamp", "classified_at"):
        verdicts[column] = pd.to_datetime(verdicts[column], utc=True, errors="coerce", format="ISO8601")
    return Data(pathlib.Path(path), with_lists(verdicts))


def with_lists(verdicts):
    for column in LISTS:
        verdicts[column] = verdicts[column].map(lambda text: text.split(";") if text else [])
    return verdicts


def spans(folder):
    """The spans of traces.db with their duration in nanoseconds, or None when there is no such file."""
    path = pathlib.Path(folder) / "traces.db"
    if not path.exists():
        return None
    with read_only(path) as db:
        frame = pd.read_sql("SELECT hex(trace_id) AS trace, service, name, start_ns, end_ns FROM spans", db)
    db.close()
    frame["duration"] = (frame["end_ns"] - frame["start_ns"]).clip(lower=0)
    return frame


def technique_names():
    """Technique id -> name, from mappings/attack.yml beside this folder; empty without it."""
    path = pathlib.Path(__file__).resolve().parent.parent / "mappings" / "attack.yml"
    if not path.exists():
        return {}
    return dict(re.findall(r'^  (T[\d.]+): \{name: "([^"]*)"', path.read_text(encoding="utf-8"), re.M))


# ---- counting -----------------------------------------------------------------------------------------------------


def slug(name):
    return name.lower().replace(" ", "-")


def in_kill_chain(names):
    """The names in the order of the kill chain; what is no tactic comes last."""
    order = {name: position for position, name in enumerate(TACTICS)}
    return sorted(names, key=lambda name: (order.get(name, len(order)), name))


def main_period(times):
    """First and last moment to draw. A few events of another year would squeeze all others into one bar: where 99 % of
    the events happened in less than a quarter of the time, these."""
    low, high = times.quantile(0.005), times.quantile(0.995)
    if (high - low) * 4 < times.max() - times.min():
        return low, high
    return times.min(), times.max()


def bucket_width(times, most=60):
    """The narrowest usual width with which the times fall into at most `most` buckets."""
    span = times.max() - times.min()
    return next((w for w in WIDTHS if span / pd.Timedelta(w) < most - 1), WIDTHS[-1])


def over_time(verdicts, width):
    """Events by bucket (rows, none left out) and class (columns, in the order of the kill chain)."""
    timed = verdicts.dropna(subset=["timestamp"])
    table = timed.groupby([timed["timestamp"].dt.floor(width), "class"]).size().unstack(fill_value=0)
    if table.empty:
        return table
    table = table.reindex(pd.date_range(table.index.min(), table.index.max(), freq=width), fill_value=0)
    return table[in_kill_chain(table.columns)]


def by_host(detected, most=15):
    """Detections by host (rows, most first) and class (columns)."""
    table = detected.groupby(["host", "class"]).size().unstack(fill_value=0)
    order = table.sum(axis=1).sort_values(ascending=False, kind="stable").index[:most]
    return table.loc[order, in_kill_chain(table.columns)]


def rule_counts(data):
    """Rules by the number of their alerts, with level and hosts. A CSV file has ids only, and matches for alerts."""
    if not data.alerts.empty:
        grouped = data.alerts.groupby("rule_id")
        table = grouped.agg(rule=("rule_name", "max"), level=("level", "max"), alerts=("rule_id", "size"),
                            hosts=("host", "nunique"))
    else:
        matches = data.detected.explode("rules")
        grouped = matches.groupby("rules")
        table = grouped.agg(alerts=("host", "size"), hosts=("host", "nunique"))
        table.insert(0, "rule", table.index)
        table.insert(1, "level", "")
    return table.sort_values("alerts", ascending=False, kind="stable")


def technique_counts(data):
    """Detected events by technique: id, name, events."""
    names = technique_names()
    counts = data.detected["techniques"].explode().dropna().value_counts()
    return pd.DataFrame({"name": [names.get(i, "") for i in counts.index], "events": counts.to_numpy()},
                        index=counts.index.rename("technique"))


def together(detected):
    """On how many hosts two tactics were detected: a square table over the classes."""
    seen = (pd.crosstab(detected["host"], detected["class"]) > 0).astype(int)
    table = seen.T @ seen
    order = in_kill_chain(table.columns)
    return table.loc[order, order]


def confusion(truth):
    """Events by their truth (rows) and by the class that they got (columns), both as slugs."""
    table = pd.crosstab(truth["truth"], truth["class"].map(slug))
    order = [slug(name) for name in TACTICS]

    def place(name):
        return (order.index(name) if name in order else len(order) + (name == "benign") + 2 * (name == "none"), name)

    return table.loc[sorted(table.index, key=place), sorted(table.columns, key=place)]


def scores(truth):
    """Events, precision, recall and F1 of each tactic, by the class alone, as `tocsin report` counts them."""
    table = confusion(truth)
    rows = {}
    for tactic in [slug(name) for name in TACTICS]:
        events = int(table.loc[tactic].sum()) if tactic in table.index else 0
        said = int(table[tactic].sum()) if tactic in table.columns else 0
        right = int(table.loc[tactic, tactic]) if events and said else 0
        if events or said:
            rows[tactic] = {"events": events, "detected": events - missed(table, tactic), "classified": said,
                            "right": right,
                            "precision": right / said if said else np.nan, "recall": right / events if events else np.nan,
                            "F1": 2 * right / (events + said)}
    return pd.DataFrame.from_dict(rows, orient="index")


def missed(table, tactic):
    return int(table.loc[tactic, "none"]) if tactic in table.index and "none" in table.columns else 0


def stages(frame):
    """Spans of each step and waits between them: count, p50, p95, p99, max in nanoseconds, in the order of an event."""
    first = frame.sort_values("start_ns").drop_duplicates(["trace", "name"])
    sent = first[first["name"].str.startswith("send ")].set_index("trace")
    received = first[first["name"].str.startswith("process ")].set_index("trace")
    wait = (received["start_ns"] - sent["end_ns"]).dropna().clip(lower=0)
    rows = {name: group["duration"] for name, group in frame.groupby("name") if not name.startswith("poll ")}
    if len(wait):
        rows["(waiting in topic)"] = wait
    order = ["produce_event", "send ", "(waiting", "process ", "classify_event", "write_"]

    def place(name):
        return (next((i for i, start in enumerate(order) if name.startswith(start)), len(order)), name)

    table = pd.DataFrame({name: {"count": len(rows[name]), **percentiles(rows[name])} for name in sorted(rows, key=place)})
    return table.T.astype("int64"), wait


def percentiles(values):
    """The smallest values that at least so many per cent do not exceed, as `tocsin latency` has them."""
    ordered = np.sort(values.to_numpy())
    ranks = {f"p{p}": max(1, -(-len(ordered) * p // 100)) - 1 for p in (50, 95, 99)}
    return {**{name: int(ordered[rank]) for name, rank in ranks.items()}, "max": int(ordered[-1])}


def moment(time):
    return "(no time)" if pd.isna(time) else f"{time:%Y-%m-%d %H:%M} UTC"


def duration(nanoseconds, _position=None):
    """As text; also a formatter of an axis."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"


# ---- plotting -----------------------------------------------------------------------------------------------------


def use_style():
    plt.rcParams.update({
        "figure.dpi": 100, "figure.constrained_layout.use": True, "figure.facecolor": "white", "font.size": 10,
        "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#9aa4b2", "axes.axisbelow": True,
        "axes.titlesize": 12, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 12,
        "axes.labelcolor": "#5d6878", "axes.grid": True, "grid.color": "#e3e7ed", "xtick.color": "#5d6878",
        "ytick.color": "#1b2330", "legend.frameon": False, "legend.fontsize": 9})


def colours(names):
    return [TACTICS.get(name, NO_TACTIC) for name in names]


def printable(text, most=60):
    """Text from events for a label: no control characters, no mathematics, not too long."""
    clean = "".join(c if c.isprintable() else "?" for c in str(text)).replace("$", r"\$")
    return clean if len(clean) <= most else clean[:most - 1] + "..."


def bars(labels, values, title, colour, unit="events"):
    """Horizontal bars, the first one on top, each with its number."""
    _, axes = plt.subplots(figsize=(9, 1.1 + 0.32 * max(1, len(labels))))
    drawn = axes.barh([printable(label) for label in labels], list(values), color=colour, height=0.72)
    axes.bar_label(drawn, [f"{v:,}" for v in values], padding=4, color="#5d6878", fontsize=9)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set(title=title, xlabel=unit)
    return axes


def stacked(table, title, unit="events", horizontal=False):
    """Stacked bars: a bar for each row, a part for each class. Rows that are times stand on a time axis."""
    figure, axes = plt.subplots(figsize=(10, 1.3 + 0.34 * len(table)) if horizontal else (10, 4))
    base = np.zeros(len(table))
    if horizontal:
        places = [printable(name, 40) for name in table.index]
    else:
        step = table.index[1] - table.index[0] if len(table) > 1 else pd.Timedelta("1h")
        places = table.index + step / 2
    for name, colour in zip(table.columns, colours(table.columns)):
        values = table[name].to_numpy()
        if horizontal:
            axes.barh(places, values, left=base, color=colour, label=name, height=0.72)
        else:
            axes.bar(places, values, bottom=base, color=colour, label=name, width=step * 0.9)
        base = base + values
    if horizontal:
        axes.invert_yaxis()
        axes.set_xlabel(unit)
    else:
        axes.set_ylabel(unit)
        locator = axes.xaxis.get_major_locator()
        axes.xaxis.set_major_formatter(plt.matplotlib.dates.ConciseDateFormatter(locator))
    axes.grid(axis="y" if horizontal else "x", visible=False)
    axes.set_title(title)
    figure.legend(loc="outside right upper", reverse=not horizontal)
    return axes


def heatmap(table, title, colour="Blues", share_of_row=False, xlabel="", ylabel=""):
    """Numbers in cells, darker where they are larger; of the whole table, or of their row."""
    values = table.to_numpy(dtype=float)
    scale = values.max(axis=1, keepdims=True) if share_of_row else values.max(initial=1)
    shade = np.divide(values, scale, out=np.zeros_like(values), where=np.broadcast_to(scale, values.shape) > 0)
    figure, axes = plt.subplots(figsize=(2.6 + 0.62 * table.shape[1], 1.9 + 0.36 * table.shape[0]))
    axes.imshow(shade, cmap=colour, vmin=0, vmax=1.25, aspect="auto")
    for (y, x), value in np.ndenumerate(values):
        if value:
            axes.text(x, y, f"{int(value):,}", ha="center", va="center", fontsize=8.5,
                      color="white" if shade[y, x] > 0.7 else "#1b2330")
    axes.set_xticks(range(table.shape[1]), table.columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(table.shape[0]), table.index)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return figure
