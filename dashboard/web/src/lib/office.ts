// The office: regions, files for departments, the trail, accounts (docs/http.md).

import { ApiError, query, request } from "./api";
import type { Fault } from "./faults";
import type { Page } from "./hub_types";
import { language, tAny } from "./i18n.svelte";
import type { Region } from "./persons";
import { problemText } from "./toasts.svelte";

const id = encodeURIComponent;

export type Level = Region["level"];

export interface RegionAccount {
  username: string;
  name: string;
  role: string;
  phone: string;
}

export interface RegionNode extends Region {
  closed: boolean;
  /** Within one's own region; what that lies in is there for its name. */
  mine: boolean;
  homes: number;
  unvisited: number;
  visitors: number;
  visiting: { username: string; name: string; persons: number }[];
  accounts: RegionAccount[];
}

export interface RegionFact {
  seq: number;
  at: string;
  fact: string;
  actor: string;
  actor_name: string;
  data: { old?: string; new?: string; name?: string; reason?: string };
}

/** Polygons of rings of [longitude, latitude], in WGS 84. */
export interface RegionOutline {
  region: string;
  shape: [number, number][][][];
}

export interface OutlinesTaken {
  outlined: string[];
  removed: string[];
  unknown: string[];
}

export const office = {
  outlines: () => request<{ items: RegionOutline[] }>("GET", "regions/outlines"),
  putOutlines: (file: Blob, grid: string) =>
    request<OutlinesTaken>("PUT", `regions/outlines${query({ grid })}`, file),
  regions: () => request<Page<RegionNode>>("GET", "regions/overview"),
  regionHistory: (code: string) => request<Page<RegionFact>>("GET", `regions/${id(code)}/history`),
  addRegion: (
    fields: { code: string; name: string; level: string; parent: string; reason: string },
    key: string,
  ) => request<Region>("POST", "regions", fields, key),
  renameRegion: (code: string, name: string, reason: string) =>
    request<unknown>("PATCH", `regions/${id(code)}`, { name, reason }),
  closeRegion: (code: string, reason: string) =>
    request<unknown>("POST", `regions/${id(code)}/close`, { reason }),
  reopenRegion: (code: string, reason: string) =>
    request<unknown>("POST", `regions/${id(code)}/reopen`, { reason }),
};

/** Codes of mistakes that belong to one field of their form, which the hub does not name. */
const FIELD_OF: Record<string, string> = {
  closed_region: "region",
  overlaps: "code",
  reserved: "username",
  same_name: "name",
};

/** Why it was refused: every reason that the hub gives, else the words of its code. */
export function whyNot(error: unknown): Fault[] {
  if (!(error instanceof ApiError)) return [{ field: "", text: problemText(error) }];
  if (error.errors.length > 0) {
    return error.errors.map((one) => ({ field: one.field, text: language.current === "en" ? one.en : one.zh }));
  }
  const named = error.field?.split(".")[0] ?? "";
  const text = tAny([`office_fault.${error.code}.${named}`, `office_fault.${error.code}`]) ?? problemText(error);
  return [{ field: FIELD_OF[error.code] ?? named, text }];
}
