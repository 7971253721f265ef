// Who saw a person's file, told by the day (docs/http.md).

import { request } from "./api";

export interface Look {
  day: string;
  who: string;
  role: string;
  act: string;
  thing: string;
  times: number;
  said: string;
}

export interface Looks {
  days: number;
  times: number;
  people: number;
  more: boolean;
  items: Look[];
}

const at = (person: string): string => `service-users/${encodeURIComponent(person)}/looks`;

export const looksApi = {
  of: (person: string) => request<Looks>("GET", at(person)),
  sheet: (person: string): string => `${at(person)}.pdf`,
};
