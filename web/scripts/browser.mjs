// SPDX-License-Identifier: Apache-2.0
// Chromium as the tests and the screenshots use it: the distribution's, without a download.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PLACES = [
  process.env.TOCSIN_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

export function launch() {
  const executablePath = PLACES.find((p) => p && existsSync(p));
  if (!executablePath)
    throw new Error("no Chromium here; `apt-get install chromium`, or name one in TOCSIN_CHROMIUM");
  const args = [
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--disable-dev-shm-usage",
    "--disable-lcd-text",
  ];
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  return chromium.launch({ executablePath, args });
}
