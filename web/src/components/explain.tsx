// SPDX-License-Identifier: Apache-2.0
// Why a rule matches, or does not: its condition as a tree, with the values that decided it.
import { useState } from "preact/hooks";
import type { Explained, Explanation } from "../api/types";
import { Text } from "./text";

const WORDS = { all: "all of these hold", any: "one of these holds", not: "this does not hold", item: "" };
const PATTERNS_SHOWN = 4;

function Mark({ holds }: { holds: boolean | undefined }) {
  if (holds === undefined) return <span class="why-mark muted">•</span>;
  return (
    <span class={`why-mark ${holds ? "good" : "bad"}`}>
      {holds ? "✓" : "✗"}
      <span class="hidden-text">{holds ? "holds" : "does not hold"}</span>
    </span>
  );
}

function Item({ node }: { node: Explained }) {
  const [all, setAll] = useState(false);
  const patterns = [...(node.patterns ?? [])].sort((a, b) => Number(b.holds ?? 0) - Number(a.holds ?? 0));
  const shown = all ? patterns : patterns.slice(0, PATTERNS_SHOWN);
  return (
    <>
      <code>
        <Text value={node.key || "keyword"} />
      </code>
      {node.negated && <span class="muted"> not</span>}
      {patterns.length > 1 && <span class="muted"> {node.all ? "all of" : "one of"}</span>}
      {shown.map((pattern, i) => (
        <div class={`pattern ${pattern.holds ? "yes" : ""}`} key={i}>
          {pattern.holds !== undefined && <Mark holds={pattern.holds} />}
          <Text value={pattern.meaning || pattern.text} max={300} />
        </div>
      ))}
      {patterns.length > shown.length && (
        <button type="button" class="button quiet small" onClick={() => setAll(true)}>
          {patterns.length - shown.length} more
        </button>
      )}
      {node.absent && <div class="values muted">the field is absent</div>}
      {(node.values ?? []).slice(0, 6).map((seen, i) => (
        <div class="values" key={i}>
          <span class="muted">event: </span>
          {seen.field !== node.field && (
            <>
              <Text value={seen.field} /> ={" "}
            </>
          )}
          {seen.value === null ? (
            "null"
          ) : (
            <Text value={seen.value === "" ? "(empty)" : seen.value} max={400} />
          )}
        </div>
      ))}
    </>
  );
}

function Branch({ node }: { node: Explained }) {
  const name = node.selection ?? node.filter;
  return (
    <li>
      <Mark holds={node.holds} />
      {name && (
        <>
          <b>
            <Text value={name} />
          </b>{" "}
        </>
      )}
      {node.kind === "item" ? (
        <Item node={node} />
      ) : (
        <>
          <span class="muted">{WORDS[node.kind]}</span>
          <ul>
            {(node.children ?? []).map((child, i) => (
              <Branch node={child} key={i} />
            ))}
          </ul>
        </>
      )}
    </li>
  );
}

export function Why({ of }: { of: Explanation }) {
  return (
    <div class="why stack">
      <div>
        <span class="muted">condition </span>
        <code>
          <Text value={of.condition} />
        </code>
        {of.matches !== undefined && (
          <b class={of.matches ? "good" : "bad"}> {of.matches ? "matches" : "does not match"}</b>
        )}
      </div>
      {of.event?.route && (
        <div>
          <Mark holds={of.event.route_read} />
          <span class="muted">log source </span>
          <code>
            <Text value={of.event.route} />
          </code>
          {of.event.route_read === false && (
            <span class="bad"> the rule does not read this kind of event</span>
          )}
          {of.event.host_counts === false && <span class="bad"> an override leaves this host out</span>}
        </div>
      )}
      <ul style={{ border: 0, paddingLeft: 0, marginLeft: 0 }}>
        <Branch node={of.tree} />
      </ul>
    </div>
  );
}
