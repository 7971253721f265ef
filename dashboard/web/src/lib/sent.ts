// How far somebody is who was sent, and since when. Pure.

import type { TimelineEntry } from "./alarm_types";
import type { Task } from "./task_types";

/** Of a task that nobody has accepted: when the person was sent, as the timeline has it. */
export function sentSince(
  task: Pick<Task, "state" | "accepted_at" | "departed_at" | "arrived_at" | "completed_at">,
  timeline: Pick<TimelineEntry, "fact" | "at">[],
): string | null {
  switch (task.state) {
    case "open":
      return [...timeline].reverse().find((entry) => entry.fact === "assigned")?.at ?? null;
    case "accepted":
      return task.accepted_at;
    case "departed":
      return task.departed_at;
    case "arrived":
      return task.arrived_at;
    default:
      return task.completed_at;
  }
}

/** What a duty officer has to press next once an alarm has been taken. */
export function nextOf(task: Pick<Task, "state" | "assignee"> | null): "assign" | "close" | null {
  if (task === null || task.state === "completed" || task.state === "cancelled") return "close";
  return task.assignee === null ? "assign" : null;
}
