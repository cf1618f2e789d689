// SPDX-License-Identifier: Apache-2.0
// Text that an attacker may have written. It reaches the page as text nodes only; characters that
// hide or reorder text are shown by their code point.
import type { ComponentChildren } from "preact";

// C0 and C1 controls, zero width, bidi controls, fillers, interlinear marks, tags.
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding these is what it is for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const code = (character: string) =>
  `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;

/** For places that take no elements: titles, labels of charts, names for screen readers. */
export const plain = (value: string, max = 400) => shorten(value, max).replace(HIDDEN, (c) => `<${code(c)}>`);

export function shorten(value: string, max: number): string {
  if (value.length <= max) return value;
  const half = Math.floor(max / 2);
  return `${value.slice(0, half)} [... ${value.length - 2 * half} more ...] ${value.slice(-half)}`;
}

export function Text({ value, max = 2000 }: { value: string | null | undefined; max?: number }) {
  if (value === null || value === undefined) return <span class="muted">-</span>;
  const shown = shorten(value, max);
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const match of shown.matchAll(HIDDEN)) {
    if (match.index > at) parts.push(shown.slice(at, match.index));
    parts.push(<span class="ctl">{code(match[0])}</span>);
    at = match.index + match[0].length;
  }
  if (!parts.length) return <bdi>{shown}</bdi>;
  parts.push(shown.slice(at));
  return <bdi>{parts}</bdi>;
}

const TRUSTED = /^https?:\/\/[^\s]+$/i;

/** A link out of the console, for http(s) addresses only; anything else stays text. */
export function OutLink({ to, children }: { to: string; children?: ComponentChildren }) {
  if (!TRUSTED.test(to)) return <Text value={to} />;
  return (
    <a href={to} target="_blank" rel="noopener noreferrer external">
      {children ?? <Text value={to} max={120} />}
    </a>
  );
}
