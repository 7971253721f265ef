// Assessments: their objects and calls (docs/http.md), and a set of criteria while it is written.

import { query, request } from "./api";
import type { Call } from "./service";
import type { AnyRow, TallyRow } from "./reports";

export type WhoKind = "region" | "visitor";

export interface Criterion {
  code: string;
  zh: string;
  en: string;
  measure: string;
  weight: number;
  zero: number;
  full: number;
}

export interface ScorePart {
  code: string;
  value: number | null;
  points: number | null;
  met?: number | null;
  of?: number | null;
}

export interface Score {
  who_kind: WhoKind;
  who: string;
  name: string;
  region: string;
  total: number | null;
  judged_weight: number;
  parts: ScorePart[];
  settled_at: string | null;
}

export interface Results {
  period: string;
  by: WhoKind;
  criteria: Criterion[];
  items: Score[];
}

export interface Fact {
  id: string;
  kind: "mark" | "feedback" | "answer" | "settled" | "criteria";
  criterion: string | null;
  points: number | null;
  text: string;
  at: string;
  by: { username: string; name: string } | null;
}

export type Lost =
  | { subject: "tally"; items: TallyRow[]; total: number }
  | { subject: "visit"; items: AnyRow[]; total: number }
  | { subject: "response"; items: Call[]; total: number };

export interface About {
  period: string;
  who_kind: WhoKind;
  who: string;
}

export const BY_HAND = "mark";
/** Measured by the book; each has a word in the catalogues. */
export const MEASURES = [
  "visits_done",
  "nobody_short",
  "met",
  "with_service",
  "satisfied",
  "answered",
  "attended",
] as const;
export const WEIGHTS = 100;
export const CRITERIA_MAX = 20;

export const assessments = {
  list: (asked: { by: WhoKind; period: string; region?: string }) =>
    request<Results>("GET", `assessments${query(asked)}`),
  facts: (about: About) =>
    request<{ items: Fact[] }>("GET", `assessments/facts${query({ ...about })}`),
  lost: (about: About, measure: string) =>
    request<Lost>("GET", `assessments/rows${query({ ...about, measure })}`),
  mark: (about: About, said: { criterion: string; points: number; text: string }) =>
    request<unknown>("POST", "assessments/marks", { ...about, ...said }),
  feedBack: (about: About, text: string) =>
    request<unknown>("POST", "assessments/feedback", { ...about, text }),
  reply: (about: About, text: string) =>
    request<unknown>("POST", "assessments/answers", { ...about, text }),
  settle: (about: About, text: string) =>
    request<unknown>("POST", "assessments/settle", { ...about, text }),
  setCriteria: (period: string, criteria: Criterion[], why: string) =>
    request<unknown>("POST", "assessments/criteria", { period, criteria, why }),
};

/** The best first; who can't be judged stands last. Equals share a place. */
export function ranked(items: Score[]): { place: number | null; score: Score }[] {
  const sorted = [...items].sort((one, other) => (other.total ?? -1) - (one.total ?? -1));
  return sorted.map((score) => ({
    place:
      score.total === null
        ? null
        : 1 + sorted.filter((other) => (other.total ?? -1) > (score.total ?? -1)).length,
    score,
  }));
}

export function partOf(score: Score, code: string): ScorePart | undefined {
  return score.parts.find((part) => part.code === code);
}

/** A share as percent, a mark as it is. */
export function valueText(criterion: Pick<Criterion, "measure">, value: number): string {
  if (criterion.measure === BY_HAND) return String(value);
  return `${Math.round(1000 * value) / 10}%`;
}

/** A criterion while it is written: shares in percent, as people say them. */
export interface Line {
  code: string;
  zh: string;
  en: string;
  measure: string;
  weight: number | null;
  zero: number | null;
  full: number | null;
}

export function linesOf(criteria: Criterion[]): Line[] {
  return criteria.map((one) => ({ ...one, zero: shown(one, one.zero), full: shown(one, one.full) }));
}

function shown(one: Criterion, value: number): number {
  return one.measure === BY_HAND ? value : Math.round(10_000 * value) / 100;
}

/** What is wrong with each line, as a key of the catalogue; "" where nothing is. */
export function faultOf(line: Line, lines: Line[]): string {
  if (line.zh.trim() === "" || line.en.trim() === "") return "name";
  if (line.weight === null || !Number.isInteger(line.weight) || line.weight < 1 || line.weight > WEIGHTS) {
    return "weight";
  }
  if (line.zero === null || line.full === null) return "limits";
  if (line.zero < 0 || line.full < 0 || line.zero > 100 || line.full > 100) return "limits";
  if (line.zero === line.full) return "same";
  const twice = lines.filter((other) => other.measure === line.measure).length > 1;
  return line.measure !== BY_HAND && twice ? "twice" : "";
}

export function weightOf(lines: Line[]): number {
  return lines.reduce((sum, line) => sum + (line.weight ?? 0), 0);
}

/** As the hub takes them; what is measured is called by its measure, a mark by what it was. */
export function criteriaOf(lines: Line[]): Criterion[] {
  const taken = new Set<string>();
  return lines.map((line) => {
    let code = line.measure === BY_HAND ? line.code : line.measure;
    for (let n = 2; code === "" || taken.has(code); n += 1) code = `mark-${n}`;
    taken.add(code);
    const scale = line.measure === BY_HAND ? 1 : 100;
    return {
      code,
      zh: line.zh.trim(),
      en: line.en.trim(),
      measure: line.measure,
      weight: line.weight ?? 0,
      zero: (line.zero ?? 0) / scale,
      full: (line.full ?? 0) / scale,
    };
  });
}
