// SPDX-License-Identifier: Apache-2.0
// For everyone: contrast, names, roles, keyboard; on a phone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { ready, rows, test, useMock, VIEWS, visit } from "./harness.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const server = useMock();
const guarded = useMock({ login: true });

async function assertAccessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations
    .filter((v) => ["serious", "critical"].includes(v.impact))
    .map(
      (v) =>
        `${v.id}: ${v.nodes
          .slice(0, 3)
          .map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ""}`)
          .join(" | ")}`,
    );
  assert.deepEqual(serious, []);
}

const alert = () => server.mock.world.alerts.find((a) => a.row.rule.name === "Shadow Copies Deleted").row;
const PLACES = [
  ...VIEWS.map((view) => [view, () => view]),
  ["panel of an alert", () => `/alerts?open=${alert().alert_id}`],
  ["page of an alert", () => `/alerts/${alert().alert_id}`],
  ["groups", () => "/alerts?group=incident"],
  ["coverage", () => "/attack?show=rules"],
  ["messages", () => "/topics/raw-events"],
  ["a trace", () => `/traces/${alert().trace_id}`],
  ["a rule", () => `/rules/${alert().rule.id}`],
  ["a new rule", () => "/rules/new"],
];

for (const [name, path] of PLACES) {
  test(`axe finds nothing serious, light and dark: ${name}`, () =>
    visit(server, path(), { height: 1200 }, async (page) => {
      await assertAccessible(page);
      await page.emulateMedia({ colorScheme: "dark" });
      await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
      await assertAccessible(page);
    }));
}
test("axe finds nothing serious: login", () => visit(guarded, "/", {}, assertAccessible));

for (const [name, path] of PLACES) {
  test(`a phone shows it without scrolling sideways: ${name}`, () =>
    visit(server, path(), { width: 390, height: 844, touch: true }, async (page) => {
      await page.waitForTimeout(150);
      const wide = await page.evaluate(() => {
        const main = document.getElementById("main");
        return [document.documentElement.scrollWidth, main.scrollWidth - main.clientWidth];
      });
      assert.ok(wide[0] <= 390 && wide[1] <= 0, `page ${wide[0]} px, main ${wide[1]} px too wide`);
    }));
}

test("on a phone the views are behind a menu", () =>
  visit(server, "/", { width: 390, height: 844 }, async (page) => {
    assert.equal(await page.locator(".nav").isVisible(), false);
    await page.click("[aria-label=Menu]");
    await page.click("nav >> text=Traces");
    await page.waitForFunction(() => location.pathname === "/traces");
    await page.waitForFunction(
      () => getComputedStyle(document.querySelector(".nav")).visibility === "hidden",
    );
  }));

test("all by keyboard: skip, move along rows, open, tabs, close", () =>
  visit(server, "/alerts", {}, async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await rows(page).first().locator("a").first().focus();
    await page.keyboard.press("ArrowDown");
    const second = await rows(page).nth(1).getAttribute("data-key");
    assert.equal(await page.evaluate(() => document.activeElement.closest("tr").dataset.key), second);
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outline, "solid", "the focus can be seen");
    await page.keyboard.press("Enter");
    await page.waitForSelector("aside [role=tab]");
    await page.focus("[role=tab][aria-selected=true]");
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.getAttribute("[data-tab=why]", "aria-selected"), "true");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("aside"));
  }));

test("menus open, move and close by keyboard", () =>
  visit(server, "/alerts", {}, async (page) => {
    await page.focus(".chip:has-text('Status')");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement.closest(".popover-body"));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.search === "?status=in_progress");
    await ready(page);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(".popover-body").count(), 0);
  }));

test("the theme follows the system until it is chosen, and is remembered", () =>
  visit(server, "/", { theme: "dark" }, async (page) => {
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    assert.equal(await theme(), "dark");
    await page.emulateMedia({ colorScheme: "light" });
    await page.waitForFunction(() => document.documentElement.dataset.theme === "light");
    await page.click("[aria-label=Theme]");
    await page.click(".menu-item:has-text('Dark')");
    assert.equal(await theme(), "dark");
    await page.reload();
    await ready(page);
    assert.equal(await theme(), "dark");
  }));
