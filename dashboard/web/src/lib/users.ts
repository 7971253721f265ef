// Accounts of staff (docs/http.md): who may come in, as what, and for which region.

import { request } from "./api";
import type { Page } from "./hub_types";

const id = encodeURIComponent;

export const ROLES = [
  "manager",
  "duty",
  "visitor",
  "installer",
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
