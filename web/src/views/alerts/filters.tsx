// SPDX-License-Identifier: Apache-2.0
// Search box, chips, grouping.
import type { ApiError } from "../../api/client";
import * as api from "../../api/endpoints";
import { GROUPINGS, type Grouping, LEVELS, STATUSES } from "../../api/types";
import { levelName, STATUS_NAMES, TACTICS, tacticName } from "../../app/format";
import { param, setParams } from "../../app/router";
import { session } from "../../app/session";
import { type Choice, ClearFilters, FilterChip, SearchBox } from "../../components/filters";
import { Text } from "../../components/text";
import { FILTER_NAMES, filters } from "./query";

const LEVEL_CHOICES: Choice[] = [...LEVELS]
  .reverse()
  .map((level) => ({ value: level, label: levelName(level) }));
const STATUS_CHOICES: Choice[] = STATUSES.map((status) => ({ value: status, label: STATUS_NAMES[status] }));
const TACTIC_CHOICES: Choice[] = TACTICS.map((slug) => ({ value: slug, label: tacticName(slug) }));
const GROUP_NAMES: Record<Grouping, string> = {
  rule: "Rule",
  host: "Host",
  user: "User",
  tactic: "Tactic",
  technique: "Technique",
  level: "Level",
  status: "Status",
  incident: "Incident",
};

/** The values of a field among the alerts that the other filters leave. */
function fromServer(by: Grouping) {
  return async (signal: AbortSignal): Promise<Choice[]> => {
    const answer = await api.alertGroups({ ...filters(), [by]: [], by }, signal);
    return answer.items.slice(0, 60).map((g) => ({ value: g.key, label: g.label || g.key, count: g.count }));
  };
}

export function Filters({ error }: { error?: ApiError }) {
  const user = session.value?.user;
  const assignees: Choice[] = [...(user ? [{ value: user, label: `${user} (you)` }] : [])];
  return (
    <div class="stack" style={{ gap: "8px" }}>
      <div class="row">
        <SearchBox
          label="Search alerts"
          placeholder='Search: mimikatz, host:WS07* level:>=high, -user:"SYSTEM"'
          error={error}
        />
        <label class="row muted">
          Group by
          <select
            class="input"
            value={param("group")}
            onChange={(event) => setParams({ group: event.currentTarget.value, open: null })}
          >
            <option value="">Nothing</option>
            {GROUPINGS.map((by) => (
              <option value={by} key={by}>
                {GROUP_NAMES[by]}
              </option>
            ))}
          </select>
        </label>
      </div>
      {error?.code === "invalid" && (
        <p class="search-help" role="alert">
          <Text value={error.message} max={300} />
        </p>
      )}
      <fieldset class="row" style={{ gap: "6px" }} aria-label="Filters">
        <FilterChip name="level" label="Level" choices={LEVEL_CHOICES} />
        <FilterChip name="status" label="Status" choices={STATUS_CHOICES} />
        <FilterChip name="tactic" label="Tactic" choices={TACTIC_CHOICES} />
        <FilterChip name="technique" label="Technique" choices={fromServer("technique")} single />
        <FilterChip name="rule" label="Rule" choices={fromServer("rule")} />
        <FilterChip name="host" label="Host" choices={fromServer("host")} />
        <FilterChip name="user" label="User" choices={fromServer("user")} single />
        <FilterChip name="assignee" label="Assignee" choices={assignees} single />
        <ClearFilters names={FILTER_NAMES} />
      </fieldset>
    </div>
  );
}
