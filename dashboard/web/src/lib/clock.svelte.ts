import { get } from "./api";

// Hub time, which a demonstration runs faster than real time.
const state = $state({ hubMs: Date.now(), speed: 1 });
let atRealMs = Date.now();
let atHubMs = Date.now();

export async function syncClock(): Promise<void> {
  const answer = await get<{ now: string; speed: number }>("clock");
  atRealMs = Date.now();
  atHubMs = Date.parse(answer.now);
  state.speed = answer.speed;
  tick();
}

function tick(): void {
  state.hubMs = atHubMs + (Date.now() - atRealMs) * state.speed;
}

setInterval(tick, 500);
setInterval(() => void syncClock().catch(() => undefined), 10_000);

export const hubNow = (): number => state.hubMs;
export const speed = (): number => state.speed;
