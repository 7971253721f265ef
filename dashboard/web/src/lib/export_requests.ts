// Large exports: asked for by one, approved by another, fetched once (docs/http.md).

import { request } from "./api";

export interface ExportRequest {
  id: string;
  number: string;
  subject: string;
  ending: string;
  region: string;
  from: string | null;
  to: string | null;
  reason: string;
  state: "asked" | "approved" | "refused" | "fetched" | "expired";
  asked_by: string;
  asked_at: string;
  decided_by: string | null;
  decided_at: string | null;
  decision: string;
  fetched_at: string | null;
  expires_at: string | null;
  may_decide: boolean;
  may_fetch: boolean;
}

const PATH = "export-requests";
const at = (id: string): string => `${PATH}/${encodeURIComponent(id)}`;

export const exportRequests = {
  list: () => request<{ items: ExportRequest[] }>("GET", PATH),
  ask: (said: { subject: string; ending: string; region: string; reason: string }) =>
    request<ExportRequest>("POST", PATH, said),
  decide: (id: string, word: "approve" | "refuse", reason: string) =>
    request<ExportRequest>("POST", `${at(id)}/${word}`, { reason }),
  withdraw: (id: string) => request<ExportRequest>("POST", `${at(id)}/withdraw`, {}),
  file: (id: string): string => `${at(id)}/content`,
};
