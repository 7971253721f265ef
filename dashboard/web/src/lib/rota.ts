// Days, weeks and months of a rota, and its turns.

import { DAY_MS, clockOf, dayTold } from "./local_time";
import type { PatternHours, PatternTurn, RotaDay, SheetLine, Shift } from "./rota_types";

const WEEK = 7;
/** Their names in the catalogues, Monday first. */
export const WEEKDAYS = [
  "rota.mon",
  "rota.tue",
  "rota.wed",
  "rota.thu",
  "rota.fri",
  "rota.sat",
  "rota.sun",
] as const;

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

export function addMonths(date: string, months: number): string {
  const at = new Date(`${date.slice(0, 7)}-01T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + months);
  return at.toISOString().slice(0, 10);
}

/** 0 is Monday. */
export function weekday(date: string): number {
  return (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % WEEK;
}

export function mondayOf(date: string): string {
  return addDays(date, -weekday(date));
}

/** [from, to) of the whole weeks that a month lies in. */
export function monthSpan(date: string): { from: string; to: string } {
  const first = `${date.slice(0, 7)}-01`;
  const from = mondayOf(first);
  const last = addDays(addMonths(first, 1), -1);
  return { from, to: addDays(mondayOf(last), WEEK) };
}

export function weeksOf(days: RotaDay[]): RotaDay[][] {
  const weeks: RotaDay[][] = [];
  for (let at = 0; at < days.length; at += WEEK) weeks.push(days.slice(at, at + WEEK));
  return weeks;
}

export function dayText(date: string, locale: string, withWeekday = true): string {
  return dayTold(date, locale, {
    month: "short",
    day: "numeric",
    ...(withWeekday ? { weekday: "short" } : {}),
  });
}

/** In a cell of a month there is room for figures alone: 11/1. */
export function narrowDay(date: string, locale: string): string {
  return dayTold(date, locale, { month: "numeric", day: "numeric" });
}

export function monthText(date: string, locale: string): string {
  return dayTold(date, locale, { year: "numeric", month: "long" });
}

/** The rows of a week: every shift of a desk that occurs in it, by its hours. */
export interface WeekRow {
  desk: string;
  name: string;
  hours: string;
  byDate: Map<string, Shift>;
}

export function weekRows(shifts: Shift[], desk: string): WeekRow[] {
  const rows = new Map<string, WeekRow & { order: string }>();
  for (const shift of shifts) {
    if (shift.desk !== desk) continue;
    const hours = `${clockOf(shift.start)}–${clockOf(shift.end)}`;
    const row = rows.get(shift.name) ?? {
      desk,
      name: shift.name,
      hours,
      order: clockOf(shift.start),
      byDate: new Map<string, Shift>(),
    };
    row.byDate.set(shift.date, shift);
    rows.set(shift.name, row);
  }
  return [...rows.values()].sort((a, b) => a.order.localeCompare(b.order));
}

export function isMine(shift: Shift, username: string | undefined): boolean {
  return shift.people.some((person) => person.username === username);
}

export function isNow(shift: Shift, now: number): boolean {
  return Date.parse(shift.start) <= now && now < Date.parse(shift.end);
}

/** Turns of teams that go round: who has a shift today has the following one tomorrow. */
export function rotatingTurns(hours: PatternHours[], teams: string[][]): PatternTurn[] {
  const turns: PatternTurn[] = [];
  // By the clock, so that nobody goes from one shift straight into the next.
  const inOrder = [...hours].sort((a, b) => a.start.localeCompare(b.start));
  for (let day = 0; day < teams.length; day += 1) {
    inOrder.forEach((one, place) => {
      const team = teams[(((place - day) % teams.length) + teams.length) % teams.length] ?? [];
      turns.push({ day, shift: one.name, people: team.filter((who) => who !== ""), on: "every" });
    });
  }
  return turns;
}

/** Turns of a week: `people[shift][weekday]`. */
export function weeklyTurns(hours: PatternHours[], people: string[][][]): PatternTurn[] {
  return hours.flatMap((one, place) =>
    Array.from({ length: WEEK }, (_, day) => ({
      day,
      shift: one.name,
      people: (people[place]?.[day] ?? []).filter((who) => who !== ""),
      on: "every" as const,
    })),
  );
}

/** Lines of a hand-over sheet that are about the same kind of thing. */
export interface LineGroup {
  kind: SheetLine["kind"];
  lines: SheetLine[];
  /** Numbers of those that nobody has signed and that may be signed in one act. */
  together: number[];
}

/** What was somebody's, or nobody's, when it was written is nobody's now and not over: given up, or lapsed. */
export function nobodyHas(line: Pick<SheetLine, "now" | "over">): boolean {
  return line.now != null && line.now.who === null && !line.over;
}

/** In the order in which the sheet has them: people first. What was carried over or noted later
 * stands with its kind, and what is over meanwhile behind what is still open. */
export function lineGroups(lines: SheetLine[]): LineGroup[] {
  const groups = new Map<string, LineGroup>();
  for (const line of lines) {
    const group = groups.get(line.kind) ?? { kind: line.kind, lines: [], together: [] };
    groups.set(line.kind, group);
    group.lines.push(line);
    if (line.signed === null && !line.alone) group.together.push(line.number);
  }
  for (const group of groups.values()) group.lines.sort((one, other) => Number(one.over) - Number(other.over));
  return [...groups.values()];
}
