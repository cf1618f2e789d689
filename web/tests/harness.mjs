// SPDX-License-Identifier: Apache-2.0
// What the tests share: one browser, a mock for each file, pages that remember everything that went wrong.
import assert from "node:assert/strict";
import { after, before, test as nodeTest } from "node:test";
import { startServer } from "../mock/server.mjs";
import { launch } from "../scripts/browser.mjs";

let launching;
let browser;
/** A test that cannot hang. */
export const test = (name, body) => nodeTest(name, { timeout: 90000 }, body);
/** The same, left out for a reason. */
export const skippable = (skip) => (name, body) => nodeTest(name, { timeout: 90000, skip }, body);
let users = 0;

/** The browser, for the tests of a file; the last file closes it. */
export function useBrowser() {
  users++;
  before(async () => {
    launching ??= launch();
    browser = await launching;
  });
  after(async () => {
    if (--users === 0) await browser.close();
  });
}

/** A mock server for the tests of a file. */
export function useMock(options = {}) {
  const server = {};
  useBrowser();
  before(async () => Object.assign(server, await startServer(options)));
  after(() => server.close?.());
  return server;
}

export const VIEWS = [
  "/",
  "/alerts",
  "/attack",
  "/rules",
  "/topics",
  "/traces",
  "/statistics",
  "/pipeline",
  "/audit",
];

/**
 * Opens a path in a fresh browser context, runs `body`, then asserts that nothing went wrong meanwhile: no error in
 * the page, no violation of the content security policy, no dialog, no request to anywhere else.
 */
export async function visit(server, path, options, body) {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.theme ?? "light",
    timezoneId: "UTC",
    locale: "en-US",
    reducedMotion: "reduce",
    hasTouch: options.touch ?? false,
  });
  const wrong = [];
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (e) =>
      window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`),
    );
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  page.on("dialog", (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A refused request is an error line of the browser; tests that provoke one say so.
    const refused = options.refusals && /Failed to load resource/.test(message.text());
    if (message.type() === "error" && !refused) wrong.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(server.url) && !/^(data|blob):/.test(url))
      wrong.push(`foreign request: ${url.slice(0, 200)}`);
  });
  try {
    await page.goto(server.url + path);
    await ready(page);
    await body(page, wrong);
    wrong.push(...(await page.evaluate(() => window.violations)));
    assert.equal(await page.evaluate(() => window.pwned), undefined, "a script of the data has run");
  } finally {
    await context.close();
  }
  assert.deepEqual(wrong, []);
}

/** Waits until the view has its data: no skeleton is left. */
export async function ready(page) {
  await page.waitForSelector("main, .login");
  await page.waitForFunction(
    () => !document.querySelector(".skeleton, .stale") && document.querySelector("main"),
  );
}

export const rows = (page) => page.locator("tbody tr[data-key]");
export const param = (page, name) => new URL(page.url()).searchParams.get(name);
export const params = (page, name) => new URL(page.url()).searchParams.getAll(name);
export const text = (page) => page.locator("main").innerText();
