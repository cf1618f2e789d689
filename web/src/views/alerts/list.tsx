// SPDX-License-Identifier: Apache-2.0
// The list, and changing many alerts at once.
import { useEffect, useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import { type AlertRow, STATUSES, type Status } from "../../api/types";
import { count, STATUS_NAMES, tacticName, time } from "../../app/format";
import { fresh } from "../../app/live";
import { act } from "../../app/notify";
import type { Pages } from "../../app/resource";
import { param, setParams, withParams } from "../../app/router";
import { isAnalyst, session } from "../../app/session";
import { Entity, LevelMark, StatusMark } from "../../components/marks";
import { Empty, Failure } from "../../components/states";
import { type Column, Table } from "../../components/table";
import { plain, Text } from "../../components/text";
import { FILTER_NAMES, sorting } from "./query";

const COLUMNS: Column<AlertRow>[] = [
  {
    key: "time",
    label: "Time (UTC)",
    sort: "time",
    width: "148px",
    cell: (r) => <span class="num">{time(r.time)}</span>,
    wide: true,
  },
  {
    key: "level",
    label: "Level",
    sort: "level",
    width: "124px",
    mark: true,
    cell: (r) => <LevelMark level={r.level} />,
  },
  {
    key: "rule",
    label: "Rule",
    sort: "rule",
    cell: (r) => (
      <>
        <a class="cell-link" href={withParams({ open: r.alert_id })} title={plain(r.rule.name)}>
          <Text value={r.rule.name} max={160} />
        </a>
        <span class="sub">
          <Text value={r.host} max={40} />, {time(r.time)}
        </span>
      </>
    ),
  },
  {
    key: "host",
    label: "Host",
    sort: "host",
    width: "158px",
    wide: true,
    cell: (r) => <Entity field="host" value={r.host} />,
  },
  {
    key: "user",
    label: "User",
    sort: "user",
    width: "14%",
    wide: true,
    cell: (r) => <Entity field="user" value={r.user} />,
  },
  {
    key: "tactic",
    label: "Tactic",
    width: "13%",
    wide: true,
    cell: (r) => r.tactics.map(tacticName).join(", ") || "-",
  },
  {
    key: "status",
    label: "Status",
    sort: "status",
    width: "104px",
    wide: true,
    cell: (r) => <StatusMark status={r.status} />,
  },
  {
    key: "assignee",
    label: "Assignee",
    width: "90px",
    wide: true,
    cell: (r) => <Text value={r.assignee} max={40} />,
  },
];
// Beside an open alert there is room for the essential only, and for times without their year.
const NARROW: Column<AlertRow>[] = COLUMNS.filter((c) =>
  ["time", "level", "rule", "host"].includes(c.key),
).map((c) => {
  if (c.key === "level") return { ...c, width: "108px" };
  if (c.key !== "time") return c;
  return { ...c, width: "122px", cell: (r) => <span class="num">{time(r.time).slice(5)}</span> };
});

export function List({ pages }: { pages: Pages<AlertRow> }) {
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const open = param("open");
  useEffect(() => setChosen(new Set()), [pages.stale]);
  const filtered = [...FILTER_NAMES, "from", "to"].some((name) => param(name));
  const columns = open ? NARROW : COLUMNS;
  if (pages.error && !pages.items.length) {
    if (pages.error.code === "invalid") {
      return (
        <Empty title="The search could not be read">
          <p>
            <Text value={pages.error.message} max={300} />
          </p>
          <SearchHelp />
        </Empty>
      );
    }
    return <Failure error={pages.error} retry={pages.reload} />;
  }
  return (
    <>
      <NewAlerts pages={pages} />
      {chosen.size > 0 && (
        <Bulk
          ids={[...chosen]}
          done={() => {
            setChosen(new Set());
            pages.reload();
          }}
        />
      )}
      <Table
        label="Alerts"
        columns={columns}
        rows={pages.items}
        rowKey={(r) => r.alert_id}
        open={(r) => setParams({ open: r.alert_id }, { replace: Boolean(open) })}
        current={open || null}
        selection={isAnalyst.value ? { keys: chosen, change: setChosen } : undefined}
        sort={sorting()}
        onSort={(sort) => setParams({ sort: sort === "-time" ? null : sort })}
        loading={pages.loading}
        more={pages.more}
        loadingMore={pages.loadingMore}
        foot={
          <span>
            {count(pages.items.length)} of {count(pages.data?.total ?? pages.items.length)} alerts
          </span>
        }
        empty={
          <Empty title={filtered ? "No alert fits" : "No alerts yet"}>
            {filtered ? (
              <>
                <p>No alert has all that is asked for. Take a filter away, or choose a longer time range.</p>
                <SearchHelp />
              </>
            ) : (
              <p>
                An alert is raised when an event matches a rule. <code>tocsin demo</code> plays attacks; under
                Rules you see what is looked for.
              </p>
            )}
          </Empty>
        }
      />
    </>
  );
}

function SearchHelp() {
  return (
    <dl class="pairs">
      <dt>
        <code>mimikatz</code>
      </dt>
      <dd>a word of rule, host, user or matched values</dd>
      <dt>
        <code>host:WS07*</code>
      </dt>
      <dd>
        a field: host user rule level tactic technique channel provider code event_id trace_id status assignee
      </dd>
      <dt>
        <code>level:&gt;=high</code>
      </dt>
      <dd>this level or a higher one</dd>
      <dt>
        <code>(a OR b) -c</code>
      </dt>
      <dd>one of two, and without the third</dd>
    </dl>
  );
}

/** Says that newer alerts have come; the list does not move under the reader's hands. */
function NewAlerts({ pages }: { pages: Pages<AlertRow> }) {
  const [seen, setSeen] = useState(fresh.value[0]?.alert_id);
  const at = fresh.value.findIndex((row) => row.alert_id === seen);
  const unseen = at < 0 ? fresh.value.length : at;
  useEffect(() => setSeen(fresh.value[0]?.alert_id), [pages.data]);
  if (!unseen) return null;
  return (
    <button type="button" class="new-alerts" onClick={pages.reload}>
      {unseen} new {unseen === 1 ? "alert" : "alerts"}, show
    </button>
  );
}

function Bulk({ ids, done }: { ids: string[]; done: () => void }) {
  const [status, setStatus] = useState<Status | "">("");
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const me = session.value?.user;
  const apply = async (change: { status?: Status; assignee?: string }) => {
    setBusy(true);
    const result = await act(
      () => api.triageMany(ids, { ...change, ...(note ? { note } : {}) }),
      (r) => `${r.changed} alerts changed`,
    );
    setBusy(false);
    if (result) done();
  };
  return (
    <form
      class="bulk row"
      aria-label="Change the selected alerts"
      onSubmit={(event) => {
        event.preventDefault();
        if (status) void apply({ status });
      }}
    >
      <b>{ids.length} selected</b>
      <select
        class="input"
        aria-label="New status"
        value={status}
        onChange={(event) => setStatus(event.currentTarget.value as Status)}
      >
        <option value="">Status</option>
        {STATUSES.map((s) => (
          <option key={s} value={s}>
            {STATUS_NAMES[s]}
          </option>
        ))}
      </select>
      <input
        class="input grow"
        placeholder="Note for all of them"
        aria-label="Note"
        value={note}
        onInput={(event) => setNote(event.currentTarget.value)}
      />
      <button type="submit" class="button primary" disabled={busy || !status}>
        Set status
      </button>
      {me && (
        <button type="button" class="button" disabled={busy} onClick={() => void apply({ assignee: me })}>
          Assign to me
        </button>
      )}
    </form>
  );
}
