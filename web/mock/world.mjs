// SPDX-License-Identifier: Apache-2.0
// A day of an estate under attack: rules and events are the repository's own, hosts and times are drawn
// from a seed. Everything lies before NOW, which never changes, so that screens can be compared.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse as yaml } from "yaml";
import { HOSTILE, HOSTILE_LINKS } from "./hostile.mjs";
import { random } from "./random.mjs";

export const LEVELS = ["informational", "low", "medium", "high", "critical"];
export const NOW = Date.parse("2026-03-03T12:00:00Z");
export const HOUR = 3600e3;
export const iso = (ms) => new Date(ms).toISOString();

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const text = (name) => readFileSync(path.join(root, name), "utf8");

function ruleFiles(folder) {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ruleFiles(name);
    return /\.yml$/.test(name) && !/\.test\.yml$/.test(name) ? [name] : [];
  });
}

export function attackTable() {
  const table = yaml(text("mappings/attack.yml"));
  return { tactics: table.tactics, techniques: table.techniques };
}

export function loadRules(r) {
  return ruleFiles("rules")
    .sort()
    .map((file) => {
      const source = text(file);
      const rule = yaml(source);
      const tags = (rule.tags ?? []).map((t) => String(t).replace(/^attack\./, ""));
      return {
        id: rule.id,
        title: rule.title,
        level: rule.level,
        status: rule.status,
        tactics: tags.filter((t) => !/^t\d/.test(t)),
        techniques: tags.filter((t) => /^t\d/.test(t)).map((t) => t.toUpperCase()),
        product: rule.logsource?.product ?? "",
        category: rule.logsource?.category ?? "",
        service: rule.logsource?.service ?? "",
        file,
        enabled: r.next() > 0.03,
        alerts: 0,
        last_seen: null,
        evaluated: 20000 + r.below(900000),
        ns_per_event: Math.round(8 + r.next() ** 6 * 2400),
        yaml: source,
        description: rule.description ?? "",
        references: rule.references ?? [],
        author: rule.author ?? "",
        diagnostics: [],
      };
    });
}

const PEOPLE = [
  "a.novak",
  "m.keller",
  "j.ortiz",
  "s.lindqvist",
  "r.okafor",
  "t.yamada",
  "l.moreau",
  "d.fischer",
  "k.brandt",
];

function estate() {
  const hosts = [];
  for (let i = 1; i <= 18; i++) hosts.push(`WS${String(i).padStart(2, "0")}.example.test`);
  hosts.push(
    "DC01.example.test",
    "DC02.example.test",
    "FS01.example.test",
    "SQL01.example.test",
    "WEB01.example.test",
  );
  return hosts;
}

/** Alerts of one attack chain on one host: the recorded ones, moved in time. */
function chain(r, found, host, user, begin, share, speed) {
  const zero = Date.parse(found[0].alert["@timestamp"]);
  return found
    .filter(() => r.next() < share)
    .map((f) => ({ ...f, host, user, at: begin + (Date.parse(f.alert["@timestamp"]) - zero) * speed }));
}

export function makeWorld({ hostile = false, seed = 7 } = {}) {
  const r = random(seed);
  const found = JSON.parse(readFileSync(new URL("./fixtures/attack-chain.json", import.meta.url), "utf8"));
  const events = text("examples/attack-chain.jsonl").split("\n").filter(Boolean);
  const rules = loadRules(r);
  const attack = attackTable();
  const hosts = estate();
  const plans = [];
  for (const [hour, share] of [
    [21.5, 0.5],
    [17.2, 0.35],
    [13.6, 0.8],
    [9.1, 0.55],
    [6.4, 0.95],
    [3.3, 1],
    [1.1, 0.6],
    [0.5, 0.9],
  ]) {
    const host = r.pick(hosts);
    plans.push(...chain(r, found, host, r.pick(PEOPLE), NOW - hour * HOUR, share, r.between(0.6, 2.4)));
  }
  // Noise of every day: mild rules, everywhere.
  const mild = found.filter((f) => ["informational", "low", "medium"].includes(f.alert.rule.level));
  for (let i = 0; i < 420; i++) {
    const f = mild[Math.floor(r.next() ** 2 * mild.length)];
    const hour = 24 - 24 * r.next() ** 0.8;
    plans.push({ ...f, host: r.pick(hosts), user: r.pick(PEOPLE), at: NOW - hour * HOUR });
  }
  plans.sort((a, b) => a.at - b.at);
  const alerts = plans.filter((p) => p.at < NOW).map((p, i) => makeAlert(r, p, i, events));
  if (hostile) alerts.push(...HOSTILE.map((h, i) => makeHostile(r, h, i, found[i % found.length], events)));
  for (const a of alerts) {
    const rule = rules.find((one) => one.id === a.row.rule.id);
    if (rule) {
      rule.alerts++;
      rule.last_seen = a.row.time;
    }
  }
  if (hostile) {
    Object.assign(rules[0], {
      title: HOSTILE[1],
      references: HOSTILE_LINKS,
      author: HOSTILE[2],
      description: HOSTILE[0],
      file: `rules/${HOSTILE[10]}.yml`,
    });
  }
  return {
    r,
    rules,
    attack,
    hosts,
    alerts,
    events,
    hostile,
    triage: new Map(),
    audit: makeAudit(r, hostile),
    dead: makeDead(r, hostile),
  };
}

function makeAlert(r, plan, i, events) {
  const person = plan.user;
  const swap = (s) =>
    s
      .replaceAll(plan.alert.host.name, plan.host)
      .replaceAll(plan.alert.host.name.split(".")[0], plan.host.split(".")[0])
      .replaceAll("a.novak", person);
  const alert = JSON.parse(swap(JSON.stringify(plan.alert)));
  const eventId = r.uuid();
  const traceId = eventId.replaceAll("-", "");
  alert["@timestamp"] = iso(plan.at);
  alert.event.id = eventId;
  alert.event.created = iso(plan.at + 80 + r.below(900));
  alert.host.name = plan.host;
  alert.trace = { id: traceId };
  alert.tocsin.alert_id = r.uuid();
  alert.log = { file: { path: "/var/log/forwarded/windows.jsonl" }, offset: 1000 + i };
  const status = r.next();
  const old = plan.at < NOW - 6 * HOUR;
  const row = {
    alert_id: alert.tocsin.alert_id,
    event_id: eventId,
    trace_id: traceId,
    time: alert["@timestamp"],
    created: alert.event.created,
    host: plan.host,
    user: alert.user?.name ?? null,
    level: alert.rule.level,
    rule: { id: alert.rule.id, name: alert.rule.name },
    class: (alert.threat?.tactic?.[0] ?? "")
      .split("-")
      .map((w) => (w === "and" ? w : w.charAt(0).toUpperCase() + w.slice(1)))
      .join(" "),
    tactics: alert.threat?.tactic ?? [],
    techniques: alert.threat?.technique ?? [],
    status: old
      ? status < 0.62
        ? "closed"
        : status < 0.72
          ? "false_positive"
          : "new"
      : status < 0.1
        ? "in_progress"
        : "new",
    assignee: null,
    suppressed: false,
  };
  if (row.status !== "new") row.assignee = r.pick(["ana", "ben", "chen"]);
  const search = {
    channel: alert.winlog?.channel,
    provider: alert.event.provider,
    code: alert.event.code,
    text: [row.rule.name, row.host, row.user, ...alert.tocsin.matched_fields.map((m) => m.value)]
      .join("\n")
      .toLowerCase(),
  };
  return {
    row,
    search: { ...search },
    alert,
    raw: swap(events[plan.line - 1]),
    why: JSON.parse(swap(JSON.stringify(plan.why))),
    offset: 20000 + i * 31,
    partition: i % 4,
  };
}

/** An alert all of whose text is one hostile string. */
function makeHostile(r, bad, i, f, events) {
  const made = makeAlert(r, { ...f, host: "WS01", user: "x", at: NOW - 60e3 * (i + 1) }, 9000 + i, events);
  const event = {
    Image: bad,
    CommandLine: `cmd.exe /c ${bad}`,
    [bad.slice(0, 400)]: bad,
    nested: { [bad.slice(0, 80)]: [bad, { deep: bad }] },
  };
  made.raw = JSON.stringify(event);
  made.row = {
    ...made.row,
    host: bad,
    user: bad,
    level: "critical",
    rule: { id: made.row.rule.id, name: bad },
    status: "new",
    assignee: bad,
    class: bad,
    techniques: ["T1059", bad.slice(0, 40)],
  };
  made.alert.host.name = bad;
  made.alert.tocsin.matched_fields = [
    { field: bad.slice(0, 200), value: bad },
    { field: "CommandLine", value: `cmd.exe /c ${bad}` },
  ];
  made.search.text = `${bad} hostile${i}`.toLowerCase();
  made.why = {
    condition: bad,
    matches: true,
    event: { route: bad.slice(0, 100), route_read: true, host_counts: true },
    tree: {
      kind: "all",
      holds: true,
      selection: bad.slice(0, 100),
      children: [
        {
          kind: "item",
          holds: true,
          key: bad.slice(0, 100),
          field: bad.slice(0, 100),
          all: false,
          negated: false,
          absent: false,
          patterns: [{ text: bad, meaning: bad, holds: true }],
          values: [{ field: bad, value: bad, holds: true }],
        },
      ],
    },
  };
  made.hostile = bad;
  return made;
}

function makeAudit(r, hostile) {
  const actions = [
    ["login", "session", ""],
    ["triage", "alert", "status new to closed"],
    ["rule_disabled", "rule", "too noisy on build hosts"],
    ["replay", "dead-letter", "12 replayed"],
    ["rule_uploaded", "rules/local/odd_parent.yml", ""],
    ["false_positive", "alert", "filter drafted"],
  ];
  const rows = Array.from({ length: 130 }, (_, i) => {
    const [action, target, detail] = r.pick(actions);
    const user = r.pick(["ana", "ben", "chen"]);
    return {
      time: iso(NOW - i * 11 * 60e3),
      user,
      role: user === "ana" ? "admin" : "analyst",
      action,
      target: target === "alert" ? r.uuid() : target,
      detail,
      address: `10.20.0.${10 + r.below(40)}`,
    };
  });
  if (hostile)
    HOSTILE.forEach((h, i) =>
      rows.splice(i, 0, {
        time: iso(NOW - i),
        user: h,
        role: "analyst",
        action: h.slice(0, 50),
        target: h,
        detail: h,
        address: h.slice(0, 60),
      }),
    );
  return rows;
}

function makeDead(r, hostile) {
  const kinds = [
    [
      "json_syntax",
      "unexpected end of input at byte 812",
      '{"Event":{"System":{"EventID":4624,"Channel":"Security","Comp',
    ],
    ["not_utf8", "byte 0xff at 14 is no UTF-8", '{"message":"caf\ufffd"}'],
    [
      "too_large",
      "2,201,340 bytes, at most 1,048,576 (--max-event-bytes)",
      '{"ScriptBlockText":"function Invoke-...',
    ],
    ["no_object", "the value is a list, an event is an object", '["login","failed"]'],
  ];
  const rows = Array.from({ length: 37 }, (_, i) => {
    const [code, message, value] = kinds[Math.floor(r.next() ** 1.6 * kinds.length)];
    return {
      partition: 0,
      offset: 36 - i,
      time: iso(NOW - (i + 1) * 17 * 60e3),
      stage: "detect",
      code,
      message,
      origin: { topic: "raw-events", partition: i % 4, offset: 40000 - 113 * i },
      size: value.length,
      value,
      truncated: code === "too_large",
    };
  });
  if (hostile)
    HOSTILE.forEach((h, i) =>
      rows.unshift({
        partition: 0,
        offset: 100 + i,
        time: iso(NOW - i),
        stage: h.slice(0, 40),
        code: h.slice(0, 60),
        message: h,
        origin: h.slice(0, 90),
        size: h.length,
        value: h,
        truncated: false,
      }),
    );
  return rows;
}
