// SPDX-License-Identifier: Apache-2.0
// The search language over rows of alerts: words, field:value, wildcards, NOT and -, AND, OR, parentheses.
import { LEVELS } from "./world.mjs";

export class QueryError extends Error {
  constructor(message, position) {
    super(`${message} (at character ${position + 1})`);
    this.position = position;
  }
}

const FIELDS = {
  host: (r) => [r.host],
  user: (r) => [r.user],
  rule: (r) => [r.rule.name, r.rule.id],
  level: (r) => [r.level],
  tactic: (r) => r.tactics,
  technique: (r) => r.techniques,
  class: (r) => [r.class],
  event_id: (r) => [r.event_id],
  trace_id: (r) => [r.trace_id],
  status: (r) => [r.status],
  assignee: (r) => [r.assignee],
  channel: (r) => [r.channel],
  provider: (r) => [r.provider],
  code: (r) => [r.code],
};

function tokens(text) {
  const out = [];
  const re = /\s+|\(|\)|-(?=\S)|(?:([a-z_]+):)?(>=|<=|>|<)?(?:"((?:\\.|[^"\\])*)"|([^\s()"]+))|"/gy;
  while (re.lastIndex < text.length) {
    const at = re.lastIndex;
    const m = re.exec(text);
    if (!m) throw new QueryError("this cannot be read", at);
    if (/^\s/.test(m[0])) continue;
    if (m[0] === '"') throw new QueryError("a quotation mark is not closed", at);
    out.push({
      at,
      text: m[0],
      field: m[1],
      op: m[2],
      value: m[3] !== undefined ? m[3].replace(/\\(.)/g, "$1") : m[4],
    });
  }
  return out;
}

function matcher(value) {
  const re = new RegExp(
    `^${value
      .split("*")
      .map((p) => p.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
    "is",
  );
  return (seen) => seen !== null && seen !== undefined && re.test(seen);
}

function leaf(token) {
  const { field, op, value } = token;
  if (!field) {
    const word = value.toLowerCase();
    return (r) => r.text.includes(word);
  }
  if (!FIELDS[field]) throw new QueryError(`there is no field '${field}'`, token.at);
  if (field === "level" && op) {
    const rank = LEVELS.indexOf(value);
    if (rank < 0) throw new QueryError(`there is no level '${value}'`, token.at);
    const test = {
      ">=": (a) => a >= rank,
      "<=": (a) => a <= rank,
      ">": (a) => a > rank,
      "<": (a) => a < rank,
    }[op];
    return (r) => test(LEVELS.indexOf(r.level));
  }
  const fits = matcher(value);
  return (r) => FIELDS[field](r).some(fits);
}

/** A function row -> boolean. */
export function parse(text) {
  const list = tokens(text ?? "");
  let at = 0;
  const any = () => {
    const parts = [all()];
    while (list[at]?.text === "OR") {
      at++;
      parts.push(all());
    }
    return (r) => parts.some((p) => p(r));
  };
  const all = () => {
    const parts = [];
    while (at < list.length && list[at].text !== ")" && list[at].text !== "OR") {
      if (list[at].text === "AND") at++;
      else parts.push(one());
    }
    if (!parts.length) throw new QueryError("something is missing here", list[at]?.at ?? text.length);
    return (r) => parts.every((p) => p(r));
  };
  const one = () => {
    const token = list[at++];
    if (!token) throw new QueryError("something is missing here", text.length);
    if (token.text === "NOT" || token.text === "-") {
      const not = one();
      return (r) => !not(r);
    }
    if (token.text === "(") {
      const inner = any();
      if (list[at++]?.text !== ")") throw new QueryError("a parenthesis is not closed", token.at);
      return inner;
    }
    return leaf(token);
  };
  if (!list.length) return () => true;
  const result = any();
  if (at < list.length) throw new QueryError("a parenthesis too many", list[at].at);
  return result;
}
