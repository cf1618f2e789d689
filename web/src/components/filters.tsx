// SPDX-License-Identifier: Apache-2.0
// Filters that live in the address: chips with choices, and the search box.
import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api/client";
import { useResource } from "../app/resource";
import { param, paramList, setParams } from "../app/router";
import { Icon } from "./icon";
import { Popover } from "./popover";
import { Failure, Skeleton } from "./states";
import { plain, Text } from "./text";

export interface Choice {
  value: string;
  label?: string;
  count?: number;
}

interface ChipProps {
  name: string;
  label: string;
  /** Fixed choices, or a function that asks the server when the chip is opened. */
  choices: Choice[] | ((signal: AbortSignal) => Promise<Choice[]>);
  /** One choice only. */
  single?: boolean;
}

export function FilterChip({ name, label, choices, single }: ChipProps) {
  const chosen = paramList(name);
  const known = Array.isArray(choices) ? choices : [];
  const shown = chosen.map((value) => known.find((c) => c.value === value)?.label ?? value);
  return (
    <Popover
      class={`chip ${chosen.length ? "on" : ""}`}
      button={
        <>
          {label}
          {shown.length > 0 && (
            <b>
              <Text value={shown.length > 2 ? `${shown.length} chosen` : shown.join(", ")} max={48} />
            </b>
          )}
          <Icon name="chevron" />
        </>
      }
    >
      {(close) => <Choices name={name} label={label} choices={choices} single={single} close={close} />}
    </Popover>
  );
}

function Choices({ name, label, choices, single, close }: ChipProps & { close: () => void }) {
  const fixed = Array.isArray(choices) ? choices : null;
  const loaded = useResource<Choice[]>(fixed ? null : name, (signal) =>
    typeof choices === "function" ? choices(signal) : Promise.resolve([]),
  );
  const chosen = paramList(name);
  const list = [...(fixed ?? loaded.data ?? [])];
  for (const value of chosen) if (!list.some((c) => c.value === value)) list.unshift({ value });
  const pick = (value: string) => {
    const off = chosen.includes(value);
    if (single) setParams({ [name]: off ? null : value });
    else setParams({ [name]: off ? chosen.filter((v) => v !== value) : [...chosen, value] });
    if (single) close();
  };
  return (
    <>
      {!fixed && loaded.error && <Failure error={loaded.error} />}
      {!fixed && loaded.loading && <Skeleton lines={3} />}
      {list.map((choice) => (
        <button
          type="button"
          key={choice.value}
          class={`menu-item ${chosen.includes(choice.value) ? "chosen" : ""}`}
          aria-pressed={chosen.includes(choice.value)}
          title={plain(choice.label ?? choice.value)}
          onClick={() => pick(choice.value)}
        >
          <span class="cut">
            <Text value={choice.label ?? choice.value} max={80} />
          </span>
          {choice.count !== undefined && <span class="num">{choice.count}</span>}
        </button>
      ))}
      {!list.length && !loaded.loading && <p class="menu-title">No choices for {label.toLowerCase()}</p>}
      {chosen.length > 0 && (
        <button type="button" class="menu-item muted" onClick={() => setParams({ [name]: null })}>
          Clear
        </button>
      )}
    </>
  );
}

/** The search box of a view; Enter puts it into the address. */
export function SearchBox({
  name = "q",
  placeholder,
  label,
  error,
}: {
  name?: string;
  placeholder: string;
  label: string;
  error?: ApiError;
}) {
  const applied = param(name);
  const [text, setText] = useState(applied);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(applied), [applied]);
  useEffect(() => {
    const slash = (event: KeyboardEvent) => {
      const busy = (event.target as HTMLElement).closest?.("input,textarea,select,dialog");
      if (event.key !== "/" || busy || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", slash);
    return () => document.removeEventListener("keydown", slash);
  }, []);
  const wrong = error?.field === name || (error?.code === "invalid" && applied !== "");
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        setParams({ [name]: text.trim() });
      }}
    >
      <Icon name="search" />
      <input
        ref={input}
        class="input"
        type="search"
        aria-label={label}
        aria-invalid={wrong || undefined}
        placeholder={placeholder}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onSearch={() => text === "" && applied && setParams({ [name]: null })}
      />
    </form>
  );
}

/** Says that filters are set, and takes them away. */
export function ClearFilters({ names }: { names: string[] }) {
  if (!names.some((name) => param(name))) return null;
  return (
    <button
      type="button"
      class="button quiet small"
      onClick={() => setParams(Object.fromEntries(names.map((name) => [name, null])))}
    >
      Clear filters
    </button>
  );
}
