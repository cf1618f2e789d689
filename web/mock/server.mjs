// SPDX-License-Identifier: Apache-2.0
// The console's server as far as a browser can tell: the API over a made-up world, and the files of dist/
// under the content security policy of the real one.
//
//   await startServer({port, hostile, login}) -> {url, mock, close}
//   await startServer({api: "http://..."})      dist/ over the API of a real server
import { createReadStream, existsSync, statSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { grouped, instant, matrix, overview, page, Refusal, select, sorted, statistics } from "./answers.mjs";
import * as data from "./data.mjs";
import { iso, makeWorld, NOW } from "./world.mjs";

const dist = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../dist");
export const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const TOKEN = "mock-csrf-token";

function readBody(request) {
  return new Promise((resolve, reject) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      try {
        resolve(parts.length ? JSON.parse(Buffer.concat(parts).toString()) : {});
      } catch {
        reject(new Refusal(400, "invalid", "the body is no JSON"));
      }
    });
  });
}

function sse(response, feed) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write(": hello\n\n");
  const stop = feed((event, value) => response.write(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`));
  response.on("close", stop);
}

export class Mock {
  constructor(options) {
    this.options = options;
    this.world = makeWorld(options);
    this.sessions = new Map();
    this.live = new Set();
    this.role = options.role ?? "admin";
    const names = new Map(this.world.attack.tactics.map((t) => [t.slug, t.name]));
    this.name = (slug) => names.get(slug) ?? slug;
  }

  user(request) {
    if (!this.options.login) return { user: this.options.user ?? "ana", role: this.role };
    const cookie = /tocsin=(\w+)/.exec(request.headers.cookie ?? "");
    return cookie ? this.sessions.get(cookie[1]) : undefined;
  }

  find(id) {
    const found = this.world.alerts.find((a) => a.row.alert_id === id);
    if (!found) throw new Refusal(404, "not_found", `there is no alert ${id}`);
    return found;
  }

  audit(who, action, target, detail = "") {
    this.world.audit.unshift({
      time: iso(NOW),
      user: who.user,
      role: who.role,
      action,
      target,
      detail,
      address: "127.0.0.1",
    });
  }

  detail(a) {
    const { world } = this;
    const rule = world.rules.find((r) => r.id === a.row.rule.id);
    const at = Date.parse(a.row.time);
    const related = world.alerts.filter(
      (b) => b !== a && b.row.host === a.row.host && Math.abs(Date.parse(b.row.time) - at) <= 30 * 60e3,
    );
    return {
      alert: a.alert,
      row: a.row,
      event: {
        raw: a.raw,
        json: JSON.parse(a.raw),
        topic: "raw-events",
        partition: a.partition,
        offset: a.offset + 210000,
      },
      matched_fields: a.alert.tocsin.matched_fields,
      why: a.why,
      rule: rule
        ? {
            id: rule.id,
            title: rule.title,
            level: rule.level,
            description: rule.description,
            references: rule.references,
            author: rule.author,
            tags: rule.tactics,
            yaml: rule.yaml,
          }
        : null,
      techniques: a.row.techniques.map((id) => ({
        id,
        name: world.attack.techniques[id]?.name ?? id,
        url: a.hostile
          ? "javascript:alert(1)"
          : `https://attack.mitre.org/techniques/${id.replace(".", "/")}/`,
      })),
      triage: {
        status: a.row.status,
        assignee: a.row.assignee,
        history: world.triage.get(a.row.alert_id) ?? [],
      },
      related: sorted(related, "time")
        .slice(0, 50)
        .map((b) => b.row),
    };
  }

  change(a, who, { status, assignee, note }) {
    const history = this.world.triage.get(a.row.alert_id) ?? [];
    const entry = (action, from, to) =>
      history.push({
        time: iso(NOW + history.length * 1000),
        user: who.user,
        action,
        from,
        to,
        note: note ?? null,
      });
    if (status !== undefined) {
      entry("status", a.row.status, status);
      a.row.status = status;
    }
    if (assignee !== undefined) {
      entry("assignee", a.row.assignee, assignee);
      a.row.assignee = assignee;
    }
    if (status === undefined && assignee === undefined && note) entry("note", null, null);
    this.world.triage.set(a.row.alert_id, history);
    this.audit(who, "triage", a.row.alert_id, [status, assignee, note].filter(Boolean).join(", "));
  }

  check(yaml) {
    const diagnostics = [];
    const lines = yaml.split("\n");
    const at = lines.findIndex((l) => /\|\w*(contain|startwith|endwith)\b/.test(l));
    if (at >= 0)
      diagnostics.push({
        code: "unknown_modifier",
        severity: "error",
        line: at + 1,
        column: lines[at].indexOf("|") + 2,
        message: "there is no such modifier",
        hint: "did you mean 'contains', 'startswith' or 'endswith'?",
      });
    if (!/^detection:/m.test(yaml))
      diagnostics.push({
        code: "missing_key",
        severity: "error",
        line: 1,
        column: 1,
        message: "the rule has no 'detection'",
        hint: "add what to look for, and a condition",
      });
    const pick = (key) => new RegExp(`^${key}: *(.*)$`, "m").exec(yaml)?.[1] ?? "";
    return {
      ok: !diagnostics.length,
      rules: diagnostics.length ? [] : [{ id: pick("id"), title: pick("title") }],
      diagnostics,
    };
  }

  rules(query) {
    const q = (query.get("q") ?? "").toLowerCase();
    const level = query.getAll("level");
    const tactic = query.getAll("tactic");
    let items = this.world.rules.filter(
      (r) =>
        (!q || [r.title, r.id, r.file, ...r.techniques].some((t) => t.toLowerCase().includes(q))) &&
        (!level.length || level.includes(r.level)) &&
        (!tactic.length || tactic.some((t) => r.tactics.includes(t))) &&
        (!query.get("product") || r.product === query.get("product")) &&
        (!query.get("enabled") || String(r.enabled) === query.get("enabled")),
    );
    const sort = query.get("sort") ?? "title";
    const key = sort.replace("-", "");
    const value = (r) =>
      key === "level"
        ? ["informational", "low", "medium", "high", "critical"].indexOf(r.level)
        : (r[key] ?? "");
    items = [...items].sort(
      (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (sort.startsWith("-") ? -1 : 1),
    );
    return {
      total: items.length,
      items: items.map(({ yaml, description, references, author, diagnostics, ...row }) => row),
    };
  }

  async api(method, parts, query, request, response) {
    const { world } = this;
    const route = `${method} ${parts[0]}`;
    const who = this.user(request);
    const session = (s) => ({
      user: s?.user ?? null,
      role: s?.role ?? null,
      login_required: Boolean(this.options.login),
      csrf: TOKEN,
      version: "0.1.0",
      links: { jaeger: null },
    });
    if (route === "GET session") return session(who);
    const body = method === "GET" ? {} : await readBody(request);
    if (route === "POST session") {
      if (body.password !== "correct horse")
        throw new Refusal(401, "unauthorized", "user or password is wrong");
      const key = Math.random().toString(36).slice(2);
      this.sessions.set(key, { user: body.user, role: this.role });
      response.setHeader("Set-Cookie", `tocsin=${key}; HttpOnly; SameSite=Strict; Path=/`);
      return session(this.sessions.get(key));
    }
    if (!who) throw new Refusal(401, "unauthorized", "log in first");
    if (method !== "GET") {
      if (request.headers["x-csrf-token"] !== TOKEN)
        throw new Refusal(403, "forbidden", "the header X-CSRF-Token is missing or old");
      if (who.role === "viewer") throw new Refusal(403, "forbidden", "a viewer may not change anything");
    }
    if (route === "DELETE session") {
      this.sessions.clear();
      return undefined;
    }
    if (this.fail?.[parts[0]]) throw this.fail[parts[0]];
    const alert =
      parts[0] === "alerts" && parts[1] && !["groups", "triage"].includes(parts[1])
        ? this.find(parts[1])
        : null;
    switch (route) {
      case "GET overview":
        return overview(world, query, this.name);
      case "GET alerts": {
        if (alert) return this.detail(alert);
        const list = select(world, query);
        if (parts[1] === "groups") return { by: query.get("by"), items: grouped(list, query.get("by")) };
        return {
          total: list.length,
          ...page(sorted(list, query.get("sort") ?? "-time"), query, (a) => a.row),
        };
      }
      case "PATCH alerts":
        this.change(alert, who, body);
        return { ok: true };
      case "POST alerts": {
        if (parts[1] === "triage") {
          for (const id of body.alert_ids) this.change(this.find(id), who, body);
          return { changed: body.alert_ids.length };
        }
        this.change(alert, who, { status: "false_positive", note: body.note });
        const fields = alert.alert.tocsin.matched_fields.filter(
          (m) => !body.fields || body.fields.includes(m.field),
        );
        const values = fields
          .map((m) => `        ${m.field.replace(/[^\w.-]/g, "_")}: ${JSON.stringify(m.value.slice(0, 300))}`)
          .join("\n");
        return {
          filter_yaml: `title: Harmless On ${alert.row.host.slice(0, 60).replace(/\s/g, " ")}\nid: 6b1d9d1e-44f5-4d2e-9a39-0f2f5a1c7d10\nlogsource:\n    product: windows\nfilter:\n    rules:\n        - ${alert.row.rule.id}\n    selection:\n${values}\n    condition: not selection\n`,
          path: "filters/review/harmless.yml",
          matches: {
            alerts: world.alerts.filter(
              (a) => a.row.rule.id === alert.row.rule.id && a.row.host === alert.row.host,
            ).length,
          },
        };
      }
      case "GET attack": {
        if (parts[1] === "navigator") {
          response.setHeader("Content-Disposition", 'attachment; filename="tocsin-layer.json"');
          const m = matrix(world, query);
          return {
            name: "Tocsin",
            versions: { layer: "4.5" },
            domain: "enterprise-attack",
            techniques: m.tactics.flatMap((t) =>
              t.techniques
                .filter((x) => x[query.get("what")] > 0)
                .map((x) => ({ techniqueID: x.id, tactic: t.tactic, score: x[query.get("what")] })),
            ),
          };
        }
        return matrix(world, query);
      }
      case "GET topics": {
        if (!parts[1]) return { items: data.topics() };
        if (!data.topics().some((t) => t.name === parts[1]))
          throw new Refusal(404, "not_found", `there is no topic '${parts[1]}'`);
        if (parts[2] === "messages") return data.messages(world, parts[1], query);
        sse(response, (send) => {
          let n = 0;
          const timer = setInterval(
            () =>
              send("message", {
                ...data.message(world, parts[1], n % 4, 1210000 + n++),
                time: iso(NOW + n * 400),
              }),
            250,
          );
          return () => clearInterval(timer);
        });
        return null;
      }
      case "GET groups":
        return { items: data.groups() };
      case "GET lag":
        return data.lag(instant(query.get("from"), "from"));
      case "GET traces": {
        if (!parts[1]) return data.traces(world, query);
        const found = data.trace(world, parts[1]);
        if (!found) throw new Refusal(404, "not_found", `no trace of ${parts[1].slice(0, 80)}`);
        return found;
      }
      case "GET latency":
        return data.latency();
      case "GET rules": {
        if (!parts[1]) return this.rules(query);
        const rule = world.rules.find((r) => r.id === parts[1]);
        if (!rule) throw new Refusal(404, "not_found", `there is no rule ${parts[1].slice(0, 80)}`);
        return rule;
      }
      case "PATCH rules": {
        const rule = world.rules.find((r) => r.id === parts[1]);
        Object.assign(rule, body);
        this.audit(who, body.enabled === false ? "rule_disabled" : "rule_changed", rule.id);
        return rule;
      }
      case "POST rules": {
        if (parts[1] === "check") return this.check(body.yaml);
        if (parts[1] === "test") {
          const text = JSON.stringify(body.event).toLowerCase();
          const a = world.alerts.find((one) => one.row.rule.id === body.id) ?? world.alerts[0];
          const matched = a.alert.tocsin.matched_fields.some((m) =>
            text.includes(m.value.toLowerCase().slice(0, 20).replaceAll("\\", "\\\\")),
          );
          return {
            matched,
            why: { ...a.why, matches: matched, tree: { ...a.why.tree, holds: matched } },
            normalized: Object.fromEntries(
              Object.entries(body.event)
                .slice(0, 30)
                .map(([k, v]) => [k, [String(v)]]),
            ),
            diagnostics: [],
          };
        }
        const checked = this.check(body.yaml);
        if (!checked.ok) throw new Refusal(400, "invalid", "the rule has errors", "yaml");
        const file = body.file ?? "local/new_rule.yml";
        world.rules.push({
          ...world.rules[0],
          ...checked.rules[0],
          file,
          yaml: body.yaml,
          description: "",
          references: [],
          alerts: 0,
          last_seen: null,
        });
        this.audit(who, "rule_uploaded", file);
        return { path: `rules/${file}` };
      }
      case "GET pipeline":
        return data.pipeline(world);
      case "GET dead-letters": {
        const reason = query.get("reason");
        return page(
          world.dead.filter((d) => !reason || d.code === reason),
          query,
        );
      }
      case "POST dead-letters": {
        const gone = (d) =>
          body.all || body.items.some((i) => i.partition === d.partition && i.offset === d.offset);
        const before = world.dead.length;
        world.dead = world.dead.filter((d) => !gone(d));
        this.audit(who, "replay", "dead-letter", `${before - world.dead.length} replayed`);
        return { replayed: before - world.dead.length, skipped: 0 };
      }
      case "GET statistics":
        return statistics(world, query, this.name);
      case "GET audit":
        if (who.role !== "admin")
          throw new Refusal(403, "forbidden", "the audit trail is for administrators");
        return page(world.audit, query);
      case "GET live":
        sse(response, (send) => {
          let n = 0;
          const tick = () =>
            send("stats", {
              events_per_second: 7200 + Math.round(420 * Math.sin(n++ / 3)),
              lag: 280 + (n % 7) * 11,
              alerts: world.alerts.length,
              events: 4808402 + n * 7400,
            });
          tick();
          const timer = setInterval(tick, 1000);
          const raise = (row) => send("alert", row);
          this.live.add(raise);
          return () => {
            clearInterval(timer);
            this.live.delete(raise);
          };
        });
        return null;
      default:
        throw new Refusal(404, "not_found", `there is no ${method} ${parts.join("/")}`);
    }
  }

  /** A new alert, told to all who listen. */
  raise(like = 0) {
    const old = this.world.alerts[like];
    const id = this.world.r.uuid();
    const fresh = {
      ...old,
      row: { ...old.row, alert_id: id, time: iso(NOW - 1), status: "new", assignee: null },
    };
    this.world.alerts.push(fresh);
    for (const send of this.live) send(fresh.row);
    return fresh.row;
  }

  file(pathname, response) {
    let name = path.join(dist, path.normalize(pathname));
    if (!name.startsWith(dist) || !existsSync(name) || statSync(name).isDirectory())
      name = path.join(dist, "index.html");
    response.writeHead(200, {
      "Content-Type": TYPES[path.extname(name)] ?? "application/octet-stream",
      "Content-Security-Policy": POLICY,
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-store",
    });
    createReadStream(name).pipe(response);
  }

  /** Hands a request on to the real server. */
  forward(request, response) {
    const to = new URL(request.url, this.options.api);
    const headers = { ...request.headers, host: to.host };
    if (headers.origin) headers.origin = to.origin;
    const onward = http.request(to, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  }

  async handle(request, response) {
    const to = new URL(request.url, "http://mock");
    if (this.options.api && to.pathname.startsWith("/api/")) return this.forward(request, response);
    if (!to.pathname.startsWith("/api/v1/")) return this.file(decodeURIComponent(to.pathname), response);
    const parts = to.pathname.slice(8).split("/").map(decodeURIComponent);
    try {
      const answer = await this.api(request.method, parts, to.searchParams, request, response);
      if (answer === null) return;
      if (this.options.delay) await new Promise((done) => setTimeout(done, this.options.delay));
      response.writeHead(answer === undefined ? 204 : 200, { "Content-Type": "application/json" });
      response.end(answer === undefined ? undefined : JSON.stringify(answer));
    } catch (error) {
      const { status = 500, code = "internal", field } = error;
      if (status === 500) console.error(error);
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ error: { code, message: error.message, field } }));
    }
  }
}

export async function startServer(options = {}) {
  const mock = new Mock(options);
  const server = http.createServer((request, response) => void mock.handle(request, response));
  await new Promise((done) => server.listen(options.port ?? 0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    mock,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections?.();
        server.close(done);
      }),
  };
}
