// SPDX-License-Identifier: Apache-2.0
// What is known of an alert, part by part; panel and page arrange them.
import { useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { AlertDetail, Json } from "../../api/types";
import { STATUS_NAMES, time } from "../../app/format";
import { useResource } from "../../app/resource";
import { href } from "../../app/router";
import { CopyButton, Yaml } from "../../components/code";
import { Why } from "../../components/explain";
import { type Hit, JsonTree } from "../../components/jsontree";
import { LevelMark } from "../../components/marks";
import { Segments } from "../../components/popover";
import { Empty, Load } from "../../components/states";
import { OutLink, plain, Text } from "../../components/text";
import { Waterfall } from "../../components/waterfall";

interface Props {
  data: AlertDetail;
}

export function MatchedPart({ data }: Props) {
  if (!data.matched_fields.length) return <p class="muted">The rule matched without the value of a field.</p>;
  return (
    <dl class="matched">
      {data.matched_fields.map((m, i) => (
        <div key={i}>
          <dt>
            <Text value={m.field} max={80} />
          </dt>
          <dd class="mono">
            <mark>
              <Text value={m.value} max={1200} />
            </mark>
          </dd>
        </div>
      ))}
    </dl>
  );
}

const last = (path: string) => path.slice(path.lastIndexOf(".") + 1);

/** A value of the event that the rule matched: same name, or at least the same text. */
function marks(data: AlertDetail): Hit {
  return (path, name, value: Json) => {
    const text = String(value);
    return data.matched_fields.some(
      (m) =>
        m.value === text &&
        (last(m.field).toLowerCase() === name.toLowerCase() || path.endsWith(m.field) || text.length > 6),
    );
  };
}

export function EventPart({ data }: Props) {
  const [view, setView] = useState<"tree" | "raw" | "alert">("tree");
  const { raw, json, topic, partition, offset } = data.event;
  const place = topic ? `${topic}/${partition}/${offset}` : null;
  const gone = raw === null && json === null;
  return (
    <div class="stack">
      <div class="row">
        <Segments
          label="Form"
          value={view}
          change={setView}
          options={[
            { value: "tree", label: "Event" },
            { value: "raw", label: "Raw" },
            { value: "alert", label: "Alert" },
          ]}
        />
        {topic && (
          <a
            class="mono"
            href={href(`/topics/${topic}`, { partition: partition ?? 0, at: `offset:${offset}` })}
          >
            {plain(place!)}
          </a>
        )}
        <CopyButton
          text={
            view === "alert" ? JSON.stringify(data.alert, null, 2) : (raw ?? JSON.stringify(json, null, 2))
          }
        />
      </div>
      {view === "alert" ? (
        <JsonTree value={data.alert} />
      ) : gone ? (
        <Empty title="The event is no longer there">
          <p>Retention has taken it from its topic. The alert has kept the values that matched.</p>
        </Empty>
      ) : view === "raw" || json === null ? (
        <pre class="code wrap" tabIndex={0}>
          <Text value={raw ?? JSON.stringify(json)} max={60000} />
        </pre>
      ) : (
        <JsonTree value={json} hit={marks(data)} />
      )}
    </div>
  );
}

export function WhyPart({ data }: Props) {
  if (!data.why) {
    return (
      <Empty title="No explanation">
        <p>
          The event or the rule is no longer there, so the condition cannot be followed. The matched fields
          remain.
        </p>
      </Empty>
    );
  }
  return <Why of={data.why} />;
}

export function TechniquesPart({ data }: Props) {
  if (!data.techniques.length) return null;
  return (
    <p class="row" style={{ marginBottom: "8px" }}>
      {data.techniques.map((t) => (
        <span class="tag" key={t.id}>
          <OutLink to={t.url}>
            <Text value={`${t.id} ${t.name}`} max={80} />
          </OutLink>
        </span>
      ))}
    </p>
  );
}

export function RulePart({ data }: Props) {
  const rule = data.rule;
  if (!rule) return <p class="muted">The rule is no longer among those that are loaded.</p>;
  return (
    <div class="stack">
      <p>
        <Text value={rule.description.replace(/\s+/g, " ").trim()} max={1500} />
      </p>
      <div class="row">
        <a href={href(`/rules/${rule.id}`)}>Open the rule</a>
        <span class="muted">
          by <Text value={rule.author || "unknown"} max={120} />
        </span>
        <CopyButton text={rule.yaml} label="Copy YAML" />
      </div>
      {rule.references.length > 0 && (
        <ul>
          {rule.references.map((reference) => (
            <li key={reference} class="cut">
              <OutLink to={reference} />
            </li>
          ))}
        </ul>
      )}
      <Yaml text={rule.yaml} />
    </div>
  );
}

export function TracePart({ data }: Props) {
  const id = data.row.trace_id || data.row.event_id;
  const trace = useResource(id || null, (signal) => api.trace(id, signal));
  if (trace.error?.code === "not_found" && !trace.data) {
    return (
      <Empty title="No trace of this event">
        <p>
          Traces are kept when <code>--traces</code> says where, and sampling chose the event.
        </p>
      </Empty>
    );
  }
  return (
    <Load from={trace} lines={5}>
      {(found) => <Waterfall trace={found} />}
    </Load>
  );
}

export function RelatedPart({ data }: Props) {
  if (!data.related.length) return <p class="muted">No other alert on this host within 30 minutes.</p>;
  const here = Date.parse(data.row.time);
  return (
    <ul class="related">
      {data.related.map((row) => {
        const delta = Math.round((Date.parse(row.time) - here) / 1000);
        return (
          <li key={row.alert_id}>
            <span class="num muted" title={time(row.time)}>
              {delta >= 0 ? "+" : "-"}
              {Math.abs(delta) < 120 ? `${Math.abs(delta)} s` : `${Math.round(Math.abs(delta) / 60)} min`}
            </span>
            <LevelMark level={row.level} />
            <a class="cut" href={href(`/alerts/${row.alert_id}`)}>
              <Text value={row.rule.name} max={140} />
            </a>
          </li>
        );
      })}
    </ul>
  );
}

const name = (value: string | null | undefined) =>
  value ? (STATUS_NAMES[value as keyof typeof STATUS_NAMES] ?? value) : "";

export function HistoryPart({ data }: Props) {
  const history = [...data.triage.history].sort((a, b) => b.time.localeCompare(a.time));
  if (!history.length) return <p class="muted">Nobody has worked on this alert yet.</p>;
  return (
    <ol class="history">
      {history.map((entry, i) => (
        <li key={i}>
          <div class="row">
            <b>
              <Text value={entry.user} max={60} />
            </b>
            <span>
              <Text value={entry.action.replace(/_/g, " ")} max={60} />
              {entry.to ? (
                <>
                  {": "}
                  {entry.from ? (
                    <>
                      <Text value={name(entry.from)} max={60} />
                      {" to "}
                    </>
                  ) : null}
                  <Text value={name(entry.to)} max={60} />
                </>
              ) : null}
            </span>
            <span class="muted num">{time(entry.time)}</span>
          </div>
          {entry.note && (
            <p>
              <Text value={entry.note} max={2000} />
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}
