// SPDX-License-Identifier: Apache-2.0
// One chart: options in, canvas out. Drawn again when the data, the theme or the size change.
//
// Tooltips are drawn into the canvas ("richText"): no markup is made from data.
import type { EChartsCoreOption, EChartsType } from "echarts/core";
import { useEffect, useRef, useState } from "preact/hooks";
import { theme } from "../app/theme";
import { type Colours, colours } from "./palette";

export interface ChartProps {
  /** For those who do not see it: what it shows, with its main figures. */
  label: string;
  height: number;
  option: (colours: Colours) => EChartsCoreOption;
  /** Changes when the option must be made anew. */
  of: unknown;
  onClick?: (at: { name: string; seriesName?: string; dataIndex: number }) => void;
}

export function Chart({ label, height, option, of, onClick }: ChartProps) {
  const node = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const click = useRef(onClick);
  click.current = onClick;
  const [ready, setReady] = useState(false);
  const [failed, setFailed] = useState(false);
  const shade = theme.value;

  useEffect(() => {
    let gone = false;
    let watch: ResizeObserver | null = null;
    import("./engine")
      .then(({ init }) => {
        if (gone || !node.current) return;
        chart.current = init(node.current);
        chart.current.on("click", (at) => click.current?.(at as never));
        watch = new ResizeObserver(() => chart.current?.resize());
        watch.observe(node.current);
        setReady(true);
      })
      .catch(() => setFailed(true));
    return () => {
      gone = true;
      watch?.disconnect();
      chart.current?.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    if (!ready) return;
    chart.current?.setOption(option(colours()), { notMerge: true });
  }, [ready, of, shade]);

  if (failed) return <p class="muted">The chart could not be loaded. {label}</p>;
  return <div class="chart" ref={node} role="img" aria-label={label} style={{ height: `${height}px` }} />;
}
