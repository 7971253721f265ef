// The alarms of the board and the counters above it, kept true by the stream and by reloading.

import { ApiError, api, readAll } from "./api";
import { isCalledOut } from "./handing";
import { isQuiet } from "./holding";
import { known } from "./known.svelte";
import { live } from "./live.svelte";
import { isNews } from "./news";
import { byClosing, byNeed, isEquipment, joined, putNewer, rowsOf } from "./order";
import type { Alarm } from "./alarm_types";
import type { Gateway } from "./device_types";
import type { Me, Summary } from "./hub_types";

const PEOPLE = "urgent,watch";
const NONE_OPEN: ReadonlySet<string> = new Set();

const LIVE_STATES = "open,acknowledged,in_response";
// Newest first: a storm is read to its end, so that what waits longest is not missing. What is
// beyond, no screen can show; the summary still counts it.
const LIVE_LIMIT = 500;
const ANSWERS_MAX = 4;
const CLOSED_LIMIT = 20;
const SUMMARY_DELAY_MS = 400;
// Not all boards of a county ask at the same moment, nor several times a second while alarms pour in.
const SUMMARY_SPREAD_MS = 400;
const SUMMARY_APART_MS = 2_000;
// A screen that believes its stream asks all the same, now and then; one that may not hear names
// over the stream has nothing else.
const RELOAD_EVERY_MS = 60_000;
const RELOAD_UNHEARD_MS = 10_000;
const SUMMARY_EVERY_MS = 15_000;
// The bar says that the line is dead until the lists have come: not for a minute after it is not.
const FAILED_AGAIN_MS = 4_000;
const FAILED_SPREAD_MS = 2_000;

class Board {
  loaded = $state(false);
  failed = $state<string | null>(null);
  summary = $state.raw<Summary | null>(null);
  /** When any gateway was last heard, hub time as text. */
  lastHeartbeat = $state<string | null>(null);
  /** The alarm that came last, for those who hear the page instead of seeing it. */
  newest = $state.raw<Alarm | null>(null);
  /** How many were heard as new since the page was opened. */
  heard = $state(0);

  // A storm puts hundreds in between two frames: each costs a look-up, and the lists are made
  // once, when they are read.
  #known = new Map<string, Alarm>();
  #changes = $state(0);
  #change = 0;
  #fresh = 0;
  #countedAt = -SUMMARY_APART_MS;
  #alarms = $derived.by(() => {
    void this.#changes;
    return [...this.#known.values()];
  });
  /** Who goes to homes, and is called out over the whole screen; empty for everybody else. */
  #visitor = $state("");
  waiting = $derived(this.#alarms.filter((a) => a.state === "open").sort(byNeed));
  taken = $derived(
    this.#alarms.filter((a) => a.state === "acknowledged" || a.state === "in_response").sort(byNeed),
  );
  closed = $derived(
    this.#alarms
      .filter((a) => a.state === "closed" && !isMended(a))
      .sort(byClosing)
      .slice(0, CLOSED_LIMIT),
  );
  /** Lines of the queue; many devices of one kind are one thing to look at. */
  thingsWaiting = $derived(rowsOf(this.waiting, NONE_OPEN).length);
  urgentWaiting = $derived(this.waiting.filter(isUrgent).length);

  /** Whom nobody has taken, and those to whom this visitor was sent: until then it rings. */
  calledOut = $derived(
    this.#visitor === ""
      ? []
      : [...this.waiting, ...this.taken].filter((alarm) => isCalledOut(alarm, this.#visitor)),
  );
  ringing = $derived(
    new Set([...this.waiting.filter(isUrgent), ...this.calledOut].map((alarm) => alarm.id)).size,
  );

  #can = new Set<string>();
  /** Grows with every start and stop: what was asked for one account is never shown to the next. */
  #session = 0;
  #asked = 0;
  #shown = 0;
  #counted = 0;
  #stops: (() => void)[] = [];
  #summaryTimer: ReturnType<typeof setTimeout> | null = null;
  #againTimer: ReturnType<typeof setTimeout> | undefined;

  start(me: Me): void {
    this.stop();
    this.#can = new Set(me.can);
    this.#visitor = me.role === "visitor" ? me.username : "";
    const heard = this.#can.has("stream.read") && this.#can.has("person.read");
    const every = heard ? RELOAD_EVERY_MS : RELOAD_UNHEARD_MS;
    const reload = setInterval(() => void this.reload(), every);
    const count = setInterval(() => void this.#count(), SUMMARY_EVERY_MS);
    this.#stops = [
      live.on<Alarm>("alarm", ({ object }) => object !== null && this.put(object)),
      live.on<Gateway>("gateway", ({ object }) => {
        if (object !== null) this.#gatewayHeard(object);
        this.#countSoon();
      }),
      live.on("device", () => this.#countSoon()),
      live.on("task", () => this.#countSoon()),
      live.onReload(() => void this.reload()),
      () => clearInterval(reload),
      () => clearInterval(count),
    ];
    void this.reload();
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    clearTimeout(this.#againTimer);
    this.#session += 1;
    this.failed = null;
    this.#visitor = "";
    this.#replace(new Map());
    this.loaded = false;
    this.summary = null;
    this.lastHeartbeat = null;
    this.newest = null;
  }

  async reload(): Promise<void> {
    const before = [...this.#known.values()];
    const mine = this.#session;
    const round = ++this.#asked;
    try {
      if (this.#can.has("alarm.read")) {
        // Asked for apart: however many devices are broken, no person is missing from the answer.
        const answers = await Promise.all([
          allLive(PEOPLE),
          allLive("technical"),
          api.alarms({ state: "closed", severity: PEOPLE, limit: CLOSED_LIMIT }),
          api.alarms({ state: "closed", severity: "technical", limit: CLOSED_LIMIT }),
        ]);
        // An older one than what is shown, or another account's.
        if (mine !== this.#session || round < this.#shown) return;
        this.#shown = round;
        // Several answers may show one alarm in several states; the newer version counts.
        const loaded = new Map<string, Alarm>();
        for (const alarm of answers.flatMap((answer) => answer.items)) putNewer(loaded, alarm);
        const all = joined([...loaded.values()], [...this.#known.values()], before);
        const known = this.#known;
        this.#replace(new Map(all.map((alarm) => [alarm.id, alarm])));
        // What the lists tell first is heard as if the stream had said it: without a stream, when
        // there is one again, and when they are quicker than it.
        if (this.loaded) {
          for (const alarm of all.sort(byNeed).reverse()) this.#hear(alarm, known.get(alarm.id));
        }
      }
      await this.#count();
      if (this.#can.has("gateway.read")) {
        const { items } = await api.gateways();
        if (mine !== this.#session) return;
        for (const gateway of items) this.#gatewayHeard(gateway);
      }
      if (mine !== this.#session) return;
      this.failed = null;
      this.loaded = true;
    } catch (error) {
      // Another account's, or one that was asked for later says more.
      if (mine !== this.#session || round !== this.#asked) return;
      this.failed = error instanceof ApiError ? error.code : "unknown";
      this.#askAgain();
    }
  }

  /** Soon, and not while the stream is cut: a hub that comes back has enough to do. */
  #askAgain(): void {
    clearTimeout(this.#againTimer);
    this.#againTimer = setTimeout(
      () => {
        if (live.state === "lost") this.#askAgain();
        else void this.reload();
      },
      FAILED_AGAIN_MS + Math.random() * FAILED_SPREAD_MS,
    );
  }

  /** An alarm as it is now: from the stream, or the answer to an action. */
  put(alarm: Alarm): void {
    const before = this.find(alarm.id);
    // Older than what is shown: nothing of it is new.
    if (!putNewer(this.#known, alarm)) return;
    this.#changes = ++this.#change;
    this.#hear(alarm, before);
    this.#countSoon();
  }

  #hear(alarm: Alarm, before: Alarm | undefined): void {
    if (isNews(alarm, before)) {
      this.newest = alarm;
      this.heard = ++this.#fresh;
    }
  }

  find(id: string): Alarm | undefined {
    void this.#changes;
    return this.#known.get(id);
  }

  #replace(alarms: Map<string, Alarm>): void {
    this.#known = alarms;
    this.#changes = ++this.#change;
  }

  #gatewayHeard(gateway: Gateway): void {
    known.put(gateway);
    const at = gateway.status_at;
    if (!gateway.online || at === null) return;
    if (this.lastHeartbeat === null || at > this.lastHeartbeat) this.lastHeartbeat = at;
  }

  #countSoon(): void {
    const apart = this.#countedAt + SUMMARY_APART_MS - performance.now();
    const soon = SUMMARY_DELAY_MS + Math.random() * SUMMARY_SPREAD_MS;
    this.#summaryTimer ??= setTimeout(() => {
      this.#summaryTimer = null;
      this.#countedAt = performance.now();
      void this.#count();
    }, Math.max(apart, soon));
  }

  async #count(): Promise<void> {
    if (!this.#can.has("summary.read")) return;
    const round = ++this.#counted;
    const mine = this.#session;
    try {
      const summary = await api.summary();
      if (mine === this.#session && round === this.#counted) this.summary = summary;
    } catch {
      // The last numbers stay; the banner says that the line is down.
    }
  }
}

async function allLive(severity: string): Promise<{ items: Alarm[] }> {
  const asked = { state: LIVE_STATES, severity, limit: LIVE_LIMIT };
  return readAll((before) => api.alarms({ ...asked, before }), ANSWERS_MAX);
}

function isUrgent(alarm: Alarm): boolean {
  return alarm.severity === "urgent" && !isQuiet(alarm);
}

/** A device that came back by itself; nobody has to read that. */
function isMended(alarm: Alarm): boolean {
  return isEquipment(alarm) && alarm.closed_by === null;
}

export const board = new Board();
