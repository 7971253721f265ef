// Whether single letters do something. Who speaks to the computer, or hits keys by mistake, turns
// them off on this device (WCAG 2.1.4); arrows, Enter and Esc stay.

const KEPT_AS = "hearthwatch.letter_keys";

class LetterKeys {
  on = $state(read() !== "off");

  turn(on: boolean): void {
    this.on = on;
    try {
      localStorage.setItem(KEPT_AS, on ? "on" : "off");
    } catch {
      // A browser that keeps nothing asks again next time.
    }
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}

export const letterKeys = new LetterKeys();
