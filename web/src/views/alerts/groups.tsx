// SPDX-License-Identifier: Apache-2.0
// Alerts counted by something they share; a group leads to its alerts.
import * as api from "../../api/endpoints";
import type { Group } from "../../api/types";
import { count, time } from "../../app/format";
import { useResource } from "../../app/resource";
import { param, setParams, withParams } from "../../app/router";
import { LevelMark } from "../../components/marks";
import { Empty, Failure } from "../../components/states";
import { type Column, Table } from "../../components/table";
import { plain, Text } from "../../components/text";
import { filters } from "./query";

const later = (text: string, ms: number) => new Date(Date.parse(text) + ms).toISOString();

/** The filters that lead to the alerts of a group. */
function inside(by: string, group: Group): Record<string, string | null> {
  if (by !== "incident") return { [by]: group.key, group: null };
  // An incident is a host for a while; its label begins with the host's name.
  const host = group.label.split(/[ ,]/)[0];
  return { host, from: later(group.first, -1), to: later(group.last, 1000), sort: "time", group: null };
}

const hosts = (group: Group) => (Array.isArray(group.hosts) ? group.hosts.length : group.hosts);

function columns(by: string): Column<Group>[] {
  return [
    { key: "level", label: "Highest", width: "110px", cell: (g) => <LevelMark level={g.level} /> },
    {
      key: "label",
      label: by[0].toUpperCase() + by.slice(1),
      cell: (g) => (
        <a class="cell-link" href={withParams(inside(by, g))} title={plain(g.label || g.key)}>
          <Text value={g.label || g.key || "(none)"} max={160} />
        </a>
      ),
    },
    { key: "count", label: "Alerts", width: "90px", number: true, cell: (g) => count(g.count) },
    { key: "open", label: "Open", width: "80px", number: true, cell: (g) => count(g.open) },
    { key: "hosts", label: "Hosts", width: "80px", number: true, wide: true, cell: (g) => count(hosts(g)) },
    { key: "first", label: "First (UTC)", width: "160px", wide: true, cell: (g) => <span class="num">{time(g.first)}</span> },
    { key: "last", label: "Last (UTC)", width: "160px", wide: true, cell: (g) => <span class="num">{time(g.last)}</span> },
  ];
}

export function Groups({ by }: { by: string }) {
  const asked = { ...filters(), by };
  const data = useResource(JSON.stringify(asked), (signal) => api.alertGroups(asked, signal));
  const rows = data.data?.items ?? [];
  if (data.error && !data.data) return <Failure error={data.error} retry={data.reload} />;
  return (
    <Table
      label={`Alerts by ${by}`}
      columns={columns(by)}
      rows={rows}
      rowKey={(g) => g.key}
      open={(g) => setParams(inside(by, g))}
      loading={data.loading}
      foot={
        <span>
          {count(rows.length)} groups{by === "incident" && ": alerts of one host less than 30 minutes apart"}
        </span>
      }
      empty={
        <Empty title={param("q") ? "No alert fits" : "No alerts yet"}>
          <p>There is nothing to group in this time range with these filters.</p>
        </Empty>
      }
    />
  );
}
