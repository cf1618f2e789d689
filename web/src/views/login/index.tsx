// SPDX-License-Identifier: Apache-2.0
// The page to log in, when the server wants that.
import { useState } from "preact/hooks";
import { asApiError } from "../../api/client";
import { login } from "../../app/session";
import { Text } from "../../components/text";

export default function Login() {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await login(user, password);
    } catch (error) {
      const e = asApiError(error);
      setProblem(e.status === 401 ? "User or password is wrong." : e.message);
      setPassword("");
    }
    setBusy(false);
  };
  return (
    <main class="login">
      <form class="card login-card" onSubmit={submit}>
        <div class="row">
          <img src="/icon.svg" alt="" width="30" height="30" />
          <h1>Log in to Tocsin</h1>
        </div>
        <label class="field">
          <span>User</span>
          <input
            class="input"
            name="user"
            autocomplete="username"
            required
            value={user}
            onInput={(e) => setUser(e.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Password</span>
          <input
            class="input"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={(e) => setPassword(e.currentTarget.value)}
          />
        </label>
        <p class="bad" role="alert">
          {problem && <Text value={problem} max={300} />}
        </p>
        <button type="submit" class="button primary" disabled={busy}>
          {busy ? "Logging in" : "Log in"}
        </button>
      </form>
    </main>
  );
}
