// Care beyond the visit: providers, referrals, the log of services, money (docs/care.md).

import { ApiError, query, request } from "./api";
import type { Fault } from "./faults";
import { language, tAny } from "./i18n.svelte";
import type { AccountRef, Page } from "./hub_types";
import type { PlanPerson } from "./plan";
import { problemText } from "./toasts.svelte";

export const CARE_SERVICES = [
  "bathing",
  "medical",
  "meals",
  "mobility",
  "urgent_help",
  "long_term_care",
  "day_care",
  "respite_care",
  "rehabilitation",
  "home_adaptation",
  "other",
] as const;
export const PROVIDER_KINDS = ["institution", "company", "organisation", "individual"] as const;
export const AGREED_BY = ["person", "family", "guardian", "committee"] as const;
export const AGREED_HOW = ["spoken", "signed", "fingerprint", "recorded"] as const;
export const OUTCOMES = ["helped", "partly", "not_helped", "moved", "died"] as const;
export const REFERRAL_STATES = ["proposed", "sent", "accepted", "serving", "ended", "withdrawn"] as const;

export type Move = "send" | "accept" | "decline" | "begin" | "end" | "withdraw";

export interface Provider {
  id: string;
  name: string;
  kind: string;
  services: string[];
  regions: string[];
  contact: string;
  phone: string;
  licence: string;
  licence_until: string | null;
  note: string;
  active: boolean;
}

export interface Referral {
  id: string;
  number: number;
  person: string;
  person_name: string | null;
  home: string | null;
  region: string;
  service: string;
  need: string;
  state: string;
  provider: string | null;
  provider_name: string | null;
  created_at: string;
  created_by: AccountRef | null;
  agreed_by: string | null;
  agreed_name: string | null;
  agreed_at: string | null;
  sent_at: string | null;
  began_at: string | null;
  ended_at: string | null;
  outcome: string | null;
  note: string;
  look_at: string | null;
  overdue: boolean;
  /** How the person's consent to referrals stands: given, unasked, refused, withdrawn, expired. */
  consent?: string;
  moves: Move[];
}

/** The last word was a no: only who agrees anew, after it, opens the way to a provider. */
export function saidNo(referral: Referral): boolean {
  return referral.consent === "refused" || referral.consent === "withdrawn";
}

export interface CareLine {
  id: string;
  person: string;
  person_name: string | null;
  service: string;
  items: number[];
  provider: string | null;
  provider_name: string | null;
  referral: string | null;
  who: string;
  served_at: string;
  minutes: number | null;
  cost_fen: number;
  note: string;
  recorded_by: AccountRef | null;
  replaces: string | null;
  replaced_by: string | null;
  why: string;
  void: boolean;
}

export interface Sums {
  count: number;
  minutes: number;
  cost_fen: number;
}

export interface CareSummary extends Sums {
  items: { item: number; count: number }[];
  services: (Sums & { service: string })[];
  providers: (Sums & { provider: string | null; provider_name: string | null })[];
}

export interface MoneyState {
  persons: number;
  needed_fen: number;
  granted_fen: number;
  spent_fen: number;
  left_fen: number;
  short_fen: number;
}

export interface MoneyLine {
  id: string;
  year: number;
  region: string;
  kind: "granted" | "spent";
  amount_fen: number;
  what: string;
  at: string;
  by: AccountRef | null;
  replaces: string | null;
  replaced_by: string | null;
  why: string;
}

export interface Money extends MoneyState {
  year: number;
  region: string;
  regions: (MoneyState & { region: string; name: string; level: string })[];
  lines: MoneyLine[];
}

export interface MoneyPerson {
  service_user: string;
  person: PlanPerson;
  region_path: string[];
  planned_fen: number;
  used_fen: number;
  left_fen: number;
}

export interface MoneyPeople {
  items: MoneyPerson[];
  total: number;
  counts: { people: number; over: number; none: number };
}

type Fields = Record<string, unknown>;
const id = encodeURIComponent;

export const care = {
  providers: (asked: { service?: string; region?: string; active?: boolean } = {}) =>
    request<Page<Provider>>("GET", `providers${query(asked)}`),
  addProvider: (fields: Fields, key: string) => request<Provider>("POST", "providers", fields, key),
  changeProvider: (provider: string, fields: Fields) =>
    request<Provider>("PATCH", `providers/${id(provider)}`, fields),
  referrals: (asked: {
    state?: string;
    person?: string;
    region?: string;
    overdue?: boolean;
    limit?: number;
    before?: string | undefined;
  }) => request<Page<Referral>>("GET", `referrals${query(asked)}`),
  propose: (fields: Fields, key: string) => request<Referral>("POST", "referrals", fields, key),
  move: (referral: string, move: Move, fields: Fields) =>
    request<Referral>("POST", `referrals/${id(referral)}/${move}`, fields),
  lines: (asked: {
    person?: string;
    provider?: string;
    region?: string;
    from?: string;
    to?: string;
    limit?: number;
    before?: string | undefined;
  }) => request<Page<CareLine>>("GET", `care-lines${query(asked)}`),
  writeLine: (fields: Fields, key: string) => request<CareLine>("POST", "care-lines", fields, key),
  summary: (asked: { person?: string; provider?: string; region?: string; from?: string; to?: string }) =>
    request<CareSummary>("GET", `care-lines/summary${query(asked)}`),
  money: (year: number, region: string) => request<Money>("GET", `money${query({ year, region })}`),
  writeMoney: (fields: Fields, key: string) => request<MoneyLine>("POST", "money", fields, key),
  moneyPeople: (asked: { year: number; region?: string; person?: string; over?: boolean; limit?: number }) =>
    request<MoneyPeople>("GET", `money/people${query(asked)}`),
};

export const STATE_TONES: Record<string, string> = {
  proposed: "watch",
  sent: "technical",
  accepted: "technical",
  serving: "good",
  ended: "",
  withdrawn: "",
};

/** Codes of mistakes that belong to one field of the form. */
const FIELD_OF: Record<string, string> = {
  nobody_agreed: "agreed_name",
  agreed_later: "agreed_at",
  no_outcome: "outcome",
  no_reason: "reason",
  no_provider: "provider",
  not_active: "provider",
};

export function faultOf(error: unknown): Fault {
  if (!(error instanceof ApiError)) return { field: "", text: problemText(error) };
  const [first] = error.errors;
  if (first !== undefined) return { field: first.field, text: language.current === "en" ? first.en : first.zh };
  const field = FIELD_OF[error.code] ?? error.field?.split(".")[0] ?? "";
  const text = tAny([`care_fault.${error.code}`, `care_fault.${field}`]) ?? problemText(error);
  return { field, text };
}

const FEN = 100;

/** 80,000 fen as ¥800, with its fen only where there are any. */
export function yuan(fen: number): string {
  return new Intl.NumberFormat(language.current, {
    style: "currency",
    currency: "CNY",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: fen % FEN === 0 ? 0 : 2,
    maximumFractionDigits: 2,
  }).format(fen / FEN);
}

/** What somebody typed as yuan, in fen; null when it is no amount of money. */
export function fenOf(text: string): number | null {
  const clean = text.trim().replace(/[,\uff0c\s]/g, "").replace(/^[\u00a5\uffe5]/, "").replace(/\u5143$/, "");
  if (clean === "") return 0;
  if (!/^\d{1,7}(\.\d{1,2})?$/.test(clean)) return null;
  const [whole = "0", part = ""] = clean.split(".");
  return Number(whole) * FEN + Number(part.padEnd(2, "0"));
}

/** The first day of a month, and of the next one: "2026-11" gives ["2026-11-01", "2026-12-01"]. */
export function monthDays(month: string): [string, string] {
  const [year = 0, of = 1] = month.split("-").map(Number);
  const next = of === 12 ? `${year + 1}-01` : `${year}-${String(of + 1).padStart(2, "0")}`;
  return [`${month}-01`, `${next}-01`];
}

/** Part of what there was, in whole per cent; null where there was nothing. */
export function shareOf(used: number, of: number): number | null {
  return of <= 0 ? null : Math.round((used / of) * 100);
}
