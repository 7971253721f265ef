// Reports of months and quarters: their objects and calls (docs/http.md), and what is read from them.

import { query, request } from "./api";
import { tAny, word } from "./i18n.svelte";
import type { Said } from "./persons";
import type { PlanHome, PlanPerson, Tally } from "./plan";
import type { Figures } from "./service";

export type Subject = "person" | "visit" | "alarm" | "referral" | "care" | "tally" | "response";
type Counts = Record<string, Record<string, number>>;

export interface FigureWord extends Said {
  word: string;
  zh_about: string;
  en_about: string;
  goal: number | null;
  /** By the register of today, whatever the period. */
  of_today: boolean;
}

export interface FigureGroup extends Said {
  group: string;
  section: string;
  subject: Subject;
  zh_about: string;
  en_about: string;
  words: FigureWord[];
  page: string;
  open: boolean;
}

export interface Catalogue {
  sections: (Said & { section: string })[];
  groups: FigureGroup[];
}

interface Part {
  figures: Counts;
  care: { minutes: number; cost_fen: number };
}

export interface RegionPart extends Part {
  region: string;
  name: string;
  level: string;
  visits: { total: Tally; tiers: Record<string, Tally> } | null;
}

export interface Report extends Part {
  period: string;
  from: string;
  to: string;
  made_at: string;
  people_as_of: string;
  whole: boolean;
  region: string;
  visits: { total: Tally; tiers: Record<string, Tally> };
  response: Figures;
  regions: RegionPart[];
}

export interface TrendItem {
  period: string;
  /** null: the book had not begun. */
  figures: Counts | null;
}

export interface TallyRow extends Tally {
  service_user: string;
  person: PlanPerson;
  home: PlanHome | null;
  tier: string;
  visitor: { username: string; name: string } | null;
}

/** A row behind a figure: of which kind is known from the figure. */
export type AnyRow = Record<string, unknown> & { id: string };

export interface Asked {
  period?: string;
  region?: string;
}

export const reports = {
  catalogue: () => request<Catalogue>("GET", "reports/figures"),
  period: (asked: Asked) => request<Report>("GET", `reports/period${query({ ...asked })}`),
  trend: (asked: Asked, months: number) =>
    request<{ items: TrendItem[] }>("GET", `reports/trend${query({ ...asked, months })}`),
  peopleTrend: (asked: Asked, months: number) =>
    request<{ items: TrendItem[] }>("GET", `reports/trend${query({ ...asked, months, subject: "person" })}`),
  rows: (asked: Asked, figure: { subject: string; group: string; word: string }) =>
    request<{ items: AnyRow[]; total: number }>("GET", `reports/rows${query({ ...asked, ...figure })}`),
  people: (asked: Asked, figure: string) =>
    request<{ items: TallyRow[]; total: number }>("GET", `reports/people${query({ ...asked, figure })}`),
};

/** The names of the figures; they change with the program only. */
let catalogue: Promise<Catalogue> | null = null;

export function figureNames(): Promise<Catalogue> {
  catalogue ??= reports.catalogue().catch((error: unknown) => {
    catalogue = null;
    throw error;
  });
  return catalogue;
}

/** A figure that is shown: its name is found in the catalogue or among the page's own words. */
export interface Figure {
  group: FigureGroup;
  word: string;
  value: number;
  goal: number | null;
}

/** What a figure is called, in the language of the page. */
export function figureName(group: FigureGroup, name: string, english: boolean): string {
  const listed = group.words.find((one) => one.word === name);
  if (listed !== undefined) return english ? listed.en : listed.zh;
  if (group.page === "kind/outcome") {
    const [rule = "", outcome = ""] = name.split("/");
    return `${word("kind", rule)} · ${word("outcome", outcome)}`;
  }
  return tAny([`${group.page}.${name}`]) ?? name;
}

/** The figures of a group in their order: those that are listed also where nothing was counted,
 * behind them the others, the most first. */
export function figuresOf(report: Part & { visits: RegionPart["visits"] }, group: FigureGroup): Figure[] {
  const counts: Record<string, number> =
    group.subject === "tally"
      ? { ...(report.visits?.total ?? {}) }
      : (report.figures[group.group] ?? {});
  const listed = group.words.map((one) => one.word);
  const others =
    group.subject === "tally"
      ? []
      : Object.keys(counts)
          .filter((name) => !listed.includes(name))
          .sort((one, other) => (counts[other] ?? 0) - (counts[one] ?? 0) || (one < other ? -1 : 1));
  return [...listed, ...others].map((name) => ({
    group,
    word: name,
    value: counts[name] ?? 0,
    goal: group.words.find((one) => one.word === name)?.goal ?? null,
  }));
}

/** 2026-11 to 2026-10, 2026-Q1 to 2025-Q4; `steps` may be negative for later ones. */
export function periodBefore(period: string, steps = 1): string {
  const quarter = /^(\d{4})-Q([1-4])$/.exec(period);
  const each = quarter === null ? 12 : 4;
  const year = Number(period.slice(0, 4));
  const place = quarter === null ? Number(period.slice(5)) : Number(quarter[2]);
  const count = year * each + place - 1 - steps;
  const found = Math.floor(count / each);
  const rest = (count % each) + 1;
  return quarter === null ? `${found}-${String(rest).padStart(2, "0")}` : `${found}-Q${rest}`;
}

export function isQuarter(period: string): boolean {
  return period.includes("Q");
}

/** The month or quarter that a day lies in. */
export function periodOf(day: string, quarter: boolean): string {
  const month = Number(day.slice(5, 7));
  return quarter ? `${day.slice(0, 4)}-Q${Math.ceil(month / 3)}` : day.slice(0, 7);
}

/** The last `count` periods up to the one of this day, newest first. */
export function periodsUpTo(day: string, quarter: boolean, count: number): string[] {
  const now = periodOf(day, quarter);
  return Array.from({ length: count }, (_nothing, steps) => periodBefore(now, steps));
}

/** The last month of a period: what a course of months ends with. */
export function lastMonth(period: string): string {
  if (!isQuarter(period)) return period;
  return `${period.slice(0, 4)}-${String(Number(period.slice(-1)) * 3).padStart(2, "0")}`;
}

export interface Point {
  /** 2026-11 */
  period: string;
  value: number | null;
}

/** The course of a figure over the months of a trend. Of the months before anything at all was
 * written down nothing is known. */
export function courseOf(items: TrendItem[], group: string, name: string): Point[] {
  const first = items.findIndex((item) => Object.keys(item.figures ?? {}).length > 0);
  return items.map((item, place) => ({
    period: item.period,
    value: first === -1 || place < first || item.figures === null ? null : (item.figures[group]?.[name] ?? 0),
  }));
}

/** Of people only what dates on file tell is known of past months; the rest is today's register. */
export function hasCourse(subject: Subject, group: string, name: string): boolean {
  return subject !== "person" || group === "change" || (group === "people" && ["all", "high_age"].includes(name));
}

/** Steps for an axis from nought: round numbers, at most four, the last one not below `top`. */
export function axisSteps(top: number): number[] {
  if (top <= 0) return [0, 1];
  const rough = top / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n * 4 >= top) ?? 10 * power;
  // Nobody counts half a visit.
  const whole = Math.max(1, Math.ceil(step));
  return Array.from({ length: Math.ceil(top / whole) + 1 }, (_nothing, place) => place * whole);
}

/** Percent of what was owed; null where nothing was owed. */
export function madeShare(tally: Pick<Tally, "owed" | "done"> | null | undefined): number | null {
  return tally === null || tally === undefined || tally.owed === 0
    ? null
    : (100 * tally.done) / tally.owed;
}

/** Never 100 % where one is missing; "90%", not "90.0%". */
export function percentText(share: number | null): string {
  if (share === null) return "–";
  return `${share < 100 && share > 99.9 ? 99.9 : Math.round(10 * share) / 10}%`;
}

/** What villages and towns are compared by. */
export const COMPARED = [
  { id: "people", of: ["people", "all"] },
  { id: "no_visitor", of: ["people", "no_visitor"], bad: true },
  { id: "owed", tally: "owed" },
  { id: "done", tally: "done" },
  { id: "share" },
  { id: "overdue", tally: "overdue", bad: true },
  { id: "people_short", tally: "people_short", bad: true },
  { id: "dissatisfied", of: ["satisfaction", "dissatisfied"], bad: true },
  { id: "urgent", of: ["severity", "urgent"] },
  { id: "referrals", of: ["referrals", "all"] },
  { id: "care", of: ["care", "all"] },
] as const;

export type ComparedId = (typeof COMPARED)[number]["id"];

export function compared(part: RegionPart, id: ComparedId): number | null {
  const column = COMPARED.find((one) => one.id === id);
  if (column === undefined) return null;
  if ("tally" in column) return part.visits?.total[column.tally] ?? 0;
  if ("of" in column) return part.figures[column.of[0]]?.[column.of[1]] ?? 0;
  return madeShare(part.visits?.total);
}

/** By a column; what can't be judged stands last either way, and equals stay in their order. */
export function sortedBy(parts: RegionPart[], id: ComparedId | "name", falling: boolean): RegionPart[] {
  if (id === "name") return falling ? [...parts].reverse() : [...parts];
  return [...parts].sort((one, other) => {
    const mine = compared(one, id);
    const its = compared(other, id);
    if (mine === null || its === null) return Number(mine === null) - Number(its === null);
    return falling ? its - mine : mine - its;
  });
}
