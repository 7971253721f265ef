// Passkeys as browsers have them: the hub's JSON in, the authenticator's answer as JSON out.

import { ApiError } from "./api";

interface Asked {
  publicKey: Record<string, unknown>;
}

export function createPasskey(asked: unknown): Promise<unknown> {
  const said = (asked as Asked).publicKey;
  const user = said["user"] as Record<string, unknown>;
  const publicKey = {
    ...said,
    challenge: bytes(said["challenge"]),
    user: { ...user, id: bytes(user["id"]) },
    excludeCredentials: descriptors(said["excludeCredentials"]),
  } as unknown as PublicKeyCredentialCreationOptions;
  return answered(() => navigator.credentials.create({ publicKey }));
}

export function getPasskey(asked: unknown): Promise<unknown> {
  const said = (asked as Asked).publicKey;
  const publicKey = {
    ...said,
    challenge: bytes(said["challenge"]),
    allowCredentials: descriptors(said["allowCredentials"]),
  } as unknown as PublicKeyCredentialRequestOptions;
  return answered(() => navigator.credentials.get({ publicKey }));
}

async function answered(ask: () => Promise<Credential | null>): Promise<unknown> {
  let credential: Credential | null = null;
  try {
    credential = await ask();
  } catch {
    // Closed, too late, no such passkey here: browsers don't say which.
  }
  if (credential === null) throw new ApiError(0, "passkey_given_up", "");
  const key = credential as PublicKeyCredential;
  const said = key.response as AuthenticatorAttestationResponse & AuthenticatorAssertionResponse;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"] as const;
  const response: Record<string, string> = {};
  for (const part of parts) {
    const value = said[part] as ArrayBuffer | null | undefined;
    if (value instanceof ArrayBuffer) response[part] = text(value);
  }
  return {
    id: key.id,
    rawId: text(key.rawId),
    type: key.type,
    response,
    clientExtensionResults: {},
  };
}

function descriptors(said: unknown): unknown[] {
  const list = Array.isArray(said) ? (said as Record<string, unknown>[]) : [];
  return list.map((one) => ({ ...one, id: bytes(one["id"]) }));
}

function bytes(base64url: unknown): Uint8Array {
  const base64 = String(base64url).replace(/-/g, "+").replace(/_/g, "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function text(buffer: ArrayBuffer): string {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
