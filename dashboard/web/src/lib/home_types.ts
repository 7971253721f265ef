// Homes, the people in them and their stays, as docs/http.md has them. What newer hubs
// add is optional: a hub may be older than a page that is still open.

import type { Alarm } from "./alarm_types";
import type { Device, Trouble } from "./device_types";
import type { AccountRef } from "./hub_types";
import type { RuleView } from "./rule_types";

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
  /** Names her photo; empty: there is none. */
  photo?: string;
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
  /** The severity of the worst of them. */
  worst_alarm: string | null;
  life: string;
  /** Whether any gateway of its devices is online; null: it has no devices. */
  heard?: boolean | null;
  /** Its village has no electricity. */
  dark?: boolean;
  /** What of its stays holds now. */
  staying?: StayKind[];
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
  /** Days; empty: since before it was written down, or still in the service. */
  joined_on: string;
  left_on: string;
  left_why: string;
  left_note: string;
  /** Somebody of whom nothing is left but what is counted; an older hub doesn't say it. */
  erased_at?: string | null;
  service_gaps: { left_on: string; why: string; note: string; returned_on: string }[];
}
