// Tries in words, and as files to take along.

import { decimal } from "./format";
import { t } from "./i18n.svelte";
import { changeText } from "./rules";
import type { Rule, Try, TryHome, TryLine } from "./rule_types";

const HOMES_A_RATE = 100;

/** Of the rules that were changed, and of those that were asked for with the limits they have. */
export function linesOf(one: Try, lines: readonly TryLine[]): TryLine[] {
  const asked = new Set(one.changes.map((change) => change.rule));
  return lines.filter((line) => line.changed || asked.has(line.rule));
}

/** Their sums: what the sentence is about. */
export function summed(changed: readonly TryLine[]) {
  const sum = (pick: (line: TryLine) => number): number =>
    changed.reduce((total, line) => total + pick(line), 0);
  return {
    now: sum((line) => line.now),
    then: sum((line) => line.then),
    real: sum((line) => line.of_alarms_closed_real),
    false: sum((line) => line.of_alarms_closed_false),
    missed: sum((line) => line.missed_real),
    same: sum((line) => line.only_now + line.only_then + line.then_earlier + line.then_later) === 0,
  };
}

export function rateText(perHomeMonth: number | null): string {
  return perHomeMonth === null ? "–" : decimal(perHomeMonth * HOMES_A_RATE);
}

export function changesText(one: Try, rules: readonly Rule[]): string {
  if (one.changes.length === 0) return t("try.whole_set");
  const kinds = new Map(rules.map((rule) => [rule.name, rule.kind]));
  return one.changes
    .map((change) => changeText(change, kinds.get(change.rule) ?? change.rule))
    .join(t("list.part"));
}

const COLUMNS = [
  "home",
  "address",
  "persons",
  "rule",
  "now",
  "then",
  "only_now",
  "only_then",
  "only_now_at",
  "only_then_at",
] as const;

/** A row for each home and rule that differ. */
export function csvOf(homes: readonly TryHome[]): string {
  const rows = homes.map((line) => [
    line.home,
    [...line.region_path, line.address].join(" "),
    line.persons.map((person) => person.name).join(" "),
    line.rule,
    line.now,
    line.then,
    line.only_now,
    line.only_then,
    line.only_now_at.join(" "),
    line.only_then_at.join(" "),
  ]);
  return [COLUMNS, ...rows].map((cells) => cells.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Quoted where it must be; what a spreadsheet would take for a formula begins with a quote. */
function cell(value: string | number): string {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function download(name: string, type: string, text: string): void {
  // A spreadsheet takes UTF-8 for what it is only with this mark.
  const mark = type === "text/csv" ? "\ufeff" : "";
  const url = URL.createObjectURL(new Blob([mark + text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
