// A screen on a wall: shows a code until somebody lets it in, then the board without persons
// (docs/http.md). It has no account; what it is told names nobody.

import { ApiError, request } from "./api";
import type { Alarm } from "./alarm_types";
import { hubTime } from "./clock.svelte";
import type { HubClock, Summary } from "./hub_types";
import { isQuiet } from "./holding";
import { live } from "./live.svelte";
import { isNews } from "./news";
import { byNeed, joined, putNewer } from "./order";

/** An alarm as a wall has it. */
export type WallAlarm = Pick<
  Alarm,
  | "id"
  | "number"
  | "state"
  | "severity"
  | "kind"
  | "reason"
  | "event_count"
  | "version"
  | "raised_at"
  | "worsened_at"
  | "cleared_at"
  | "ask_until"
  | "answer"
  | "held_until"
  | "released_at"
> & { place?: string[] } & Partial<Pick<Alarm, "home" | "region_path">>;

/** What the wall shows, from whichever board. */
export interface WallBoard {
  readonly loaded: boolean;
  readonly waiting: WallAlarm[];
  readonly taken: WallAlarm[];
  readonly urgentWaiting: number;
  readonly summary: Pick<Summary, "alarms" | "gateways"> | null;
}

interface BoardAnswer {
  screen: { name: string; region_path: string[]; ends_at: string | null };
  clock: HubClock;
  summary: Pick<Summary, "alarms" | "gateways">;
  alarms: WallAlarm[];
}

type State = { state: "asked" | "granted" | "shown"; code?: string };

// Whoever lets it in stands there and waits.
const ASK_EVERY_MS = 2_500;
// A hub that is away, or has no code to give now.
const AGAIN_MS = 10_000;
const RELOAD_EVERY_MS = 30_000;
const SUMMARY_SOON_MS = 2_000;
const UNAUTHORIZED = 401;

class WallScreen implements WallBoard {
  /** "asking": it shows a code; "away": the hub does not answer and it never showed anything. */
  state = $state<"starting" | "asking" | "shown" | "away">("starting");
  code = $state("");
  about = $state.raw<BoardAnswer["screen"] | null>(null);
  loaded = $state(false);
  failed = $state<string | null>(null);
  summary = $state.raw<BoardAnswer["summary"] | null>(null);
  newest = $state.raw<WallAlarm | null>(null);
  heard = $state(0);
  readonly lastHeartbeat: string | null = null;

  #known = $state.raw<Map<string, WallAlarm>>(new Map());
  #alarms = $derived([...this.#known.values()].sort(byNeed));
  waiting = $derived(this.#alarms.filter((alarm) => alarm.state === "open"));
  taken = $derived(this.#alarms.filter((a) => a.state === "acknowledged" || a.state === "in_response"));
  urgentWaiting = $derived(this.waiting.filter((alarm) => alarm.severity === "urgent" && !isQuiet(alarm)).length);
  ringing = $derived(this.urgentWaiting);

  #timer: ReturnType<typeof setTimeout> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #stops: (() => void)[] = [];
  #running = false;
  /** It has no secret that opens anything, and is after a code. */
  #asks = false;

  start(): () => void {
    this.#running = true;
    this.#asks = false;
    void this.#begin();
    return () => {
      this.#running = false;
      this.#hide();
    };
  }

  /** Ends where its secret opens nothing any more: then it shows a code again. */
  async reload(): Promise<void> {
    const before = [...this.#known.values()];
    const asked = performance.now();
    try {
      const told = await request<BoardAnswer>("GET", "screen/board");
      if (!this.#running) return;
      hubTime.take(told.clock, asked, performance.now());
      this.about = told.screen;
      this.summary = told.summary;
      const all = joined(told.alarms, [...this.#known.values()], before);
      const known = this.#known;
      this.#known = new Map(all.map((alarm) => [alarm.id, alarm]));
      if (this.loaded) for (const alarm of all) this.#hear(alarm, known.get(alarm.id));
      this.failed = null;
      this.loaded = true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failed = error.code;
      if (error.status === UNAUTHORIZED && this.#running && !this.#asks) {
        this.#hide();
        void this.#ask();
      }
    }
  }

  async #begin(): Promise<void> {
    await this.reload();
    if (this.loaded) this.#show();
    else if (this.failed !== null && !this.#asks && this.#running) this.#away(() => void this.#begin());
  }

  /** A code to be typed by somebody elsewhere. */
  async #ask(): Promise<void> {
    this.#asks = true;
    try {
      const told = await request<{ code: string }>("POST", "screen/code");
      if (!this.#running) return;
      this.code = told.code;
      this.state = "asking";
      this.#later(ASK_EVERY_MS, () => void this.#wait());
    } catch {
      if (this.#running) this.#away(() => void this.#ask());
    }
  }

  async #wait(): Promise<void> {
    try {
      const told = await request<State>("GET", "screen");
      if (told.state === "granted") await request<State>("POST", "screen/enter");
      if (told.state !== "asked" && this.#running) {
        await this.reload();
        if (this.loaded) return this.#show();
      }
    } catch (error) {
      // The code is too old; another one. Without a hub the one that stands there may still do.
      if (error instanceof ApiError && error.status === UNAUTHORIZED && this.#running) return void this.#ask();
    }
    if (this.#running) this.#later(ASK_EVERY_MS, () => void this.#wait());
  }

  #show(): void {
    this.state = "shown";
    this.#asks = false;
    this.code = "";
    live.start("screen/stream");
    const every = setInterval(() => void this.reload(), RELOAD_EVERY_MS);
    this.#stops = [
      live.on<WallAlarm>("alarm", ({ object }) => object !== null && this.#put(object)),
      live.onReload(() => void this.reload()),
      () => clearInterval(every),
    ];
  }

  #hide(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#soon);
    this.#soon = undefined;
    for (const stop of this.#stops) stop();
    this.#stops = [];
    live.stop();
    this.#known = new Map();
    this.loaded = false;
    this.summary = this.about = this.newest = null;
  }

  #put(alarm: WallAlarm): void {
    const known = new Map(this.#known);
    const before = known.get(alarm.id);
    if (!putNewer(known, alarm)) return;
    this.#known = known;
    this.#hear(alarm, before);
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.reload();
    }, SUMMARY_SOON_MS);
  }

  #hear(alarm: WallAlarm, before: WallAlarm | undefined): void {
    if (!isNews(alarm, before)) return;
    this.newest = alarm;
    this.heard += 1;
  }

  #away(next: () => void): void {
    this.state = "away";
    this.#later(AGAIN_MS, next);
  }

  #later(ms: number, next: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(next, ms);
  }
}

export const wallScreen = new WallScreen();
