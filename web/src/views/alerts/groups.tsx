// SPDX-License-Identifier: Apache-2.0
// Alerts counted by something they share; a group leads to its alerts.
import * as api from "../../api/endpoints";
import { type Group, LEVELS } from "../../api/types";
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
  // An incident is a host for a while; its label is the host.
  return {
    host: group.label,
    from: later(group.first, -1),
    to: later(group.last, 1000),
    sort: "time",
    group: null,
  };
}

const hosts = (group: Group) => (Array.isArray(group.hosts) ? group.hosts.length : group.hosts);

function columns(by: string): Column<Group>[] {
  return [
    {
      key: "level",
      label: "Highest",
      width: "128px",
      mark: true,
      sort: "level",
      cell: (g) => <LevelMark level={g.level} />,
    },
    {
      key: "label",
      sort: "label",
      label: by[0].toUpperCase() + by.slice(1),
      cell: (g) => (
        <a class="cell-link" href={withParams(inside(by, g))} title={plain(g.label || g.key)}>
          <Text value={g.label || g.key || "(none)"} max={160} />
        </a>
      ),
    },
    {
      key: "count",
      sort: "count",
      label: "Alerts",
      width: "90px",
      number: true,
      cell: (g) => count(g.count),
    },
    { key: "open", sort: "open", label: "Open", width: "80px", number: true, cell: (g) => count(g.open) },
    { key: "hosts", label: "Hosts", width: "80px", number: true, wide: true, cell: (g) => count(hosts(g)) },
    {
      key: "first",
      sort: "first",
      label: "First (UTC)",
      width: "160px",
      wide: true,
      cell: (g) => <span class="num">{time(g.first)}</span>,
    },
    {
      key: "last",
      sort: "last",
      label: "Last (UTC)",
      width: "160px",
      wide: true,
      cell: (g) => <span class="num">{time(g.last)}</span>,
    },
  ];
}

const RANKED: Record<string, (g: Group) => number | string> = {
  level: (g) => LEVELS.indexOf(g.level),
  label: (g) => g.label.toLowerCase(),
  count: (g) => g.count,
  open: (g) => g.open,
  first: (g) => g.first,
  last: (g) => g.last,
};

/** All groups are here, so they are put in order here; what is equal stays as the server had it. */
function ordered(groups: Group[], sort: string): Group[] {
  const rank = RANKED[sort.replace("-", "")];
  if (!rank) return groups;
  const sign = sort.startsWith("-") ? -1 : 1;
  return [...groups].sort((a, b) =>
    rank(a) < rank(b) ? -sign : rank(a) > rank(b) ? sign : b.count - a.count,
  );
}

export function Groups({ by }: { by: string }) {
  const asked = { ...filters(), by };
  const data = useResource(JSON.stringify(asked), (signal) => api.alertGroups(asked, signal));
  const sort = param("gsort") || (by === "incident" ? "-level" : "-count");
  const rows = ordered(data.data?.items ?? [], sort);
  if (data.error && !data.data) return <Failure error={data.error} retry={data.reload} />;
  return (
    <Table
      label={`Alerts by ${by}`}
      columns={columns(by)}
      rows={rows}
      rowKey={(g) => g.key}
      open={(g) => setParams(inside(by, g))}
      sort={sort}
      onSort={(to) => setParams({ gsort: to }, { replace: true })}
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
