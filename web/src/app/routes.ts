// SPDX-License-Identifier: Apache-2.0
// Which path shows which view. Each view is a chunk of its own.
import type { ComponentType } from "preact";
import type { Role } from "../api/types";
import type { IconName } from "../components/icon";

export interface ViewProps {
  /** What follows the view's own path, decoded: /alerts/ID -> "ID". */
  rest: string;
}

export interface Route {
  path: string;
  title: string;
  icon: IconName;
  group: "Detect" | "Data" | "Operate";
  role?: Role;
  /** The view has no use for a time range. */
  timeless?: boolean;
  load: () => Promise<{ default: ComponentType<ViewProps> }>;
}

export const ROUTES: Route[] = [
  {
    path: "/",
    title: "Overview",
    icon: "overview",
    group: "Detect",
    load: () => import("../views/overview"),
  },
  {
    path: "/alerts",
    title: "Alerts",
    icon: "alerts",
    group: "Detect",
    load: () => import("../views/alerts"),
  },
  {
    path: "/attack",
    title: "ATT&CK",
    icon: "attack",
    group: "Detect",
    load: () => import("../views/attack"),
  },
  {
    path: "/rules",
    title: "Rules",
    icon: "rules",
    group: "Detect",
    timeless: true,
    load: () => import("../views/rules"),
  },
  { path: "/topics", title: "Topics", icon: "topics", group: "Data", load: () => import("../views/topics") },
  { path: "/traces", title: "Traces", icon: "traces", group: "Data", load: () => import("../views/traces") },
  {
    path: "/statistics",
    title: "Statistics",
    icon: "statistics",
    group: "Data",
    load: () => import("../views/statistics"),
  },
  {
    path: "/pipeline",
    title: "Pipeline",
    icon: "pipeline",
    group: "Operate",
    timeless: true,
    load: () => import("../views/pipeline"),
  },
  {
    path: "/audit",
    title: "Audit",
    icon: "audit",
    group: "Operate",
    role: "admin",
    load: () => import("../views/audit"),
  },
];

export function match(path: string): { route: Route; rest: string } | null {
  const clean = path.replace(/\/+$/, "") || "/";
  for (const route of ROUTES) {
    if (clean === route.path) return { route, rest: "" };
    if (route.path !== "/" && clean.startsWith(`${route.path}/`)) {
      try {
        return { route, rest: decodeURIComponent(clean.slice(route.path.length + 1)) };
      } catch {
        return null;
      }
    }
  }
  return null;
}
