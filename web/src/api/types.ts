// SPDX-License-Identifier: Apache-2.0
// The answers of the console API, version 1, as the server's contract gives them.

export const LEVELS = ["informational", "low", "medium", "high", "critical"] as const;
export type Level = (typeof LEVELS)[number];
export const STATUSES = ["new", "in_progress", "closed", "false_positive"] as const;
export type Status = (typeof STATUSES)[number];
export type Role = "viewer" | "analyst" | "admin";
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Session {
  user: string | null;
  role: Role | null;
  login_required: boolean;
  csrf: string | null;
  version: string;
  links?: { jaeger?: string | null };
}

export interface Named {
  name: string;
  count: number;
}

export interface Point {
  time: string;
  events: number;
  alerts: number;
  levels?: Partial<Record<Level, number>>;
  tactics?: Record<string, number>;
}

export interface Overview {
  range: { from: string | null; to: string | null };
  totals: { events: number; detections: number; alerts: number; hosts: number; open_alerts: number };
  now: Live & { lag_seconds?: number | null; latency_us?: { p50: number; p95: number; p99: number } | null };
  levels: { level: Level; count: number }[];
  tactics: { tactic: string; name: string; count: number }[];
  classes: Named[];
  timeline: { bucket_seconds: number; points: Point[] };
  hosts: { name: string; alerts: number; level: Level }[];
  rules: { id: string; name: string; level: Level; alerts: number }[];
  users: { name: string; alerts: number }[];
}

export interface Live {
  events_per_second: number;
  lag: number;
  alerts?: number;
  events?: number;
}

export interface AlertRow {
  alert_id: string;
  event_id: string;
  trace_id: string;
  time: string;
  created: string;
  host: string;
  user: string | null;
  level: Level;
  rule: { id: string; name: string };
  class: string;
  tactics: string[];
  techniques: string[];
  status: Status;
  assignee: string | null;
  suppressed: number | boolean;
}

export interface Page<T> {
  items: T[];
  next: string | null;
  total?: number;
}

export const GROUPINGS = [
  "rule",
  "host",
  "user",
  "tactic",
  "technique",
  "level",
  "status",
  "incident",
] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Group {
  key: string;
  label: string;
  level: Level;
  count: number;
  hosts: number | string[];
  first: string;
  last: string;
  open: number;
}

export interface Explained {
  kind: "all" | "any" | "not" | "item";
  selection?: string;
  filter?: string;
  holds?: boolean;
  children?: Explained[];
  key?: string;
  field?: string;
  all?: boolean;
  negated?: boolean;
  patterns?: { text: string; meaning: string; holds?: boolean }[];
  absent?: boolean;
  values?: { field: string; value: string | null; holds: boolean }[];
}

export interface Explanation {
  rule?: { id: string; title: string; level: Level; path?: string };
  matches?: boolean;
  event?: { route?: string; route_read?: boolean; host_counts?: boolean };
  condition: string;
  tree: Explained;
}

export interface TriageEntry {
  time: string;
  user: string;
  action: string;
  from?: string | null;
  to?: string | null;
  note?: string | null;
}

export interface AlertDetail {
  alert: { [key: string]: Json };
  row: AlertRow;
  event: {
    raw: string | null;
    json: Json | null;
    topic?: string | null;
    partition?: number | null;
    offset?: number | null;
  };
  matched_fields: { field: string; value: string }[];
  why: Explanation | null;
  rule: {
    id: string;
    title: string;
    level: Level;
    description: string;
    references: string[];
    author: string;
    tags: string[];
    yaml: string;
  } | null;
  techniques: { id: string; name: string; url: string }[];
  triage: { status: Status; assignee: string | null; history: TriageEntry[] };
  related: AlertRow[];
}

export interface TriageChange {
  status?: Status;
  assignee?: string | null;
  note?: string;
}

export interface Drafted {
  filter_yaml: string;
  path: string;
  matches: { alerts: number };
}

export interface Matrix {
  tactics: {
    id: string;
    tactic: string;
    name: string;
    techniques: { id: string; name: string; alerts: number; rules: number; level: Level | null }[];
  }[];
  max: { alerts: number; rules: number };
}

export interface Topic {
  name: string;
  messages: number;
  messages_per_second?: number | null;
  partitions: { partition: number; first_offset: number; end_offset: number; messages: number }[];
}

export interface ConsumerGroup {
  name: string;
  lag: number;
  partitions: {
    topic: string;
    partition: number;
    committed: number | null;
    end_offset: number;
    lag: number;
    lag_seconds: number | null;
    member: string | null;
  }[];
}

export interface LagHistory {
  points: { time: string; groups: Record<string, number>; topics: Record<string, number> }[];
}

export interface Message {
  partition: number;
  offset: number;
  time: string;
  key: string | null;
  headers: [string, string][];
  size: number;
  value: string;
  json: Json | null;
  truncated: boolean;
}

export interface MessagePage {
  items: Message[];
  next: string | null;
  scanned: number;
  reached_end: boolean;
}

export interface Span {
  span_id: string;
  parent_id: string | null;
  service: string;
  name: string;
  kind: string;
  start: string;
  offset_us: number;
  duration_us: number;
  status: string;
  status_message?: string | null;
  attributes: Record<string, Json>;
  events: { name: string; offset_us: number; attributes?: Record<string, Json> }[];
}

export interface Trace {
  trace_id: string;
  event_id: string | null;
  start: string;
  duration_us: number;
  spans: Span[];
  jaeger_url: string | null;
  source: string;
}

export interface TraceRow {
  trace_id: string;
  event_id: string | null;
  start: string;
  duration_us: number;
  spans: number;
  host: string | null;
  class: string | null;
  error: boolean;
}

export interface Latency {
  stages: {
    name: string;
    service: string;
    count: number;
    p50_us: number;
    p95_us: number;
    p99_us: number;
    max_us: number;
    share?: number | null;
  }[];
  bottleneck: string | null;
  advice?: string | null;
}

export interface RuleRow {
  id: string;
  title: string;
  level: Level;
  status: string;
  tactics: string[];
  techniques: string[];
  product: string;
  category: string;
  service: string;
  file: string;
  enabled: boolean;
  alerts: number;
  last_seen: string | null;
  evaluated: number | null;
  ns_per_event: number | null;
  /** What the overrides file has made of the rule. */
  overrides?: string;
}

export interface Diagnostic {
  code: string;
  severity: string;
  line: number;
  column: number;
  message: string;
  hint?: string | null;
}

export interface RuleDetail extends RuleRow {
  yaml: string;
  description: string;
  references: string[];
  author: string;
  diagnostics: Diagnostic[];
}

export interface RuleCheck {
  ok: boolean;
  rules: { id: string; title: string }[];
  diagnostics: Diagnostic[];
}

export interface RuleTest {
  matched: boolean;
  why: Explanation | null;
  normalized: Record<string, string[]>;
  diagnostics: Diagnostic[];
}

export interface StageRow {
  stage: string;
  /** null: partitions that nobody reads. */
  instance: string | null;
  group: string | null;
  health: "up" | "lagging" | "down";
  partitions: number | number[] | null;
  lag: number | null;
  lag_seconds: number | null;
  events_per_second: number | null;
  last_seen: string | null;
}

export interface Pipeline {
  stages: StageRow[];
  stores: { kind: string; path: string; bytes: number; verdicts: number | null; alerts: number | null }[];
  dead_letters: { total: number; reasons: { code: string; count: number }[] };
}

export interface DeadLetter {
  partition: number;
  offset: number;
  time: string;
  stage: string;
  code: string;
  message: string;
  origin: string | { topic: string; partition: number; offset: number } | null;
  size: number;
  value: string;
  truncated: boolean;
  replays?: number;
}

export interface Statistics {
  classes: Named[];
  levels: { level: Level; count: number }[];
  hosts: { name: string; alerts: number; level: Level }[];
  hourly: { time: string; events: number; detected: number }[];
  latency: { p50: number; p90: number; p95: number; p99: number; max: number } | null;
  scoring: {
    confusion: { labels: string[]; rows: number[][] };
    precision: number;
    recall: number;
    f1: number;
  } | null;
}

export interface AuditRow {
  time: string;
  user: string;
  role: Role;
  action: string;
  target: string;
  detail: string | null;
  address: string;
}
