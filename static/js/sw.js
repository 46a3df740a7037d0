// The service worker: shows notifications while Snug is closed, and says so when there is no connection. It keeps that
// one page and what it is made of, never a page of somebody's. The server puts the constant snug before it: the
// release, what is kept, and the icon.

const cache = `snug-${snug.version}`;

self.addEventListener("install", (e) => {
  self.skipWaiting();
  e.waitUntil(caches.open(cache).then((c) => c.addAll(snug.kept.map((url) => new Request(url, { cache: "reload" })))));
});

self.addEventListener("activate", (e) => {
  const others = async () => {
    for (const name of await caches.keys()) if (name.startsWith("snug-") && name !== cache) await caches.delete(name);
  };
  e.waitUntil(Promise.all([others(), registration.navigationPreload?.enable(), clients.claim()]));
});

self.addEventListener("fetch", (e) => {
  const { request } = e;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") e.respondWith(page(e));
  else if (snug.kept.includes(url.pathname)) e.respondWith(fetch(request).catch(() => caches.match(url.pathname)));
});

// The language was changed: the page that is kept is to be in it too.
self.addEventListener("message", (e) => {
  if (e.data === "language") e.waitUntil(caches.open(cache).then((c) => c.add(snug.kept[0])));
});

// A page as the server gives it, or else the one that says that it can't be reached.
async function page(e) {
  try {
    return (await e.preloadResponse) ?? (await fetch(e.request));
  } catch (err) {
    const offline = await caches.match(snug.kept[0]);
    if (!offline) throw err;
    return offline;
  }
}

// Whoever sends a path that leads elsewhere gets the first page.
function path(s) {
  const url = new URL(String(s ?? "/"), location.origin);
  return url.origin === location.origin ? url.pathname + url.search : "/";
}

self.addEventListener("push", (e) => {
  let n = {};
  try {
    n = e.data.json();
  } catch {
    // what can't be read still has to be shown: browsers ask for it
  }
  e.waitUntil(show(n?.v === 1 ? n : {}));
});

async function show({ id = "", kind = "", title = "Snug", body = "", tag = "snug", url, lang = "" }) {
  const to = path(url);
  const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const looking = windows.some((w) => w.focused && new URL(w.url).pathname === to);
  if (looking && kind !== "test") return; // the page itself says it
  // The same one again, or what the open page showed just now.
  const shown = await registration.getNotifications({ tag });
  const again = (o) => (id && o.data?.id === id) || (o.data?.at > Date.now() - 60_000 && o.title === title);
  if (shown.some(again)) return;
  await registration.showNotification(title, {
    body,
    tag,
    lang,
    renotify: true,
    icon: snug.icon,
    badge: snug.icon,
    data: { id, url: to },
  });
}

self.addEventListener("notificationclick", (e) => {
  e.notification.close();
  e.waitUntil(open(path(e.notification.data?.url)));
});

async function open(to) {
  const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((w) => new URL(w.url).pathname === to);
  if (there) return there.focus();
  return clients.openWindow(to);
}

// The push service gave the browser another address: Snug has to know it.
self.addEventListener("pushsubscriptionchange", (e) => e.waitUntil(renew(e)));

async function renew({ oldSubscription: old, newSubscription }) {
  const key = old?.options.applicationServerKey;
  if (!key) return; // the next page that is opened renews it
  const sub =
    newSubscription ??
    (await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
  const { endpoint, keys } = sub.toJSON();
  await fetch("/api/v1/me/notifications/devices", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ endpoint, ...keys, key: base64(key), replaces: old.endpoint }),
  });
}

const base64 = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_", "=": "" })[c]);
