// SPDX-License-Identifier: Apache-2.0
// A table for long lists: only the rows in sight are in the page, more are loaded at the end.
//
//   rows + columns -> header with sorting, window of rows, foot with counts
//
// Rows have one height. The first link or button of a row is what the arrow keys move along.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icon";
import { Skeleton } from "./states";

export interface Column<T> {
  key: string;
  label: string;
  cell: (row: T) => ComponentChildren;
  /** The name that the server sorts by. */
  sort?: string;
  width?: string;
  number?: boolean;
  /** Left out on narrow screens. */
  wide?: boolean;
  /** A coloured mark that says enough without its word on narrow screens. */
  mark?: boolean;
}

export interface Selection {
  keys: Set<string>;
  change: (keys: Set<string>) => void;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  open?: (row: T) => void;
  current?: string | null;
  selection?: Selection;
  sort?: string;
  onSort?: (sort: string) => void;
  more?: (() => void) | null;
  loadingMore?: boolean;
  loading?: boolean;
  empty?: ComponentChildren;
  foot?: ComponentChildren;
  /** Of the box; without it the box fills what is left. */
  height?: string;
}

const AHEAD = 12;

export function Table<T>(props: Props<T>) {
  const { columns, rows, rowKey, selection } = props;
  const box = useRef<HTMLDivElement>(null);
  const [rowHeight, setRowHeight] = useState(30);
  const [view, setView] = useState({ top: 0, height: 900 });

  useEffect(() => {
    const node = box.current;
    if (!node) return;
    const measure = () => {
      const row = node.querySelector<HTMLElement>("tbody tr[data-key]");
      if (row?.offsetHeight) setRowHeight(row.offsetHeight);
      setView({ top: node.scrollTop, height: node.clientHeight || 900 });
    };
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(node);
    node.addEventListener("scroll", measure, { passive: true });
    return () => {
      watch.disconnect();
      node.removeEventListener("scroll", measure);
    };
  }, [rows.length > 0]);

  const first = Math.max(0, Math.floor(view.top / rowHeight) - AHEAD);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + AHEAD);
  const nearEnd = rows.length > 0 && last >= rows.length;

  useEffect(() => {
    if (nearEnd && view.top > 0 && props.more && !props.loadingMore) props.more();
  }, [nearEnd, view.top > 0, props.more === null, props.loadingMore]);

  const sortBy = (name: string) => {
    const [now, back] = [props.sort ?? "", `-${name}`];
    props.onSort?.(now === back ? name : back);
  };
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = (event.target as HTMLElement).closest("tr");
    if (!step || !row || (event.target as HTMLElement).matches("input,select,textarea")) return;
    const next = (step > 0 ? row.nextElementSibling : row.previousElementSibling) as HTMLElement | null;
    const target = next?.querySelector<HTMLElement>("a.cell-link, button.cell-link, a, button");
    if (!target) return;
    event.preventDefault();
    target.focus();
  };
  const click = (event: MouseEvent, row: T) => {
    if (!props.open || (event.target as HTMLElement).closest("a,button,input,select,label")) return;
    if (window.getSelection()?.toString()) return;
    props.open(row);
  };
  const toggle = (key: string) => {
    const next = new Set(selection!.keys);
    if (!next.delete(key)) next.add(key);
    selection!.change(next);
  };
  const allChosen = rows.length > 0 && rows.every((row) => selection?.keys.has(rowKey(row)));

  if (!rows.length) {
    if (props.loading) return <Skeleton lines={10} />;
    return <>{props.empty}</>;
  }
  return (
    <>
      <div
        class={`table-box ${props.loading ? "stale" : ""}`}
        ref={box}
        tabIndex={0}
        style={props.height ? { maxHeight: props.height } : undefined}
      >
        <table class="table" aria-label={props.label} aria-rowcount={rows.length + 1}>
          <colgroup>
            {selection && <col style={{ width: "34px" }} />}
            {columns.map((c) => (
              <col
                key={c.key}
                class={`${c.wide ? "wide" : ""} ${c.mark ? "mark-only" : ""}`}
                style={c.width ? { width: c.width } : undefined}
              />
            ))}
          </colgroup>
          <thead>
            <tr>
              {selection && (
                <th scope="col">
                  <input
                    type="checkbox"
                    aria-label="Select all rows that are loaded"
                    checked={allChosen}
                    onChange={() => selection.change(allChosen ? new Set() : new Set(rows.map(rowKey)))}
                  />
                </th>
              )}
              {columns.map((c) => {
                const active = c.sort && props.sort?.replace("-", "") === c.sort;
                const order = !active ? "none" : props.sort!.startsWith("-") ? "descending" : "ascending";
                return (
                  <th
                    key={c.key}
                    scope="col"
                    class={`${c.number ? "num" : ""} ${c.wide ? "wide" : ""} ${c.mark ? "mark-only" : ""}`}
                    aria-sort={c.sort && props.onSort ? order : undefined}
                  >
                    {c.sort && props.onSort ? (
                      <button type="button" onClick={() => sortBy(c.sort!)}>
                        {c.label}
                        {active && <Icon name={order === "ascending" ? "up" : "chevron"} />}
                      </button>
                    ) : (
                      c.label || <span class="hidden-text">Actions</span>
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody onKeyDown={keys}>
            {first > 0 && (
              <tr class="spacer" aria-hidden="true">
                <td style={{ height: `${first * rowHeight}px` }} />
              </tr>
            )}
            {rows.slice(first, last).map((row, i) => {
              const key = rowKey(row);
              return (
                <tr
                  key={key}
                  data-key={key}
                  aria-rowindex={first + i + 2}
                  class={`${props.open ? "open" : ""} ${props.current === key ? "selected" : ""}`}
                  aria-current={props.current === key ? "true" : undefined}
                  onClick={(event) => click(event, row)}
                >
                  {selection && (
                    <td>
                      <input
                        type="checkbox"
                        aria-label="Select this row"
                        checked={selection.keys.has(key)}
                        onChange={() => toggle(key)}
                      />
                    </td>
                  )}
                  {columns.map((c) => (
                    <td
                      key={c.key}
                      class={`${c.number ? "num" : ""} ${c.wide ? "wide" : ""} ${c.mark ? "mark-only" : ""}`}
                    >
                      {c.cell(row)}
                    </td>
                  ))}
                </tr>
              );
            })}
            {last < rows.length && (
              <tr class="spacer" aria-hidden="true">
                <td style={{ height: `${(rows.length - last) * rowHeight}px` }} />
              </tr>
            )}
          </tbody>
        </table>
      </div>
      {(props.foot || props.more) && (
        <div class="table-foot">
          {props.foot}
          {props.more && (
            <button type="button" class="button small" disabled={props.loadingMore} onClick={props.more}>
              {props.loadingMore ? "Loading" : "Load more"}
            </button>
          )}
        </div>
      )}
    </>
  );
}
