// The service worker: shows push messages and takes their answers. It keeps no pages.

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
  event.notification.close();
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
