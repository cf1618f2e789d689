// SPDX-License-Identifier: Apache-2.0
// One function for each endpoint that the console uses.
import { type Params, request } from "./client";
import type * as T from "./types";

type Abort = AbortSignal | undefined;
const at = encodeURIComponent;
const get = <R>(path: string, params: Params = {}, signal?: Abort) => request<R>(path, params, { signal });
const send = <R>(method: "POST" | "PATCH" | "DELETE", path: string, body?: unknown) =>
  request<R>(path, {}, { method, body });

export const session = () => get<T.Session>("/session");
export const login = (user: string, password: string) =>
  send<T.Session>("POST", "/session", { user, password });
export const logout = () => send<void>("DELETE", "/session");

export const overview = (p: Params, s?: Abort) => get<T.Overview>("/overview", p, s);
export const alerts = (p: Params, s?: Abort) => get<T.Page<T.AlertRow>>("/alerts", p, s);
export const alertGroups = (p: Params, s?: Abort) => get<{ items: T.Group[] }>("/alerts/groups", p, s);
export const alert = (id: string, s?: Abort) => get<T.AlertDetail>(`/alerts/${at(id)}`, {}, s);
export const triage = (id: string, change: T.TriageChange) =>
  send<unknown>("PATCH", `/alerts/${at(id)}/triage`, change);
export const triageMany = (alert_ids: string[], change: T.TriageChange) =>
  send<{ changed: number }>("POST", "/alerts/triage", { alert_ids, ...change });
export const falsePositive = (id: string, body: { fields?: string[]; note?: string }) =>
  send<T.Drafted>("POST", `/alerts/${at(id)}/false-positive`, body);

export const attack = (p: Params, s?: Abort) => get<T.Matrix>("/attack", p, s);
export const topics = (s?: Abort) => get<{ items: T.Topic[] }>("/topics", {}, s);
export const groups = (s?: Abort) => get<{ items: T.ConsumerGroup[] }>("/groups", {}, s);
export const lag = (p: Params, s?: Abort) => get<T.LagHistory>("/lag", p, s);
export const messages = (topic: string, p: Params, s?: Abort) =>
  get<T.MessagePage>(`/topics/${at(topic)}/messages`, p, s);
export const trace = (id: string, s?: Abort) => get<T.Trace>(`/traces/${at(id)}`, {}, s);
export const traces = (p: Params, s?: Abort) => get<{ items: T.TraceRow[] }>("/traces", p, s);
export const latency = (s?: Abort) => get<T.Latency>("/latency", {}, s);

export const rules = (p: Params, s?: Abort) => get<{ total: number; items: T.RuleRow[] }>("/rules", p, s);
export const rule = (id: string, s?: Abort) => get<T.RuleDetail>(`/rules/${at(id)}`, {}, s);
export const changeRule = (id: string, change: { enabled?: boolean; level?: T.Level; note?: string }) =>
  send<unknown>("PATCH", `/rules/${at(id)}`, change);
export const checkRule = (yaml: string) => send<T.RuleCheck>("POST", "/rules/check", { yaml });
export const saveRule = (yaml: string, file?: string) =>
  send<{ path: string }>("POST", "/rules", file ? { yaml, file } : { yaml });
export const testRule = (what: { yaml: string } | { id: string }, event: T.Json) =>
  send<T.RuleTest>("POST", "/rules/test", { ...what, event });

export const pipeline = (s?: Abort) => get<T.Pipeline>("/pipeline", {}, s);
export const deadLetters = (p: Params, s?: Abort) => get<T.Page<T.DeadLetter>>("/dead-letters", p, s);
export const replay = (body: { items: { partition: number; offset: number }[] } | { all: true }) =>
  send<{ replayed: number; skipped: number }>("POST", "/dead-letters/replay", body);
export const statistics = (p: Params, s?: Abort) => get<T.Statistics>("/statistics", p, s);
export const audit = (p: Params, s?: Abort) => get<T.Page<T.AuditRow>>("/audit", p, s);
