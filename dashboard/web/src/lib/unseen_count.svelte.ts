// How many were not seen today, beside the menu.

import { live } from "./live.svelte";
import { unseenApi } from "./unseen";

// The hub counts once a minute.
const EVERY_MS = 120_000;

class UnseenCount {
  value = $state<number | null>(null);

  /** Until the answer is called. */
  follow(): () => void {
    const look = (): void => {
      unseenApi.count().then(
        (counts) => (this.value = counts.unseen),
        () => (this.value = null),
      );
    };
    look();
    const timer = setInterval(look, EVERY_MS);
    const stop = live.onReload(look);
    return () => {
      clearInterval(timer);
      stop();
    };
  }
}

export const unseenCount = new UnseenCount();
