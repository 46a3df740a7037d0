// The bell of a room's page, as far as everybody needs it: whether to offer notifications. The rest is in alerts.js,
// and loaded where something is offered, or where they're on.

import { $, page } from "./ui.js";
const later = "snug-notify-later"; // when somebody said "not now"
const month = 30 * 24 * 3_600_000;
const alerts = () => import("./alerts.js");
const stored = (key) => {
  try {
    return localStorage.getItem(key);
  } catch {
    return "forbidden"; // a browser that remembers nothing is asked nothing
  }
};

// Offers a kind, with the sentence that fits the moment, after what was pressed. Nothing is offered before: it would
// push away what somebody reads, or cover it.
function offer(kind, words, place) {
  const asked = stored(later);
  if (!window.Notification || Notification.permission === "denied" || stored("snug-notify")) return;
  if (!asked || Date.now() - asked > month) alerts().then((a) => a.offer(kind, words, place));
}

document.addEventListener("submit", ({ target }) => {
  if (target.dataset.do === "knock") offer("seat", "bell.let_in", "actions");
  if (target.dataset.do === "wait" && !target.elements.leave) offer("seat", "bell.seat", "actions");
});

// Whoever gives the link away may be out when somebody follows it, or knocks.
const gives = "#links :is([data-copy], [data-share])";

document.addEventListener("click", ({ target }) => {
  if (target.closest?.(gives) && page().control) offer("knock", "bell.knock", "links");
  if (target.id === "bell-yes") alerts().then((a) => a.accept(target, $("bell")));
  if (target.id !== "bell-no") return;
  $("bell-hint").hidden = true;
  localStorage.setItem(later, Date.now());
});

if (stored("snug-notify")) alerts().then((a) => a.start());
