// A section of the file while somebody edits it: texts of controls, and back to what the hub takes.

import { t } from "./i18n.svelte";
import { type FileValue, type FormField, optionText, said } from "./persons";

export interface Draft {
  texts: Record<string, string>;
  chosen: Record<string, string[]>;
}

export function draftOf(fields: FormField[], file: Record<string, FileValue>): Draft {
  const draft: Draft = { texts: {}, chosen: {} };
  for (const field of fields) {
    const value = file[field.field];
    if (field.form === "choices") draft.chosen[field.field] = asTexts(value);
    else if (field.form === "texts") draft.texts[field.field] = asTexts(value).join("\n");
    // A masked number can't be sent back: the control is empty until somebody types a new one.
    else if (field.secret) draft.texts[field.field] = "";
    else if (field.form !== "members") draft.texts[field.field] = plain(value);
  }
  return draft;
}

/** The fields that differ from what they were. */
export function changesOf(fields: FormField[], before: Draft, now: Draft): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  for (const field of fields) {
    const name = field.field;
    if (field.form === "choices") {
      const [old, chosen] = [before.chosen[name] ?? [], now.chosen[name] ?? []];
      if (JSON.stringify(old) !== JSON.stringify(chosen)) changes[name] = chosen;
    } else if (field.form !== "members" && before.texts[name] !== now.texts[name]) {
      changes[name] = sent(field, (now.texts[name] ?? "").trim());
    }
  }
  return changes;
}

function sent(field: FormField, text: string): unknown {
  switch (field.form) {
    case "texts":
      return linesOf(text);
    case "grade":
      return Number(text);
    case "whole":
    case "money":
      // What is no number goes as it is: the hub says what is wrong with it.
      return text === "" ? null : Number.isFinite(Number(text)) ? Number(text) : text;
    default:
      return text;
  }
}

export function linesOf(text: string): string[] {
  return text
    .split(/[\n、]/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** What a field says, for reading; "" when nobody has said anything. */
export function shownText(field: FormField, value: FileValue | undefined): string {
  if (value === undefined || value === null) return "";
  if (field.form === "yes_no") return value === "yes" ? t("yes") : value === "no" ? t("no") : "";
  if (field.form === "choice") return optionText(field.options, String(value));
  if (field.form === "grade") return value === 0 ? "" : t("file.level", { level: String(value) });
  if (field.form === "choices") {
    return asTexts(value)
      .map((word) => said(field.options.find((o) => o.word === word) ?? { zh: word, en: word }))
      .join(t("list.separator"));
  }
  if (field.form === "texts") return asTexts(value).join(t("list.separator"));
  return plain(value);
}

function asTexts(value: FileValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

function plain(value: FileValue | undefined): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
