// What an alarm says, in the words of somebody who has two seconds: kind + reason + evidence.

import { decimal, longSpan, moment } from "./format";
import { type Params, t, tAny, word } from "./i18n.svelte";
import { known } from "./known.svelte";
import { checksOf } from "./troubles";
import type { Alarm, Evidence, EvidenceValue } from "./alarm_types";
import type { HomeRef, Person } from "./home_types";
import type { Task } from "./task_types";

// What the hub tells of a text that isn't for this account's eyes: where nothing else is said, nothing is.
const MASKED = "***";

/** The headline: what happened. */
export function headline(alarm: Pick<Alarm, "kind" | "reason">): string {
  const keys = [`headline.${alarm.kind}.${alarm.reason}`, `headline.${alarm.kind}`];
  return tAny(keys) ?? t("headline.other", { kind: word("kind", alarm.kind) });
}

/** The line below it: the figures that count, or the device that spoke. */
export function particulars(alarm: Alarm, now: number): string {
  const parts: string[] = [];
  const { evidence } = alarm;
  const overWeek = alarm.reason === MEAN_HIGH;
  const pressure = overWeek ? weekPressureText(evidence) : pressureText(evidence);
  const watts = numberOf(evidence, "power_w");
  if (alarm.kind === "blood_pressure" && pressure !== null) parts.push(pressure);
  const sign = overWeek ? weekSignText(alarm.kind, evidence) : signText(alarm.kind, evidence);
  if (sign !== null) parts.push(sign);
  const missing = numberOf(evidence, "missing_days");
  if (missing !== null) {
    parts.push(t("evidence.missing_for", { span: longSpan(missing * 86_400_000) }));
  }
  const dark = numberOf(evidence, "meters_silent");
  if (alarm.kind === "village_dark" && dark !== null) {
    const of = numberOf(evidence, "meters_known") ?? dark;
    parts.push(t("evidence.meters_silent", { count: dark, of: decimal(of, 0) }));
    const first = evidence["homes_first"];
    if (Array.isArray(first) && first.length > 0) {
      parts.push(t("evidence.homes_first", { count: first.length }));
    }
  }
  const silence = silentMs(evidence, now);
  const gateway = alarm.home === null ? known.gateways.get(alarm.gateway ?? "") : undefined;
  if (silence !== null) {
    const key = alarm.kind === "gateway_silent" ? "evidence.no_heartbeat_for" : "evidence.silent_for";
    parts.push(t(key, { span: longSpan(silence) }));
  }
  if (alarm.kind === "gateway_silent" && gateway !== undefined) {
    parts.push(t("evidence.unwatched", { count: gateway.homes }));
  }
  if (watts !== null) parts.push(`${word("field", "power_w")} ${decimal(watts, 0)} W`);
  for (const gas of ["co_ppm", "gas_ppm"]) {
    const ppm = numberOf(evidence, gas);
    if (ppm !== null) parts.push(`${word("field", gas)} ${decimal(ppm)} ppm`);
  }
  if (alarm.kind === "device_fault") parts.push(troubleWords(alarm.reason));
  const battery = alarm.kind === "low_battery" ? numberOf(evidence, "battery_pct") : null;
  if (battery !== null) parts.push(t("device.battery", { pct: decimal(battery, 0) }));
  if (alarm.device_label !== null && alarm.kind !== "blood_pressure") {
    parts.push(alarm.device_label);
  }
  if (evidence["late"] === true) {
    const delay = numberOf(evidence, "delay_s");
    parts.push(
      delay === null ? t("evidence.late") : t("evidence.late_by", { span: longSpan(delay * 1000) }),
    );
  }
  if (evidence["clock_doubtful"] === true) parts.push(t("evidence.clock_doubtful"));
  return parts.filter((part) => part !== MASKED).join(" · ");
}

/** Since when it waits; of what grew worse, the first finding as well. */
export function sinceText(alarm: Alarm, now: number, locale: string): string {
  const first = moment(alarm.raised_at, now, locale);
  if (!alarm.worsened_at) return t("alarm.since", { time: first });
  return t("alarm.worse_since", { time: moment(alarm.worsened_at, now, locale), first });
}

/** Why the rule spoke, in a sentence or two. */
export function explanation(alarm: Pick<Alarm, "kind" | "reason" | "evidence">): string | null {
  const keys = [`why.${alarm.kind}.${alarm.reason}`, `why.${alarm.kind}`];
  return tAny(keys, textParams(alarm.evidence));
}

export function ruleWords(kind: string, evidence: Evidence): string {
  const reason = String(evidence["reason"] ?? "");
  const keys = [`opinion.${kind}.${reason}`, `opinion.${reason}`];
  let text = tAny(keys, textParams(evidence)) ?? troubleWords(reason);
  const profile = evidence["limits_profile"];
  if (typeof profile === "string") text += ` ${word("field", "limits_profile")}: ${word("value", profile)}.`;
  return evidence["limits_unconfirmed"] === true ? `${text} ${t("rule.limits_unconfirmed")}` : text;
}

const SIGN_FIELDS: Record<string, string> = {
  pulse: "pulse_bpm",
  oximetry: "spo2_pct",
  temperature: "temperature_c",
  glucose: "glucose_mmol_l",
  weight: "weight_kg",
};

// What a week's mean is about is no single measurement: the last one may be quite usual.
const MEAN_HIGH = "mean_high";

function weekPressureText(evidence: Evidence): string | null {
  const systolic = numberOf(evidence, "week_systolic_mmhg");
  const diastolic = numberOf(evidence, "week_diastolic_mmhg");
  if (systolic === null || diastolic === null) return pressureText(evidence);
  const value = `${decimal(systolic, 0)}/${decimal(diastolic, 0)} mmHg`;
  return lastBehind(t("evidence.week_mean", { value }), pressureText(evidence));
}

function weekSignText(kind: string, evidence: Evidence): string | null {
  const field = SIGN_FIELDS[kind];
  const mean = field === undefined ? null : numberOf(evidence, `week_${field}`);
  if (field === undefined || mean === null) return signText(kind, evidence);
  const value = `${decimal(mean)}${unitOf(field)}`;
  return lastBehind(t("evidence.week_mean", { value }), signText(kind, evidence));
}

function lastBehind(mean: string, last: string | null): string {
  return last === null ? mean : `${mean} · ${t("evidence.last_value", { value: last })}`;
}

/** "89 %, mean of 2 88 %": a vital sign of one value. */
function signText(kind: string, evidence: Evidence): string | null {
  const field = SIGN_FIELDS[kind];
  const value = field === undefined ? null : numberOf(evidence, field);
  if (field === undefined || value === null) return null;
  const text = `${decimal(value)}${unitOf(field)}`;
  const mean = numberOf(evidence, `mean_${field}`);
  const count = numberOf(evidence, "count");
  if (mean === null || count === null || count < 2) return text;
  return `${text} · ${t("evidence.mean_of", { count, value: decimal(mean) })}`;
}

/** What is wrong with a device, in two or three words. */
export function troubleWords(reason: string): string {
  return tAny([`reason.${reason}`, `fault.${reason}`]) ?? reason;
}

/** What somebody who stands in front of it can do. */
export function adviceFor(reason: string): string {
  return tAny([`advice.${reason}`]) ?? t("advice.other");
}

export function deviceName(of: { label: string; device: string | null; gateway: string }): string {
  return of.label || of.device || t("who.gateway", { gateway: of.gateway });
}

/** "192/118 mmHg, pulse 96", the mean of the sitting when it was repeated. */
export function pressureText(evidence: Evidence): string | null {
  const systolic = numberOf(evidence, "systolic_mmhg");
  const diastolic = numberOf(evidence, "diastolic_mmhg");
  if (systolic === null || diastolic === null) return null;
  let text = `${decimal(systolic, 0)}/${decimal(diastolic, 0)} mmHg`;
  const pulse = numberOf(evidence, "pulse_bpm");
  if (pulse !== null) text += ` · ${t("evidence.pulse", { bpm: decimal(pulse, 0) })}`;
  const mean = [
    numberOf(evidence, "mean_systolic_mmhg"),
    numberOf(evidence, "mean_diastolic_mmhg"),
  ] as const;
  const count = numberOf(evidence, "count");
  if (mean[0] !== null && mean[1] !== null && count !== null && count > 1) {
    const value = `${decimal(mean[0], 0)}/${decimal(mean[1], 0)}`;
    text += ` · ${t("evidence.mean_of", { count, value })}`;
  }
  return text;
}

/** How long nothing was heard, counted until now. */
function silentMs(evidence: Evidence, now: number): number | null {
  const since = numberOf(evidence, "quiet_since_ms") ?? numberOf(evidence, "last_heard_ms");
  return since === null || now === 0 ? null : now - since;
}

export function numberOf(evidence: Evidence, name: string): number | null {
  const value = evidence[name];
  return typeof value === "number" ? value : null;
}

/** Evidence as parameters of a text: numbers rounded, spans in words. */
function textParams(evidence: Evidence): Params {
  const params: Params = {};
  for (const [name, value] of Object.entries(evidence)) {
    if (typeof value === "number") {
      params[name] = name.endsWith("_s")
        ? longSpan(value * 1000)
        : name.endsWith("_min")
          ? longSpan(value * 60_000)
          : decimal(value);
    } else if (typeof value === "string") params[name] = value;
  }
  return params;
}

const QUIET_FACTS = new Set([
  "action",
  "milder",
  "told",
  "fields",
  "first",
  "homes_first",
  "homes_first_why",
  "homes_others",
  "last_heard_ms",
  "measured_at_ms",
  "readings",
  "reason",
  "user",
]);

/** The rest of the evidence as rows of a small table; what is drawn or said elsewhere is left out. */
export function evidenceRows(
  evidence: Evidence,
  timeText: (ms: number) => string,
): { name: string; value: string }[] {
  const rows: { name: string; value: string }[] = [];
  for (const [name, value] of Object.entries(evidence)) {
    if (QUIET_FACTS.has(name) || name.startsWith("limit_") || value === null) continue;
    const text = valueText(name, value, timeText);
    if (text !== null) rows.push({ name: word("field", name), value: text });
  }
  return rows;
}

function valueText(
  name: string,
  value: EvidenceValue,
  timeText: (ms: number) => string,
): string | null {
  // What a device reports as usual is no news.
  if (value === false || value === "ok") return null;
  if (value === true) return t("yes");
  if (name === "fault") return troubleWords(String(value));
  if (value === "") return null;
  if (typeof value === "string") return word("value", value);
  if (name === "also" && Array.isArray(value)) {
    return value.map((reason) => word("reason", String(reason))).join(t("list.separator"));
  }
  if (typeof value !== "number") return null;
  if (name.endsWith("_ms")) return name === "silent_ms" ? longSpan(value) : timeText(value);
  if (name.endsWith("_s")) return longSpan(value * 1000);
  if (name.endsWith("_min")) return longSpan(value * 60_000);
  return `${decimal(value)}${unitOf(name)}`;
}

const UNITS: [RegExp, string][] = [
  [/_mmhg$/, " mmHg"],
  [/_bpm$/, " bpm"],
  [/_pct$/, "%"],
  [/_kwh$/, " kWh"],
  [/_wh$/, " Wh"],
  [/_w$/, " W"],
  [/_v$/, " V"],
  [/_a$/, " A"],
  [/_hz$/, " Hz"],
  [/_c$/, " °C"],
  [/_ppm$/, " ppm"],
  [/_kg$/, " kg"],
  [/_mmol_l$/, " mmol/L"],
  [/_dbm$/, " dBm"],
  [/_mv$/, " mV"],
  [/_h$/, " h"],
  [/_days$/, " d"],
];

export function unitOf(field: string): string {
  const unit = UNITS.find(([pattern]) => pattern.test(field))?.[1] ?? "";
  return tAny([`reading_unit.${unit.trim()}`]) ?? unit;
}

/** A category of the notice; of another county's own its name. */
export function categoryText(category: string): string {
  return tAny([`category_tag.${category}`]) ?? category;
}

/** Categories and grade of a person as a card shows them. */
export function tagsOf(person: Pick<Person, "categories" | "grade">): string[] {
  // The register's own word says little alone: "complete" may be anything.
  const grade = word("grade_tag", person.grade);
  const tags = [...person.categories.map(categoryText), person.grade === "" ? "" : grade];
  // Once each, whatever a register says twice: a list keyed by them would not be drawn at all.
  return [...new Set(tags)].filter((text) => text !== "");
}

/** A name as the book has it; of somebody who was erased a word in the page's language. */
export function nameText(name: string): string {
  return tAny([`name_word.${name}`]) ?? name;
}

export function personText(person: Pick<Person, "name" | "age">): string {
  const name = nameText(person.name);
  return person.age === null ? name : t("person.with_age", { name, age: person.age });
}

export function who(subject: Alarm | Task): string {
  const names = subject.persons.map(personText);
  if (names.length > 0) return names.join(t("list.separator"));
  // Of a whole village: nobody in particular.
  if ("severity" in subject && isOfRegion(subject)) return villageOf(subject.region_path ?? []);
  if ("gateway" in subject && subject.device === null && subject.gateway !== null) {
    const name = known.gateways.get(subject.gateway)?.name;
    // Who may not read gateways knows the village, and its number says nothing to them.
    const village = villageOf(subject.region_path ?? []);
    return name || village || t("who.gateway", { gateway: subject.gateway });
  }
  return t("who.unknown");
}

/** Whom or what a task is about: at a gateway nobody lives. */
export function taskWho(task: Task): string {
  const [own] = checksOf(task).own;
  if (task.home !== null) return who(task);
  if (own !== undefined) return deviceName(own);
  return villageOf(task.region_path ?? []) || who(task);
}

/** Who has it; of one that ended without anybody nothing is still to come. */
export function taskHolder(task: Task): string {
  const over = task.state === "completed" || task.state === "cancelled";
  return task.assignee?.name ?? t(over ? "task.nobody" : "alarm.nobody");
}

export function taskPlace(task: Task): string {
  const gateway = known.gateways.get(checksOf(task).own[0]?.gateway ?? "");
  const path = gateway?.region_path ?? task.region_path ?? [];
  return task.home !== null || path.length === 0 ? where(task.home) : path.slice(1).join(" · ");
}

export function villageOf(path: string[]): string {
  return path.at(-1) ?? "";
}

/** Where an alarm is: the home, else the village of its gateway. */
export function alarmPlace(alarm: Alarm, short = false): string {
  if (alarm.home !== null) return short ? whereShort(alarm.home) : where(alarm.home);
  if (isOfRegion(alarm)) return (alarm.region_path ?? []).slice(1).join(" · ");
  const gateway = known.gateways.get(alarm.gateway ?? "");
  if (gateway === undefined) {
    const path = (alarm.region_path ?? []).slice(1).join(" · ");
    // Of a gateway that one may not read the name is told above, where its village isn't known.
    return path || (alarm.device === null ? "" : (alarm.gateway ?? t("where.unbound")));
  }
  return [...gateway.region_path.slice(1), gateway.id].join(" · ");
}

function isOfRegion(alarm: Alarm): boolean {
  const ofRegion = alarm.kind === "village_dark" || alarm.kind === "coverage";
  return ofRegion && (alarm.region_path ?? []).length > 0;
}

type Located = Pick<HomeRef, "region_path" | "address">;

/** Town, village, address; the county is the same for everybody on this board. */
export function where(home: Located | null, level = 1): string {
  return home === null ? t("where.unbound") : whereParts(home, level).join(" · ");
}

export function whereParts(home: Located, level = 1): string[] {
  // Addresses often begin with the village; twice is once too often in two seconds.
  const path = home.region_path.slice(level).filter((part) => !home.address.startsWith(part));
  return [...path, home.address].filter((part) => part !== "" && part !== MASKED);
}

/** Village and address, where there is little room. */
export function whereShort(home: Located | null): string {
  return where(home, Math.max(0, (home?.region_path.length ?? 0) - 1));
}
