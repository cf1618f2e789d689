// SPDX-License-Identifier: Apache-2.0
// The ATT&CK matrix: what was seen, and what the rules could see.
import { url } from "../../api/client";
import * as api from "../../api/endpoints";
import type { Matrix } from "../../api/types";
import { count } from "../../app/format";
import { range } from "../../app/range";
import { useResource } from "../../app/resource";
import { href, param, setParams } from "../../app/router";
import { SearchBox } from "../../components/filters";
import { Icon } from "../../components/icon";
import { Segments } from "../../components/popover";
import { Empty, Load } from "../../components/states";
import { plain, Text } from "../../components/text";

type Show = "alerts" | "rules";
const STEPS = 5;

/** 0 for nothing, else 1 to 5 on a scale of logarithms: one alert must be seen beside a thousand. */
function step(value: number, max: number): number {
  if (value <= 0) return 0;
  if (max <= 1) return STEPS;
  return 1 + Math.min(STEPS - 1, Math.floor((STEPS * Math.log(value)) / Math.log(max + 1)));
}

function legend(max: number): { step: number; label: string }[] {
  const out = new Map<number, [number, number]>();
  for (let value = 1; value <= max; value += Math.max(1, Math.floor(value / 50))) {
    const at = step(value, max);
    const seen = out.get(at);
    out.set(at, [seen?.[0] ?? value, value]);
  }
  return [...out].map(([at, [low, high]]) => ({
    step: at,
    label: low === high ? count(low) : `${count(low)} to ${count(high)}`,
  }));
}

function Grid({ matrix, show, q, every }: { matrix: Matrix; show: Show; q: string; every: boolean }) {
  const max = matrix.max[show];
  const columns = matrix.tactics
    .map((tactic) => ({
      ...tactic,
      sum: tactic.techniques.reduce((sum, t) => sum + t[show], 0),
      techniques: tactic.techniques
        .filter(
          (t) =>
            (every || t.alerts > 0 || t.rules > 0) && (!q || `${t.id} ${t.name}`.toLowerCase().includes(q)),
        )
        .sort((a, b) => b[show] - a[show] || a.id.localeCompare(b.id)),
    }))
    .filter((tactic) => tactic.techniques.length > 0);
  if (!columns.length) {
    return (
      <Empty title={q ? "No technique fits" : "Nothing to show yet"}>
        <p>
          {q
            ? "Search by id (T1059) or by part of the name."
            : "The matrix fills with the alerts and with the techniques that rules are tagged with."}
        </p>
      </Empty>
    );
  }
  return (
    <div class="matrix-box" tabIndex={0} role="region" aria-label="ATT&CK matrix">
      <div class="matrix">
        {columns.map((tactic) => (
          <section key={tactic.id} aria-label={tactic.name}>
            <a
              class="matrix-head"
              href={
                show === "alerts"
                  ? href("/alerts", { tactic: tactic.tactic })
                  : href("/rules", { tactic: tactic.tactic })
              }
            >
              <b>{tactic.name}</b>
              <span class="muted num">
                {tactic.id}, {count(tactic.sum)}
              </span>
            </a>
            <ul>
              {tactic.techniques.map((t) => (
                <li key={t.id}>
                  <a
                    class={`cell heat-${show}-${step(t[show], max)}`}
                    href={
                      show === "alerts"
                        ? href("/alerts", { technique: t.id, tactic: tactic.tactic })
                        : href("/rules", { q: t.id })
                    }
                    title={plain(
                      `${t.id} ${t.name}: ${count(t.alerts)} alerts, ${count(t.rules)} rules${t.level ? `, highest ${t.level}` : ""}`,
                    )}
                  >
                    <span class="cell-name">
                      <Text value={t.name || t.id} max={60} />
                    </span>
                    <span class="cell-id">{t.id}</span>
                    <span class="num">{t[show] > 0 ? count(t[show]) : ""}</span>
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </div>
  );
}

export default function AttackView(_props: { rest: string }) {
  const { from, to } = range();
  const show: Show = param("show") === "rules" ? "rules" : "alerts";
  const every = param("every") === "1";
  const q = param("q").toLowerCase();
  const data = useResource(`${from}|${to}`, (signal) => api.attack({ from, to }, signal));
  return (
    <>
      <div class="row">
        <Segments
          label="What to show"
          value={show}
          options={[
            { value: "alerts", label: "Alerts" },
            { value: "rules", label: "Rule coverage" },
          ]}
          change={(value) => setParams({ show: value === "alerts" ? null : value })}
        />
        <SearchBox label="Find a technique" placeholder="Technique: T1059, credential" />
        <label class="row muted">
          <input
            type="checkbox"
            class="switch"
            checked={every}
            onChange={(event) => setParams({ every: event.currentTarget.checked ? "1" : null })}
          />
          All techniques
        </label>
        <a
          class="button"
          download
          href={url("/attack/navigator", {
            what: show,
            from: show === "alerts" ? from : "",
            to: show === "alerts" ? to : "",
          })}
        >
          <Icon name="download" /> Navigator layer
        </a>
      </div>
      <Load from={data} lines={12}>
        {(matrix) => (
          <>
            <div class="row">
              <Summary matrix={matrix} />
              <div class="legend">
                {legend(matrix.max[show]).map((l) => (
                  <span key={l.step}>
                    <i class={`wf-swatch heat-${show}-${l.step}`} />
                    {l.label}
                  </span>
                ))}
              </div>
            </div>
            <Grid matrix={matrix} show={show} q={q} every={every} />
          </>
        )}
      </Load>
    </>
  );
}

function Summary({ matrix }: { matrix: Matrix }) {
  const all = new Map(matrix.tactics.flatMap((t) => t.techniques).map((t) => [t.id, t]));
  const list = [...all.values()];
  const seen = list.filter((t) => t.alerts > 0).length;
  const covered = list.filter((t) => t.rules > 0).length;
  return (
    <p class="muted matrix-sum">
      {count(seen)} techniques seen in alerts, {count(covered)} covered by a rule
      {list.length > covered && `, ${count(list.length)} listed`}
    </p>
  );
}
