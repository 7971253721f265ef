// Short messages after an action, and the one way in which actions are done.

import { ApiError } from "./api";
import { t, tAny } from "./i18n.svelte";

const SHOWN_MS = 6_000;
const SHOWN_MAX = 3;

export interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

class Toasts {
  items = $state<Toast[]>([]);
  #next = 1;

  say(text: string, bad = false): void {
    const toast = { id: this.#next++, text, bad };
    this.items = [...this.items, toast].slice(-SHOWN_MAX);
    setTimeout(() => this.dismiss(toast.id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.items = this.items.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();

/** Do something at the hub; what goes wrong is said in words. Returns null then. */
export async function attempt<T>(action: () => Promise<T>, done?: string): Promise<T | null> {
  try {
    const result = await action();
    if (done !== undefined) toasts.say(done);
    return result;
  } catch (error) {
    toasts.say(problemText(error), true);
    return null;
  }
}

export function problemText(error: unknown): string {
  if (!(error instanceof ApiError)) return t("problem.unknown");
  return tAny([`problem.${error.code}`, `problem.${error.status}`]) ?? t("problem.unknown");
}
