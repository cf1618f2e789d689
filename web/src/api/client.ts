// SPDX-License-Identifier: Apache-2.0
// The one place that talks to the server.
//
//   path + parameters -> request() -> JSON of the answer, or an ApiError that names the cause
//
// Changing requests carry the CSRF token of the session. An answer 401 calls `onUnauthorized`.

export type Params = Record<string, string | number | boolean | string[] | null | undefined>;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
    readonly position?: number,
  ) {
    super(message);
  }
}

const BASE = "/api/v1";
let csrf = "";
let unauthorized: () => void = () => {};

export const setCsrf = (token: string) => {
  csrf = token;
};
export const onUnauthorized = (call: () => void) => {
  unauthorized = call;
};

/** The address of an endpoint; parameters that are empty are left out, lists are repeated. */
export function url(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === "") continue;
    if (Array.isArray(value)) value.forEach((one) => query.append(name, one));
    else query.set(name, String(value));
  }
  const text = query.toString();
  return BASE + path + (text ? `?${text}` : "");
}

async function errorOf(answer: Response): Promise<ApiError> {
  const fallback = `The server answered ${answer.status} ${answer.statusText}.`;
  try {
    const body = (await answer.json()) as {
      error?: { code?: string; message?: string; field?: string; position?: number };
    };
    const e = body.error ?? {};
    return new ApiError(answer.status, e.code ?? "internal", e.message ?? fallback, e.field, e.position);
  } catch {
    return new ApiError(answer.status, "internal", fallback);
  }
}

interface Options {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  body?: unknown;
  signal?: AbortSignal;
}

export async function request<T>(path: string, params: Params = {}, options: Options = {}): Promise<T> {
  const method = options.method ?? "GET";
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(url(path, params), {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      credentials: "same-origin",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "unavailable", "The server cannot be reached. Is `tocsin serve` running?");
  }
  if (!answer.ok) {
    const error = await errorOf(answer);
    if (answer.status === 401 && path !== "/session") unauthorized();
    throw error;
  }
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

export const isAbort = (error: unknown) => error instanceof DOMException && error.name === "AbortError";

export const asApiError = (error: unknown) =>
  error instanceof ApiError ? error : new ApiError(0, "internal", String((error as Error)?.message ?? error));
