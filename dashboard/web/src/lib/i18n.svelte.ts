// The two catalogues. Chinese is loaded with the page, English when it is chosen; the words of the
// pages about rules when one of them is opened.

import type rulesZh from "../locales/rules.zh-CN.json";
import zh from "../locales/zh-CN.json";

export type Language = "zh-CN" | "en";
export type Key = keyof typeof zh | keyof typeof rulesZh;
type Catalogue = Record<string, string>;

const STORED_AS = "hearthwatch.language";

class Translations {
  current = $state<Language>("zh-CN");
  #catalogue = $state.raw<Catalogue>(zh);
  #withRules = false;
  #round = 0;

  async start(): Promise<void> {
    if (stored() === "en") await this.set("en");
  }

  async set(language: Language): Promise<void> {
    const round = ++this.#round;
    const withRules = this.#withRules;
    const base: Catalogue = language === "en" ? (await import("../locales/en.json")).default : zh;
    const rules = withRules ? await wordsOfRules(language) : {};
    // Another language was chosen meanwhile, or a page that needs more words was opened.
    if (round !== this.#round) return;
    if (withRules !== this.#withRules) return this.set(language);
    this.#catalogue = { ...base, ...rules };
    this.current = language;
    document.documentElement.lang = language;
    // Loaded with English alone: the first screen in Chinese has no need of it.
    if (language === "en") (await import("./language_of_parts")).markChineseParts();
    try {
      localStorage.setItem(STORED_AS, language);
    } catch {
      // A browser that keeps nothing asks again next time.
    }
  }

  /** The words of the pages about rules; a page waits for them before it is shown. */
  async needRules(): Promise<void> {
    if (this.#withRules) return;
    const of = this.current;
    const rules = await wordsOfRules(of);
    if (of !== this.current) return this.needRules();
    this.#withRules = true;
    this.#catalogue = { ...this.#catalogue, ...rules };
  }

  get(key: string): string | undefined {
    return Object.hasOwn(this.#catalogue, key) ? this.#catalogue[key] : undefined;
  }
}

async function wordsOfRules(language: Language): Promise<Catalogue> {
  return language === "en"
    ? (await import("../locales/rules.en.json")).default
    : (await import("../locales/rules.zh-CN.json")).default;
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

export const language = new Translations();

export type Params = Record<string, string | number>;

export function t(key: Key, params: Params = {}): string {
  return filled(language.get(key) ?? key, params);
}

/** The text of a key made from data (`reason.sos.pressed`), else of the next one that exists. */
export function tAny(keys: string[], params: Params = {}): string | null {
  for (const key of keys) {
    const text = language.get(key);
    if (text !== undefined) return filled(text, params);
  }
  return null;
}

/** A word of the interface (a state, a kind); one that a newer hub invented shows as it is. */
export function word(group: string, value: string): string {
  return language.get(`${group}.${value}`) ?? value;
}

/** `{name}` is replaced; a text with `|` has singular and plural, chosen by `count`. */
export function filled(text: string, params: Params): string {
  const forms = text.split("|");
  const chosen = forms.length > 1 && params["count"] !== 1 ? forms[1] : forms[0];
  return (chosen ?? "").replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined ? whole : String(value);
  });
}
