// SPDX-License-Identifier: Apache-2.0
// Topics and groups, their lag over time; the messages of one topic.
//
//   /topics        all of them
//   /topics/NAME   its messages
import * as api from "../../api/endpoints";
import type { ConsumerGroup, LagHistory, Topic } from "../../api/types";
import { brief, count, seconds } from "../../app/format";
import { range } from "../../app/range";
import { useResource } from "../../app/resource";
import { href } from "../../app/router";
import type { ViewProps } from "../../app/routes";
import { Chart } from "../../charts/chart";
import { overTime, type Series } from "../../charts/options";
import { seriesColour } from "../../charts/palette";
import { Card } from "../../components/card";
import { Empty, Load } from "../../components/states";
import { Text } from "../../components/text";
import { Browser } from "./browser";

export default function TopicsView({ rest }: ViewProps) {
  return rest ? <Browser topic={rest} key={rest} /> : <All />;
}

function All() {
  const topics = useResource("topics", (signal) => api.topics(signal), 5000);
  const groups = useResource("groups", (signal) => api.groups(signal), 5000);
  const { from } = range();
  const lag = useResource(`lag${from}`, (signal) => api.lag({ from }, signal), 5000);
  return (
    <>
      <div class="grid">
        <Card
          class="c6"
          title="Lag of groups"
          right={<span class="muted">events behind the end, the last hour at most</span>}
        >
          <Load from={lag} lines={5}>
            {(history) => <LagChart history={history} />}
          </Load>
        </Card>
        <Card class="c6" title="Growth of topics" right={<span class="muted">messages a second</span>}>
          <Load from={lag} lines={5}>
            {(history) => <GrowthChart history={history} />}
          </Load>
        </Card>
      </div>
      <Card title="Topics" flush>
        <Load from={topics}>{(data) => <TopicTable topics={data.items} />}</Load>
      </Card>
      <Card title="Groups" flush>
        <Load from={groups}>{(data) => <GroupTable groups={data.items} />}</Load>
      </Card>
    </>
  );
}

function Legend({ series }: { series: Series[] }) {
  return (
    <div class="legend">
      {series.map((s) => (
        <span key={s.name}>
          <i class="wf-swatch" style={{ background: s.colour }} />
          <Text value={s.name} max={60} /> {brief(s.points.at(-1)?.[1])}
        </span>
      ))}
    </div>
  );
}

function LagChart({ history }: { history: LagHistory }) {
  const names = [...new Set(history.points.flatMap((p) => Object.keys(p.groups)))];
  if (history.points.length < 2 || !names.length) {
    return (
      <p class="muted">
        The server samples every 2 seconds; the curve begins with the second sample of a group.
      </p>
    );
  }
  const series = names.map((name, i) => ({
    name,
    colour: seriesColour(i),
    points: history.points.map((p): [number, number] => [Date.parse(p.time), p.groups[name] ?? 0]),
  }));
  const now = history.points.at(-1)!;
  return (
    <>
      <Chart
        label={`Lag over time; now ${names.map((n) => `${n} ${count(now.groups[n] ?? 0)}`).join(", ")}`}
        height={170}
        of={history}
        option={overTime({ kind: "area", series, format: brief })}
      />
      <Legend series={series} />
    </>
  );
}

function GrowthChart({ history }: { history: LagHistory }) {
  const points = history.points;
  const names = [...new Set(points.flatMap((p) => Object.keys(p.topics)))];
  if (points.length < 3 || !names.length) return <p class="muted">Waiting for samples.</p>;
  // A few dozen points are enough for a curve; each is the mean since the one before.
  const every = Math.max(1, Math.floor(points.length / 90));
  const kept = points.filter((_, i) => i % every === 0);
  const series = names.map((name, i) => ({
    name,
    colour: seriesColour(i),
    points: kept.slice(1).map((p, at): [number, number] => {
      const before = kept[at];
      const passed = (Date.parse(p.time) - Date.parse(before.time)) / 1000;
      return [
        Date.parse(p.time),
        passed > 0 ? Math.max(0, ((p.topics[name] ?? 0) - (before.topics[name] ?? 0)) / passed) : 0,
      ];
    }),
  }));
  return (
    <>
      <Chart
        label={`Messages a second by topic: ${series.map((s) => `${s.name} ${brief(s.points.at(-1)?.[1])}`).join(", ")}`}
        height={170}
        of={history}
        option={overTime({ kind: "line", series, format: brief })}
      />
      <Legend series={series} />
    </>
  );
}

function TopicTable({ topics }: { topics: Topic[] }) {
  if (!topics.length) {
    return (
      <Empty title="No topics yet">
        <p>
          They come with the first message: <code>tocsin produce logs/</code>, or{" "}
          <code>tocsin topics create</code>.
        </p>
      </Empty>
    );
  }
  return (
    <div class="table-box">
      <table class="table" aria-label="Topics">
        <thead>
          <tr>
            <th scope="col">Topic</th>
            <th scope="col" class="num">
              Messages
            </th>
            <th scope="col" class="num">
              Partitions
            </th>
            <th scope="col" class="wide" style={{ width: "55%" }}>
              Offsets by partition
            </th>
          </tr>
        </thead>
        <tbody>
          {topics.map((topic) => (
            <tr key={topic.name} class="plain">
              <td>
                <a href={href(`/topics/${encodeURIComponent(topic.name)}`)}>
                  <Text value={topic.name} max={80} />
                </a>
              </td>
              <td class="num">{count(topic.messages)}</td>
              <td class="num">{topic.partitions.length}</td>
              <td class="wide">
                <Partitions topic={topic} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Partitions({ topic }: { topic: Topic }) {
  const most = Math.max(1, ...topic.partitions.map((p) => p.messages));
  return (
    <div class="partitions">
      {topic.partitions.map((p) => (
        <a
          key={p.partition}
          href={href(`/topics/${encodeURIComponent(topic.name)}`, { partition: p.partition })}
          title={`Partition ${p.partition}: offsets ${p.first_offset} to ${p.end_offset}`}
        >
          <span class="muted">{p.partition}</span>
          <span class="bar-track">
            <span class="bar-fill" style={{ display: "block", width: `${(100 * p.messages) / most}%` }} />
          </span>
          <span class="num">
            {p.first_offset > 0 && <span class="muted">{count(p.first_offset)} to </span>}
            {count(p.end_offset)}
          </span>
        </a>
      ))}
    </div>
  );
}

function GroupTable({ groups }: { groups: ConsumerGroup[] }) {
  const rows = groups.flatMap((group) => group.partitions.map((p) => ({ group, p })));
  if (!rows.length) {
    return (
      <Empty title="No group reads yet">
        <p>
          <code>tocsin detect</code> reads as the group tocsin-detect.
        </p>
      </Empty>
    );
  }
  return (
    <div class="table-box" style={{ maxHeight: "420px" }}>
      <table class="table" aria-label="Groups">
        <thead>
          <tr>
            <th scope="col">Group</th>
            <th scope="col">Topic</th>
            <th scope="col" class="num">
              Partition
            </th>
            <th scope="col" class="num wide">
              Committed
            </th>
            <th scope="col" class="num wide">
              End
            </th>
            <th scope="col" class="num">
              Lag
            </th>
            <th scope="col" class="num wide">
              Behind
            </th>
            <th scope="col" class="wide">
              Member
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ group, p }) => (
            <tr key={`${group.name}/${p.topic}/${p.partition}`}>
              <td>
                <Text value={group.name} max={60} />
              </td>
              <td>
                <a href={href(`/topics/${encodeURIComponent(p.topic)}`, { partition: p.partition })}>
                  <Text value={p.topic} max={60} />
                </a>
              </td>
              <td class="num">{p.partition}</td>
              <td class="num wide">{count(p.committed)}</td>
              <td class="num wide">{count(p.end_offset)}</td>
              <td class={`num ${p.lag > 10000 ? "bad" : p.lag > 0 ? "warn" : ""}`}>{count(p.lag)}</td>
              <td class="num wide">{seconds(p.lag_seconds)}</td>
              <td class="wide">
                <Text value={p.member} max={60} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
