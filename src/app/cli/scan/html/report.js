// SPDX-License-Identifier: Apache-2.0
// The table of alerts: search, filters, sorting, pages. Text from logs enters the page as text nodes only.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const LEVELS = ["informational", "low", "medium", "high", "critical"];
  const KINDS = ["info", "low", "medium", "high", "critical"];
  const PAGE = 100;
  const [TIME, LEVEL, RULE, HOST, CHANNEL, CODE, FILE, LINE, RECORD, USER, FIELDS] = [...Array(11).keys()];
  const state = { text: "", levels: new Set([0, 1, 2, 3, 4]), tactic: null, host: null, rule: null, from: null, to: null, sort: "time", down: false, page: 0 };

  // make("td", {class: "n"}, "text", child, ...)
  const make = (name, attributes, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
    for (const child of children) node.append(child);
    return node;
  };
  // Controls and characters that turn the reading order are shown as a sign.
  const clean = (text) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, "\ufffd");
  const when = (ms) => ms === null ? "\u2013" : new Date(ms).toISOString().replace("T", " ").replace("Z", "");
  const rule = (row) => data.rules[row[RULE]];
  const place = (row) => data.files[row[FILE]] + (row[LINE] ? ":" + row[LINE] : "") + (row[RECORD] ? " #" + row[RECORD] : "");
  const fields = (row) => {
    const out = [];
    for (let i = 0; i < row[FIELDS].length; i += 2) out.push((row[FIELDS][i] ? row[FIELDS][i] + ": " : "") + row[FIELDS][i + 1]);
    return out;
  };
  const haystacks = new Map();
  const haystack = (row) => {
    let text = haystacks.get(row);
    if (text === undefined) {
      text = [rule(row).title, rule(row).id, rule(row).tactics.join(" "), rule(row).techniques.join(" "), data.hosts[row[HOST]],
        data.channels[row[CHANNEL]], row[CODE], place(row), row[USER], when(row[TIME]), ...row[FIELDS]].join("\n").toLowerCase();
      haystacks.set(row, text);
    }
    return text;
  };

  const columns = [
    { key: "time", title: "Time (UTC)", value: (r) => r[TIME] === null ? Infinity : r[TIME] },
    { key: "level", title: "Level", value: (r) => r[LEVEL] },
    { key: "rule", title: "Rule", value: (r) => rule(r).title.toLowerCase() },
    { key: "tactic", title: "Tactic", value: (r) => rule(r).tactics.join(" ") },
    { key: "host", title: "Host", value: (r) => data.hosts[r[HOST]].toLowerCase() },
    { key: "event", title: "Event", value: (r) => data.channels[r[CHANNEL]] + String(r[CODE]).padStart(6) },
    { key: "fields", title: "Matched fields", value: (r) => fields(r).join(" ") },
    { key: "file", title: "File", value: (r) => data.files[r[FILE]] + String(r[LINE] || r[RECORD]).padStart(12) },
  ];

  let found = [];
  const select = () => {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    found = data.rows.filter((r) =>
      state.levels.has(r[LEVEL]) &&
      (state.host === null || data.hosts[r[HOST]] === state.host) &&
      (state.rule === null || rule(r).id === state.rule) &&
      (state.tactic === null || (state.tactic === "" ? rule(r).tactics.length === 0 : rule(r).tactics.includes(state.tactic))) &&
      (state.from === null || (r[TIME] !== null && r[TIME] >= state.from && r[TIME] < state.to)) &&
      words.every((word) => haystack(r).includes(word)));
    const { value } = columns.find((c) => c.key === state.sort);
    const keyed = found.map((row, at) => [value(row), at, row]);
    const sign = state.down ? -1 : 1;
    keyed.sort((a, b) => a[0] < b[0] ? -sign : a[0] > b[0] ? sign : a[1] - b[1]);
    found = keyed.map((k) => k[2]);
  };

  const badge = (level) => make("span", { class: "badge " + KINDS[level] }, LEVELS[level]);
  const details = (row) => {
    const list = make("dl");
    const add = (name, value) => { if (value) list.append(make("dt", null, clean(name)), make("dd", null, clean(String(value)))); };
    for (let i = 0; i < row[FIELDS].length; i += 2) add(row[FIELDS][i] || "(any field)", row[FIELDS][i + 1]);
    add("user", row[USER]);
    add("techniques", rule(row).techniques.join(", "));
    add("rule id", rule(row).id);
    add("channel", data.channels[row[CHANNEL]]);
    add("file", data.files[row[FILE]]);
    add("line", row[LINE]);
    add("record id", row[RECORD]);
    return list;
  };
  const draw_row = (row) => {
    const channel = data.channels[row[CHANNEL]].replace(/^Microsoft-Windows-/, "").replace(/\/Operational$/, "");
    const tr = make("tr", { class: "row", tabindex: "0" },
      make("td", { class: "t" }, when(row[TIME])),
      make("td", null, badge(row[LEVEL])),
      make("td", null, clean(rule(row).title)),
      make("td", null, rule(row).tactics.join(", ")),
      make("td", null, clean(data.hosts[row[HOST]])),
      make("td", null, clean(channel + " " + row[CODE])),
      make("td", { class: "fields" }, make("div", { class: "clip" }, clean(fields(row).join(" | ")).slice(0, 400))),
      make("td", { class: "place" }, clean(place(row))));
    const toggle = () => {
      if (tr.nextSibling && tr.nextSibling.className === "more") tr.nextSibling.remove();
      else tr.after(make("tr", { class: "more" }, make("td", { colspan: String(columns.length) }, details(row))));
    };
    tr.addEventListener("click", () => { if (!String(getSelection())) toggle(); });
    tr.addEventListener("keydown", (e) => { if (e.key === "Enter") toggle(); });
    return tr;
  };

  const table = document.getElementById("table");
  const pager = document.getElementById("pager");
  const draw = () => {
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    state.page = Math.min(state.page, pages - 1);
    const head = make("tr");
    for (const column of columns) {
      const th = make("th", { scope: "col", tabindex: "0" }, column.title);
      if (column.key === state.sort) th.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      const sort = () => {
        state.down = column.key === state.sort ? !state.down : column.key === "level";
        state.sort = column.key;
        update();
      };
      th.addEventListener("click", sort);
      th.addEventListener("keydown", (e) => { if (e.key === "Enter") sort(); });
      head.append(th);
    }
    const body = make("tbody");
    for (const row of found.slice(state.page * PAGE, (state.page + 1) * PAGE)) body.append(draw_row(row));
    table.replaceChildren(make("thead", null, head), body);
    const step = (text, by, dead) => {
      const button = make("button", { type: "button" }, text);
      button.disabled = dead;
      button.addEventListener("click", () => { state.page += by; draw(); document.getElementById("alerts").scrollIntoView(); });
      return button;
    };
    pager.replaceChildren(step("Previous", -1, state.page === 0), step("Next", 1, state.page >= pages - 1),
      `${found.length.toLocaleString("en")} alerts, page ${state.page + 1} of ${pages}`);
  };

  const controls = document.getElementById("controls");
  const search = make("input", { type: "search", placeholder: "Search in all columns and matched fields", "aria-label": "search" });
  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { state.text = search.value; update(); }, 150); });
  const chips = LEVELS.map((name, level) => {
    const count = data.rows.reduce((n, r) => n + (r[LEVEL] === level), 0);
    const chip = make("button", { type: "button", class: "chip on", "aria-pressed": "true" }, badge(level), count.toLocaleString("en"));
    chip.addEventListener("click", () => {
      if (!state.levels.delete(level)) state.levels.add(level);
      update();
    });
    return chip;
  });
  const choice = (title, key, options) => {
    const node = make("select", { "aria-label": title }, make("option", { value: "" }, title));
    options.forEach(([text], i) => node.append(make("option", { value: String(i + 1) }, clean(text || "(none)"))));
    node.addEventListener("change", () => { state[key] = node.value ? options[node.value - 1][1] : null; update(); });
    node.show = () => { node.value = state[key] === null ? "" : String(options.findIndex((o) => o[1] === state[key]) + 1); };
    return node;
  };
  const sorted = (list) => list.sort((a, b) => a[0] < b[0] ? -1 : 1);
  const tactics = [...new Set(data.rules.flatMap((r) => r.tactics.length ? r.tactics : [""]))];
  const choices = [
    choice("All tactics", "tactic", sorted(tactics.map((t) => [t, t]))),
    choice("All hosts", "host", sorted(data.hosts.map((h) => [h, h]))),
    choice("All rules", "rule", sorted(data.rules.map((r) => [r.title, r.id]))),
  ];
  const clear = make("button", { type: "button", class: "clear" }, "Clear filters");
  clear.addEventListener("click", () => {
    Object.assign(state, { text: "", levels: new Set([0, 1, 2, 3, 4]), tactic: null, host: null, rule: null, from: null, to: null });
    search.value = "";
    update();
  });
  controls.append(search, ...chips.reverse(), ...choices, clear);
  chips.reverse();

  const update = () => {
    state.page = 0;
    chips.forEach((chip, level) => {
      chip.classList.toggle("on", state.levels.has(level));
      chip.setAttribute("aria-pressed", String(state.levels.has(level)));
    });
    choices.forEach((c) => c.show());
    for (const bar of document.querySelectorAll(".bar")) bar.classList.toggle("on", Number(bar.dataset.from) === state.from);
    select();
    draw();
  };
  const jump = (change) => {
    Object.assign(state, change);
    update();
    document.getElementById("alerts").scrollIntoView({ behavior: "smooth" });
  };
  for (const node of document.querySelectorAll("[data-tactic]")) node.addEventListener("click", () => jump({ tactic: node.dataset.tactic }));
  for (const node of document.querySelectorAll("[data-rule]")) node.addEventListener("click", () => jump({ rule: node.dataset.rule }));
  for (const node of document.querySelectorAll("[data-host]")) node.addEventListener("click", () => jump({ host: node.dataset.host }));
  for (const bar of document.querySelectorAll(".bar")) {
    const pick = () => state.from === Number(bar.dataset.from) ? jump({ from: null, to: null }) : jump({ from: Number(bar.dataset.from), to: Number(bar.dataset.to) });
    bar.addEventListener("click", pick);
    bar.addEventListener("keydown", (e) => { if (e.key === "Enter") pick(); });
  }
  update();
})();
