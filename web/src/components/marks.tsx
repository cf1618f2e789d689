// SPDX-License-Identifier: Apache-2.0
// Small marks: level, status, tactic, technique, entity.

import { LEVELS, type Level, type Status } from "../api/types";
import { levelName, STATUS_NAMES, tacticName } from "../app/format";
import { href } from "../app/router";
import { plain, Text } from "./text";

export function LevelMark({ level }: { level: Level }) {
  const known = LEVELS.includes(level) ? level : "informational";
  return <span class={`level ${known}`}>{levelName(known)}</span>;
}

export function StatusMark({ status }: { status: Status }) {
  return <span class={`status ${status}`}>{STATUS_NAMES[status] ?? status}</span>;
}

export function Tactics({ slugs }: { slugs: string[] }) {
  return <>{slugs.map(tacticName).join(", ") || <span class="muted">none</span>}</>;
}

/** A value that leads to the alerts that share it. */
export function Entity({ field, value, max = 80 }: { field: string; value: string | null; max?: number }) {
  if (!value) return <span class="muted">-</span>;
  return (
    <a href={href("/alerts", { [field]: value })} title={`Alerts of ${plain(value)}`}>
      <Text value={value} max={max} />
    </a>
  );
}

export function Technique({ id, name }: { id: string; name?: string }) {
  return (
    <a class="tag" href={href("/alerts", { technique: id })} title={`Alerts of ${plain(id)}`}>
      <Text value={name ? `${id} ${name}` : id} max={60} />
    </a>
  );
}
