// What a screen reader is told of new alarms: each by itself, and of many in a short time how many
// there were, since a sentence that is cut off by the next says nothing.

// A sentence of this kind takes about as long to read out.
const SENTENCE_MS = 4_000;

class Spoken {
  text = $state("");
  /** Counts what was said: the same words again are said again. */
  turn = $state(0);
  #told = 0;
  #until = 0;
  #later: ReturnType<typeof setTimeout> | null = null;

  /** `heard` alarms came so far, and `sentence` is about so many as were not told yet. */
  say(heard: number, sentence: (count: number) => string): void {
    if (this.#later !== null) clearTimeout(this.#later);
    this.#later = null;
    if (heard <= this.#told) return;
    const wait = this.#until - performance.now();
    if (wait > 0) {
      this.#later = setTimeout(() => this.say(heard, sentence), wait);
      return;
    }
    this.#until = performance.now() + SENTENCE_MS;
    this.text = sentence(heard - this.#told);
    this.#told = heard;
    this.turn += 1;
  }

  /** Whoever signs in next, or comes back from the wall, is told nothing of what `heard` counts. */
  forget(heard: number): void {
    if (this.#later !== null) clearTimeout(this.#later);
    this.#later = null;
    this.#told = heard;
    this.text = "";
  }
}

export const spoken = new Spoken();
