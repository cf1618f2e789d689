// SPDX-License-Identifier: Apache-2.0
// What is shipped: its size, and that it needs nothing from elsewhere.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { ready, test, useMock, visit } from "./harness.mjs";

const server = useMock();
const web = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const dist = path.join(web, "dist");
const read = (name) => readFileSync(path.join(dist, name), "utf8");
const KB = 1000;

/** A chunk and all that it imports statically. */
function closure(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const [, next] of read(name).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g))
    closure(`assets/${next}`, seen);
  return seen;
}
const gzip = (names) =>
  [...names].reduce((sum, name) => sum + gzipSync(readFileSync(path.join(dist, name))).length, 0);

test("the first load is at most 300 kB, without the charts", () => {
  const html = read("index.html");
  const linked = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1]);
  const files = new Set(linked.filter((n) => !n.endsWith(".js")));
  for (const entry of linked.filter((n) => n.endsWith(".js"))) closure(entry, files);
  assert.ok(![...files].some((n) => n.includes("charts")), "the charts are loaded later");
  const size = gzip(files);
  console.log(`# first load: ${(size / KB).toFixed(1)} kB gzip in ${files.size} files`);
  assert.ok(size <= 300 * KB, `${size} bytes`);
});

test("everything together stays below 400 kB", () => {
  const size = gzip(readdirSync(path.join(dist, "assets")).map((n) => `assets/${n}`));
  console.log(`# all: ${(size / KB).toFixed(1)} kB gzip`);
  assert.ok(size <= 400 * KB, `${size} bytes`);
});

test("a strict policy suffices: nothing inline, names with hashes", () => {
  const html = read("index.html");
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
  for (const name of readdirSync(path.join(dist, "assets"))) assert.match(name, /-[\w-]{8}\.(js|css)$/);
});

test("the source makes no markup from text", () => {
  const bad =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|\beval\(|new Function\(/;
  const walk = (folder) =>
    readdirSync(folder, { withFileTypes: true }).flatMap((e) => {
      const name = path.join(folder, e.name);
      return e.isDirectory() ? walk(name) : /\.tsx?$/.test(name) ? [name] : [];
    });
  const files = walk(path.join(web, "src"));
  assert.ok(files.length > 40);
  assert.deepEqual(
    files.filter((f) => bad.test(readFileSync(f, "utf8"))),
    [],
  );
});

test("the alerts come without the charts' chunk being waited for", () =>
  visit(server, "/rules", {}, async (page) => {
    const loaded = await page.evaluate(() => performance.getEntriesByType("resource").map((r) => r.name));
    assert.ok(!loaded.some((n) => n.includes("charts-")), "a view without charts does not load them");
    await page.click("nav >> text=Statistics");
    await ready(page);
    await page.waitForSelector("canvas");
  }));
