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

/** What one person did on one day. */
export interface Reader {
  day: string;
  who: string;
  role: string;
  looks: Look[];
}

/** The same reader is named once a day, with all that she did. */
export function byReader(looks: Look[]): Reader[] {
  const found = new Map<string, Reader>();
  for (const look of looks) {
    const key = JSON.stringify([look.day, look.who, look.role]);
    const known = found.get(key);
    if (known === undefined) found.set(key, { day: look.day, who: look.who, role: look.role, looks: [look] });
    else known.looks.push(look);
  }
  return [...found.values()];
}

const at = (person: string): string => `service-users/${encodeURIComponent(person)}/looks`;

export const looksApi = {
  of: (person: string) => request<Looks>("GET", at(person)),
  sheet: (person: string): string => `${at(person)}.pdf`,
};
