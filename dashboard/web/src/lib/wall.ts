// The board on a wall: everybody who comes in may read it.

import { router } from "./router.svelte";

/** In the hand of a key or click, else a browser gives no full screen. */
export function enterWall(): void {
  // Without full screen it is a page like any other.
  document.documentElement.requestFullscreen?.().catch(() => undefined);
  router.go("/wall");
}

export function leaveWall(): void {
  if (document.fullscreenElement !== null) document.exitFullscreen().catch(() => undefined);
  router.back("/");
}

/** While it is awake the screen stays on; a hidden page has lost it and asks anew. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let over = false;
  const ask = (): void => {
    if (document.visibilityState !== "visible") return;
    navigator.wakeLock?.request("screen").then(
      (given) => {
        lock = given;
        if (over) void given.release();
      },
      () => undefined,
    );
  };
  ask();
  document.addEventListener("visibilitychange", ask);
  return () => {
    over = true;
    document.removeEventListener("visibilitychange", ask);
    void lock?.release();
  };
}
