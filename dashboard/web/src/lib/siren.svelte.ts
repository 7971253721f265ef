// The sound of an urgent alarm that nobody has taken: two tones, again and again, made by the
// browser itself. Browsers allow it only after a key or a click; until then the page says so.

const STORED_AS = "hearthwatch.sound";
const REPEAT_MS = 4_000;
// [frequency in Hz, start in s, length in s]: three rising pairs, heard through a closed door.
const TONES = [
  [740, 0, 0.16],
  [988, 0.18, 0.22],
  [740, 0.5, 0.16],
  [988, 0.68, 0.22],
  [740, 1.0, 0.16],
  [988, 1.18, 0.3],
] as const;
const LOST_TONES = [
  [392, 0, 0.25],
  [294, 0.3, 0.4],
] as const;
const VOLUME = 0.5;
// The six tones and a breath: a second sound on top of them is noise, not news.
const SOUND_EVERY_MS = 2_000;

class Siren {
  /** What the person wants. */
  wanted = $state(read() !== "off");
  /** What the browser allows. */
  allowed = $state(false);
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setInterval> | null = null;
  #soundedAt = -SOUND_EVERY_MS;

  get on(): boolean {
    return this.wanted && this.allowed;
  }

  /** Any key or click is what the browser waits for. */
  listenForGesture(): () => void {
    const unlock = (): void => void this.unlock();
    window.addEventListener("pointerdown", unlock);
    window.addEventListener("keydown", unlock);
    return () => {
      window.removeEventListener("pointerdown", unlock);
      window.removeEventListener("keydown", unlock);
    };
  }

  async unlock(): Promise<void> {
    if (this.allowed || !this.wanted) return;
    try {
      if (this.#context === null) {
        this.#context = new AudioContext();
        this.#context.addEventListener("statechange", () => {
          this.allowed = this.#context?.state === "running";
        });
      }
      await this.#context.resume();
      this.allowed = this.#context.state === "running";
    } catch {
      this.allowed = false;
    }
  }

  async turn(on: boolean): Promise<void> {
    this.wanted = on;
    try {
      localStorage.setItem(STORED_AS, on ? "on" : "off");
    } catch {
      // Asked again next time.
    }
    if (on) {
      await this.unlock();
      this.#play([TONES[0], TONES[1]]);
    }
  }

  /** Sound while `urgent`; called on every change. */
  update(urgent: boolean): void {
    if (urgent && this.on) {
      if (this.#timer !== null) return;
      this.#sound();
      this.#timer = setInterval(() => this.#sound(), REPEAT_MS);
    } else if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  /** Once, for something new: the first sound of an alarm, or a press that came again. Of a
   *  hundred that come together one is heard. */
  chime(): void {
    if (this.on && this.#timer === null) this.#sound();
  }

  /** Unless one has just been heard: a busy page's timers may come late, and then close together. */
  #sound(): void {
    const now = performance.now();
    if (now - this.#soundedAt < SOUND_EVERY_MS) return;
    this.#soundedAt = now;
    this.#play(TONES);
  }

  /** The line to the hub is dead. */
  lost(): void {
    if (this.on) this.#play(LOST_TONES);
  }

  #play(tones: readonly (readonly [number, number, number])[]): void {
    const context = this.#context;
    if (context === null || context.state !== "running") return;
    for (const [hertz, start, length] of tones) {
      const from = context.currentTime + start;
      const oscillator = context.createOscillator();
      const gain = context.createGain();
      oscillator.frequency.value = hertz;
      oscillator.type = "triangle";
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(VOLUME, from + 0.02);
      gain.gain.setValueAtTime(VOLUME, from + length - 0.03);
      gain.gain.linearRampToValueAtTime(0, from + length);
      oscillator.connect(gain).connect(context.destination);
      oscillator.start(from);
      oscillator.stop(from + length);
    }
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

export const siren = new Siren();
