// SPDX-License-Identifier: Apache-2.0
// Working on an alert: status, assignee, note; false positive with a filter to review.
import { useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import { type AlertDetail, type Drafted, STATUSES, type Status } from "../../api/types";
import { count, STATUS_NAMES } from "../../app/format";
import { act } from "../../app/notify";
import { isAnalyst, session } from "../../app/session";
import { CopyButton, Yaml } from "../../components/code";
import { Dialog } from "../../components/dialog";
import { Text } from "../../components/text";

export function Triage({ data, changed }: { data: AlertDetail; changed: () => void }) {
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const id = data.row.alert_id;
  const { status, assignee } = data.triage;
  const me = session.value?.user;
  if (!isAnalyst.value) {
    return (
      <div class="triage row muted">
        Assigned to <Text value={assignee || "nobody"} max={60} />. Your role may look, not change.
      </div>
    );
  }
  const change = async (what: { status?: Status; assignee?: string | null; note?: string }, done: string) => {
    setBusy(true);
    const result = await act(() => api.triage(id, what), done);
    setBusy(false);
    if (result !== null) {
      setNote("");
      changed();
    }
  };
  return (
    <div class="triage stack">
      <div class="row">
        <select
          class="input"
          aria-label="Status"
          disabled={busy}
          value={status}
          onChange={(event) => {
            const to = event.currentTarget.value as Status;
            void change({ status: to, ...(note ? { note } : {}) }, `Status: ${STATUS_NAMES[to]}`);
          }}
        >
          {STATUSES.map((s) => (
            <option key={s} value={s}>
              {STATUS_NAMES[s]}
            </option>
          ))}
        </select>
        <Assignee
          value={assignee}
          busy={busy}
          change={(to) => void change({ assignee: to }, to ? `Assigned to ${to}` : "Assigned to nobody")}
        />
        {me && assignee !== me && (
          <button
            type="button"
            class="button"
            disabled={busy}
            onClick={() => void change({ assignee: me }, `Assigned to ${me}`)}
          >
            Assign to me
          </button>
        )}
        <button type="button" class="button" disabled={busy} onClick={() => setAsking(true)}>
          False positive
        </button>
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (note.trim()) void change({ note: note.trim() }, "Note added");
        }}
      >
        <input
          class="input grow"
          aria-label="Note"
          placeholder="Add a note"
          value={note}
          onInput={(event) => setNote(event.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={busy || !note.trim()}>
          Add note
        </button>
      </form>
      {asking && <FalsePositive data={data} close={() => setAsking(false)} changed={changed} />}
    </div>
  );
}

function Assignee({
  value,
  busy,
  change,
}: {
  value: string | null;
  busy: boolean;
  change: (to: string | null) => void;
}) {
  const [text, setText] = useState<string | null>(null);
  const apply = () => {
    if (text !== null && text.trim() !== (value ?? "")) change(text.trim() || null);
    setText(null);
  };
  return (
    <input
      class="input assignee"
      aria-label="Assignee"
      placeholder="Nobody assigned"
      disabled={busy}
      value={text ?? value ?? ""}
      onInput={(event) => setText(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={(event) => event.key === "Enter" && apply()}
    />
  );
}

function FalsePositive({
  data,
  close,
  changed,
}: {
  data: AlertDetail;
  close: () => void;
  changed: () => void;
}) {
  const fields = [...new Set(data.matched_fields.map((m) => m.field))];
  const [chosen, setChosen] = useState<string[]>(fields);
  const [note, setNote] = useState("");
  const [drafted, setDrafted] = useState<Drafted | null>(null);
  const [busy, setBusy] = useState(false);
  const draft = async () => {
    setBusy(true);
    const result = await act(
      () => api.falsePositive(data.row.alert_id, { fields: chosen, ...(note ? { note } : {}) }),
      "Marked as false positive; a filter waits for review",
    );
    setBusy(false);
    if (result) {
      setDrafted(result);
      changed();
    }
  };
  if (drafted) {
    return (
      <Dialog
        title="Filter drafted"
        close={close}
        foot={
          <button type="button" class="button primary" onClick={close}>
            Done
          </button>
        }
      >
        <p>
          This filter would have kept {count(drafted.matches.alerts)}{" "}
          {drafted.matches.alerts === 1 ? "alert" : "alerts"} from being raised. It is not in force: review
          it, then move it beside the rules.
        </p>
        <div class="row">
          <code>
            <Text value={drafted.path} max={200} />
          </code>
          <CopyButton text={drafted.filter_yaml} label="Copy filter" />
        </div>
        <Yaml text={drafted.filter_yaml} height="320px" />
      </Dialog>
    );
  }
  return (
    <Dialog
      title="False positive"
      close={close}
      foot={
        <>
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button
            type="button"
            class="button primary"
            disabled={busy || (fields.length > 0 && !chosen.length)}
            onClick={() => void draft()}
          >
            Mark and draft a filter
          </button>
        </>
      }
    >
      <p>
        The alert gets the status False positive, and a Sigma filter is drafted that would leave out events
        with the values chosen below.
      </p>
      <fieldset class="stack" style={{ gap: "4px" }}>
        <legend class="muted">Fields that the filter compares</legend>
        {fields.map((field) => (
          <label class="row" key={field} style={{ flexWrap: "nowrap" }}>
            <input
              type="checkbox"
              checked={chosen.includes(field)}
              onChange={() =>
                setChosen(chosen.includes(field) ? chosen.filter((f) => f !== field) : [...chosen, field])
              }
            />
            <Text value={field} max={60} />
            <span class="mono muted cut">
              <Text value={data.matched_fields.find((m) => m.field === field)?.value} max={120} />
            </span>
          </label>
        ))}
      </fieldset>
      <label class="field">
        <span>Note: why is it harmless?</span>
        <input class="input" value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
    </Dialog>
  );
}
