// The plan of visits: its objects and calls (docs/http.md).

import { query, request } from "./api";

export type Standing = "done" | "due" | "late" | "overdue" | "none";

export interface PlanPerson {
  id: string;
  name: string;
  age: number | null;
  phone?: string;
}

export interface PlanHome {
  id: string;
  address: string;
  region: string;
  region_path: string[];
  lat: number | null;
  lon: number | null;
}

export interface Who {
  service_user: string;
  person: PlanPerson;
  home: PlanHome | null;
}

export interface Stands {
  tier: string;
  state: Standing;
  since: string | null;
  period: string;
  owed: number;
  done: number;
  last: string | null;
  calls: number;
  nobody_met: number;
}

export interface MadeItem extends Who {
  state: "done" | "nobody_met" | "contact";
  way: string;
  kind: string;
  at: string;
}

export interface PlannedItem extends Who {
  state: "planned";
  why: string;
  meant: string | null;
  cause: string;
  said: string | null;
  rest_day: boolean;
  period: string;
  tier: string;
  standing: Stands | null;
  task: { id: string; kind: string; state: string } | null;
}

export type PlanItem = MadeItem | PlannedItem;

export interface PlanDay {
  date: string;
  working: boolean;
  name: string;
  away: string;
  closed: { region: string; reason: string }[];
  km: number;
  over: number;
  items: PlanItem[];
}

export interface Plan {
  visitor: { username: string; name: string };
  today: string;
  from: string;
  to: string;
  capacity: number;
  people: number;
  days: PlanDay[];
  unplaced: (Who & { period: string; missing: number; reason: string })[];
  standings: (Who & Stands)[];
}

export interface Tally {
  people: number;
  owed: number;
  done: number;
  due: number;
  late: number;
  overdue: number;
  people_short: number;
  calls: number;
  nobody_met: number;
}

export interface Group {
  total: Tally;
  tiers: Record<string, Tally>;
}

export interface PlanSummary extends Group {
  period: string;
  from: string;
  to: string;
  today: string;
  region: string;
  look_from: string;
  regions: (Group & { region: string; name: string; level: string })[];
  visitors: (Group & { username: string | null; name: string })[];
  closed: { region: string; date: string; reason: string }[];
}

export type Unvisited = Who & Stands & { visitor: { username: string; name: string } | null };

export interface TierWords {
  service_user: string;
  tier: string;
  base: string;
  why: { code: string; zh: string; en: string }[];
  missing: string[];
  raises: {
    tier: string;
    from: string;
    until: string;
    reason: string;
    by: { username: string; name: string } | null;
    in_force: boolean;
  }[];
  can_be: { tier: string }[];
  /** The next day that is planned. */
  next_on?: string | null;
}

const id = encodeURIComponent;

export const planApi = {
  plan: (asked: { visitor?: string; from?: string; to?: string }) =>
    request<Plan>("GET", `plan${query(asked)}`),
  summary: (asked: { region?: string; period?: string }) =>
    request<PlanSummary>("GET", `plan/summary${query(asked)}`),
  people: (asked: { region?: string; state?: string; tier?: string; limit?: number }) =>
    request<{ items: Unvisited[]; total: number }>("GET", `plan/people${query(asked)}`),
  tier: (person: string) => request<TierWords>("GET", `service-users/${id(person)}/tier`),
  raise: (person: string, said: { tier: string; until: string; reason: string }) =>
    request<TierWords>("POST", `service-users/${id(person)}/tier/raise`, said),
  move: (said: { service_user: string; date: string; to?: string; reason: string }) =>
    request<unknown>("POST", "plan/moves", said),
  weather: (said: { region: string; start: string; end: string; reason: string; open?: boolean }) =>
    request<unknown>("POST", "plan/bad-weather", said),
  start: (person: string) => request<{ id: string }>("POST", "plan/start", { service_user: person }),
};

/** A place for whatever map the telephone has. */
export function mapLink(home: PlanHome | null): string | null {
  if (home === null || home.lat === null || home.lon === null) return null;
  return `geo:${home.lat},${home.lon}?q=${home.lat},${home.lon}`;
}

export function planned(day: PlanDay): PlannedItem[] {
  return day.items.filter((item): item is PlannedItem => item.state === "planned");
}

export function made(day: PlanDay): MadeItem[] {
  return day.items.filter((item): item is MadeItem => item.state !== "planned");
}

export const TONES: Record<Standing, string> = {
  overdue: "urgent",
  late: "watch",
  due: "",
  done: "good",
  none: "",
};

/** The month and the ISO week of a date, and those before: 2026-11, 2026-W48. */
export function periodsNear(today: string): { id: string; kind: "month" | "week"; ago: number }[] {
  const month = today.slice(0, 7);
  const before = new Date(`${month}-01T00:00:00Z`);
  before.setUTCMonth(before.getUTCMonth() - 1);
  const lastWeek = new Date(Date.parse(`${today}T00:00:00Z`) - 7 * 86_400_000);
  return [
    { id: month, kind: "month", ago: 0 },
    { id: before.toISOString().slice(0, 7), kind: "month", ago: 1 },
    { id: weekKey(today), kind: "week", ago: 0 },
    { id: weekKey(lastWeek.toISOString().slice(0, 10)), kind: "week", ago: 1 },
  ];
}

/** 2026-W48: the week of the year that the Thursday of this week lies in. */
export function weekKey(date: string): string {
  const at = new Date(`${date}T00:00:00Z`);
  const weekday = (at.getUTCDay() + 6) % 7;
  at.setUTCDate(at.getUTCDate() - weekday + 3);
  const year = at.getUTCFullYear();
  const first = Date.UTC(year, 0, 1);
  const week = Math.floor((at.getTime() - first) / (7 * 86_400_000)) + 1;
  return `${year}-W${String(week).padStart(2, "0")}`;
}
