// What the family sees by a link, and the links themselves.

import { request } from "./api";

export interface FamilyView {
  name: string;
  today: { state: "away" | "silent" | "seen" | "not_yet" | "unknown"; hour_at: string | null };
  last_visit: { at: string; way: string; met: boolean; by: string | null } | null;
  next_visit_on: string | null;
  /** home: others live there who were not asked, so only what concerns the house is told. */
  alarms_of?: "person" | "home";
  alarms: {
    at: string;
    word: string;
    state: string;
    answered_by: string | null;
    answered_at: string | null;
    outcome: string | null;
  }[];
  /** How many of the staff saw the file lately. */
  looks?: { days: number; people: number; times: number };
  at: string;
  expires_at: string;
  timezone: string;
}

export interface FamilyLink {
  id: string;
  relation: string;
  created_at: string;
  created_by: string | null;
  expires_at: string;
  revoked_at: string | null;
  open: boolean;
  looks: number;
  looked_at: string | null;
}

export interface FamilyLinks {
  consent: string;
  items: FamilyLink[];
  /** Told once, right after it was made; `code` is an SVG. */
  made?: { id: string; address: string; code: string };
}

const id = encodeURIComponent;
const links = (person: string): string => `service-users/${id(person)}/family-links`;

export const familyApi = {
  look: (token: string) => request<FamilyView>("GET", `family/${id(token)}`),
  links: (person: string) => request<FamilyLinks>("GET", links(person)),
  make: (person: string, said: { relation: string; days: number }) =>
    request<FamilyLinks>("POST", links(person), said),
  revoke: (person: string, link: string) =>
    request<FamilyLinks>("POST", `${links(person)}/${id(link)}/revoke`, {}),
};
