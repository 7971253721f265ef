// Dispatching, arrivals, the figures of the service: their objects and calls (docs/http.md).

import { query, request } from "./api";
import { t, word } from "./i18n.svelte";
import type { Alarm, TimelineEntry } from "./alarm_types";
import type { Device, DeviceEvent, Trouble } from "./device_types";
import type { HomeRef, Person, Stay } from "./home_types";
import type { AccountRef, Assignee, Page } from "./hub_types";
import type { ProofKind, Task } from "./task_types";

export interface Why {
  code: string;
  km?: number;
  from?: string;
}

export interface Suggestion extends Assignee {
  km: number | null;
  /** Tasks that this person has accepted and not ended; left out where nobody asked. */
  tasks?: number;
  why: Why[];
}

export interface LastReading {
  device: string;
  label: string;
  kind: string;
  field: string;
  value: number;
  at: string;
}

export interface CarePerson extends Person {
  born: string | null;
  responsible: AccountRef | null;
}

interface OfHome {
  at: string;
  home: HomeRef | null;
  /** Whether any gateway of its devices is there; null without devices. */
  heard?: boolean | null;
  persons: CarePerson[];
  readings: LastReading[];
  /** They could not be had: none shown is not none there. */
  readings_away?: boolean;
  devices: Device[];
  stays: Stay[];
  open_alarms: Alarm[];
}

export interface Card extends OfHome {
  task: Task;
  alarm: Alarm | null;
  proofs: Record<ProofKind, boolean>;
  checks: Trouble[];
}

export interface Sheet extends OfHome {
  alarm: Alarm;
  task: Task | null;
  timeline: TimelineEntry[];
  events: DeviceEvent[];
}

export interface Share {
  within_s: number;
  goal: number;
  met: number;
  of: number;
  share: number | null;
  reached: boolean | null;
}

export interface Speed {
  shares: Share[];
  done: number;
  waiting: number;
  median_s: number | null;
  worst_s: number | null;
}

export interface Figures {
  calls: number;
  answered: Speed;
  attended: Speed;
  called_off: number;
  by_outcome: { outcome: string; count: number }[];
  by_rule: { rule: string; count: number }[];
  reviews: { due: number; done: number };
}

export interface Group extends Figures {
  group: string | null;
  name: string;
}

export interface Report {
  from: string;
  to: string;
  total: Figures;
  groups: Group[];
}

export interface Call {
  alarm: string;
  number: number;
  region_path: string[];
  rule: string;
  kind: string;
  shift: string;
  called_at: string;
  answered_at: string | null;
  answered_by: string | null;
  answer_s: number | null;
  went: string | null;
  arrived_at: string | null;
  attend_s: number | null;
  outcome: string | null;
  review_due: boolean;
  reviewed: boolean;
}

export const REVIEW_CAUSES = [
  "nobody_on_duty",
  "busy",
  "not_heard",
  "channel_failed",
  "screen_failed",
  "storm",
  "other",
] as const;

export type By = "region" | "shift" | "person";
export type Which = "all" | "late" | "unreviewed";

export interface Span {
  from?: string;
  to?: string;
  region?: string;
}

const id = encodeURIComponent;

export const service = {
  suggestions: (task: string) =>
    request<Page<Suggestion>>("GET", `tasks/${id(task)}/suggestions`),
  card: (task: string) => request<Card>("GET", `tasks/${id(task)}/card`),
  sheet: (alarm: string) => request<Sheet>("GET", `alarms/${id(alarm)}/sheet`),
  createTask: (order: {
    kind: "routine" | "follow_up";
    home: string;
    due_at: string;
    assignee?: string;
    note: string;
  }) => request<Task>("POST", "tasks", order),
  askPress: (task: string) => request<Task>("POST", `tasks/${id(task)}/ask-press`, {}),
  arriveWith: (task: string, proof: Record<string, unknown>) =>
    request<Task>("POST", `tasks/${id(task)}/arrive`, { proof }),
  newLabel: (home: string) =>
    request<{ code: string; address: string; print: number }>(
      "POST",
      `homes/${id(home)}/label`,
      {},
    ),
  changeHome: (home: string, changes: Record<string, unknown>) =>
    request<unknown>("PATCH", `homes/${id(home)}`, changes),
  changePerson: (person: string, changes: Record<string, unknown>) =>
    request<unknown>("PATCH", `service-users/${id(person)}`, changes),
  report: (span: Span, by: By) =>
    request<Report>("GET", `reports/response${query({ ...span, by })}`),
  calls: (span: Span, which: Which) =>
    request<{ items: Call[]; total: number }>(
      "GET",
      `reports/response/calls${query({ ...span, which })}`,
    ),
  review: (alarm: string, cause: string, note: string) =>
    request<unknown>("POST", `alarms/${id(alarm)}/review`, { cause, note }),
};

/** The least distance of several that are known: of one alone nobody can say that it is the least. */
export function nearest(people: readonly Suggestion[]): number | null {
  const known = people.flatMap((person) => (person.km === null ? [] : [person.km]));
  return known.length < 2 ? null : Math.min(...known);
}

/** What speaks for somebody; how far and how busy stands in a column of its own. */
export function marksOf(person: Suggestion, near: number | null): string[] {
  const codes = person.why.map((why) => why.code);
  const marks = codes.filter((code) => code !== "near" && code !== "busy");
  return near !== null && person.km === near ? [...marks, "nearest"] : marks;
}
