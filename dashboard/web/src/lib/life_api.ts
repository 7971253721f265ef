// What the hub knows of one person's life and of what was measured of her.

import { query, request } from "./api";
import type { Series } from "./device_types";
import type { LifeMonth } from "./life_month";

export interface VitalLimit {
  kind: string;
  field: string;
  side: string;
  /** On which side of the value it calls. */
  beyond: "above" | "below";
  value: number;
  /** Who set it: the person's own, her home's, a category's, the county's. */
  of: string;
}

export interface Vitals {
  series: Series[];
  limits: VitalLimit[];
}

const of = (person: string): string => `service-users/${encodeURIComponent(person)}`;

export const lifeApi = {
  month: (person: string, month: string) =>
    request<LifeMonth>("GET", `${of(person)}/month${query({ month })}`),
  vitals: (person: string) => request<Vitals>("GET", `${of(person)}/vitals`),
};
