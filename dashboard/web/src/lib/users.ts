// Accounts of staff (docs/http.md): who may come in, as what, and for which region.

import { request } from "./api";
import type { Page } from "./hub_types";

const id = encodeURIComponent;

export const ROLES = [
  "manager",
  "duty",
  "visitor",
  "installer",
  "clinician",
  "auditor",
  "department",
  "exchange",
  "admin",
] as const;

export interface Account {
  username: string;
  name: string;
  role: string;
  region: string;
  phone: string;
  disabled: boolean;
  created_at: string;
  last_sign_in_at: string | null;
  sessions: number;
}

export interface AccountFields {
  name?: string;
  role?: string;
  region?: string;
  phone?: string;
  disabled?: boolean;
  password?: string;
}

export const users = {
  list: () => request<Page<Account>>("GET", "users"),
  add: (fields: AccountFields & { username: string }, key: string) =>
    request<Account>("POST", "users", fields, key),
  change: (username: string, fields: AccountFields) =>
    request<Account>("PATCH", `users/${id(username)}`, fields),
};

// What the hub asks for (dashboard/passwords.py).
export const PASSWORD_MIN = 12;

// Without letters and digits that look alike on paper.
const LETTERS = "abcdefghjkmnpqrstuvwxyz";
const DIGITS = "23456789";
const GROUPS = 4;
const GROUP_LENGTH = 4;

/** A password to hand over: four groups of four, read out easily. */
export function madePassword(): string {
  const groups = Array.from({ length: GROUPS }, (_, place) =>
    Array.from({ length: GROUP_LENGTH }, () => drawn(place % 2 === 0 ? LETTERS : DIGITS)).join(""),
  );
  return groups.join("-");
}

function drawn(from: string): string {
  // Numbers beyond the last whole round would make the first letters likelier.
  const limit = Math.floor(256 / from.length) * from.length;
  for (;;) {
    const [byte = 255] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < limit) return from[byte % from.length] ?? "";
  }
}

/** Names of the programs' tokens that ended with it: all but those that are kept. */
export async function changePassword(old: string, fresh: string, kept: string[]): Promise<string[]> {
  const said = { old, new: fresh, ...(kept.length > 0 ? { keep_tokens: kept } : {}) };
  const answer = await request<{ ended_tokens?: string[] }>("POST", "me/password", said);
  return answer.ended_tokens ?? [];
}
