// Notifications that did not arrive, by channel and reason: their objects and calls (docs/http.md).

import { query, request } from "./api";
import type { Page } from "./hub_types";

export interface Failure {
  state: "refused" | "dead";
  detail: string;
  count: number;
  newest_at: string | null;
}

export interface ChannelFailures {
  channel: string;
  refused: number;
  dead: number;
  reasons: Failure[];
}

export interface Notification {
  id: string;
  channel: string;
  address: string;
  recipient: string | null;
  /** Of whose account it is; a contact's name is not told. */
  recipient_name?: string | null;
  alarm: string | null;
  number: number | null;
  urgent: boolean;
  state: "pending" | "delivered" | "refused" | "dead" | "dropped";
  attempts: number;
  detail: string;
  created_at: string;
  tried_at: string | null;
}

export const undelivered = {
  failures: () => request<{ items: ChannelFailures[] }>("GET", "notifications/failures"),
  list: (channel: string, before: string | null) =>
    request<Page<Notification>>(
      "GET",
      `notifications${query({ state: "refused,dead", channel: channel || null, before, limit: 50 })}`,
    ),
  resend: (one: string) =>
    request<Notification>("POST", `notifications/${encodeURIComponent(one)}/resend`, {}),
};
