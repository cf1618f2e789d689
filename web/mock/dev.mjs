// SPDX-License-Identifier: Apache-2.0
// Development: the mock and Vite's server side by side. With TOCSIN_CONSOLE_URL the API is that server's.
import { createServer } from "vite";
import { startServer } from "./server.mjs";

const target = process.env.TOCSIN_CONSOLE_URL ?? (await startServer({ port: 8089 })).url;
const vite = await createServer({ server: { proxy: { "/api": target } } });
await vite.listen();
vite.printUrls();
console.log(`The API is ${target}`);
