// Where the lines of a list stood a moment ago, on the screen and on the page: something above them
// that grew, or a line that left, may have put another one under a press that was on its way. Pure.

const KEPT_MAX = 16;

export interface Stood {
  /** By line: its distance from the top of the window, in CSS pixels. */
  tops: ReadonlyMap<string, number>;
  /** How far the page is scrolled. */
  scrolled: number;
}

export class Standing {
  #seen: (Stood & { at: number })[] = [];

  /** `settle_ms`: how long ago a press may have been meant; `slack`: moves that matter, in pixels. */
  constructor(
    readonly settleMs: number,
    readonly slack: number,
  ) {}

  note(stood: Stood, at: number): void {
    this.#seen = [...this.#seen.filter((one) => at - one.at <= this.settleMs), { ...stood, at }].slice(-KEPT_MAX);
  }

  /** Is this line elsewhere than it was? Who scrolls moves it on the screen alone, and a browser
   * that makes up for what grew above moves it on the page alone: neither surprises anybody. */
  moved(line: string, now: Stood, at: number): boolean {
    const top = now.tops.get(line);
    if (top === undefined) return false;
    // The newest counts however old: a page that was too busy to look showed nothing else since.
    const newest = this.#seen.at(-1);
    return this.#seen.some((one) => {
      const was = one.tops.get(line);
      if (was === undefined || (one !== newest && at - one.at > this.settleMs)) return false;
      const onScreen = Math.abs(top - was);
      const onPage = Math.abs(top + now.scrolled - was - one.scrolled);
      return onScreen > this.slack && onPage > this.slack;
    });
  }
}
