// Annex 4 as the hub knows it (`./dev docs` writes the file), in the language of the page.

import { language, t, word } from "./i18n.svelte";
import form from "./visit_form.json";

export interface Named {
  zh: string;
  en: string;
}

export interface Option extends Named {
  word: string;
  /** The field that goes with it: a number, a name. */
  asks: string;
}

export interface Question extends Named {
  field: string;
  group: string;
  options: Option[];
}

export interface Service {
  number: number;
  group: string;
  name: string;
  detail: string;
  en: string;
}

export type Answer = string | number | boolean | number[];
export type Answers = Record<string, Answer>;

export const FORM = form.form;
export const WAY: Question = form.way;
export const QUESTIONS: Question[] = form.questions;
export const CALM: Record<string, string> = form.calm;
// As it was and should be, or better than it was.
const GOOD = new Set(["better", "improved"]);
export const SERVICES: Service[] = form.services;
export const TEXT_MAX = form.text_max;
export const PEOPLE_MAX = 20;

/** Nothing that anybody has to look after. */
export function isWell(field: string, word: unknown): boolean {
  return CALM[field] === undefined || CALM[field] === word || GOOD.has(String(word));
}

export function choice(field: string): Question {
  const found = [...QUESTIONS, ...form.choices, WAY].find((one) => one.field === field);
  if (found === undefined) throw new Error(`annex 4 asks no ${field}`);
  return found;
}

export function said(named: Named): string {
  return language.current === "en" ? named.en : named.zh;
}

export function serviceName(service: Service): string {
  return language.current === "en" ? service.en : service.detail;
}

/** Several rows of the annex share a name: those show what they are of. */
export function serviceShort(service: Service): string {
  if (language.current === "en") return service.en;
  const like = SERVICES.filter((one) => one.group === service.group && one.name === service.name);
  return like.length > 1 ? service.detail.replace(/[\uff0c\u3002,].*$/u, "") : service.name;
}

/** The words of an answer, for who reads a record. */
export function answerText(field: string, value: unknown): string {
  if (field === "services" && Array.isArray(value)) {
    const done = SERVICES.filter((one) => value.includes(one.number));
    return done.map((one) => (language.current === "en" ? one.en : `${one.number} ${one.name}`)).join(t("list.part"));
  }
  if (field === "found_out" && typeof value === "string") return word("found_out", value);
  if (typeof value === "string") {
    const asked = [...QUESTIONS, ...form.choices, WAY].find((one) => one.field === field);
    const option = asked?.options.find((one) => one.word === value);
    return option === undefined ? value : said(option);
  }
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

/** Questions of the annex without an answer. */
export function openQuestions(record: Answers): number {
  return QUESTIONS.filter((one) => (record[one.field] ?? "") === "").length;
}

/** A record that says nothing of the visit: a thumb on the button, and no visit to be counted. */
export function saysNothing(record: Answers): boolean {
  if (record["nobody_met"] === true) return false;
  const own = new Set(["visitor_kind", "unsigned", "nobody_met"]);
  return Object.entries(record).every(
    ([field, value]) =>
      own.has(field) || value === false || (Array.isArray(value) ? value.length === 0 : String(value).trim() === ""),
  );
}

/** What a field is called on the form; one that it doesn't know by its own name. */
export function fieldName(field: string): string {
  if (field === "services") return t("visit.services");
  if (field === "household_change") return t("visit.household_change");
  if (field === "nobody_met") return t("visit.nobody_met");
  if (field === "found_out") return t("found_out.asked");
  const all: (Named & { field: string })[] = [...QUESTIONS, ...form.choices, WAY, ...form.texts];
  const found = all.find((one) => one.field === field);
  return found === undefined ? field : said(found);
}

const ORDER = [
  "nobody_met",
  "found_out",
  ...form.questions.flatMap((one) => [one.field, ...one.options.map((option) => option.asks)]),
  "services",
  ...form.choices.map((one) => one.field),
  ...form.texts.map((one) => one.field),
];

/** The answers of a record as the form asks them; what it doesn't ask comes last. */
export function inOrder(record: Record<string, unknown>): [string, unknown][] {
  const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return Object.entries(record)
    .filter(([, value]) => value !== "" && value !== null)
    .sort(([one], [other]) => place(one) - place(other));
}

/** All that is not yet answered is as it was, and safe. */
export function calmed(answers: Answers): Answers {
  return { ...CALM, ...answers };
}

/** An answer chosen, or taken back when it was the chosen one; what went with it goes too. */
export function chosen(answers: Answers, question: Question, word: string): Answers {
  const next = { ...answers };
  const before = question.options.find((one) => one.word === answers[question.field]);
  const now = question.options.find((one) => one.word === word);
  if (before?.asks && before.asks !== now?.asks) delete next[before.asks];
  if (answers[question.field] === word) {
    delete next[question.field];
    if (now?.asks) delete next[now.asks];
  } else {
    next[question.field] = word;
  }
  return next;
}

/** As it is sent: nothing empty, and no answers about somebody who was not met. */
export function cleaned(answers: Answers): Answers {
  const unmet = answers["nobody_met"] === true;
  const asked = new Set(QUESTIONS.map((one) => one.field));
  const kept = Object.entries(answers).filter(([name, value]) => {
    if (value === "" || value === false || (Array.isArray(value) && value.length === 0)) return false;
    return !(unmet && (asked.has(name) || name === "household_change" || name === "illness_name"));
  });
  return Object.fromEntries(kept.map(([n, v]) => [n, typeof v === "string" ? v.trim() : v]));
}
