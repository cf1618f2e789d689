// SPDX-License-Identifier: Apache-2.0
// The address is the state: path and parameters of the view, its filters and its time range.
//
//   location bar <-> `location` signal -> views read it, change it with go() and setParams()
import { computed, signal } from "@preact/signals";

interface Place {
  path: string;
  params: URLSearchParams;
}

const read = (): Place => ({
  path: window.location.pathname,
  params: new URLSearchParams(window.location.search),
});

export const location = signal<Place>(read());
export const path = computed(() => location.value.path);

window.addEventListener("popstate", () => {
  location.value = read();
});

export type Change = Record<string, string | string[] | number | null | undefined>;

function apply(params: URLSearchParams, change: Change): URLSearchParams {
  const out = new URLSearchParams(params);
  for (const [name, value] of Object.entries(change)) {
    out.delete(name);
    if (Array.isArray(value)) value.forEach((one) => out.append(name, one));
    else if (value !== null && value !== undefined && value !== "") out.set(name, String(value));
  }
  return out;
}

const join = (to: string, params: URLSearchParams) => {
  const text = params.toString();
  return text ? `${to}?${text}` : to;
};

/** An address inside the console. The time range stays as it is unless `change` says otherwise. */
export function href(to: string, change: Change = {}): string {
  const kept = new URLSearchParams();
  for (const name of ["from", "to"]) {
    const value = location.value.params.get(name);
    if (value) kept.set(name, value);
  }
  return join(to, apply(kept, change));
}

export function go(to: string, options: { replace?: boolean } = {}): void {
  const moved = new URL(to, window.location.origin).pathname !== window.location.pathname;
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  location.value = read();
  if (moved) document.getElementById("main")?.scrollTo(0, 0);
}

/** Changes parameters of the view that is shown. */
export function setParams(change: Change, options: { replace?: boolean } = {}): void {
  go(join(location.value.path, apply(location.value.params, change)), options);
}

/** The address of the same view with other parameters. */
export const withParams = (change: Change) => join(location.value.path, apply(location.value.params, change));

export const param = (name: string) => location.value.params.get(name) ?? "";
export const paramList = (name: string) => location.value.params.getAll(name);

/** Follows links inside the console without loading the page again; all else is the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a");
  if (!link || link.target || link.hasAttribute("download")) return;
  const to = new URL(link.href, window.location.href);
  if (to.origin !== window.location.origin || to.pathname.startsWith("/api/")) return;
  event.preventDefault();
  go(to.pathname + to.search);
}
