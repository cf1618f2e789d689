// SPDX-License-Identifier: Apache-2.0
// Server-sent events: one open stream for each use, closed while the page is hidden, opened again
// after errors with growing pauses.
//
//   open(path, {stats: f}) -> Stream {state, close}
import { type Signal, signal } from "@preact/signals";
import { type Params, url } from "./client";

export type StreamState = "connecting" | "live" | "lost" | "paused";

export interface Stream {
  state: Signal<StreamState>;
  close: () => void;
}

const RETRY_MS = [1000, 2000, 5000, 10000];

export function openStream(
  path: string,
  params: Params,
  handlers: Record<string, (data: never) => void>,
): Stream {
  const state = signal<StreamState>("connecting");
  let source: EventSource | null = null;
  let timer = 0;
  let failures = 0;
  let closed = false;

  const stop = () => {
    source?.close();
    source = null;
    clearTimeout(timer);
  };
  const start = () => {
    stop();
    if (closed) return;
    source = new EventSource(url(path, params));
    source.onopen = () => {
      failures = 0;
      state.value = "live";
    };
    source.onerror = () => {
      stop();
      state.value = "lost";
      timer = window.setTimeout(start, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        try {
          handle(JSON.parse((event as MessageEvent<string>).data) as never);
        } catch {
          // One line that is no JSON is left out; the stream goes on.
        }
      });
    }
  };
  const visibility = () => {
    if (document.hidden) {
      stop();
      state.value = "paused";
    } else if (!source) {
      start();
    }
  };
  document.addEventListener("visibilitychange", visibility);
  if (!document.hidden) start();
  return {
    state,
    close: () => {
      closed = true;
      stop();
      document.removeEventListener("visibilitychange", visibility);
    },
  };
}
