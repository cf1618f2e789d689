// SPDX-License-Identifier: Apache-2.0
// Traces: recent and slow ones, where the time goes, and one as a waterfall.
//
//   /traces?q&min_ms   list and stages
//   /traces/ID         waterfall (trace id or event id)
import * as api from "../../api/endpoints";
import type { Latency, TraceRow } from "../../api/types";
import { count, micros, time } from "../../app/format";
import { inRange } from "../../app/range";
import { useResource } from "../../app/resource";
import { go, href, param, setParams } from "../../app/router";
import type { ViewProps } from "../../app/routes";
import { session } from "../../app/session";
import { Card } from "../../components/card";
import { FilterChip, SearchBox } from "../../components/filters";
import { Icon } from "../../components/icon";
import { Segments } from "../../components/popover";
import { Empty, Failure, Load } from "../../components/states";
import { type Column, Table } from "../../components/table";
import { OutLink, Text } from "../../components/text";
import { Waterfall } from "../../components/waterfall";

export default function TracesView({ rest }: ViewProps) {
  if (rest) return <One id={rest} />;
  return <List />;
}

const SLOW = ["10", "50", "100", "500", "1000"].map((ms) => ({ value: ms, label: `over ${ms} ms` }));

function columns(most: number): Column<TraceRow>[] {
  return [
    {
      key: "start",
      label: "Start (UTC)",
      sort: "start",
      width: "180px",
      wide: true,
      cell: (t) => <span class="num">{time(t.start, true)}</span>,
    },
    {
      key: "id",
      label: "Trace",
      width: "36%",
      cell: (t) => (
        <a class="cell-link mono" href={href(`/traces/${t.trace_id}`)}>
          <Text value={t.trace_id} max={64} />
        </a>
      ),
    },
    { key: "host", label: "Host", cell: (t) => <Text value={t.host} max={60} />, wide: true },
    {
      key: "class",
      label: "Class",
      width: "150px",
      wide: true,
      cell: (t) =>
        t.error ? (
          <span class="bad">error</span>
        ) : !t.class || t.class === "None" ? (
          <span class="muted">none</span>
        ) : (
          <Text value={t.class} max={40} />
        ),
    },
    { key: "spans", label: "Spans", width: "70px", number: true, wide: true, cell: (t) => t.spans },
    {
      key: "duration",
      label: "Duration",
      sort: "duration",
      width: "150px",
      cell: (t) => (
        <span class="duration">
          <span class="bar-track">
            <span class="bar-fill" style={{ display: "block", width: `${(100 * t.duration_us) / most}%` }} />
          </span>
          <span class="num">{micros(t.duration_us)}</span>
        </span>
      ),
    },
  ];
}

function List() {
  const asked = { q: param("q"), min_ms: param("min_ms"), limit: 500 };
  const data = useResource(JSON.stringify(asked), (signal) => api.traces(asked, signal));
  const latency = useResource("latency", (signal) => api.latency(signal), 15000);
  const sort = param("sort") || "-start";
  const rows = (data.data?.items ?? []).filter((t) => inRange(t.start));
  const by = sort.replace("-", "");
  rows.sort((a, b) => (by === "duration" ? a.duration_us - b.duration_us : a.start.localeCompare(b.start)));
  if (sort.startsWith("-")) rows.reverse();
  const most = Math.max(1, ...rows.map((t) => t.duration_us));
  return (
    <>
      <Card
        title="Latency by stage"
        right={
          latency.data?.bottleneck && (
            <span>
              Bottleneck:{" "}
              <b class="warn">
                <Text value={latency.data.bottleneck} max={60} />
              </b>
            </span>
          )
        }
      >
        <Load from={latency} lines={5}>
          {(l) => (
            <>
              <Stages latency={l} />
              {l.advice && (
                <p class="muted" style={{ marginTop: "8px" }}>
                  <Text value={l.advice} max={300} />
                </p>
              )}
            </>
          )}
        </Load>
      </Card>
      <div class="row">
        <SearchBox label="Search traces" placeholder="Trace id, event id, host, class" error={data.error} />
        <Segments
          label="Order"
          value={by === "duration" ? "slow" : "recent"}
          options={[
            { value: "recent", label: "Recent" },
            { value: "slow", label: "Slow" },
          ]}
          change={(value) => setParams({ sort: value === "slow" ? "-duration" : null })}
        />
        <FilterChip name="min_ms" label="Duration" choices={SLOW} single />
        {session.value?.links?.jaeger && <OutLink to={session.value.links.jaeger}>Open Jaeger</OutLink>}
      </div>
      <section class="card fill">
        {data.error && !data.data ? (
          <Failure error={data.error} retry={data.reload} />
        ) : (
          <Table
            label="Traces"
            columns={columns(most)}
            rows={rows}
            rowKey={(t) => t.trace_id}
            open={(t) => go(href(`/traces/${t.trace_id}`))}
            sort={sort}
            onSort={(to) => setParams({ sort: to === "-start" ? null : to })}
            loading={data.loading}
            foot={<span>{count(rows.length)} traces</span>}
            empty={
              <Empty title={asked.q || asked.min_ms ? "No trace fits" : "No traces yet"}>
                <p>
                  Spans are kept when <code>--traces traces.db</code> (or <code>TOCSIN_TRACES</code>) says
                  where.
                  <code>--trace-sampling tail:100</code> keeps every alert, error and slow event, and one of a
                  hundred others.
                </p>
              </Empty>
            }
          />
        )}
      </section>
    </>
  );
}

function Stages({ latency }: { latency: Latency }) {
  if (!latency.stages.length) return <p class="muted">No spans to measure yet.</p>;
  // Logarithms: stages differ by factors of thousands.
  const low = Math.log(Math.max(0.1, Math.min(...latency.stages.map((s) => s.p50_us || 0.1))));
  const high = Math.log(Math.max(...latency.stages.map((s) => s.max_us), 1));
  const at = (us: number) =>
    `${(100 * Math.max(0, Math.log(Math.max(us, 0.1)) - low)) / Math.max(0.1, high - low)}%`;
  return (
    <div class="table-box">
      <table class="table stages" aria-label="Latency by stage">
        <thead>
          <tr>
            <th scope="col" style={{ width: "210px" }}>
              Step
            </th>
            <th scope="col" class="wide" style={{ width: "120px" }}>
              Service
            </th>
            <th scope="col" class="wide">
              p50 to p99 (scale of logarithms)
            </th>
            <th scope="col" class="num" style={{ width: "82px" }}>
              p50
            </th>
            <th scope="col" class="num" style={{ width: "82px" }}>
              p95
            </th>
            <th scope="col" class="num wide" style={{ width: "82px" }}>
              p99
            </th>
            <th scope="col" class="num wide" style={{ width: "82px" }}>
              Max
            </th>
            <th scope="col" class="num wide" style={{ width: "86px" }}>
              Spans
            </th>
          </tr>
        </thead>
        <tbody>
          {latency.stages.map((s) => (
            <tr key={`${s.service}/${s.name}`} class={s.name === latency.bottleneck ? "selected" : ""}>
              <td>
                <Text value={s.name} max={60} />
              </td>
              <td class="wide muted">
                <Text value={s.service} max={40} />
              </td>
              <td class="wide">
                <span class="span-range">
                  <i class="whisker" style={{ left: at(s.p50_us), right: `calc(100% - ${at(s.max_us)})` }} />
                  <i class="body" style={{ left: at(s.p50_us), right: `calc(100% - ${at(s.p99_us)})` }} />
                  <i class="middle" style={{ left: at(s.p95_us) }} />
                </span>
              </td>
              <td class="num">{micros(s.p50_us)}</td>
              <td class="num">{micros(s.p95_us)}</td>
              <td class="num wide">{micros(s.p99_us)}</td>
              <td class="num wide">{micros(s.max_us)}</td>
              <td class="num wide">{count(s.count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function One({ id }: { id: string }) {
  const data = useResource(id, (signal) => api.trace(id, signal));
  return (
    <>
      <div class="row">
        <a class="button quiet small" href={href("/traces")}>
          <Icon name="left" /> All traces
        </a>
      </div>
      <Load from={data} lines={8}>
        {(trace) => (
          <>
            <section class="card">
              <div class="alert-head">
                <h2 class="alert-title mono">
                  <Text value={trace.trace_id} max={64} />
                </h2>
                <dl class="pairs">
                  <dt>Event</dt>
                  <dd class="mono">
                    <a href={href("/alerts", { q: `event_id:${trace.event_id}` })}>
                      <Text value={trace.event_id} max={64} />
                    </a>
                  </dd>
                  <dt>Begins</dt>
                  <dd>{time(trace.start, true)} UTC</dd>
                  <dt>From</dt>
                  <dd>{trace.source === "jaeger" ? "Jaeger" : "the store of this machine"}</dd>
                </dl>
              </div>
            </section>
            <Card title={`${trace.spans.length} spans`}>
              <Waterfall trace={trace} />
            </Card>
          </>
        )}
      </Load>
    </>
  );
}
