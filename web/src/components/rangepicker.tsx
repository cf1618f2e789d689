// SPDX-License-Identifier: Apache-2.0
// The time range of the view: presets, or begin and end in UTC.
import { useState } from "preact/hooks";
import { PRESETS, range, rangeLabel } from "../app/range";
import { setParams } from "../app/router";
import { Icon } from "./icon";
import { Popover } from "./popover";

const toInput = (text: string) => {
  const at = Date.parse(text);
  return Number.isNaN(at) ? "" : new Date(at).toISOString().slice(0, 16);
};
const fromInput = (text: string) => (text ? `${text}:00Z` : null);

function Sheet({ close }: { close: () => void }) {
  const now = range();
  const [from, setFrom] = useState(toInput(now.from));
  const [to, setTo] = useState(toInput(now.to));
  const wrong = from !== "" && to !== "" && from >= to;
  return (
    <>
      {PRESETS.map((preset) => (
        <button
          type="button"
          key={preset.label}
          class={`menu-item ${now.from === preset.from && !now.to ? "chosen" : ""}`}
          onClick={() => {
            setParams({ from: preset.from, to: null });
            close();
          }}
        >
          {preset.label}
        </button>
      ))}
      <form
        class="stack"
        style={{ padding: "8px", gap: "8px", borderTop: "1px solid var(--line)", marginTop: "4px" }}
        onSubmit={(event) => {
          event.preventDefault();
          if (wrong) return;
          setParams({ from: fromInput(from), to: fromInput(to) });
          close();
        }}
      >
        <label class="field">
          <span>From (UTC)</span>
          <input
            class="input"
            type="datetime-local"
            value={from}
            onInput={(e) => setFrom(e.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>To (UTC)</span>
          <input
            class="input"
            type="datetime-local"
            value={to}
            onInput={(e) => setTo(e.currentTarget.value)}
          />
        </label>
        {wrong && <p class="bad">The range ends before it begins.</p>}
        <button type="submit" class="button primary" disabled={wrong}>
          Apply
        </button>
      </form>
    </>
  );
}

export function RangePicker() {
  return (
    <Popover
      toLeft
      button={
        <>
          <Icon name="clock" />
          <span class="range-label cut">{rangeLabel()}</span>
          <Icon name="chevron" />
        </>
      }
    >
      {(close) => <Sheet close={close} />}
    </Popover>
  );
}
