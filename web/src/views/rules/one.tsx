// SPDX-License-Identifier: Apache-2.0
// One rule: what it says, what it finds, and a place to try it on an event.
import * as api from "../../api/endpoints";
import { LEVELS, type Level, type RuleDetail } from "../../api/types";
import { brief, count, levelName, tacticName, time } from "../../app/format";
import { act } from "../../app/notify";
import { useResource } from "../../app/resource";
import { href } from "../../app/router";
import { isAdmin } from "../../app/session";
import { Card, Figures } from "../../components/card";
import { CopyButton, Yaml } from "../../components/code";
import { Icon } from "../../components/icon";
import { LevelMark, Technique } from "../../components/marks";
import { Load } from "../../components/states";
import { OutLink, Text } from "../../components/text";
import { Diagnostics } from "./diagnostics";
import { TryRule } from "./try";

function Settings({ rule, changed }: { rule: RuleDetail; changed: () => void }) {
  if (!isAdmin.value) return null;
  const change = async (what: { enabled?: boolean; level?: Level }, done: string) => {
    await act(() => api.changeRule(rule.id, what), done);
    changed();
  };
  return (
    <div class="row">
      <label class="row">
        <input
          type="checkbox"
          class="switch"
          checked={rule.enabled}
          onChange={(event) => {
            const enabled = event.currentTarget.checked;
            void change({ enabled }, enabled ? "Rule enabled" : "Rule disabled");
          }}
        />
        Enabled
      </label>
      <label class="row">
        Level
        <select
          class="input"
          value={rule.level}
          onChange={(event) => {
            const level = event.currentTarget.value as Level;
            void change({ level }, `Level: ${levelName(level)}`);
          }}
        >
          {LEVELS.map((level) => (
            <option key={level} value={level}>
              {levelName(level)}
            </option>
          ))}
        </select>
      </label>
      <span class="muted">Changes go to the overrides file, which detect takes up while it runs.</span>
    </div>
  );
}

export function One({ id }: { id: string }) {
  const data = useResource(id, (signal) => api.rule(id, signal));
  return (
    <>
      <div class="row">
        <a class="button quiet small" href={href("/rules")}>
          <Icon name="left" /> All rules
        </a>
      </div>
      <Load from={data} lines={12}>
        {(rule) => (
          <>
            <section class="card">
              <div class="alert-head">
                <div class="row">
                  <LevelMark level={rule.level} />
                  <span class="tag">{rule.status || "no status"}</span>
                  {!rule.enabled && <span class="tag warn">disabled</span>}
                  <span class="mono muted">
                    <Text value={rule.id} max={64} />
                  </span>
                </div>
                <h2 class="alert-title">
                  <Text value={rule.title} max={300} />
                </h2>
                <p>
                  <Text value={(rule.description ?? "").replace(/\s+/g, " ").trim()} max={2000} />
                </p>
                <div class="row">
                  {rule.techniques.map((t) => (
                    <Technique id={t} key={t} />
                  ))}
                  <span class="muted">{rule.tactics.map(tacticName).join(", ")}</span>
                </div>
                {rule.overrides && (
                  <p class="warn">
                    Overrides: <Text value={rule.overrides} max={300} />
                  </p>
                )}
                <Settings rule={rule} changed={data.reload} />
              </div>
            </section>
            <Figures
              of={[
                {
                  label: "Alerts",
                  value: <a href={href("/alerts", { rule: rule.id })}>{count(rule.alerts)}</a>,
                },
                { label: "Last seen (UTC)", value: <span class="figure-small">{time(rule.last_seen)}</span> },
                { label: "Evaluated", value: brief(rule.evaluated) },
                { label: "Cost", value: brief(rule.ns_per_event), note: "ns an event" },
                {
                  label: "Log source",
                  value: (
                    <span class="figure-small">
                      {[rule.product, rule.category, rule.service].filter(Boolean).join(" / ")}
                    </span>
                  ),
                },
              ]}
            />
            <div class="grid">
              <div class="c7 stack">
                <Card title="Rule" right={<CopyButton text={rule.yaml} label="Copy YAML" />}>
                  <p class="muted mono" style={{ marginBottom: "6px" }}>
                    <Text value={rule.file} max={200} />
                  </p>
                  <Diagnostics of={rule.diagnostics} />
                  <Yaml text={rule.yaml} marked={rule.diagnostics.map((d) => d.line)} />
                </Card>
                {rule.references.length > 0 && (
                  <Card title="References">
                    <ul>
                      {rule.references.map((reference) => (
                        <li key={reference} class="cut">
                          <OutLink to={reference} />
                        </li>
                      ))}
                    </ul>
                    {rule.author && (
                      <p class="muted">
                        by <Text value={rule.author} max={200} />
                      </p>
                    )}
                  </Card>
                )}
              </div>
              <div class="c5 stack">
                <TryRule what={{ id: rule.id }} />
              </div>
            </div>
          </>
        )}
      </Load>
    </>
  );
}
