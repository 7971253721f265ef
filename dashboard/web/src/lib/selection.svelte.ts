// Which alarm of the queue the keys act on. A press acts on what was seen.

import { SETTLE_MS } from "./rows";

// Who has pressed nothing for so long has no alarm in hand.
const LEFT_ALONE_MS = 30_000;

/** All times are `performance.now()`; ids of the queue come with the first first. */
export class Selection {
  id = $state<string | null>(null);
  #before: readonly string[] = [];
  #unasked = false;
  #turnedAt = -SETTLE_MS;
  #touchedAt = -LEFT_ALONE_MS;

  /** By whoever sits there. */
  choose(id: string | null): void {
    this.id = id;
    this.#unasked = false;
    this.#turnedAt = -SETTLE_MS;
  }

  /** By itself: a key that comes at once was meant for the one before. */
  turn(id: string | null, now: number): void {
    this.id = id;
    this.#unasked = true;
    this.#turnedAt = now;
  }

  hasJustTurned(now: number): boolean {
    return now - this.#turnedAt < SETTLE_MS;
  }

  /** Any key, any press: somebody is at it. */
  touched(now: number): void {
    this.#touchedAt = now;
  }

  /** The queue has changed. The first alarm of an empty one is selected by itself, and so is one that
   * calls (`calls`) and comes before all others, where nobody has chosen the selected one or touched
   * anything for a while: who wakes up to a call presses A and means it. When the selected one goes
   * because somebody else took it, nothing is: a key meant for one must not act on the next. Says
   * whether another one was selected. */
  follow(ids: readonly string[], calls: (id: string) => boolean, now: number): boolean {
    const first = cameFirst(this.#before, ids);
    const empty = this.#before.length === 0;
    this.#before = ids;
    if (first !== null && (empty || (this.#givesWay(now) && calls(first)))) {
      this.turn(first, now);
      return true;
    }
    if (this.id !== null && !ids.includes(this.id)) this.id = null;
    return false;
  }

  #givesWay(now: number): boolean {
    return (this.#unasked && this.id !== null) || now - this.#touchedAt >= LEFT_ALONE_MS;
  }
}

/** What has just come before all others; null where nothing has, or the one before was taken. */
function cameFirst(before: readonly string[], ids: readonly string[]): string | null {
  const [was] = before;
  const [first] = ids;
  if (first === undefined || first === was) return null;
  return was === undefined || ids.includes(was) ? first : null;
}
