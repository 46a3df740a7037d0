// The room page: the table, the door, what one who runs the room can do, live.

import { Live, apply } from "./live.js";
import { Seats } from "./seats.js";
import {
  $,
  Problem,
  api,
  begin,
  breathe,
  busy,
  clock,
  close,
  everySecond,
  fields,
  hours,
  humans,
  liveSign,
  now,
  open,
  page,
  privacy,
  refresh,
  retryEvery,
  rich,
  say,
  setClock,
  t,
  text,
  until,
} from "./ui.js";

await breathe(); // the browser finishes the page first: with this it would take too long for one task

let state = page(); // what this page knows of who looks; made anew with its parts
const { me } = state;
const path = `/rooms/${state.room}`;
const rooms = new Map();
const seats = new Seats(me);
let over = false; // the room is gone for this page
const moment = (at) => (at ? Date.parse(at) : 0); // 0: none
let held = moment(state.held_until); // until when a seat is kept
let idle = moment(state.idle_deadline); // when the empty room closes, if nobody comes
let emptySince = now();
let waitingSeat = false; // the bot moves the person; their seat has not lit up yet
let sat = false; // whether the person sat inside when the picture was drawn last

const room = () => rooms.get(state.room);
const inside = () => room()?.roster.some((p) => p.userId === me) ?? false;

// Until when seats are held for others.
function heldForOthers(r) {
  const list = (r.held ?? []).filter((at) => at > now());
  const mine = held ? list.indexOf(held) : -1;
  if (mine >= 0) list.splice(mine, 1);
  return list;
}

// A held seat as it is shown: for how long, and for whom, as far as the page was told.
function keptSeat(at, mine) {
  const h = state.holders?.find((o) => Date.parse(o.until) === at && (o.user_id === me) === mine);
  const who = h && { userId: h.user_id, displayName: h.name, avatar: h.avatar };
  return { mine, who, note: t("seat.held", { Left: clock(at - now()) }) };
}

function paint() {
  const r = room();
  if (!r) return;
  if (inside()) held = 0;
  const mine = held > now() ? [keptSeat(held, true)] : [];
  seats.show(r, [...mine, ...heldForOthers(r).map((at) => keptSeat(at, false))]);
  text($("room-h"), r.name);
  text($("kind"), privacy(r));
  $("kind-i").setAttribute("href", r.private || r.locked ? "#i-lock" : "#i-open");
  const taken = humans(r.roster).length;
  document.title = `${taken ? `(${taken}/${r.seats}) ` : ""}${r.name} · Snug`;
  const { place } = state;
  $("waiting").hidden = !r.waiting && !place;
  text($("waiting"), place ? t("room.place", { Place: place, Count: Math.max(place, r.waiting) }) : waitingFor(r));
  paintDoor();
  paintEnd();
}

const waitingFor = (r) => (r.waiting ? t("room.waiting", { Count: r.waiting }) : "");

// However many events come at once, the picture is drawn once a frame.
let painting = 0;
function paintSoon() {
  painting ||= requestAnimationFrame(() => {
    painting = 0;
    paint();
  });
}

// Whether there is no seat for who looks: those held for others are taken, but not against the owner.
function noSeat() {
  if (state.overfills) return false; // Discord lets them in all the same
  const r = room();
  const free = r.seats - humans(r.roster).length;
  return (held > now() || r.ownerId === me ? free : free - heldForOthers(r).length - (r.waiting ?? 0)) <= 0;
}

// The door: join, wait for a seat, or what is true now that one sits inside.
function paintDoor() {
  const join = $("door-join");
  const here = $("door-in");
  const full = $("door-full");
  const seated = inside();
  if (here) here.hidden = !seated;
  if (join) join.hidden = seated || noSeat();
  if (full) full.hidden = seated || !noSeat();
  if (seated && !sat) {
    // what was said on the way in is over
    waitingSeat = false;
    progress("");
  }
  sat = seated;
  if ($("dlg-out").open)
    text(
      $("out-text"),
      held > now() ? t("dlg.out.text.held", { Left: clock(held - now()) }) : $("out-text").dataset.says,
    );
  if (!held || seated) return;
  if (held <= now()) {
    held = 0;
    progress(t("room.held.over"));
  } else if (join && !join.hidden && !$("open-discord").hidden) {
    progress(t("room.deep.held", { Time: hours(held) }));
  }
}

function progress(s, bad = false) {
  const p = $("progress");
  text(p, s);
  p.classList.toggle("bad", bad);
}

// The end of the room: announced, or what an empty room comes to.
function paintEnd() {
  const r = room();
  const box = $("closing");
  const at = now();
  const empty = !humans(r.roster).length;
  if (!empty) ((idle = 0), (state.kept = false));
  else if (!idle && state.idle_timeout_ms >= 0) {
    emptySince = at;
    idle = at + state.idle_timeout_ms;
  } else if (idle && state.admitted && !document.hidden) {
    // The open page of somebody with a place in it keeps an empty room, for four hours at most.
    idle = Math.max(idle, Math.min(at, emptySince + 4 * 3_600_000) + state.idle_timeout_ms);
  }
  const kept = !r.closingAt && state.kept;
  box.hidden = !r.closingAt && !(empty && idle && (kept || state.idle_timeout_ms > 0));
  if (box.hidden) return;
  box.classList.toggle("calm", !r.closingAt);
  text($("closing-text"), t(r.closingAt ? "room.closing" : kept ? "room.idle.kept" : "room.idle"));
  const keep = $("keep");
  if (keep && !keep.disabled) {
    text(keep, t(kept ? "room.keep.longer" : "room.keep"));
    keep.classList.toggle("primary", !!r.closingAt);
    keep.classList.toggle("quiet", !r.closingAt);
  }
  text($("closing-left"), r.closingAt ? clock(r.closingAt - at) : until(idle - at));
}

// Adds to the log what somebody did in voice, in the words and markup that the server has for it.
function happened(kind, who) {
  const li = document.createElement("li");
  const time = document.createElement("time");
  const s = document.createElement("span");
  time.dateTime = new Date(now()).toISOString();
  time.textContent = hours(now());
  const id = `audit.${kind}${who.bot ? ".bot" : ""}`;
  s.append(...rich(id, { By: who.displayName }));
  li.append(time, s);
  $("log").prepend(li);
  while ($("log").children.length > 60) $("log").lastChild.remove();
}

const count = () => t("room.count", { Taken: humans(room().roster).length, Count: room().seats });
const ends = ["idle", "age", "owner", "manager", "channel_deleted", "lost"];

function gone(reason) {
  if (over) return;
  over = true;
  text($("gone-text"), `${t(ends.includes(reason) ? "room.ends." + reason : "dlg.gone.text")} ${t("dlg.gone.next")}`);
  open("dlg-gone");
}

// Whether the room is gone or closed to who looks, the server tells nobody.
function notThere() {
  if (over) return;
  over = true;
  text($("hidden-text"), $("hidden-text").dataset.either);
  open("dlg-hidden");
}

// For alerts.js.
const heard = (event, p, before) =>
  document.dispatchEvent(new CustomEvent("room-event", { detail: { event, p, before, state } }));

// Whether other seats are held, or others wait: for whom is the server's to say.
const seatsChanged = (p, before) => p.waiting !== before?.waiting || `${p.held}` !== `${before?.held}`;

// What each event says beside the picture.
const tell = {
  "voice.joined"(p, before) {
    if (before?.roster.some((o) => o.userId === p.userId)) return;
    if (p.userId === me) (close("dlg-out"), close("dlg-full"));
    happened("voice_joined", p);
    say(t(p.userId === me ? "room.sat.you.say" : "room.sat.say", { Who: p.displayName, Sum: count() }));
    if (state.control || seatsChanged(p, before)) renewSoon();
  },
  "voice.left"(p, before) {
    const who = before?.roster.find((o) => o.userId === p.userId);
    if (!who) return;
    happened("voice_left", who);
    say(t(p.userId === me ? "room.stood.you.say" : "room.stood.say", { Who: who.displayName, Sum: count() }));
    if (p.userId === me && !over) open("dlg-out");
    if (p.userId === me || state.control || seatsChanged(p, before)) renewSoon();
  },
  "voice.updated"(p, before) {
    const was = before?.roster.find((o) => o.userId === p.userId);
    if (was && p.streaming && !was.streaming) happened("voice_streaming", { displayName: p.displayName });
  },
  "room.updated"(p, before) {
    if (state.control && p.knocking > (before?.knocking ?? 0)) say(t("room.knocking.say"));
    renewSoon();
  },
  "room.history_updated"() {
    if (state.control || state.admitted) renewSoon(); // others learn nothing from it that events do not tell them
  },
  "room.closing"(p) {
    say(t("room.closing.say", { Left: until(p.closingAt - now()) }));
    renewSoon();
  },
  "room.kept"() {
    emptySince = now();
    idle = 0;
    state.kept = true;
    say(t("room.kept"));
    renewSoon();
  },
  "room.deleted": (p) => gone(p.reason),
  "room.hidden"() {
    over = true;
    open("dlg-hidden");
  },
};

// What depends on who looks is the server's to say. Many pages ask at once, so
// not all in the same moment; who runs the room hears of a knock at once.
let renewing = 0;
function renewSoon() {
  clearTimeout(renewing);
  renewing = setTimeout(renew, state.control ? 120 : 200 + 800 * Math.random());
}

async function renew() {
  clearTimeout(renewing);
  if (over) return;
  document.body.dataset.drawn = ""; // what is renewed is there at once
  if (!(await refresh("state", "owner", "card", "actions", "knocks", "links", "log", "yours"))) {
    if (!live.over) renewing = setTimeout(renew, retryEvery);
    return;
  }
  const held0 = held;
  const was = state;
  state = page();
  if (state.admitted && !was.admitted) heard("let.in");
  held = moment(state.held_until);
  idle = moment(state.idle_deadline);
  if (held > now() && !held0 && !inside() && !$("dlg-out").open) {
    progress(t("room.free.say"));
    say(t("room.free.say"));
    heard("seat.held");
  }
  paint();
}

const live = new Live({
  guild: state.guild,
  room: state.room,
  onState: () => sign(),
  onWelcome: (_, ts) => setClock(ts),
  onEvent(event, p) {
    const before = apply(rooms, event, p);
    paintSoon();
    tell[event]?.(p, before);
    heard(event, p, before);
  },
  onEnd(why, problem) {
    if (over) return;
    if (why === "session") open("dlg-session");
    else if (why === "forbidden") problem?.code === "ROOM_NOT_FOUND" ? notThere() : open("dlg-denied");
    else progress(t("live.protocol"), true);
  },
});

// What a failure shows, beside its sentence.
function failed(err, place) {
  if (!(err instanceof Problem)) throw err;
  if (err.status === 401) return open("dlg-session");
  if (err.code === "ROOM_FULL") return open("dlg-full");
  if (err.code === "ROOM_NOT_FOUND") return notThere();
  if (!place?.isConnected) return progress(err.message, true);
  text(place, err.message);
  place.hidden = false;
}

async function join() {
  const label = $("join-text");
  progress("");
  text(label, t("room.moving"));
  try {
    const { moved, held_until: until, deep_link: link } = await api("POST", `${path}/join`);
    if (link) $("open-discord").href = link;
    if (moved) {
      waitingSeat = !inside();
      if (waitingSeat) progress(t("room.moved"));
    } else {
      held = moment(until);
      $("open-discord").hidden = false;
      $("open-discord").classList.replace("quiet", "primary");
      $("join").classList.replace("primary", "quiet");
      if (!held) progress(t("room.deep"));
      paint();
    }
  } catch (err) {
    failed(err);
  } finally {
    text(label, $("open-discord")?.hidden === false && !inside() ? t("room.again") : t("room.join"));
  }
}

// Has the API do what a form asks, renews the page's parts and says what came of it. What was
// shown at once is put back if it did not work, with the reason beside it.
async function act(form, button, operation, { done = () => t("room.done.say"), place, undo = () => {} } = {}) {
  const spot = () => (place ? $(place) : null);
  if (spot()) spot().hidden = true;
  try {
    const out = await api("POST", `${path}/${operation}`, fields(form, button));
    for (const input of form.querySelectorAll("input:not([type=hidden])")) input.defaultValue = input.value;
    renew().then(() => {
      const words = done(out);
      if (words) say(words);
    });
    return out;
  } catch (err) {
    undo();
    failed(err, spot());
  }
}

const actions = {
  join,
  async invite(form, button) {
    try {
      await api("POST", `${path}/invites`, fields(form, button));
      await renew();
      say(t("room.invited.say"));
    } catch (err) {
      failed(err, $("invites-error"));
    }
  },
  async revoke(form) {
    const li = form.closest("[data-invite]");
    form.closest("dialog")?.close();
    try {
      await api("DELETE", `${path}/invites/${encodeURIComponent(li.dataset.invite)}`);
      await renew();
      say(t("room.revoked.say"));
    } catch (err) {
      failed(err, $("invites-error"));
    }
  },
  change(form, button) {
    const was = button.getAttribute("aria-checked");
    const flip = (on) => was && button.setAttribute("aria-checked", on);
    const { label } = button.dataset;
    const back = was && undoes(button, was);
    flip(was === "true" ? "false" : "true");
    form.closest("dialog")?.close();
    if (button.value === "ban") setTimeout(renewSoon, 21_000); // until then the page offers to allow them again
    return act(form, button, "change", {
      place: form.closest("#yours") && "control-error",
      undo: () => flip(was),
      done: () => (back ? offer(label, back) : t("room.done.say")),
    });
  },
  answer(form, button) {
    const li = form.closest("li");
    li.classList.add("leaving");
    return act(form, button, "answer", {
      undo: () => li.classList.remove("leaving"),
      done: ({ untold }) => t(untold ? "room.untold.say" : "room.done.say"),
    });
  },
  async wait(form, button) {
    if (form.elements.leave) return leave(t("room.wait.left.say"));
    const out = await act(form, button, "wait", { done: () => t("room.wait.say") });
    if (!out) return;
    close("dlg-full");
    held = moment(out.held_until);
    state.place = out.place;
    paint();
    progress(held ? t("room.free.say") : "");
  },
  async knock(form) {
    try {
      await api("POST", `${path}/knock`);
      const p = document.createElement("p");
      p.className = "seated";
      p.textContent = t("room.knocked");
      form.replaceWith(p);
      say(p.textContent);
    } catch (err) {
      failed(err);
    }
  },
  keep: (form, button) => act(form, button, "keep", { done: () => "" }),
  async close() {
    try {
      await api("POST", `${path}/close`);
      over = true;
      location.assign(state.pages.server);
    } catch (err) {
      close("dlg-close");
      failed(err);
    }
  },
};

// What a switch sends to be as it was; nothing for a spectator link, which would be another one.
function undoes(button, was) {
  const { do: on, undo: off } = button.dataset;
  if (on === "watch") return null;
  return { do: was === "true" ? on : off };
}

// Says that something is saved, and offers to take it back.
let hiding = 0;
let back = null; // what takes the last change back
function offer(label, undo, words = "room.saved") {
  back = undo && { label, body: undo };
  text($("saved-text"), t(words, { What: label }));
  $("saved-undo").hidden = !back;
  $("toast-saved").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(hideOffer, 20_000);
}
function hideOffer() {
  if ($("toast-saved").matches(":hover, :focus-within")) hiding = setTimeout(hideOffer, 5_000);
  else $("toast-saved").hidden = true;
}

async function takeBack() {
  const { label, body } = back ?? {};
  back = null;
  if (!body) return;
  try {
    await api("POST", `${path}/change`, body);
    offer(label, null, "room.undone");
    await renew();
  } catch (err) {
    $("toast-saved").hidden = true;
    failed(err, $("control-error"));
  }
}

// Saves a field of the panel as soon as somebody is done with it.
const saving = new Map(); // timers, by the names of the inputs
async function save(input) {
  clearTimeout(saving.get(input.name));
  const was = input.defaultValue;
  const is = input.value.trim();
  if (is === was || input.dataset.sent === is) return;
  input.dataset.sent = is; // Enter saves, and so does leaving the field
  const change = (value) => ({
    do: input.dataset.save,
    [input.name]: input.type === "number" && value !== "" ? Number(value) : value,
  });
  const place = () => $(`${input.id}-error`);
  place().hidden = true;
  input.removeAttribute("aria-invalid");
  input.setAttribute("aria-busy", "true");
  try {
    const { later } = await api("POST", `${path}/change`, change(is));
    input.defaultValue = is;
    offer(document.querySelector(`label[for="${input.id}"]`).textContent, change(was),
      later ? "room.later.say" : "room.saved");
    await renew();
  } catch (err) {
    const now = $(input.id) ?? input;
    now.setAttribute("aria-invalid", "true");
    failed(err, place());
  } finally {
    input.removeAttribute("aria-busy");
    delete input.dataset.sent;
  }
}

const field = (e) => e.target.closest?.("[data-save]");
document.addEventListener("change", (e) => field(e) && save(field(e)));
document.addEventListener("input", (e) => {
  const input = field(e);
  if (input?.type !== "number") return;
  clearTimeout(saving.get(input.name)); // somebody who presses several times means the last
  saving.set(input.name, setTimeout(() => save($(input.id)), 700));
});

// Keys, one each. Whoever needs them for something else, or talks to the computer, turns them off.
const keys = {
  j: () => !$("door-join")?.hidden && $("join")?.click(),
  c: () => {
    const copy = document.querySelector("#links [data-copy]:not([hidden])");
    copy ? copy.click() : document.querySelector("#links form button")?.focus();
  },
  l: () => document.querySelector('.toggle[data-do="lock"]')?.click(),
  "?": () => open("dlg-keys"),
};
const keysOff = "snug-keys-off";
function remembered(off) {
  try {
    if (off !== undefined) off ? localStorage.setItem(keysOff, "1") : localStorage.removeItem(keysOff);
    return Boolean(localStorage.getItem(keysOff));
  } catch {
    return off ?? false; // a browser that keeps nothing
  }
}
const keysOn = () => $("keys-on").ariaChecked === "true";
$("keys-on").ariaChecked = !remembered();
$("keys-on").addEventListener("click", (e) => {
  e.currentTarget.ariaChecked = !keysOn();
  remembered(!keysOn());
});
document.addEventListener("keydown", (e) => {
  if (field(e) && e.key === "Enter" && !e.isComposing) {
    e.preventDefault();
    return save(field(e));
  }
  const work = keys[e.key.toLowerCase()];
  if (!work || e.ctrlKey || e.metaKey || e.altKey || e.repeat || e.isComposing || !keysOn()) return;
  if (e.target.closest("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
  e.preventDefault();
  work();
});

// Leaves the waiting list, or gives up the seat that is kept.
async function leave(words) {
  try {
    await api("DELETE", `${path}/wait`);
    held = 0;
    progress(words);
    say(words);
    await renew();
  } catch (err) {
    failed(err);
  }
}

// Who meant to leave needs no seat: the one that is kept for them goes to who waits.
function meant() {
  close("dlg-out");
  return held <= now() ? renewSoon() : leave(t("room.held.given"));
}

document.addEventListener("submit", (e) => {
  const work = actions[e.target.dataset.do];
  if (e.target.id === "panel") e.preventDefault(); // its fields save themselves
  if (!work) return;
  e.preventDefault();
  const button = e.submitter ?? e.target.querySelector("button:not([type=button])");
  busy(button, () => work(e.target, button));
});
document.addEventListener("click", (e) => {
  if (e.target.closest("[data-meant]")) return meant();
  if (!e.target.closest("[data-rejoin]")) return;
  close("dlg-out");
  if ($("join")) busy($("join"), join);
});

for (const m of state.rooms) {
  apply(rooms, m.event, m.payload);
  live.know(state.room, m.rev);
}
await breathe();
const sign = liveSign(live);
live.start(); // first what takes its time elsewhere
await breathe();
begin();
$("saved-undo").addEventListener("click", (e) => busy(e.currentTarget, takeBack));
await breathe();
everySecond(paint);
import("./bell.js"); // which nobody needs before the page is live
