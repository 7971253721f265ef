// How the states of homes, rules and devices look.

export const LIFE_TONES: Record<string, string> = {
  well: "good",
  silent: "urgent",
  cannot_judge: "watch",
  learning: "technical",
  trouble: "watch",
  unheard: "watch",
  dark: "watch",
};

// What a rule thought before its gateway went is no news of now; a silence stays one.
const PASSING = new Set(["well", "learning", "trouble"]);

/** The state of a home as it may be shown: `unheard` while nobody can hear it, `dark` while its
 * village has no electricity, so that a meter shows nobody. */
export function lifeNow(home: { life: string; heard?: boolean | null; dark?: boolean }): string {
  if (!PASSING.has(home.life)) return home.life;
  if (home.heard === false) return "unheard";
  return home.dark === true ? "dark" : home.life;
}

export const DEVICE_TONES: Record<string, string> = {
  ok: "good",
  silent: "watch",
  fault: "urgent",
  unbound: "technical",
};

// As the hub's rule `low_battery` has it.
export const BATTERY_LOW_PCT = 20;
