// Days and hours by the county's clock, whatever the browser's is: the only place that turns
// instants into them and back.

import { county } from "./county.svelte";

export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

// Making a formatter costs a hundred times what using it does, and a board has many.
const formats = new Map<string, Intl.DateTimeFormat>();

function formatIn(
  zone: string,
  locale: string,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const key = `${zone} ${locale} ${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
    formats.set(key, format);
  }
  return format;
}

/** An instant in words. */
export function told(
  at: string | number,
  locale: string,
  options: Intl.DateTimeFormatOptions,
): string {
  return unbroken(formatIn(county.zone, locale, options).format(new Date(at)));
}

/** A calendar day (2026-11-28) in words; it has no zone. */
export function dayTold(
  date: string,
  locale: string,
  options: Intl.DateTimeFormatOptions,
): string {
  return unbroken(formatIn("UTC", locale, options).format(new Date(`${date}T00:00:00Z`)));
}

/** A day with its year, as it stands in running text. */
export function dateText(date: string, locale: string): string {
  return dayTold(date, locale, { year: "numeric", month: "short", day: "numeric" });
}

/** "Dec 1" is never parted by the end of a line. */
function unbroken(text: string): string {
  return text.replace(/([a-z]) (\d)/g, "$1\u00a0$2");
}

/** 08:00 */
export function clockOf(at: string | number): string {
  return told(at, "en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** The day of an instant, as 2026-11-28. */
export function dateOf(at: string | number): string {
  return told(at, "en-CA", { year: "numeric", month: "2-digit", day: "2-digit" });
}

export function isMidnight(at: number): boolean {
  return clockOf(at) === "00:00";
}

/** When a clock in the county shows this; what `<input type="date">` and `"time"` give. */
export function instantOf(date: string, time = "00:00"): number {
  const shown = Date.parse(`${date}T${time}:00Z`);
  if (Number.isNaN(shown)) return Number.NaN;
  // The second look is for a change of the clocks between the guess and the instant.
  const guess = shown - aheadMs(shown);
  return shown - aheadMs(guess);
}

/** By how much a clock in the county is ahead of UTC. */
function aheadMs(at: number): number {
  const minute = Math.floor(at / MINUTE_MS) * MINUTE_MS;
  return Date.parse(`${dateOf(minute)}T${clockOf(minute)}:00Z`) - minute;
}
