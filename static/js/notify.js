// Notifications in this browser: turning them on and off, and what an open page shows and lets be heard. Nothing here
// asks for permission but turnOn, which a click calls.

import { $, api, t } from "./ui.js";

const store = "snug-notify";
const week = 7 * 24 * 3_600_000;

/** What this browser remembers of notifications: whose, its subscription's address, the sound; null: they're off. */
export function remembered(me) {
  try {
    const s = JSON.parse(localStorage.getItem(store));
    return s?.me === me ? s : null;
  } catch {
    return null;
  }
}

function remember(s) {
  try {
    if (s) localStorage.setItem(store, JSON.stringify(s));
    else localStorage.removeItem(store);
  } catch {
    // forbidden: they stay on for this page
  }
  return s;
}

const can = () => "Notification" in window && "serviceWorker" in navigator;

/** Says how it stands: "unsupported", "denied", "off", "page" (only while a page is open) or "on". */
export function standing(me) {
  if (!can()) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  const s = remembered(me);
  if (!s || Notification.permission !== "granted") return "off";
  return s.endpoint ? "on" : "page";
}

const words = (base64) => base64.replace(/-/g, "+").replace(/_/g, "/");
const bytes = (base64) => Uint8Array.from(atob(words(base64)), (c) => c.charCodeAt(0));
const sameKey = (a, b) => a && new Uint8Array(a).every((v, i) => v === b[i]) && a.byteLength === b.length;

// What people call this browser.
function called() {
  const ua = navigator.userAgent;
  const find = (list) => list.find(([word]) => ua.includes(word))?.[1];
  return [
    find([["Firefox", "Firefox"], ["Edg/", "Edge"], ["OPR/", "Opera"], ["Chrome", "Chrome"], ["Safari", "Safari"]]),
    find([["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "macOS"],
      ["CrOS", "ChromeOS"], ["Linux", "Linux"]]),
  ].filter(Boolean).join(", ");
}

/** Turns notifications on here, after a click. kinds are switched on if given. Gives standing. */
export async function turnOn(me, kinds) {
  if (!can()) return "unsupported";
  if ((await Notification.requestPermission()) !== "granted") return standing(me);
  remember({ me, sound: true, ...remembered(me) });
  if (kinds) await api("PATCH", "/me/notifications", { kinds });
  await renew(me, await api("GET", "/me/notifications"), true);
  return standing(me);
}

/** Turns them off here. */
export async function turnOff(me) {
  remember(null);
  const sub = await (await navigator.serviceWorker?.getRegistration())?.pushManager?.getSubscription();
  if (!sub) return;
  const { devices } = await api("GET", "/me/notifications");
  const id = await deviceID(me, sub.endpoint);
  if (devices.some((d) => d.id === id)) await api("DELETE", `/me/notifications/devices/${id}`);
  await sub.unsubscribe();
}

// How the server calls the device of a subscription.
async function deviceID(me, endpoint) {
  const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`snug device ${me} ${endpoint}`));
  return [...new Uint8Array(sum).slice(0, 8)].map((b) => b.toString(16).padStart(2, "0")).join("");
}

const { worker } = document.querySelector("link[rel=manifest]").dataset;

/** Brings this browser's subscription up to date, as n (the server's notifications) says. */
export async function renew(me, n, fresh = false) {
  const s = remembered(me);
  const registered = await navigator.serviceWorker.register(worker);
  const { pushManager } = registered;
  if (!pushManager) return;
  const late = new Promise((_, no) => setTimeout(no, 10_000, new Error("the service worker doesn't start")));
  await Promise.race([navigator.serviceWorker.ready, late]);
  const lang = document.documentElement.lang;
  const key = bytes(n.public_key);
  let sub = await pushManager.getSubscription();
  if (sub && !sameKey(sub.options.applicationServerKey, key)) {
    await sub.unsubscribe();
    sub = null;
  }
  const mine = sub && n.devices.find((d) => d.id === s.device);
  if (sub && s.endpoint === sub.endpoint && !mine && !fresh) {
    // Removed in the list, or signed out since.
    remember(null);
    await sub.unsubscribe();
    return;
  }
  if (mine && !mine.trouble && s.lang === lang && Date.now() - Date.parse(mine.renewed_at) < week && !fresh) return;
  try {
    sub ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch {
    remember({ ...s, endpoint: "", device: "" }); // no push service: the open page still says what happens
    return;
  }
  const { endpoint, keys } = sub.toJSON();
  const d = await api("POST", "/me/notifications/devices", {
    endpoint,
    ...keys,
    key: n.public_key,
    name: called(),
    language: lang,
    ...(s.endpoint && s.endpoint !== endpoint && { replaces: s.endpoint }),
  });
  remember({ ...s, endpoint, device: d.id, lang });
  registered.active?.postMessage("language");
}

/** Sets whether something is heard here. */
export const setSound = (me, on) => remembered(me) && remember({ ...remembered(me), sound: on });

/** Says whether it is quiet at a time, by the person's hours. */
export function quietAt({ quiet, from, to, zone }, at) {
  if (!quiet) return false;
  let clock;
  try {
    clock = new Date(at).toLocaleTimeString("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  } catch {
    return false;
  }
  return from < to ? from <= clock && clock < to : clock >= from || clock < to;
}

// Two soft notes. A browser plays nothing before the page was clicked.
let audio = null;
function chime() {
  audio ??= new AudioContext();
  if (audio.state !== "running") return audio.resume().catch(() => {});
  [[587.33, 0], [880, 0.16]].forEach(([pitch, after]) => {
    const note = audio.createOscillator();
    const volume = audio.createGain();
    const at = audio.currentTime + after;
    note.frequency.value = pitch;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.06, at + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.9);
    note.connect(volume).connect(audio.destination);
    note.start(at);
    note.stop(at + 1);
  });
}
addEventListener("pointerdown", () => {
  if (remembered($("bell")?.dataset.me)?.sound) (audio ??= new AudioContext()).resume();
});

// How many things happened that nobody saw, in the title and in the icon.
const icon = document.querySelector("link[rel=icon]");
const plain = icon.href;
let unseen = 0;
let mark = "";
function retitle() { // the page writes its title anew, without the mark
  if (!document.title.startsWith(mark)) document.title = mark + document.title;
}
new MutationObserver(retitle).observe(document.querySelector("title"), { childList: true });
function count(n) {
  if (n === unseen) return;
  unseen = n;
  const bare = document.title.slice(mark.length);
  mark = n ? `(${n}) ` : "";
  document.title = mark + bare;
  icon.href = n ? plain.replace("mark.svg", `mark-${Math.min(n, 9)}.svg`) : plain;
  navigator.setAppBadge?.(n).catch(() => {});
}
document.addEventListener("visibilitychange", () => document.hidden || count(0));

/** Tells of something in an open room: counts it, lets it be heard, and shows it where nobody looks. */
export async function tell(me, n, { kind, room, who, url, say, closingIn }) {
  if (!n.kinds.includes(kind)) return;
  if (document.hidden) count(unseen + 1);
  if (quietAt(n, Date.now())) return;
  if (remembered(me)?.sound) chime();
  if (!document.hidden || Notification.permission !== "granted") return;
  const registered = await navigator.serviceWorker.getRegistration();
  const title = t(`push.${say}`, { Who: who, Room: room });
  const body = kind === "closing" ? t("push.closing.in", { Count: closingIn }) : t("push.in", { Room: room });
  const id = url.split("/").pop();
  await registered?.showNotification(title, {
    body,
    tag: `${kind}-${id}`,
    lang: document.documentElement.lang,
    icon: plain,
    silent: true, // the page was heard already
    data: { url, at: Date.now() },
  });
}
