// Work that comes faster than the screen is painted: done in portions, one before each frame, so
// that a key pressed meanwhile is answered between two of them.

// Half a frame; the other half is the browser's, which lays out and paints what this changed.
const PORTION_MS = 8;
// A page that went out of sight meanwhile gets no frame, and must be heard all the same.
const NO_FRAME_MS = 100;

export interface Portions<T> {
  readonly length: number;
  add(items: readonly T[]): void;
  /** When nothing waits any more. */
  emptied(): Promise<void>;
  /** Forget what waits. */
  drop(): void;
}

/** What the browser gives, as an argument for the tests. */
export interface Screen {
  now(): number;
  /** Calls back before the next frame, or soon where there are none. */
  soon(callback: () => void): void;
}

const SCREEN: Screen = {
  now: () => performance.now(),
  soon(callback) {
    if (document.hidden) {
      // Browsers hold back the timers of a page that is not seen, by up to a minute; messages not.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        callback();
      };
      port2.postMessage(null);
      return;
    }
    let done = false;
    const once = (): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      callback();
    };
    const timer = setTimeout(once, NO_FRAME_MS);
    requestAnimationFrame(once);
  },
};

export function byFrame<T>(take: (item: T) => void, screen: Screen = SCREEN): Portions<T> {
  let waiting: T[] = [];
  let asked = false;
  let listeners: (() => void)[] = [];

  function ask(): void {
    if (asked) return;
    asked = true;
    screen.soon(portion);
  }

  function portion(): void {
    asked = false;
    const ends = screen.now() + PORTION_MS;
    let taken = 0;
    try {
      while (taken < waiting.length && (taken === 0 || screen.now() < ends)) {
        taken += 1;
        take(waiting[taken - 1] as T);
      }
    } finally {
      // One that can't be taken must not hide those behind it.
      waiting = waiting.slice(taken);
      if (waiting.length > 0) ask();
      else tell();
    }
  }

  function tell(): void {
    const told = listeners;
    listeners = [];
    for (const listener of told) listener();
  }

  return {
    get length() {
      return waiting.length;
    },
    add(items) {
      if (items.length === 0) return;
      waiting = [...waiting, ...items];
      ask();
    },
    emptied() {
      if (waiting.length === 0) return Promise.resolve();
      return new Promise((resolve) => listeners.push(resolve));
    },
    drop() {
      waiting = [];
      tell();
    },
  };
}
