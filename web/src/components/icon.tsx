// SPDX-License-Identifier: Apache-2.0
// The console's own icons: strokes on a grid of 16.

const PATHS = {
  overview: "M2 14V8h3v6M6.500 14V2h3v12M11 14V5.500h3V14M1 14h14",
  alerts: "M8 1.800 15 14H1zM8 6v4M8 12v.010",
  attack: "M2 2h3v3H2zM6.500 2h3v3h-3zM11 2h3v3h-3zM2 6.500h3v3H2zM6.500 6.500h3v3h-3zM2 11h3v3H2z",
  topics: "M2 4h12M2 8h12M2 12h12M5 2.500v3M11 6.500v3M7 10.500v3",
  traces: "M2 3h6M4 6.500h8M6 10h5M9 13.500h5",
  rules: "M3 1.500h7l3 3v10H3zM5.500 7h5M5.500 10h5",
  pipeline: "M1.500 6h4v4h-4zM10.500 2h4v4h-4zM10.500 10h4v4h-4zM5.500 8H8M8 8V4h2.500M8 8v4h2.500",
  statistics: "M2 2v12h12M4.500 11l3-4 2.500 2 3.500-5",
  audit:
    "M8 1.500 13.500 4v4c0 3.500-2.500 5.500-5.500 6.500C5 13.500 2.500 11.500 2.500 8V4zM5.500 8l2 2 3-3.500",
  search: "M7 2.200a4.800 4.800 0 1 0 0 9.600 4.800 4.800 0 0 0 0-9.600M10.500 10.500 14 14",
  clock: "M8 1.800a6.200 6.200 0 1 0 0 12.400A6.200 6.200 0 0 0 8 1.800M8 4.500V8l2.500 1.500",
  close: "M3.500 3.500l9 9M12.500 3.500l-9 9",
  menu: "M2 4h12M2 8h12M2 12h12",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
  moon: "M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7z",
  screen: "M1.500 2.500h13v9h-13zM5.500 14h5",
  user: "M8 2a3 3 0 1 0 0 6 3 3 0 0 0 0-6M2.500 14c.5-3 2.500-4.500 5.500-4.500s5 1.500 5.500 4.500",
  chevron: "M4 6l4 4 4-4",
  expand: "M6 2H2v4M10 2h4v4M6 14H2v-4M10 14h4v-4",
  download: "M8 2v8M4.500 7 8 10.500 11.500 7M2 13.500h12",
  upload: "M8 10.500V2.500M4.500 6 8 2.500 11.500 6M2 13.500h12",
  reload: "M13.500 8A5.500 5.500 0 1 1 11.800 4M12 1.500V4.500H9",
  left: "M10 3 5 8l5 5",
  right: "M6 3l5 5-5 5",
  up: "M4 10l4-4 4 4",
  copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
  play: "M4 2.500v11l9-5.500z",
  pause: "M5 3v10M11 3v10",
  check: "M3 8.500 6.500 12 13 4.500",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
