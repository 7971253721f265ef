// A person's month of life, as the hub tells it: hours as characters, and what happened. Pure.

import { DAY_MS, instantOf } from "./local_time";

export interface LifeMonth {
  person: string;
  home: string;
  from: string;
  meter: string | null;
  measure: "learned" | "assumed" | "none";
  hours: string[];
  alarms: LifeAlarm[];
  dark: { from: string; until: string | null }[];
  stays: { kind: string; from: string; until: string }[];
  visits: { id: string; at: string; way: string; met: boolean }[];
}

export interface LifeAlarm {
  id: string;
  kind: string;
  severity: string;
  state: string;
  at: string;
  until: string | null;
  outcome: string | null;
}

export interface LifeHour {
  /** 0 to 4; null: the meter was not heard, or the hour is still to come. */
  level: number | null;
  toCome: boolean;
  /** A sensor or a measurement shows somebody. */
  moved: boolean;
  away: boolean;
  dark: boolean;
  silent: boolean;
  alarm: "urgent" | "watch" | null;
  /** Of a visit or call: whether somebody was met. */
  visit: "met" | "missed" | null;
}

export interface LifeDay {
  date: string;
  hours: LifeHour[];
  alarms: LifeAlarm[];
  visits: LifeMonth["visits"];
  stays: LifeMonth["stays"];
  dark: LifeMonth["dark"];
}

const HOUR_MS = 3_600_000;
const HOURS = 24;
const SILENT_KIND = "no_sign_of_life";
const AWAY = new Set(["away", "hospital"]);
// From here on an hour counts as one in which somebody was up.
const LIVELY = 2;

function readHour(mark: string): LifeHour {
  const plain = "01234".indexOf(mark);
  const stirred = "abcde".indexOf(mark);
  return {
    level: plain >= 0 ? plain : stirred >= 0 ? stirred : null,
    toCome: mark === ".",
    moved: stirred >= 0 || mark === "m",
    away: false,
    dark: false,
    silent: false,
    alarm: null,
    visit: null,
  };
}

/** The days of a month, the newest last. */
export function daysOf(month: LifeMonth): LifeDay[] {
  const first = Date.parse(`${month.from}T00:00:00Z`);
  return month.hours.map((text, day) => {
    const date = new Date(first + day * DAY_MS).toISOString().slice(0, 10);
    return dayOf(month, date, [...text].map(readHour));
  });
}

function dayOf(month: LifeMonth, date: string, hours: LifeHour[]): LifeDay {
  const start = instantOf(date);
  const touches = (from: string, until: string | null, low: number, high: number): boolean =>
    Date.parse(from) < high && (until === null || Date.parse(until) > low);
  const within = (at: string): number => Math.floor((Date.parse(at) - start) / HOUR_MS);
  const during = <T extends { from: string; until: string | null }>(spans: T[]): T[] =>
    spans.filter((span) => touches(span.from, span.until, start, start + HOURS * HOUR_MS));
  const day: LifeDay = {
    date,
    hours,
    alarms: month.alarms.filter((one) => inDay(within(one.at))),
    visits: month.visits.filter((one) => inDay(within(one.at))),
    stays: during(month.stays),
    dark: during(month.dark),
  };
  const silences = month.alarms.filter((one) => one.kind === SILENT_KIND);
  hours.forEach((hour, place) => {
    const low = start + place * HOUR_MS;
    if (hour.toCome) return;
    const covered = (from: string, until: string | null): boolean =>
      touches(from, until, low, low + HOUR_MS);
    hour.away = day.stays.some((stay) => AWAY.has(stay.kind) && covered(stay.from, stay.until));
    hour.dark = day.dark.some((one) => covered(one.from, one.until));
    hour.silent = silences.some((one) => covered(one.at, one.until));
  });
  for (const alarm of day.alarms) {
    const hour = hours[within(alarm.at)];
    if (hour !== undefined && hour.alarm !== "urgent") {
      hour.alarm = alarm.severity === "urgent" ? "urgent" : "watch";
    }
  }
  for (const visit of day.visits) {
    const hour = hours[within(visit.at)];
    if (hour !== undefined && hour.visit !== "met") hour.visit = visit.met ? "met" : "missed";
  }
  return day;
}

function inDay(hour: number): boolean {
  return hour >= 0 && hour < HOURS;
}

export interface LifeCount {
  /** Hours in which somebody was up, the first of them and the end of the last. */
  lively: number;
  first: number | null;
  last: number | null;
  unheard: number;
}

/** A day in numbers, for who reads it in words. */
export function countOf(day: LifeDay): LifeCount {
  const up = day.hours.flatMap((hour, place) =>
    (hour.level ?? 0) >= LIVELY || hour.moved ? [place] : [],
  );
  return {
    lively: up.length,
    first: up[0] ?? null,
    last: up.length === 0 ? null : (up[up.length - 1] ?? 0) + 1,
    unheard: day.hours.filter((hour) => hour.level === null && !hour.toCome && !hour.moved).length,
  };
}

/** 2026-11 and so many months on. */
export function monthBeside(month: string, by: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}
