// SPDX-License-Identifier: Apache-2.0
// Numbers, times and names as people read them. Times are shown in UTC, as logs have them.
import type { Level, Status } from "../api/types";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export const count = (n: number | null | undefined) =>
  n === null || n === undefined ? "-" : whole.format(n);

/** 1234567 -> "1.23M" */
export function brief(n: number | null | undefined): string {
  if (n === null || n === undefined || Number.isNaN(n)) return "-";
  const size = Math.abs(n);
  if (size < 10) return String(Math.round(n * 10) / 10);
  if (size < 10000) return whole.format(n);
  for (const [unit, by] of [
    ["B", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (size >= by) return `${(n / by).toPrecision(3)}${unit}`;
  }
  return whole.format(n);
}

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = n;
  let unit = -1;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function micros(us: number | null | undefined): string {
  if (us === null || us === undefined) return "-";
  if (us < 1) return `${Math.round(us * 1000)} ns`;
  if (us < 1000) return `${us < 10 ? us.toFixed(1) : Math.round(us)} us`;
  if (us < 1e6) return `${(us / 1000).toPrecision(3)} ms`;
  return seconds(us / 1e6);
}

export function seconds(s: number | null | undefined): string {
  if (s === null || s === undefined) return "-";
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s.toFixed(s < 10 ? 1 : 0)} s`;
  const two = (big: number, unit: string, small: number, of: string) =>
    small ? `${big} ${unit} ${small} ${of}` : `${big} ${unit}`;
  if (s < 3600) return two(Math.floor(s / 60), "min", Math.floor(s % 60), "s");
  if (s < 86400) return two(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return two(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
}

/** "2026-03-03 08:46:21" */
export function time(text: string | null | undefined, milliseconds = false): string {
  if (!text) return "-";
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text;
  const iso = at.toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, milliseconds ? 23 : 19)}`;
}

/** Of an axis: the day where a day begins, the time elsewhere; with seconds on a short one. */
export function tick(ms: number, short = false): string {
  const iso = new Date(ms).toISOString();
  if (short) return iso.slice(11, 19);
  return iso.slice(11, 16) === "00:00" ? iso.slice(5, 10) : iso.slice(11, 16);
}

export function percent(part: number, all: number): string {
  if (all <= 0) return "-";
  const share = (100 * part) / all;
  return share > 0 && share < 0.1 ? "<0.1 %" : `${share.toFixed(1)} %`;
}

export const STATUS_NAMES: Record<Status, string> = {
  new: "New",
  in_progress: "In progress",
  closed: "Closed",
  false_positive: "False positive",
};
export const levelName = (level: Level) => level[0].toUpperCase() + level.slice(1);

/** "credential-access" -> "Credential Access" */
export const tacticName = (slug: string) =>
  slug
    .split("-")
    .map((word) => (["and", "of"].includes(word) ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join(" ");

export const TACTICS = [
  "reconnaissance",
  "resource-development",
  "initial-access",
  "execution",
  "persistence",
  "privilege-escalation",
  "stealth",
  "defense-impairment",
  "credential-access",
  "discovery",
  "lateral-movement",
  "collection",
  "command-and-control",
  "exfiltration",
  "impact",
];

/** A condition of the search language. */
export function term(field: string, value: string): string {
  return /^[\w.@-]+$/.test(value) ? `${field}:${value}` : `${field}:"${value.replace(/(["\\])/g, "\\$1")}"`;
}

/** Conditions joined; those of one field are alternatives. */
export function conjunction(q: string, filters: Record<string, string[]>): string {
  const parts = q.trim() ? [q.trim()] : [];
  for (const [field, values] of Object.entries(filters)) {
    if (values.length) parts.push(values.map((value) => term(field, value)).join(" OR "));
  }
  return parts.length > 1 ? parts.map((part) => `(${part})`).join(" ") : (parts[0] ?? "");
}
