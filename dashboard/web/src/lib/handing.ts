// Who may pass an alarm on, as far as the page can know. Pure; the hub decides.

import type { Alarm } from "./alarm_types";
import type { AccountRef } from "./hub_types";

type Held = Pick<Alarm, "state" | "holder" | "handover_to" | "assignee" | "calling">;

/** Who has it now; a hub from before there were holders says only who took it first. */
export function holderOf(
  alarm: Pick<Alarm, "state" | "holder" | "acknowledged_by">,
): AccountRef | null {
  return alarm.holder === undefined ? alarm.acknowledged_by : alarm.holder;
}

/** Offered to this account, which has it only after saying yes. */
export function isOffered(alarm: Pick<Alarm, "handover_to">, me: string): boolean {
  return alarm.handover_to?.username === me;
}

/** Somebody has it and it calls again: pressed once more, or nobody came. */
export function callsAgain(alarm: Pick<Alarm, "state" | "calling">): boolean {
  return alarm.calling === true && (alarm.state === "acknowledged" || alarm.state === "in_response");
}

export function mayHandOver(alarm: Held, me: string): boolean {
  const taken = alarm.state === "acknowledged" || alarm.state === "in_response";
  return taken && alarm.holder?.username === me;
}

/** Who has it, or is on the way, may give it up. */
export function mayRelease(alarm: Held, me: string): boolean {
  const taken = alarm.state === "acknowledged" || alarm.state === "in_response";
  return taken && (alarm.holder?.username === me || alarm.assignee?.username === me);
}

/** Who is being called, or asked to take it over, may say no. */
export function mayDecline(alarm: Held, me: string): boolean {
  return alarm.state !== "closed" && (alarm.calling === true || isOffered(alarm, me));
}

/** Who was sent to a person and has not yet said yes: called out, whatever is on the screen. */
export function isCalledOut(
  alarm: Pick<Alarm, "state" | "severity" | "assignee" | "task">,
  me: string,
): boolean {
  const answered = alarm.state === "in_response" || alarm.state === "closed";
  return !answered && alarm.severity === "urgent" && alarm.task !== null && alarm.assignee?.username === me;
}

/** Other open alarms of the same home: perhaps one event. */
export function twinsOf(alarm: Alarm, alarms: Alarm[]): Alarm[] {
  if (alarm.home === null || alarm.state === "closed") return [];
  return alarms.filter(
    (other) => other.id !== alarm.id && other.home?.id === alarm.home?.id && other.state !== "closed",
  );
}
