// SPDX-License-Identifier: Apache-2.0
// How many alerts of which level when; a click on a column looks into that part of the time.
import * as api from "../../api/endpoints";
import { LEVELS } from "../../api/types";
import { count, levelName } from "../../app/format";
import { range } from "../../app/range";
import { useResource } from "../../app/resource";
import { setParams } from "../../app/router";
import { theme } from "../../app/theme";
import { Chart } from "../../charts/chart";
import { overTime } from "../../charts/options";
import { colours } from "../../charts/palette";
import { expression } from "./query";

export function Timeline() {
  const asked = { ...range(), q: expression() };
  const data = useResource(JSON.stringify(asked), (signal) => api.overview(asked, signal));
  const points = data.data?.timeline.points ?? [];
  const shade = theme.value;
  if (!points.some((p) => p.alerts > 0)) return null;
  const c = colours();
  const series = LEVELS.filter((level) => points.some((p) => (p.levels?.[level] ?? 0) > 0)).map((level) => ({
    name: levelName(level),
    colour: c.levels[level],
    points: points.map((p): [number, number] => [Date.parse(p.time), p.levels?.[level] ?? 0]),
  }));
  const zoom = (at: number) => {
    const from = Date.parse(points[at].time);
    const to = from + (data.data?.timeline.bucket_seconds ?? 0) * 1000;
    setParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
  };
  return (
    <div class="card timeline">
      <Chart
        label={`Alerts over time by level; ${count(points.reduce((sum, p) => sum + p.alerts, 0))} in all`}
        height={72}
        of={`${shade}${data.data ? JSON.stringify(points) : ""}`}
        option={overTime({ kind: "stack", series, small: true, format: count })}
        onClick={(at) => zoom(at.dataIndex)}
      />
    </div>
  );
}
