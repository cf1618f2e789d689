// SPDX-License-Identifier: Apache-2.0
// One alert on a page of its own.
import { href } from "../../app/router";
import { Card } from "../../components/card";
import { Icon } from "../../components/icon";
import { Load } from "../../components/states";
import { Head, useAlert } from "./detail";
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

export function Page({ id }: { id: string }) {
  const data = useAlert(id);
  return (
    <>
      <div class="row">
        <a class="button quiet small" href={href("/alerts")}>
          <Icon name="left" /> All alerts
        </a>
      </div>
      <Load from={data} lines={14}>
        {(alert) => (
          <>
            <section class="card">
              <Head data={alert} />
              <Triage data={alert} changed={data.reload} />
            </section>
            <div class="grid">
              <div class="c7 stack">
                <Card title="Matched fields">
                  <MatchedPart data={alert} />
                </Card>
                <Card title="Trace">
                  <TracePart data={alert} />
                </Card>
                <Card title="Event">
                  <EventPart data={alert} />
                </Card>
              </div>
              <div class="c5 stack">
                <Card title="Why it matched">
                  <WhyPart data={alert} />
                </Card>
                <Card title="History">
                  <HistoryPart data={alert} />
                </Card>
                <Card title={`On this host within 30 minutes (${alert.related.length})`}>
                  <RelatedPart data={alert} />
                </Card>
                <Card title="Rule">
                  <TechniquesPart data={alert} />
                  <RulePart data={alert} />
                </Card>
              </div>
            </div>
          </>
        )}
      </Load>
    </>
  );
}
