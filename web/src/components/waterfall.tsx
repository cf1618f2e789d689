// SPDX-License-Identifier: Apache-2.0
// The spans of a trace over time. The wait in the topic, mostly far longer than all work together,
// is drawn as a gap and can be shortened.
//
//   Trace -> layout(): order, depth, waits, scale -> rows
import { useState } from "preact/hooks";
import type { Json, Span, Trace } from "../api/types";
import { micros } from "../app/format";
import { CopyButton } from "./code";
import { OutLink, Text } from "./text";

interface Row {
  span: Span;
  depth: number;
  /** Begin and length of the wait before this span. */
  wait: { begin: number; length: number } | null;
}

const LONG_WAIT = 0.4; // of the trace: shortened from here on
const SHORTENED = 0.16; // to this share of the width

function order(trace: Trace): Row[] {
  const byId = new Map(trace.spans.map((span) => [span.span_id, span]));
  const children = new Map<string | null, Span[]>();
  for (const span of trace.spans) {
    const parent = span.parent_id && byId.has(span.parent_id) ? span.parent_id : null;
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const rows: Row[] = [];
  const seen = new Set<string>();
  const add = (parent: string | null, depth: number) => {
    const here = (children.get(parent) ?? []).sort((a, b) => a.offset_us - b.offset_us);
    for (const span of here) {
      if (seen.has(span.span_id)) continue;
      seen.add(span.span_id);
      const from = span.parent_id ? byId.get(span.parent_id) : undefined;
      const end = from ? from.offset_us + from.duration_us : 0;
      const waits = from && from.service !== span.service && span.offset_us > end;
      rows.push({ span, depth, wait: waits ? { begin: end, length: span.offset_us - end } : null });
      add(span.span_id, depth + 1);
    }
  };
  add(null, 0);
  return rows;
}

/** From microseconds to a share of the width, 0 to 1; a long wait may be shortened. */
function scale(total: number, wait: Row["wait"], shorten: boolean): (us: number) => number {
  if (!wait || !shorten) return (us) => us / total;
  const work = Math.max(1, total - wait.length);
  const unit = (1 - SHORTENED) / work;
  const end = wait.begin + wait.length;
  return (us) => {
    if (us <= wait.begin) return us * unit;
    if (us < end) return wait.begin * unit + ((us - wait.begin) / wait.length) * SHORTENED;
    return wait.begin * unit + SHORTENED + (us - end) * unit;
  };
}

const show = (value: Json) => (typeof value === "string" ? value : JSON.stringify(value));

function Attributes({ of }: { of: Record<string, Json> }) {
  return (
    <dl class="pairs mono">
      {Object.entries(of).map(([name, value]) => (
        <>
          <dt>
            <Text value={name} />
          </dt>
          <dd>
            <Text value={show(value)} max={500} />
          </dd>
        </>
      ))}
    </dl>
  );
}

export function Waterfall({ trace }: { trace: Trace }) {
  const rows = order(trace);
  const total = Math.max(1, trace.duration_us, ...trace.spans.map((s) => s.offset_us + s.duration_us));
  const longest = rows.reduce<Row["wait"]>(
    (most, row) => (row.wait && row.wait.length > (most?.length ?? 0) ? row.wait : most),
    null,
  );
  const isLong = longest !== null && longest.length > LONG_WAIT * total;
  const [shorten, setShorten] = useState(isLong);
  const [open, setOpen] = useState<string | null>(null);
  const services = [...new Set(trace.spans.map((span) => span.service))];
  const colour = (service: string) => `s${(services.indexOf(service) % 6) + 1}`;
  const at = scale(total, longest, shorten);
  const place = (begin: number, length: number) => ({
    left: `${100 * at(begin)}%`,
    width: `${Math.max(0, 100 * (at(begin + length) - at(begin)))}%`,
  });
  if (!rows.length) return <p class="muted">This trace has no spans.</p>;
  return (
    <div class="stack">
      <div class="row waterfall-head">
        <div class="legend grow">
          {services.map((service) => (
            <span key={service}>
              <i class={`wf-swatch ${colour(service)}`} />
              <Text value={service} />
            </span>
          ))}
          <span>{micros(trace.duration_us)} from source to verdict</span>
        </div>
        {isLong && (
          <label class="row muted">
            <input
              type="checkbox"
              class="switch"
              checked={shorten}
              onChange={(event) => setShorten(event.currentTarget.checked)}
            />
            Shorten the wait
          </label>
        )}
        <CopyButton text={trace.trace_id} label="Copy trace id" />
        {trace.jaeger_url && <OutLink to={trace.jaeger_url}>Open in Jaeger</OutLink>}
      </div>
      <div class="waterfall">
        {rows.map(({ span, depth, wait }) => (
          <div key={span.span_id}>
            {wait && (
              <div class="wf-row">
                <div class="wf-name muted" style={{ paddingLeft: `${depth * 12}px` }}>
                  <span>waiting in topic</span>
                </div>
                <div class="wf-lane">
                  <div class="wf-wait" style={place(wait.begin, wait.length)} />
                </div>
                <div class="wf-time">{micros(wait.length)}</div>
              </div>
            )}
            <button
              type="button"
              class="wf-row"
              aria-expanded={open === span.span_id}
              onClick={() => setOpen(open === span.span_id ? null : span.span_id)}
            >
              <span class="wf-name" style={{ paddingLeft: `${depth * 12}px` }}>
                <i class={`wf-swatch ${colour(span.service)}`} />
                <span class={span.status === "error" ? "bad" : ""}>
                  <Text value={span.name} max={60} />
                </span>
              </span>
              <span class="wf-lane">
                <span
                  class={`wf-bar ${colour(span.service)}`}
                  style={place(span.offset_us, span.duration_us)}
                />
                {span.events.map((event, i) => (
                  <span class="wf-event" key={i} style={{ left: `${100 * at(event.offset_us)}%` }} />
                ))}
              </span>
              <span class="wf-time">{micros(span.duration_us)}</span>
            </button>
            {open === span.span_id && (
              <div class="wf-detail stack">
                <div class="muted">
                  <Text
                    value={`${span.service}, ${span.kind.toLowerCase()}, begins at +${micros(span.offset_us)}, status ${span.status || "unset"}${span.status_message ? `: ${span.status_message}` : ""}`}
                  />
                </div>
                <Attributes of={span.attributes} />
                {span.events.map((event, i) => (
                  <div key={i}>
                    <h3>
                      <Text value={event.name} /> at +{micros(event.offset_us)}
                    </h3>
                    <Attributes of={event.attributes ?? {}} />
                  </div>
                ))}
              </div>
            )}
          </div>
        ))}
      </div>
    </div>
  );
}
