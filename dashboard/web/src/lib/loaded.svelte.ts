// Something a page shows: loaded, loaded again when told, with the error in words.

import { problemText } from "./toasts.svelte";

export class Loaded<T> {
  error = $state<string | null>(null);
  #value = $state.raw<T | null>(null);
  #load: () => Promise<T>;
  #shown: (value: T) => void;
  #round = 0;

  /** `shown` is told each answer that counts: what a page keeps beside it belongs there, and not
   * into `load`, whose answer may be out of date when it comes. */
  constructor(load: () => Promise<T>, shown: (value: T) => void = () => {}) {
    this.#load = load;
    this.#shown = shown;
  }

  get value(): T | null {
    return this.#value;
  }

  /** Of two answers on their way the one asked for last is shown. */
  async reload(): Promise<void> {
    const round = ++this.#round;
    try {
      const value = await this.#load();
      if (round === this.#round) this.#show(value);
    } catch (error) {
      if (round === this.#round) this.error = problemText(error);
    }
  }

  /** What an action answered: newer than every answer that is still on its way. */
  put(value: T): void {
    this.#round += 1;
    this.#show(value);
  }

  /** Nothing, until it is loaded again. */
  clear(): void {
    this.#round += 1;
    this.#value = null;
  }

  #show(value: T): void {
    this.#value = value;
    this.error = null;
    this.#shown(value);
  }
}
