// A list shown page by page: the first is loaded again when told, older ones are put behind it.

import { attempt, problemText } from "./toasts.svelte";

/** As the hub answers; `next` is where the following page begins. */
interface Answer<T> {
  items: T[];
  next?: string | number | null;
}

export class Paged<T> {
  /** Null until the first answer. */
  items = $state.raw<T[] | null>(null);
  next = $state<string | null>(null);
  error = $state<string | null>(null);
  busy = $state(false);
  #ask: (before: string | undefined) => Promise<Answer<T>>;
  #round = 0;

  constructor(ask: (before: string | undefined) => Promise<Answer<T>>) {
    this.#ask = ask;
  }

  /** Of two answers on their way the one asked for last is shown. */
  async reload(): Promise<void> {
    const round = ++this.#round;
    this.busy = true;
    try {
      const page = await this.#ask(undefined);
      if (round !== this.#round) return;
      this.items = page.items;
      this.#goesOn(page);
      this.error = null;
    } catch (problem) {
      if (round === this.#round) this.error = problemText(problem);
    } finally {
      if (round === this.#round) this.busy = false;
    }
  }

  more = async (): Promise<void> => {
    const [round, before] = [this.#round, this.next];
    if (this.busy || before === null) return;
    this.busy = true;
    const page = await attempt(() => this.#ask(before));
    // Loaded anew meanwhile: that list has its own next page, and clears `busy` itself.
    if (round !== this.#round) return;
    this.busy = false;
    if (page === null) return;
    this.items = [...(this.items ?? []), ...page.items];
    this.#goesOn(page);
  };

  #goesOn(page: Answer<T>): void {
    this.next = page.next === null || page.next === undefined ? null : String(page.next);
  }
}
