// Certificates of gateways, and the code by which a machine becomes one (docs/http.md).

import { request } from "./api";

export interface GatewayCertificate {
  serial: string;
  how: "enrolled" | "renewed";
  issued_at: string;
  not_after: string;
  revoked_at: string | null;
  revoked_by: string | null;
  revoked_why: string | null;
}

export interface GatewayCertificates {
  /** False: gateways of this hub have passwords. */
  enrolment: boolean;
  code_until: string | null;
  items: GatewayCertificate[];
}

export interface MadeCode {
  code: string;
  svg: string;
  expires_at: string;
}

const of = (gateway: string): string => `gateways/${encodeURIComponent(gateway)}`;

export const enrolment = {
  certificates: (gateway: string) => request<GatewayCertificates>("GET", `${of(gateway)}/certificates`),
  makeCode: (gateway: string) => request<MadeCode>("POST", `${of(gateway)}/code`, {}),
  revoke: (gateway: string, reason: string) =>
    request<GatewayCertificates>("POST", `${of(gateway)}/revoke`, { reason }),
};

/** The gateway that a code is for, or null when the address was not copied whole. */
export function gatewayOf(hash: string): string | null {
  const found = /^#([A-Za-z0-9][A-Za-z0-9._-]{0,63})\.[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/.exec(hash);
  return found?.[1] ?? null;
}
