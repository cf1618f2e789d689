// SPDX-License-Identifier: Apache-2.0
// The console: session -> shell -> view of the address.
import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/parts.css";
import "../styles/views.css";
import { type ComponentType, render } from "preact";
import { useEffect, useErrorBoundary, useState } from "preact/hooks";
import { Empty, Failure, Skeleton } from "../components/states";
import { Text } from "../components/text";
import Login from "../views/login";
import { startLive, stopLive } from "./live";
import { followLinks, href, path } from "./router";
import { match, type Route, type ViewProps } from "./routes";
import { loadSession, may, needsLogin, session, sessionError } from "./session";
import { Shell } from "./shell";

const loaded = new Map<Route, ComponentType<ViewProps>>();

function View() {
  const found = match(path.value);
  const route = found?.route;
  const [, setRound] = useState(0);
  const [problem, setProblem] = useState<Error | null>(null);
  const [crash, resetCrash] = useErrorBoundary();
  useEffect(() => {
    resetCrash();
    setProblem(null);
    if (!route || loaded.has(route)) return;
    route
      .load()
      .then((module) => {
        loaded.set(route, module.default);
        setRound((n) => n + 1);
      })
      .catch((error: Error) => setProblem(error));
  }, [route]);
  if (!route) {
    return (
      <Empty title="There is no such page">
        <p>
          The console has nothing at{" "}
          <code>
            <Text value={path.value} max={200} />
          </code>
          .
        </p>
        <a href={href("/")}>Go to the overview</a>
      </Empty>
    );
  }
  if (route.role && !may(route.role)) {
    return (
      <Empty title="This page is for administrators">
        <p>Your role does not allow it. An administrator can give you another one.</p>
      </Empty>
    );
  }
  if (crash || problem) {
    return (
      <div class="notice error" role="alert">
        <h2>This view has failed</h2>
        <p>
          <Text value={String((crash ?? problem)?.message ?? "")} max={400} />
        </p>
        <div class="row">
          <button type="button" class="button" onClick={() => window.location.reload()}>
            Load the page again
          </button>
        </div>
      </div>
    );
  }
  const Shown = loaded.get(route);
  return Shown ? <Shown rest={found.rest} key={route.path} /> : <Skeleton lines={8} />;
}

function App() {
  useEffect(() => {
    void loadSession();
  }, []);
  const inside = session.value !== null && !needsLogin.value;
  useEffect(() => {
    if (inside) startLive();
    else stopLive();
  }, [inside]);
  if (needsLogin.value) return <Login />;
  if (sessionError.value) return <Failure error={sessionError.value} retry={() => void loadSession()} />;
  if (!inside) return <Skeleton />;
  return (
    <Shell>
      <View />
    </Shell>
  );
}

document.addEventListener("click", followLinks);
render(<App />, document.getElementById("app")!);
