// The service worker: shows push messages and takes their answers, and keeps the page itself (what it
// is built of, nothing that the hub says) on telephones that go where there is no network.

const SHELL = "hearthwatch.shell";
// A village's network may take a while; a dead one is known sooner.
const PAGE_WAIT_MS = 4_000;
// What belongs to machines is asked of the hub and nobody else.
const MACHINES = /^\/(api|metrics|healthz|readyz|openapi\.json)/;

const TEXTS = {
  "zh-CN": {
    accept: "接单",
    decline: "不能去",
    accepted: "已接单，点开查看详情",
    declined: "已知道您不能去",
    failed: "没有送达，请点开处理",
  },
  en: {
    accept: "I take it",
    decline: "I can't",
    accepted: "It is yours; open it for details",
    declined: "Noted that you can't",
    failed: "Your answer did not arrive; open the alarm",
  },
};

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  if (event.data === "keep") event.waitUntil(keep().catch(() => undefined));
});

/** All that the page is built of; the old page goes when the new one is whole. */
async function keep() {
  const listed = await fetch("/assets.json", { cache: "no-cache" });
  if (!listed.ok) return;
  const wanted = await listed.json();
  const cache = await caches.open(SHELL);
  const page = await fetch("/", { cache: "no-cache" });
  if (!page.ok) return;
  await Promise.all(
    wanted.map(async (path) => {
      if ((await cache.match(path)) === undefined) await cache.add(path);
    }),
  );
  await cache.put("/", page);
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/" && !wanted.includes(pathname)) await cache.delete(request);
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const ours = url.origin === self.location.origin && !MACHINES.test(url.pathname);
  if (event.request.method !== "GET" || !ours) return;
  if (event.request.mode === "navigate") event.respondWith(pageOr(event.request));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(assetOr(event.request));
});

/** The hub's page, else the one that is kept. */
async function pageOr(request) {
  const kept = await caches.match("/");
  if (kept === undefined) return fetch(request);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PAGE_WAIT_MS) });
    return answer.status < 500 ? answer : kept;
  } catch {
    return kept;
  }
}

/** Named by their content: what is kept is what was asked for. */
async function assetOr(request) {
  return (await caches.match(request)) ?? fetch(request);
}

self.addEventListener("push", (event) => {
  let said = {};
  try {
    said = event.data.json();
  } catch {
    // A message that can't be read is shown all the same: it was sent for a reason.
  }
  const texts = TEXTS[said.language] ?? TEXTS["zh-CN"];
  const actions = said.reply
    ? [
        { action: "accept", title: texts.accept },
        { action: "decline", title: texts.decline },
      ]
    : [];
  event.waitUntil(
    self.registration.showNotification(said.title ?? "hearthwatch", {
      body: said.body ?? "",
      icon: "/icon.svg",
      lang: said.language ?? "zh-CN",
      // The same alarm again replaces its notification, and is heard again.
      tag: said.alarm || undefined,
      renotify: Boolean(said.alarm),
      requireInteraction: Boolean(said.urgent),
      data: said,
      actions,
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  const said = event.notification.data ?? {};
  // What is said next takes its place by the same tag: closing it as well might close that.
  if (!event.action || !said.alarm) event.notification.close();
  event.waitUntil(event.action ? answer(said, event.action) : open(said));
});

async function answer(said, action) {
  const texts = TEXTS[said.language] ?? TEXTS["zh-CN"];
  let arrived = false;
  try {
    const response = await fetch(`/api/v1/replies/${encodeURIComponent(said.reply)}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ answer: action, way: "push" }),
    });
    arrived = response.ok;
  } catch {
    // Said below.
  }
  const outcome = arrived ? (action === "accept" ? "accepted" : "declined") : "failed";
  await self.registration.showNotification(said.title ?? "hearthwatch", {
    body: texts[outcome],
    icon: "/icon.svg",
    lang: said.language ?? "zh-CN",
    tag: said.alarm || undefined,
    data: { ...said, reply: "" },
  });
}

async function open(said) {
  const path = said.alarm ? `/alarms/${encodeURIComponent(said.alarm)}` : "/";
  for (const client of await self.clients.matchAll({ type: "window" })) {
    if ("navigate" in client) {
      await client.navigate(path);
      await client.focus();
      return;
    }
  }
  await self.clients.openWindow(path);
}
