// Screens on walls, for who lets them in and ends them (docs/http.md).

import { request } from "./api";
import type { AccountRef, Page } from "./hub_types";

const id = encodeURIComponent;

export interface Screen {
  id: string;
  name: string;
  region: string;
  region_path: string[];
  /** "granted": let in, and not yet come in; "over": ended by time. */
  state: "granted" | "shown" | "over" | "revoked";
  address: string;
  agent: string;
  made_by: AccountRef | null;
  made_at: string;
  seen_at: string;
  ends_at: string;
  ended_by: AccountRef | null;
  ended_at: string | null;
}

/** Which browser shows a code. */
export interface Asking {
  code: string;
  address: string;
  agent: string;
  asked_at: string;
}

export const screens = {
  list: () => request<Page<Screen>>("GET", "screens"),
  asking: (code: string) => request<Asking>("POST", "screens/asked", { code }),
  letIn: (code: string, name: string, region: string) =>
    request<Screen>("POST", "screens", { code, name, region }),
  end: (screen: string) => request<Screen>("DELETE", `screens/${id(screen)}`),
};
