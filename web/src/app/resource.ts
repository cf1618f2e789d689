// SPDX-License-Identifier: Apache-2.0
// Data of the server in a component: loaded when its key changes, told when it fails, loaded again
// on demand or every so often. What was there stays (marked stale) until its successor has come.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, asApiError, isAbort } from "../api/client";
import { notify } from "./notify";

export interface Resource<T> {
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
  /** The data belong to an earlier key. */
  stale: boolean;
  reload: () => void;
  set: (data: T) => void;
}

interface State<T> {
  key: string | null;
  data?: T;
  error?: ApiError;
  loading: boolean;
}

/** `key` null: nothing to load. `every`: milliseconds between silent reloads while the page is shown. */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  every = 0,
): Resource<T> {
  const [state, setState] = useState<State<T>>({ key: null, loading: key !== null });
  const [round, setRound] = useState(0);
  const loader = useRef(load);
  loader.current = load;

  useEffect(() => {
    if (key === null) {
      setState({ key, loading: false });
      return;
    }
    const abort = new AbortController();
    setState((old) => ({ ...old, loading: true }));
    loader
      .current(abort.signal)
      .then((data) => !abort.signal.aborted && setState({ key, data, loading: false }))
      .catch((error) => {
        if (abort.signal.aborted || isAbort(error)) return;
        setState((old) => ({
          key,
          data: old.key === key ? old.data : undefined,
          error: asApiError(error),
          loading: false,
        }));
      });
    return () => abort.abort();
  }, [key, round]);

  useEffect(() => {
    if (!every || key === null) return;
    const timer = setInterval(() => !document.hidden && setRound((n) => n + 1), every);
    return () => clearInterval(timer);
  }, [key, every]);

  const reload = useCallback(() => setRound((n) => n + 1), []);
  const set = useCallback((data: T) => setState({ key, data, loading: false }), [key]);
  return {
    data: state.data,
    error: state.error,
    loading: state.loading,
    stale: state.data !== undefined && state.key !== key,
    reload,
    set,
  };
}

/** Pages of a list: the first is loaded by key, more() adds the next one. */
export interface Pages<T> extends Omit<Resource<{ items: T[]; next: string | null; total?: number }>, "set"> {
  items: T[];
  more: (() => void) | null;
  loadingMore: boolean;
}

interface PageOf<T> {
  items: T[];
  next: string | null;
  total?: number;
}

export function usePages<T>(
  key: string | null,
  load: (cursor: string | undefined, signal: AbortSignal | undefined) => Promise<PageOf<T>>,
): Pages<T> {
  const first = useResource<PageOf<T>>(key, (signal) => load(undefined, signal));
  const [loadingMore, setLoadingMore] = useState(false);
  const now = useRef(key);
  now.current = key;
  const more = () => {
    const page = first.data;
    if (!page?.next || loadingMore) return;
    setLoadingMore(true);
    load(page.next, undefined)
      .then((next) => {
        if (now.current === key) first.set({ ...next, items: [...page.items, ...next.items] });
      })
      .catch((error) => notify(asApiError(error).message, "bad"))
      .finally(() => setLoadingMore(false));
  };
  return {
    ...first,
    items: first.data?.items ?? [],
    more: first.data?.next ? more : null,
    loadingMore,
  };
}
