// SPDX-License-Identifier: Apache-2.0
// Rules: what is looked for, what it finds and costs; one rule; a new one.
//
//   /rules?q&level&tactic&product&enabled&sort&show   list
//   /rules/new                                        upload
//   /rules/ID                                         one rule
import { useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import { LEVELS, type RuleRow } from "../../api/types";
import { brief, count, levelName, TACTICS, tacticName, time } from "../../app/format";
import { act } from "../../app/notify";
import { useResource } from "../../app/resource";
import { go, href, param, paramList, setParams } from "../../app/router";
import type { ViewProps } from "../../app/routes";
import { isAdmin } from "../../app/session";
import { ClearFilters, FilterChip, SearchBox } from "../../components/filters";
import { Icon } from "../../components/icon";
import { LevelMark } from "../../components/marks";
import { Segments } from "../../components/popover";
import { Empty, Failure } from "../../components/states";
import { type Column, Table } from "../../components/table";
import { plain, Text } from "../../components/text";
import { One } from "./one";
import { Upload } from "./upload";

export default function RulesView({ rest }: ViewProps) {
  if (rest === "new") return <Upload />;
  if (rest) return <One id={rest} key={rest} />;
  return <List />;
}

type Show = "all" | "noisy" | "slow" | "silent" | "off";
const SHOWS: { value: Show; label: string }[] = [
  { value: "all", label: "All" },
  { value: "noisy", label: "Noisy" },
  { value: "slow", label: "Slow" },
  { value: "silent", label: "Never fired" },
  { value: "off", label: "Disabled" },
];

const source = (r: RuleRow) => [r.product, r.category || r.service].filter(Boolean).join(" / ");

/** Noisy and slow: those that stand out among the rules shown, at most 20. */
function choose(rows: RuleRow[], show: Show): RuleRow[] {
  if (show === "silent") return rows.filter((r) => r.alerts === 0);
  if (show === "noisy")
    return rows
      .filter((r) => r.alerts > 0)
      .sort((a, b) => b.alerts - a.alerts)
      .slice(0, 20);
  if (show === "slow") {
    return rows
      .filter((r) => (r.ns_per_event ?? 0) > 0)
      .sort((a, b) => b.ns_per_event! - a.ns_per_event!)
      .slice(0, 20);
  }
  return rows;
}

function Toggle({ rule, changed }: { rule: RuleRow; changed: () => void }) {
  const [busy, setBusy] = useState(false);
  return (
    <input
      type="checkbox"
      class="switch"
      aria-label={`Rule enabled: ${plain(rule.title, 80)}`}
      checked={rule.enabled}
      disabled={busy || !isAdmin.value}
      onChange={async (event) => {
        const enabled = event.currentTarget.checked;
        setBusy(true);
        await act(() => api.changeRule(rule.id, { enabled }), enabled ? "Rule enabled" : "Rule disabled");
        setBusy(false);
        changed();
      }}
    />
  );
}

function columns(changed: () => void): Column<RuleRow>[] {
  return [
    {
      key: "level",
      label: "Level",
      sort: "level",
      width: "128px",
      mark: true,
      cell: (r) => <LevelMark level={r.level} />,
    },
    {
      key: "title",
      label: "Rule",
      sort: "title",
      cell: (r) => (
        <a class="cell-link" href={href(`/rules/${r.id}`)} title={plain(r.title)}>
          <Text value={r.title} max={160} />
        </a>
      ),
    },
    {
      key: "tactics",
      label: "Tactics",
      width: "158px",
      wide: true,
      cell: (r) => r.tactics.map(tacticName).join(", "),
    },
    {
      key: "source",
      label: "Log source",
      width: "190px",
      wide: true,
      cell: (r) => <Text value={source(r)} max={60} />,
    },
    {
      key: "alerts",
      label: "Alerts",
      sort: "alerts",
      width: "84px",
      number: true,
      cell: (r) => (r.alerts ? count(r.alerts) : <span class="muted">0</span>),
    },
    {
      key: "last",
      label: "Last seen (UTC)",
      sort: "last_seen",
      width: "146px",
      wide: true,
      cell: (r) => <span class="num">{time(r.last_seen)}</span>,
    },
    {
      key: "evaluated",
      label: "Evaluated",
      sort: "evaluated",
      width: "92px",
      number: true,
      wide: true,
      cell: (r) => brief(r.evaluated),
    },
    {
      key: "ns",
      label: "ns/event",
      sort: "ns_per_event",
      width: "86px",
      number: true,
      wide: true,
      cell: (r) => brief(r.ns_per_event),
    },
    { key: "on", label: "On", width: "56px", cell: (r) => <Toggle rule={r} changed={changed} /> },
  ];
}

function List() {
  const show = (param("show") || "all") as Show;
  const sort = param("sort");
  const asked = {
    q: param("q"),
    level: paramList("level"),
    tactic: paramList("tactic"),
    product: param("product"),
    enabled: show === "off" ? "false" : "",
    sort,
  };
  const data = useResource(JSON.stringify(asked), (signal) => api.rules(asked, signal));
  const all = useResource("products", (signal) => api.rules({}, signal));
  const products = [...new Set((all.data?.items ?? []).map((r) => r.product).filter(Boolean))].sort();
  const rows = choose(data.data?.items ?? [], show);
  return (
    <>
      <div class="row">
        <SearchBox label="Search rules" placeholder="Title, id, technique, file" error={data.error} />
        <Segments
          label="Which rules"
          options={SHOWS}
          value={show}
          change={(to) => setParams({ show: to === "all" ? null : to })}
        />
        {isAdmin.value && (
          <a class="button" href={href("/rules/new")}>
            <Icon name="upload" /> Add a rule
          </a>
        )}
      </div>
      <fieldset class="row" style={{ gap: "6px" }} aria-label="Filters">
        <FilterChip
          name="level"
          label="Level"
          choices={[...LEVELS].reverse().map((l) => ({ value: l, label: levelName(l) }))}
        />
        <FilterChip
          name="tactic"
          label="Tactic"
          choices={TACTICS.map((t) => ({ value: t, label: tacticName(t) }))}
        />
        <FilterChip name="product" label="Product" single choices={products.map((p) => ({ value: p }))} />
        <ClearFilters names={["q", "level", "tactic", "product", "show"]} />
      </fieldset>
      <section class="card fill">
        {data.error && !data.data ? (
          <Failure error={data.error} retry={data.reload} />
        ) : (
          <Table
            label="Rules"
            columns={columns(data.reload)}
            rows={rows}
            rowKey={(r) => r.id}
            open={(r) => go(href(`/rules/${r.id}`))}
            sort={sort}
            onSort={show === "noisy" || show === "slow" ? undefined : (to) => setParams({ sort: to })}
            loading={data.loading}
            foot={
              <span>
                {count(rows.length)} of {count(all.data?.total ?? data.data?.total)} rules
              </span>
            }
            empty={
              <Empty title={param("q") || show !== "all" ? "No rule fits" : "No rules are loaded"}>
                <p>
                  {show === "silent"
                    ? "Every rule shown has fired at least once."
                    : show === "off"
                      ? "No rule is disabled."
                      : "The program carries starter rules; --rules DIR uses your own, such as a SigmaHQ checkout."}
                </p>
              </Empty>
            }
          />
        )}
      </section>
    </>
  );
}
