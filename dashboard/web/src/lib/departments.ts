// Files for departments, and other platforms (docs/http.md).

import { query, request } from "./api";
import type { Page } from "./hub_types";
import { t, tAny } from "./i18n.svelte";
import { dayTold } from "./local_time";

const id = encodeURIComponent;

export const EVERY = ["day", "week", "month"] as const;

export interface Offer {
  subject: string;
  zh: string;
  columns: { column: string; zh: string }[];
}

export interface DepartmentAccount {
  username: string;
  name: string;
  region: string;
}

export interface Order {
  id: string;
  name: string;
  account: string;
  region: string;
  every: string;
  reason: string;
  tables: Record<string, string[]>;
  plain: string[];
  active: boolean;
  created_at: string;
  created_by: string;
  next: { period: string; at: string } | null;
}

export interface Orders extends Page<Order> {
  offered: Offer[];
  accounts: DepartmentAccount[];
}

export interface DepartmentFile {
  id: string;
  order: string;
  for: string;
  every: string;
  period: string;
  state: "made" | "failed" | "removed";
  sha256: string;
  size: number;
  rows: number;
  withheld: number;
  detail: string;
  attempts: number;
  at: string;
}

export interface NewOrder {
  name: string;
  account: string;
  region: string;
  tables: Record<string, string[]>;
  plain: string[];
  every: string;
  reason: string;
}

export interface Platform {
  username: string;
  name: string;
  region: string;
  disabled: boolean;
  persons: number;
  last_in_at: string | null;
  last_out_at: string | null;
  refused: {
    at: string;
    external_id: string;
    code: string;
    fields: { field: string; zh: string; en: string; code: string }[];
    settled: boolean;
  }[];
}

export const departments = {
  orders: () => request<Orders>("GET", "export-orders"),
  files: () => request<Page<DepartmentFile>>("GET", "export-files"),
  order: (fields: NewOrder, key: string) => request<Order>("POST", "export-orders", fields, key),
  turn: (order: string, active: boolean, reason: string) =>
    request<unknown>("PATCH", `export-orders/${id(order)}`, { active, reason }),
  runNow: (order: string, reason: string) =>
    request<DepartmentFile>("POST", `export-orders/${id(order)}/run`, { reason }),
  content: (file: string) => `export-files/${id(file)}/content`,
  platforms: () => request<Page<Platform>>("GET", `exchange/state${query({})}`),
};

/** 2026-11-28, 2026-W48 and 2026-11 in words. */
export function periodText(period: string, locale: string): string {
  const week = /^(\d{4})-W(\d{2})$/.exec(period);
  if (week !== null) return t("departments.week", { year: week[1] ?? "", week: Number(week[2]) });
  if (/^\d{4}-\d{2}$/.test(period)) return dayTold(`${period}-01`, locale, { year: "numeric", month: "long" });
  if (/^\d{4}-\d{2}-\d{2}$/.test(period)) {
    return dayTold(period, locale, { year: "numeric", month: "long", day: "numeric" });
  }
  return period;
}

/** Why a file could not be made, as somebody in an office reads it. */
export function failureText(detail: string): string {
  const [kind = "", ...rest] = detail.split(": ");
  const said = rest.join(": ");
  if (/more than \d+ rows/.test(said)) return t("departments.failed_rows");
  return tAny([`departments.failed.${kind}`]) ?? t("departments.failed_other");
}

export function sizeText(bytes: number): string {
  const kb = Math.max(1, Math.round(bytes / 1024));
  return kb < 1024 ? `${kb}\u00a0KB` : `${(kb / 1024).toFixed(1)}\u00a0MB`;
}
