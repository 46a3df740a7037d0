// The server page: the list of rooms, live, with a door to each, and the form
// that opens one.

import { Live, apply } from "./live.js";
import { avatar } from "./seats.js";
import {
  $,
  Problem,
  api,
  begin,
  busy,
  clock,
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
  say,
  setClock,
  span,
  t,
  text,
} from "./ui.js";

const state = page();
const roomList = $("room-list");
const rooms = new Map();
const owners = { ...state.owners }; // their display names, by id
let welcomed = false;
const coming = new Map(); // rooms one is on the way to, and until when a seat is held there; Infinity: while asking
const roomPage = (id) => state.pages.room.replace(":channel", id);
const roomCard = (id) => roomList.querySelector(`[data-room="${CSS.escape(id)}"]`);

function paintCard(r) {
  let li = roomCard(r.channelId);
  if (!li) {
    li = $("t-room-card").content.firstElementChild.cloneNode(true);
    li.dataset.room = r.channelId;
    li.querySelector("a").href = roomPage(r.channelId);
    li.querySelector(".act").id = `act-${r.channelId}`;
    roomList.append(li);
    renewSoon(r.channelId); // what one may do there is the server's to say
  }
  const people = humans(r.roster);
  const seats = Math.max(r.seats, people.length);
  const kind = `room-card lit-${Math.min(people.length, 4)}${r.closingAt ? " ending-soon" : ""}`;
  if (li.className !== kind) li.className = kind;
  li.querySelector(".mini").className = `mini ${seats <= 8 ? `of-${seats}` : "of-many"}`;
  const top = li.querySelector(".top-t");
  text(top.firstElementChild, String(people.length));
  text(top.lastElementChild, String(r.seats));
  const inside = r.roster.some((p) => p.userId === state.me);
  if (inside || coming.get(r.channelId) <= now()) arrived(li, r.channelId);
  paintRing(li.querySelector(".ring"), people, Math.min(seats, 8), coming.has(r.channelId));
  paintDoor(li, inside, people.length >= r.seats);
  text(li.querySelector(".name"), r.name);
  const headline = li.querySelector(".headline");
  headline.hidden = !r.headline;
  text(headline, r.headline ?? "");
  text(
    li.querySelector(".sum"),
    r.closingAt
      ? t("room-card.closing", { Left: clock(r.closingAt - now()) })
      : t("room-card.sum", { Taken: people.length, Count: r.seats }),
  );
  li.querySelector(".kind use").setAttribute("href", r.private || r.locked ? "#i-lock" : "#i-open");
  text(li.querySelector(".kind span"), privacy(r));
  text(li.querySelector(".people"), people.length ? people.map((p) => p.displayName).join(", ") : t("room-card.quiet"));
  const owner = owners[r.ownerId] ?? r.roster.find((p) => p.userId === r.ownerId)?.displayName;
  const line = li.querySelector(".line-n");
  const since = li.querySelector("time");
  line.hidden = !r.waiting;
  text(line, r.waiting ? t("room-card.waiting", { Count: r.waiting }) : "");
  if (Date.parse(since.dateTime) !== r.openedAt) since.dateTime = new Date(r.openedAt).toISOString();
  text(since, t("room-card.since", { Span: span(now() - r.openedAt) }));
  text(
    li.querySelector(".whose"),
    r.ownerId === state.me ? t("room-card.mine") : owner ? t("room-card.by", { Who: owner }) : "",
  );
}

// The door of a room, as far as events decide it. Whom Discord lets in all the same is offered no place in the line.
function paintDoor(li, inside, taken) {
  const full = taken && !!li.querySelector(".act-full");
  const show = (part, on) => {
    const el = li.querySelector(part);
    if (el && el.hidden === on) el.hidden = !on;
  };
  show(".act-in", inside);
  show(".act-join", !inside && !full);
  show(".act-full", !inside && full);
}

// What came of asking, under the room it is about.
function tell(li, s, bad = false) {
  const p = li.querySelector(".said");
  text(p, s);
  p.classList.toggle("bad", bad);
  p.hidden = !s;
}

// Nobody is on the way any more: they sit, or their held seat has run out.
function arrived(li, id) {
  if (!coming.delete(id)) return;
  li.querySelector(".act-deep")?.remove();
  tell(li, "");
}

function paintRing(ring, people, seats, held) {
  while (ring.children.length > seats) ring.lastChild.remove();
  for (let i = 0; i < seats; i++) {
    const dot = ring.children[i] ?? ring.appendChild(document.createElement("span"));
    const p = people[i];
    if (!p) {
      dot.className = `dot ${held && i === people.length ? "held" : "empty"}`;
      dot.replaceChildren();
      delete dot.dataset.user;
      continue;
    }
    if (dot.dataset.user !== p.userId) dot.className = `dot${dot.firstChild ? "" : " sat"}`;
    dot.dataset.user = p.userId;
    if (!dot.firstChild) dot.append(document.createElement("span"));
    avatar(dot.firstElementChild, p);
  }
}

const looking = () => !$("starting").hidden;

function paint() {
  for (const r of rooms.values()) paintCard(r);
  for (const li of [...roomList.children]) if (!rooms.has(li.dataset.room)) li.remove();
  $("nobody").hidden = rooms.size > 0 || looking();
  const people = [...rooms.values()].reduce((n, r) => n + humans(r.roster).length, 0);
  text(
    $("server-sum"),
    !rooms.size
      ? t(looking() ? "room-list.looking" : "room-list.none")
      : !people
        ? t("room-list.empty", { Count: rooms.size })
        : t("room-list.sum", {
            Rooms: t("room-list.rooms", { Count: rooms.size }),
            People: t("room-list.people", { Count: people }),
          }),
  );
}

// Whether what one may do at a room may have changed with it.
const changedFor = (was, is) =>
  ["private", "locked", "ownerId"].some((k) => is[k] !== undefined && is[k] !== was[k]) ||
  (is.knocking < was.knocking && roomCard(was.channelId)?.querySelector(".act-knocked"));

// Doors are the server's to make. Many pages ask at once, so not all in the same moment.
const stale = new Set();
let renewing = 0;
function renewSoon(id) {
  stale.add(id);
  renewing ||= setTimeout(renew, 100 + 500 * Math.random());
}

async function renew() {
  const ids = [...stale].filter((id) => !coming.has(id));
  const knocked = ids.filter((id) => roomCard(id)?.querySelector(".act-knocked"));
  stale.clear();
  if (!(await refresh("state", ...ids.map((id) => `act-${id}`)))) {
    for (const id of ids) stale.add(id);
    renewing = live.over ? 0 : setTimeout(renew, retryEvery);
    return;
  }
  Object.assign(owners, page().owners);
  renewing = 0;
  if (stale.size) renewSoon([...stale][0]);
  for (const id of knocked) {
    const li = roomCard(id);
    const into = li?.querySelector(".act-join");
    const words = into ? "room-card.let-in" : li?.querySelector(".act-knock") && "room-card.not-now";
    if (!words) continue;
    tell(li, t(words), !into);
    say(`${rooms.get(id)?.name}: ${t(words)}`);
  }
  paint();
}

// A failure puts the picture back and says why.
function failed(err, li, id) {
  coming.delete(id);
  paint();
  if (!(err instanceof Problem)) throw err;
  if (err.status === 401) return open("dlg-session");
  tell(li, err.message, true);
}

const actions = {
  async join(form, li, id) {
    const label = form.querySelector(".go");
    text(label, t("room.moving"));
    coming.set(id, Infinity);
    tell(li, "");
    paint();
    let again = "room.join";
    try {
      const { moved, held_until: until, deep_link: link } = await api("POST", `/rooms/${id}/join`);
      if (moved) {
        if (coming.has(id)) {
          coming.set(id, now() + 10_000);
          tell(li, t("room.moved"));
        }
        return;
      }
      again = "room.again";
      if (until) coming.set(id, Date.parse(until));
      else coming.delete(id);
      const deep = li.querySelector(".act-deep") ?? $("t-deep").content.firstElementChild.cloneNode(true);
      deep.href = link;
      form.before(deep);
      deep.focus();
      tell(li, until ? t("room-card.deep.held", { Time: hours(Date.parse(until)) }) : t("room-card.deep"));
      paint();
    } catch (err) {
      failed(err, li, id);
    } finally {
      text(label, t(again));
    }
  },
  async knock(form, li, id) {
    tell(li, "");
    try {
      await api("POST", `/rooms/${id}/knock`);
      const p = $("t-knocked").content.firstElementChild.cloneNode(true);
      form.replaceWith(p);
      say(p.textContent);
    } catch (err) {
      failed(err, li, id);
    }
  },
};

document.addEventListener("submit", (e) => {
  const li = e.target.closest(".room-card");
  const work = li && actions[e.target.dataset.do];
  if (!work) return;
  e.preventDefault();
  busy(e.submitter ?? e.target.querySelector("button"), () => work(e.target, li, li.dataset.room));
});

const live = new Live({
  guild: state.guild,
  onState: () => sign(),
  onWelcome(ids, ts) {
    setClock(ts);
    if (welcomed) ids.filter(roomCard).forEach(renewSoon); // rights may have changed meanwhile
    welcomed = true;
    for (const id of rooms.keys()) if (!ids.includes(id)) rooms.delete(id);
    paint();
  },
  onEvent(event, p) {
    const before = apply(rooms, event, p);
    paint();
    if (event === "room.updated" && before && changedFor(before, p)) renewSoon(p.channelId);
    if (event === "room.created") say(t("server.opened", { Room: p.name }));
    if (event === "voice.joined" && before) say(t("server.sat", { Who: p.displayName, Room: before.name }));
    if (event === "room.deleted" && before) say(t("server.gone", { Room: before.name }));
  },
  onEnd(why) {
    if (why === "broken") say(t("live.protocol"));
    else open(why === "session" ? "dlg-session" : "dlg-denied");
  },
});

$("create")?.addEventListener("submit", (e) => {
  e.preventDefault();
  const form = e.target;
  const wrong = { name: $("c-name-error"), seats: $("c-seats-error"), "": $("create-error") };
  for (const el of Object.values(wrong)) text(el, "");
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  busy(e.submitter ?? form.querySelector(".primary"), async () => {
    try {
      const { channel_id: id } = await api("POST", `/guilds/${state.guild}/rooms`, fields(form));
      location.assign(roomPage(id));
    } catch (err) {
      if (!(err instanceof Problem)) throw err;
      if (err.status === 401) return open("dlg-session");
      const place = wrong[err.field] ?? wrong[""];
      text(place, err.message);
      place.hidden = false;
      const input = form.querySelector(`[name="${CSS.escape(err.field)}"]`);
      input?.setAttribute("aria-invalid", "true");
      input?.focus();
    }
  });
});

begin();
for (const m of state.rooms) {
  apply(rooms, m.event, m.payload);
  live.know(m.payload.channelId, m.rev);
}
// While Snug still looks around in the server, the page looks again by itself.
async function lookAgain() {
  await refresh("starting");
  paint();
  if (looking()) setTimeout(lookAgain, 3000);
}
if (looking()) setTimeout(lookAgain, 3000);

const sign = liveSign(live);
everySecond(paint);
live.start();
