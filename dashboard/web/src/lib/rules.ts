// Rules in words: names, parameters with their units, scopes, how often they are right.

import { decimal, longSpan } from "./format";
import { t, tAny, word } from "./i18n.svelte";
import type { ParamValue, Params, Precision, Setting, TryChange } from "./rule_types";
import { unitOf } from "./words";

export const COUNTY = "county";
export const ASK_KEY = "ask_first_s";
// Of fewer alarms that somebody judged, a percentage says more than anybody knows.
const JUDGED_MIN = 5;
// A rule below this is worth a look.
export const RIGHT_LOW_PCT = 50;

/** A rule configured for one kind of detector is called as that detector. */
export function ruleName(rule: { name: string; kind: string }): string {
  return tAny([`kind.${rule.name}`, `kind.${rule.kind}`]) ?? rule.name;
}

/** What a rule sees, in a line; of several rules of a kind each has its own. */
export function findsText(rule: { name: string; kind: string }): string {
  return tAny([`finds_rule.${rule.name}`, `finds.${rule.kind}`]) ?? "";
}

export const PARAM_GROUPS = ["limits", "timing", "trend", "habit", "over"] as const;
export type ParamGroup = (typeof PARAM_GROUPS)[number];
const IS_OVER = /^(release|mean_release|third)_/;
const IS_LIMIT = /_(mmhg|bpm|pct|c|mmol_l|ppm|kg|w)$/;

/** Where a parameter stands in a long list. */
export function paramGroup(name: string): ParamGroup {
  if (name.startsWith("trend_")) return "trend";
  if (name.startsWith("missing_")) return "habit";
  if (IS_OVER.test(name)) return "over";
  return IS_LIMIT.test(name) || name.startsWith("copd_") ? "limits" : "timing";
}

export function paramName(kind: string, name: string): string {
  return tAny([`param.${kind}.${name}`, `param.${name}`]) ?? name;
}

const UNIT_OF_NAME: Record<string, string> = {
  from_h: "clock",
  until_h: "clock",
  mean_readings_min: "readings",
  mean_days_min: "days",
  trend_days_min: "days",
  days: "days",
  missing_times: "factor",
  factor: "factor",
  margin_slots: "slots",
  meters: "meters",
  presses: "presses",
  deviations: "deviations",
  release_deviations: "deviations",
};
const UNIT_OF_END: [RegExp, string][] = [
  [/_days$/, "days"],
  [/_times$/, "times"],
  [/_min$/, "min"],
  [/_h$/, "h"],
  [/_s$/, "s"],
];

export function paramUnit(name: string): string {
  const unit = UNIT_OF_NAME[name] ?? UNIT_OF_END.find(([end]) => end.test(name))?.[1];
  return unit === undefined ? unitOf(name).trim() : word("unit", unit);
}

export function paramText(name: string, value: ParamValue): string {
  if (typeof value === "boolean") return value ? t("params.on") : t("params.off");
  if (Array.isArray(value)) {
    return value.map((each) => word("kind", each)).join(t("list.separator")) || t("params.empty");
  }
  if (typeof value === "string") return value || (tAny([`param_empty.${name}`]) ?? t("params.empty"));
  if (name === ASK_KEY) return value === 0 ? t("params.never") : longSpan(value * 1000);
  const unit = paramUnit(name);
  return unit === "" ? decimal(value, 2) : `${decimal(value, 2)} ${unit}`;
}

/** "Repeat within 20 min, urgent systolic 150 mmHg". */
export function paramsText(kind: string, params: Params): string {
  return Object.entries(params)
    .map(([name, value]) =>
      t("try.param", { name: paramName(kind, name), value: paramText(name, value) }),
    )
    .join(t("list.separator"));
}

export function scopeKind(scope: string): string {
  return scope.split(":", 1)[0] ?? "";
}

export function scopeText(scope: string, name = ""): string {
  const [kind = "", about = ""] = split(scope);
  return kind === COUNTY ? t("scope.kind.county") : name || about;
}

/** Who says so: the county, a category, this home, this person, or somebody else of the home. */
export function sourceText(source: string, scope: string): string {
  const [kind = "", about = ""] = split(source);
  if (kind === "configured") return t("source.configured");
  if (kind === COUNTY) return t("source.county");
  if (kind === "category") return t("source.category", { name: about });
  if (kind === "home") return t(scope === source ? "source.home" : "source.home_other");
  return t(scope === source ? "source.person" : "source.person_other");
}

function split(scope: string): string[] {
  const at = scope.indexOf(":");
  return at < 0 ? [scope] : [scope.slice(0, at), scope.slice(at + 1)];
}

/** Of those that somebody judged, how many were real; null when they are too few. */
export function rightPct(precision: Precision): number | null {
  const judged = precision.real + precision.false;
  return judged < JUDGED_MIN ? null : Math.round((precision.real / judged) * 100);
}

/** What a setting did, in a few words. */
export function settingText(kind: string, setting: Setting): string {
  if (setting.mode !== null) {
    return t(setting.mode === "shadow" ? "settings.to_shadow" : "settings.to_live");
  }
  if (setting.params === null) return t("settings.signature_only");
  const text = paramsText(kind, setting.params);
  return text === "" ? t("settings.taken_back") : text;
}

export function changeText(change: TryChange, kind: string): string {
  return t("try.change", {
    rule: ruleName({ name: change.rule, kind }),
    scope: scopeText(change.scope),
    params: paramsText(kind, change.params),
  });
}
