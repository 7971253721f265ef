// Tasks, as docs/http.md has them. What newer hubs
// add is optional: a hub may be older than a page that is still open.

import type { Trouble } from "./device_types";
import type { HomeRef, Person } from "./home_types";
import type { AccountRef } from "./hub_types";

export type TaskState = "open" | "accepted" | "departed" | "arrived" | "completed" | "cancelled";

export type TaskMove = "accept" | "depart" | "arrive" | "complete";

export type ProofKind = "button" | "label" | "gps";

export interface Task {
  id: string;
  number: number;
  kind: string;
  state: TaskState;
  alarm: string | null;
  alarm_kind: string | null;
  home: HomeRef | null;
  /** Names from the county down, where it is of a village and no home. */
  region_path?: string[];
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
