// SPDX-License-Identifier: Apache-2.0
// A new rule: written or pasted, checked while it changes, tried, saved.
import { useEffect, useRef, useState } from "preact/hooks";
import { asApiError } from "../../api/client";
import * as api from "../../api/endpoints";
import type { RuleCheck } from "../../api/types";
import { act } from "../../app/notify";
import { go, href } from "../../app/router";
import { isAdmin } from "../../app/session";
import { Card } from "../../components/card";
import { Icon } from "../../components/icon";
import { Text } from "../../components/text";
import { Diagnostics } from "./diagnostics";
import { TryRule } from "./try";

const START = `title: Name What Is Found, Not What Is Searched
id: ${crypto.randomUUID?.() ?? "00000000-0000-4000-8000-000000000000"}
status: experimental
description: What happened, and why it matters.
author: You
tags:
    - attack.execution
    - attack.t1059.001
logsource:
    product: windows
    category: process_creation
detection:
    selection:
        Image|endswith: '\\powershell.exe'
        CommandLine|contains: ' -enc '
    condition: selection
level: medium
`;

export function Upload() {
  const [yaml, setYaml] = useState(START);
  const [file, setFile] = useState("");
  const [check, setCheck] = useState<RuleCheck | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const editor = useRef<HTMLTextAreaElement>(null);
  const numbers = useRef<HTMLPreElement>(null);

  useEffect(() => {
    let gone = false;
    const timer = setTimeout(() => {
      api
        .checkRule(yaml)
        .then((result) => {
          if (gone) return;
          setCheck(result);
          setProblem("");
        })
        .catch((error) => !gone && setProblem(asApiError(error).message));
    }, 350);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [yaml]);

  const jump = (line: number, column: number) => {
    const before = yaml.split("\n").slice(0, line - 1);
    const at = before.reduce((sum, l) => sum + l.length + 1, 0) + Math.max(0, column - 1);
    editor.current?.focus();
    editor.current?.setSelectionRange(at, at);
  };
  const save = async () => {
    setBusy(true);
    const saved = await act(
      () => api.saveRule(yaml, file.trim() || undefined),
      (r) => `Saved as ${r.path}`,
    );
    setBusy(false);
    if (saved) go(check?.rules[0] ? href(`/rules/${check.rules[0].id}`) : href("/rules"));
  };
  const pick = async (event: Event) => {
    const chosen = (event.currentTarget as HTMLInputElement).files?.[0];
    if (!chosen) return;
    setYaml(await chosen.text());
    setFile(chosen.name);
  };
  const lines = yaml.split("\n").length;
  const bad = new Set((check?.diagnostics ?? []).map((d) => d.line));
  return (
    <>
      <div class="row">
        <a class="button quiet small" href={href("/rules")}>
          <Icon name="left" /> All rules
        </a>
        <h2>Add a rule</h2>
      </div>
      <div class="grid">
        <Card
          class="c7"
          title="Rule"
          right={
            <label class="button small">
              <Icon name="upload" /> Open a file
              <input
                class="hidden-text"
                type="file"
                accept=".yml,.yaml"
                onChange={(event) => void pick(event)}
              />
            </label>
          }
        >
          <div class="stack">
            <div class="editor">
              <pre ref={numbers} aria-hidden="true">
                {Array.from({ length: lines }, (_, i) => (
                  <div key={i} class={bad.has(i + 1) ? "line-bad" : ""}>
                    {i + 1}
                  </div>
                ))}
              </pre>
              <textarea
                ref={editor}
                class="mono"
                aria-label="Rule as YAML"
                rows={24}
                spellcheck={false}
                wrap="off"
                value={yaml}
                onInput={(event) => setYaml(event.currentTarget.value)}
                onScroll={(event) => {
                  if (numbers.current) numbers.current.scrollTop = event.currentTarget.scrollTop;
                }}
              />
            </div>
            <div role="status">
              {problem ? (
                <p class="bad">
                  <Text value={problem} max={300} />
                </p>
              ) : check?.ok ? (
                <p class="good">
                  <Icon name="check" />{" "}
                  {check.rules.length === 1
                    ? "The rule can be used"
                    : `${check.rules.length} rules can be used`}
                </p>
              ) : check ? (
                <p class="bad">The rule cannot be used yet.</p>
              ) : (
                <p class="muted">Checking</p>
              )}
            </div>
            <Diagnostics of={check?.diagnostics ?? []} jump={jump} />
            <div class="row">
              <input
                class="input grow"
                aria-label="File name"
                placeholder="File name (made from the title when left empty)"
                value={file}
                onInput={(event) => setFile(event.currentTarget.value)}
              />
              <button
                type="button"
                class="button primary"
                disabled={busy || !check?.ok || !isAdmin.value}
                onClick={() => void save()}
              >
                Save
              </button>
            </div>
            {!isAdmin.value && (
              <p class="muted">Only administrators can save rules; checking and testing is open to you.</p>
            )}
          </div>
        </Card>
        <div class="c5 stack">
          <TryRule what={{ yaml }} />
        </div>
      </div>
    </>
  );
}
