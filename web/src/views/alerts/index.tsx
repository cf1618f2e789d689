// SPDX-License-Identifier: Apache-2.0
// Alerts: search and filters, list or groups, one of them beside the list or on a page of its own.
//
//   /alerts?q&level&...&group&open   list, groups, panel
//   /alerts/ID                       the page of one alert
import { useEffect } from "preact/hooks";
import { param, setParams } from "../../app/router";
import type { ViewProps } from "../../app/routes";
import { Detail } from "./detail";
import { Filters } from "./filters";
import { Groups } from "./groups";
import { List } from "./list";
import { Page } from "./page";
import { useAlerts } from "./query";
import { Timeline } from "./timeline";

export default function AlertsView({ rest }: ViewProps) {
  return rest ? <Page id={rest} /> : <Search />;
}

function Search() {
  const pages = useAlerts();
  const open = param("open");
  const group = param("group");
  const rows = pages.items;
  const at = rows.findIndex((row) => row.alert_id === open);
  const step = (by: number) => {
    const next = rows[at + by];
    if (next) setParams({ open: next.alert_id }, { replace: true });
  };

  useEffect(() => {
    if (!open) return;
    const keys = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (target.closest?.("input,textarea,select,dialog,.popover-body") || event.ctrlKey || event.metaKey)
        return;
      if (event.key === "Escape") setParams({ open: null });
      else if (event.key === "j") step(1);
      else if (event.key === "k") step(-1);
    };
    document.addEventListener("keydown", keys);
    return () => document.removeEventListener("keydown", keys);
  }, [open, at, rows]);

  return (
    <>
      <Filters error={pages.error} />
      <Timeline />
      <div class={`split fill ${open ? "open" : ""}`}>
        <section class="card panel-left">{group ? <Groups by={group} /> : <List pages={pages} />}</section>
        {open && (
          <Detail
            id={open}
            previous={at > 0 ? () => step(-1) : undefined}
            next={at >= 0 && at + 1 < rows.length ? () => step(1) : undefined}
            changed={pages.reload}
          />
        )}
      </div>
    </>
  );
}
