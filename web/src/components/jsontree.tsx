// SPDX-License-Identifier: Apache-2.0
// JSON as a tree that opens and closes. Keys and values are text of strangers.
import { useState } from "preact/hooks";
import type { Json } from "../api/types";
import { plain, Text } from "./text";

/** Whether a value at a path is to be marked; `path` is the names joined with dots. */
export type Hit = (path: string, name: string, value: Json) => boolean;

const CHILDREN_SHOWN = 200;

function Leaf({ value, long }: { value: Json; long: boolean }) {
  const [all, setAll] = useState(false);
  if (typeof value !== "string") return <span class="tk-number">{String(value)}</span>;
  if (!long || all)
    return (
      <span class="tk-string">
        "<Text value={value} max={all ? 200000 : 600} />"
      </span>
    );
  return (
    <>
      <span class="tk-string">
        "<Text value={value} max={600} />"
      </span>{" "}
      <button type="button" class="button quiet small" onClick={() => setAll(true)}>
        Show all {value.length} characters
      </button>
    </>
  );
}

function Node({
  name,
  value,
  path,
  depth,
  hit,
}: {
  name: string;
  value: Json;
  path: string;
  depth: number;
  hit?: Hit;
}) {
  const [open, setOpen] = useState(depth < 4);
  const [limit, setLimit] = useState(CHILDREN_SHOWN);
  if (value === null || typeof value !== "object") {
    const marked = hit?.(path, name, value);
    return (
      <li class="leaf">
        <span class={marked ? "hit" : ""}>
          <span class="key">
            <Text value={name} max={200} />
          </span>
          : <Leaf value={value} long={typeof value === "string" && value.length > 600} />
          {marked && <span class="hidden-text"> (matched by the rule)</span>}
        </span>
      </li>
    );
  }
  const entries: [string, Json][] = Array.isArray(value)
    ? value.map((one, i) => [String(i), one])
    : Object.entries(value);
  const sign = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <li>
      <button
        type="button"
        class="twist"
        aria-expanded={open}
        aria-label={`${open ? "Close" : "Open"} ${plain(name, 80)}`}
        onClick={() => setOpen(!open)}
      >
        {open ? "▾" : "▸"}
      </button>
      <span class="key">
        <Text value={name} max={200} />
      </span>{" "}
      <span class="tk-dim">{sign}</span>
      {open && (
        <ul>
          {entries.slice(0, limit).map(([key, child]) => (
            <Node
              key={key}
              name={key}
              value={child}
              path={path ? `${path}.${key}` : key}
              depth={depth + 1}
              hit={hit}
            />
          ))}
          {entries.length > limit && (
            <li>
              <button type="button" class="button quiet small" onClick={() => setLimit(limit + 1000)}>
                {entries.length - limit} more
              </button>
            </li>
          )}
        </ul>
      )}
    </li>
  );
}

export function JsonTree({ value, hit }: { value: Json; hit?: Hit }) {
  if (value === null || typeof value !== "object") {
    return (
      <div class="json">
        <Leaf value={value} long={typeof value === "string" && value.length > 600} />
      </div>
    );
  }
  const entries: [string, Json][] = Array.isArray(value)
    ? value.map((one, i) => [String(i), one])
    : Object.entries(value);
  return (
    <div class="json">
      <ul style={{ border: 0, paddingLeft: 0, marginLeft: 0 }}>
        {entries.slice(0, 1000).map(([key, child]) => (
          <Node key={key} name={key} value={child} path={key} depth={1} hit={hit} />
        ))}
      </ul>
    </div>
  );
}
