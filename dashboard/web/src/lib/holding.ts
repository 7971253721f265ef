// An alarm that is held: its cause is known (a dark village, a stay), nobody is sent and nothing
// sounds until the hold is over.

import { isAsking } from "./asking";
import type { Alarm } from "./alarm_types";

type Held = Pick<Alarm, "state" | "held_until" | "released_at">;

export function isHeld(alarm: Held): boolean {
  // A hub that is older has neither field.
  return alarm.state === "open" && !!alarm.held_until && !alarm.released_at;
}

/** Nobody is called yet: the elder is asked first, or the cause is known. */
export function isQuiet(alarm: Held & Pick<Alarm, "ask_until" | "answer">): boolean {
  return isHeld(alarm) || isAsking(alarm);
}

/** Milliseconds that are left; 0 when the time is over and the hub has not said so yet. */
export function heldLeft(alarm: Held, now: number): number {
  return alarm.held_until ? Math.max(0, Date.parse(alarm.held_until) - now) : 0;
}
