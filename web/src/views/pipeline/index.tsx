// SPDX-License-Identifier: Apache-2.0
// The stages of the pipeline, how they are, where things are kept, and what could not be read.
import * as api from "../../api/endpoints";
import type { Pipeline, StageRow } from "../../api/types";
import { brief, bytes, count, seconds, time } from "../../app/format";
import { useResource } from "../../app/resource";
import { Card } from "../../components/card";
import { Empty, Load } from "../../components/states";
import { Text } from "../../components/text";
import { DeadLetters } from "./dead_letters";

const HEALTH = { up: "up", lagging: "lagging", down: "down" };
const RANK = { up: 0, lagging: 1, down: 2 };

export default function PipelineView(_props: { rest: string }) {
  const data = useResource("pipeline", (signal) => api.pipeline(signal), 5000);
  return (
    <>
      <Load from={data} lines={8}>
        {(p) => (
          <>
            <Flow pipeline={p} />
            <Card title="Instances" flush>
              <Instances stages={p.stages} />
            </Card>
            <Card title="Stores" flush>
              <Stores pipeline={p} />
            </Card>
          </>
        )}
      </Load>
      <DeadLetters
        reasons={data.data?.dead_letters.reasons ?? []}
        total={data.data?.dead_letters.total}
        changed={data.reload}
      />
    </>
  );
}

interface Stage {
  name: string;
  instances: StageRow[];
  health: "up" | "lagging" | "down";
  rate: number | null;
  lag: number | null;
}

function byStage(rows: StageRow[]): Stage[] {
  const out = new Map<string, Stage>();
  for (const row of rows) {
    const stage: Stage = out.get(row.stage) ?? {
      name: row.stage,
      instances: [],
      health: "up" as const,
      rate: null,
      lag: null,
    };
    stage.instances.push(row);
    if (row.events_per_second !== null) stage.rate = (stage.rate ?? 0) + row.events_per_second;
    if (row.lag !== null) stage.lag = (stage.lag ?? 0) + row.lag;
    // One instance that is up keeps the stage going.
    const best = stage.instances.reduce((a, b) => (RANK[b.health] < RANK[a.health] ? b : a));
    stage.health = stage.instances.some((i) => i.health === "lagging") ? "lagging" : best.health;
    out.set(row.stage, stage);
  }
  return [...out.values()];
}

function Flow({ pipeline }: { pipeline: Pipeline }) {
  const stages = byStage(pipeline.stages);
  if (!stages.length) {
    return (
      <Empty title="Nothing runs yet">
        <p>
          Start a stage: <code>tocsin detect</code>, <code>tocsin produce logs/</code>. It appears here with
          its first message.
        </p>
      </Empty>
    );
  }
  return (
    <ol class="flow" aria-label="Stages in order">
      {stages.map((stage) => (
        <li key={stage.name} class={`card flow-stage ${stage.health}`}>
          <div class="row">
            <i class={`dot ${stage.health}`} />
            <h2>
              <Text value={stage.name} max={40} />
            </h2>
            <span class="muted">
              {stage.instances.length > 1 ? `${stage.instances.length} instances` : HEALTH[stage.health]}
            </span>
          </div>
          <div class="flow-rate num">
            {stage.rate === null ? (
              <small>no figures</small>
            ) : (
              <>
                {brief(stage.rate)} <small>events/s</small>
              </>
            )}
          </div>
          <div class={stage.lag ? "warn" : "muted"}>
            {stage.lag === null ? "reads no topic" : `lag ${brief(stage.lag)}`}
          </div>
        </li>
      ))}
      <li class={`card flow-stage ${pipeline.dead_letters.total ? "lagging" : "up"}`}>
        <div class="row">
          <i class={`dot ${pipeline.dead_letters.total ? "lagging" : "up"}`} />
          <h2>dead-letter</h2>
        </div>
        <div class="flow-rate num">{brief(pipeline.dead_letters.total)}</div>
        <div class="muted">could not be read</div>
      </li>
    </ol>
  );
}

function Instances({ stages }: { stages: StageRow[] }) {
  return (
    <div class="table-box">
      <table class="table" aria-label="Instances">
        <thead>
          <tr>
            <th scope="col" style={{ width: "110px" }}>
              Health
            </th>
            <th scope="col">Stage</th>
            <th scope="col">Instance</th>
            <th scope="col" class="wide">
              Group
            </th>
            <th scope="col" class="num wide">
              Partitions
            </th>
            <th scope="col" class="num">
              Lag
            </th>
            <th scope="col" class="num wide">
              Behind
            </th>
            <th scope="col" class="num wide">
              Events/s
            </th>
            <th scope="col" class="wide" style={{ width: "156px" }}>
              Last seen (UTC)
            </th>
          </tr>
        </thead>
        <tbody>
          {stages.map((s) => (
            <tr key={`${s.stage}/${s.instance}`}>
              <td>
                <span class="status">
                  <i class={`dot ${s.health}`} />
                  <span class={s.health === "down" ? "bad" : s.health === "lagging" ? "warn" : ""}>
                    {HEALTH[s.health] ?? s.health}
                  </span>
                </span>
              </td>
              <td>
                <Text value={s.stage} max={60} />
              </td>
              <td class="mono">
                {s.instance === null && s.group !== null ? (
                  <span class="bad">nobody reads</span>
                ) : (
                  <Text value={s.instance} max={80} />
                )}
              </td>
              <td class="wide">
                <Text value={s.group} max={60} />
              </td>
              <td class="num wide">
                {Array.isArray(s.partitions) ? s.partitions.join(", ") || "-" : count(s.partitions)}
              </td>
              <td class={`num ${s.lag ? "warn" : ""}`}>{count(s.lag)}</td>
              <td class="num wide">{seconds(s.lag_seconds)}</td>
              <td class="num wide">{brief(s.events_per_second)}</td>
              <td class="wide num" style={{ textAlign: "left" }}>
                {time(s.last_seen)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Stores({ pipeline }: { pipeline: Pipeline }) {
  if (!pipeline.stores.length)
    return (
      <Empty title="No stores">
        <p>
          Sinks of <code>tocsin detect</code> are listed here.
        </p>
      </Empty>
    );
  return (
    <div class="table-box">
      <table class="table" aria-label="Stores">
        <thead>
          <tr>
            <th scope="col" style={{ width: "110px" }}>
              Kind
            </th>
            <th scope="col">Place</th>
            <th scope="col" class="num" style={{ width: "90px" }}>
              Size
            </th>
            <th scope="col" class="num wide">
              Verdicts
            </th>
            <th scope="col" class="num wide">
              Alerts
            </th>
          </tr>
        </thead>
        <tbody>
          {pipeline.stores.map((s) => (
            <tr key={s.path}>
              <td>{s.kind}</td>
              <td class="mono">
                <Text value={s.path} max={120} />
              </td>
              <td class="num">{bytes(s.bytes)}</td>
              <td class="num wide">{count(s.verdicts)}</td>
              <td class="num wide">{count(s.alerts)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
