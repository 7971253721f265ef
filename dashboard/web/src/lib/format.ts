// Times, spans and numbers as people read them; language and "now" are arguments.

import { t } from "./i18n.svelte";
import { dateOf, told } from "./local_time";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A running clock: 0:00:07, 0:12:03, 1:02:03, so that minutes are never read as hours; from a day
 * on in days and hours. */
export function clockSpan(ms: number): string {
  const span = Math.max(0, ms);
  if (span >= DAY) return longSpan(span);
  const seconds = Math.floor(span / SECOND) % 60;
  const minutes = Math.floor(span / MINUTE) % 60;
  const hours = Math.floor(span / HOUR);
  return `${hours}:${two(minutes)}:${two(seconds)}`;
}

/** How long somebody has waited: to the second in the first hour; from then on in words, for hours
 * and minutes beside a clock read like a time of day. */
export function waitSpan(ms: number): string {
  return ms < HOUR ? clockSpan(ms) : longSpan(ms);
}

/** In words, with the one or two units that matter. */
export function longSpan(ms: number): string {
  const span = Math.max(0, ms);
  if (span < MINUTE) return t("span.seconds", { count: Math.floor(span / SECOND) });
  if (span < HOUR) return t("span.minutes", { count: Math.floor(span / MINUTE) });
  if (span < DAY) {
    const hours = Math.floor(span / HOUR);
    const minutes = Math.floor((span % HOUR) / MINUTE);
    const text = t("span.hours", { count: hours });
    return minutes === 0 || hours >= 10
      ? text
      : t("span.pair", { big: text, small: t("span.minutes", { count: minutes }) });
  }
  const days = Math.floor(span / DAY);
  const hours = Math.floor((span % DAY) / HOUR);
  const text = t("span.days", { count: days });
  return hours === 0 || days >= 7
    ? text
    : t("span.pair", { big: text, small: t("span.hours", { count: hours }) });
}

export function ago(at: string | null, now: number): string {
  if (at === null) return t("time.never");
  const span = now - Date.parse(at);
  if (span < 5 * SECOND) return t("time.just_now");
  return t("time.ago", { span: longSpan(span) });
}

/** "45 min left", "2 h late"; null without a deadline or a clock. */
export function dueText(at: string | null, now: number): { text: string; late: boolean } | null {
  if (at === null || now === 0) return null;
  const left = Date.parse(at) - now;
  return left >= 0
    ? { text: t("task.due_in", { span: longSpan(left) }), late: false }
    : { text: t("task.overdue", { span: longSpan(-left) }), late: true };
}

/** Heartbeats come in real seconds, also where the clock of a demonstration runs faster. */
export function heartbeatAgo(at: string | null, now: number, speed: number): string {
  if (at === null) return t("time.never");
  const span = Math.max(0, now - Date.parse(at)) / speed;
  return t("time.ago", { span: longSpan(span) });
}

/** 02:59:58, with the day in front when it is another day than `now`, and the year when it is another
 * year. */
export function moment(at: string | number, now: number, locale: string, seconds = true): string {
  const time = told(at, locale, {
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" } : {}),
    hourCycle: "h23",
  });
  return dateOf(at) === dateOf(now) ? time : `${day(at, locale, now)} ${time}`;
}

/** With the year when it is another one than that of `now`. */
export function day(at: string | number, locale: string, now: number): string {
  const otherYear = dateOf(at).slice(0, 4) !== dateOf(now).slice(0, 4);
  return told(at, locale, { ...(otherYear ? { year: "numeric" } : {}), month: "short", day: "numeric" });
}

export function decimal(value: number, digits = 1): string {
  const told = value.toFixed(digits);
  return told.includes(".") ? told.replace(/\.?0+$/, "") : told;
}

export function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${decimal(bytes / 1e9)}\u00a0GB` : `${decimal(bytes / 1e6, 0)}\u00a0MB`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
