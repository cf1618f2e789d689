// SPDX-License-Identifier: Apache-2.0
// What happens now, and where to look first.
import { useEffect, useRef } from "preact/hooks";
import * as api from "../../api/endpoints";
import { LEVELS, type Level, type Overview } from "../../api/types";
import { brief, count, micros, seconds, TACTICS, tacticName, time } from "../../app/format";
import { fresh, live, rates } from "../../app/live";
import { range } from "../../app/range";
import { useResource } from "../../app/resource";
import { href, setParams } from "../../app/router";
import { Chart } from "../../charts/chart";
import { overTime, type Series } from "../../charts/options";
import { tacticColour } from "../../charts/palette";
import { Bars, Card, Figures } from "../../components/card";
import { LevelMark } from "../../components/marks";
import { Empty, Load } from "../../components/states";
import { plain, Text } from "../../components/text";

const DOWN = [...LEVELS].reverse();

function tacticSeries(data: Overview): Series[] {
  const points = data.timeline.points;
  const present = TACTICS.filter((slug) => points.some((p) => (p.tactics?.[slug] ?? 0) > 0));
  return present.map((slug) => ({
    name: tacticName(slug),
    colour: tacticColour(slug),
    points: points.map((p) => [Date.parse(p.time), p.tactics?.[slug] ?? 0]),
  }));
}

/** A click on a column looks into that part of the time. */
function zoom(data: Overview, at: number) {
  const point = data.timeline.points[at];
  if (!point) return;
  const from = Date.parse(point.time);
  const to = from + data.timeline.bucket_seconds * 1000;
  setParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
}

function Levels({ data }: { data: Overview }) {
  const of = (level: Level) => data.levels.find((l) => l.level === level)?.count ?? 0;
  const most = Math.max(1, ...data.levels.map((l) => l.count));
  return (
    <ul class="level-list">
      {DOWN.map((level) => (
        <li key={level}>
          <a href={href("/alerts", { level })} class="level-line">
            <LevelMark level={level} />
            <span class="bar-track">
              <span
                class={`bar-fill fill-${level}`}
                style={{ display: "block", width: `${(100 * of(level)) / most}%` }}
              />
            </span>
            <span class="num">{count(of(level))}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function Rate() {
  const values = rates.value;
  const now = Date.now();
  const series: Series[] = [
    {
      name: "events/s",
      colour: "#4d8fd6",
      points: values.map((v, i) => [now - (values.length - 1 - i) * 1000, v]),
    },
  ];
  if (values.length < 2) return <p class="muted">Waiting for figures of the running pipeline.</p>;
  return (
    <Chart
      label={`Events a second in the last minutes; now ${brief(values.at(-1))}`}
      height={112}
      of={values}
      option={overTime({ kind: "area", series })}
    />
  );
}

/** The newest alerts of the range; those that come while one looks are put before them. */
function Latest() {
  const asked = { ...range(), sort: "-time", limit: 6 };
  const data = useResource(JSON.stringify(asked), (signal) => api.alerts(asked, signal));
  const known = data.data?.items ?? [];
  const ids = new Set(known.map((row) => row.alert_id));
  const rows = [...fresh.value.filter((row) => !ids.has(row.alert_id)), ...known].slice(0, 6);
  if (!rows.length) return <p class="muted">Alerts appear here as they are raised, without reloading.</p>;
  return (
    <ul class="latest">
      {rows.map((row) => (
        <li key={row.alert_id}>
          <span class="num muted">{time(row.time).slice(11)}</span>
          <a
            class="cut"
            href={href(`/alerts/${row.alert_id}`)}
            title={plain(`${row.level}: ${row.rule.name}`)}
          >
            <i class={`wf-swatch fill-${row.level}`} />
            <Text value={row.rule.name} max={90} />
          </a>
          <span class="muted cut">
            <Text value={row.host.split(".")[0]} max={40} />
          </span>
        </li>
      ))}
    </ul>
  );
}

export default function OverviewView() {
  const { from, to } = range();
  const data = useResource(`${from}|${to}`, (signal) => api.overview({ from, to }, signal), 10000);
  // New alerts change the counts: look again soon, but not for each of them.
  const seen = fresh.value.length;
  const timer = useRef(0);
  useEffect(() => {
    if (!seen) return;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(data.reload, 1500);
    return () => clearTimeout(timer.current);
  }, [seen]);
  return (
    <Load from={data} lines={9}>
      {(o) => {
        const now = { ...o.now, ...(live.value ?? {}) };
        if (o.totals.events === 0 && o.totals.alerts === 0) {
          return (
            <Empty title={from || to ? "No events in this time range" : "No events yet"}>
              <p>
                {from || to
                  ? "Choose another range at the top, or all time: sample logs carry the time of their recording."
                  : "Send some in: "}
                {!from && !to && <code>tocsin produce logs/</code>}
              </p>
              <p>
                <code>tocsin demo</code> plays a simulated estate under attack.
              </p>
            </Empty>
          );
        }
        const series = tacticSeries(o);
        return (
          <>
            <Figures
              of={[
                { label: "Events per second", value: brief(now.events_per_second) },
                {
                  label: "Lag",
                  value: brief(now.lag),
                  note: o.now.lag_seconds ? `events, ${seconds(o.now.lag_seconds)}` : "events",
                },
                {
                  label: "Latency p95",
                  value: micros(o.now.latency_us?.p95),
                  note: o.now.latency_us ? `p50 ${micros(o.now.latency_us.p50)}` : undefined,
                },
                { label: "Events", value: brief(o.totals.events) },
                { label: "Alerts", value: brief(o.totals.alerts), note: `on ${count(o.totals.hosts)} hosts` },
                {
                  label: "Open alerts",
                  value: (
                    <a href={href("/alerts", { status: ["new", "in_progress"] })}>
                      {brief(o.totals.open_alerts)}
                    </a>
                  ),
                },
              ]}
            />
            <div class="grid">
              <Card
                class="c8"
                title="Alerts by tactic over time"
                right={
                  <span class="muted">
                    {o.timeline.points.length > 0 && `${seconds(o.timeline.bucket_seconds)} a column, UTC`}
                  </span>
                }
              >
                {series.length ? (
                  <>
                    <Chart
                      label={`Alerts by tactic over time: ${o.tactics.map((t) => `${t.name} ${t.count}`).join(", ")}`}
                      height={268}
                      of={o}
                      option={overTime({ kind: "stack", series, format: count })}
                      onClick={(at) => zoom(o, at.dataIndex)}
                    />
                    <div class="legend">
                      {series.map((s) => (
                        <span key={s.name}>
                          <i class="wf-swatch" style={{ background: s.colour }} />
                          {s.name}
                        </span>
                      ))}
                    </div>
                  </>
                ) : (
                  <p class="muted">No alerts in this time range.</p>
                )}
              </Card>
              <div class="c4 stack">
                <Card title="Alerts by level">
                  <Levels data={o} />
                </Card>
                <Card title="Events per second, live">
                  <Rate />
                </Card>
              </div>
              <Card
                class="c4"
                title="Rules with most alerts"
                right={<a href={href("/alerts", { group: "rule" })}>All</a>}
              >
                <Bars
                  of={o.rules.slice(0, 10).map((r) => ({
                    name: r.name,
                    value: r.alerts,
                    level: r.level,
                    to: href("/alerts", { rule: r.id }),
                  }))}
                />
              </Card>
              <Card
                class="c4"
                title="Hosts with most alerts"
                right={<a href={href("/alerts", { group: "host" })}>All</a>}
              >
                <Bars
                  of={o.hosts.slice(0, 10).map((h) => ({
                    name: h.name,
                    value: h.alerts,
                    level: h.level,
                    to: href("/alerts", { host: h.name }),
                  }))}
                />
              </Card>
              <div class="c4 stack">
                <Card
                  title="Users with most alerts"
                  right={<a href={href("/alerts", { group: "user" })}>All</a>}
                >
                  <Bars
                    empty="No alert names a user"
                    of={o.users.slice(0, 4).map((u) => ({
                      name: u.name,
                      value: u.alerts,
                      to: href("/alerts", { user: u.name }),
                    }))}
                  />
                </Card>
                <Card title="Latest alerts" right={<a href={href("/alerts")}>All</a>}>
                  <Latest />
                </Card>
              </div>
              <Card class="c12" title="Events by class">
                <Classes data={o} />
              </Card>
            </div>
          </>
        );
      }}
    </Load>
  );
}

function Classes({ data }: { data: Overview }) {
  const all = data.classes.reduce((sum, c) => sum + c.count, 0);
  const quiet = (name: string) => name === "None" || name === "benign";
  const loud = data.classes.filter((c) => !quiet(c.name));
  const rest = all - loud.reduce((sum, c) => sum + c.count, 0);
  return (
    <dl class="classes">
      <div>
        <dt>No rule matched</dt>
        <dd class="num">{count(rest)}</dd>
      </div>
      {loud.map((c) => (
        <div key={c.name}>
          <dt>
            <Text value={c.name} max={40} />
          </dt>
          <dd class="num">{count(c.count)}</dd>
        </div>
      ))}
    </dl>
  );
}
