// The live stream: connects, resumes after the last entry heard, says when the line is dead. Where the
// hub carries no further stream the page asks for its lists instead, and for a stream again each time.

import { PREFIX } from "./api";
import { byFrame } from "./frames";
import { EventParser, type ServerEvent } from "./sse";
import type { StreamData } from "./hub_types";

// The hub sends at least a comment every 15 s; docs/http.md says 40 s without a word is a dead line.
const SILENCE_MAX_MS = 40_000;
// A hub that is there begins to answer within a moment; one that only takes the call is asked anew.
const ANSWER_MAX_MS = 25_000;
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000] as const;
// After this long without the stream the lists are loaded again as well.
const LONG_LOSS_MS = 60_000;
// Without a stream of its own a page asks this often, and not all pages at the same moment.
export const ASK_EVERY_MS = 10_000;
const ASK_SPREAD_MS = 2_000;
// What the hub answers to one stream too many (docs/http.md).
const FULL = ["too_many_streams", "too_many_own_streams"] as const;
type Full = (typeof FULL)[number];
// What the page has not taken in yet; beyond this it stops reading, and the hub keeps what comes.
const PENDING_MAX = 500;

export type Topic =
  | "alarm"
  | "task"
  | "visit"
  | "device"
  | "gateway"
  | "handover"
  | "person"
  | "plan"
  | "rota"
  | "rule"
  | "stay";
type Listener = (data: StreamData<unknown>) => void;

class Live {
  /** "off" before the first connection and after signing out; "asking": the hub has no stream left. */
  state = $state<"off" | "connecting" | "open" | "asking" | "lost">("off");
  /** Why it asks. */
  full = $state<Full | null>(null);
  /** performance.now() of the loss, to show how long it has lasted. */
  lostAt = $state<number | null>(null);

  #listeners = new Map<Topic, Set<Listener>>();
  #reload = new Set<() => void>();
  #parser = new EventParser();
  #abort: AbortController | null = null;
  #generation = 0;
  #path = "stream";
  #wake: (() => void) | null = null;
  #again = false;
  #pending = byFrame<ServerEvent>((event) => this.#dispatch(event.type, event.data));

  on<T>(topic: Topic, listener: (data: StreamData<T>) => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners);
    listeners.add(listener as Listener);
    return () => listeners.delete(listener as Listener);
  }

  /** Called when what is shown may have gaps: load it again. */
  onReload(callback: () => void): () => void {
    this.#reload.add(callback);
    return () => this.#reload.delete(callback);
  }

  /** `path`: of the stream; a screen on a wall has one of its own. */
  start(path = "stream"): void {
    if (this.state !== "off") return;
    this.#path = path;
    this.state = "connecting";
    this.#parser = new EventParser();
    this.#generation += 1;
    this.#again = false;
    void this.#run(this.#generation);
  }

  stop(): void {
    this.#generation += 1;
    this.#abort?.abort();
    this.#wake?.();
    this.#pending.drop();
    this.state = "off";
    this.full = null;
    this.lostAt = null;
  }

  /** Try again now: the button in the banner, and a browser that says it is online again. */
  retryNow(): void {
    if (this.state === "off" || this.state === "open") return;
    // Whoever answers nothing is not waited for: that attempt ends, and the next is made at once.
    this.#again = true;
    this.#abort?.abort();
    this.#wake?.();
  }

  async #run(generation: number): Promise<void> {
    let failures = 0;
    while (generation === this.#generation) {
      const heard = await this.#listen(generation);
      if (generation !== this.#generation) return;
      if (typeof heard === "string") {
        failures = 0;
        this.#ask(heard);
        await this.#pause(ASK_EVERY_MS + Math.random() * ASK_SPREAD_MS);
        continue;
      }
      failures = heard ? 0 : failures + 1;
      if (this.state !== "lost") {
        this.state = "lost";
        this.lostAt = performance.now();
      }
      await this.#pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? RETRY_MS[0]);
    }
  }

  /** The lists as they are now, in place of what a stream would say. */
  #ask(full: Full): void {
    this.state = "asking";
    this.full = full;
    this.lostAt = null;
    // A stream that is got later begins with the lists.
    this.#parser = new EventParser();
    this.#reloadAll();
  }

  /** One connection, until it ends. True when it was a stream at all, a word when there is none left. */
  async #listen(generation: number): Promise<boolean | Full> {
    const abort = new AbortController();
    this.#abort = abort;
    let timer = setTimeout(() => abort.abort(), ANSWER_MAX_MS);
    const parser = new EventParser();
    parser.lastId = this.#parser.lastId;
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (parser.lastId !== "") headers["Last-Event-ID"] = parser.lastId;
      const response = await fetch(`${PREFIX}/${this.#path}`, {
        headers,
        signal: abort.signal,
        cache: "no-store",
      });
      // Stopped while it was being opened: whoever comes next has a stream of their own.
      if (generation !== this.#generation || response.body === null) return false;
      if (!response.ok) return await fullOf(response);
      this.#parser = parser;
      this.#opened();
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), SILENCE_MAX_MS);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      while (generation === this.#generation) {
        const { value, done } = await reader.read();
        // What was read in the turn of a signing out is the account's that has gone.
        if (done || generation !== this.#generation) return true;
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), SILENCE_MAX_MS);
        this.#pending.add(parser.feed(value));
        if (this.#pending.length > PENDING_MAX) {
          clearTimeout(timer);
          await this.#pending.emptied();
          timer = setTimeout(() => abort.abort(), SILENCE_MAX_MS);
        }
      }
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
  }

  #opened(): void {
    const long = this.lostAt !== null && performance.now() - this.lostAt > LONG_LOSS_MS;
    const first = this.state === "connecting";
    this.state = "open";
    this.full = null;
    this.lostAt = null;
    // Lists that load after the stream is open miss nothing in between.
    if (first || long || this.#parser.lastId === "") this.#reloadAll();
  }

  #dispatch(type: string, data: string): void {
    if (type === "reset") {
      this.#reloadAll();
      return;
    }
    const listeners = this.#listeners.get(type as Topic);
    if (listeners === undefined) return;
    let parsed: StreamData<unknown>;
    try {
      parsed = JSON.parse(data) as StreamData<unknown>;
    } catch {
      // One unreadable entry must not hide the next; the lists hold what it said.
      this.#reloadAll();
      return;
    }
    for (const listener of listeners) listener(parsed);
  }

  #reloadAll(): void {
    for (const callback of this.#reload) callback();
  }

  #pause(ms: number): Promise<void> {
    if (this.#again) {
      this.#again = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        this.#again = false;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function fullOf(response: Response): Promise<Full | false> {
  if (response.status !== 503) return false;
  const problem = (await response.json()) as { type?: unknown };
  return FULL.find((code) => code === problem.type) ?? false;
}

export const live = new Live();
