// Alarms and what was done about them, as docs/http.md has them. What newer hubs
// add is optional: a hub may be older than a page that is still open.

import type { DeviceEvent } from "./device_types";
import type { HomeRef, Person, StayKind } from "./home_types";
import type { AccountRef } from "./hub_types";
import type { Task } from "./task_types";

export type AlarmState = "open" | "acknowledged" | "in_response" | "closed";

export type Severity = "urgent" | "watch" | "technical";

export type EvidenceValue =
  | string
  | number
  | boolean
  | null
  | EvidenceValue[]
  | { [name: string]: EvidenceValue };

export type Evidence = Record<string, EvidenceValue>;

export interface Alarm {
  id: string;
  number: number;
  state: AlarmState;
  severity: Severity;
  kind: string;
  rule: string;
  reason: string;
  raised_at: string;
  ingested_at: string;
  last_event_at: string;
  event_count: number;
  cleared_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by: AccountRef | null;
  assignee: AccountRef | null;
  closed_at: string | null;
  closed_by: AccountRef | null;
  outcome: string | null;
  /** How it was in the home, as whoever closed it says. */
  found_out?: string | null;
  note: string | null;
  task: string | null;
  asked_at: string | null;
  ask_until: string | null;
  answered_at: string | null;
  answer: "well" | "none" | "help" | null;
  held_at?: string | null;
  held_until?: string | null;
  held_for?: "dark" | StayKind | null;
  /** The alarm of the dark village, or the stay. */
  held_by?: string | null;
  released_at?: string | null;
  /** When its severity rose last. */
  worsened_at?: string | null;
  /** Who has it now, and until when somebody must be on the way. */
  holder?: AccountRef | null;
  ack_until?: string | null;
  /** Offered, and not yet accepted. */
  handover_to?: AccountRef | null;
  handover_until?: string | null;
  /** Steps of its escalation are being fired; their rounds are counted. */
  calling?: boolean;
  round?: number;
  merged_into?: string | null;
  reopened?: number;
  version: number;
  home: HomeRef | null;
  gateway: string | null;
  device: string | null;
  device_label: string | null;
  /** Of an alarm about a village there is nothing else that says where. */
  region?: string | null;
  region_path?: string[];
  persons: Person[];
  evidence: Evidence;
}

export interface TimelineEntry {
  seq: number;
  at: string;
  fact: string;
  actor: string;
  actor_name: string;
  reason: string;
  data: Record<string, unknown>;
}

/** A notification of a step of the escalation, and what became of it. */
export interface Notice {
  /** An account, or a contact of the register. */
  to: string;
  channel: string;
  round: number;
  step: number;
  state: string;
}

/** From an alarm to its file. */
export interface Chain {
  found: boolean;
  visit: string | null;
  family_informed: boolean;
  closed: boolean;
  complete: boolean;
  follow_ups: { task: string; state: string; due_at: string | null }[];
}

export interface AlarmDetail extends Alarm {
  chain?: Chain;
  timeline: TimelineEntry[];
  /** Names of the accounts and contacts that the timeline speaks of. */
  people?: Record<string, string>;
  notices?: Notice[];
  events: DeviceEvent[];
  task_detail: Task | null;
}

/** Why somebody can't come, or gives an alarm up. */
export const DECLINE_REASONS = [
  "busy",
  "too_far",
  "unwell",
  "no_transport",
  "shift_ends",
  "other",
] as const;

export const REOPEN_REASONS = ["closed_by_mistake", "not_over", "wrong_merge", "other"] as const;

/** What a human may say about how an alarm ended, in the order of how often it is needed. */
export const OUTCOMES = [
  "accidental",
  "social",
  "medical_advice",
  "real_emergency",
  "test",
  "device_fault",
  "outage",
  "no_answer_visited",
] as const;
