// What a rule thinks of a home, in five lines: what is usual, its limits, what is seen, since when,
// how sure.

import { decimal, longSpan } from "./format";
import { t, tAny, word } from "./i18n.svelte";
import type { Evidence } from "./alarm_types";
import type { RuleView } from "./rule_types";
import { numberOf, pressureText, ruleWords, unitOf } from "./words";

/** Days (nights) that a learned rule wants before it judges by habit alone, as its kind has it. */
const WANTED: Record<string, { field: string; days: number; text: "known" | "known_nights" }> = {
  no_sign_of_life: { field: "days_learned", days: 14, text: "known" },
  not_up_yet: { field: "days_learned", days: 14, text: "known" },
  load_left_on: { field: "days_learned", days: 14, text: "known" },
  profile_change: { field: "days_learned", days: 14, text: "known" },
  night_activity: { field: "nights_learned", days: 7, text: "known_nights" },
};

/** How much of a home a rule has learned; null where it learns nothing. */
export function learned(kind: string, evidence: Evidence) {
  const wanted = WANTED[kind];
  const known = wanted === undefined ? null : numberOf(evidence, wanted.field);
  if (wanted === undefined || known === null) return null;
  return { known: Math.min(known, wanted.days), wanted: wanted.days, text: wanted.text };
}

const USUAL = [
  "usual_up",
  "usual_slots",
  "usual_h",
  "usual_min",
  "usual_step_min",
  "usual_pct",
  "usual_most_w",
  "alone_mean_w",
  "missed_usual_h",
  "missed_limit_h",
  "longest_quiet_h",
  "normal_ppm",
];
const SEEN = [
  "late_h",
  "active_slots",
  "last_night_slots",
  "activity_pct",
  "mean_most_w",
  "register_steps",
  "register_h",
  "missed_signs_h",
  "quiet_hours_seen",
  "strange_days",
  "power_w",
  "co_ppm",
  "spo2_pct",
  "temperature_c",
  "glucose_mmol_l",
  "weight_kg",
];

const SURE = [
  "days_learned",
  "sensor_days",
  "nights_learned",
  "ways_learned",
  "wrong_in_year",
  "confirmed_in_year",
  "refuted_in_year",
  "register_step_kwh",
  "limits_unconfirmed",
  "clock_doubtful",
];
// What went silent is silent since it was heard last, not since somebody was told.
const SINCE = ["since_ms", "quiet_since_ms", "began_ms", "last_heard_ms"];

// Why a home can't be judged though no data are missing; the opinion itself says so.
const INDISTINCT: ReadonlySet<string> = new Set(["weak_signal", "coarse_register", "lived_while_away"]);

/** A rule's opinion or finding; `state` of an opinion only. */
export interface Judged {
  kind: string;
  evidence: Evidence;
  state?: string;
}

export interface Judgement {
  normal: string[];
  limits: string[];
  seen: string[];
  /** Milliseconds; null when the evidence doesn't say. */
  since: number | null;
  sure: string[];
}

export function judgementOf({ kind, evidence, state = "" }: Judged): Judgement {
  const limits = Object.keys(evidence).filter((name) => name.startsWith("limit_"));
  const pressure = pressureText(evidence);
  return {
    normal: USUAL.map((name) => fact(name, evidence)).filter(isText),
    limits: limits.map((name) => fact(name, evidence)).filter(isText),
    seen: [pressure, ...SEEN.map((name) => fact(name, evidence))].filter(isText),
    since: SINCE.map((name) => numberOf(evidence, name)).find((at) => at !== null) ?? null,
    sure: sureness({ kind, evidence, state }, limits.length > 0),
  };
}

/** The evidence without what these lines tell already. */
export function withoutJudged(evidence: Evidence): Evidence {
  const pressure = pressureText(evidence) === null ? [] : ["systolic_mmhg", "diastolic_mmhg"];
  const told = new Set([...USUAL, ...SEEN, ...SINCE, ...SURE, ...pressure]);
  return Object.fromEntries(Object.entries(evidence).filter(([name]) => !told.has(name)));
}

function sureness({ kind, evidence, state }: Required<Judged>, limited: boolean): string[] {
  const parts: string[] = [];
  const indistinct = state === "cannot_judge" && INDISTINCT.has(String(evidence["reason"]));
  if (state === "cannot_judge" && !indistinct) parts.push(t("rule_view.blind"));
  const known = learned(kind, evidence);
  if (known !== null && !indistinct) {
    parts.push(t(known.known < known.wanted ? "rule_view.young" : "rule_view.trusted"));
  } else if (known === null && limited) parts.push(t("rule_view.by_limit"));
  const ways = numberOf(evidence, "ways_learned");
  if (ways !== null) parts.push(t("rule_view.known_ways", { count: ways }));
  const before = silencesBefore(evidence);
  if (before !== null) parts.push(before);
  const refuted = numberOf(evidence, "refuted_in_year");
  const hours = numberOf(evidence, "window_h");
  if (refuted !== null && hours !== null) {
    parts.push(t("rule_view.budget_spent", { count: refuted, hours }));
  }
  const step = numberOf(evidence, "register_step_kwh");
  if (step !== null) parts.push(t("rule_view.coarse_register", { step: decimal(step) }));
  if (evidence["limits_unconfirmed"] === true) parts.push(t("rule_view.unconfirmed"));
  if (evidence["clock_doubtful"] === true) parts.push(t("evidence.clock_doubtful"));
  return parts;
}

/** Silences of a year in which somebody was there, and how many of them a human has confirmed. */
function silencesBefore(evidence: Evidence): string | null {
  const count = numberOf(evidence, "wrong_in_year");
  const confirmed = numberOf(evidence, "confirmed_in_year") ?? 0;
  if (count === null) return null;
  if (confirmed === 0) return t("rule_view.quiet_before", { count });
  return confirmed < count
    ? t("rule_view.quiet_partly", { count, confirmed })
    : t("rule_view.quiet_confirmed", { count });
}

function fact(name: string, evidence: Evidence): string | null {
  const value = evidence[name];
  if (typeof value === "string") return `${word("field", name)} ${value}`;
  if (typeof value !== "number" || (name === "strange_days" && value === 0)) return null;
  const text = name.endsWith("_min")
    ? longSpan(value * 60_000)
    : name.endsWith("_h")
      ? longSpan(value * 3_600_000)
      : `${decimal(value)}${unitOf(name)}`;
  return `${tAny([`field.${name}`]) ?? name} ${text}`;
}

function isText(text: string | null): text is string {
  return text !== null;
}

/** The opinion itself; that limits are not confirmed stands in the line about sureness. */
export function opinionOf(rule: RuleView): string {
  const { limits_unconfirmed: _unsigned, ...rest } = rule.explanation;
  return ruleWords(rule.kind, rest);
}
