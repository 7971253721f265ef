import { get } from "./api";
import type { Alarm, Gateway, Summary, Task } from "./types";

// Silence longer than this means that the line is dead (the hub speaks every 15 s).
const SILENCE_MS = 40_000;
const CLOSED_SHOWN = 20;

interface Live {
  alarms: Map<string, Alarm>; tasks: Map<string, Task>; gateways: Map<string, Gateway>;
  summary: Summary | null; connected: boolean; loaded: boolean; heardMs: number; changes: number;
}
export const live = $state<Live>({
  alarms: new Map(), tasks: new Map(), gateways: new Map(), summary: null,
  connected: false, loaded: false, heardMs: Date.now(), changes: 0,
});
let source: EventSource | null = null;
let watch: ReturnType<typeof setInterval> | null = null;
let summaryTimer: ReturnType<typeof setTimeout> | null = null;

async function load(): Promise<void> {
  const [open, closed, tasks, gateways, summary] = await Promise.all([
    get<{ items: Alarm[] }>("alarms?state=open,acknowledged,in_response&limit=500"),
    get<{ items: Alarm[] }>(`alarms?state=closed&limit=${CLOSED_SHOWN}`),
    get<{ items: Task[] }>("tasks?limit=200"),
    get<{ items: Gateway[] }>("gateways"),
    get<Summary>("summary"),
  ]);
  live.alarms = new Map([...open.items, ...closed.items].map((a) => [a.id, a]));
  live.tasks = new Map(tasks.items.map((x) => [x.id, x]));
  live.gateways = new Map(gateways.items.map((g) => [g.id, g]));
  live.summary = summary;
  live.loaded = true;
}

function newer<T extends { id: string; version: number }>(map: Map<string, T>, item: T): Map<string, T> {
  const known = map.get(item.id);
  return known && known.version > item.version ? map : new Map(map).set(item.id, item);
}

function heard(): void {
  live.connected = true;
  live.heardMs = Date.now();
}

function take(event: MessageEvent<string>): void {
  heard();
  const { object, entry } = JSON.parse(event.data) as { object: never; entry: { topic: string } };
  if (entry.topic === "alarm") live.alarms = newer(live.alarms, object as Alarm);
  else if (entry.topic === "task") live.tasks = newer(live.tasks, object as Task);
  else if (entry.topic === "gateway") live.gateways = new Map(live.gateways).set((object as Gateway).id, object);
  live.changes += 1;
  summaryTimer ??= setTimeout(() => {
    summaryTimer = null;
    void get<Summary>("summary").then((s) => (live.summary = s)).catch(() => undefined);
  }, 500);
}

function open(): void {
  source?.close();
  source = new EventSource("/api/v1/stream");
  source.onopen = heard;
  source.onerror = () => (live.connected = false);
  for (const topic of ["alarm", "task", "visit", "device", "gateway"]) source.addEventListener(topic, take);
  source.addEventListener("reset", () => void load().catch(() => undefined));
}

/** Subscribe first, then load: nothing committed in between is missed. */
export async function startLive(): Promise<void> {
  open();
  await load();
  watch ??= setInterval(() => {
    if (!live.connected || Date.now() - live.heardMs > SILENCE_MS) {
      // A stream without a word may be healthy; a small question tells.
      get<Summary>("summary")
        .then(async (s) => {
          live.summary = s;
          if (!live.connected || source?.readyState !== EventSource.OPEN) {
            open();
            await load();
          }
          heard();
        })
        .catch(() => (live.connected = false));
    }
  }, 5000);
}

export function stopLive(): void {
  source?.close();
  source = null;
  if (watch) clearInterval(watch);
  watch = null;
  live.loaded = false;
}

const RANK = { urgent: 0, watch: 1, technical: 2 };
export const waiting = (): Alarm[] =>
  [...live.alarms.values()]
    .filter((a) => a.state === "open")
    .sort((a, b) => RANK[a.severity] - RANK[b.severity] || a.raised_at.localeCompare(b.raised_at));
export const taken = (): Alarm[] =>
  [...live.alarms.values()]
    .filter((a) => a.state === "acknowledged" || a.state === "in_response")
    .sort((a, b) => RANK[a.severity] - RANK[b.severity] || a.raised_at.localeCompare(b.raised_at));
export const closed = (): Alarm[] =>
  [...live.alarms.values()]
    .filter((a) => a.state === "closed")
    .sort((a, b) => (b.closed_at ?? "").localeCompare(a.closed_at ?? ""))
    .slice(0, CLOSED_SHOWN);

export function put(alarm: Alarm): void {
  live.alarms = newer(live.alarms, alarm);
}
export function putTask(task: Task): void {
  live.tasks = newer(live.tasks, task);
}
