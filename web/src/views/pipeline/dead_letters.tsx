// SPDX-License-Identifier: Apache-2.0
// What could not be read: why, the bytes, and another try after the fix.
import { useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { DeadLetter } from "../../api/types";
import { bytes, count, time } from "../../app/format";
import { act } from "../../app/notify";
import { usePages } from "../../app/resource";
import { param, setParams, withParams } from "../../app/router";
import { isAdmin } from "../../app/session";
import { Dialog } from "../../components/dialog";
import { FilterChip } from "../../components/filters";
import { Icon } from "../../components/icon";
import { Empty, Failure } from "../../components/states";
import { type Column, Table } from "../../components/table";
import { Text } from "../../components/text";

const key = (d: DeadLetter) => `${d.partition}/${d.offset}`;
const origin = (d: DeadLetter) =>
  !d.origin || typeof d.origin === "string"
    ? d.origin
    : `${d.origin.topic}/${d.origin.partition}/${d.origin.offset}`;

const COLUMNS: Column<DeadLetter>[] = [
  {
    key: "time",
    label: "Time (UTC)",
    width: "150px",
    wide: true,
    cell: (d) => <span class="num">{time(d.time)}</span>,
  },
  {
    key: "code",
    label: "Reason",
    width: "150px",
    cell: (d) => (
      <a class="cell-link" href={withParams({ letter: key(d) })}>
        <Text value={d.code} max={60} />
      </a>
    ),
  },
  { key: "message", label: "Message", cell: (d) => <Text value={d.message} max={200} /> },
  {
    key: "stage",
    label: "Stage",
    width: "100px",
    wide: true,
    cell: (d) => <Text value={d.stage} max={40} />,
  },
  {
    key: "origin",
    label: "Origin",
    width: "170px",
    wide: true,
    cell: (d) => (
      <span class="mono">
        <Text value={origin(d)} max={80} />
      </span>
    ),
  },
  { key: "size", label: "Size", width: "80px", number: true, wide: true, cell: (d) => bytes(d.size) },
];

export function DeadLetters({
  reasons,
  total,
  changed,
}: {
  reasons: { code: string; count: number }[];
  total?: number;
  changed: () => void;
}) {
  const reason = param("reason");
  const pages = usePages(`dead|${reason}`, (cursor, signal) =>
    api.deadLetters({ reason, limit: 100, cursor }, signal),
  );
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const [sure, setSure] = useState(false);
  const shown = pages.items.find((d) => key(d) === param("letter"));
  const replay = async (all: boolean) => {
    setSure(false);
    const items = pages.items
      .filter((d) => chosen.has(key(d)))
      .map(({ partition, offset }) => ({ partition, offset }));
    const done = await act(
      () => api.replay(all ? { all: true } : { items }),
      (r) =>
        `${r.replayed} sent again${r.skipped ? `, ${r.skipped} left out (cut, or come back before)` : ""}`,
    );
    if (done) {
      setChosen(new Set());
      pages.reload();
      changed();
    }
  };
  return (
    <section class="card dead">
      <header class="card-head">
        <h2>Dead letters</h2>
        {total !== undefined && <span class="muted">{count(total)}</span>}
        <FilterChip
          name="reason"
          label="Reason"
          single
          choices={reasons.map((r) => ({ value: r.code, count: r.count }))}
        />
        <div class="right">
          {isAdmin.value && pages.items.length > 0 && (
            <>
              <button type="button" class="button" disabled={!chosen.size} onClick={() => void replay(false)}>
                <Icon name="reload" /> Replay {chosen.size > 0 ? chosen.size : "selected"}
              </button>
              <button type="button" class="button" onClick={() => setSure(true)}>
                Replay all
              </button>
            </>
          )}
        </div>
      </header>
      {pages.error && !pages.data ? (
        <Failure error={pages.error} retry={pages.reload} />
      ) : (
        <Table
          label="Dead letters"
          columns={COLUMNS}
          rows={pages.items}
          rowKey={key}
          open={(d) => setParams({ letter: key(d) })}
          current={param("letter") || null}
          selection={isAdmin.value ? { keys: chosen, change: setChosen } : undefined}
          loading={pages.loading}
          more={pages.more}
          loadingMore={pages.loadingMore}
          height="420px"
          empty={
            <Empty title={reason ? "None with this reason" : "Nothing was left behind"}>
              <p>A message that a stage cannot read goes here with its reason, and the stream goes on.</p>
            </Empty>
          }
        />
      )}
      {sure && (
        <Dialog
          title="Replay all dead letters?"
          close={() => setSure(false)}
          foot={
            <>
              <button type="button" class="button" onClick={() => setSure(false)}>
                Cancel
              </button>
              <button type="button" class="button primary" onClick={() => void replay(true)}>
                Replay {count(total ?? pages.items.length)}
              </button>
            </>
          }
        >
          <p>Each goes back to the topic it came from. What still cannot be read returns here.</p>
        </Dialog>
      )}
      {shown && (
        <Dialog title={`Dead letter ${key(shown)}`} close={() => setParams({ letter: null })}>
          <dl class="pairs">
            <dt>Reason</dt>
            <dd>
              <Text value={shown.code} />
            </dd>
            <dt>Message</dt>
            <dd>
              <Text value={shown.message} />
            </dd>
            <dt>Stage</dt>
            <dd>
              <Text value={shown.stage} />
            </dd>
            <dt>Origin</dt>
            <dd class="mono">
              <Text value={origin(shown)} />
            </dd>
            <dt>Time</dt>
            <dd>{time(shown.time, true)} UTC</dd>
            <dt>Size</dt>
            <dd>
              {bytes(shown.size)}
              {shown.truncated && ", shown in part"}
            </dd>
          </dl>
          <pre class="code wrap">
            <Text value={shown.value} max={20000} />
          </pre>
        </Dialog>
      )}
    </section>
  );
}
