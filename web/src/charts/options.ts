// SPDX-License-Identifier: Apache-2.0
// The few kinds of charts there are.
import type { EChartsCoreOption } from "echarts/core";
import { brief, count, tick, time } from "../app/format";
import { plain } from "../components/text";
import type { Colours } from "./palette";

export interface Series {
  name: string;
  colour: string;
  /** [milliseconds, value], in the order of time. */
  points: [number, number][];
}

interface TipItem {
  seriesName: string;
  value: [number, number];
  marker: string;
}

function base(c: Colours) {
  return {
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif", color: c.muted },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: c.raised,
      borderColor: c.line,
      borderWidth: 1,
      padding: [8, 10],
      textStyle: { color: c.text, fontSize: 12, lineHeight: 17 },
      axisPointer: { type: "line", lineStyle: { color: c.muted, width: 1 } },
    },
  };
}

const axis = (c: Colours) => ({
  axisLine: { lineStyle: { color: c.line } },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: c.line, width: 1 } },
  axisLabel: { color: c.muted, fontSize: 11, hideOverlap: true },
});

export interface TimeOptions {
  /** Columns that stand on each other, lines, or lines with their area filled. */
  kind: "stack" | "line" | "area";
  series: Series[];
  format?: (value: number) => string;
  /** Without axes' labels: a small one above a table. */
  small?: boolean;
  bucketMs?: number;
}

export function overTime(o: TimeOptions): (c: Colours) => EChartsCoreOption {
  const format = o.format ?? brief;
  const times = o.series[0]?.points ?? [];
  const short = times.length > 1 && times[times.length - 1][0] - times[0][0] < 10 * 60e3;
  return (c) => ({
    ...base(c),
    tooltip: {
      ...base(c).tooltip,
      formatter: (items: TipItem[]) => {
        const shown = items.filter((item) => item.value[1] > 0 || o.kind === "line");
        shown.sort((a, b) => b.value[1] - a.value[1]);
        const lines = shown
          .slice(0, 12)
          .map((i) => `${i.marker} ${plain(i.seriesName, 60)}  ${format(i.value[1])}`);
        return [`${time(new Date(items[0].value[0]).toISOString())} UTC`, ...lines].join("\n");
      },
    },
    grid: o.small
      ? { left: 4, right: 4, top: 4, bottom: 18, containLabel: false }
      : { left: 8, right: 12, top: 10, bottom: 4, containLabel: true },
    xAxis: {
      type: "time",
      ...axis(c),
      splitLine: { show: false },
      splitNumber: short ? 4 : 8,
      axisLabel: { ...axis(c).axisLabel, formatter: (ms: number) => tick(ms, short) },
    },
    yAxis: {
      type: "value",
      ...axis(c),
      show: !o.small,
      minInterval: o.kind === "stack" ? 1 : undefined,
      splitNumber: 3,
      axisLine: { show: false },
      axisLabel: { ...axis(c).axisLabel, formatter: format },
    },
    useUTC: true,
    series: o.series.map((s) => ({
      name: s.name,
      type: o.kind === "stack" ? "bar" : "line",
      stack: o.kind === "stack" ? "all" : undefined,
      data: s.points,
      showSymbol: false,
      barCategoryGap: "18%",
      barMaxWidth: 26,
      barMinWidth: 1,
      itemStyle: { color: s.colour },
      lineStyle: { width: 1.6, color: s.colour },
      areaStyle: o.kind === "area" ? { color: s.colour, opacity: 0.14 } : undefined,
      emphasis: { disabled: true },
    })),
  });
}

/** Columns of figures on a scale of logarithms: percentiles, stages. */
export function columns(
  names: string[],
  series: { name: string; colour: string; values: number[] }[],
  format: (value: number) => string,
): (c: Colours) => EChartsCoreOption {
  return (c) => ({
    ...base(c),
    tooltip: {
      ...base(c).tooltip,
      axisPointer: { type: "shadow" },
      formatter: (items: { name: string; seriesName: string; value: number; marker: string }[]) =>
        [
          plain(items[0].name, 80),
          ...items.map((i) => `${i.marker} ${i.seriesName}  ${format(i.value)}`),
        ].join("\n"),
    },
    legend: {
      top: 0,
      right: 0,
      itemWidth: 9,
      itemHeight: 9,
      icon: "roundRect",
      textStyle: { color: c.muted, fontSize: 12 },
      show: series.length > 1,
    },
    grid: { left: 8, right: 12, top: series.length > 1 ? 30 : 10, bottom: 4, containLabel: true },
    xAxis: {
      type: "value",
      ...axis(c),
      axisLabel: { ...axis(c).axisLabel, formatter: format },
      splitNumber: 4,
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: names.map((name) => plain(name, 60)),
      ...axis(c),
      axisLabel: { color: c.text, fontSize: 12, width: 170, overflow: "truncate" },
    },
    series: series.map((s) => ({
      name: s.name,
      type: "bar",
      data: s.values,
      barMaxWidth: 14,
      itemStyle: { color: s.colour },
      emphasis: { disabled: true },
      label: {
        show: series.length === 1,
        position: "right",
        color: c.muted,
        fontSize: 11,
        formatter: (i: { value: number }) => (format === brief ? count(i.value) : format(i.value)),
      },
    })),
  });
}
