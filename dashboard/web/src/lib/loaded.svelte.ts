// Something a page shows: loaded, loaded again when told, with the error in words.

import { problemText } from "./toasts.svelte";

export class Loaded<T> {
  value = $state.raw<T | null>(null);
  error = $state<string | null>(null);
  #load: () => Promise<T>;
  #round = 0;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** Of two answers on their way the one asked for last is shown. */
  async reload(): Promise<void> {
    const round = ++this.#round;
    try {
      const value = await this.#load();
      if (round !== this.#round) return;
      this.value = value;
      this.error = null;
    } catch (error) {
      if (round === this.#round) this.error = problemText(error);
    }
  }
}
