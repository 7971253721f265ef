// Records opened in an emergency (docs/http.md): to open one, what is open, and the review afterwards.

import { request } from "./api";
import type { AccountRef } from "./hub_types";

const id = encodeURIComponent;

export const DECISIONS = ["justified", "not_justified"] as const;
export type Decision = (typeof DECISIONS)[number];

export interface Opening {
  id: string;
  alarm: string;
  number: number | null;
  home: string;
  persons: string[];
  region_path: string[];
  by: AccountRef | null;
  reason: string;
  opened_at: string;
  until: string;
  /** How often something was looked at while it was open. */
  looks: number;
  reviewed_at: string | null;
  reviewed_by: AccountRef | null;
  decision: Decision | null;
  note: string;
}

interface Listed {
  items: Opening[];
}

export const openings = {
  mine: () => request<Listed>("GET", "emergency-openings/mine"),
  list: (state: "waiting" | "all") => request<Listed>("GET", `emergency-openings?state=${state}`),
  open: (alarm: string, reason: string) =>
    request<Opening>("POST", "emergency-openings", { alarm, reason }),
  review: (opening: string, decision: Decision, note: string) =>
    request<Opening>("POST", `emergency-openings/${id(opening)}/review`, { decision, note }),
};
