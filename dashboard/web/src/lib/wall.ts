// The board on a wall: everybody who comes in may read it.

import { router } from "./router.svelte";

/** In the hand of a key or click, else a browser gives no full screen. */
export function fillScreen(): void {
  // Without full screen it is a page like any other.
  document.documentElement.requestFullscreen?.().catch(() => undefined);
}

export function enterWall(): void {
  fillScreen();
  router.go("/wall");
}

/** The map in the same way. */
export function enterMapWall(): void {
  fillScreen();
  router.go("/map/wall");
}

/** Out of full screen by the browser's own Esc or by us, back once. */
export function leaveWall(): void {
  const back = (): void => router.back("/");
  // `onFullScreenLeft` goes back when it is over.
  if (document.fullscreenElement !== null) document.exitFullscreen().catch(back);
  else back();
}

/** The browser's own Esc ends the full screen and tells the page nothing else. */
export function onFullScreenLeft(): () => void {
  const changed = (): void => {
    if (document.fullscreenElement === null) router.back("/");
  };
  document.addEventListener("fullscreenchange", changed);
  return () => {
    document.removeEventListener("fullscreenchange", changed);
    // Left by the browser's own way back.
    if (document.fullscreenElement !== null) document.exitFullscreen().catch(() => undefined);
  };
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
