// What is of no one room: accounts, pages of lists, the stream, the board's counts.

export interface AccountRef {
  username: string;
  name: string;
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
  /** On which all gateways depend; null: not known, or they have passwords. `refused`: why none
   * would believe the broker now. */
  certificates?: {
    broker_until: string | null;
    authority_until: string | null;
    refused: string;
  } | null;
  repairs?: { open: number; overdue: number };
  /** For who keeps orders; 0 for everybody else. */
  department_files_failed?: number;
}

export interface Me {
  username: string;
  name: string;
  role: string;
  region: string;
  can: string[];
  /** What this session has to show ("factor") or set up ("enrol") before it may do anything. */
  limit?: "" | "enrol" | "factor";
  /** By when a second step has to be set up. */
  factor?: { set: boolean; due_at: string | null };
}

/** What was tried in vain in one's name since one last came in; or that somebody came in elsewhere. */
export interface Failed {
  count: number;
  last_at: string | null;
  last_from?: string | null;
}

/** What a browser tells of its account when it comes in. */
export interface DoorNews {
  failed?: Failed;
  /** From browsers that had not been used before. */
  elsewhere?: Failed;
}

export interface SignInWays {
  passkeys: boolean;
  sign_on: { name: string } | null;
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
