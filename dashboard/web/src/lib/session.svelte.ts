import { get, post, Problem } from "./api";
import { syncClock } from "./clock.svelte";
import { startLive, stopLive } from "./live.svelte";
import type { Me } from "./types";

export const session = $state<{ me: Me | null; ready: boolean }>({ me: null, ready: false });

async function begin(): Promise<void> {
  session.me = await get<Me>("me");
  await syncClock();
  await startLive();
}

/** On opening the page: go on with the session that the cookie has, if any. */
export async function resume(): Promise<void> {
  try {
    await begin();
  } catch {
    session.me = null;
  }
  session.ready = true;
}

export async function login(username: string, password: string): Promise<void> {
  await post("login", { username, password });
  await begin();
}

export async function logout(): Promise<void> {
  try {
    await post("logout");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  stopLive();
  session.me = null;
}

export const can = (permission: string): boolean => session.me?.can.includes(permission) ?? false;
