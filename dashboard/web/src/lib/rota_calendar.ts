// The year's holidays as a notice tells them: spans of days instead of days. Pure.

import { addDays } from "./rota";
import type { DayFact, DaySaid, YearDay } from "./rota_types";

export interface Span<Day> {
  from: string;
  to: string;
  days: number;
  /** What each of its days says. */
  day: Day;
}

/** Days, in their order, that follow each other and say the same are one span. */
export function spansOf<Day>(days: { date: string; day: Day }[], same: (a: Day, b: Day) => boolean): Span<Day>[] {
  const spans: Span<Day>[] = [];
  for (const { date, day } of days) {
    const last = spans.at(-1);
    if (last !== undefined && addDays(last.to, 1) === date && same(last.day, day)) {
      last.to = date;
      last.days += 1;
    } else {
      spans.push({ from: date, to: date, days: 1, day });
    }
  }
  return spans;
}

export function yearSpans(days: YearDay[]): Span<YearDay>[] {
  return spansOf(
    days.map((day) => ({ date: day.date, day })),
    (a, b) =>
      saysSame(a, b) &&
      a.entered?.at === b.entered?.at &&
      (a.otherwise === null) === (b.otherwise === null) &&
      (a.otherwise === null || b.otherwise === null || saysSame(a.otherwise, b.otherwise)),
  );
}

/** Facts that were said in one act: the same moment, person and reason. */
export interface DayAct {
  seq: number;
  at: string;
  who: string;
  reason: string;
  spans: Span<DaySaid>[];
}

export function dayActs(facts: DayFact[]): DayAct[] {
  const acts: { first: DayFact; facts: DayFact[] }[] = [];
  for (const fact of facts) {
    const last = acts.at(-1);
    const one = last?.first;
    if (one?.at === fact.at && one.actor.username === fact.actor.username && one.reason === fact.reason) {
      last?.facts.push(fact);
    } else {
      acts.push({ first: fact, facts: [fact] });
    }
  }
  return acts.map(({ first, facts: said }) => ({
    seq: first.seq,
    at: first.at,
    who: first.actor.name,
    reason: first.reason,
    spans: spansOf(
      said.map((fact) => ({ date: fact.key, day: fact.said })).sort((a, b) => a.date.localeCompare(b.date)),
      saysSame,
    ),
  }));
}

/** Every date from the first to the last, at most so many. */
export function datesIn(from: string, to: string, most: number): string[] {
  const dates: string[] = [];
  for (let date = from; date <= to && dates.length < most; date = addDays(date, 1)) dates.push(date);
  return dates;
}

function saysSame(a: DaySaid, b: DaySaid): boolean {
  return a.working === b.working && a.name === b.name;
}
