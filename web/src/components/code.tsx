// SPDX-License-Identifier: Apache-2.0
// YAML with light colours, by lines: enough for Sigma rules, no parser.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icon";
import { Text } from "./text";

const LINE = /^(\s*(?:- +)?)([\w.|*$-]+|'[^']*'|"[^"]*")(:)(\s+.*|)$/;

function value(text: string): ComponentChildren {
  const trimmed = text.trim();
  if (/^#/.test(trimmed))
    return (
      <span class="tk-dim">
        <Text value={text} />
      </span>
    );
  if (/^['"]/.test(trimmed))
    return (
      <span class="tk-string">
        <Text value={text} />
      </span>
    );
  if (/^(-?\d[\d.:-]*|true|false|null|~)$/.test(trimmed)) {
    return (
      <span class="tk-number">
        <Text value={text} />
      </span>
    );
  }
  return <Text value={text} />;
}

function line(text: string): ComponentChildren {
  if (/^\s*#/.test(text))
    return (
      <span class="tk-dim">
        <Text value={text} />
      </span>
    );
  const pair = LINE.exec(text);
  if (pair) {
    return (
      <>
        {pair[1]}
        <span class="tk-key">
          <Text value={pair[2]} />
        </span>
        {pair[3]}
        {value(pair[4])}
      </>
    );
  }
  const item = /^(\s*- +)(.*)$/.exec(text);
  return item ? (
    <>
      {item[1]}
      {value(item[2])}
    </>
  ) : (
    <Text value={text} />
  );
}

/** `marked`: numbers of lines, from 1, that something is wrong with. */
export function Yaml({ text, marked = [], height }: { text: string; marked?: number[]; height?: string }) {
  return (
    <pre class="code" tabIndex={0} style={height ? { maxHeight: height } : undefined}>
      {text
        .replace(/\n$/, "")
        .split("\n")
        .map((one, i) => (
          <div key={i} class={marked.includes(i + 1) ? "line-bad" : ""}>
            <span class="line-no" aria-hidden="true">
              {i + 1}
            </span>
            {line(one) || " "}
          </div>
        ))}
    </pre>
  );
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  return (
    <button
      type="button"
      class="button quiet small"
      onClick={() =>
        navigator.clipboard?.writeText(text).then(
          () => {
            setDone(true);
            setTimeout(() => setDone(false), 1500);
          },
          () => {},
        )
      }
    >
      <Icon name={done ? "check" : "copy"} /> {done ? "Copied" : label}
    </button>
  );
}
