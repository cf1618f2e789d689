// SPDX-License-Identifier: Apache-2.0
// The same numbers in every run.

export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  const hex = (n) => Array.from({ length: n }, () => below(16).toString(16)).join("");
  return {
    next,
    below,
    hex,
    pick: (list) => list[below(list.length)],
    between: (low, high) => low + next() * (high - low),
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
  };
}
