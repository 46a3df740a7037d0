// Pages without a live connection. On the landing page the example comes to
// life: people of nowhere sit down and stand up, unless motion is unwelcome.

import { Seats } from "./seats.js";
import { $, begin } from "./ui.js";

begin();

const still = matchMedia("(prefers-reduced-motion: reduce)");
if (document.querySelector(".example")) {
  const people = [...document.querySelectorAll(".seat.on")].map((li, i) => ({
    seat: i + 1,
    userId: li.dataset.user,
    displayName: li.querySelector(".who").textContent,
    muted: li.querySelector('[data-mark="muted"]:not([hidden])') !== null,
    streaming: li.querySelector('[data-mark="streaming"]:not([hidden])') !== null,
  }));
  const priya = { userId: String(13n << 22n), displayName: "Priya", seat: 4 };
  const [mara, jonas, kiyo] = people;
  const seats = new Seats();
  const evening = [
    [mara, jonas, kiyo, priya],
    [mara, { ...jonas, muted: false }, kiyo, priya],
    [mara, { ...jonas, muted: false }, priya],
    [mara, jonas, priya],
    [mara, jonas, kiyo, priya],
    [mara, jonas, kiyo],
  ];
  let at = 0;
  setInterval(() => {
    if (still.matches || document.hidden) return;
    seats.show({ seats: 4, ownerId: mara.userId, roster: evening[at++ % evening.length] });
  }, 2600);
}
$("f-seats")?.form?.querySelector("[aria-invalid]")?.focus();

// A page that waits for something looks again by itself, and goes on when it is there.
const again = document.querySelector("[data-look-again]");
if (again) {
  const look = async () => {
    const answer = await fetch(location.href, { credentials: "same-origin", headers: { Accept: "text/html" } }).catch(
      () => null,
    );
    if (answer && (answer.ok || answer.redirected)) location.reload();
    else setTimeout(look, 1000 * Number(again.dataset.lookAgain));
  };
  setTimeout(look, 1000 * Number(again.dataset.lookAgain));
}
