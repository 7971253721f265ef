// An alarm that asks the elder first: nobody is sent and nothing sounds until the time is over.
// Pure: "now" is an argument.

import type { Alarm } from "./alarm_types";

type Asked = Pick<Alarm, "state" | "ask_until" | "answer">;

export function isAsking(alarm: Asked): boolean {
  // A hub that is older has neither field.
  return alarm.state === "open" && !!alarm.ask_until && !alarm.answer;
}

/** Milliseconds that are left; 0 when the time is over and the hub has not said so yet. */
export function askLeft(alarm: Asked, now: number): number {
  return alarm.ask_until === null ? 0 : Math.max(0, Date.parse(alarm.ask_until) - now);
}
