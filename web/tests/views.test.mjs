// SPDX-License-Identifier: Apache-2.0
// Every view shows what it is for; states that are not the usual one are told.
import assert from "node:assert/strict";

import { ready, rows, test, text, useMock, VIEWS, visit } from "./harness.mjs";

const server = useMock();

const CONTENT = {
  "/": [
    "Events per second",
    "Open alerts",
    "Alerts by tactic over time",
    "PowerShell With An Encoded Command",
    "NT AUTHORITY",
  ],
  "/alerts": ["Time (UTC)", "of 630 alerts", "example.test", "Medium"],
  "/attack": ["Credential Access", "T1003.001", "LSASS Memory", "Navigator layer"],
  "/rules": ["177 of 177 rules", "windows / process_creation", "ns/event"],
  "/topics": ["raw-events", "dead-letter", "tocsin-detect", "15,230"],
  "/traces": ["Bottleneck: write_csv", "classify_event", "(waiting in topic)"],
  "/statistics": ["Confusion matrix", "Precision", "0.943", "Latency p99"],
  "/pipeline": ["collector-1", "opensearch-1", "lagging", "verdicts.csv", "json_syntax"],
  "/audit": ["rule_disabled", "10.20.0."],
};

for (const view of VIEWS) {
  test(`view ${view} has its content`, () =>
    visit(server, view, { height: 1600 }, async (page) => {
      const shown = await text(page);
      for (const wanted of CONTENT[view]) assert.ok(shown.includes(wanted), `${view} shows no '${wanted}'`);
      assert.equal(await page.locator("nav [aria-current=page]").count(), 1);
      assert.match(await page.title(), / - Tocsin$/);
    }));
}

test("charts are drawn, and named for those who do not see them", () =>
  visit(server, "/", {}, async (page) => {
    await page.waitForSelector(".chart canvas");
    const label = await page.locator(".chart").first().getAttribute("aria-label");
    assert.match(label, /Alerts by tactic over time: .*Discovery \d+/);
  }));

test("the live figures change without reloading", () =>
  visit(server, "/", {}, async (page) => {
    const first = await page.locator(".live-mark").innerText();
    await page.waitForFunction((old) => document.querySelector(".live-mark").innerText !== old, first);
    assert.match(await page.locator(".live-mark").innerText(), /events\/s, lag/);
  }));

test("an alert that is raised appears on the overview and is announced in the list", () =>
  visit(server, "/", {}, async (page) => {
    await page.waitForFunction(() => /lag/.test(document.querySelector(".live-mark").innerText));
    const row = server.mock.raise(5);
    await page.waitForSelector(`.latest a[href="/alerts/${row.alert_id}"]`);
    await page.click("nav >> text=Alerts");
    await ready(page);
    const before = await page.locator(".table-foot").innerText();
    server.mock.raise(6);
    await page.click("text=1 new alert, show");
    await page.waitForFunction((old) => document.querySelector(".table-foot").innerText !== old, before);
  }));

test("the page of an alert tells event, reason, rule, trace and neighbours", async () => {
  const alert = server.mock.world.alerts.find((a) => a.row.rule.name === "Shadow Copies Deleted").row;
  await visit(server, `/alerts/${alert.alert_id}`, { height: 3000 }, async (page) => {
    const shown = await text(page);
    for (const wanted of [
      "Shadow Copies Deleted",
      "vssadmin delete shadows",
      "selection_vssadmin",
      "waiting in topic",
      "write_sqlite",
      "condition: 1 of selection_*",
      "Why it matched",
    ]) {
      assert.ok(shown.includes(wanted), `no '${wanted}'`);
    }
    assert.equal(await page.locator(".json .hit").count(), 1, "the matched field is marked in the event");
    const link = page.locator('a[href="https://attack.mitre.org/techniques/T1490/"]').first();
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer external");
    await page.click(".wf-row:has-text('classify_event')");
    assert.match(await page.locator(".wf-detail").innerText(), /threat\.technique\.id\s+T1490/);
  });
});

test("a trace is found by event id; the long wait can be shortened", async () => {
  const alert = server.mock.world.alerts[3].row;
  await visit(server, `/traces/${alert.event_id}`, {}, async (page) => {
    const width = async () => (await page.locator(".wf-wait").boundingBox()).width;
    const short = await width();
    await page.click("text=Shorten the wait");
    assert.ok((await width()) > 2 * short, "the wait takes its true share");
  });
});

test("what is not there is told as such", () =>
  visit(server, "/alerts/no-such-alert", { refusals: true }, async (page) => {
    assert.match(await text(page), /Not found[\s\S]*there is no alert no-such-alert/);
    await page.goto(`${server.url}/nowhere`);
    await page.waitForSelector("text=There is no such page");
  }));

test("a server that fails is named with its cause, and asked again", () =>
  visit(server, "/statistics", { refusals: true }, async (page) => {
    const { Refusal } = await import("../mock/answers.mjs");
    server.mock.fail = { statistics: new Refusal(503, "unavailable", "the store is being rebuilt") };
    await page.reload();
    await page.waitForSelector("[role=alert] >> text=the store is being rebuilt");
    server.mock.fail = undefined;
    await page.click("text=Try again");
    await page.waitForSelector("text=Confusion matrix");
  }));

test("a range without events teaches what to do", () =>
  visit(server, "/alerts?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z", {}, async (page) => {
    assert.match(await text(page), /No alert fits[\s\S]*longer time range/);
    assert.equal(await rows(page).count(), 0);
  }));
