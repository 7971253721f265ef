// Larger letters for who needs them, remembered on this device. Everything is measured in rem, so
// one size on the root is all there is to change.

const KEPT_AS = "hearthwatch.text";

class TextSize {
  large = $state(false);

  start(): void {
    this.#show(read() === "large");
  }

  turn(large: boolean): void {
    this.#show(large);
    try {
      localStorage.setItem(KEPT_AS, large ? "large" : "usual");
    } catch {
      // A browser that keeps nothing shows it until it is closed.
    }
  }

  #show(large: boolean): void {
    this.large = large;
    document.documentElement.classList.toggle("large-text", large);
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}

export const textSize = new TextSize();
