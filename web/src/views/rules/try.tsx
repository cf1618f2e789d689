// SPDX-License-Identifier: Apache-2.0
// A rule tried on an event that is pasted in.
import { useState } from "preact/hooks";
import { asApiError } from "../../api/client";
import * as api from "../../api/endpoints";
import type { Json, RuleTest } from "../../api/types";
import { act } from "../../app/notify";
import { Card } from "../../components/card";
import { Why } from "../../components/explain";
import { Text } from "../../components/text";
import { Diagnostics } from "./diagnostics";

const SAMPLE = `{"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, ...}`;

/** The event of the latest alert of a rule. */
async function latestEvent(rule: string): Promise<string | null> {
  const { items } = await api.alerts({ rule: [rule], limit: 1 });
  if (!items.length) return null;
  const { event } = await api.alert(items[0].alert_id);
  if (event.json !== null) return JSON.stringify(event.json, null, 2);
  return event.raw;
}

export function TryRule({ what }: { what: { id: string } | { yaml: string } }) {
  const [text, setText] = useState("");
  const [result, setResult] = useState<RuleTest | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const fill = async (rule: string) => {
    const event = await act(() => latestEvent(rule));
    if (event) setText(event);
    else setProblem("No alert of this rule still has its event.");
  };
  const run = async () => {
    setProblem("");
    setResult(null);
    let event: Json;
    try {
      event = JSON.parse(text) as Json;
    } catch (error) {
      setProblem(`The event is no JSON: ${(error as Error).message}`);
      return;
    }
    setBusy(true);
    try {
      setResult(await api.testRule(what, event));
    } catch (error) {
      setProblem(asApiError(error).message);
    }
    setBusy(false);
  };
  return (
    <Card title="Try it on an event">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <label class="field">
          <span>One event as JSON, as its agent wrote it</span>
          <textarea
            class="input mono"
            rows={8}
            spellcheck={false}
            placeholder={SAMPLE}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <div class="row">
          <button type="submit" class="button primary" disabled={busy || !text.trim()}>
            Test
          </button>
          {"id" in what && (
            <button type="button" class="button" onClick={() => void fill(what.id)}>
              Take its latest event
            </button>
          )}
          {result && (
            <b class={result.matched ? "good" : "bad"} role="status">
              {result.matched ? "The rule matches" : "The rule does not match"}
            </b>
          )}
        </div>
        {problem && (
          <p class="bad" role="alert">
            <Text value={problem} max={400} />
          </p>
        )}
      </form>
      {result && (
        <div class="stack" style={{ marginTop: "12px" }}>
          <Diagnostics of={result.diagnostics} />
          {result.why && <Why of={result.why} />}
          {Object.keys(result.normalized ?? {}).length > 0 && (
            <details>
              <summary>Fields as the rule sees them</summary>
              <dl class="pairs mono">
                {Object.entries(result.normalized).map(([field, values]) => (
                  <>
                    <dt key={`k${field}`}>
                      <Text value={field} max={80} />
                    </dt>
                    <dd key={`v${field}`}>
                      <Text value={([] as string[]).concat(values).join(" | ")} max={400} />
                    </dd>
                  </>
                ))}
              </dl>
            </details>
          )}
        </div>
      )}
    </Card>
  );
}
