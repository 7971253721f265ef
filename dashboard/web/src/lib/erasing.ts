// Erasing a person for good: the hub's plan of it, and the calls (docs/http.md).

import { request } from "./api";
import type { ServiceUser } from "./home_types";
import type { Said } from "./persons";

const id = encodeURIComponent;

export interface Blocker extends Said {
  code: string;
  until: string | null;
}

export interface Erasure {
  person: string;
  erased_at: string | null;
  /** Nobody else lives there: the address goes too. */
  with_home: boolean;
  goes: Record<string, number>;
  blockers: Blocker[];
  /** What is repeated to confirm; null while something stands in the way. */
  confirm: string | null;
}

export const erasing = {
  due: () => request<{ items: ServiceUser[]; records_days: number }>("GET", "erasures/due"),
  plan: (person: string) => request<Erasure>("GET", `service-users/${id(person)}/erasure`),
  erase: (person: string, said: { reason: string; confirm: string }) =>
    request<Erasure>("POST", `service-users/${id(person)}/erase`, said),
};
