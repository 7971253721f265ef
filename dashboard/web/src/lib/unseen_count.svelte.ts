// How many were not seen today, beside the menu.

import { live } from "./live.svelte";
import { unseenApi } from "./unseen";

// The hub counts once a minute.
const EVERY_MS = 120_000;

class UnseenCount {
  value = $state<number | null>(null);
  #round = 0;

  /** Counted elsewhere: newer than an answer that is on its way. */
  put(count: number | null): void {
    this.#round += 1;
    this.value = count;
  }

  /** Until the answer is called. */
  follow(): () => void {
    const look = (): void => {
      const round = ++this.#round;
      unseenApi.count().then(
        (counts) => round === this.#round && (this.value = counts.unseen),
        () => round === this.#round && (this.value = null),
      );
    };
    look();
    const timer = setInterval(look, EVERY_MS);
    const stop = live.onReload(look);
    return () => {
      this.put(null);
      clearInterval(timer);
      stop();
    };
  }
}

export const unseenCount = new UnseenCount();
