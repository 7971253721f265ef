// Who is signed in, and what starts and ends with that.

import { ApiError, api, sessionBegan, whenLimited, whenSignedOut } from "./api";
import { board } from "./board.svelte";
import { hubTime } from "./clock.svelte";
import { drafts } from "./drafts";
import type { DoorNews, Failed, Me } from "./hub_types";
import { live } from "./live.svelte";
import { keepShell } from "./shell";
import { queue } from "./visit_queue.svelte";

const CLOCK_EVERY_MS = 15_000;
const RETRY_MS = 3_000;
const REMEMBERED = "hearthwatch.me";
// Signed out where the hub could not be told: its session is ended before anything else.
const LEAVING = "hearthwatch.leaving";

class Session {
  /** "unknown" until the hub has answered for the first time. */
  state = $state<"unknown" | "out" | "in">("unknown");
  me = $state.raw<Me | null>(null);
  /** The hub does not answer at all. */
  unreachable = $state(false);
  /** As whom this telephone goes on where there is no network: visits can be written there. */
  offline = $state(false);
  /** The session ended by itself; the login page says so. */
  ended = $state(false);
  /** What was tried in vain in one's name before one came in. */
  failed = $state.raw<Failed | null>(null);
  /** Somebody came in as oneself from a browser that was new. */
  elsewhere = $state.raw<Failed | null>(null);
  #timer: ReturnType<typeof setInterval> | null = null;
  /** Grows when somebody comes or goes: an answer asked for before is not about who is here now. */
  #turn = 0;

  constructor() {
    whenSignedOut(() => {
      if (this.state === "in") this.ended = true;
      this.#leave();
    });
    // A second step was set up elsewhere meanwhile: the page that asks for it, and no dead board.
    whenLimited(() => {
      if (this.state === "in" && !this.limited) this.#halt().catch(() => undefined);
    });
  }

  can(permission: string): boolean {
    return this.me?.can.includes(permission) ?? false;
  }

  /** Is the cookie of last time still good? */
  async resume(): Promise<void> {
    const turn = this.#turn;
    try {
      if (isLeaving()) {
        await api.logout();
        markLeaving(false);
      }
      const me = await api.me();
      if (turn === this.#turn) this.#enter(me);
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0;
      if (status === 401) markLeaving(false);
      if (turn !== this.#turn) return;
      if (status === 401) {
        this.#leave();
      } else {
        this.unreachable = true;
        this.#goOnAlone();
        setTimeout(() => {
          if (turn === this.#turn) void this.resume();
        }, RETRY_MS);
      }
    }
  }

  async login(username: string, password: string, code?: string): Promise<void> {
    await this.cameIn(await api.login(username, password, code));
  }

  /** The hub has opened a session, however, and tells what happened at the door meanwhile. */
  async cameIn(news: DoorNews): Promise<void> {
    markLeaving(false);
    this.failed = some(news.failed);
    this.elsewhere = some(news.elsewhere);
    this.#enter(await api.me());
  }

  /** The session goes on under another token: what the old one is refused is not about it. */
  renewed(): void {
    sessionBegan();
  }

  /** What it may do now. */
  async goesOn(): Promise<void> {
    sessionBegan();
    const limited = this.limited;
    const me = await api.me();
    if (limited) this.#enter(me);
    else this.me = me;
  }

  async #halt(): Promise<void> {
    await this.goesOn();
    if (!this.limited) return;
    live.stop();
    board.stop();
  }

  /** It has to show or to set something up first. */
  get limited(): boolean {
    return (this.me?.limit ?? "") !== "";
  }

  async logout(): Promise<void> {
    try {
      await api.logout();
    } catch (error) {
      // Leaving the desk must work without the hub too; the session ends there when it is reached.
      if (!(error instanceof ApiError) || error.status !== 401) markLeaving(true);
    }
    this.ended = false;
    this.#leave();
    await drafts.forgetPeople().catch(() => undefined);
  }

  /** The hub doesn't answer: who was signed in here writes on; what is sent waits. */
  #goOnAlone(): void {
    const me = remembered();
    if (this.state !== "unknown" || me === null || !me.can.includes("visit.write")) return;
    this.me = me;
    this.offline = true;
    this.state = "in";
    void queue.start(me.username);
  }

  #enter(me: Me): void {
    this.#turn += 1;
    sessionBegan();
    this.me = me;
    this.offline = false;
    remember(me);
    if (this.can("visit.write")) void queue.start(me.username);
    if (me.role === "visitor") void keepShell();
    this.unreachable = false;
    this.ended = false;
    this.state = "in";
    const sync = (): void => {
      hubTime.sync().catch(() => {
        // The banner tells; the clock runs on from what it knows.
      });
    };
    sync();
    this.#timer ??= setInterval(sync, CLOCK_EVERY_MS);
    if (this.limited) return;
    board.start(me);
    if (this.can("stream.read")) live.start();
  }

  #leave(): void {
    this.#turn += 1;
    live.stop();
    board.stop();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.me = null;
    this.failed = this.elsewhere = null;
    this.offline = false;
    remember(null);
    queue.stop();
    this.unreachable = false;
    this.state = "out";
  }
}

function some(told: Failed | undefined): Failed | null {
  return told !== undefined && told.count > 0 ? told : null;
}

function remember(me: Me | null): void {
  try {
    if (me === null) localStorage.removeItem(REMEMBERED);
    else localStorage.setItem(REMEMBERED, JSON.stringify(me));
  } catch {
    // A browser that keeps nothing needs the hub to start.
  }
}

function markLeaving(leaving: boolean): void {
  try {
    if (leaving) localStorage.setItem(LEAVING, "yes");
    else localStorage.removeItem(LEAVING);
  } catch {
    // A browser that keeps nothing has the session end by its age.
  }
}

function isLeaving(): boolean {
  try {
    return localStorage.getItem(LEAVING) !== null;
  } catch {
    return false;
  }
}

function remembered(): Me | null {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED) ?? "null") as Me | null;
  } catch {
    return null;
  }
}

export const session = new Session();
