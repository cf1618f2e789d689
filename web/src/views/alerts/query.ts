// SPDX-License-Identifier: Apache-2.0
// What the address asks for, as the server wants it.
import type { Params } from "../../api/client";
import * as api from "../../api/endpoints";
import { conjunction } from "../../app/format";
import { range } from "../../app/range";
import { usePages } from "../../app/resource";
import { param, paramList } from "../../app/router";

export const FACETS = ["level", "tactic", "technique", "host", "user", "rule", "status", "assignee"] as const;
export const FILTER_NAMES = ["q", ...FACETS];

/** Parameters of the endpoints of alerts. */
export function filters(): Params {
  const out: Params = { ...range(), q: param("q") };
  for (const name of FACETS) out[name] = paramList(name);
  return out;
}

/** The same as one expression of the search language, for endpoints that take only that. */
export function expression(): string {
  return conjunction(param("q"), Object.fromEntries(FACETS.map((name) => [name, paramList(name)])));
}

export const sorting = () => param("sort") || "-time";

export function useAlerts() {
  const asked = { ...filters(), sort: sorting() };
  return usePages(JSON.stringify(asked), (cursor, signal) =>
    api.alerts({ ...asked, limit: 100, cursor }, signal),
  );
}
