// What the buttons do: one call, the answer put where it is shown, what goes wrong in words.

import { api } from "./api";
import { board } from "./board.svelte";
import { callsAgain, isOffered } from "./handing";
import { isQuiet } from "./holding";
import { t } from "./i18n.svelte";
import { nextOf } from "./sent";
import { session } from "./session.svelte";
import { attempt } from "./toasts.svelte";
import type { Alarm } from "./alarm_types";
import type { Task, TaskMove } from "./task_types";

/** The one thing to press next for this alarm, as far as this account may. */
export type Primary = "acknowledge" | "accept" | null;

export function primaryOf(alarm: Alarm): Primary {
  const again = callsAgain(alarm) || isOffered(alarm, session.me?.username ?? "");
  if ((alarm.state === "open" || again) && session.can("alarm.acknowledge")) return "acknowledge";
  const mine = alarm.assignee === null || alarm.assignee.username === session.me?.username;
  const free = alarm.state === "open" || alarm.state === "acknowledged";
  if (free && mine && alarm.task !== null && session.can("task.move")) {
    // A duty officer sends somebody; only who was sent, or who goes by himself, accepts.
    const duty = session.can("alarm.assign");
    if (!duty || alarm.assignee !== null) return "accept";
  }
  return null;
}

/** What an alarm's page offers. `steps`: of the task, for who goes himself; `toCard`: he is there
 *  and writes what he found; `next`: which of the others is marked as what comes next. */
export interface Acts {
  primary: Primary;
  goes: boolean;
  steps: TaskMove[];
  toCard: boolean;
  mayAssign: boolean;
  next: ReturnType<typeof nextOf>;
  any: boolean;
}

export function actsOn(alarm: Alarm, task: Task | null): Acts {
  const primary = primaryOf(alarm);
  // Of two buttons that would do the same, or of which one is meant for somebody else, one is shown.
  const goes = task !== null && task.assignee?.username === session.me?.username;
  const steps =
    goes && primary === null && session.can("task.move")
      ? movesOf(task).filter((move) => move !== "complete")
      : [];
  const toCard = goes && primary === null && task.state === "arrived";
  const mayAssign = session.can("alarm.assign") && (alarm.task !== null || isQuiet(alarm));
  return {
    primary,
    goes,
    steps,
    toCard,
    mayAssign,
    next: primary === null && alarm.state !== "open" && !goes ? nextOf(task) : null,
    any: primary !== null || steps.length > 0 || toCard || mayAssign || session.can("alarm.close"),
  };
}

async function change(act: () => Promise<Alarm>, done: string): Promise<boolean> {
  const alarm = await attempt(act, done);
  if (alarm === null) {
    // Somebody was faster, or the line is down: show what is true.
    void board.reload();
    return false;
  }
  board.put(alarm);
  return true;
}

export function acknowledge(alarm: Alarm): Promise<boolean> {
  return change(() => api.acknowledge(alarm.id), t("done.acknowledged"));
}

export function assign(alarm: Alarm, assignee: string): Promise<boolean> {
  return change(() => api.assign(alarm.id, assignee), t("done.assigned"));
}

export function close(
  alarm: Alarm,
  outcome: string,
  note: string,
  followUpDays: number | null,
  foundOut: string,
): Promise<boolean> {
  return change(() => api.close(alarm.id, outcome, note, followUpDays, foundOut), t("done.closed"));
}

export function extend(alarm: Alarm): Promise<boolean> {
  return change(() => api.extend(alarm.id), t("done.extended"));
}

export function handOver(alarm: Alarm, to: string): Promise<boolean> {
  return change(() => api.handOver(alarm.id, to), t("done.handover_offered"));
}

export function decline(alarm: Alarm, reason: string, note: string): Promise<boolean> {
  return change(() => api.decline(alarm.id, reason, note), t("done.declined"));
}

export function release(alarm: Alarm, reason: string, note: string): Promise<boolean> {
  return change(() => api.release(alarm.id, reason, note), t("done.released"));
}

export function merge(alarm: Alarm, into: string): Promise<boolean> {
  return change(() => api.merge(alarm.id, into), t("done.merged"));
}

export function reopen(alarm: Alarm, reason: string, note: string): Promise<boolean> {
  return change(() => api.reopen(alarm.id, reason, note), t("done.reopened"));
}

export function moveTask(task: string, move: TaskMove, finding = ""): Promise<Task | null> {
  return attempt(() => api.moveTask(task, move, finding), t(`done.task_${move}`));
}

/** The move that comes next on the way of a task, and those that skip a step. */
export function movesOf(task: Task): TaskMove[] {
  switch (task.state) {
    case "open":
      return ["accept"];
    case "accepted":
      return ["depart", "arrive"];
    case "departed":
      return ["arrive"];
    case "arrived":
      return ["complete"];
    default:
      return [];
  }
}

export function mayMove(task: Task): boolean {
  if (!session.can("task.move")) return false;
  const holder = task.assignee?.username ?? null;
  return holder === null || holder === session.me?.username || session.can("task.move_any");
}

/** What the button of a move says: who presses for somebody else tells of that person. */
export function moveText(task: Task, move: TaskMove): string {
  const holder = task.assignee;
  if (holder !== null && holder.username !== session.me?.username) {
    return t(`task.move_of.${move}`, { name: holder.name });
  }
  if (holder === null && session.can("task.move_any")) return t("task.move.accept_myself");
  return t(`task.move.${move}`);
}

/** The card is for who goes, and for who sends. */
export function mayReadCard(task: Task): boolean {
  return task.assignee?.username === session.me?.username || session.can("task.move_any");
}
