// SPDX-License-Identifier: Apache-2.0
// The live stream of the whole console: figures of now, and alerts as they come. Opened once.
import { computed, signal } from "@preact/signals";
import { openStream, type Stream, type StreamState } from "../api/stream";
import type { AlertRow, Live } from "../api/types";

const KEPT = 120;
export const live = signal<Live | null>(null);
export const rates = signal<number[]>([]);
/** Alerts that came since the page was opened, newest first. */
export const fresh = signal<AlertRow[]>([]);
const stream = signal<Stream | null>(null);
export const liveState = computed<StreamState>(() => stream.value?.state.value ?? "connecting");

export function startLive(): void {
  if (stream.value) return;
  stream.value = openStream(
    "/live",
    {},
    {
      stats: (data: Live) => {
        live.value = data;
        rates.value = [...rates.value, data.events_per_second].slice(-KEPT);
      },
      alert: (row: AlertRow) => {
        fresh.value = [row, ...fresh.value].slice(0, KEPT);
      },
    },
  );
}

export function stopLive(): void {
  stream.value?.close();
  stream.value = null;
}
