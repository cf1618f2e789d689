// SPDX-License-Identifier: Apache-2.0
// A button that opens a small sheet below it; Escape and a click elsewhere close it.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

export function Popover({
  button,
  label,
  class: style = "button",
  toLeft = false,
  children,
}: {
  button: ComponentChildren;
  /** For screen readers, where the button shows an icon only. */
  label?: string;
  class?: string;
  toLeft?: boolean;
  children: (close: () => void) => ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const id = useId();

  useEffect(() => {
    if (!open) return;
    root.current
      ?.querySelector<HTMLElement>(".popover-body :is(button, a, input, select)")
      ?.focus({ preventScroll: true });
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);

  const close = () => {
    setOpen(false);
    root.current?.querySelector<HTMLElement>("button")?.focus();
  };
  const keys = (event: KeyboardEvent) => {
    if (!open) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || (event.target as HTMLElement).matches("select")) return;
    const items = [...root.current!.querySelectorAll<HTMLElement>(".popover-body .menu-item")];
    if (!items.length) return;
    event.preventDefault();
    const now = items.indexOf(document.activeElement as HTMLElement);
    items[(now + step + items.length) % items.length].focus();
  };

  return (
    <div class="popover" ref={root} onKeyDown={keys}>
      <button
        type="button"
        class={style}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={label}
        title={label}
        onClick={() => setOpen(!open)}
      >
        {button}
      </button>
      {open && (
        <div class={`popover-body ${toLeft ? "to-left" : ""}`} id={id}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

export function Segments<T extends string>({
  label,
  options,
  value,
  change,
}: {
  label: string;
  options: { value: T; label: string }[];
  value: T;
  change: (value: T) => void;
}) {
  return (
    <fieldset class="segments" aria-label={label}>
      {options.map((option) => (
        <button
          type="button"
          key={option.value}
          aria-pressed={option.value === value}
          onClick={() => change(option.value)}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}
