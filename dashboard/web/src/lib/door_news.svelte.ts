// What happened at one's door meanwhile, in words.

import { hubTime } from "./clock.svelte";
import { ago } from "./format";
import type { Failed } from "./hub_types";
import { t } from "./i18n.svelte";
import { session } from "./session.svelte";

export function doorNews(): string[] {
  const { failed, elsewhere } = session;
  const said: string[] = [];
  if (failed !== null) said.push(t("login.failed_since", about(failed)));
  if (elsewhere !== null) said.push(t("login.elsewhere", about(elsewhere)));
  return said;
}

function about(told: Failed): { count: number; when: string; from: string } {
  return { count: told.count, when: ago(told.last_at, hubTime.now), from: told.last_from ?? "" };
}
