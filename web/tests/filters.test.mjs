// SPDX-License-Identifier: Apache-2.0
// Filters, search, order and range stand in the address, change what is shown, and can be shared.
import assert from "node:assert/strict";

import { param, params, ready, rows, test, text, useMock, visit } from "./harness.mjs";

const server = useMock();
const total = async (page) => Number(/of ([\d,]+) alerts/.exec(await text(page))[1].replace(",", ""));
const expected = (test) => server.mock.world.alerts.filter((a) => test(a.row)).length;

test("chips filter by level, more than one", () =>
  visit(server, "/alerts", {}, async (page) => {
    await page.click(".chip:has-text('Level')");
    await page.click(".menu-item:has-text('Critical')");
    await ready(page);
    assert.deepEqual(params(page, "level"), ["critical"]);
    assert.equal(
      await total(page),
      expected((r) => r.level === "critical"),
    );
    await page.click(".menu-item:has-text('High')");
    await page.waitForFunction(() => location.search.includes("level=high"));
    await ready(page);
    assert.equal(
      await total(page),
      expected((r) => ["critical", "high"].includes(r.level)),
    );
    await page.click("text=Clear filters");
    await ready(page);
    assert.equal(page.url(), `${server.url}/alerts`);
  }));

test("choices of hosts come from the server with their counts", () =>
  visit(server, "/alerts?level=high", {}, async (page) => {
    await page.click(".chip:has-text('Host')");
    const first = page.locator(".popover-body .menu-item").first();
    await first.waitFor();
    const [host, count] = (await first.innerText()).split("\n");
    assert.equal(
      Number(count),
      expected((r) => r.level === "high" && r.host === host),
    );
    await first.click();
    await ready(page);
    assert.equal(param(page, "host"), host);
    assert.equal(await total(page), Number(count));
  }));

test("the search language reaches the server", () =>
  visit(server, "/alerts", {}, async (page) => {
    await page.keyboard.press("/");
    await page.keyboard.type('level:>=high host:DC0* -user:"NT AUTHORITY\\\\SYSTEM"');
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.search.includes("q="));
    await ready(page);
    const fits = (r) =>
      ["high", "critical"].includes(r.level) && r.host.startsWith("DC0") && r.user !== "NT AUTHORITY\\SYSTEM";
    assert.equal(await total(page), expected(fits));
  }));

test("a search that cannot be read says where", () =>
  visit(server, "/alerts?q=level%3A%3E%3Dloud", { refusals: true }, async (page) => {
    assert.match(
      await page.locator(".search-help").innerText(),
      /there is no level 'loud' \(at character 1\)/,
    );
    assert.equal(await page.getAttribute(".search input", "aria-invalid"), "true");
  }));

test("columns sort, both ways", () =>
  visit(server, "/alerts", {}, async (page) => {
    await page.click("th button:has-text('Level')");
    await ready(page);
    assert.equal(param(page, "sort"), "-level");
    assert.equal(await rows(page).first().locator(".level").innerText(), "Critical");
    await page.click("th button:has-text('Level')");
    await ready(page);
    assert.equal(await rows(page).first().locator(".level").innerText(), "Medium");
    assert.equal(await page.locator("th:has-text('Level')").getAttribute("aria-sort"), "ascending");
  }));

test("groups count, and lead to their alerts", () =>
  visit(server, "/alerts", {}, async (page) => {
    await page.selectOption("label:has-text('Group by') select", "host");
    await ready(page);
    assert.equal(param(page, "group"), "host");
    const cells = await rows(page).first().locator("td").allInnerTexts();
    const [host, count] = [cells[1].trim(), Number(cells[2])];
    assert.equal(
      count,
      expected((r) => r.host === host),
    );
    await rows(page).first().locator("a").click();
    await ready(page);
    assert.equal(param(page, "host"), host);
    assert.equal(await total(page), count);
  }));

test("an incident leads to the alerts of its host and its time", () =>
  visit(server, "/alerts?group=incident", {}, async (page) => {
    const cells = await rows(page).first().locator("td").allInnerTexts();
    await rows(page).first().locator("a").click();
    await ready(page);
    assert.equal(await total(page), Number(cells[2]));
    assert.ok(param(page, "from") && param(page, "to"));
  }));

test("many rows: more are loaded at the end, few are in the page", () =>
  visit(server, "/alerts", {}, async (page) => {
    for (let i = 0; i < 3; i++) {
      await page.locator(".table-box").evaluate((box) => box.scrollTo(0, box.scrollHeight));
      await page.waitForFunction(
        (n) => Number(/^(\d+) of/.exec(document.querySelector(".table-foot").innerText)[1]) > n,
        100 * (i + 1),
      );
    }
    assert.ok((await rows(page).count()) < 60, "only the rows in sight are in the page");
    assert.equal(await page.locator("table").getAttribute("aria-rowcount"), "401");
  }));

test("the range picker sets presets and exact times; back goes back", () =>
  visit(server, "/alerts", {}, async (page) => {
    const all = await total(page);
    await page.click(".top .button:has-text('All time')");
    await page.click("text=Last 6 hours");
    await page.waitForFunction(() => location.search === "?from=-6h");
    await ready(page);
    const some = await total(page);
    assert.equal(
      some,
      expected((r) => Date.parse(r.time) >= Date.parse("2026-03-03T06:00:00Z")),
    );
    assert.ok(some < all);
    await page.click(".top .button:has-text('Last 6 hours')");
    await page.fill("input[type=datetime-local] >> nth=0", "2026-03-03T02:00");
    await page.fill("input[type=datetime-local] >> nth=1", "2026-03-03T03:00");
    await page.click("text=Apply");
    await ready(page);
    assert.equal(param(page, "to"), "2026-03-03T03:00:00Z");
    await page.goBack();
    await ready(page);
    assert.equal(await total(page), some);
    await page.click("nav >> text=ATT&CK");
    assert.equal(param(page, "from"), "-6h", "the range goes with the reader");
  }));

test("a shared address opens the same alert in its panel", async () => {
  const row = server.mock.world.alerts.at(-1).row;
  await visit(server, `/alerts?level=${row.level}&open=${row.alert_id}&tab=why`, {}, async (page) => {
    assert.ok((await page.locator("aside").innerText()).includes(row.rule.name));
    assert.equal(await page.getAttribute("[role=tab][data-tab=why]", "aria-selected"), "true");
    await page.keyboard.press("j");
    await page.waitForFunction((id) => !location.search.includes(id), row.alert_id);
    await ready(page);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("aside"));
  });
});

test("a cell of the matrix leads to the alerts it counts", () =>
  visit(server, "/attack", {}, async (page) => {
    const cell = page.locator(".cell:has-text('T1003.006')").first();
    const count = Number((await cell.locator(".num").innerText()).replace(",", ""));
    assert.ok(count > 0);
    await cell.click();
    await ready(page);
    assert.equal(param(page, "technique"), "T1003.006");
    assert.equal(await total(page), count);
  }));

test("rule coverage counts rules; the layer is a download", () =>
  visit(server, "/attack", {}, async (page) => {
    await page.click("text=Rule coverage");
    await page.waitForFunction(() => location.search === "?show=rules");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Navigator layer")]);
    assert.equal(download.suggestedFilename(), "tocsin-layer.json");
    await page.fill(".search input", "T1059.001");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll(".cell").length < 5);
    assert.match(await text(page), /PowerShell/);
  }));

test("rules: search, level, silent ones", () =>
  visit(server, "/rules", {}, async (page) => {
    await page.fill(".search input", "lsass");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.search === "?q=lsass");
    await ready(page);
    const count = await rows(page).count();
    assert.equal(
      count,
      server.mock.world.rules.filter((r) => `${r.title}${r.file}`.toLowerCase().includes("lsass")).length,
    );
    await page.goto(`${server.url}/rules`);
    await ready(page);
    await page.click("text=Never fired");
    await page.waitForFunction(() => location.search === "?show=silent");
    const silent = server.mock.world.rules.filter((r) => r.alerts === 0).length;
    await page.waitForSelector(`text=${silent} of 177 rules`);
  }));

test("messages: filter, jump to an offset, one message", () =>
  visit(server, "/topics/raw-events", {}, async (page) => {
    await page.selectOption("label:has-text('From') select", "offset");
    await page.fill("[aria-label=Offset]", "300000");
    await page.click("text=Jump");
    await page.waitForFunction(() => location.search.includes("at=offset%3A300000"));
    await ready(page);
    assert.match(await rows(page).first().innerText(), /0\/300000/);
    await page.selectOption("label:has-text('Partition') select", "2");
    await page.waitForFunction(() => location.search.includes("partition=2"));
    await ready(page);
    assert.match(await rows(page).nth(1).innerText(), /2\/300001/);
    await page.fill(".search input", "vssadmin");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.search.includes("filter=vssadmin"));
    await ready(page);
    await rows(page).first().locator("a").click();
    const panel = await page.locator("aside").innerText();
    assert.ok(panel.includes("traceparent") && panel.includes("vssadmin"));
  }));

test("the tail follows a topic until it is stopped", () =>
  visit(server, "/topics/raw-events", {}, async (page) => {
    await page.click("text=Live tail");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr[data-key]").length >= 3);
    assert.equal(param(page, "live"), "1");
    await page.click("text=Stop the tail");
    await ready(page);
    assert.equal(param(page, "live"), null);
    assert.match(await text(page), /100 messages, 100 looked at/);
  }));

test("traces: slow ones first, above a limit", () =>
  visit(server, "/traces", {}, async (page) => {
    await page.click("text=Slow");
    await page.waitForFunction(() => location.search === "?sort=-duration");
    await page.click(".chip:has-text('Duration')");
    await page.click("text=over 100 ms");
    await ready(page);
    assert.equal(param(page, "min_ms"), "100");
    const durations = (await page.locator(".duration .num").allInnerTexts()).map((t) => Number.parseFloat(t));
    assert.ok(durations.length > 5 && durations.every((d, i) => d > 100 && (!i || d <= durations[i - 1])));
  }));

test("the audit trail is searched in place", () =>
  visit(server, "/audit?q=rule_disabled", {}, async (page) => {
    const actions = await page.locator("tbody tr[data-key] td:nth-child(4)").allInnerTexts();
    assert.ok(actions.length > 2 && actions.every((a) => a === "rule_disabled"));
  }));
