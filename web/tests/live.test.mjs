// SPDX-License-Identifier: Apache-2.0
// The same console over the real program: what the mock promises, the server keeps.
//
// TOCSIN_CONSOLE_URL names a server; else TOCSIN, a binary, plays its demo in a folder of its own. A server that
// carries no front end gets the one of dist/ put before it.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { promisify } from "node:util";
import { startServer } from "../mock/server.mjs";
import { param, ready, rows, skippable, text, useBrowser, VIEWS, visit } from "./harness.mjs";

const given = process.env.TOCSIN_CONSOLE_URL;
const binary = process.env.TOCSIN;
const test = skippable(given || binary ? false : "neither TOCSIN_CONSOLE_URL nor TOCSIN is set");
const server = {};
let program;
let folder;
let front;

/** The demo with its console, once it says that it stays up. */
function playDemo() {
  folder = mkdtempSync(path.join(tmpdir(), "tocsin-web-"));
  program = spawn(path.resolve(binary), ["demo", "--events", "5000", "--stay", "--console-port", "8742"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    let said = "";
    const listen = (data) => {
      said += data;
      const url = /console: (http:\/\/[\w.:]+)/.exec(said);
      if (url && /stays up/.test(said)) resolve(url[1]);
    };
    program.stdout.on("data", listen);
    program.stderr.on("data", listen);
    program.on("error", reject);
    program.on("exit", (code) => reject(new Error(`the demo ended with ${code}:\n${said.slice(-2000)}`)));
    setTimeout(() => reject(new Error(`the demo did not come up:\n${said.slice(-2000)}`)), 150000).unref();
  });
}

useBrowser();
before(async () => {
  if (!given && !binary) return;
  const api = (given ?? (await playDemo())).replace(/\/$/, "");
  const page = await fetch(`${api}/`).then((a) => (a.ok ? a.text() : ""));
  if (!page.includes('id="app"')) front = await startServer({ api });
  server.url = front?.url ?? api;
  server.api = api;
});
after(async () => {
  await front?.close();
  if (program) {
    program.removeAllListeners("exit");
    const ended = new Promise((done) => program.on("exit", done));
    program.kill("SIGINT");
    await ended;
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const ask = async (to) => (await fetch(`${server.api}/api/v1${to}`)).json();
const total = async (page) => Number(/of ([\d,]+) alerts/.exec(await text(page))[1].replace(",", ""));

for (const view of VIEWS) {
  test(`live: view ${view} shows data`, () =>
    visit(server, view, { height: 1200 }, async (page) => {
      assert.equal(await page.locator(".notice.error").count(), 0, await text(page));
      const wanted = {
        "/": "Alerts by tactic",
        "/audit": "",
        "/topics": "raw-events",
        "/traces": "classify_event",
        "/rules": "of 177 rules",
        "/pipeline": "detect",
        "/statistics": "Confusion",
        "/alerts": "alerts",
        "/attack": "covered by a rule",
      };
      assert.ok((await text(page)).includes(wanted[view]));
    }));
}

test("live: filters and search count what the server counts", () =>
  visit(server, "/alerts?level=high&level=critical&status=new", {}, async (page) => {
    const { total: expected } = await ask("/alerts?level=high&level=critical&status=new&limit=1");
    assert.ok(expected > 0);
    assert.equal(await total(page), expected);
    await page.fill(".search input", "host:FS01* level:>=high");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.search.includes("q="));
    await ready(page);
    const { total: found } = await ask(
      `/alerts?level=high&level=critical&status=new&q=${encodeURIComponent("host:FS01* level:>=high")}&limit=1`,
    );
    assert.equal(await total(page), found);
    await page.click(".chip:has-text('Host')");
    await page.waitForSelector(".popover-body .menu-item");
  }));

test("live: every column sorts, every grouping groups", () =>
  visit(server, "/alerts", {}, async (page) => {
    for (const column of ["Level", "Rule", "Host", "User", "Status", "Time"]) {
      await page.click(`th button:has-text('${column}')`);
      await ready(page);
      assert.ok((await rows(page).count()) > 5, column);
    }
    for (const by of ["rule", "host", "user", "tactic", "technique", "level", "status", "incident"]) {
      await page.selectOption("label:has-text('Group by') select", by);
      await ready(page);
      const cells = await rows(page).first().locator("td").allInnerTexts();
      await rows(page).first().locator("a").click();
      await ready(page);
      assert.equal(await total(page), Number(cells[2].replace(",", "")), by);
      await page.goto(`${server.url}/alerts`);
      await ready(page);
    }
  }));

test("live: an alert with event, reason, rule, trace", async () => {
  const { items } = await ask(`/alerts?q=${encodeURIComponent('rule:"Shadow Copies Deleted"')}&limit=1`);
  await visit(server, `/alerts/${items[0].alert_id}`, { height: 2400 }, async (page) => {
    const shown = await text(page);
    for (const wanted of [
      "vssadmin",
      "selection_vssadmin",
      "waiting in topic",
      "condition: 1 of selection_*",
    ])
      assert.ok(shown.includes(wanted), wanted);
    assert.ok((await page.locator(".json .hit").count()) > 0);
  });
});

test("live: triage is kept with its history, and undone", async () => {
  const { items } = await ask("/alerts?status=new&limit=1");
  await visit(server, `/alerts/${items[0].alert_id}`, {}, async (page) => {
    await page.fill("[aria-label=Note]", "looked at by the test");
    await page.selectOption("[aria-label=Status]", "closed");
    await page.waitForSelector("text=Status: Closed");
    await page.waitForSelector(".history >> text=looked at by the test");
    await page.selectOption("[aria-label=Status]", "new");
    await page.waitForSelector("text=Status: New");
  });
  const { triage } = await ask(`/alerts/${items[0].alert_id}`);
  assert.equal(triage.status, "new");
  assert.ok(triage.history.length >= 2);
});

test("live: many at once, and a false positive", () =>
  visit(server, "/alerts?status=new", {}, async (page) => {
    const before = await total(page);
    await rows(page).nth(0).locator("input").check();
    await rows(page).nth(1).locator("input").check();
    await page.selectOption(".bulk select", "in_progress");
    await page.click(".bulk >> text=Set status");
    await page.waitForSelector("text=2 alerts changed");
    await page.waitForFunction(
      (n) => document.querySelector(".table-foot").textContent.includes(`of ${n} alerts`),
      before - 2,
    );
    const { items } = await ask(`/alerts?q=${encodeURIComponent('rule:"Shadow Copies Deleted"')}&limit=1`);
    await page.goto(`${server.url}/alerts/${items[0].alert_id}`);
    await ready(page);
    await page.click("button:has-text('False positive')");
    await page.click("text=Mark and draft a filter");
    await page.waitForSelector("dialog >> text=Filter drafted");
    assert.match(await page.locator("dialog .code").innerText(), /filter:[\s\S]*condition: not selection/);
  }));

test("live: rules are filtered, checked, tried", async () => {
  await visit(server, "/rules?show=noisy", {}, async (page) => {
    assert.ok((await rows(page).count()) > 3);
    for (const column of ["Level", "Rule", "Alerts", "Last seen", "ns/event"]) {
      await page.goto(`${server.url}/rules`);
      await ready(page);
      await page.click(`th button:has-text('${column}')`);
      await ready(page);
      assert.ok((await rows(page).count()) > 5, column);
    }
    await page.goto(`${server.url}/rules/new`);
    await page.waitForSelector("text=The rule can be used");
    const good = await page.inputValue(".editor textarea");
    await page.fill(".editor textarea", good.replace("CommandLine|contains", "CommandLine|contain"));
    await page.waitForSelector(".diagnostics .bad");
    await page.fill(".editor textarea", good);
    await page.waitForSelector("text=The rule can be used");
    await page.fill(
      "textarea[rows='8']",
      '{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\\\a\\\\powershell.exe","CommandLine":"powershell -enc AAAA"}',
    );
    await page.click("button:has-text('Test')");
    await page.waitForSelector("text=/The rule (matches|does not match)/");
  });
});

test("live: a rule is tried on the event that it fired for", async () => {
  const { items } = await ask("/rules?sort=-alerts");
  await visit(server, `/rules/${items[0].id}`, {}, async (page) => {
    await page.click("text=Take its latest event");
    await page.waitForFunction(() => document.querySelector("textarea").value.length > 20);
    await page.click("button:has-text('Test')");
    await page.waitForSelector("text=The rule matches");
  });
});

test("live: messages of a topic from end, offset and filter; the tail listens", () =>
  visit(server, "/topics/raw-events", {}, async (page) => {
    assert.ok((await rows(page).count()) > 20);
    await page.goto(`${server.url}/topics/raw-events?partition=0&at=offset:10`);
    await ready(page);
    assert.match(await rows(page).first().innerText(), /0\/10\b/);
    await rows(page).first().locator("a").click();
    assert.match(await page.locator("aside").innerText(), /event_id/);
    await page.goto(`${server.url}/topics/alerts?at=begin&filter=vssadmin`);
    await ready(page);
    assert.ok((await rows(page).count()) > 0);
    await page.click("text=Live tail");
    await page.waitForSelector("text=/\\(live\\)/");
  }));

test("live: the coverage layer is a download; a technique leads to its alerts", () =>
  visit(server, "/attack", {}, async (page) => {
    const cell = page.locator(".cell:not(.heat-alerts-0)").first();
    const count = Number((await cell.locator(".num").innerText()).replace(",", ""));
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Navigator layer")]);
    assert.match(download.suggestedFilename(), /\.json$/);
    await cell.click();
    await ready(page);
    assert.equal(await total(page), count);
    assert.ok(param(page, "technique"));
  }));

// From here on the program itself is needed, to send more events through its pipeline.
const own = skippable(binary && !given ? false : "TOCSIN is not set, or TOCSIN_CONSOLE_URL is");
const run = (...args) =>
  promisify(execFile)(path.resolve(binary), ["--data", "tocsin-data/demo", ...args], { cwd: folder });

const IMAGE = '<img src=x onerror="window.pwned=1;alert(1)">';
const SCRIPT = "<script>window.pwned=1;alert(1)</script>";

own("live: what is sent appears in the tail; a hostile event is an alert like any other", async () => {
  const lines = readFileSync(new URL("../../examples/attack-chain.jsonl", import.meta.url), "utf8").split(
    "\n",
  );
  const event = JSON.parse(lines.find((line) => line.includes("vssadmin delete shadows")));
  event.Event.System.Computer = IMAGE;
  Object.assign(event.Event.EventData, {
    CommandLine: `vssadmin delete shadows /all /quiet \u202e${SCRIPT}`,
    User: "javascript:alert(1)",
    [IMAGE]: SCRIPT,
  });
  writeFileSync(path.join(folder, "hostile.jsonl"), `${JSON.stringify(event)}\n`);
  await visit(server, "/topics/raw-events?live=1", {}, async (page) => {
    await page.waitForSelector("text=/\\(live\\)/");
    await run("produce", "hostile.jsonl");
    await rows(page).first().waitFor();
    await rows(page).first().locator("a").click();
    assert.ok((await page.locator("aside").innerText()).includes(SCRIPT));
  });
  await run("detect", "--drain", "1");
  const { items } = await ask("/alerts?q=onerror");
  assert.equal(items.length, 1);
  await visit(
    server,
    `/alerts?host=${encodeURIComponent(IMAGE)}&open=${items[0].alert_id}`,
    { refusals: true },
    async (page) => {
      for (const tab of ["event", "why", "rule", "trace", "related", "history"]) {
        await page.click(`[data-tab=${tab}]`);
        await ready(page);
      }
      await page.goto(`${server.url}/alerts/${items[0].alert_id}`);
      await ready(page);
      const shown = await text(page);
      assert.ok(shown.includes(IMAGE) && shown.includes(`U+202E${SCRIPT}`));
      await page.click("button:has-text('False positive')");
      await page.click("text=Mark and draft a filter");
      await page.waitForSelector("dialog >> text=Filter drafted");
    },
  );
});
