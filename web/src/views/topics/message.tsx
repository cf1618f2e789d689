// SPDX-License-Identifier: Apache-2.0
// One message: where it stands, key, headers, value.
import { useState } from "preact/hooks";
import type { Message } from "../../api/types";
import { bytes, time } from "../../app/format";
import { href, setParams } from "../../app/router";
import { CopyButton } from "../../components/code";
import { Icon } from "../../components/icon";
import { JsonTree } from "../../components/jsontree";
import { Segments } from "../../components/popover";
import { plain, Text } from "../../components/text";

export function MessagePanel({ message, topic }: { message: Message; topic: string }) {
  const [view, setView] = useState<"tree" | "raw">("tree");
  const header = (name: string) => message.headers.find(([k]) => k.toLowerCase() === name)?.[1];
  const event = header("event_id");
  const tree = view === "tree" && message.json !== null;
  return (
    <aside class="card panel" aria-label="Message">
      <div class="panel-bar row">
        <h2 class="mono grow cut">{plain(`${topic}/${message.partition}/${message.offset}`)}</h2>
        <button
          type="button"
          class="button quiet small"
          aria-label="Close the message"
          onClick={() => setParams({ open: null })}
        >
          <Icon name="close" />
        </button>
      </div>
      <div class="panel-body stack" tabIndex={0}>
        <dl class="pairs">
          <dt>Time</dt>
          <dd class="num" style={{ textAlign: "left" }}>
            {time(message.time, true)} UTC
          </dd>
          <dt>Key</dt>
          <dd>
            <Text value={message.key} max={300} />
          </dd>
          <dt>Size</dt>
          <dd>
            {bytes(message.size)}
            {message.truncated && ", shown in part"}
          </dd>
          {event && (
            <>
              <dt>Trace</dt>
              <dd>
                <a href={href(`/traces/${encodeURIComponent(event)}`)}>of this event</a>
              </dd>
            </>
          )}
        </dl>
        {message.headers.length > 0 && (
          <div>
            <h3>Headers</h3>
            <dl class="pairs mono">
              {message.headers.map(([name, value], i) => (
                <>
                  <dt key={`k${i}`}>
                    <Text value={name} max={80} />
                  </dt>
                  <dd key={`v${i}`}>
                    <Text value={value} max={400} />
                  </dd>
                </>
              ))}
            </dl>
          </div>
        )}
        <div class="row">
          <h3 class="grow">Value</h3>
          {message.json !== null && (
            <Segments
              label="Form of the value"
              value={view}
              change={setView}
              options={[
                { value: "tree", label: "Tree" },
                { value: "raw", label: "Raw" },
              ]}
            />
          )}
          <CopyButton text={message.value} />
        </div>
        {tree ? (
          <JsonTree value={message.json} />
        ) : (
          <pre class="code wrap">
            <Text value={message.value} max={60000} />
          </pre>
        )}
      </div>
    </aside>
  );
}
