// The hub's HTTP interface: typed calls, problem documents as errors.

import type { Alarm, AlarmDetail } from "./alarm_types";
import type { Device, DeviceChanges, Gateway, Quarantined, Series } from "./device_types";
import type { Home, HomeDetail, ServiceUser, Stay, StayKind } from "./home_types";
import type { Assignee, DoorNews, HubClock, Me, Page, SignInWays, Summary } from "./hub_types";
import type { ContactPoint, NewContactPoint, OfferedChannel, ReplyAnswer, ReplyState } from "./notice_types";
import type {
  NewTry,
  Rule,
  RuleDetail,
  RulePreview,
  RuleSaid,
  Setting,
  ShadowFinding,
  Try,
} from "./rule_types";
import type { Task, TaskMove } from "./task_types";

export const PREFIX = "/api/v1";
// A duty officer presses again long before this; a dead line must say so.
const TIMEOUT_MS = 20_000;

export interface FieldError {
  field: string;
  code: string;
  zh: string;
  en: string;
}

/** An answer that is an error. `code` is stable; "offline" means that there was no answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly field: string | null = null,
    /** Every field that is wrong, where the hub says so. */
    readonly errors: FieldError[] = [],
  ) {
    super(`${status} ${code}: ${detail}`);
  }
}

// What is refused there says nothing of a session: who signs in has none, and a screen another kind.
const APART = /^(login|screen)(\/|$)/;

let onSignedOut: () => void = () => {};
let sessions = 0;

/** Called whenever the hub says that the session is over. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

let onStepUp: () => Promise<boolean> = () => Promise.resolve(false);

/** Called when the hub wants to be shown again who it is; says whether that was done. */
export function whenStepUp(callback: () => Promise<boolean>): void {
  onStepUp = callback;
}

/** Until a second step is shown or set up the session may do nothing; what it is refused then says
 * nothing of what was asked. */
export function isLimited(error: ApiError): boolean {
  return error.status === 403 && (error.code === "second_factor" || error.code === "factor_wanted");
}

let onLimited: () => void = () => {};

/** Called when the hub says that the session may do nothing yet. */
export function whenLimited(callback: () => void): void {
  onLimited = callback;
}

/** Was the answer that one, and has it been shown since? Then what was asked is asked again. */
export async function shownAgain(error: ApiError): Promise<boolean> {
  return error.code === "step_up" && (await onStepUp());
}

/** What was asked before it, and is refused now, was another session's. */
export function sessionBegan(): void {
  sessions += 1;
}

/** A call of the hub. A file goes as it is, everything else as JSON. `key`: what is sent again with
 * the same one is done once. */
export async function request<T>(
  method: string,
  path: string,
  body?: unknown,
  key = randomKey(),
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") {
    headers["X-Requested-With"] = "hearthwatch";
    headers["Content-Type"] = body instanceof Blob ? "application/octet-stream" : "application/json";
    headers["Idempotency-Key"] = key;
  }
  const mine = sessions;
  let response: Response;
  try {
    response = await fetch(`${PREFIX}/${path}`, {
      method,
      headers,
      body: body === undefined ? null : body instanceof Blob ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    });
  } catch {
    throw new ApiError(0, "offline", "");
  }
  if (response.status === 204) return undefined as T;
  if (response.ok) return (await response.json()) as T;
  const error = await problemOf(response);
  if (await shownAgain(error)) return request<T>(method, path, body, key);
  if (error.status === 401 && !APART.test(path) && mine === sessions) onSignedOut();
  if (isLimited(error) && mine === sessions) onLimited();
  throw error;
}

export async function problemOf(response: Response): Promise<ApiError> {
  try {
    const problem = (await response.json()) as Record<string, unknown>;
    const field = typeof problem["field"] === "string" ? problem["field"] : null;
    const code = String(problem["type"] ?? "unknown");
    const errors = Array.isArray(problem["errors"]) ? (problem["errors"] as FieldError[]) : [];
    return new ApiError(response.status, code, String(problem["detail"] ?? ""), field, errors);
  } catch {
    return new ApiError(response.status, "unknown", "");
  }
}

/** `crypto.randomUUID` is missing where the page came over plain HTTP from another machine. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") asked.set(name, String(value));
  }
  const text = asked.toString();
  return text === "" ? "" : `?${text}`;
}

/** Answer after answer until there is no next one, or there were enough. */
export async function readAll<T>(
  ask: (before: number | undefined) => Promise<Page<T>>,
  answersMax: number,
): Promise<Page<T>> {
  const items: T[] = [];
  let next: number | undefined;
  for (let answers = 0; answers < answersMax; answers += 1) {
    const page = await ask(next);
    items.push(...page.items);
    if (!page.next) return { items, next: null };
    next = Number(page.next);
  }
  return { items, next: next ?? null };
}

const id = encodeURIComponent;

export const api = {
  login: (username: string, password: string, code?: string) =>
    request<{ role: string } & DoorNews>("POST", "login", { username, password, ...(code ? { code } : {}) }),
  signInWays: () => request<SignInWays>("GET", "login/ways"),
  logout: () => request<unknown>("POST", "logout", {}),
  me: () => request<Me>("GET", "me"),
  clock: () => request<HubClock>("GET", "clock"),
  summary: () => request<Summary>("GET", "summary"),

  alarms: (asked: {
    state?: string;
    severity?: string;
    home?: string;
    limit?: number;
    before?: number | undefined;
  }) =>
    request<Page<Alarm>>("GET", `alarms${query(asked)}`),
  alarm: (alarm: string) => request<AlarmDetail>("GET", `alarms/${id(alarm)}`),
  acknowledge: (alarm: string) => request<Alarm>("POST", `alarms/${id(alarm)}/acknowledge`, {}),
  assign: (alarm: string, assignee: string) =>
    request<Alarm>("POST", `alarms/${id(alarm)}/assign`, { assignee }),
  extend: (alarm: string) => request<Alarm>("POST", `alarms/${id(alarm)}/extend`, {}),
  handOver: (alarm: string, to: string) =>
    request<Alarm>("POST", `alarms/${id(alarm)}/handover`, { to }),
  decline: (alarm: string, reason: string, note: string) =>
    request<Alarm>("POST", `alarms/${id(alarm)}/decline`, { reason, note }),
  release: (alarm: string, reason: string, note: string) =>
    request<Alarm>("POST", `alarms/${id(alarm)}/release`, { reason, note }),
  merge: (alarm: string, into: string) =>
    request<Alarm>("POST", `alarms/${id(alarm)}/merge`, { into }),
  reopen: (alarm: string, reason: string, note: string) =>
    request<Alarm>("POST", `alarms/${id(alarm)}/reopen`, { reason, note }),
  /** `foundOut`: empty where nobody asks or says it. */
  close: (
    alarm: string,
    outcome: string,
    note: string,
    followUpDays: number | null,
    foundOut: string,
  ) =>
    request<Alarm>("POST", `alarms/${id(alarm)}/close`, {
      outcome,
      note,
      ...(followUpDays === null ? {} : { follow_up_days: followUpDays }),
      ...(foundOut === "" ? {} : { found_out: foundOut }),
    }),

  tasks: (asked: { state?: string; assignee?: string; limit?: number; before?: number | undefined }) =>
    request<Page<Task>>("GET", `tasks${query(asked)}`),
  moveTask: (task: string, move: TaskMove, finding = "") =>
    request<Task>("POST", `tasks/${id(task)}/${move}`, move === "complete" ? { finding } : {}),
  assignees: () => request<Page<Assignee>>("GET", "assignees"),

  homes: (asked: { region?: string; q?: string; limit?: number } = {}) =>
    request<Page<Home>>("GET", `homes${query(asked)}`),
  home: (home: string) => request<HomeDetail>("GET", `homes/${id(home)}`),
  stays: (home: string) => request<Page<Stay>>("GET", `homes/${id(home)}/stays`),
  setStay: (home: string, stay: { kind: StayKind; until: string; note: string }) =>
    request<Stay>("POST", `homes/${id(home)}/stays`, stay),
  endStay: (home: string, stay: string) =>
    request<Stay>("POST", `homes/${id(home)}/stays/${id(stay)}/end`, {}),
  serviceUsers: (asked: { q?: string; limit?: number }) =>
    request<Page<ServiceUser>>("GET", `service-users${query(asked)}`),
  serviceUser: (person: string) => request<ServiceUser>("GET", `service-users/${id(person)}`),
  devices: (asked: { home?: string; gateway?: string; unbound?: boolean; collect?: boolean } = {}) =>
    request<Page<Device>>("GET", `devices${query(asked)}`),
  changeDevice: (
    gateway: string,
    device: string,
    changes: DeviceChanges,
  ) => request<Device>("PATCH", `devices/${id(gateway)}/${id(device)}`, changes),
  gateways: () => request<Page<Gateway>>("GET", "gateways"),
  quarantine: (limit: number) =>
    request<Page<Quarantined> & { total: number }>("GET", `quarantine${query({ limit })}`),
  rules: () => request<Page<Rule>>("GET", "rules"),
  rule: (name: string, scope: string) =>
    request<RuleDetail>("GET", `rules/${id(name)}${query({ scope })}`),
  previewRule: (name: string, said: RuleSaid) =>
    request<RulePreview>("POST", `rules/${id(name)}/preview`, said),
  changeRule: (name: string, said: RuleSaid & { reason: string }) =>
    request<Rule>("PATCH", `rules/${id(name)}`, said),
  ruleHistory: (name: string, asked: { limit: number; before?: number | undefined }) =>
    request<Page<Setting>>("GET", `rules/${id(name)}/history${query(asked)}`),
  ruleShadow: (name: string, asked: { limit: number; before?: number | undefined }) =>
    request<Page<ShadowFinding>>("GET", `rules/${id(name)}/shadow${query(asked)}`),
  tries: () => request<Page<Try>>("GET", "rules/tries"),
  try: (which: string) => request<Try>("GET", `rules/tries/${id(which)}`),
  startTry: (wanted: NewTry) => request<{ id: string }>("POST", "rules/tries", wanted),
  removeTry: (which: string) => request<void>("DELETE", `rules/tries/${id(which)}`),
  channels: () =>
    request<{ items: OfferedChannel[]; push_key: string | null }>("GET", "me/channels"),
  contactPoints: (user: string) =>
    request<{ items: ContactPoint[] }>("GET", `users/${id(user)}/contact-points`),
  addContactPoint: (user: string, point: NewContactPoint) =>
    request<ContactPoint>("POST", `users/${id(user)}/contact-points`, point),
  changeContactPoint: (
    user: string,
    point: string,
    changes: { label?: string; language?: string; place?: number },
  ) => request<ContactPoint>("PATCH", `users/${id(user)}/contact-points/${id(point)}`, changes),
  removeContactPoint: (user: string, point: string) =>
    request<void>("DELETE", `users/${id(user)}/contact-points/${id(point)}`),
  sendCode: (user: string, point: string) =>
    request<unknown>("POST", `users/${id(user)}/contact-points/${id(point)}/code`, {}),
  verifyContactPoint: (user: string, point: string, code: string) =>
    request<ContactPoint>("POST", `users/${id(user)}/contact-points/${id(point)}/verify`, { code }),
  reply: (token: string) => request<ReplyState>("GET", `replies/${id(token)}`),
  sendReply: (token: string, answer: ReplyAnswer) =>
    request<ReplyState>("POST", `replies/${id(token)}`, { answer, way: "link" }),
  readings: (asked: {
    device: string;
    kind?: string;
    from: string;
    to: string;
    resolution?: "raw" | "hour";
  }) =>
    request<{ series: Series[] }>("GET", `readings${query(asked)}`),
};
