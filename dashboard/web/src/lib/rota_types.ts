// The rota and its hand-over sheets, as docs/http.md has them.

import type { HomeRef, Person } from "./home_types";
import type { AccountRef } from "./hub_types";

export interface Staff extends AccountRef {
  role: string | null;
  phone: string;
}

export interface Desk {
  id: string;
  name: string;
  region: string;
  kind: "duty" | "visit";
  seats: number;
  always: boolean;
  closed: boolean;
}

export interface RotaDay {
  /** ISO date of the county's clock. */
  date: string;
  working: boolean;
  name: string;
  known: "announced" | "law" | "unknown";
  source: string;
}

export interface YearDay extends RotaDay {
  /** Who entered it, when the county did. */
  entered: { by: Staff; at: string; reason: string } | null;
  /** As it would be without that. */
  otherwise: DaySaid | null;
}

export interface CalendarYear {
  year: number;
  known: RotaDay["known"];
  announced_until: string;
  may_change: boolean;
  items: YearDay[];
}

/** `working` null: as the calendar's own tables have it. */
export interface DaySaid {
  working: boolean | null;
  name: string;
}

export interface ShiftSaid {
  as_planned: boolean;
  people: Staff[] | null;
  start: string | null;
  end: string | null;
}

interface FactOf<Kind extends string, Said> {
  seq: number;
  at: string;
  kind: Kind;
  key: string;
  desk: string | null;
  actor: Staff;
  reason: string;
  by_swap: boolean;
  said: Said;
  /** What had been said of the same thing until then. */
  before: Said | null;
}

export type DayFact = FactOf<"day", DaySaid>;
export type RotaFact =
  | FactOf<"shift", ShiftSaid>
  | FactOf<"swap", { asker: Staff; other: Staff; given: string; taken: string | null; state: Swap["state"] }>
  | FactOf<"pattern", { from: string; until: string | null; shifts: PatternHours[] }>
  | FactOf<"desk", { name: string; seats: number; always: boolean; closed: boolean }>;

export interface Shift {
  id: string;
  desk: string;
  date: string;
  name: string;
  start: string;
  end: string;
  people: (Staff & { absent: boolean })[];
  changed: boolean;
  missing: number;
}

export interface RotaProblem {
  reason: "nobody" | "unverified" | "dead_contact" | "no_responder";
  level: "ahead" | "soon" | "now";
  desk: string;
  region: string;
  shift: string;
  from: string;
  until: string;
  people: Staff[];
}

export interface Leave {
  id: string;
  person: Staff;
  from: string;
  until: string;
}

export interface RotaWindow {
  from: string;
  to: string;
  today: string;
  announced_until: string;
  desks: Desk[];
  days: RotaDay[];
  shifts: Shift[];
  leaves: Leave[];
  problems: RotaProblem[];
}

export interface OnDuty extends Staff {
  shift: string;
  until: string;
}

export interface DutyDesk {
  desk: Desk;
  on_duty: OnDuty[];
  next_at: string | null;
  next: OnDuty[];
  handover: { id: string; at: string; lines: number; unsigned: number } | null;
}

export interface Duty {
  now: string;
  desks: DutyDesk[];
  problems: RotaProblem[];
  mine: Shift | null;
}

export interface PatternHours {
  name: string;
  start: string;
  end: string;
}

export interface PatternTurn {
  day: number;
  shift: string;
  people: string[];
  on: "every" | "working" | "rest";
}

export interface Pattern {
  id: string;
  desk: string;
  from: string;
  until: string | null;
  anchor: string;
  cycle_days: number;
  shifts: PatternHours[];
  turns: PatternTurn[];
}

export interface NewPattern {
  id: string;
  from: string;
  anchor?: string;
  cycle_days: number;
  shifts: PatternHours[];
  turns: PatternTurn[];
  reason: string;
}

export interface Swap {
  id: string;
  asker: Staff;
  other: Staff;
  given: string;
  given_shift: Shift | null;
  taken: string | null;
  taken_shift: Shift | null;
  state: "asked" | "agreed" | "approved" | "declined" | "withdrawn" | "refused" | "expired";
  note: string;
}

export type SwapMove = "agree" | "decline" | "withdraw" | "approve" | "refuse";

export interface ImportRow {
  row: number;
  verdict: "new" | "change" | "same" | "rejected";
  cells: Record<string, string>;
  shift: string | null;
  faults: { column: string; code: string; detail: string; value: string }[];
}

export interface ImportResult {
  applied: boolean;
  counts: Record<"new" | "change" | "same" | "rejected" | "blank", number>;
  ignored_columns: string[];
  rows: ImportRow[];
}

export interface SheetMark {
  by: Staff;
  at: string;
  remark: string;
}

export interface SheetLine {
  number: number;
  kind: "alarm" | "question" | "hold" | "stay" | "device" | "task" | "note";
  subject: string;
  carried: boolean;
  written_at: string;
  written_by: Staff;
  since: string | null;
  until: string | null;
  holder: Staff | null;
  goes: Staff | null;
  offered_to: Staff | null;
  home: HomeRef | null;
  region_path: string[];
  persons: Person[];
  note: string | null;
  facts: Record<string, string | number | null>;
  over: boolean;
  /** What became of it since it was written; null: nothing. An older hub doesn't say it. */
  now?: { state: string; who: Staff | null } | null;
  /** Urgent: signed by itself, never among others. */
  alone: boolean;
  signed: SheetMark | null;
  remarks: SheetMark[];
}

export interface Sheet {
  id: string;
  desk: string;
  desk_name: string;
  at: string;
  from_shift: string;
  to_shift: string;
  outgoing: Staff[];
  incoming: Staff[];
  opened_at: string;
  opened_by: Staff;
  lines: number;
  unsigned: number;
}

export interface SheetDetail extends Sheet {
  may_sign: boolean;
  items: SheetLine[];
}
