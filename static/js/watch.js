// The spectators' view: who sits in a room, over whatever is behind it. It has
// no controls and no dialogs; what it may not show any more it does not show.

import { Live, apply } from "./live.js";
import { Seats, places } from "./seats.js";
import { $, begin, everySecond, humans, page, t, text, until } from "./ui.js";

const state = page();
const rooms = new Map();
const seats = new Seats();

function paint() {
  const r = rooms.get(state.room);
  $("overlay").hidden = !r;
  if (!r) return;
  const order = places(humans(r.roster), r.seats).filter(Boolean);
  // Those who sit, as they sit; free seats are not for an overlay.
  seats.show({ ...r, seats: 0, roster: r.roster.map((p) => ({ ...p, seat: order.indexOf(p.userId) + 1 })) });
  text($("total"), String(r.seats));
  text($("watch-h"), r.name);
}

// How far the picture can be trusted, where it cannot.
function fresh() {
  document.body.dataset.live = live.state;
  const old = ["unheard", "stale"].includes(live.state);
  $("watch-live").hidden = !old;
  if (old) text($("watch-live"), t("live." + live.state, { Span: until(Date.now() - live.since) }));
}

const live = new Live({
  guild: state.guild,
  room: state.room,
  ticket: { path: state.ticket, body: { t: state.token } },
  onState: () => fresh(),
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
paint();
everySecond(fresh);
live.start();
