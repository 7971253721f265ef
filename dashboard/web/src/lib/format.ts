import { hubNow } from "./clock.svelte";
import { language, t, code, type Key } from "./i18n.svelte";
import type { Alarm, HomeRef, Person } from "./types";

const ZONE = "Asia/Shanghai";

export function clockTime(iso: string | null): string {
  if (!iso) return "—";
  return new Intl.DateTimeFormat(language(), {
    timeZone: ZONE, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false,
  }).format(new Date(iso));
}

/** How long ago, growing in front of the reader's eyes. */
export function since(iso: string | null): string {
  if (!iso) return "—";
  return duration(hubNow() - Date.parse(iso));
}

export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return t("time.seconds", { n: s });
  if (s < 3600) return t("time.minutes", { n: Math.floor(s / 60), s: String(s % 60).padStart(2, "0") });
  if (s < 86_400) return t("time.hours", { n: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
  return t("time.days", { n: Math.floor(s / 86_400), h: Math.floor((s % 86_400) / 3600) });
}

export function place(home: HomeRef | null): string {
  if (!home) return "";
  const village = home.region_path.at(-1) ?? "";
  const town = home.region_path.at(-2) ?? "";
  const address = home.address.startsWith(village) ? home.address.slice(village.length) : home.address;
  return [town, village, address].filter(Boolean).join(" · ");
}

export function who(persons: Person[]): string {
  return persons
    .map((p) => (p.age === null ? p.name : t("person.aged", { name: p.name, age: p.age })))
    .join("、");
}

/** Whom the alarm is about: a person, else the device or gateway. */
export function subject(alarm: Alarm): string {
  if (alarm.persons.length) return who(alarm.persons);
  if (alarm.home) return place(alarm.home);
  if (alarm.device) return t("subject.unbound", { device: `${alarm.gateway}/${alarm.device}` });
  return t("subject.gateway", { gateway: alarm.gateway ?? "" });
}

/** What happened, in plain words, from kind, reason and evidence. */
export function what(alarm: Alarm): string {
  const e = alarm.evidence;
  const number = (name: string): number | null => (typeof e[name] === "number" ? (e[name] as number) : null);
  if (alarm.kind === "blood_pressure") {
    const s = number("systolic_mmhg") ?? number("mean_systolic_mmhg");
    const d = number("diastolic_mmhg") ?? number("mean_diastolic_mmhg");
    const words = code("reason", alarm.reason);
    return s !== null && d !== null ? `${Math.round(s)}/${Math.round(d)} mmHg · ${words}` : words;
  }
  if (alarm.kind === "sos" && alarm.event_count > 1) return t("what.pressed", { n: alarm.event_count });
  return code("reason", alarm.reason) || code("kind", alarm.kind);
}

export const kindName = (kind: string): string => code("kind", kind);
export const label = (key: Key): string => t(key);
