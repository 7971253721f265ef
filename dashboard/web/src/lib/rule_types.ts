// Rules, their settings and tries, as docs/http.md has them.

import type { Evidence, Severity } from "./alarm_types";

export interface RuleView {
  rule: string;
  kind: string;
  mode?: RuleMode;
  state: string;
  since: string | null;
  explanation: Evidence;
  /** False: quiet because no device of its kind is registered in the home. */
  watched?: boolean;
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
