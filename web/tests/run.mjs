// SPDX-License-Identifier: Apache-2.0
// Runs the tests of the console in a real browser, one after the other, and counts them.
//
//   node tests/run.mjs [WORD...]      files whose name has one of the words (default: all)
//
// The last line is "N passed, N failed, N skipped". Variables: TOCSIN_CONSOLE_URL, a server to test instead of
// spawning one; TOCSIN, the binary to spawn; without both the live tests are skipped. TOCSIN_CHROMIUM.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

if (process.env.WEB_TESTS_CHILD) {
  for (const file of process.env.WEB_TESTS_CHILD.split(",")) {
    await import(pathToFileURL(path.join(here, file)).href);
  }
} else {
  if (!existsSync(path.join(here, "../dist/index.html"))) {
    console.error("There is no web/dist: `npm run build` first.");
    process.exit(1);
  }
  const words = process.argv.slice(2);
  const files = readdirSync(here)
    .filter((name) => name.endsWith(".test.mjs") && (!words.length || words.some((w) => name.includes(w))))
    .sort();
  const child = spawn(process.execPath, ["--test-reporter=tap", fileURLToPath(import.meta.url)], {
    env: { ...process.env, WEB_TESTS_CHILD: files.join(",") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const counts = { pass: 0, fail: 0, skipped: 0 };
  let rest = "";
  child.stdout.on("data", (data) => {
    rest += data;
    const lines = rest.split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const sum = /^# (pass|fail|skipped) (\d+)$/.exec(line);
      if (sum) counts[sum[1]] = Number(sum[2]);
      // What passed is one line; of what failed everything is shown.
      if (!/^\s*(---|\.\.\.|duration_ms:|type:|# Subtest|TAP version|1\.\.\d+)/.test(line)) console.log(line);
    }
  });
  child.on("close", (status) => {
    if (status && !counts.fail) counts.fail = 1;
    console.log(`${counts.pass} passed, ${counts.fail} failed, ${counts.skipped} skipped`);
    process.exit(counts.fail || !counts.pass ? 1 : 0);
  });
}
