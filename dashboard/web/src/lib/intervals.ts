// What an installer can choose for a device's supervision, and what is sent for it. Pure.

import type { Device, DeviceChanges } from "./device_types";

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

/** How often a device reports by itself: meters in minutes, plugs hourly, buttons once a day. */
export const EXPECTED_S = [
  15 * MINUTE_S,
  HOUR_S,
  3 * HOUR_S,
  6 * HOUR_S,
  12 * HOUR_S,
  DAY_S,
  2 * DAY_S,
  7 * DAY_S,
] as const;
export const TEST_S = [7 * DAY_S, 14 * DAY_S, 30 * DAY_S] as const;

/** Choices of a select beside the seconds. */
export const KEEP = "";
export const BY_KIND = "kind";
export const NEVER = "0";
/** No home has such an id: taken out of the one it is in. */
export const OUT = "/";

/** Undefined is not sent: it stays. */
export function secondsOf(choice: string): number | null | undefined {
  if (choice === KEEP) return undefined;
  return choice === BY_KIND ? null : Number(choice);
}

export function criticalOf(choice: string): boolean | null | undefined {
  if (choice === KEEP) return undefined;
  return choice === BY_KIND ? null : choice === "yes";
}

export interface Chosen {
  home: string;
  kind: string;
  label: string;
  expected: string;
  test: string;
  critical: string;
}

/** Only what is new, so that two who change different things don't undo each other. */
export function changesOf(device: Device, chosen: Chosen): DeviceChanges {
  const changes: DeviceChanges = {};
  const label = chosen.label.trim();
  const expected = secondsOf(chosen.expected);
  const test = secondsOf(chosen.test);
  const critical = criticalOf(chosen.critical);
  if (chosen.home === OUT) changes.home = null;
  else if (chosen.home !== "" && chosen.home !== device.home) changes.home = chosen.home;
  if (chosen.kind !== "" && chosen.kind !== device.kind) changes.kind = chosen.kind;
  if (label !== device.label) changes.label = label;
  if (expected !== undefined) changes.expected_interval_s = expected;
  if (test !== undefined) changes.test_interval_s = test;
  if (critical !== undefined) changes.life_critical = critical;
  return changes;
}
