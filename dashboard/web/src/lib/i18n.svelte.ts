// The two catalogues. Chinese is loaded with the page, English when it is chosen; the words of the
// pages about rules, about signing in, and of an office, when one of them is opened.

import type officeZh from "../locales/office.zh-CN.json";
import type rulesZh from "../locales/rules.zh-CN.json";
import type securityZh from "../locales/security.zh-CN.json";
import zh from "../locales/zh-CN.json";

export type Language = "zh-CN" | "en";
export type Key = keyof typeof zh | keyof typeof officeZh | keyof typeof rulesZh | keyof typeof securityZh;
/** Words that are loaded with the pages that say them. */
export type Part = "office" | "rules" | "security";
type Catalogue = Record<string, string>;

const STORED_AS = "hearthwatch.language";

class Translations {
  current = $state<Language>("zh-CN");
  #catalogue = $state.raw<Catalogue>(zh);
  #parts: readonly Part[] = [];
  #round = 0;

  async start(): Promise<void> {
    if (stored() === "en") await this.set("en");
  }

  async set(language: Language): Promise<void> {
    const round = ++this.#round;
    const parts = this.#parts;
    const base: Catalogue = language === "en" ? (await import("../locales/en.json")).default : zh;
    const more = await Promise.all(parts.map((part) => wordsOf(part, language)));
    // Another language was chosen meanwhile, or a page that needs more words was opened.
    if (round !== this.#round) return;
    if (parts !== this.#parts) return this.set(language);
    this.#catalogue = Object.assign({}, base, ...more) as Catalogue;
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

  /** The words of these pages; a page waits for them before it is shown. */
  async need(part: Part): Promise<void> {
    if (this.#parts.includes(part)) return;
    const of = this.current;
    const words = await wordsOf(part, of);
    if (of !== this.current) return this.need(part);
    this.#parts = [...this.#parts, part];
    this.#catalogue = { ...this.#catalogue, ...words };
  }

  get(key: string): string | undefined {
    return Object.hasOwn(this.#catalogue, key) ? this.#catalogue[key] : undefined;
  }
}

const WORDS: Record<Part, Record<Language, () => Promise<{ default: Catalogue }>>> = {
  office: {
    "zh-CN": () => import("../locales/office.zh-CN.json"),
    en: () => import("../locales/office.en.json"),
  },
  rules: {
    "zh-CN": () => import("../locales/rules.zh-CN.json"),
    en: () => import("../locales/rules.en.json"),
  },
  security: {
    "zh-CN": () => import("../locales/security.zh-CN.json"),
    en: () => import("../locales/security.en.json"),
  },
};

async function wordsOf(part: Part, language: Language): Promise<Catalogue> {
  return (await WORDS[part][language]()).default;
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
