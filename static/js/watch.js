// The spectators' view: a room's table, or over whatever is behind it who sits there. It has no controls and no
// dialogs; what it may not show any more it does not show.

import { Live, apply } from "./live.js";
import { Seats, places } from "./seats.js";
import { $, begin, clock, everySecond, humans, now, page, setClock, t, text, until } from "./ui.js";

const state = page();
const rooms = new Map();
const seats = new Seats();

const overlay = Boolean($("seating").dataset.plain);

function paint() {
  const r = rooms.get(state.room);
  $("overlay").hidden = !r;
  if (!overlay) $("over").hidden = Boolean(r);
  if (!r) return;
  if (overlay) paintOverlay(r);
  else paintStage(r);
  text($("watch-h"), r.name);
}

// The table, as members see it, but for names of those who do not sit there yet.
function paintStage(r) {
  const kept = (r.held ?? []).filter((at) => at > now());
  seats.show(r, kept.map((at) => ({ note: t("seat.held", { Left: clock(at - now()) }) })));
  text($("headline"), r.headline);
  $("headline").hidden = !r.headline;
}

// Those who sit, as they sit; free seats are not for an overlay.
function paintOverlay(r) {
  const order = places(humans(r.roster), r.seats).filter(Boolean);
  seats.show({ ...r, seats: 0, roster: r.roster.map((p) => ({ ...p, seat: order.indexOf(p.userId) + 1 })) });
  text($("total"), String(r.seats));
}

// How far the picture can be trusted: an overlay says it only where it can't be.
function fresh() {
  document.body.dataset.live = live.state;
  const old = ["unheard", "stale"].includes(live.state);
  $("watch-live").hidden = overlay && !old;
  text($("watch-live"), t("live." + live.state, { Span: until(Date.now() - live.since) }));
}

const live = new Live({
  guild: state.guild,
  room: state.room,
  ticket: { path: state.ticket, body: { t: state.token } },
  onState: () => fresh(),
  onWelcome: (_, ts) => setClock(ts),
  onEvent(event, p) {
    apply(rooms, event, p);
    paint();
  },
  onEnd() {
    rooms.clear();
    paint();
  },
});

begin();
for (const m of state.rooms) {
  apply(rooms, m.event, m.payload);
  live.know(state.room, m.rev);
}
everySecond(() => {
  paint();
  fresh();
});
live.start();
