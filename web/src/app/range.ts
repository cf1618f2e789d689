// SPDX-License-Identifier: Apache-2.0
// The time range of a view, kept in its address as `from` and `to`. Empty is everything.
import { param } from "./router";

export const PRESETS: { from: string; label: string }[] = [
  { from: "-15m", label: "Last 15 minutes" },
  { from: "-1h", label: "Last hour" },
  { from: "-6h", label: "Last 6 hours" },
  { from: "-24h", label: "Last 24 hours" },
  { from: "-7d", label: "Last 7 days" },
  { from: "-30d", label: "Last 30 days" },
  { from: "", label: "All time" },
];

export const range = () => ({ from: param("from"), to: param("to") });

const UNITS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 604800e3 };

/** Milliseconds of a range's end; NaN when it is none. */
export function instant(text: string, now = Date.now()): number {
  if (text === "now") return now;
  const relative = /^-(\d+)([smhdw])$/.exec(text);
  if (relative) return now - Number(relative[1]) * UNITS[relative[2]];
  return Date.parse(text);
}

/** Whether a time lies in the range of the view; for lists whose endpoint takes no range. */
export function inRange(time: string): boolean {
  const { from, to } = range();
  const at = Date.parse(time);
  return !(from && at < instant(from)) && !(to && at > instant(to));
}

const short = (text: string) =>
  Number.isNaN(Date.parse(text)) ? text : text.replace("T", " ").replace(/(:00)?(\.\d+)?Z$/, "");

export function rangeLabel(): string {
  const { from, to } = range();
  if (!to || to === "now") {
    const preset = PRESETS.find((p) => p.from === from);
    if (preset) return preset.label;
  }
  return `${from ? short(from) : "begin"} to ${to ? short(to) : "now"}`;
}
