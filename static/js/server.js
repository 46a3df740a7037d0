// The server page: the street of rooms, live, and the form that opens one.

import { Live, apply } from "./live.js";
import { avatar } from "./seats.js";
import { $, Problem, api, begin, busy, clock, everySecond, humans, liveSign, now, open, page, say, setClock, span, t, text } from "./ui.js";

const state = page(), street = $("street"), rooms = new Map();
const house = (id) => street.querySelector(`[data-room="${CSS.escape(id)}"]`);

function paintHouse(r) {
  let li = house(r.channelId);
  if (!li) {
    li = $("t-house").content.firstElementChild.cloneNode(true);
    li.dataset.room = r.channelId;
    li.querySelector("a").href = `/game/${r.channelId}`;
    street.append(li);
  }
  const people = humans(r.roster), seats = Math.max(r.seats, people.length);
  const kind = `house lit-${Math.min(people.length, 4)}${r.closingAt ? " soon" : ""}`;
  if (li.className !== kind) li.className = kind;
  li.querySelector(".mini").className = `mini ${seats <= 8 ? `of-${seats}` : "crowd"}`;
  const top = li.querySelector(".top-t");
  text(top.firstElementChild, String(people.length));
  text(top.lastElementChild, String(r.seats));
  paintRing(li.querySelector(".ring"), people, Math.min(seats, 8));
  text(li.querySelector(".name"), r.name);
  text(li.querySelector(".sum"), r.closingAt ? t("house.closing", { Left: clock(r.closingAt - now()) }) : t("house.sum", { Taken: people.length, Count: r.seats }));
  li.querySelector(".kind use").setAttribute("href", r.private || r.locked ? "#i-lock" : "#i-open");
  text(li.querySelector(".kind span"), t(r.private ? "house.private" : r.locked ? "house.locked" : "house.open"));
  text(li.querySelector(".people"), people.length ? people.map((p) => p.displayName).join(", ") : t("house.quiet"));
  const owner = state.owners[r.ownerId] ?? r.roster.find((p) => p.userId === r.ownerId)?.displayName;
  const line = li.querySelector(".line-n"), since = li.querySelector("time");
  line.hidden = !r.waiting;
  text(line, r.waiting ? t("house.waiting", { Count: r.waiting }) : "");
  if (Date.parse(since.dateTime) !== r.openedAt) since.dateTime = new Date(r.openedAt).toISOString();
  text(since, t("house.since", { Span: span(now() - r.openedAt) }));
  text(li.querySelector(".whose"), r.ownerId === state.me ? t("house.mine") : owner ? t("house.by", { Who: owner }) : "");
}

function paintRing(ring, people, seats) {
  while (ring.children.length > seats) ring.lastChild.remove();
  for (let i = 0; i < seats; i++) {
    const dot = ring.children[i] ?? ring.appendChild(document.createElement("span")), p = people[i];
    if (!p) {
      dot.className = "dot empty";
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

function paint() {
  for (const r of rooms.values()) paintHouse(r);
  for (const li of [...street.children]) if (!rooms.has(li.dataset.room)) li.remove();
  $("nobody").hidden = rooms.size > 0;
  const people = [...rooms.values()].reduce((n, r) => n + humans(r.roster).length, 0);
  text($("server-sum"), !rooms.size ? t("street.none") : !people ? t("street.empty", { Count: rooms.size })
    : t("street.sum", { Rooms: t("street.rooms", { Count: rooms.size }), People: t("street.people", { Count: people }) }));
}

const live = new Live({
  guild: state.guild,
  onState: () => sign(),
  onWelcome(ids, ts) {
    setClock(ts);
    for (const id of rooms.keys()) if (!ids.includes(id)) rooms.delete(id);
    paint();
  },
  onEvent(event, p) {
    const before = apply(rooms, event, p);
    paint();
    if (event === "room.created") say(t("server.opened", { Room: p.name }));
    if (event === "voice.joined" && before) say(t("server.sat", { Who: p.displayName, Room: before.name }));
    if (event === "room.deleted" && before) say(t("server.gone", { Room: before.name }));
  },
  onEnd(why) {
    open(why === "session" ? "dlg-session" : "dlg-denied");
  },
});

$("create")?.addEventListener("submit", (e) => {
  e.preventDefault();
  const form = e.target, data = new FormData(form);
  const wrong = { name: $("c-name-error"), seats: $("c-seats-error"), "": $("create-error") };
  for (const el of Object.values(wrong)) text(el, "");
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  busy(e.submitter ?? form.querySelector(".primary"), async () => {
    try {
      const { channelId } = await api("POST", `/guilds/${state.guild}/rooms`, {
        name: data.get("name"), seats: Number(data.get("seats")), private: data.has("private"),
      });
      location.assign(`/game/${channelId}`);
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
const sign = liveSign(live);
everySecond(paint);
live.start();
