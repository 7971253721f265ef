// Ways to reach people, and what the link of a notification says.

/** One way by which an account is told; `address` in part where it is not one's own. */
export interface ContactPoint {
  id: string;
  channel: string;
  address: string;
  label: string;
  language: "zh-CN" | "en";
  place: number;
  created_at: string;
  verified_at: string | null;
  dead_since: string | null;
  dead_reason: string;
  code_until: string | null;
}

/** `names`: the ones to choose from; null where the address is free. */
export interface OfferedChannel {
  channel: string;
  form: "phone" | "mail" | "name" | "subscription";
  names: string[] | null;
  urgent: boolean;
}

export interface NewContactPoint {
  channel: string;
  address: string;
  label: string;
  language: string;
}

export type ReplyAnswer = "accept" | "decline" | "going" | "with_person";

/** What the link of a notification is about, without anybody's name. */
export interface ReplyState {
  number: number;
  severity: string;
  word: string;
  place: string;
  state: string;
  raised_at: string;
  /** Of a contact of the register, who takes no cases and can't sign in. */
  contact: boolean;
  yours: boolean;
  answer: ReplyAnswer | null;
  expires_at: string;
  timezone?: string;
}
