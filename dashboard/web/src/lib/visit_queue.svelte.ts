// What was written on this telephone and is on its way to the hub. Sent in order, once, however often
// the network breaks: the key was made when the draft began, and the hub knows it.

import { ApiError, isLimited, randomKey } from "./api";
import { hubTime } from "./clock.svelte";
import { type Draft, drafts, type VisitPerson } from "./drafts";
import { isSigned } from "./strokes";
import { cleaned, FORM } from "./visit_form";
import { visits } from "./visits";

const AGAIN_MS = 30_000;
const PHONE = "hearthwatch.phone";
const OFFSET_MAX_MS = 5 * 365 * 86_400_000;
const LOCK = "hearthwatch.visits";
// The hub has it already.
const DONE = new Set(["signed_already"]);
// It may go better later: no answer, an overloaded hub, the same request still at work.
const LATER = new Set([0, 401, 408, 425, 429, 500, 502, 503, 504]);

function isLater(error: ApiError): boolean {
  return LATER.has(error.status) || isLimited(error);
}

class VisitQueue {
  drafts = $state.raw<Draft[]>([]);
  people = $state.raw<VisitPerson[]>([]);
  /** This browser keeps nothing (private window, full disk): the form says so. */
  unable = $state(false);
  sending = $state(false);
  /** What arrived since the page was opened. */
  sent = $state(0);
  /** Photos and signatures that the hub did not take. */
  badFiles = $state(0);
  /** Whose drafts and people these are; empty before `start`. */
  #user = $state("");
  /** How often `keep` told the drafts: a read of the disk begun before it is older. */
  #kept = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  /** Asked to send while it was at work. */
  #again = false;

  /** Nobody's people can be asked for before it. */
  get started(): boolean {
    return this.#user !== "";
  }

  readonly waiting = $derived(this.drafts.filter((one) => one.state === "queued"));
  readonly halfFilled = $derived(this.drafts.filter((one) => one.state === "draft"));
  readonly refused = $derived(this.drafts.filter((one) => one.state === "refused"));

  async start(user: string): Promise<void> {
    this.#user = user;
    window.addEventListener("online", this.#soon);
    this.#timer ??= setInterval(this.#soon, AGAIN_MS);
    await this.reload();
    await this.run();
  }

  stop(): void {
    window.removeEventListener("online", this.#soon);
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.drafts = [];
    this.people = [];
    this.#user = "";
  }

  /** From the disk. What came from the hub or was typed while the disk was read is newer. */
  async reload(): Promise<void> {
    const user = this.#user;
    try {
      const kept = this.#kept;
      const [mine, people] = [await drafts.of(user), await drafts.people(user)];
      if (user !== this.#user) return;
      if (kept !== this.#kept) return await this.reload();
      this.drafts = mine;
      if (this.people.length === 0) this.people = people;
      this.unable = false;
    } catch {
      this.unable = true;
    }
  }

  /** Whom one visits, from the hub; what was kept stays where it can't be reached. */
  async refreshPeople(): Promise<void> {
    const user = this.#user;
    const { items } = await visits.people();
    if (user !== this.#user) return;
    this.people = items;
    await drafts.keepPeople(user, items).catch(() => undefined);
  }

  async begin(
    person: VisitPerson,
    task: string | null,
    alarm: string | null,
    alarm_kind: string | null = null,
  ): Promise<string> {
    const draft: Draft = {
      key: randomKey(),
      user: this.#user,
      person,
      task,
      alarm,
      alarm_kind,
      way: "home_visit",
      visited_ms: Date.now(),
      record: {},
      signatures: {},
      state: "draft",
      changed_ms: Date.now(),
      body: null,
      visit: null,
      refused: null,
    };
    await this.keep(draft);
    return draft.key;
  }

  /** At every change. */
  async keep(draft: Draft): Promise<void> {
    if (draft.user === this.#user) {
      this.#kept += 1;
      const others = this.drafts.filter((one) => one.key !== draft.key);
      this.drafts = [...others, draft].sort((a, b) => a.visited_ms - b.visited_ms);
    }
    try {
      await drafts.put(draft);
      this.unable = false;
    } catch {
      this.unable = true;
    }
  }

  async throwAway(key: string): Promise<void> {
    await drafts.drop(key);
    await this.reload();
  }

  async submit(draft: Draft): Promise<void> {
    await this.keep({ ...draft, state: "queued", refused: null });
    await this.run();
  }

  /** To be changed once more, unless the hub may have it already. */
  async takeBack(key: string): Promise<Draft | null> {
    const taken = await this.#alone(async () => {
      const known = await drafts.find(key);
      if (known === undefined || known.body !== null) return null;
      const draft: Draft = { ...known, state: "draft" };
      await this.keep(draft);
      return draft;
    });
    if (this.#again) void this.run();
    return taken;
  }

  #soon = (): void => void this.run();

  /** What is asked for while it sends, or takes back, is done next. */
  async run(): Promise<void> {
    do {
      this.#again = this.sending;
      if (this.#user === "" || this.sending) return;
      await this.#alone(() => this.#sendAll());
    } while (this.#again);
  }

  /** One page of the browser touches what waits at a time. */
  async #alone<T>(act: () => Promise<T>): Promise<T | null> {
    if (this.sending) return null;
    this.sending = true;
    try {
      if (!("locks" in navigator)) return await act();
      return await navigator.locks.request(LOCK, { ifAvailable: true }, (lock) =>
        lock === null ? null : act(),
      );
    } finally {
      this.sending = false;
    }
  }

  async #sendAll(): Promise<void> {
    await this.reload();
    for (const draft of this.waiting) {
      try {
        this.#stillHere(draft);
        await this.#send(draft);
        this.sent += 1;
      } catch (error) {
        if (!(error instanceof ApiError) || isLater(error) || error.code === "in_progress") break;
        const refused = { code: error.code, field: error.field, errors: error.errors };
        await this.keep({ ...draft, state: "refused", body: null, refused });
      }
    }
    await this.reload();
  }

  async #send(draft: Draft): Promise<void> {
    let visit = draft.visit;
    if (visit === null) {
      const body = draft.body ?? (await this.#frozen(draft));
      this.#stillHere(draft);
      visit = (await visits.report(body, draft.key)).id;
      draft = { ...draft, body, visit };
      await this.keep(draft);
    }
    for (const kind of ["signature_visitor", "signature_person"] as const) {
      const drawn = draft.signatures[kind];
      this.#stillHere(draft);
      if (isSigned(drawn)) await this.#attach(visit, kind, new Blob([JSON.stringify(drawn)]));
    }
    for (const file of await drafts.files(draft.key)) {
      this.#stillHere(draft);
      await this.#attach(visit, "photo", file.blob);
      await drafts.dropFile(file.id);
    }
    await drafts.drop(draft.key);
  }

  /** Somebody else has signed in on this telephone: in their name nothing of this is sent. It waits
   * for who wrote it. */
  #stillHere(draft: Draft): void {
    if (draft.user !== this.#user) throw new Error("another account");
  }

  /** What the hub can't take must not hold back the visit, which it has; the list says so. */
  async #attach(visit: string, kind: string, file: Blob): Promise<void> {
    try {
      await visits.attach(visit, kind, file);
    } catch (error) {
      if (!(error instanceof ApiError) || isLater(error)) throw error;
      if (!DONE.has(error.code)) this.badFiles += 1;
    }
  }

  async #frozen(draft: Draft): Promise<Record<string, unknown>> {
    await hubTime.sync();
    const offset = Math.round(Date.now() - hubTime.now);
    // A clock that was never set says how long ago it was, not when.
    const usable = Math.abs(offset) <= OFFSET_MAX_MS;
    const at = usable ? draft.visited_ms : Math.min(draft.visited_ms - offset, hubTime.now);
    const body = {
      home: draft.person.home,
      service_user: draft.person.id,
      way: draft.way,
      visited_at: new Date(at).toISOString(),
      record: cleaned(draft.record),
      form: FORM,
      task: draft.task,
      alarm: draft.alarm,
      completes_task: draft.task !== null,
      phone: phoneId(),
      clock_offset_ms: usable ? offset : null,
    };
    await this.keep({ ...draft, body });
    return body;
  }
}

/** This browser's own name: which of several telephones a report came from. */
function phoneId(): string {
  try {
    const known = localStorage.getItem(PHONE) ?? randomKey();
    localStorage.setItem(PHONE, known);
    return known;
  } catch {
    return "unknown";
  }
}

export const queue = new VisitQueue();
