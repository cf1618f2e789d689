// SPDX-License-Identifier: Apache-2.0
// The messages of a topic: from the end, the beginning, an offset or a time; or as they come.
//
//   /topics/NAME?at=end|begin|offset:N|time:T&partition&filter&live=1&open=P/O
import { useEffect, useState } from "preact/hooks";
import type { Params } from "../../api/client";
import * as api from "../../api/endpoints";
import { openStream, type Stream } from "../../api/stream";
import type { Message } from "../../api/types";
import { bytes, count, time } from "../../app/format";
import { instant, range } from "../../app/range";
import { usePages, useResource } from "../../app/resource";
import { href, param, setParams, withParams } from "../../app/router";
import { SearchBox } from "../../components/filters";
import { Icon } from "../../components/icon";
import { Empty, Failure } from "../../components/states";
import { type Column, Table } from "../../components/table";
import { plain, Text } from "../../components/text";
import { MessagePanel } from "./message";

const TAIL_KEPT = 500;
const key = (m: Message) => `${m.partition}/${m.offset}`;

const COLUMNS: Column<Message>[] = [
  {
    key: "time",
    label: "Time (UTC)",
    width: "170px",
    wide: true,
    cell: (m) => <span class="num">{time(m.time, true)}</span>,
  },
  {
    key: "offset",
    label: "Partition/offset",
    width: "118px",
    cell: (m) => (
      <a class="cell-link mono" href={withParams({ open: key(m) })}>
        {key(m)}
      </a>
    ),
  },
  { key: "key", label: "Key", width: "17%", cell: (m) => <Text value={m.key} max={60} /> },
  { key: "size", label: "Size", width: "72px", number: true, wide: true, cell: (m) => bytes(m.size) },
  {
    key: "value",
    label: "Value",
    cell: (m) => (
      <span class="mono muted">
        <Text value={m.value.slice(0, 300)} max={300} />
      </span>
    ),
  },
];

function asked(): Params {
  const at = param("at") || "end";
  const { from } = range();
  const base: Params = { partition: param("partition"), filter: param("filter") };
  if (at.startsWith("offset:")) return { ...base, offset: at.slice(7) };
  if (at.startsWith("time:")) return { ...base, time: at.slice(5) };
  if (at === "begin") return { ...base, from: "begin" };
  // A range chosen at the top begins the reading there.
  if (from && !Number.isNaN(instant(from))) return { ...base, time: from };
  return { ...base, from: "end" };
}

function useTail(topic: string, on: boolean, filter: string) {
  const [rows, setRows] = useState<Message[]>([]);
  const [skipped, setSkipped] = useState(0);
  const [stream, setStream] = useState<Stream | null>(null);
  useEffect(() => {
    if (!on) return;
    setRows([]);
    setSkipped(0);
    const opened = openStream(
      `/topics/${encodeURIComponent(topic)}/tail`,
      { filter },
      {
        message: (m: Message) => setRows((old) => [m, ...old].slice(0, TAIL_KEPT)),
        skipped: (some: { count: number }) => setSkipped((old) => old + some.count),
      },
    );
    setStream(opened);
    return () => {
      opened.close();
      setStream(null);
    };
  }, [topic, on, filter]);
  return { rows, skipped, state: stream?.state.value ?? "connecting" };
}

export function Browser({ topic }: { topic: string }) {
  const live = param("live") === "1";
  const what = asked();
  const pages = usePages<Message>(live ? null : JSON.stringify(what), (cursor, signal) =>
    api.messages(topic, { ...what, limit: 100, cursor }, signal),
  );
  const tail = useTail(topic, live, param("filter"));
  const info = useResource("topics", (signal) => api.topics(signal));
  const here = info.data?.items.find((t) => t.name === topic);
  const rows = live ? tail.rows : pages.items;
  const open = param("open");
  const shown = rows.find((m) => key(m) === open);
  const scanned = (pages.data as { scanned?: number } | undefined)?.scanned;
  return (
    <>
      <div class="row">
        <a class="button quiet small" href={href("/topics")}>
          <Icon name="left" /> All topics
        </a>
        <h2 class="mono">
          <Text value={topic} max={120} />
        </h2>
        {here && (
          <span class="muted">
            {count(here.messages)} messages in {here.partitions.length} partitions
          </span>
        )}
      </div>
      <div class="row">
        <label class="row muted">
          Partition
          <select
            class="input"
            value={param("partition")}
            onChange={(e) => setParams({ partition: e.currentTarget.value, open: null })}
          >
            <option value="">All</option>
            {(here?.partitions ?? []).map((p) => (
              <option key={p.partition} value={String(p.partition)}>
                {p.partition}
              </option>
            ))}
          </select>
        </label>
        <Jump disabled={live} />
        <SearchBox
          name="filter"
          label="Filter messages"
          placeholder="Filter: text, or field:value"
          error={pages.error}
        />
        <button
          type="button"
          class="button"
          aria-pressed={live}
          onClick={() => setParams({ live: live ? null : "1", open: null })}
        >
          <Icon name={live ? "pause" : "play"} /> {live ? "Stop the tail" : "Live tail"}
        </button>
      </div>
      <div class={`split fill ${shown ? "open" : ""}`}>
        <section class="card panel-left">
          {pages.error && !live && !pages.data ? (
            <Failure error={pages.error} retry={pages.reload} />
          ) : (
            <Table
              label={`Messages of ${plain(topic)}`}
              columns={shown ? COLUMNS.filter((c) => c.key !== "size" && c.key !== "value") : COLUMNS}
              rows={rows}
              rowKey={key}
              open={(m) => setParams({ open: key(m) }, { replace: Boolean(open) })}
              current={open || null}
              loading={!live && pages.loading}
              more={live ? null : pages.more}
              loadingMore={pages.loadingMore}
              foot={
                <span>
                  {live
                    ? `${count(rows.length)} messages since the tail began (${tail.state}), newest first${tail.skipped ? `; ${count(tail.skipped)} came too fast to be shown` : ""}`
                    : `${count(rows.length)} messages${scanned ? `, ${count(scanned)} looked at` : ""}`}
                </span>
              }
              empty={
                live ? (
                  <Empty title="Waiting for messages">
                    <p>
                      What is appended to the topic from now on appears here
                      {param("filter") && ", if the filter lets it through"} ({tail.state}).
                    </p>
                  </Empty>
                ) : (
                  <Empty title={param("filter") ? "No message fits" : "No messages here"}>
                    <p>
                      {param("filter")
                        ? "The filter is a text that the message contains, or field:value of its JSON. Load more looks further."
                        : "The topic is empty, or what was there has been taken by retention."}
                    </p>
                    {pages.more && (
                      <div class="row">
                        <button type="button" class="button" onClick={pages.more}>
                          Look further
                        </button>
                      </div>
                    )}
                  </Empty>
                )
              }
            />
          )}
        </section>
        {shown && <MessagePanel message={shown} topic={topic} />}
      </div>
    </>
  );
}

function Jump({ disabled }: { disabled: boolean }) {
  const at = param("at") || "end";
  const kind = at.split(":")[0];
  const [value, setValue] = useState(at.includes(":") ? at.slice(at.indexOf(":") + 1) : "");
  const [chosen, setChosen] = useState(kind);
  useEffect(() => {
    setChosen(kind);
    setValue(at.includes(":") ? at.slice(at.indexOf(":") + 1) : "");
  }, [at]);
  const jump = (to: string, text: string) => {
    if (to === "end" || to === "begin") setParams({ at: to === "end" ? null : to, open: null });
    else if (text) setParams({ at: `${to}:${text}`, open: null });
  };
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        jump(chosen, chosen === "time" ? value.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d)$/, "$1:00Z") : value);
      }}
    >
      <label class="row muted">
        From
        <select
          class="input"
          disabled={disabled}
          value={chosen}
          onChange={(event) => {
            setChosen(event.currentTarget.value);
            setValue("");
            jump(event.currentTarget.value, "");
          }}
        >
          <option value="end">the end</option>
          <option value="begin">the beginning</option>
          <option value="offset">offset</option>
          <option value="time">time</option>
        </select>
      </label>
      {chosen === "offset" && (
        <input
          class="input jump"
          type="number"
          min="0"
          aria-label="Offset"
          placeholder="Offset"
          value={value}
          onInput={(e) => setValue(e.currentTarget.value)}
        />
      )}
      {chosen === "time" && (
        <input
          class="input"
          type="datetime-local"
          aria-label="Time (UTC)"
          value={value.slice(0, 16)}
          onInput={(e) => setValue(e.currentTarget.value)}
        />
      )}
      {(chosen === "offset" || chosen === "time") && (
        <button type="submit" class="button">
          Jump
        </button>
      )}
    </form>
  );
}
