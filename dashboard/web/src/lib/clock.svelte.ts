// The hub's time on this screen. Waiting times are counted in it, never in the browser's own time:
// an office PC's clock may be wrong by hours, and a demonstration runs faster than life.

import { api } from "./api";
import type { HubClock } from "./hub_types";
import { county } from "./county.svelte";

const TICK_MS = 1_000;
const TICK_FAST_MS = 250;
const MINUTE_MS = 60_000;

class HubTime {
  /** Milliseconds since the epoch, hub time; 0 until the hub answered. */
  now = $state(0);
  speed = $state(1);
  /** The minute that ends next, for what would be drawn anew at every tick. */
  readonly minute = $derived(Math.ceil(this.now / MINUTE_MS) * MINUTE_MS);

  #base = 0;
  #at = 0;
  #timer: ReturnType<typeof setInterval> | null = null;

  async sync(): Promise<void> {
    const asked = performance.now();
    const told = await api.clock();
    this.take(told, asked, performance.now());
  }

  /** What the hub answered between these two moments. */
  take({ now, speed, timezone }: HubClock, asked: number, answered: number): void {
    if (timezone !== undefined) county.zone = timezone;
    this.#base = Date.parse(now);
    this.#at = (asked + answered) / 2;
    if (speed !== this.speed || this.#timer === null) {
      this.speed = speed;
      this.#start();
    }
    this.#tick();
  }

  #start(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), this.speed === 1 ? TICK_MS : TICK_FAST_MS);
  }

  #tick(): void {
    this.now = this.#base + (performance.now() - this.#at) * this.speed;
  }
}

export const hubTime = new HubTime();

/** By how much this device's own clock is ahead of the hub's. 0 while the hub was not heard, and for
 * less than a minute: then both clocks say the same. */
export function aheadMs(): number {
  const ahead = hubTime.now === 0 ? 0 : Math.round(Date.now() - hubTime.now);
  return Math.abs(ahead) < MINUTE_MS ? 0 : ahead;
}
