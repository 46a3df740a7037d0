// What all pages share: times that run, dialogs, requests, the live sign.

export const $ = (id) => document.getElementById(id);
export const page = () => JSON.parse($("state").textContent);
export const humans = (roster) => roster.filter((p) => !p.bot);

// What the page says, in its language: the server sends the messages with it.
export const words = JSON.parse($("words").textContent);
const lang = () => document.documentElement.lang || "en";
let plurals; // as all of Intl it takes long to make: only where something needs it
const form = (n) => (plurals ??= new Intl.PluralRules(lang())).select(n);
const filled = (s, values) => s.replace(/\{\{\.(\w+)\}\}/g, (_, name) => values[name] ?? "");
function message(id, values) {
  const m = words[id] ?? id;
  return typeof m === "string" ? m : (m[form(values.Count)] ?? m.other);
}
/** Says a message; Count decides between its plural forms. */
export const t = (id, values = {}) => filled(message(id, values), values);
/** Gives a message as nodes, with what is filled in bold. */
export function rich(id, values = {}) {
  return message(id, values)
    .split(/(\{\{\.\w+\}\})/)
    .map((part, i) => {
      if (i % 2 === 0) return part;
      const b = document.createElement("b");
      b.textContent = filled(part, values);
      return b;
    });
}

/** Says who sees and enters a room. */
export const privacy = (r) =>
  ["private", "locked", "hidden"].filter((w) => r[w]).map((w) => t("privacy." + w)).join(", ") || t("privacy.open");

/** Sets a text only where it differs: nothing flickers, nothing is read out twice. */
export function text(el, s) {
  if (el && el.textContent !== s) el.textContent = s;
}

/** Says something politely to who does not see the page. */
export function say(s) {
  text($("say"), s);
}

// The server's clock: this device's may be wrong.
let skew = (Date.parse(document.body.dataset.now) || Date.now()) - Date.now();
export const now = () => Date.now() + skew;
export const setClock = (ts) => (skew = ts - Date.now());

// Lengths of time, as the server tells them.
export function until(ms) {
  const s = Math.max(0, ms) / 1000;
  const m = Math.floor(s / 60);
  const h = Math.floor(m / 60);
  const d = Math.floor(h / 24);
  const one = (unit, n) => t("span." + unit, { Count: n });
  const two = (a, unitA, b, unitB) => one(unitA, a) + (b ? " " + one(unitB, b) : "");
  if (d) return two(d, "days", h % 24, "h");
  if (h) return two(h, "h", m % 60, "min");
  return m ? one("min", m) : one("s", Math.ceil(s));
}
export function clock(ms) {
  const s = Math.ceil(Math.max(0, ms) / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
/** A length of time in its largest unit. */
export function span(ms) {
  const s = Math.max(0, ms) / 1000;
  const m = Math.floor(s / 60);
  const h = Math.floor(m / 60);
  const d = Math.floor(h / 24);
  return d
    ? t("span.days", { Count: d })
    : h
      ? t("span.h", { Count: h })
      : m
        ? t("span.min", { Count: m })
        : t("span.s", { Count: Math.ceil(s) });
}
export function ago(ms) {
  return ms < 60_000 ? t("span.now") : t("span.ago", { Span: span(ms) });
}

const ticks = new Set();
/** Calls f now and every second. */
export function everySecond(f) {
  ticks.add(f);
  f();
}

function runTimes(part = document) {
  for (const el of part.querySelectorAll("time[data-until]")) text(el, until(Date.parse(el.dateTime) - now()));
  for (const el of part.querySelectorAll("time[data-ago]")) text(el, ago(now() - Date.parse(el.dateTime)));
  for (const el of part.querySelectorAll("time[data-since][datetime]"))
    text(el, t("room-card.since", { Span: span(now() - Date.parse(el.dateTime)) }));
}

let exactly;

/** Tells moments in the reader's zone; in UTC they came, and that stays as the title. */
function tellMoments(part) {
  for (const el of part.querySelectorAll("time[data-at]:not([title])")) {
    el.title = el.textContent;
    exactly ??= new Intl.DateTimeFormat(lang(), { dateStyle: "medium", timeStyle: "short" });
    el.textContent = exactly.format(Date.parse(el.dateTime));
  }
}

// A time of day stays what it is: it is told once.
function tellHours(part) {
  for (const el of part.querySelectorAll("time[data-clock]")) {
    text(el, hours(Date.parse(el.dateTime)));
    el.removeAttribute("data-clock");
  }
}

/** A time of day as "20:44". Without Intl: making its format takes a phone longer than all the rest of the page. */
export function hours(ms) {
  const d = new Date(ms);
  return [d.getHours(), d.getMinutes()].map((n) => String(n).padStart(2, "0")).join(":");
}

export const retryEvery = 10_000; // after which a renewal that failed is tried again

/** A failure of the API, as application/problem+json tells it. */
export class Problem extends Error {
  constructor(body, status) {
    super(body.detail || t("ui.unreachable"));
    this.code = body.code || "";
    this.field = body.field || "";
    this.retryAfter = body.retry_after || 0; // seconds
    this.status = status; // 0: there was no answer
  }
}

/** Calls an operation of the API, and gives its answer. It throws a Problem. */
export async function api(method, path, body) {
  let answer, out;
  try {
    answer = await fetch("/api/v1" + path, {
      method,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    out = await answer.json();
  } catch {
    if (answer?.ok !== false) throw new Problem({}, 0); // one that breaks off is none
  }
  if (!answer.ok) throw new Problem(out ?? {}, answer.status);
  return out;
}

/** What a form says, for api: its inputs are called as the operation's fields. */
export function fields(form, button) {
  const out = {};
  for (const el of form.elements) {
    if (!el.name || (el.type === "submit" && el !== button)) continue;
    if (el.type === "checkbox") out[el.name] = el.checked;
    else if (el.type === "number" || "number" in el.dataset) {
      if (el.value) out[el.name] = Number(el.value);
    }
    else if (el === button && ["true", "false"].includes(el.value)) out[el.name] = el.value === "true";
    else out[el.name] = el.value;
  }
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

// A moment for the browser to draw and to hear people, between two pieces of work.
export const breathe = () => globalThis.scheduler?.yield?.() ?? new Promise((go) => setTimeout(go));

// A moment in which the browser has nothing better to do, half a second from now at the latest.
const leisure = () =>
  new Promise((go) => (globalThis.requestIdleCallback ? requestIdleCallback(go, { timeout: 500 }) : setTimeout(go)));

// The press that is going on, if any: of what is replaced meanwhile, the browser would make no click.
let press;
document.addEventListener(
  "pointerdown",
  () => {
    press = new Promise((over) => {
      for (const end of ["pointerup", "pointercancel", "contextmenu"])
        document.addEventListener(end, () => setTimeout(over), { capture: true, once: true });
      setTimeout(over, 5000); // what takes longer is no press
    });
  },
  true,
);

const made = new Map(); // elements as the server last made them, by their ids

let renewal = Promise.resolve(); // the last one asked for
const asked = new Map(); // those that have not begun, by their ids

/**
 * Makes the page anew and takes these elements from it, where they changed: what only the server can tell. One goes
 * after the other, so that none puts back what is older. It gives whether it worked.
 */
export function refresh(...ids) {
  const key = ids.join(" ");
  if (!asked.has(key)) {
    renewal = renewal.then(() => {
      asked.delete(key);
      return renewParts(ids).catch((err) => (reportError(err), false));
    });
    asked.set(key, renewal);
  }
  return asked.get(key);
}

async function renewParts(ids) {
  const answer = await fetch(location.pathname + location.search, {
    credentials: "same-origin",
    redirect: "error",
    headers: { Accept: "text/html" },
    signal: AbortSignal.timeout(20_000),
  }).catch(() => null);
  const html = answer?.ok && (await answer.text().catch(() => "")); // the connection may go in the middle of it
  if (!html) return false;
  await breathe();
  const fresh = new DOMParser().parseFromString(html, "text/html"); // where scripts are off
  for (const part of fresh.querySelectorAll("noscript.later")) part.replaceWith(...part.childNodes);
  const changed = [];
  for (const id of ids) {
    const next = fresh.getElementById(id);
    const as = next?.outerHTML;
    if (!as || made.get(id) === as) continue;
    made.set(id, as);
    changed.push([id, document.adoptNode(next)]);
  }
  for (const [id, next] of changed) {
    if (next.localName !== "script") await breathe();
    await press;
    if ($(id)) swap($(id), next);
  }
  return true;
}

const reachable = "button, a[href], input:not([type=hidden]), textarea, summary, select";

// Puts next in place of now, with what somebody is doing there: what they typed,
// what they were told of it, what they opened, where they are.
function swap(now, next) {
  for (const input of now.querySelectorAll("input[id], textarea[id]")) {
    const twin = input.value !== input.defaultValue && next.querySelector(`#${CSS.escape(input.id)}`);
    if (twin) twin.value = input.value;
  }
  for (const told of now.querySelectorAll(".error[id]:not([hidden])")) {
    const twin = next.querySelector(`#${CSS.escape(told.id)}`);
    if (twin) twin.replaceWith(told);
  }
  const opened = [...now.querySelectorAll("details")].map((d) => d.open);
  [...next.querySelectorAll("details")].forEach((d, i) => (d.open = opened[i] && !d.name));
  const at = [...now.querySelectorAll(reachable)].indexOf(document.activeElement);
  const caret = document.activeElement?.selectionStart;
  const top = now.id === "log" ? now.scrollTop : 0; // asking lays the page out
  const question = now.querySelector("dialog:is([open], :popover-open)")?.id; // a question stays until it is answered
  enhance(next); // before somebody sees it, or presses
  now.replaceWith(next);
  if (top) next.scrollTop = top;
  if (question) open(question);
  if (at < 0) return;
  const same = next.querySelectorAll(reachable)[at];
  same?.focus({ preventScroll: true });
  if (caret != null && ["text", "url", "textarea"].includes(same?.type)) same.setSelectionRange(caret, caret);
}

/**
 * Puts in its place what isn't needed at first. Where there are no scripts, it is there from the start; as part of the
 * page it would be drawn, and its fields looked at by the browser, before anything else happens.
 */
async function unfold() {
  for (const part of document.querySelectorAll("noscript.later")) {
    await leisure();
    part.outerHTML = part.textContent;
    enhance();
  }
  if (location.hash && !document.querySelector(":target")) location.replace(location.hash);
}

/** Shows what needs scripts in a page, or in a part of it that is about to come in. */
export function enhance(part = document) {
  for (const b of part.querySelectorAll("[data-step], [data-dialog]")) b.hidden = false;
  for (const b of part.querySelectorAll("[data-copy]")) b.hidden = !copied(b);
  for (const b of part.querySelectorAll(".lang button, [data-scriptless]")) b.hidden = true;
  tellHours(part);
  if (navigator.share) for (const b of part.querySelectorAll("[data-share]")) b.hidden = false;
  runTimes(part);
  tellMoments(part);
}

const copied = (button) => button.parentElement.querySelector("input, .secret");

async function copy(button) {
  const from = copied(button);
  try {
    await navigator.clipboard.writeText(from.value ?? from.textContent);
  } catch {
    from.select ? from.select() : getSelection().selectAllChildren(from);
    if (!document.execCommand("copy")) return say(t("ui.copy.hand"));
  }
  text(button, t("ui.copied"));
  say(t("ui.copied.say"));
  setTimeout(() => text(button, t("ui.copy")), 2000);
}

// The sign at the top: how far the picture can be trusted.
export function liveSign(live) {
  let announced = "";
  const paint = () => {
    const age = until(Date.now() - live.since);
    const { state } = live;
    document.body.dataset.live = state;
    const soon = !state || (state === "connecting" && Date.now() - live.since < 1500); // before one could read it
    if (!soon) { // until then, the sign keeps what the server drew, and the looks that go with those words
      $("live").dataset.state = state;
      text($("live-text"), t("live." + state, { Span: age }));
    }
    $("toast-lost").hidden = state !== "stale";
    if (state === "stale") text($("lost-text"), t("live.lost.text", { Span: age }));
    if (state !== announced && announced) {
      if (state === "stale") say(t("live.lost.say"));
      if (state === "unheard") say(t("live.unheard", { Span: age }));
      if (state === "live") say(t("live.again.say"));
    }
    if (["live", "stale", "unheard"].includes(state)) announced = state;
  };
  $("lost-retry").addEventListener("click", () => live.retry());
  everySecond(paint);
  return paint;
}

const heardEvery = 10_000;

/** Has a page without a live connection ask, while it is looked at, whether Discord is heard, and say so where not. */
function watchHeard() {
  const box = $("unheard");
  if (!box) return;
  const old = !box.hidden; // what the page shows was old when it came
  let unheard = old;
  let since = Date.parse(box.dataset.since ?? document.body.dataset.now); // by the server's clock
  const paint = () => {
    box.hidden = !unheard && !old;
    const words = unheard ? "live.unheard" : "live.stale";
    if (!box.hidden) text(box.querySelector("b"), t(words, { Span: until(now() - since) }));
  };
  const ask = async () => {
    if (document.hidden) return;
    const answer = await api("GET", box.dataset.path).catch(() => null);
    if (!answer) return;
    setClock(Date.parse(answer.at));
    const was = unheard;
    unheard = answer.discord !== "ok";
    if (unheard) since = Date.parse(answer.heard_at);
    paint();
    if (unheard && !was) say(t("live.unheard", { Span: until(now() - since) }));
  };
  document.addEventListener("visibilitychange", ask);
  setInterval(ask, heardEvery);
  everySecond(paint);
}

function themeButton() {
  const button = $("theme");
  const root = document.documentElement;
  if (!button) return;
  const dark = () =>
    (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const paint = () => text(button, t(dark() ? "ui.theme.light" : "ui.theme.dark"));
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
    const el = e.target.closest?.("[data-close], [data-copy], [data-share], [data-dialog], [data-step]");
    for (const m of document.querySelectorAll("details.menu[open]")) if (!m.contains(e.target)) m.open = false;
    if (!el) return;
    if ("close" in el.dataset && el.closest("dialog")?.open) el.closest("dialog").close();
    if ("copy" in el.dataset) copy(el);
    if ("share" in el.dataset)
      navigator.share({ url: el.closest("[data-invite]").querySelector("input").value }).catch(() => {});
    if (el.dataset.dialog) {
      e.preventDefault(); // it would open without being modal
      open(el.dataset.dialog);
    }
    if (el.dataset.step) {
      const n = el.parentElement.querySelector("input");
      n.value = Math.min(n.max, Math.max(n.min, (parseInt(n.value, 10) || 0) + Number(el.dataset.step)));
      n.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
  document.addEventListener("change", (e) => "submit" in e.target.dataset && e.target.form.requestSubmit());
  document.addEventListener("keydown", (e) => {
    const menu = e.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  // A picture that does not come leaves the initial below it.
  document.addEventListener("error", (e) => e.target.matches?.(".a img") && e.target.remove(), true);
  for (const img of document.querySelectorAll(".a img")) if (img.complete && !img.naturalWidth) img.remove();
  themeButton();
  watchHeard();
  enhance();
  unfold();
  setInterval(() => {
    runTimes();
    for (const f of ticks) f();
  }, 1000);
}
