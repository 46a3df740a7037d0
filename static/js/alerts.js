// Notifications of a room's page: which of the things that room.js saw ("room-event") are told.

import { $, api, busy, page, t, words } from "./ui.js";
import { remembered, renew, standing, tell, turnOn } from "./notify.js";

const { me } = page();
let n = null; // what the server has of the person's notifications, while they're on here

const load = () => api("GET", "/me/notifications");

/** Begins to tell, if notifications are on here. */
export async function start() {
  if (!["on", "page"].includes(standing(me))) return;
  const found = await load().catch(() => null);
  if (!found || !(await speak())) return;
  await renew(me, found).catch(() => {});
  if (remembered(me)) n = found;
  $("bell").dataset.on = Boolean(n);
}

// What notifications say comes with their page: few rooms' pages need it. It gives whether it came.
async function speak() {
  try {
    const answer = await fetch($("bell").href, { credentials: "same-origin", headers: { Accept: "text/html" } });
    const there = new DOMParser().parseFromString(await answer.text(), "text/html");
    return Object.assign(words, JSON.parse(there.getElementById("words").textContent));
  } catch {
    return null;
  }
}

/** Offers a kind of notification, with the sentence of an id, after the element place. */
export async function offer(kind, id, place) {
  if (!(await speak())) return;
  const box = $("bell-hint");
  const made = (tag, as) => Object.assign(document.createElement(tag), as);
  const row = made("div", { className: "row" });
  row.append(
    made("button", { id: "bell-yes", className: "primary small", textContent: t("bell.yes") }),
    made("button", { id: "bell-no", className: "quiet small", textContent: t("bell.no") }),
  );
  box.dataset.kind = kind;
  box.replaceChildren(made("p", { textContent: t(id) }), row);
  $(place).after(box);
  box.hidden = false;
}

// What room.js saw, as a kind of notification and what it says.
const kinds = {
  "room.updated": ({ p, before, state }) =>
    state.control && p.knocking > (before?.knocking ?? 0) && { kind: "knock", say: "knock.nameless" },
  "voice.joined": ({ p, before }) =>
    p.userId !== me &&
    !before?.roster.some((o) => o.userId === p.userId) &&
    n.trusted.some((o) => o.user_id === p.userId) && { kind: "trusted", say: "trusted", who: p.displayName },
  "room.closing": ({ p, before, state }) =>
    (state.admitted || state.control || before?.roster.some((o) => o.userId === me)) && {
      kind: "closing",
      say: "closing",
      closingIn: Math.max(1, Math.round((p.closingAt - Date.now()) / 60_000)),
    },
  "seat.held": () => ({ kind: "seat", say: "seat" }),
  "let.in": () => ({ kind: "seat", say: "let_in" }),
};

document.addEventListener("room-event", ({ detail }) => {
  const what = n && kinds[detail.event]?.(detail);
  if (what) tell(me, n, { ...what, room: $("room-h").textContent, url: location.pathname });
});

/** Turns notifications on here for what was offered, beside what is on already. What hinders is said on their page. */
export const accept = (button, link) =>
  busy(button, async () => {
    try {
      const list = [...new Set([...(await load()).kinds, $("bell-hint").dataset.kind])];
      if (!["on", "page"].includes(await turnOn(me, list))) throw new Error("not allowed");
      await start();
      $("bell-hint").hidden = true;
    } catch {
      location.assign(link.href);
    }
  });
