// Visits at the hub: their objects and calls (docs/http.md).

import { query, request } from "./api";
import type { VisitPerson } from "./drafts";
import type { TimelineEntry } from "./alarm_types";
import type { HomeRef } from "./home_types";
import type { AccountRef, Page } from "./hub_types";

export interface Visit {
  id: string;
  number: number;
  home: HomeRef | null;
  service_user: string | null;
  service_user_name: string | null;
  kind: string;
  way: string;
  visitor: AccountRef;
  task: string | null;
  alarm: string | null;
  visited_at: string;
  recorded_at: string;
  record: Record<string, unknown>;
  met: boolean;
  services: number[];
  version: number;
  counts: boolean;
  voided_at: string | null;
  voided_by: AccountRef | null;
  void_reason: string | null;
  duplicate_of: string | null;
  conflicts: string[];
}

export interface CorrectionMade {
  id: string;
  version: number;
  at: string;
  by: AccountRef;
  reason: string;
  changes: Record<string, { before: unknown; after: unknown }>;
}

export interface Attachment {
  id: string;
  kind: "photo" | "signature_person" | "signature_visitor";
  width: number;
  height: number;
}

export interface Concern {
  code: string;
  zh: string;
  en: string;
  days: number;
  task: string | null;
  task_state: string | null;
}

export interface VisitDetail extends Visit {
  others: Visit[];
  history: CorrectionMade[];
  timeline: TimelineEntry[];
  attachments: Attachment[];
  concerns: Concern[];
}

export interface VisitCorrection {
  reason: string;
  version: number;
  way?: string;
  record?: Record<string, unknown>;
}

const id = encodeURIComponent;

export const visits = {
  people: () => request<{ items: VisitPerson[] }>("GET", "visits/people"),
  list: (asked: { home?: string; service_user?: string; conflict?: boolean; limit?: number }) =>
    request<Page<Visit>>("GET", `visits${query(asked)}`),
  one: (visit: string) => request<VisitDetail>("GET", `visits/${id(visit)}`),
  report: (body: Record<string, unknown>, key: string) =>
    request<Visit>("POST", "visits", body, key),
  attach: (visit: string, kind: string, file: Blob) =>
    request<VisitDetail>("POST", `visits/${id(visit)}/attachments${query({ kind })}`, file),
  correct: (visit: string, correction: VisitCorrection) =>
    request<VisitDetail>("POST", `visits/${id(visit)}/corrections`, correction),
  void: (visit: string, reason: string) =>
    request<VisitDetail>("POST", `visits/${id(visit)}/void`, { reason }),
  decide: (visit: string, other: string, keep: string | null) =>
    request<VisitDetail>("POST", `visits/${id(visit)}/decision`, { other, keep }),
  raise: (visit: string, concern: string) =>
    request<VisitDetail>("POST", `visits/${id(visit)}/concerns`, { concern }),
  informFamily: (
    alarm: string,
    told: { name: string; relation: string; way: string; note: string },
  ) => request<unknown>("POST", `alarms/${id(alarm)}/family`, told),
};

export function pictureOf(visit: string, attachment: Attachment): string {
  const form = attachment.kind === "photo" ? "kept" : "svg";
  return `/api/v1/visits/${id(visit)}/attachments/${id(attachment.id)}?form=${form}`;
}
