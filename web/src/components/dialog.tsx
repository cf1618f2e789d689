// SPDX-License-Identifier: Apache-2.0
// A modal dialog, and tabs.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icon";

export function Dialog({
  title,
  close,
  foot,
  children,
}: {
  title: string;
  close: () => void;
  foot?: ComponentChildren;
  children: ComponentChildren;
}) {
  const node = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    node.current?.showModal();
  }, []);
  return (
    <dialog ref={node} aria-label={title} onClose={close}>
      <div class="dialog-head">
        <h2>{title}</h2>
        <button type="button" class="button quiet" aria-label="Close" onClick={() => node.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      <div class="dialog-body">{children}</div>
      {foot && <div class="dialog-foot">{foot}</div>}
    </dialog>
  );
}

export interface Tab {
  id: string;
  label: string;
  body: () => ComponentChildren;
}

export function Tabs({
  label,
  tabs,
  value,
  change,
}: {
  label: string;
  tabs: Tab[];
  value: string;
  change: (id: string) => void;
}) {
  const current = tabs.find((tab) => tab.id === value) ?? tabs[0];
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(current) + step + tabs.length) % tabs.length];
    change(next.id);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label={label} onKeyDown={keys}>
        {tabs.map((tab) => (
          <button
            type="button"
            role="tab"
            key={tab.id}
            id={`tab-${tab.id}`}
            data-tab={tab.id}
            aria-selected={tab === current}
            aria-controls={`body-${tab.id}`}
            tabIndex={tab === current ? 0 : -1}
            onClick={() => change(tab.id)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div
        class="panel-body"
        role="tabpanel"
        tabIndex={0}
        id={`body-${current.id}`}
        aria-labelledby={`tab-${current.id}`}
      >
        {current.body()}
      </div>
    </>
  );
}
