// The objects of docs/http.md. What supervision adds is optional: a hub may be older than a page
// that is still open.

export type AlarmState = "open" | "acknowledged" | "in_response" | "closed";
export type Severity = "urgent" | "watch" | "technical";
export type TaskState = "open" | "accepted" | "departed" | "arrived" | "completed" | "cancelled";
export type TaskMove = "accept" | "depart" | "arrive" | "complete";

export type EvidenceValue =
  | string
  | number
  | boolean
  | null
  | EvidenceValue[]
  | { [name: string]: EvidenceValue };
export type Evidence = Record<string, EvidenceValue>;

export interface AccountRef {
  username: string;
  name: string;
}

export interface HomeRef {
  id: string;
  address: string;
  region: string;
  region_path: string[];
  lat: number | null;
  lon: number | null;
  access_note: string;
  key_place?: string;
  lane?: string;
  dog?: string;
}

export interface Contact {
  name: string;
  relation: string;
  phone: string;
}

export interface Person {
  id: string;
  name: string;
  sex: string;
  age: number | null;
  phone: string;
  categories: string[];
  grade: string;
  conditions: string[];
  medication?: string[];
  allergies?: string[];
  /** How to be heard by this person. */
  hearing?: string;
  contacts: Contact[];
  visitor: string | null;
}

export interface Alarm {
  id: string;
  number: number;
  state: AlarmState;
  severity: Severity;
  kind: string;
  rule: string;
  reason: string;
  raised_at: string;
  ingested_at: string;
  last_event_at: string;
  event_count: number;
  cleared_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by: AccountRef | null;
  assignee: AccountRef | null;
  closed_at: string | null;
  closed_by: AccountRef | null;
  outcome: string | null;
  note: string | null;
  task: string | null;
  asked_at: string | null;
  ask_until: string | null;
  answered_at: string | null;
  answer: "well" | "none" | "help" | null;
  held_at?: string | null;
  held_until?: string | null;
  held_for?: "dark" | StayKind | null;
  /** The alarm of the dark village, or the stay. */
  held_by?: string | null;
  released_at?: string | null;
  /** When its severity rose last. */
  worsened_at?: string | null;
  /** Who has it now, and until when somebody must be on the way. */
  holder?: AccountRef | null;
  ack_until?: string | null;
  /** Offered, and not yet accepted. */
  handover_to?: AccountRef | null;
  handover_until?: string | null;
  /** Steps of its escalation are being fired; their rounds are counted. */
  calling?: boolean;
  round?: number;
  merged_into?: string | null;
  reopened?: number;
  version: number;
  home: HomeRef | null;
  gateway: string | null;
  device: string | null;
  device_label: string | null;
  /** Of an alarm about a village there is nothing else that says where. */
  region?: string | null;
  region_path?: string[];
  persons: Person[];
  evidence: Evidence;
}

export const STAY_KINDS = ["away", "hospital", "visitors"] as const;
export type StayKind = (typeof STAY_KINDS)[number];

/** Who is away or has visitors, and until when. */
export interface Stay {
  id: string;
  home: string;
  person: string | null;
  person_name: string | null;
  kind: StayKind;
  from: string;
  until: string;
  note: string;
  created_at: string;
  created_by: AccountRef | null;
  ended_at: string | null;
  ended_how: "activity" | "user" | "until" | null;
  ended_by: AccountRef | null;
}

export interface TimelineEntry {
  seq: number;
  at: string;
  fact: string;
  actor: string;
  actor_name: string;
  reason: string;
  data: Record<string, unknown>;
}

export interface DeviceEvent {
  id: string;
  kind: string;
  device: string;
  measured_at: string;
  received_at: string;
  ingested_at: string;
  values: Record<string, number>;
  attrs: Record<string, unknown>;
}

export type ProofKind = "button" | "label" | "gps";

export interface Task {
  id: string;
  number: number;
  kind: string;
  state: TaskState;
  alarm: string | null;
  alarm_kind: string | null;
  home: HomeRef | null;
  persons: Person[];
  assignee: AccountRef | null;
  created_at: string;
  due_at: string | null;
  accepted_at: string | null;
  departed_at: string | null;
  arrived_at: string | null;
  completed_at: string | null;
  finding: string | null;
  /** What it is for, where no alarm says it. */
  note?: string | null;
  press_until?: string | null;
  proof?: ProofKind | null;
  proof_at?: string | null;
  version: number;
  checks?: Trouble[];
}

/** Something about a device that somebody has to mend, or to try. Of a gateway, `device` is the gateway itself. */
export interface Trouble {
  gateway: string;
  device: string | null;
  label: string;
  kind: string;
  reason: string;
  since: string;
  due_at: string | null;
  life_critical: boolean;
  overdue: boolean;
  alarm: string | null;
  task: string | null;
}

export interface AlarmDetail extends Alarm {
  timeline: TimelineEntry[];
  events: DeviceEvent[];
  task_detail: Task | null;
}

export interface Device {
  gateway: string;
  device: string;
  home: string | null;
  kind: string;
  model: string;
  label: string;
  first_seen_at: string | null;
  last_seen_at: string | null;
  battery_pct: number | null;
  signal_dbm: number | null;
  fault: string | null;
  /** The home can be asked whether all is well, and answers here. */
  asks?: boolean;
  state: string;
  link_quality?: number | null;
  mains?: boolean | null;
  /** Null: it is never missed. */
  expected_interval_s?: number | null;
  test_interval_s?: number | null;
  tampered_at?: string | null;
  tested_at?: string | null;
  test_due_at?: string | null;
  life_critical?: boolean;
  troubles?: Trouble[];
}

/** What may be changed about a device; null is what its kind has. */
export interface DeviceChanges {
  home?: string;
  label?: string;
  kind?: string;
  expected_interval_s?: number | null;
  test_interval_s?: number | null;
  life_critical?: boolean | null;
}

export interface Gateway {
  id: string;
  name: string;
  region: string;
  region_path: string[];
  online: boolean;
  status_at: string | null;
  clock: string | null;
  oldest_unacked_s: number | null;
  last_seq: number | null;
  spool_free_bytes: number | null;
  mains: boolean | number | null;
  battery_pct: number | null;
  version: string | null;
  homes: number;
  devices: number;
}

export interface Home {
  id: string;
  address: string;
  region: string;
  region_path: string[];
  lat: number | null;
  lon: number | null;
  access_note?: string;
  key_place?: string;
  lane?: string;
  dog?: string;
  persons: { id: string; name: string; age: number | null }[];
  devices: number;
  last_seen_at: string | null;
  open_alarms: number;
  life: string;
  /** What of its stays holds now. */
  staying?: StayKind[];
}

export interface RuleView {
  rule: string;
  kind: string;
  mode?: RuleMode;
  state: string;
  since: string | null;
  explanation: Evidence;
}

export interface HomeDetail extends Omit<Home, "devices"> {
  devices: Device[];
  rules: RuleView[];
  alarms: Alarm[];
  checks?: Trouble[];
}

export interface ServiceUser extends Person {
  born: string | null;
  home: HomeRef | null;
}

export type RuleMode = "live" | "shadow";
export type ParamValue = number | string | boolean | string[];
export type Params = Record<string, ParamValue>;

export interface Setting {
  seq: number;
  at: string;
  actor: string;
  actor_name: string;
  scope: string;
  /** The person's name, the home's address, the category. */
  scope_name: string;
  mode: RuleMode | null;
  params: Params | null;
  reason: string;
  signed_off_by: string;
  signed_off_on: string;
  /** Of a setting in force: why it can't be used any more. */
  left_out?: string | null;
}

export interface Precision {
  days: number;
  alarms: number;
  real: number;
  false: number;
  other: number;
  open: number;
  recent: { days: number; alarms: number };
  by_outcome: Record<string, number>;
  by_device: {
    gateway: string;
    device: string;
    label: string;
    alarms: number;
    real: number;
    false: number;
  }[];
}

export interface Rule {
  name: string;
  kind: string;
  severity: Severity;
  enabled: boolean;
  mode: RuleMode;
  /** It finds nothing itself and makes observations for others. */
  feed: boolean;
  ask_first_s: number;
  params: Params;
  homes_overridden: number;
  clinical: boolean;
  signed_off_by: string;
  signed_off_on: string;
  settings: Setting[];
  precision: Precision;
  shadow: { raised: number; since: string | null };
}

export interface Parameter {
  name: string;
  type: "int" | "float" | "bool" | "str" | "list";
  default: ParamValue;
  low: number | null;
  high: number | null;
}

export interface RuleDetail extends Rule {
  about: { finds: string; sees: string; cant_see: string; defaults: string; sources: string };
  parameters: Parameter[];
  ask_first: { usual_s: number; low: number; high: number } | null;
  subject: "home" | "gateway" | "either" | "region";
  lane: string;
  may_shadow: boolean;
  can_be_tried: boolean;
  categories: string[];
  scope: {
    scope: string;
    homes: number;
    set: Params;
    values: Record<string, { value: ParamValue; source: string }>;
  };
}

/** What is said about a rule; null leaves it as it is. */
export interface RuleSaid {
  scope: string;
  params?: Params;
  mode?: RuleMode;
  signed_off_by?: string;
  signed_off_on?: string;
}

export interface RulePreview {
  homes: number;
  homes_changed: number;
  values: {
    name: string;
    before: ParamValue;
    after: ParamValue;
    source_before: string;
    source_after: string;
  }[];
  unsigned: boolean;
}

export interface ShadowFinding {
  seq: number;
  at: string;
  home: string | null;
  gateway: string | null;
  device: string | null;
  part: string;
  kind: string;
  severity: Severity;
  phase: string;
  reason: string;
  raised_at: string;
  evidence: Evidence;
  address?: string;
  region_path?: string[];
  persons?: { id: string; name: string; age: number | null }[];
}

export interface TryChange {
  rule: string;
  scope: string;
  params: Params;
}

export interface NewTry {
  from: string;
  to: string;
  homes: string;
  changes: TryChange[];
}

export interface TryLine {
  rule: string;
  changed: boolean;
  now: number;
  then: number;
  per_home_month_now: number | null;
  per_home_month_then: number | null;
  only_now: number;
  only_then: number;
  then_earlier: number;
  then_later: number;
  of_alarms_closed_real: number;
  of_alarms_closed_false: number;
  missed_real: number;
  now_of_alarms_closed_real: number;
  now_of_alarms_closed_false: number;
  now_missed_real: number;
}

export interface TryHome {
  home: string;
  rule: string;
  now: number;
  then: number;
  only_now: number;
  only_then: number;
  only_now_at: string[];
  only_then_at: string[];
  address: string;
  region_path: string[];
  persons: { id: string; name: string; age: number | null }[];
}

export interface TryResult {
  days: number;
  warm_up_days: number;
  homes: number;
  readings: number;
  by_rule: TryLine[];
  not_judged: string[];
  homes_differing: number;
  by_home: TryHome[];
}

export interface Try {
  id: string;
  state: "queued" | "running" | "done" | "failed";
  progress: number;
  asked_at: string;
  from: string;
  to: string;
  homes: string;
  changes: TryChange[];
  detail?: string;
  result?: TryResult;
}

export type RawPoint = [number, number];
export type RollUpPoint = [number, number, number, number];

export interface Series {
  device: string;
  kind: string;
  field: string;
  resolution: string;
  points: (RawPoint | RollUpPoint)[];
}

export interface Quarantined {
  id: string | number;
  at: string;
  source: string;
  gateway: string | null;
  code: string;
  detail: string;
  raw_hex: string;
  raw_text: string | null;
  size: number;
  count: number;
}

export interface Assignee {
  username: string;
  name: string;
  role: string;
  phone: string;
}

export interface Summary {
  alarms: { open: number; acknowledged: number; in_response: number; closed_today: number };
  tasks: Record<string, number>;
  homes: number;
  gateways: { online: number; total: number };
  devices: { total: number; silent: number; unheard?: number; unbound: number };
  quarantine: number;
  /** Of the presses by which the hub tests the whole way. */
  last_test?: {
    pressed_at: string;
    result: "ok" | "failed" | null;
    missing: string;
    took_s: number | null;
  } | null;
  repairs?: { open: number; overdue: number };
}

export interface Me {
  username: string;
  name: string;
  role: string;
  region: string;
  can: string[];
}

export interface HubClock {
  now: string;
  speed: number;
  /** The county's; a hub that is older than the page doesn't say it. */
  timezone?: string;
}

export interface Page<T> {
  items: T[];
  next?: number | string | null;
}

export interface StreamData<T> {
  entry: { seq: number; topic: string; subject: string; fact: string };
  object: T | null;
}

/** Why somebody can't come, or gives an alarm up. */
export const DECLINE_REASONS = [
  "busy",
  "too_far",
  "unwell",
  "no_transport",
  "shift_ends",
  "other",
] as const;

export const REOPEN_REASONS = ["closed_by_mistake", "not_over", "wrong_merge", "other"] as const;

/** What a human may say about how an alarm ended, in the order of how often it is needed. */
export const OUTCOMES = [
  "accidental",
  "social",
  "medical_advice",
  "real_emergency",
  "test",
  "device_fault",
  "outage",
  "no_answer_visited",
] as const;

/** One way by which an account is told; `address` in part where it is not one's own. */
export interface ContactPoint {
  id: string;
  channel: string;
  address: string;
  label: string;
  language: "zh-CN" | "en";
  place: number;
  created_at: string;
  verified_at: string | null;
  dead_since: string | null;
  dead_reason: string;
  code_until: string | null;
}

/** `names`: the ones to choose from; null where the address is free. */
export interface OfferedChannel {
  channel: string;
  form: "phone" | "mail" | "name" | "subscription";
  names: string[] | null;
  urgent: boolean;
}

export interface NewContactPoint {
  channel: string;
  address: string;
  label: string;
  language: string;
}

export type ReplyAnswer = "accept" | "decline";

/** What the link of a notification is about, without anybody's name. */
export interface ReplyState {
  number: number;
  severity: string;
  word: string;
  place: string;
  state: string;
  raised_at: string;
  yours: boolean;
  answer: ReplyAnswer | null;
  expires_at: string;
  timezone?: string;
}
