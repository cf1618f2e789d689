// SPDX-License-Identifier: Apache-2.0
// Colours of charts: text and lines from the theme, series from fixed lists.
import type { Level } from "../api/types";
import { TACTICS } from "../app/format";
import { theme } from "../app/theme";

export interface Colours {
  text: string;
  muted: string;
  line: string;
  surface: string;
  raised: string;
  accent: string;
  levels: Record<Level, string>;
}

export function colours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of("text"),
    muted: of("muted"),
    line: of("line"),
    surface: of("surface"),
    raised: of("raised"),
    accent: of("accent"),
    levels: {
      critical: of("critical-fill"),
      high: of("high-fill"),
      medium: of("medium-fill"),
      low: of("low-fill"),
      informational: of("informational-fill"),
    },
  };
}

// In the order of the kill chain; neighbours differ in hue or in lightness.
const LIGHT = [
  "#8a94a3",
  "#b0a08a",
  "#3f7fc4",
  "#e08a2e",
  "#4d9a5b",
  "#b84a62",
  "#7a5fb0",
  "#c9a227",
  "#c4453c",
  "#3a9aa5",
  "#6b8fd6",
  "#a2687f",
  "#5f7f3a",
  "#d07bb5",
  "#8c2f39",
];
const DARK = [
  "#8793a5",
  "#b8a88f",
  "#5c9ee6",
  "#eea04a",
  "#62b573",
  "#d9667e",
  "#9a80d4",
  "#dcb844",
  "#e4655b",
  "#53b6c1",
  "#8aa9ea",
  "#c0859b",
  "#87a85c",
  "#e296ca",
  "#b0525c",
];
export function tacticColour(slug: string): string {
  const list = theme.value === "dark" ? DARK : LIGHT;
  const at = TACTICS.indexOf(slug);
  return list[Math.max(0, at)];
}
export const seriesColour = (index: number) => (theme.value === "dark" ? DARK : LIGHT)[(index * 2 + 2) % 15];
