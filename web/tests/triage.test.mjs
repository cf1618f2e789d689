// SPDX-License-Identifier: Apache-2.0
// Changes: triage, false positives, rules, replay, login; and who may not.
import assert from "node:assert/strict";

import { ready, rows, test, text, useMock, visit } from "./harness.mjs";

const server = useMock();
const guarded = useMock({ login: true, role: "analyst" });
const reader = useMock({ role: "viewer" });
const open = () => server.mock.world.alerts.filter((a) => a.row.status === "new");

test("status, assignee and note are kept, with their history", async () => {
  const alert = open()[0];
  await visit(server, `/alerts?open=${alert.row.alert_id}`, {}, async (page) => {
    await page.fill("aside [aria-label=Note]", "seen on the jump host");
    await page.click("text=Add note");
    await page.waitForSelector("text=Note added");
    await page.click("text=Assign to me");
    await page.waitForSelector("text=Assigned to ana");
    await page.selectOption("aside [aria-label=Status]", "closed");
    await page.waitForSelector("text=Status: Closed");
    await page.click("[role=tab]:has-text('History')");
    const history = await page.locator(".history").innerText();
    assert.match(history, /status: New to Closed/);
    assert.match(history, /seen on the jump host/);
  });
  assert.equal(alert.row.status, "closed");
  assert.equal(alert.row.assignee, "ana");
});

test("many alerts are closed at once, with one note", () =>
  visit(server, "/alerts?status=new", {}, async (page) => {
    const keys = [];
    for (const i of [0, 1, 2]) {
      keys.push(await rows(page).nth(i).getAttribute("data-key"));
      await rows(page).nth(i).locator("input").check();
    }
    assert.match(await page.locator(".bulk").innerText(), /3 selected/);
    await page.selectOption(".bulk select", "closed");
    await page.fill(".bulk input", "penetration test");
    await page.click(".bulk >> text=Set status");
    await page.waitForSelector("text=3 alerts changed");
    for (const key of keys) assert.equal(server.mock.find(key).row.status, "closed");
    await page.waitForFunction((k) => !document.querySelector(`[data-key="${k}"]`), keys[0]);
  }));

test("a false positive drafts a filter of the chosen fields", async () => {
  const alert = open().find((a) => a.alert.tocsin.matched_fields.length >= 2);
  const [first, second] = [...new Set(alert.alert.tocsin.matched_fields.map((m) => m.field))];
  await visit(server, `/alerts/${alert.row.alert_id}`, {}, async (page) => {
    await page.click("button:has-text('False positive')");
    await page.locator("dialog label", { hasText: first }).first().locator("input").uncheck();
    await page.fill("dialog label:has-text('Note') input", "our backup job");
    await page.click("text=Mark and draft a filter");
    await page.waitForSelector("dialog >> text=Filter drafted");
    const draft = await page.locator("dialog .code").innerText();
    assert.ok(draft.includes(`${second}:`) && !draft.includes(`        ${first}:`));
    assert.match(await page.locator("dialog").innerText(), /kept \d+ alerts? from/);
    await page.click("dialog >> text=Done");
  });
  assert.equal(alert.row.status, "false_positive");
});

test("a rule is disabled and enabled again", async () => {
  const rule = server.mock.world.rules.find((r) => r.enabled && r.alerts > 0);
  await visit(server, `/rules?q=${rule.id}`, {}, async (page) => {
    await page.click("tbody input[type=checkbox]");
    await page.waitForSelector("text=Rule disabled");
    assert.equal(rule.enabled, false);
    await ready(page);
    await page.click("tbody input[type=checkbox]");
    await page.waitForSelector("text=Rule enabled");
    assert.equal(rule.enabled, true);
  });
});

test("a new rule is checked while it is written, and saved", () =>
  visit(server, "/rules/new", {}, async (page) => {
    await page.waitForSelector("text=The rule can be used");
    const good = await page.inputValue(".editor textarea");
    await page.fill(".editor textarea", good.replace("CommandLine|contains", "CommandLine|contain"));
    await page.waitForSelector("text=there is no such modifier");
    assert.equal(await page.locator(".editor .line-bad").innerText(), "15");
    assert.ok(await page.locator("button:has-text('Save')").isDisabled());
    await page.click("text=/Line 15:\\d+/");
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "TEXTAREA");
    await page.fill(".editor textarea", good.replace(/title: .*/, "title: Encoded Command Of A Test"));
    await page.waitForSelector("text=The rule can be used");
    await page.click("button:has-text('Save')");
    await page.waitForSelector("h2:has-text('Encoded Command Of A Test')");
  }));

test("a rule is tried on the event that it fired for, and on another", async () => {
  const rule = server.mock.world.rules.find((r) => r.title === "Shadow Copies Deleted");
  await visit(server, `/rules/${rule.id}`, {}, async (page) => {
    await page.click("text=Take its latest event");
    await page.waitForFunction(() => document.querySelector("textarea").value.includes("vssadmin"));
    await page.click("button:has-text('Test')");
    await page.waitForSelector("text=The rule matches");
    assert.match(await page.locator(".why").innerText(), /selection_vssadmin/);
    await page.fill("textarea", '{"EventID": 1}');
    await page.click("button:has-text('Test')");
    await page.waitForSelector("text=The rule does not match");
    await page.fill("textarea", "{no json");
    await page.click("button:has-text('Test')");
    await page.waitForSelector("text=The event is no JSON");
  });
});

test("dead letters are shown with their bytes, and replayed", () =>
  visit(server, "/pipeline?reason=json_syntax", {}, async (page) => {
    const before = server.mock.world.dead.length;
    await rows(page).first().locator("a").click();
    await page.waitForSelector("dialog >> text=unexpected end of input");
    await page.keyboard.press("Escape");
    await rows(page).nth(0).locator("input").check();
    await rows(page).nth(1).locator("input").check();
    await page.click("text=Replay 2");
    await page.waitForSelector("text=2 sent again");
    assert.equal(server.mock.world.dead.length, before - 2);
  }));

test("login: wrong, right, out", () =>
  visit(guarded, "/alerts?level=high", { refusals: true }, async (page) => {
    await page.fill("[name=user]", "ben");
    await page.fill("[name=password]", "guess");
    await page.click("button:has-text('Log in')");
    await page.waitForSelector("text=User or password is wrong");
    await page.fill("[name=password]", "correct horse");
    await page.click("button:has-text('Log in')");
    await page.waitForSelector("tbody tr[data-key]");
    assert.match(page.url(), /level=high$/, "the address that was asked for is shown after the login");
    assert.equal(await page.locator("nav >> text=Audit").count(), 0, "no audit for an analyst");
    await page.click("[aria-label=User]");
    await page.click("text=Log out");
    await page.waitForSelector("text=Log in to Tocsin");
  }));

test("a session that ends leads to the login, not to an error", () =>
  visit(guarded, "/", { refusals: true }, async (page) => {
    await page.fill("[name=user]", "ben");
    await page.fill("[name=password]", "correct horse");
    await page.click("button:has-text('Log in')");
    await page.waitForSelector("text=Open alerts");
    guarded.mock.sessions.clear();
    await page.click("nav >> text=Rules");
    await page.waitForSelector("text=Log in to Tocsin");
  }));

test("a viewer sees everything and is offered no change", () =>
  visit(reader, `/alerts?open=${"x"}`, { refusals: true }, async (page) => {
    const id = reader.mock.world.alerts.at(-1).row.alert_id;
    await page.goto(`${reader.url}/alerts/${id}`);
    await ready(page);
    assert.match(await text(page), /Your role may look, not change/);
    assert.equal(await page.locator("text=False positive").count(), 0);
    await page.goto(`${reader.url}/rules`);
    await ready(page);
    assert.ok(await rows(page).first().locator("input").isDisabled());
    await page.goto(`${reader.url}/audit`);
    await page.waitForSelector("text=This page is for administrators");
  }));
