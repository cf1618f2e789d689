// SPDX-License-Identifier: Apache-2.0
// Who changed what, for administrators.
import * as api from "../../api/endpoints";
import type { AuditRow } from "../../api/types";
import { count, time } from "../../app/format";
import { inRange } from "../../app/range";
import { usePages } from "../../app/resource";
import { param } from "../../app/router";
import { SearchBox } from "../../components/filters";
import { Empty, Failure } from "../../components/states";
import { type Column, Table } from "../../components/table";
import { Text } from "../../components/text";

const COLUMNS: Column<AuditRow>[] = [
  { key: "time", label: "Time (UTC)", width: "150px", cell: (r) => <span class="num">{time(r.time)}</span> },
  { key: "user", label: "User", width: "130px", cell: (r) => <Text value={r.user} max={60} /> },
  { key: "role", label: "Role", width: "80px", wide: true, cell: (r) => r.role },
  { key: "action", label: "Action", width: "170px", cell: (r) => <Text value={r.action} max={80} /> },
  {
    key: "target",
    label: "Target",
    cell: (r) => (
      <span class="mono">
        <Text value={r.target} max={120} />
      </span>
    ),
  },
  { key: "detail", label: "Detail", wide: true, cell: (r) => <Text value={r.detail} max={200} /> },
  {
    key: "address",
    label: "Address",
    width: "120px",
    wide: true,
    cell: (r) => <Text value={r.address} max={60} />,
  },
];

export default function AuditView(_props: { rest: string }) {
  const pages = usePages("audit", (cursor, signal) => api.audit({ limit: 200, cursor }, signal));
  const q = param("q").toLowerCase();
  const rows = pages.items.filter(
    (r) =>
      inRange(r.time) &&
      (!q || [r.user, r.action, r.target, r.detail, r.address].some((t) => t?.toLowerCase().includes(q))),
  );
  if (pages.error && !pages.data) return <Failure error={pages.error} retry={pages.reload} />;
  return (
    <>
      <div class="row">
        <SearchBox label="Search the audit trail" placeholder="User, action, target" />
      </div>
      <section class="card fill">
        <Table
          label="Audit trail"
          columns={COLUMNS}
          rows={rows}
          rowKey={(r) => `${r.time}${r.user}${r.action}${r.target}${r.detail}`}
          loading={pages.loading}
          more={pages.more}
          loadingMore={pages.loadingMore}
          foot={<span>{count(rows.length)} entries</span>}
          empty={
            <Empty title={q || pages.items.length ? "No entry fits" : "Nothing was changed yet"}>
              <p>
                Logins, triage, changed rules and replays are written here with who did them and from where.
              </p>
            </Empty>
          }
        />
      </section>
    </>
  );
}
