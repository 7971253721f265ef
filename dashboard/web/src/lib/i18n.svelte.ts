import en from "../locales/en.json";
import zh from "../locales/zh-CN.json";

export type Key = keyof typeof zh;
type Language = "zh-CN" | "en";
const CATALOGUES: Record<Language, Record<string, string>> = { "zh-CN": zh, en };
const STORED = "hearthwatch-language";

const state = $state<{ language: Language }>({
  language: localStorage.getItem(STORED) === "en" ? "en" : "zh-CN",
});
document.documentElement.lang = state.language;

export const language = (): Language => state.language;

export function switchLanguage(): void {
  state.language = state.language === "en" ? "zh-CN" : "en";
  localStorage.setItem(STORED, state.language);
  document.documentElement.lang = state.language;
}

/** The text of a key, with `{name}` filled in. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = CATALOGUES[state.language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** The text of a code the hub sent, e.g. `outcome.social`; the code itself if it is new. */
export function code(group: string, value: string | null | undefined): string {
  if (!value) return "";
  return CATALOGUES[state.language][`${group}.${value}`] ?? value;
}
