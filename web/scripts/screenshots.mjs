// SPDX-License-Identifier: Apache-2.0
// Pictures of the console for README and docs.
//
//   node scripts/screenshots.mjs [--url http://...] [--out DIR] [--only NAME,...] [--all]
//
// Without --url: the mock, whose pictures are the same in every run. Needs `npm run build` before.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { startServer } from "../mock/server.mjs";
import { launch } from "./browser.mjs";

const value = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(value("out") ?? path.join(here, "../../docs/images"));
const only = value("only")?.split(",");
// Those of the docs; --all makes more, to look at.
const DOCS = [
  "overview",
  "alerts-dark",
  "alert",
  "attack",
  "topics",
  "trace",
  "rules",
  "statistics",
  "phone",
];

// What the pictures show: an alert of a telling rule, its trace.
async function choose(url) {
  const get = async (p) => (await fetch(`${url}/api/v1${p}`)).json();
  const { items } = await get("/alerts?q=level%3A%3E%3Dhigh&limit=200");
  const wanted = ["Shadow Copies Deleted", "Office Application Starts A Script Or Shell Host"];
  const alert = wanted.map((w) => items.find((i) => i.rule.name === w)).find(Boolean) ?? items[0];
  return alert;
}

const shots = (alert) => [
  { name: "console-overview", to: "/", wait: 4500 },
  { name: "console-overview-dark", to: "/", dark: true, wait: 4500 },
  { name: "console-alerts", to: `/alerts?q=level%3A%3E%3Dmedium&open=${alert.alert_id}` },
  {
    name: "console-alerts-dark",
    to: `/alerts?q=level%3A%3E%3Dmedium&open=${alert.alert_id}&tab=why`,
    dark: true,
  },
  { name: "console-alert", to: `/alerts/${alert.alert_id}`, height: 1200 },
  { name: "console-incidents", to: "/alerts?group=incident" },
  { name: "console-attack", to: "/attack", dark: true },
  { name: "console-coverage", to: "/attack?show=rules" },
  { name: "console-topics", to: "/topics" },
  { name: "console-messages", to: "/topics/raw-events", click: "tbody tr:nth-child(3)" },
  { name: "console-traces", to: "/traces?sort=-duration", dark: true },
  {
    name: "console-trace",
    to: `/traces/${alert.trace_id}`,
    dark: true,
    height: 560,
    click: ".wf-row:has-text('classify_event')",
  },
  { name: "console-rules", to: "/rules?sort=-alerts" },
  { name: "console-rule", to: `/rules/${alert.rule.id}`, height: 1200 },
  { name: "console-new-rule", to: "/rules/new" },
  { name: "console-pipeline", to: "/pipeline", height: 1000 },
  { name: "console-statistics", to: "/statistics", height: 1180 },
  { name: "console-audit", to: "/audit" },
  { name: "console-phone", to: "/alerts", width: 390, height: 844 },
  { name: "console-phone-overview", to: "/", width: 390, height: 844, wait: 3500 },
  { name: "console-phone-panel", to: `/alerts?open=${alert.alert_id}`, width: 390, height: 844 },
  { name: "console-phone-attack", to: "/attack", width: 390, height: 844 },
  { name: "console-phone-topics", to: "/topics", width: 390, height: 844 },
  { name: "console-phone-alert", to: `/alerts/${alert.alert_id}`, width: 390, height: 844 },
];

const mock = value("url") ? null : await startServer({});
const url = (value("url") ?? mock.url).replace(/\/$/, "");
const browser = await launch();
mkdirSync(out, { recursive: true });
for (const shot of shots(await choose(url))) {
  const wanted =
    only ?? (process.argv.includes("--all") ? [shot.name] : DOCS.map((name) => `console-${name}`));
  if (!wanted.includes(shot.name)) continue;
  const context = await browser.newContext({
    viewport: { width: shot.width ?? 1440, height: shot.height ?? 900 },
    colorScheme: shot.dark ? "dark" : "light",
    timezoneId: "UTC",
    locale: "en-US",
  });
  const page = await context.newPage();
  await page.goto(url + shot.to);
  await page.waitForSelector("main :is(.card, .notice, .matrix)");
  await page.waitForFunction(() => !document.querySelector(".skeleton"), undefined, { timeout: 15000 });
  if (shot.click) await page.click(shot.click);
  await page.waitForTimeout(shot.wait ?? 900);
  const file = path.join(out, `${shot.name}.png`);
  await page.screenshot({ path: file });
  // A third of the size, where the tool is there.
  spawnSync("pngquant", ["--force", "--skip-if-larger", "--quality=80-98", "--output", file, file]);
  console.log(shot.name);
  await context.close();
}
await browser.close();
await mock?.close();
