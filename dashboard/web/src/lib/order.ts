// What comes first. Pure.

import { isAsking } from "./asking";
import { isHeld } from "./holding";
import { isPressingRepair } from "./troubles";
import type { Alarm, Chain, Severity } from "./alarm_types";
import type { Task } from "./task_types";

type Needed = Pick<
  Alarm,
  | "number"
  | "kind"
  | "severity"
  | "state"
  | "raised_at"
  | "worsened_at"
  | "held_until"
  | "released_at"
  | "ask_until"
  | "answer"
>;

const SEVERITY: Record<Severity, number> = { urgent: 0, watch: 1, technical: 2 };

/** Somebody or a detector calls at this moment; every other kind is what a rule concluded from hours
 *  of readings. A minute counts here: she is awake and in need, or it burns. */
const CALL_KINDS: ReadonlySet<string> = new Set([
  "sos",
  "fall",
  "smoke",
  "gas",
  "hazard",
  "carbon_monoxide",
  // A call that came and could not be read is taken for the worst.
  "unreadable",
]);

/** The rule kinds that speak of devices alone; never of how somebody is. */
const EQUIPMENT_KINDS: ReadonlySet<string> = new Set([
  "device_fault",
  "device_silent",
  "low_battery",
  "test_due",
]);
// Two of a kind are read at a glance; from three on one line says more than three cards.
const GROUP_MIN = 3;

export function isEquipment(alarm: Pick<Alarm, "kind">): boolean {
  return EQUIPMENT_KINDS.has(alarm.kind);
}

function isCall(alarm: Pick<Alarm, "kind">): boolean {
  return CALL_KINDS.has(alarm.kind);
}

/** Work for the day: it waits on the board, and calls nobody. */
export function isCalm(alarm: Pick<Alarm, "kind" | "severity">): boolean {
  return isEquipment(alarm) && alarm.severity === "technical";
}

/** Since when somebody must answer: what grew worse asks anew from then on. */
export function waitsFrom(alarm: Pick<Alarm, "raised_at" | "worsened_at">): number {
  return Date.parse(alarm.worsened_at ?? alarm.raised_at);
}

/** The queue: what is worse first, people before devices, who calls before what was concluded; of
 *  equals, who has waited longest. Who is being asked whether all is well comes behind those who need
 *  somebody now, what is held last. */
export function byNeed(one: Needed, other: Needed): number {
  return (
    Number(isHeld(one)) - Number(isHeld(other)) ||
    SEVERITY[one.severity] - SEVERITY[other.severity] ||
    Number(isEquipment(one)) - Number(isEquipment(other)) ||
    Number(isAsking(one)) - Number(isAsking(other)) ||
    Number(isCall(other)) - Number(isCall(one)) ||
    waitsFrom(one) - waitsFrom(other) ||
    one.number - other.number
  );
}

/** A line of the board: an alarm, or many of one kind that are about devices and gateways. */
export type Row =
  | { key: string; alarm: Alarm; inGroup: boolean }
  | { key: string; group: Alarm[]; open: boolean };

/** Sorted alarms as lines. An urgent alarm never goes into a group; those in `open` are shown. */
export function rowsOf(alarms: Alarm[], open: ReadonlySet<string>): Row[] {
  const groups = new Map<string, Alarm[]>();
  for (const alarm of alarms) {
    const key = groupOf(alarm);
    if (key !== null) groups.set(key, [...(groups.get(key) ?? []), alarm]);
  }
  const rows: Row[] = [];
  for (const alarm of alarms) {
    const key = groupOf(alarm);
    const group = key === null ? [] : (groups.get(key) ?? []);
    if (key === null || group.length < GROUP_MIN) {
      rows.push({ key: alarm.id, alarm, inGroup: false });
    } else if (group[0] === alarm) {
      rows.push({ key, group, open: open.has(key) });
      if (!open.has(key)) continue;
      for (const member of group) rows.push({ key: member.id, alarm: member, inGroup: true });
    }
  }
  return rows;
}

/** Where the alarms of a group are: villages, most alarms first; "" are those without a home. */
export function villagesOf(alarms: Alarm[]): { village: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const alarm of alarms) {
    const village = alarm.home?.region_path.at(-1) ?? "";
    counts.set(village, (counts.get(village) ?? 0) + 1);
  }
  return [...counts]
    .map(([village, count]) => ({ village, count }))
    .sort((one, other) => other.count - one.count || one.village.localeCompare(other.village, "zh-CN"));
}

function groupOf(alarm: Alarm): string | null {
  if (alarm.severity === "urgent") return null;
  if (alarm.severity !== "technical" && !isEquipment(alarm)) return null;
  return `${alarm.severity}/${alarm.kind}`;
}

export function byClosing(one: Alarm, other: Alarm): number {
  return Date.parse(other.closed_at ?? other.raised_at) - Date.parse(one.closed_at ?? one.raised_at);
}

/** Who goes to a person first, emergencies before what is planned and calls before the rest of them, as
 *  on the board; then repairs that press; of equals, what is due first. */
export function byDue(one: Task, other: Task): number {
  return (
    rankOf(one) - rankOf(other) ||
    Date.parse(one.due_at ?? one.created_at) - Date.parse(other.due_at ?? other.created_at) ||
    one.number - other.number
  );
}

function rankOf(task: Task): number {
  if (task.kind === "emergency") return CALL_KINDS.has(task.alarm_kind ?? "") ? 0 : 1;
  if (task.kind !== "repair") return 2;
  return isPressingRepair(task) ? 3 : 4;
}

/** Ended tasks, the latest first; one that was cancelled has no time of its own. */
export function byEnding(one: Task, other: Task): number {
  const end = (task: Task): number => Date.parse(task.completed_at ?? task.created_at);
  return end(other) - end(one) || other.number - one.number;
}

/** Whether an alarm is filed with a visit and the family's word: a device's repair is not, unless
 *  somebody did so all the same. */
export function isFiled(
  alarm: Pick<Alarm, "kind" | "severity">,
  chain: Pick<Chain, "visit" | "family_informed">,
): boolean {
  return !isCalm(alarm) || chain.visit !== null || chain.family_informed;
}

/** A list with `item` put in, unless a newer version is there already. */
export function withItem<T extends { id: string; version: number }>(items: T[], item: T): T[] {
  const index = items.findIndex((known) => known.id === item.id);
  const known = items[index];
  if (known === undefined) return [...items, item];
  if (known.version > item.version) return items;
  const copy = [...items];
  copy[index] = item;
  return copy;
}

/** What was loaded, kept newer where the stream has already said more. */
export function merged<T extends { id: string; version: number }>(loaded: T[], known: T[]): T[] {
  const newer = new Map(known.map((item) => [item.id, item]));
  return loaded.map((item) => {
    const other = newer.get(item.id);
    return other !== undefined && other.version > item.version ? other : item;
  });
}

/** An answer, and what the stream said while it was on its way. `before` is what was known when it
 *  was asked for: what came or changed since and is not in the answer is newer than the answer. */
export function joined<T extends { id: string; version: number }>(
  loaded: T[],
  known: T[],
  before: readonly T[],
): T[] {
  const ids = new Set(loaded.map((item) => item.id));
  const versions = new Map(before.map((item) => [item.id, item.version]));
  const since = known.filter((item) => !ids.has(item.id) && versions.get(item.id) !== item.version);
  return [...merged(loaded, known), ...since];
}

/** Puts `item` in, unless a newer version is there already; says whether it did. */
export function putNewer<T extends { id: string; version: number }>(items: Map<string, T>, item: T): boolean {
  const known = items.get(item.id);
  if (known !== undefined && known.version > item.version) return false;
  items.set(item.id, item);
  return true;
}

/** The row to select after a key: stays inside, starts at the first. */
export function stepped(ids: string[], selected: string | null, step: 1 | -1): string | null {
  if (ids.length === 0) return null;
  const index = selected === null ? -1 : ids.indexOf(selected);
  if (index < 0) return ids[step === 1 ? 0 : ids.length - 1] ?? null;
  return ids[Math.min(ids.length - 1, Math.max(0, index + step))] ?? null;
}
