// How the states of homes, rules and devices look.

export const LIFE_TONES: Record<string, string> = {
  well: "good",
  silent: "urgent",
  cannot_judge: "watch",
  learning: "technical",
  trouble: "watch",
};

export const DEVICE_TONES: Record<string, string> = {
  ok: "good",
  silent: "watch",
  fault: "urgent",
  unbound: "technical",
};

// As the hub's rule `low_battery` has it.
export const BATTERY_LOW_PCT = 20;
