// SPDX-License-Identifier: Apache-2.0
// What the mock answers: filters, counts, groups over the rows of the world.
import { parse, QueryError } from "./query.mjs";
import { HOUR, iso, LEVELS, NOW } from "./world.mjs";

export class Refusal extends Error {
  constructor(status, code, message, field) {
    super(message);
    Object.assign(this, { status, code, field });
  }
}

const UNITS = { s: 1e3, m: 60e3, h: HOUR, d: 24 * HOUR, w: 168 * HOUR };
export function instant(value, field) {
  if (!value) return null;
  if (value === "now") return NOW;
  const relative = /^-(\d+)([smhdw])$/.exec(value);
  if (relative) return NOW - Number(relative[1]) * UNITS[relative[2]];
  const at = Date.parse(value);
  if (Number.isNaN(at))
    throw new Refusal(400, "invalid", `'${value}' is no time: use RFC 3339, -24h or now`, field);
  return at;
}

const FILTERS = {
  level: (a, v) => a.row.level === v,
  tactic: (a, v) => a.row.tactics.includes(v),
  technique: (a, v) => a.row.techniques.includes(v),
  host: (a, v) => a.row.host === v,
  user: (a, v) => a.row.user === v,
  rule: (a, v) => a.row.rule.id === v || a.row.rule.name === v,
  status: (a, v) => a.row.status === v,
  assignee: (a, v) => a.row.assignee === v,
};

export function select(world, query) {
  const from = instant(query.get("from"), "from");
  const to = instant(query.get("to"), "to");
  let fits;
  try {
    fits = parse(query.get("q"));
  } catch (error) {
    if (error instanceof QueryError) throw new Refusal(400, "invalid", `The search: ${error.message}`, "q");
    throw error;
  }
  return world.alerts.filter((a) => {
    const at = Date.parse(a.row.time);
    if ((from !== null && at < from) || (to !== null && at > to)) return false;
    for (const [name, test] of Object.entries(FILTERS)) {
      const wanted = query.getAll(name);
      if (wanted.length && !wanted.some((v) => test(a, v))) return false;
    }
    return fits({ ...a.row, ...a.search });
  });
}

const rank = (level) => LEVELS.indexOf(level);
const ORDER = {
  time: (a) => a.row.time,
  level: (a) => rank(a.row.level),
  host: (a) => a.row.host,
  rule: (a) => a.row.rule.name,
  user: (a) => a.row.user ?? "",
  status: (a) => a.row.status,
};

export function sorted(list, sort = "-time") {
  const by = ORDER[sort.replace("-", "")];
  if (!by) throw new Refusal(400, "invalid", `sort: there is no '${sort}'`, "sort");
  const sign = sort.startsWith("-") ? -1 : 1;
  return [...list].sort((a, b) =>
    by(a) < by(b) ? -sign : by(a) > by(b) ? sign : a.row.alert_id < b.row.alert_id ? -1 : 1,
  );
}

export function page(list, query, key = (x) => x) {
  const limit = Math.min(500, Number(query.get("limit") ?? 50));
  const at = Number(query.get("cursor") ?? 0);
  return {
    items: list.slice(at, at + limit).map(key),
    next: at + limit < list.length ? String(at + limit) : null,
  };
}

export function tally(list, keys) {
  const out = new Map();
  for (const one of list)
    for (const key of keys(one)) if (key !== null && key !== undefined) out.set(key, (out.get(key) ?? 0) + 1);
  return [...out].sort((a, b) => b[1] - a[1]);
}

const highest = (list) =>
  list.reduce((best, a) => (rank(a.row.level) > rank(best) ? a.row.level : best), "informational");
const isOpen = (a) => a.row.status === "new" || a.row.status === "in_progress";

function incidents(list) {
  const out = [];
  const current = new Map();
  for (const a of sorted(list, "time")) {
    const at = Date.parse(a.row.time);
    let group = current.get(a.row.host);
    if (!group || at - group.last > 30 * 60e3) {
      group = { key: `${a.row.host}|${a.row.time}`, label: a.row.host, list: [] };
      current.set(a.row.host, group);
      out.push(group);
    }
    group.list.push(a);
    group.last = at;
  }
  return out;
}

const KEYS = {
  rule: (a) => [[a.row.rule.id, a.row.rule.name]],
  host: (a) => [[a.row.host, a.row.host]],
  user: (a) => (a.row.user ? [[a.row.user, a.row.user]] : []),
  tactic: (a) => a.row.tactics.map((t) => [t, t]),
  technique: (a) => a.row.techniques.map((t) => [t, t]),
  level: (a) => [[a.row.level, a.row.level]],
  status: (a) => [[a.row.status, a.row.status]],
};

export function grouped(list, by) {
  let groups;
  if (by === "incident") groups = incidents(list);
  else {
    if (!KEYS[by]) throw new Refusal(400, "invalid", `by: there is no '${by}'`, "by");
    const map = new Map();
    for (const a of list) {
      for (const [key, label] of KEYS[by](a)) {
        if (!map.has(key)) map.set(key, { key, label, list: [] });
        map.get(key).list.push(a);
      }
    }
    groups = [...map.values()];
  }
  return groups
    .map((g) => {
      const times = g.list.map((a) => a.row.time).sort();
      return {
        key: g.key,
        label: g.label,
        level: highest(g.list),
        count: g.list.length,
        hosts: new Set(g.list.map((a) => a.row.host)).size,
        first: times[0],
        last: times.at(-1),
        open: g.list.filter(isOpen).length,
      };
    })
    .sort((a, b) => (by === "incident" ? (a.last < b.last ? 1 : -1) : b.count - a.count));
}

const eventsAt = (ms) => 5200 + 3100 * Math.sin(((ms / HOUR) % 24) / 3.8) ** 2;

export function overview(world, query, name) {
  const list = select(world, query);
  const from = instant(query.get("from")) ?? NOW - 24 * HOUR;
  const to = instant(query.get("to")) ?? NOW;
  const bucket =
    [60, 300, 600, 900, 1800, 3600, 10800, 86400].find((s) => (to - from) / 1000 / s <= 96) ?? 86400;
  const points = [];
  for (let at = Math.floor(from / 1000 / bucket) * bucket * 1000; at < to; at += bucket * 1000) {
    points.push({
      time: iso(at),
      events: Math.round(eventsAt(at) * bucket),
      alerts: 0,
      levels: {},
      tactics: {},
    });
  }
  const begin = Date.parse(points[0]?.time ?? iso(from));
  for (const a of list) {
    const p = points[Math.floor((Date.parse(a.row.time) - begin) / 1000 / bucket)];
    if (!p) continue;
    p.alerts++;
    p.levels[a.row.level] = (p.levels[a.row.level] ?? 0) + 1;
    for (const t of a.row.tactics) p.tactics[t] = (p.tactics[t] ?? 0) + 1;
  }
  const events = points.reduce((sum, p) => sum + p.events, 0);
  const of = (by, n = 10) => grouped(list, by).slice(0, n);
  const classes = tally(list, (a) => [a.row.class]).map(([n, count]) => ({ name: n, count: count * 3 }));
  const found = classes.reduce((sum, c) => sum + c.count, 0);
  return {
    range: { from: iso(from), to: iso(to) },
    totals: {
      events,
      detections: found,
      alerts: list.length,
      hosts: new Set(list.map((a) => a.row.host)).size,
      open_alerts: list.filter(isOpen).length,
    },
    now: {
      events_per_second: 7412,
      lag: 318,
      lag_seconds: 0.4,
      latency_us: { p50: 62500, p95: 176000, p99: 204000 },
    },
    levels: LEVELS.map((level) => ({ level, count: list.filter((a) => a.row.level === level).length })),
    tactics: tally(list, (a) => a.row.tactics).map(([tactic, count]) => ({
      tactic,
      name: name(tactic),
      count,
    })),
    classes: [{ name: "None", count: events - found }, ...classes],
    timeline: { bucket_seconds: bucket, points },
    hosts: of("host").map((g) => ({ name: g.label, alerts: g.count, level: g.level })),
    rules: of("rule").map((g) => ({ id: g.key, name: g.label, level: g.level, alerts: g.count })),
    users: of("user").map((g) => ({ name: g.label, alerts: g.count })),
  };
}

export function matrix(world, query) {
  const list = select(world, query);
  const { tactics, techniques } = world.attack;
  const columns = tactics.map((t) => ({
    id: t.id,
    tactic: t.slug,
    name: t.name,
    techniques: Object.entries(techniques)
      .filter(([, one]) => one.tactics.includes(t.slug))
      .map(([id, one]) => {
        const here = list.filter((a) => a.row.techniques.includes(id) && a.row.tactics.includes(t.slug));
        const rules = world.rules.filter(
          (r) => r.techniques.includes(id) && r.tactics.includes(t.slug),
        ).length;
        return { id, name: one.name, alerts: here.length, rules, level: here.length ? highest(here) : null };
      }),
  }));
  const all = columns.flatMap((c) => c.techniques);
  return {
    tactics: columns,
    max: { alerts: Math.max(0, ...all.map((t) => t.alerts)), rules: Math.max(0, ...all.map((t) => t.rules)) },
  };
}

export function statistics(world, query, name) {
  const o = overview(world, query, name);
  const slugs = [
    "initial-access",
    "execution",
    "persistence",
    "stealth",
    "credential-access",
    "discovery",
    "lateral-movement",
    "exfiltration",
    "benign",
  ];
  const diagonal = [14, 211, 63, 88, 129, 74, 41, 12, 19604];
  const rows = slugs.map((_, i) =>
    slugs.map((__, j) => (i === j ? diagonal[i] : (i * 7 + j * 3) % 11 === 0 ? ((i + j) % 5) + 1 : 0)),
  );
  return {
    classes: o.classes,
    levels: o.levels,
    hosts: o.hosts,
    hourly: o.timeline.points.map((p) => ({ time: p.time, events: p.events, detected: p.alerts })),
    latency: { p50: 62500, p90: 149000, p95: 176000, p99: 204000, max: 219000 },
    scoring: { confusion: { labels: slugs, rows }, precision: 0.943, recall: 0.781, f1: 0.854 },
  };
}
