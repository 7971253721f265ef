// Persons, their files, consents and lists of them: the hub's calls, and what goes over the wire.

import { ApiError, PREFIX, query, type FieldError, request } from "./api";
import { language } from "./i18n.svelte";
import type { ServiceUser } from "./home_types";
import type { AccountRef, Page } from "./hub_types";
import { problemText } from "./toasts.svelte";

const id = encodeURIComponent;

/** What the hub says in both languages. */
export interface Said {
  zh: string;
  en: string;
}

export interface Option extends Said {
  word: string;
}

export type FieldForm =
  | "text"
  | "long"
  | "yes_no"
  | "whole"
  | "money"
  | "day"
  | "choice"
  | "grade"
  | "choices"
  | "texts"
  | "members";

export interface FormField extends Said {
  field: string;
  section: string;
  form: FieldForm;
  secret: boolean;
  options: Option[];
}

export interface PersonForm {
  sections: (Said & { section: string })[];
  fields: FormField[];
  register: (Said & { field: string })[];
  categories: string[];
  grades: string[];
  purposes: Option[];
  why_left: Option[];
  answers: Option[];
  relations: Option[];
  ways: Option[];
}

export interface Member {
  name: string;
  sex: string;
  id_number: string;
  relation: string;
  health: string;
  visits_often: string;
}

export type FileValue = string | number | null | string[] | Member[];

export interface PersonFile {
  person: string;
  name: string;
  version: number;
  changed_at: string | null;
  changed_by: AccountRef | null;
  file: Record<string, FileValue> | null;
  missing: (Said & { field: string; section: string })[];
  sections: (Said & { section: string; missing: number })[];
  categories: {
    category: string;
    opinion: "agrees" | "doubt" | "unknown";
    facts: (Said & { field: string })[];
  }[];
}

export interface FileChanges {
  version?: number;
  file?: Record<string, unknown>;
  person?: Record<string, unknown>;
  reason?: string;
}

export interface Numbers {
  id_number: string;
  disability_number: string;
  members: { name: string; id_number: string }[];
}

export interface HistoryEntry {
  seq: number;
  at: string;
  fact: string;
  actor: string;
  actor_name: string;
  reason: string;
  data: {
    changes?: (Said & { field: string; old: unknown; new: unknown })[];
    purpose?: string;
    given_by?: string;
    withdrawn_by?: string;
    reason?: string;
    /** Of an erasure. */
    why?: string;
  };
}

export interface Consent {
  id: string;
  purpose: string;
  answer: string;
  given_by: string;
  relation: string;
  how: string;
  given_on: string;
  until_on: string | null;
  note: string;
  recorded_by: AccountRef | null;
  withdrawn_by: string | null;
  withdrawn_on: string | null;
  withdrawn_reason: string | null;
  holds: boolean;
}

export interface Consents {
  items: Consent[];
  purposes: { purpose: string; holds: boolean; state: string }[];
  needed: string[];
}

export interface Region {
  code: string;
  name: string;
  level: "county" | "town" | "village" | "group";
  parent: string | null;
  persons: number;
  closed?: boolean;
}

export interface ListedPerson extends ServiceUser {
  missing: number | null;
}

export interface PersonsAsked {
  q?: string;
  region?: string;
  category?: string;
  grade?: string;
  visitor?: string;
  incomplete?: boolean | undefined;
  consent?: string;
  service?: "in" | "left" | "all";
  after?: string | undefined;
  limit?: number;
}

export type Decision = "skip" | "update" | "new";
export type Verdict = "new" | "double" | "rejected" | "failed";

export interface ListImport {
  id: string;
  file: string;
  state: "reading" | "judging" | "ready" | "taking" | "done" | "failed";
  done: number;
  of: number;
  detail: string | null;
  ignored_columns: string[];
  counts: { rows: number; new: number; double: number; rejected: number; undecided: number };
  result: { created: number; updated: number; skipped: number; rejected: number } | null;
}

export interface ImportRow {
  row: number;
  verdict: Verdict;
  name: string;
  cells: (Said & { field: string; text: string })[];
  faults: FieldError[];
  double: {
    by: "id_number" | "name_born";
    person: string | null;
    row: number | null;
    lines: { field: string; file: unknown; there: unknown; same: boolean }[];
  } | null;
  may_be: Decision[];
  decision: Decision | null;
  outcome: string | null;
  person: string | null;
}

const user = (person: string): string => `service-users/${id(person)}`;

/** Telephones and the way in, where they were masked. */
export interface OpenedContact {
  phone: string;
  contacts: { name: string; relation: string; phone: string }[];
  access_note?: string;
  key_place?: string;
  lane?: string;
  dog?: string;
}

export const persons = {
  list: (asked: PersonsAsked) =>
    request<{ items: ListedPerson[]; next: string | null; total: number }>(
      "GET",
      `service-users${query({ ...asked })}`,
    ),
  one: (person: string) => request<ServiceUser>("GET", user(person)),
  regions: () => request<{ items: Region[] }>("GET", "regions"),
  form: () => request<PersonForm>("GET", "person-form"),
  file: (person: string) => request<PersonFile>("GET", `${user(person)}/file`),
  change: (person: string, changes: FileChanges) =>
    request<PersonFile>("PATCH", `${user(person)}/file`, changes),
  return: (person: string, said: { on: string; reason: string }) =>
    request<ServiceUser>("POST", `${user(person)}/return`, said),
  openContact: (person: string, reason: string) =>
    request<OpenedContact>("POST", `${user(person)}/contact/open`, { reason }),
  reveal: (person: string, reason: string) =>
    request<Numbers>("POST", `${user(person)}/file/reveal`, { reason }),
  history: (person: string, before?: number) =>
    request<Page<HistoryEntry>>("GET", `${user(person)}/history${query({ before, limit: 20 })}`),
  keepPhoto: (person: string, file: Blob) =>
    request<ServiceUser>("PUT", `${user(person)}/photo`, file),
  removePhoto: (person: string) => request<ServiceUser>("DELETE", `${user(person)}/photo`),
  consents: (person: string) => request<Consents>("GET", `${user(person)}/consents`),
  giveConsent: (person: string, consent: Record<string, string>) =>
    request<Consents>("POST", `${user(person)}/consents`, consent),
  withdraw: (person: string, consent: string, said: { withdrawn_by: string; reason: string }) =>
    request<Consents>("POST", `${user(person)}/consents/${id(consent)}/withdraw`, said),

  beginImport: (file: File) =>
    request<ListImport>("POST", `person-imports${query({ file: file.name.slice(0, 200) })}`, file),
  import: (one: string) => request<ListImport>("GET", `person-imports/${id(one)}`),
  importRows: (one: string, verdict: Verdict, after = 0) =>
    request<Page<ImportRow>>(
      "GET",
      `person-imports/${id(one)}/rows${query({ verdict, after, limit: 50 })}`,
    ),
  decide: (one: string, decisions: { rows?: Record<string, Decision>; all?: Decision }) =>
    request<ListImport>("POST", `person-imports/${id(one)}/decisions`, decisions),
  confirmImport: (one: string) => request<ListImport>("POST", `person-imports/${id(one)}/confirm`),
  forgetImport: (one: string) => request<undefined>("DELETE", `person-imports/${id(one)}`),
};

/** How a purpose stands for a person today. */
export function stateOf(consents: Consents, purpose: string): string {
  return consents.purposes.find((one) => one.purpose === purpose)?.state ?? "unasked";
}

/** Where her photo is; another photo has another address. */
export function photoOf(person: { id: string; photo?: string }): string {
  return `${PREFIX}/${user(person.id)}/photo${query({ of: (person.photo ?? "").slice(0, 16) })}`;
}

/** In the language of the page. */
export function said(of: Said): string {
  return language.current === "en" ? of.en : of.zh;
}

export function optionText(options: Option[], word: string): string {
  const found = options.find((option) => option.word === word);
  return found === undefined ? word : said(found);
}

/** By field what is wrong with it; what belongs to no field that is shown comes under "". */
export function refusalsOf(error: unknown): Map<string, string> {
  const found = new Map<string, string>();
  if (!(error instanceof ApiError)) return found;
  for (const refusal of error.errors) {
    const text = said(refusal);
    const before = found.get(refusal.field);
    found.set(refusal.field, before === undefined ? text : `${before} ${text}`);
  }
  // What is not even of the right form is named, without words of its own: `person.name`.
  const named = error.field?.split(".").at(-1);
  if (found.size === 0 && named !== undefined) found.set(named, problemText(error));
  return found;
}

/** One form for all pages; it changes with the program only. */
let form: Promise<PersonForm> | null = null;

export function personForm(): Promise<PersonForm> {
  form ??= persons.form().catch((error: unknown) => {
    form = null;
    throw error;
  });
  return form;
}
