// What of an alarm is heard as new. Pure.

import type { Alarm } from "./alarm_types";
import { isQuiet } from "./holding";
import { isCalm } from "./order";

type Told = Pick<
  Alarm,
  | "state"
  | "kind"
  | "severity"
  | "event_count"
  | "cleared_at"
  | "held_until"
  | "released_at"
  | "ask_until"
  | "answer"
>;

/** Pressed again is heard again, also when somebody has the alarm already. While the elder is being
 * asked, or its cause is known, nothing is heard; when that is over, it is new, unless what it was
 * about is over as well. */
export function isNews(alarm: Told, before: Told | undefined): boolean {
  const again = before !== undefined && alarm.event_count > before.event_count;
  const fresh = alarm.state === "open" && (before === undefined || isQuiet(before));
  const over = before !== undefined && alarm.cleared_at !== null && !again;
  return alarm.state !== "closed" && !isQuiet(alarm) && !isCalm(alarm) && !over && (again || fresh);
}
