// The page itself kept on this telephone, so that it opens where there is no network.

/** Ask the service worker to keep what the page is built of, as it is now. */
export async function keepShell(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("/sw.js");
    const worker = (await navigator.serviceWorker.ready).active;
    worker?.postMessage("keep");
  } catch {
    // Without it the page needs the network to open; drafts are kept all the same.
  }
}
