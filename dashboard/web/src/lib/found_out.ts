// How it was in a home while it was silent: what a human found out teaches the rule (docs/no-sign-of-life.md).

export const FOUND_OUT = ["was_in_and_well", "was_out", "needed_help", "unknown"] as const;

/** Whether it is asked of an alarm of this kind. */
export function asksFoundOut(kind: string | null | undefined): boolean {
  return kind === "no_sign_of_life";
}
