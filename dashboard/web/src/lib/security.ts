// By what one signs in, where one is signed in, and one's programs (docs/http.md).

import { request } from "./api";
import type { DoorNews, Failed, Page } from "./hub_types";
import { t, word } from "./i18n.svelte";
import { session } from "./session.svelte";
import { createPasskey, getPasskey } from "./webauthn";

const id = encodeURIComponent;

export interface Passkey {
  id: string;
  name: string;
  backed_up: boolean;
  made_at: string;
  used_at: string | null;
}

export interface OwnSession {
  id: string;
  own: boolean;
  method: string;
  address: string;
  agent: string;
  begun_at: string;
  seen_at: string;
  ends_at: string;
}

/** Somebody at one's door. */
export interface SignIn {
  at: string;
  came_in: boolean;
  from: string;
  /** A method, or why not; empty: the password. */
  how: string;
  new_browser: boolean;
}

export interface ApiToken {
  id: string;
  name: string;
  scopes: string[];
  state: "alive" | "expired" | "revoked";
  expires_at: string;
  used_at: string | null;
}

export interface Security {
  limit: string;
  wanted: boolean;
  totp: { set_at: string | null };
  recovery_left: number;
  passkeys: Passkey[];
  sessions: OwnSession[];
  tokens: ApiToken[];
  scopes: string[];
  sign_on: { issuer: string; subject: string } | null;
  passkeys_possible: boolean;
}

export interface Doors {
  has_factor: boolean;
  failed: Failed;
  sign_on: { subject: string } | null;
  sign_on_offered: boolean;
}

export const security = {
  get: () => request<Security>("GET", "me/security"),
  signIns: () => request<Page<SignIn>>("GET", "me/sign-ins"),
  beginTotp: () => request<{ secret: string; qr: string }>("POST", "me/totp"),
  async confirmTotp(code: string): Promise<string[]> {
    const said = await request<{ recovery_codes: string[] }>("POST", "me/totp/confirm", { code });
    session.renewed();
    // Codes are seen once: where the page goes on by itself, only after they were.
    if (!session.limited) await session.goesOn();
    return said.recovery_codes;
  },
  removeTotp: () => request<unknown>("DELETE", "me/totp"),
  newRecoveryCodes: async () =>
    (await request<{ recovery_codes: string[] }>("POST", "me/recovery-codes")).recovery_codes,
  async addPasskey(name: string): Promise<void> {
    const asked = await request<unknown>("POST", "me/passkeys/options");
    const credential = await createPasskey(asked);
    await request<unknown>("POST", "me/passkeys", { credential, name });
    await session.goesOn();
  },
  renamePasskey: (passkey: string, name: string) =>
    request<unknown>("PATCH", `me/passkeys/${id(passkey)}`, { name }),
  removePasskey: (passkey: string) => request<unknown>("DELETE", `me/passkeys/${id(passkey)}`),
  endSession: (one: string) => request<unknown>("DELETE", `me/sessions/${id(one)}`),
  endOthers: () => request<unknown>("DELETE", "me/sessions"),
  makeToken: (name: string, scopes: string[], days: number) =>
    request<{ id: string; token: string }>("POST", "me/tokens", { name, scopes, days }),
  revokeToken: (token: string) => request<unknown>("DELETE", `me/tokens/${id(token)}`),
  async show(said: { code?: string; password?: string }): Promise<void> {
    await request<unknown>("POST", "me/factor", said);
    await session.goesOn();
  },
  async showPasskey(): Promise<void> {
    const asked = await request<unknown>("POST", "me/factor/passkey/options");
    await request<unknown>("POST", "me/factor/passkey", { credential: await getPasskey(asked) });
    await session.goesOn();
  },
};

export const doors = {
  get: (user: string) => request<Doors>("GET", `users/${id(user)}/doors`),
  free: (user: string) => request<Doors>("POST", `users/${id(user)}/free`),
  reset: (user: string) => request<Doors>("DELETE", `users/${id(user)}/factors`),
  end: (user: string) => request<Doors>("DELETE", `users/${id(user)}/sessions`),
  link: (user: string, subject: string) =>
    request<Doors>("PUT", `users/${id(user)}/sign-on`, { subject }),
  unlink: (user: string) => request<Doors>("DELETE", `users/${id(user)}/sign-on`),
};

/** Sign in by a passkey alone. */
export async function passkeyLogin(): Promise<void> {
  const asked = await request<unknown>("POST", "login/passkey/options");
  const credential = await getPasskey(asked);
  await session.cameIn(await request<DoorNews>("POST", "login/passkey", { credential }));
}

/** What a program may do, in words. */
export function scopeWords(scope: string): string {
  const [subject = "", verb = ""] = scope.split(".");
  return t("tokens.scope", { subject: word("scope_subject", subject), verb: word("scope_verb", verb) });
}

/** What the browser calls itself, as people call it; empty: no browser. */
export function browserName(agent: string): string {
  const browsers: [RegExp, string][] = [
    [/MicroMessenger/, "WeChat"],
    [/Edg/, "Edge"],
    [/Firefox/, "Firefox"],
    [/Chrom/, "Chrome"],
    [/Safari/, "Safari"],
  ];
  const systems: [RegExp, string][] = [
    [/Android/, "Android"],
    [/iPhone|iPad/, "iOS"],
    [/Windows/, "Windows"],
    [/Mac OS/, "macOS"],
    [/Linux/, "Linux"],
  ];
  const found = [browsers, systems].map((list) => list.find(([sign]) => sign.test(agent))?.[1]);
  return found.filter((one) => one !== undefined).join(" · ");
}

