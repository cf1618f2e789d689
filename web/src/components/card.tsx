// SPDX-License-Identifier: Apache-2.0
// Cards, figures, and ranked bars.
import type { ComponentChildren } from "preact";
import type { Level } from "../api/types";
import { count } from "../app/format";
import { plain, Text } from "./text";

export function Card({
  title,
  right,
  children,
  class: extra = "",
  flush = false,
}: {
  title?: ComponentChildren;
  right?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
  flush?: boolean;
}) {
  return (
    <section class={`card ${extra}`}>
      {(title || right) && (
        <header class="card-head">
          {title && <h2>{title}</h2>}
          {right && <div class="right">{right}</div>}
        </header>
      )}
      {flush ? children : <div class="card-body">{children}</div>}
    </section>
  );
}

export interface FigureValue {
  label: string;
  value: ComponentChildren;
  note?: ComponentChildren;
}

export function Figures({ of }: { of: FigureValue[] }) {
  return (
    <dl class="figures">
      {of.map((one) => (
        <div class="figure" key={one.label}>
          <dt>{one.label}</dt>
          <dd>
            {one.value}
            {one.note && <small>{one.note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export interface Bar {
  name: string;
  value: number;
  level?: Level;
  to?: string;
  mark?: ComponentChildren;
}

export function Bars({ of, empty = "Nothing yet" }: { of: Bar[]; empty?: string }) {
  const most = Math.max(1, ...of.map((bar) => bar.value));
  if (!of.length) return <p class="muted">{empty}</p>;
  return (
    <div class="bars">
      {of.map((bar) => {
        const inside = (
          <>
            <span class="bar-name cut" title={plain(bar.name)}>
              <Text value={bar.name} max={120} />
            </span>
            <span class="num">{count(bar.value)}</span>
            <span class="bar-track" aria-hidden="true">
              <span
                class={`bar-fill ${bar.level ? `fill-${bar.level}` : ""}`}
                style={{ display: "block", width: `${(100 * bar.value) / most}%` }}
              />
            </span>
          </>
        );
        return bar.to ? (
          <a class="bar-row" href={bar.to} key={bar.name}>
            {inside}
          </a>
        ) : (
          <div class="bar-row" key={bar.name}>
            {inside}
          </div>
        );
      })}
    </div>
  );
}
