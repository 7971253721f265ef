// The trail of who looked at what and changed what (docs/http.md), and its words.

import { query, request } from "./api";
import type { Page } from "./hub_types";
import { language, t, tAny, word } from "./i18n.svelte";
import { dateText } from "./local_time";

const id = encodeURIComponent;
const MACHINE_NAME = /^[0-9a-f-]{12,}$/;
// As dashboard/signing_in/door_news.py writes it behind the address.
const NEW_BROWSER = /, new browser$/;
const FAMILY_LINK = /^family-[0-9a-f]{12}$/;

// What people did; what an open board asks by itself is told apart.
export const AUDIT_KINDS = ["look", "change", "out", "access"] as const;

export interface AuditRow {
  seq: number;
  at: string;
  actor: string;
  actor_name: string;
  action: string;
  kind: string;
  object: string;
  name: string;
  detail: string;
  from: string[];
}

export interface AuditChange {
  field: string;
  zh: string;
  en: string;
  old: unknown;
  new: unknown;
  hidden: boolean;
}

export interface AuditAsked {
  actor?: string;
  kind?: string;
  person?: string;
  object?: string;
  from?: string;
  to?: string;
}

interface CheckedTable {
  seq: number;
  rows: number;
  broken: number[];
  more: boolean;
}

export interface ChainCheck {
  at: string;
  by: string;
  holds: boolean;
  more: boolean;
  tables: Record<string, CheckedTable>;
}

export interface Chain {
  tables: { table: string; newest: number | null; at: string | null; head: string }[];
  checked: ChainCheck | null;
  command: string;
}

export const auditTrail = {
  list: (asked: AuditAsked & { limit: number; before?: string | undefined }) =>
    request<Page<AuditRow>>("GET", `audit${query({ ...asked })}`),
  one: (seq: number) => request<AuditRow & { changes: AuditChange[] }>("GET", `audit/${seq}`),
  csv: (asked: AuditAsked) => `audit/all.csv${query({ ...asked })}`,
  chain: () => request<Chain>("GET", "audit/chain"),
  check: () => request<ChainCheck>("POST", "audit/chain", {}),
};

/** What it was about: the kind of thing, and its name where it has one. */
export function objectText(row: AuditRow): string {
  const [kind = "", ...rest] = row.object.split(":");
  const key = rest.join(":");
  const thing = tAny([`audit_object.${kind}.${key}`, `audit_object.${kind}`]) ?? kind;
  const said = tAny([`audit_object.${kind}.${key}`]) !== null ? "" : (tAny([`kind.${key}`]) ?? key);
  // A name made by a machine tells nobody anything; the line leads there all the same.
  const called = row.name !== "" ? numbered(kind, row.name) : MACHINE_NAME.test(said) ? "" : said;
  return called === "" ? thing : t("audit.thing", { thing, name: called });
}

function numbered(kind: string, name: string): string {
  return kind === "alarm" || kind === "sheet" ? t("audit.numbered", { number: name }) : name;
}

/** Who did it; whoever looks by a link has no account. */
export function actorText(row: AuditRow): string {
  if (row.actor_name !== "") return row.actor_name;
  return FAMILY_LINK.test(row.actor) ? t("audit.by_family") : row.actor;
}

/** From where its account had signed in by then. That a browser was new matters where it signed in. */
export function cameFrom(row: AuditRow): string {
  const places = row.from.map((one) => one.replace(NEW_BROWSER, ""));
  const where = [...new Set(places)].join(t("audit.or"));
  const fresh = row.action === "logged_in" && NEW_BROWSER.test(row.from[0] ?? "");
  return t(fresh ? "audit.came_new" : "audit.came_from", { where });
}

/** The page where it can be looked at, if there is one. */
export function objectPage(row: AuditRow): string | null {
  const [kind = "", ...rest] = row.object.split(":");
  const key = rest.join(":");
  if (key === "" || key === "all" || key === "people") return null;
  if (["person", "tier", "care", "month", "vitals"].includes(kind)) return `/persons/${id(key)}`;
  if (kind === "home" || kind === "stays" || kind === "label") return `/homes/${id(key)}`;
  if (kind === "alarm" || kind === "sheet") return `/alarms/${id(key)}`;
  if (kind === "task" || kind === "card") return `/tasks/${id(key)}`;
  if (kind === "visit") return `/visits/${id(key)}`;
  if (kind === "rule") return `/rules/${id(key)}`;
  return null;
}

/** The rest of what was written down, in words where it has a known form. */
export function detailText(row: AuditRow): string {
  const shown = /^(\d+) (shown|rows)\b/.exec(row.detail);
  if (shown?.[1] !== undefined) return t("audit.shown", { count: Number(shown[1]) });
  const version = /^version (\d+)$/.exec(row.detail);
  if (version?.[1] !== undefined) return t("audit.version", { number: version[1] });
  const span = /^(?:(\d{4}-\d\d-\d\d) )?(\d+) days$/.exec(row.detail);
  if (span?.[2] !== undefined) {
    const count = Number(span[2]);
    if (span[1] === undefined) return t("audit.span", { count });
    return t("audit.span_from", { day: dateText(span[1], language.current), count });
  }
  const link = /^family-[0-9a-f]{12}, (\d+) days$/.exec(row.detail);
  if (link?.[1] !== undefined) return t("audit.span", { count: Number(link[1]) });
  const region = /^region (\d+|all)$/.exec(row.detail);
  if (region?.[1] !== undefined) return powerText(row.detail);
  const screen = /^(.+), (region (?:\d+|all))$/.exec(row.detail);
  if (row.object.startsWith("screen:") && screen?.[2] !== undefined) return powerText(screen[2]);
  // Said by the object already, or by the sign-in beside it.
  if (/^(home \S+|file)$/.test(row.detail) || row.kind === "access") return "";
  if (row.action === "exchange_refused") return refusalText(row.detail);
  if (row.object.startsWith("account:")) return row.detail.split(", ").map(powerText).join(t("list.separator"));
  const known = tAny([`audit_detail.${row.detail}`]);
  if (known !== null) return known;
  // Names of fields; what they were and are is behind the button.
  return row.object.startsWith("person:") && /^[a-z_]+(, [a-z_]+)*$/.test(row.detail) ? "" : row.detail;
}

function refusalText(detail: string): string {
  const [code = "", ...fields] = detail.split(" ");
  const words = fields.map((field) => word("refused_field", field.split(":")[1] ?? ""));
  return words.length > 0 ? words.join(t("list.separator")) : word("refused_code", code);
}

/** `role duty → visitor`, `region all`, `phone`. */
function powerText(part: string): string {
  const [field = "", ...rest] = part.split(" ");
  const values = rest.join(" ").split(" → ").filter((one) => one !== "");
  const said = values.map((one) => {
    if (field === "role") return word("role", one);
    if (field === "region" && one === "all") return t("departments.whole_county");
    return field === "disabled" ? t(one === "yes" ? "users.locked" : "audit.not_locked") : one;
  });
  const name = tAny([`audit_detail.${field}`]) ?? field;
  return said.length === 0 ? name : t("audit.thing", { thing: name, name: said.join(" → ") });
}

export function actionText(row: AuditRow): string {
  return word("audit_action", row.action);
}

/** A value before or after, as people read it. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined || value === "") return t("audit.nothing");
  if (Array.isArray(value)) {
    if (value.length === 0) return t("audit.nothing");
    return value.map((one) => valueText(one)).join(t("list.separator"));
  }
  if (typeof value === "object") {
    return Object.values(value)
      .filter((one) => typeof one === "string" && one !== "")
      .join(" ");
  }
  const text = String(value);
  return text === "yes" ? t("yes") : text === "no" ? t("no") : text;
}
