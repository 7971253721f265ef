// What is wrong with devices: what comes first, which filter finds it, and how far a radio is
// heard. Pure.

import { BATTERY_LOW_PCT } from "./life";
import type { Device, Trouble } from "./device_types";
import type { Task } from "./task_types";

export const FILTERS = ["trouble", "silent", "unheard", "battery", "test_due", "all"] as const;
export type Filter = (typeof FILTERS)[number];

// What installers take as good and as just enough, over 433 MHz, Zigbee, Bluetooth and Wi-Fi alike:
// from about -70 dBm a room more does no harm, below -85 dBm frames are lost.
const GOOD_DBM = -70;
const FAIR_DBM = -85;
// Zigbee's link quality goes to 255; below 50 routers begin to lose frames.
const GOOD_LINK = 100;
const FAIR_LINK = 50;
// A life-critical fault has two hours, everything else has days.
const PRESSING_MS = 24 * 3_600_000;

export type Signal = "good" | "fair" | "weak";

export function troublesOf(device: Device): Trouble[] {
  return [...(device.troubles ?? [])].sort(byUrgency);
}

/** A life hangs on it, and the deadline says so: a button's weekly test has days. */
export function isPressing(trouble: Trouble): boolean {
  if (!trouble.life_critical || trouble.due_at === null) return trouble.life_critical;
  return Date.parse(trouble.due_at) - Date.parse(trouble.since) <= PRESSING_MS;
}

/** What presses first, then what is due first; without a deadline last. */
export function byUrgency(one: Trouble, other: Trouble): number {
  return (
    Number(isPressing(other)) - Number(isPressing(one)) ||
    dueMs(one) - dueMs(other) ||
    Date.parse(one.since) - Date.parse(other.since)
  );
}

function dueMs(trouble: Trouble): number {
  return trouble.due_at === null ? Number.MAX_SAFE_INTEGER : Date.parse(trouble.due_at);
}

/** Devices by the worst of their troubles, those without one last; of equals as they came. */
export function byTrouble(one: Device, other: Device): number {
  const [first] = troublesOf(one);
  const [second] = troublesOf(other);
  if (first === undefined || second === undefined) {
    return Number(first === undefined) - Number(second === undefined);
  }
  return byUrgency(first, second);
}

export function isShown(device: Device, filter: Filter): boolean {
  const reasons = (device.troubles ?? []).map((trouble) => trouble.reason);
  switch (filter) {
    case "all":
      return true;
    case "trouble":
      return reasons.length > 0 || device.fault !== null;
    case "silent":
      // As the board counts them; what was never heard may lie in its box.
      return device.state === "silent";
    case "unheard":
      return device.state === "never_seen";
    case "battery":
      return reasons.includes("battery_low") || isBatteryLow(device);
    case "test_due":
      return reasons.includes("weekly_test_due");
  }
}

export function isBatteryLow(device: Device): boolean {
  return device.battery_pct !== null && device.battery_pct <= BATTERY_LOW_PCT;
}

/** Whether it is quiet for longer than it should be. */
export function isLate(device: Device, now: number): boolean {
  const expected = device.expected_interval_s ?? null;
  if (expected === null || device.last_seen_at === null || now === 0) return false;
  return now - Date.parse(device.last_seen_at) > expected * 1000;
}

export function signalOf(device: Device): Signal | null {
  const { signal_dbm: dbm, link_quality: link = null } = device;
  if (dbm !== null) return dbm >= GOOD_DBM ? "good" : dbm >= FAIR_DBM ? "fair" : "weak";
  if (link === null) return null;
  return link >= GOOD_LINK ? "good" : link >= FAIR_LINK ? "fair" : "weak";
}

/** A task's own trouble, and what else can be looked at in the same home. */
export function checksOf(task: Task): { own: Trouble[]; others: Trouble[] } {
  const checks = [...(task.checks ?? [])].sort(byUrgency);
  const isOwn = (trouble: Trouble): boolean =>
    trouble.task === task.id || (task.alarm !== null && trouble.alarm === task.alarm);
  return {
    own: checks.filter(isOwn),
    others: checks.filter((trouble) => !isOwn(trouble)),
  };
}

export function isPressingRepair(task: Task): boolean {
  return checksOf(task).own.some(isPressing);
}

export type Tone = "urgent" | "watch" | "technical";

/** Red is kept for what a life hangs on and whose deadline has passed. */
export function toneOf(trouble: Trouble, now: number): Tone {
  const late = isOverdue(trouble, now);
  if (isPressing(trouble)) return late ? "urgent" : "watch";
  return late ? "watch" : "technical";
}

/** Whether its deadline still runs: in an emergency it is for being there, of other work for its end. */
export function isDue(task: Pick<Task, "kind" | "state">): boolean {
  if (task.kind === "emergency" && task.state === "arrived") return false;
  return task.state !== "completed" && task.state !== "cancelled";
}

/** A task's deadline: one about a person, or one that presses, is red when it is late. */
export function toneOfTask(task: Task, late: boolean): Tone {
  if (task.kind !== "repair" || isPressingRepair(task)) return late ? "urgent" : "watch";
  return late ? "watch" : "technical";
}

/** As the hub said, or by now: a page that stands open for hours counts on. */
export function isOverdue(trouble: Trouble, now: number): boolean {
  return trouble.overdue || (trouble.due_at !== null && now > 0 && Date.parse(trouble.due_at) < now);
}
