// SPDX-License-Identifier: Apache-2.0
// The mock by hand: node mock/main.mjs [--port N] [--hostile] [--login] [--api http://...] [--role viewer|analyst|admin]
import { startServer } from "./server.mjs";

const flag = (name) => process.argv.includes(`--${name}`);
const value = (name, otherwise) =>
  flag(name) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : otherwise;
const server = await startServer({
  port: Number(value("port", 8089)),
  hostile: flag("hostile"),
  login: flag("login"),
  api: value("api", undefined),
  role: value("role", "admin"),
});
console.log(
  `The mock answers at ${server.url}${flag("login") ? " (any user, password: correct horse)" : ""}`,
);
