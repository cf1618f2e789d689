// SPDX-License-Identifier: Apache-2.0
// Topics, messages, traces and stages of the mock.
import { HOSTILE } from "./hostile.mjs";
import { random } from "./random.mjs";
import { HOUR, iso, NOW } from "./world.mjs";

const ENDS = {
  "raw-events": [1204331, 1198204, 1201877, 1203990],
  alerts: [182, 171, 169, 177],
  "dead-letter": [58],
  incidents: [9],
};

export const topics = () =>
  Object.entries(ENDS).map(([name, ends]) => ({
    name,
    messages: ends.reduce((a, b) => a + b, 0) - (name === "raw-events" ? 4 * 210000 : 0),
    partitions: ends.map((end, partition) => {
      const first = name === "raw-events" ? 210000 : 0;
      return { partition, first_offset: first, end_offset: end, messages: end - first };
    }),
  }));

export function groups() {
  const of = (topic, lags, member) =>
    lags.map((lag, partition) => ({
      topic,
      partition,
      committed: ENDS[topic][partition] - lag,
      end_offset: ENDS[topic][partition],
      lag,
      lag_seconds: lag ? 0.4 : 0,
      member: member?.(partition) ?? null,
    }));
  const detect = of("raw-events", [112, 64, 97, 45], (p) => `tocsin-detect-${p < 2 ? "a" : "b"}`);
  const search = of("raw-events", [0, 0, 15230, 0], (p) => (p === 2 ? null : "opensearch-1"));
  return [
    { name: "tocsin-detect", partitions: detect, lag: 318 },
    { name: "tocsin-archive", partitions: search, lag: 15230 },
  ];
}

export function lag(from) {
  const begin = Math.max(NOW - HOUR, from ?? 0);
  const r = random(3);
  const points = [];
  for (let at = begin; at <= NOW; at += 20e3) {
    const burst = Math.max(0, 1 - Math.abs(at - (NOW - 24 * 60e3)) / (4 * 60e3));
    points.push({
      time: iso(at),
      groups: {
        "tocsin-detect": Math.round(220 + 180 * r.next() + burst * 14000),
        "tocsin-archive": Math.round(900 + ((at - NOW + HOUR) / HOUR) * 14300),
      },
      topics: {
        "raw-events": Math.round(3968402 + ((at - NOW) / 1000) * 7412 + burst * 4000),
        alerts: Math.round(699 + (at - NOW) / 60e3),
      },
    });
  }
  return { points };
}

export function message(world, topic, partition, offset) {
  const alerts = world.alerts;
  const at = alerts[(offset * 11 + partition * 3) % alerts.length];
  const value =
    topic === "alerts"
      ? JSON.stringify(at.alert)
      : topic === "dead-letter"
        ? world.dead[offset % world.dead.length].value
        : at.raw;
  let json = null;
  try {
    json = JSON.parse(value);
  } catch {
    // Dead letters are mostly no JSON.
  }
  const ends = ENDS[topic];
  const bad = at.hostile;
  return {
    partition,
    offset,
    time: iso(NOW - (ends[partition] - offset) * 135),
    key: at.row.host,
    headers: [
      ["event_id", at.row.event_id],
      ["traceparent", `00-${at.row.trace_id}-${at.row.trace_id.slice(0, 16)}-01`],
      ["source", "winlogbeat"],
      ["content-type", "application/json"],
      ...(bad ? [[bad.slice(0, 60), bad]] : []),
    ],
    size: value.length,
    value: value.slice(0, 65536),
    json: value.length > 300000 ? null : json,
    truncated: value.length > 65536,
  };
}

export function messages(world, topic, query) {
  const ends = ENDS[topic];
  const limit = Math.min(500, Number(query.get("limit") ?? 50));
  const only = query.get("partition");
  const partitions = only === null ? ends.map((_, p) => p) : [Number(only)];
  const filter = (query.get("filter") ?? "").toLowerCase();
  const pair = /^([\w.]+):(.+)$/.exec(filter);
  const needle = pair ? pair[2] : filter;
  const cursor = query.get("cursor");
  const forward = query.has("offset") || query.has("time") || query.get("from") === "begin";
  let at = cursor !== null ? Number(cursor) : 0;
  const items = [];
  let scanned = 0;
  while (items.length < limit && scanned < 2000) {
    let any = false;
    for (const partition of partitions) {
      const first = topic === "raw-events" ? 210000 : 0;
      const wait = query.has("time")
        ? Math.round((NOW - (Date.parse(query.get("time")) || NOW - HOUR)) / 135)
        : 0;
      const begin = query.has("offset")
        ? Number(query.get("offset"))
        : query.has("time")
          ? Math.max(first, ends[partition] - wait)
          : first;
      const offset = forward ? begin + at : ends[partition] - 1 - at;
      if (offset < first || offset >= ends[partition]) continue;
      any = true;
      scanned++;
      const m = message(world, topic, partition, offset);
      if (!needle || m.value.toLowerCase().includes(needle) || (m.key ?? "").toLowerCase().includes(needle))
        items.push(m);
    }
    at++;
    if (!any) break;
  }
  return { items, next: scanned ? String(at) : null, scanned, reached_end: !scanned };
}

export function trace(world, id) {
  const a = world.alerts.find((one) => one.row.trace_id === id || one.row.event_id === id);
  if (!a) return null;
  const r = random(Number.parseInt(a.row.trace_id.slice(0, 8), 16));
  const wait = 12000 + r.below(140000);
  const start = Date.parse(a.row.time);
  const send = 900 + r.below(3800);
  const begin = send + wait;
  const csv = 9000 + r.below(60000);
  const sql = 6000 + r.below(15000);
  const classify = 4 + r.below(60);
  const lead = 400 + r.below(6000);
  const bad = a.hostile;
  const common = {
    "messaging.system": "kafka",
    "messaging.destination.name": "raw-events",
    "messaging.destination.partition.id": String(a.partition),
    "messaging.kafka.offset": a.offset,
  };
  const spans = [
    [
      "produce_event",
      "tocsin-produce",
      "internal",
      null,
      0,
      3,
      { "event.id": a.row.event_id, "host.name": a.row.host, "tocsin.origin": "windows.jsonl:1204" },
    ],
    [
      "send raw-events",
      "tocsin-produce",
      "producer",
      0,
      1,
      send,
      { ...common, "messaging.operation.type": "send", "messaging.message.body.size": a.raw.length },
    ],
    [
      "process raw-events",
      "tocsin-detect",
      "consumer",
      1,
      begin,
      lead + classify + csv + sql + 900,
      {
        ...common,
        "messaging.operation.type": "process",
        "messaging.consumer.group.name": "tocsin-detect",
        "tocsin.topic_wait_ms": Math.round(wait / 1000),
      },
    ],
    [
      "classify_event",
      "tocsin-detect",
      "internal",
      2,
      begin + lead,
      classify,
      {
        "rule.id": a.row.rule.id,
        "rule.level": a.row.level,
        "threat.technique.id": a.row.techniques.join(";"),
        "tocsin.rules": 1,
        ...(bad ? { [bad.slice(0, 60)]: bad } : {}),
      },
    ],
    [
      "write_csv",
      "tocsin-detect",
      "internal",
      3,
      begin + lead + classify + 300,
      csv,
      { "tocsin.batch.events": 866 },
    ],
    [
      "write_sqlite",
      "tocsin-detect",
      "internal",
      3,
      begin + lead + classify + csv + 600,
      sql,
      { "tocsin.batch.events": 866 },
    ],
  ].map(([name, service, kind, parent, offset, duration, attributes], i) => ({
    span_id: `${a.row.trace_id.slice(0, 15)}${i}`,
    parent_id: parent === null ? null : `${a.row.trace_id.slice(0, 15)}${parent}`,
    service,
    name: bad && i === 5 ? bad.slice(0, 120) : name,
    kind,
    start: iso(start + offset / 1000),
    offset_us: offset,
    duration_us: duration,
    status: "ok",
    attributes,
    events:
      name === "classify_event"
        ? [
            {
              name: "alert",
              offset_us: offset + duration,
              attributes: { "rule.id": a.row.rule.id, "rule.name": a.row.rule.name },
            },
          ]
        : [],
  }));
  const duration_us = Math.max(...spans.map((s) => s.offset_us + s.duration_us));
  return {
    trace_id: a.row.trace_id,
    event_id: a.row.event_id,
    start: a.row.time,
    duration_us,
    spans,
    jaeger_url: bad ? "javascript:alert(1)" : null,
    source: "store",
  };
}

export function traces(world, query) {
  const q = (query.get("q") ?? "").toLowerCase();
  const min = Number(query.get("min_ms") ?? 0) * 1000;
  const items = [];
  for (const a of [...world.alerts].reverse()) {
    const { row } = a;
    if (q && ![row.trace_id, row.event_id, row.host, row.class].some((t) => t.toLowerCase().includes(q)))
      continue;
    const t = trace(world, row.trace_id);
    if (t.duration_us < min) continue;
    items.push({
      trace_id: t.trace_id,
      event_id: t.event_id,
      start: t.start,
      duration_us: t.duration_us,
      spans: t.spans.length,
      host: row.host,
      class: row.class,
      error: false,
    });
    if (items.length >= Number(query.get("limit") ?? 50)) break;
  }
  return { items };
}

export const latency = () => ({
  stages: [
    ["produce_event", "tocsin-produce", 1.3, 10.1, 24.7, 7280],
    ["send raw-events", "tocsin-produce", 4530, 8000, 18200, 34200],
    ["(waiting in topic)", "", 20700, 82900, 120000, 143000],
    ["process raw-events", "tocsin-detect", 35500, 111000, 117000, 117000],
    ["classify_event", "tocsin-detect", 2.6, 11.1, 33.7, 55800],
    ["write_csv", "tocsin-detect", 22000, 75000, 77900, 77900],
    ["write_sqlite", "tocsin-detect", 11000, 20100, 26800, 27100],
  ].map(([name, service, p50_us, p95_us, p99_us, max_us]) => ({
    name,
    service,
    count: 20084,
    p50_us,
    p95_us,
    p99_us,
    max_us,
  })),
  bottleneck: "write_csv",
});

export const pipeline = (world) => ({
  stages: [
    {
      stage: "produce",
      instance: "collector-1",
      group: null,
      health: "up",
      partitions: null,
      lag: null,
      lag_seconds: null,
      events_per_second: 7412,
      last_seen: iso(NOW),
    },
    {
      stage: "detect",
      instance: "detect-a",
      group: "tocsin-detect",
      health: "up",
      partitions: [0, 1],
      lag: 176,
      lag_seconds: 0.4,
      events_per_second: 3700,
      last_seen: iso(NOW),
    },
    {
      stage: "detect",
      instance: "detect-b",
      group: "tocsin-detect",
      health: "up",
      partitions: [2, 3],
      lag: 142,
      lag_seconds: 0.3,
      events_per_second: 3712,
      last_seen: iso(NOW - 1000),
    },
    {
      stage: "archive",
      instance: "opensearch-1",
      group: "tocsin-archive",
      health: "lagging",
      partitions: [0, 1, 3],
      lag: 15230,
      lag_seconds: 412,
      events_per_second: 5180,
      last_seen: iso(NOW - 2000),
    },
    {
      stage: "console",
      instance: "console-1",
      group: null,
      health: "up",
      partitions: null,
      lag: null,
      lag_seconds: null,
      events_per_second: null,
      last_seen: iso(NOW),
    },
  ],
  stores: [
    {
      kind: "sqlite",
      path: "/var/lib/tocsin/tocsin.db",
      bytes: 1843200000,
      verdicts: 4808402,
      alerts: world.alerts.length,
    },
    { kind: "csv", path: "/var/lib/tocsin/verdicts.csv", bytes: 912400000, verdicts: 4808402, alerts: null },
    { kind: "traces", path: "/var/lib/tocsin/traces.db", bytes: 322100000, verdicts: null, alerts: null },
  ],
  dead_letters: {
    total: world.dead.length,
    reasons: [...new Set(world.dead.map((d) => d.code))].map((code) => ({
      code,
      count: world.dead.filter((d) => d.code === code).length,
    })),
  },
});

export { HOSTILE };
