// SPDX-License-Identifier: Apache-2.0
// Distributions over the range, latency, and, where the truth is known, how right the classes are.
import * as api from "../../api/endpoints";
import { LEVELS, type Level, type Statistics } from "../../api/types";
import { brief, count, levelName, micros, percent, TACTICS, tacticName } from "../../app/format";
import { range } from "../../app/range";
import { useResource } from "../../app/resource";
import { href } from "../../app/router";
import { Chart } from "../../charts/chart";
import { columns, overTime, type Series } from "../../charts/options";
import { seriesColour, tacticColour } from "../../charts/palette";
import { Bars, Card, Figures } from "../../components/card";
import { Empty, Load } from "../../components/states";
import { plain, Text } from "../../components/text";

const quiet = (name: string) => name === "None" || name === "benign" || name === "";
const slug = (name: string) => name.toLowerCase().replace(/ /g, "-");

function levelsOf(data: Statistics): { level: Level; count: number }[] {
  const all = data.levels ?? [];
  return LEVELS.map((level) => ({
    level,
    count: Array.isArray(all) ? (all.find((l) => l.level === level)?.count ?? 0) : (all[level] ?? 0),
  })).reverse();
}

function overHours(data: Statistics): Series[] {
  const parts = (p: Statistics["hourly"][number]) =>
    p.classes ?? p.tactics ?? (p.alerts === undefined ? {} : { Alerts: p.alerts });
  const names = new Set(data.hourly.flatMap((p) => Object.keys(parts(p))).filter((n) => !quiet(n)));
  const order = [...names].sort((a, b) => TACTICS.indexOf(slug(a)) - TACTICS.indexOf(slug(b)));
  return order.map((name, i) => ({
    name: name.includes("-") ? tacticName(name) : name,
    colour: TACTICS.includes(slug(name)) ? tacticColour(slug(name)) : seriesColour(i),
    points: data.hourly.map((p): [number, number] => [Date.parse(p.time), parts(p)[name] ?? 0]),
  }));
}

export default function StatisticsView(_props: { rest: string }) {
  const { from, to } = range();
  const data = useResource(`${from}|${to}`, (signal) => api.statistics({ from, to }, signal));
  return (
    <Load from={data} lines={12}>
      {(s) => {
        const events = s.classes.reduce((sum, c) => sum + c.count, 0);
        if (!events && !s.hosts.length) {
          return (
            <Empty title="Nothing to count">
              <p>There are no verdicts in this time range. Choose another at the top, or all time.</p>
            </Empty>
          );
        }
        const classes = s.classes.filter((c) => !quiet(c.name));
        const detections = classes.reduce((sum, c) => sum + c.count, 0);
        const series = overHours(s);
        return (
          <>
            <Figures
              of={[
                { label: "Events", value: brief(events) },
                { label: "With a detection", value: brief(detections), note: percent(detections, events) },
                { label: "Latency p50", value: micros(s.latency?.p50) },
                { label: "Latency p95", value: micros(s.latency?.p95) },
                { label: "Latency p99", value: micros(s.latency?.p99) },
                ...(s.scoring
                  ? [
                      { label: "Precision", value: s.scoring.precision.toFixed(3) },
                      { label: "Recall", value: s.scoring.recall.toFixed(3) },
                      { label: "F1", value: s.scoring.f1.toFixed(3) },
                    ]
                  : []),
              ]}
            />
            <div class="grid">
              <Card class="c7" title="Classes over time">
                {series.length ? (
                  <>
                    <Chart
                      label={`Classes over time: ${classes.map((c) => `${c.name} ${c.count}`).join(", ")}`}
                      height={330}
                      of={s}
                      option={overTime({ kind: "stack", series, format: count })}
                    />
                    <div class="legend">
                      {series.map((one) => (
                        <span key={one.name}>
                          <i class="wf-swatch" style={{ background: one.colour }} />
                          {plain(one.name, 40)}
                        </span>
                      ))}
                    </div>
                  </>
                ) : (
                  <p class="muted">No detection in this time range.</p>
                )}
              </Card>
              <Card
                class="c5"
                title="Events by class"
                right={<span class="muted">{count(events - detections)} without a match</span>}
              >
                <Bars
                  of={classes.map((c) => ({
                    name: c.name,
                    value: c.count,
                    to: href(
                      "/alerts",
                      TACTICS.includes(slug(c.name)) ? { tactic: slug(c.name) } : { q: `class:"${c.name}"` },
                    ),
                  }))}
                />
              </Card>
              <Card class="c4" title="Alerts by level">
                <Bars
                  of={levelsOf(s).map((l) => ({
                    name: levelName(l.level),
                    value: l.count,
                    level: l.level,
                    to: href("/alerts", { level: l.level }),
                  }))}
                />
              </Card>
              <Card class="c4" title="By host">
                <Bars
                  of={s.hosts.slice(0, 10).map((h) => ({
                    name: h.name,
                    value: h.alerts ?? h.count ?? 0,
                    level: h.level,
                    to: href("/alerts", { host: h.name }),
                  }))}
                />
              </Card>
              <Card class="c4" title="Latency from source to verdict">
                {s.latency ? (
                  <Chart
                    label={`Latency: p50 ${micros(s.latency.p50)}, p90 ${micros(s.latency.p90)}, p95 ${micros(s.latency.p95)}, p99 ${micros(s.latency.p99)}, longest ${micros(s.latency.max)}`}
                    height={190}
                    of={s}
                    option={columns(
                      ["p50", "p90", "p95", "p99", "max"],
                      [
                        {
                          name: "Latency",
                          colour: "#4d8fd6",
                          values: [s.latency.p50, s.latency.p90, s.latency.p95, s.latency.p99, s.latency.max],
                        },
                      ],
                      micros,
                    )}
                  />
                ) : (
                  <p class="muted">No latency was measured.</p>
                )}
              </Card>
              <Card
                class="c12"
                title="Confusion matrix"
                right={<span class="muted">rows: what it was; columns: what it was taken for</span>}
              >
                {s.scoring ? (
                  <Confusion of={s.scoring.confusion} />
                ) : (
                  <p class="muted">
                    The truth of these events is not known. <code>tocsin produce synthetic</code> and the demo
                    write it beside the events; then this shows which tactics were taken for which.
                  </p>
                )}
              </Card>
            </div>
          </>
        );
      }}
    </Load>
  );
}

function Confusion({ of }: { of: { labels: string[]; rows: number[][] } }) {
  return (
    <section class="table-box" tabIndex={0} aria-label="Confusion matrix">
      <table class="confusion">
        <thead>
          <tr>
            <td />
            {of.labels.map((label) => (
              <th scope="col" key={label} title={plain(label)}>
                <span>
                  <Text value={tacticName(label)} max={24} />
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {of.rows.map((row, i) => {
            const sum = row.reduce((a, b) => a + b, 0);
            return (
              <tr key={of.labels[i]}>
                <th scope="row">
                  <Text value={tacticName(of.labels[i])} max={24} />
                </th>
                {row.map((n, j) => {
                  const share = sum ? n / sum : 0;
                  const heat = n === 0 ? 0 : Math.min(5, 1 + Math.floor(share * 4.999));
                  return (
                    <td
                      key={j}
                      class={`num heat-${i === j ? "rules" : "alerts"}-${heat}`}
                      title={plain(`${of.labels[i]} taken for ${of.labels[j]}: ${n} (${percent(n, sum)})`)}
                    >
                      {n ? count(n) : ""}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
