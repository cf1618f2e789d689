// SPDX-License-Identifier: Apache-2.0
// What a part shows while it waits, when there is nothing, and when something failed.
import type { ComponentChildren } from "preact";
import type { ApiError } from "../api/client";
import type { Resource } from "../app/resource";
import { Icon } from "./icon";
import { Text } from "./text";

const WIDTHS = ["62%", "88%", "74%", "94%", "55%", "81%", "69%", "90%"];

export function Skeleton({ lines = 6 }: { lines?: number }) {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <i style={{ width: WIDTHS[i % WIDTHS.length] }} key={i} />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="notice">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

const ADVICE: Record<string, string> = {
  unavailable: "Start the server, or look at its log. The page tries again when you press the button.",
  forbidden: "Your role does not allow this. An administrator can give you another one.",
  unauthorized: "Your session has ended. Log in again.",
  not_found: "It may have been removed by retention, or the address is wrong.",
  rate_limited: "Too many requests; wait a moment.",
};

export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="notice error" role="alert">
      <h2>{error.code === "not_found" ? "Not found" : "This could not be loaded"}</h2>
      <p>
        <Text value={error.message} />
        {error.field ? ` (${error.field})` : ""}
      </p>
      {ADVICE[error.code] && <p>{ADVICE[error.code]}</p>}
      {retry && (
        <div class="row">
          <button type="button" class="button" onClick={retry}>
            <Icon name="reload" /> Try again
          </button>
        </div>
      )}
    </div>
  );
}

/** Shows a resource: its data when there are any, else why not. */
export function Load<T>({
  from,
  lines,
  children,
}: {
  from: Pick<Resource<T>, "data" | "error" | "stale" | "reload">;
  lines?: number;
  children: (data: T) => ComponentChildren;
}) {
  if (from.data !== undefined) {
    return (
      <>
        {from.error && (
          <div class="banner bad" role="alert">
            <Text value={`Not up to date: ${from.error.message}`} />
            <button type="button" class="button small" onClick={from.reload}>
              Try again
            </button>
          </div>
        )}
        {children(from.data)}
      </>
    );
  }
  if (from.error) return <Failure error={from.error} retry={from.reload} />;
  return <Skeleton lines={lines} />;
}
