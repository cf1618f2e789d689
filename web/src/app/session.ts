// SPDX-License-Identifier: Apache-2.0
// Who looks at the console, and what they may do.
import { computed, signal } from "@preact/signals";
import { type ApiError, asApiError, onUnauthorized, setCsrf } from "../api/client";
import * as api from "../api/endpoints";
import type { Role, Session } from "../api/types";

export const session = signal<Session | null>(null);
export const sessionError = signal<ApiError | null>(null);
export const needsLogin = signal(false);

const RANK: Record<Role, number> = { viewer: 0, analyst: 1, admin: 2 };
export const may = (role: Role) => RANK[session.value?.role ?? "viewer"] >= RANK[role];
export const isAdmin = computed(() => may("admin"));
export const isAnalyst = computed(() => may("analyst"));

function accept(answer: Session) {
  setCsrf(answer.csrf ?? "");
  session.value = answer;
  needsLogin.value = answer.login_required && !answer.user;
}

export async function loadSession(): Promise<void> {
  sessionError.value = null;
  try {
    accept(await api.session());
  } catch (error) {
    const problem = asApiError(error);
    if (problem.status === 401) needsLogin.value = true;
    else sessionError.value = problem;
  }
}

export async function login(user: string, password: string): Promise<void> {
  accept(await api.login(user, password));
}

export async function logout(): Promise<void> {
  await api.logout();
  session.value = null;
  needsLogin.value = true;
}

onUnauthorized(() => {
  needsLogin.value = true;
});
