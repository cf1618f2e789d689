// SPDX-License-Identifier: Apache-2.0
// What is wrong with a rule, and where.
import type { Diagnostic } from "../../api/types";
import { Text } from "../../components/text";

export function Diagnostics({
  of,
  jump,
}: {
  of: Diagnostic[];
  jump?: (line: number, column: number) => void;
}) {
  if (!of.length) return null;
  return (
    <ul class="diagnostics" aria-label="Diagnostics">
      {of.map((d, i) => (
        <li key={i} class={d.severity === "error" ? "bad" : "warn"}>
          {jump ? (
            <button type="button" class="button small" onClick={() => jump(d.line, d.column)}>
              Line {d.line}:{d.column}
            </button>
          ) : (
            <span class="tag">
              Line {d.line}:{d.column}
            </span>
          )}
          <span>
            <b>{d.severity}</b> <Text value={d.message} max={500} />
            {d.hint && (
              <span class="muted">
                {" "}
                <Text value={d.hint} max={500} />
              </span>
            )}{" "}
            <span class="muted mono">
              <Text value={d.code} max={60} />
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}
