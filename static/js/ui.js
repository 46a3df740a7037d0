// What all pages share: times that run, dialogs, requests, the live sign.

export const $ = (id) => document.getElementById(id);
export const page = () => JSON.parse($("state").textContent);
export const humans = (roster) => roster.filter((p) => !p.bot);
export const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** Sets a text only where it differs: nothing flickers, nothing is read out twice. */
export function text(el, s) {
  if (el && el.textContent !== s) el.textContent = s;
}

/** Says something politely to who does not see the page. */
export function say(s) {
  text($("say"), s);
}

// The server's clock: this device's may be wrong.
let skew = (Number(document.body.dataset.now) || Date.now()) - Date.now();
export const now = () => Date.now() + skew;
export const setClock = (ts) => (skew = ts - Date.now());

// Lengths of time, as the server tells them.
export function until(ms) {
  const s = Math.max(0, ms) / 1000, m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
  const two = (a, unitA, b, unitB) => `${a} ${unitA}` + (b ? ` ${b} ${unitB}` : "");
  if (d) return two(d, d === 1 ? "day" : "days", h % 24, "h");
  if (h) return two(h, "h", m % 60, "min");
  return m ? `${m} min` : `${Math.ceil(s)} s`;
}
export function clock(ms) {
  const s = Math.ceil(Math.max(0, ms) / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
export function ago(ms) {
  const m = Math.floor(ms / 60_000), h = Math.floor(m / 60), d = Math.floor(h / 24);
  if (m < 1) return "just now";
  return (d ? plural(d, "day", "days") : h ? `${h} h` : `${m} min`) + " ago";
}

const ticks = new Set();
/** Calls f now and every second. */
export function everySecond(f) {
  ticks.add(f);
  f();
}

function runTimes() {
  for (const t of document.querySelectorAll("time[data-until]")) text(t, until(Date.parse(t.dateTime) - now()));
  for (const t of document.querySelectorAll("time[data-ago]")) text(t, ago(now() - Date.parse(t.dateTime)));
}

export const hours = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** A failure of the API, as application/problem+json tells it. */
export class Problem extends Error {
  constructor(body, status) {
    super(body.detail || "Snug could not be reached. Check your connection and try again.");
    this.code = body.code || "";
    this.field = body.field || "";
    this.status = status;
  }
}

export async function api(method, path, body) {
  let answer;
  try {
    answer = await fetch("/api/v1" + path, {
      method, credentials: "same-origin", headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body), signal: AbortSignal.timeout(20_000),
    });
  } catch {
    throw new Problem({}, 0);
  }
  const out = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(out, answer.status);
  return out;
}

/** Runs work with its button busy; a second click meanwhile does nothing. */
export async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Opens a dialog as a modal one; what had the focus gets it back. */
export function open(id) {
  const d = $(id);
  if (!d || d.open) return;
  if (d.matches(":popover-open")) d.hidePopover();
  for (const other of document.querySelectorAll("dialog[open]")) other.close();
  d.showModal();
}
export const close = (id) => $(id)?.close();

/** Makes the page anew and takes these elements from it: what only the server can tell. */
export async function refresh(...ids) {
  const answer = await fetch(location.pathname + location.search, { credentials: "same-origin", redirect: "error", headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return false;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ids) {
    const now = $(id), next = fresh.getElementById(id);
    if (!now || !next) continue;
    const focus = now.contains(document.activeElement);
    now.replaceWith(document.adoptNode(next));
    if (focus) next.querySelector("button, a[href], input")?.focus();
  }
  enhance();
  return true;
}

/** Shows what needs scripts, after load and after refresh. */
export function enhance() {
  for (const b of document.querySelectorAll("[data-copy], [data-step]")) b.hidden = false;
  if (navigator.share) for (const b of document.querySelectorAll("[data-share]")) b.hidden = false;
  runTimes();
}

async function copy(button) {
  const input = button.parentElement.querySelector("input");
  try {
    await navigator.clipboard.writeText(input.value);
  } catch {
    input.select();
    if (!document.execCommand("copy")) return say("Select the link and copy it by hand.");
  }
  text(button, "Copied");
  say("Invite link copied");
  setTimeout(() => text(button, "Copy"), 2000);
}

// The sign at the top: how far the picture can be trusted.
export function liveSign(live) {
  let announced = "";
  const paint = () => {
    const age = until(Date.now() - live.since), { state } = live;
    const words = {
      connecting: "Connecting…", live: "Live", reconnecting: "Reconnecting…",
      stale: `As of ${age} ago`, ended: `Stopped, as of ${age} ago`,
    };
    $("live").dataset.state = document.body.dataset.live = state;
    text($("live-text"), words[state] ?? "");
    $("toast-lost").hidden = state !== "stale";
    if (state === "stale") text($("lost-text"), `You see the room as it was ${age} ago. Snug keeps trying.`);
    if (state !== announced && announced) {
      if (state === "stale") say("Connection lost. What you see may be out of date.");
      if (state === "live") say("Live again.");
    }
    if (state === "live" || state === "stale") announced = state;
  };
  $("lost-retry").addEventListener("click", () => live.retry());
  everySecond(paint);
  return paint;
}

function themeButton() {
  const button = $("theme"), root = document.documentElement;
  if (!button) return;
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const paint = () => text(button, dark() ? "Light theme" : "Dark theme");
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    document.cookie = `snug-theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
    paint();
  });
  button.hidden = false;
  paint();
}

/** Makes a page's common parts work. Each page's script calls it once. */
export function begin() {
  document.addEventListener("click", (e) => {
    const t = e.target.closest?.("[data-close], [data-copy], [data-share], [data-dialog], [data-step]");
    for (const m of document.querySelectorAll("details.menu[open]")) if (!m.contains(e.target)) m.open = false;
    if (!t) return;
    if ("close" in t.dataset && t.closest("dialog")?.open) t.closest("dialog").close();
    if ("copy" in t.dataset) copy(t);
    if ("share" in t.dataset) navigator.share({ url: t.closest("[data-invite]").querySelector("input").value }).catch(() => {});
    if (t.dataset.dialog) {
      e.preventDefault(); // it would open without being modal
      open(t.dataset.dialog);
    }
    if (t.dataset.step) {
      const n = t.parentElement.querySelector("input");
      n.value = Math.min(n.max, Math.max(n.min, (parseInt(n.value, 10) || 0) + Number(t.dataset.step)));
    }
  });
  document.addEventListener("keydown", (e) => {
    const menu = e.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  // A picture that does not come leaves the initial below it.
  document.addEventListener("error", (e) => e.target.matches?.(".a img") && e.target.remove(), true);
  for (const img of document.querySelectorAll(".a img")) if (img.complete && !img.naturalWidth) img.remove();
  for (const t of document.querySelectorAll("time[data-clock]")) text(t, hours(Date.parse(t.dateTime)));
  themeButton();
  enhance();
  setInterval(() => {
    runTimes();
    for (const f of ticks) f();
  }, 1000);
}
