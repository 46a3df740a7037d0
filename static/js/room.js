// The room page: the table, the door, the invites, live.

import { Live, apply } from "./live.js";
import { Seats } from "./seats.js";
import { $, Problem, api, begin, busy, clock, close, everySecond, hours, humans, liveSign, now, open, page, refresh, rich, say, setClock, t, text, until } from "./ui.js";

const state = page(), { me } = state, path = `/rooms/${state.room}`;
const rooms = new Map();
const seats = new Seats(me);
let over = false; // the room is gone for this page
let held = state.heldUntil ?? 0; // until when a seat is kept, in Unix milliseconds
let idle = state.idleDeadline ?? 0; // when the empty room closes, if nobody comes
let emptySince = now();
let waitingSeat = false; // the bot moves the person; their seat has not lit up yet

const room = () => rooms.get(state.room);
const inside = () => room()?.roster.some((p) => p.userId === me) ?? false;

function paint() {
  const r = room();
  if (!r) return;
  if (inside()) held = 0;
  const keep = held > now();
  seats.show(r, { held: keep, heldNote: keep ? t("seat.held", { Left: clock(held - now()) }) : "" });
  text($("room-h"), r.name);
  text($("kind"), t(r.private ? "room.private" : r.locked ? "room.locked" : "room.open"));
  $("kind-i").setAttribute("href", r.private || r.locked ? "#i-lock" : "#i-open");
  const taken = humans(r.roster).length;
  document.title = `${taken ? `(${taken}/${r.seats}) ` : ""}${r.name} · Snug`;
  paintDoor();
  paintEnd();
}

// However many events come at once, the picture is drawn once a frame.
let painting = 0;
function paintSoon() {
  painting ||= requestAnimationFrame(() => {
    painting = 0;
    paint();
  });
}

// The door: join, or what is true now that one sits inside.
function paintDoor() {
  const join = $("door-join"), here = $("door-in"), seated = inside();
  if (here) here.hidden = !seated;
  if (join) join.hidden = seated;
  if (seated && waitingSeat) {
    waitingSeat = false;
    progress("");
  }
  if (!held || seated) return;
  if (held <= now()) {
    held = 0;
    progress(t("room.held.over"));
  } else if (join) {
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
  const r = room(), box = $("closing"), at = now();
  const empty = !humans(r.roster).length;
  if (!empty) idle = 0;
  else if (!idle && state.idleTimeout >= 0) {
    emptySince = at;
    idle = at + state.idleTimeout;
  } else if (idle && state.admitted && !document.hidden) {
    // The open page of somebody with a place in it keeps an empty room, for four hours at most.
    idle = Math.max(idle, Math.min(at, emptySince + 4 * 3_600_000) + state.idleTimeout);
  }
  box.hidden = !r.closingAt && !(empty && idle && state.idleTimeout > 0);
  if (box.hidden) return;
  box.classList.toggle("calm", !r.closingAt);
  text($("closing-text"), t(r.closingAt ? "room.closing" : "room.idle"));
  text($("closing-left"), r.closingAt ? clock(r.closingAt - at) : until(idle - at));
}

function happened(id, values) {
  const li = document.createElement("li"), time = document.createElement("time"), s = document.createElement("span");
  time.dateTime = new Date(now()).toISOString();
  time.textContent = hours(now());
  s.append(...rich(id, values));
  li.append(time, s);
  $("log").prepend(li);
  while ($("log").children.length > 50) $("log").lastChild.remove();
}

const count = () => t("room.count", { Taken: humans(room().roster).length, Count: room().seats });

const ends = ["idle", "age", "owner", "manager", "channel_deleted", "lost"];

function gone(reason) {
  if (over) return;
  over = true;
  text($("gone-text"), `${t(ends.includes(reason) ? "room.ends." + reason : "dlg.gone.text")} ${t("dlg.gone.next")}`);
  open("dlg-gone");
}

// What each event says beside the picture.
const tell = {
  "voice.joined"(p, before) {
    if (before?.roster.some((o) => o.userId === p.userId)) return;
    if (p.userId === me) close("dlg-out");
    happened(p.bot ? "log.came" : "log.sat", { Who: p.displayName });
    say(t(p.userId === me ? "room.sat.you.say" : "room.sat.say", { Who: p.displayName, Sum: count() }));
  },
  "voice.left"(p, before) {
    const who = before?.roster.find((o) => o.userId === p.userId);
    if (!who) return;
    happened(who.bot ? "log.left" : "log.stood", { Who: who.displayName });
    say(t(p.userId === me ? "room.stood.you.say" : "room.stood.say", { Who: who.displayName, Sum: count() }));
    if (p.userId === me && !over) open("dlg-out");
  },
  "voice.updated"(p, before) {
    const was = before?.roster.find((o) => o.userId === p.userId);
    if (was && p.streaming && !was.streaming) happened("log.streams", { Who: p.displayName });
  },
  "room.updated"(p, before) {
    if (before && before.name !== p.name) happened("log.renamed", { Room: p.name });
    if (before && before.seats !== p.seats) happened("log.seats", { Count: p.seats });
    refreshSoon();
  },
  "room.closing"(p) {
    happened("log.closing");
    say(t("room.closing.say", { Left: until(p.closingAt - now()) }));
  },
  "room.kept"() {
    emptySince = now();
    idle = 0;
    happened("room.kept.log");
    say(t("room.kept"));
  },
  "room.deleted": (p) => gone(p.reason),
  "room.hidden"() {
    over = true;
    open("dlg-hidden");
  },
};

// What depends on who looks is the server's to say; many pages ask at once, so not all in the same moment.
let refreshing = 0;
function refreshSoon() {
  clearTimeout(refreshing);
  refreshing = setTimeout(async () => {
    if (await refresh("actions", "invites")) paintDoor();
  }, 200 + 800 * Math.random());
}

const live = new Live({
  guild: state.guild, room: state.room,
  onState: () => sign(),
  onWelcome: (_, ts) => setClock(ts),
  onEvent(event, p) {
    const before = apply(rooms, event, p);
    paintSoon();
    tell[event]?.(p, before);
  },
  onEnd(why, problem) {
    if (over) return;
    if (why === "session") open("dlg-session");
    else if (why === "forbidden") (problem?.code === "ROOM_NOT_FOUND" ? gone() : open("dlg-denied"));
    else progress(t("room.protocol"), true);
  },
});

// What a failure shows, beside its sentence.
function failed(err) {
  if (!(err instanceof Problem)) throw err;
  if (err.status === 401) return open("dlg-session");
  if (err.code === "ROOM_FULL") {
    text($("full-text"), err.message);
    return open("dlg-full");
  }
  if (err.code === "ROOM_NOT_FOUND") return gone();
  progress(err.message, true);
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
      held = until ? Date.parse(until) : 0;
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

function invitesFailed(err) {
  if (err.status === 401) return open("dlg-session");
  text($("invites-error"), err.message);
  $("invites-error").hidden = false;
}

const actions = {
  join,
  async invite() {
    try {
      await api("POST", `${path}/invites`, {});
      await refresh("invites");
      say(t("room.invited.say"));
    } catch (err) {
      invitesFailed(err);
    }
  },
  async revoke(form) {
    const li = form.closest("[data-invite]");
    try {
      await api("DELETE", `${path}/invites/${encodeURIComponent(li.dataset.invite)}`);
      await refresh("invites");
      say(t("room.revoked.say"));
    } catch (err) {
      invitesFailed(err);
    }
  },
  keep: () => api("POST", `${path}/keep`).catch(failed),
  async close() {
    try {
      await api("POST", `${path}/close`);
      over = true;
      location.assign(`/servers/${state.guild}`);
    } catch (err) {
      close("dlg-close");
      failed(err);
    }
  },
};

document.addEventListener("submit", (e) => {
  const work = actions[e.target.dataset.do];
  if (!work) return;
  e.preventDefault();
  busy(e.submitter ?? e.target.querySelector("button"), () => work(e.target));
});
document.addEventListener("click", (e) => {
  if (!e.target.closest("[data-rejoin]")) return;
  close("dlg-out");
  if ($("join")) busy($("join"), join);
});

begin();
for (const m of state.rooms) {
  apply(rooms, m.event, m.payload);
  live.know(state.room, m.rev);
}
const sign = liveSign(live);
everySecond(paint);
live.start();
