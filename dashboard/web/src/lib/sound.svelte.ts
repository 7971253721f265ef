import { waiting } from "./live.svelte";

// Two tones made on the spot; browsers want a click before the first sound.
export const sound = $state({ on: false });
let context: AudioContext | null = null;
let timer: ReturnType<typeof setInterval> | null = null;
const REPEAT_MS = 4000;

function beep(): void {
  if (!context) return;
  for (const [delay, pitch] of [[0, 880], [0.25, 660]] as const) {
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.frequency.value = pitch;
    gain.gain.setValueAtTime(0.25, context.currentTime + delay);
    gain.gain.exponentialRampToValueAtTime(0.001, context.currentTime + delay + 0.22);
    tone.connect(gain).connect(context.destination);
    tone.start(context.currentTime + delay);
    tone.stop(context.currentTime + delay + 0.24);
  }
}

export function switchSound(): void {
  sound.on = !sound.on;
  if (sound.on) {
    context ??= new AudioContext();
    void context.resume();
    beep();
    timer ??= setInterval(() => {
      if (waiting().some((a) => a.severity === "urgent")) beep();
    }, REPEAT_MS);
  } else if (timer) {
    clearInterval(timer);
    timer = null;
  }
}
