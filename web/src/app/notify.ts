// SPDX-License-Identifier: Apache-2.0
// Short messages about what was done, and what went wrong.
import { signal } from "@preact/signals";
import { asApiError } from "../api/client";

export interface Toast {
  id: number;
  text: string;
  kind: "good" | "bad";
}
export const toasts = signal<Toast[]>([]);
let count = 0;

export function notify(text: string, kind: "good" | "bad" = "good"): void {
  const id = ++count;
  toasts.value = [...toasts.value, { id, text, kind }];
  setTimeout(() => dismiss(id), kind === "bad" ? 12000 : 5000);
}
export const dismiss = (id: number) => {
  toasts.value = toasts.value.filter((t) => t.id !== id);
};

/** Runs a change on the server; tells how it ended. */
export async function act<T>(
  what: () => Promise<T>,
  done?: string | ((result: T) => string),
): Promise<T | null> {
  try {
    const result = await what();
    if (done) notify(typeof done === "string" ? done : done(result));
    return result;
  } catch (error) {
    notify(asApiError(error).message, "bad");
    return null;
  }
}
