// SPDX-License-Identifier: Apache-2.0
// Events are written by attackers: nothing of them may run, load, navigate or deceive.
import assert from "node:assert/strict";

import { HOSTILE } from "../mock/hostile.mjs";
import { ready, rows, test, useMock, VIEWS, visit } from "./harness.mjs";

const server = useMock({ hostile: true });
const hostile = () => server.mock.world.alerts.filter((a) => a.hostile !== undefined);

/** What markup of the data would have left in the page. */
async function assertInert(page) {
  const found = await page.evaluate(() => {
    const out = [];
    for (const node of document.querySelectorAll(
      "script, iframe, object, embed, link, style, base, form, math, a, img, [onload], [onerror], [srcdoc]",
    )) {
      const tag = node.tagName.toLowerCase();
      const url = node.getAttribute("href") ?? node.getAttribute("src") ?? "";
      if (["iframe", "object", "embed", "base", "math", "style"].includes(tag)) out.push(tag);
      if ((tag === "script" || tag === "link") && !/^\/(assets|icon)/.test(url)) out.push(`${tag} ${url}`);
      if (tag === "img" && url !== "/icon.svg") out.push(`img ${url}`);
      if (tag === "a" && !/^(\/(?!\/)|https:\/\/)/.test(url)) out.push(`a ${url.slice(0, 80)}`);
      for (const { name } of node.attributes)
        if (name.startsWith("on") || name === "srcdoc") out.push(`${tag} ${name}`);
    }
    return out;
  });
  assert.deepEqual(found, []);
}

for (const view of VIEWS) {
  test(`hostile data in ${view}`, () =>
    visit(server, view, { height: 1200 }, async (page) => {
      await assertInert(page);
    }));
}

HOSTILE.forEach((bad, i) => {
  const name = JSON.stringify(bad.slice(0, 60)).replace(/[^ -~]|#/g, "?");
  test(`hostile alert ${i}, panel with every part and page: ${name}`, async () => {
    const alert = hostile()[i];
    const id = alert.row.alert_id;
    await visit(server, `/alerts?q=hostile&open=${id}`, { height: 1000 }, async (page) => {
      for (const tab of ["event", "why", "rule", "trace", "related", "history"]) {
        await page.click(`[data-tab=${tab}]`);
        await ready(page);
        await assertInert(page);
      }
      await page.goto(`${server.url}/alerts/${id}`);
      await ready(page);
      await assertInert(page);
      // Nothing is lost either: the text stands there as text.
      if (/^[\x20-\x7e]{1,400}$/.test(bad)) {
        assert.ok((await page.locator(".alert-title").innerText()).includes(bad.replace(/\s+/g, " ")));
      }
    });
  });
});

test("characters that turn or hide text are shown by their code", async () => {
  const alert = hostile().find((a) => a.hostile.startsWith("invoice"));
  await visit(server, `/alerts/${alert.row.alert_id}`, {}, async (page) => {
    assert.equal(await page.locator(".alert-title").innerText(), "invoiceU+202Efdp.exe");
    const turned = await page.evaluate(() => {
      const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      let all = "";
      while (walk.nextNode()) all += walk.currentNode.data;
      for (const node of document.querySelectorAll("[title],[aria-label]"))
        all += (node.title ?? "") + (node.getAttribute("aria-label") ?? "");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
      return /[\u0000-\u0008\u000e-\u001f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/.test(all);
    });
    assert.equal(turned, false, "no such character is left in the page");
  });
});

test("huge strings do not stop the page", async () => {
  const alert = hostile().find((a) => a.hostile.length >= 200000);
  await visit(server, `/alerts/${alert.row.alert_id}`, {}, async (page) => {
    const length = await page.evaluate(() => document.body.innerText.length);
    assert.ok(length < 200000, `${length} characters are in the page`);
    assert.ok(await page.evaluate(() => document.querySelector("main").scrollWidth <= innerWidth));
  });
});

test("hostile groups, choices, messages, rules, letters", () =>
  visit(server, "/alerts?group=host", {}, async (page) => {
    await assertInert(page);
    await page.click(".chip:has-text('Rule')");
    await page.waitForSelector(".popover-body .menu-item");
    await assertInert(page);
    await page.goto(`${server.url}/topics/alerts?filter=pwned`);
    await ready(page);
    await rows(page).first().locator("a").click();
    await assertInert(page);
    await page.click("aside >> text=Raw");
    await assertInert(page);
    await page.goto(`${server.url}/rules/${server.mock.world.rules[0].id}`);
    await ready(page);
    await assertInert(page);
    for (const letter of server.mock.world.dead.slice(0, HOSTILE.length)) {
      await page.goto(`${server.url}/pipeline?letter=${letter.partition}/${letter.offset}`);
      await page.waitForSelector("dialog[open]");
      await assertInert(page);
    }
  }));

test("hostile addresses: parameters are data, too", async () => {
  for (const bad of HOSTILE.slice(0, 8)) {
    const q = encodeURIComponent(bad);
    await visit(server, `/alerts?host=${q}&tab=${q}&sort=-time`, { refusals: true }, assertInert);
    await visit(server, `/traces/${q}`, { refusals: true }, assertInert);
    await visit(server, `/attack?q=${q}&show=${q}&from=${q}`, { refusals: true }, assertInert);
  }
});
