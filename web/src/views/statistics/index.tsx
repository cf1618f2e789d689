// SPDX-License-Identifier: Apache-2.0
// Distributions over the range, latency, and, where the truth is known, how right the classes are.
import * as api from "../../api/endpoints";
import { LEVELS, type Point, type Statistics } from "../../api/types";
import { brief, count, levelName, micros, percent, TACTICS, tacticName } from "../../app/format";
import { range } from "../../app/range";
import { useResource } from "../../app/resource";
import { href } from "../../app/router";
import { Chart } from "../../charts/chart";
import { columns, overTime, type Series } from "../../charts/options";
import { tacticColour } from "../../charts/palette";
import { Bars, Card, Figures } from "../../components/card";
import { Empty, Load } from "../../components/states";
import { plain, Text } from "../../components/text";

const quiet = (name: string) => name === "None" || name === "benign" || name === "";
const slug = (name: string) => name.toLowerCase().replace(/ /g, "-");

/** Alerts by tactic over time come from the overview, which has them in columns already. */
function byTactic(points: Point[]): Series[] {
  return TACTICS.filter((one) => points.some((p) => (p.tactics?.[one] ?? 0) > 0)).map((one) => ({
    name: tacticName(one),
    colour: tacticColour(one),
    points: points.map((p): [number, number] => [Date.parse(p.time), p.tactics?.[one] ?? 0]),
  }));
}

function byHour(data: Statistics): Series[] {
  const line = (name: string, colour: string, of: (p: Statistics["hourly"][number]) => number): Series => ({
    name,
    colour,
    points: data.hourly.map((p): [number, number] => [Date.parse(p.time), of(p)]),
  });
  return [
    line("With a detection", "#e2702a", (p) => p.detected),
    line("Without", "#4d8fd6", (p) => p.events - p.detected),
  ];
}

export default function StatisticsView(_props: { rest: string }) {
  const { from, to } = range();
  const data = useResource(`${from}|${to}`, (signal) => api.statistics({ from, to }, signal));
  const overview = useResource(`${from}|${to}`, (signal) => api.overview({ from, to }, signal));
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
        const series = byTactic(overview.data?.timeline.points ?? []);
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
              <Card class="c7" title="Alerts by tactic over time">
                {series.length ? (
                  <>
                    <Chart
                      label={`Alerts by tactic over time; events by class: ${classes.map((c) => `${c.name} ${c.count}`).join(", ")}`}
                      height={330}
                      of={overview.data}
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
                  of={LEVELS.map((level) => ({
                    name: levelName(level),
                    value: s.levels.find((l) => l.level === level)?.count ?? 0,
                    level,
                    to: href("/alerts", { level }),
                  })).reverse()}
                />
              </Card>
              <Card class="c4" title="By host">
                <Bars
                  of={s.hosts.slice(0, 10).map((h) => ({
                    name: h.name,
                    value: h.alerts,
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
              <Card class="c12" title="Events over time" right={<span class="muted">by the hour, UTC</span>}>
                <Chart
                  label={`Events by the hour; ${count(events)} in all, ${count(detections)} with a detection`}
                  height={150}
                  of={s}
                  option={overTime({ kind: "stack", series: byHour(s), format: brief })}
                />
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
