// The hub wants to be shown again who one is: one dialog for all that wait for it.

import { whenStepUp } from "./api";

class StepUp {
  /** The dialog is wanted. */
  wanted = $state(false);
  #waiting: ((done: boolean) => void)[] = [];

  constructor() {
    whenStepUp(() => this.ask());
  }

  ask(): Promise<boolean> {
    this.wanted = true;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  end(done: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.wanted = false;
    for (const resolve of waiting) resolve(done);
  }
}

export const stepUp = new StepUp();
