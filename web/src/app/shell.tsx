// SPDX-License-Identifier: Apache-2.0
// Navigation, top bar and messages around the view.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../components/icon";
import { Popover } from "../components/popover";
import { RangePicker } from "../components/rangepicker";
import { plain, Text } from "../components/text";
import { brief } from "./format";
import { live, liveState } from "./live";
import { dismiss, toasts } from "./notify";
import { href, location } from "./router";
import { match, ROUTES, type Route } from "./routes";
import { logout, may, session } from "./session";
import { chooseTheme, type ThemeChoice, themeChoice } from "./theme";

const GROUPS = ["Detect", "Data", "Operate"] as const;

function Nav({ open, current }: { open: boolean; current: Route | undefined }) {
  const shown = ROUTES.filter((route) => !route.role || may(route.role));
  return (
    <nav class={`nav ${open ? "open" : ""}`} id="nav" aria-label="Views">
      <a class="brand" href={href("/")}>
        <img src="/icon.svg" alt="" width="24" height="24" />
        Tocsin
      </a>
      {GROUPS.map((group) => (
        <div key={group}>
          <div class="nav-group">{group}</div>
          {shown
            .filter((route) => route.group === group)
            .map((route) => (
              <a
                key={route.path}
                class="nav-item"
                href={href(route.path)}
                aria-current={route === current ? "page" : undefined}
              >
                <Icon name={route.icon} />
                {route.title}
              </a>
            ))}
        </div>
      ))}
      <div class="nav-foot">Version {plain(session.value?.version ?? "", 40)}</div>
    </nav>
  );
}

const STATES = { live: "Live", connecting: "Connecting", lost: "Connection lost", paused: "Paused" };

function LiveMark() {
  const state = liveState.value;
  const now = live.value;
  return (
    <span class="live-mark" title={`Live figures: ${STATES[state]}`}>
      <i class={`dot ${state}`} />
      <span class="live-text num">
        {state === "live" && now
          ? `${brief(now.events_per_second)} events/s, lag ${brief(now.lag)}`
          : STATES[state]}
      </span>
    </span>
  );
}

const THEMES: { choice: ThemeChoice; label: string; icon: "sun" | "moon" | "screen" }[] = [
  { choice: "system", label: "As the system", icon: "screen" },
  { choice: "light", label: "Light", icon: "sun" },
  { choice: "dark", label: "Dark", icon: "moon" },
];

function ThemeMenu() {
  const now = THEMES.find((t) => t.choice === themeChoice.value)!;
  return (
    <Popover class="button quiet" label="Theme" toLeft button={<Icon name={now.icon} />}>
      {(close) =>
        THEMES.map((t) => (
          <button
            type="button"
            key={t.choice}
            class={`menu-item ${t === now ? "chosen" : ""}`}
            aria-pressed={t === now}
            onClick={() => {
              chooseTheme(t.choice);
              close();
            }}
          >
            <Icon name={t.icon} /> {t.label}
          </button>
        ))
      }
    </Popover>
  );
}

function UserMenu() {
  const now = session.value;
  if (!now) return null;
  return (
    <Popover class="button quiet" label="User" toLeft button={<Icon name="user" />}>
      {() => (
        <>
          <div class="menu-title">
            <Text value={now.user || "nobody logged in"} max={60} />, {now.role ?? "viewer"}
          </div>
          {may("admin") && (
            <a class="menu-item" href={href("/audit")}>
              <Icon name="audit" /> Audit
            </a>
          )}
          <a class="menu-item" href="/api/v1/openapi.json" target="_blank" rel="noreferrer">
            <Icon name="rules" /> API description
          </a>
          {now.login_required && (
            <button type="button" class="menu-item" onClick={() => void logout()}>
              <Icon name="left" /> Log out
            </button>
          )}
        </>
      )}
    </Popover>
  );
}

function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div class={`banner ${toast.kind}`} key={toast.id}>
          <span class="grow">
            <Text value={toast.text} />
          </span>
          <button
            type="button"
            class="button quiet small"
            aria-label="Dismiss"
            onClick={() => dismiss(toast.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const { path } = location.value;
  const found = match(path);
  useEffect(() => setOpen(false), [path]);
  useEffect(() => {
    document.title = found ? `${found.route.title} - Tocsin` : "Tocsin";
  }, [found?.route]);
  useEffect(() => {
    if (!open) return;
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && setOpen(false);
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [open]);
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the content
      </button>
      <Nav open={open} current={found?.route} />
      {open && (
        <button type="button" class="scrim" aria-label="Close the menu" onClick={() => setOpen(false)} />
      )}
      <header class="top">
        <button
          type="button"
          class="button quiet menu-button"
          aria-label="Menu"
          aria-expanded={open}
          aria-controls="nav"
          onClick={() => setOpen(!open)}
        >
          <Icon name="menu" />
        </button>
        <h1>{found?.route.title ?? "Not found"}</h1>
        <LiveMark />
        {found && !found.route.timeless && <RangePicker />}
        <ThemeMenu />
        <UserMenu />
      </header>
      <main class="main" id="main" tabIndex={-1}>
        {children}
      </main>
      <Toasts />
    </div>
  );
}
