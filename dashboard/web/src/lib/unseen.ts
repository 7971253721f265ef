// Who was not seen yet today, and who can't be reached: objects and calls (docs/http.md).

import { query, request } from "./api";
import type { AccountRef } from "./hub_types";
import type { PlanPerson } from "./plan";

/** By night everybody sleeps: until this hour of the county nobody is called not seen. */
export const MORNING = "08:00";

export interface Place {
  id: string;
  address: string;
  region: string;
  region_path: string[];
}

export interface Contact {
  visit: string;
  way: string;
  at: string;
  by: AccountRef | null;
  met: boolean;
  said_well: boolean;
}

export interface UnseenPerson {
  service_user: string;
  person: PlanPerson;
  home: Place;
  visitor: AccountRef | null;
  life: string;
  /** False: its gateways are away, and no alarm would come; null: there are no devices. */
  heard?: boolean | null;
  /** Its village has no electricity: only other sensors see. */
  dark?: boolean;
  reason: string | null;
  since: string | null;
  window_h: number | null;
  /** Refuted alarms of a year, once there are so many that the rule waits longer for it. */
  refuted_in_year?: number | null;
  /** Quiet hours that are still to be seen, at the least, before the alarm; null: can't be said. */
  quiet_hours_left: number | null;
  sign_at: string | null;
  sign_of: string | null;
  seen_today: boolean;
  contact: Contact | null;
  stay: { kind: "away" | "hospital"; until: string } | null;
  alarm: string | null;
}

export interface UnseenCounts {
  people: number;
  unseen: number;
  silent: number;
  cannot_judge: number;
  away: number;
}

export interface UnseenList {
  items: UnseenPerson[];
  total: number;
  counts: UnseenCounts;
}

export const ORDERS = ["alarm", "sign"] as const;

const id = encodeURIComponent;

export const unseenApi = {
  list: (asked: { region?: string; visitor?: string; seen?: boolean; order?: string; limit?: number }) =>
    request<UnseenList>("GET", `unseen${query(asked)}`),
  count: () => request<UnseenCounts>("GET", "unseen/count"),
  phoned: (person: string, answered: boolean, key: string) =>
    request<{ visit: string }>("POST", `service-users/${id(person)}/phoned`, { answered }, key),
};

// So near an alarm a duty officer telephones before it comes.
const NEAR_H = 6;
// As long as the hub keeps a call from the rule (alarms/heard_from.py).
const SETTLE_MS = 60_000;

export type Standing = "silent" | "away" | "near" | "well" | "dark" | "unknown";

/** What stands first about somebody: an alarm, a stay, how near an alarm is, or that nobody knows. */
export function standingOf(one: UnseenPerson): Standing {
  if (one.life === "silent") return "silent";
  if (one.stay !== null) return "away";
  if (one.life !== "well" || one.heard === false) return "unknown";
  if (one.quiet_hours_left !== null && one.quiet_hours_left <= NEAR_H) return "near";
  return one.dark === true ? "dark" : "well";
}

export const STANDING_TONES: Record<Standing, string> = {
  silent: "urgent",
  away: "technical",
  near: "watch",
  well: "good",
  dark: "watch",
  unknown: "watch",
};

/** Electricity stood out since the home is held silent, and the rule takes it for nobody: without a
 * word of it the list would contradict itself. */
export function tooLittle(one: UnseenPerson): boolean {
  if (one.life !== "silent" || one.sign_of !== "power") return false;
  return one.sign_at !== null && one.since !== null && Date.parse(one.sign_at) > Date.parse(one.since);
}

/** Taken back so soon, the rule has not heard of the call. */
export function unheardYet(contact: Contact, now: number): boolean {
  return now - Date.parse(contact.at) < SETTLE_MS;
}

export const REACH_REASONS = ["attempts", "no_phone", "contact_failed"] as const;

export interface UnreachablePerson {
  service_user: string;
  person: PlanPerson;
  home: Place;
  visitor: AccountRef | null;
  reasons: (typeof REACH_REASONS)[number][];
  met_at: string | null;
  attempts: number;
  last_attempt: { visit: string; way: string; at: string; by: AccountRef | null } | null;
  contacts_failed: { name: string; channel: string; at: string }[];
  life: string;
  heard?: boolean | null;
  dark?: boolean;
  stay: { kind: "away" | "hospital"; until: string } | null;
  task: { id: string; kind: string; due_at: string | null; assignee: AccountRef | null } | null;
}

export interface UnreachableList {
  items: UnreachablePerson[];
  total: number;
  counts: { people: number; found: number } & Record<(typeof REACH_REASONS)[number], number>;
}

export const unreachableApi = {
  list: (asked: { region?: string; visitor?: string; reason?: string; limit?: number }) =>
    request<UnreachableList>("GET", `unreachable${query(asked)}`),
  followUp: (home: string, due_at: string, assignee: string | null) =>
    request<{ id: string }>("POST", "tasks", {
      kind: "follow_up",
      home,
      due_at,
      ...(assignee === null ? {} : { assignee }),
    }),
};
