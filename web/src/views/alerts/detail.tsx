// SPDX-License-Identifier: Apache-2.0
// One alert beside the list.
import * as api from "../../api/endpoints";
import type { AlertDetail } from "../../api/types";
import { time } from "../../app/format";
import { useResource } from "../../app/resource";
import { href, param, setParams } from "../../app/router";
import { Tabs } from "../../components/dialog";
import { Icon } from "../../components/icon";
import { Entity, LevelMark, StatusMark, Tactics } from "../../components/marks";
import { Load } from "../../components/states";
import { Text } from "../../components/text";
import {
  EventPart,
  HistoryPart,
  MatchedPart,
  RelatedPart,
  RulePart,
  TechniquesPart,
  TracePart,
  WhyPart,
} from "./parts";
import { Triage } from "./triage";

export const useAlert = (id: string) => useResource<AlertDetail>(id, (signal) => api.alert(id, signal));

export function Head({ data }: { data: AlertDetail }) {
  const row = data.row;
  return (
    <div class="alert-head">
      <div class="row">
        <LevelMark level={row.level} />
        <StatusMark status={data.triage.status} />
        {row.suppressed ? <span class="tag">repeated, suppressed</span> : null}
        <span class="muted num">{time(row.time, true)} UTC</span>
      </div>
      <h2 class="alert-title">
        <Text value={row.rule.name} max={300} />
      </h2>
      <dl class="pairs alert-facts">
        <dt>Host</dt>
        <dd>
          <Entity field="host" value={row.host} />
        </dd>
        <dt>User</dt>
        <dd>
          <Entity field="user" value={row.user} />
        </dd>
        <dt>Tactic</dt>
        <dd>
          <Tactics slugs={row.tactics} />
        </dd>
      </dl>
    </div>
  );
}

export function Detail({
  id,
  previous,
  next,
  changed,
}: {
  id: string;
  previous?: () => void;
  next?: () => void;
  changed: () => void;
}) {
  const data = useAlert(id);
  const refresh = () => {
    data.reload();
    changed();
  };
  return (
    <aside class="card panel" aria-label="Alert">
      <div class="panel-bar row">
        <button
          type="button"
          class="button quiet small"
          disabled={!previous}
          onClick={previous}
          aria-label="Previous alert"
          title="Previous (k)"
        >
          <Icon name="left" />
        </button>
        <button
          type="button"
          class="button quiet small"
          disabled={!next}
          onClick={next}
          aria-label="Next alert"
          title="Next (j)"
        >
          <Icon name="right" />
        </button>
        <span class="grow" />
        <a class="button quiet small" href={href(`/alerts/${id}`)}>
          <Icon name="expand" /> Full page
        </a>
        <button
          type="button"
          class="button quiet small"
          aria-label="Close the alert"
          title="Close (Esc)"
          onClick={() => setParams({ open: null })}
        >
          <Icon name="close" />
        </button>
      </div>
      <Load from={data} lines={10}>
        {(alert) => (
          <>
            <Head data={alert} />
            <Triage data={alert} changed={refresh} />
            <Tabs
              label="About this alert"
              value={param("tab") || "event"}
              change={(tab) => setParams({ tab: tab === "event" ? null : tab }, { replace: true })}
              tabs={[
                {
                  id: "event",
                  label: "Event",
                  body: () => (
                    <>
                      <MatchedPart data={alert} />
                      <EventPart data={alert} />
                    </>
                  ),
                },
                { id: "why", label: "Why it matched", body: () => <WhyPart data={alert} /> },
                {
                  id: "rule",
                  label: "Rule",
                  body: () => (
                    <>
                      <TechniquesPart data={alert} />
                      <RulePart data={alert} />
                    </>
                  ),
                },
                { id: "trace", label: "Trace", body: () => <TracePart data={alert} /> },
                {
                  id: "related",
                  label: `Related (${alert.related.length})`,
                  body: () => <RelatedPart data={alert} />,
                },
                { id: "history", label: "History", body: () => <HistoryPart data={alert} /> },
              ]}
            />
          </>
        )}
      </Load>
    </aside>
  );
}
