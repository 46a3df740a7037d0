// Small pages. On the landing page the example comes to life: people of nowhere sit down and stand up, unless motion is
// unwelcome. The home page follows its servers.

import { Live } from "./live.js";
import { Seats } from "./seats.js";
import { $, begin, liveSign, page, refresh, retryEvery } from "./ui.js";

begin();
if ($("now")) followServers(page().guilds);

// The home page has a connection to each of its first servers, and fetches its lists again when something happens
// there: who is close to whom is the server's to say. The other servers are as old as the page.
function followServers(guilds) {
  const most = 8;
  const pause = 1500; // between two fetches, however much happens
  let waiting = 0;
  let last = 0;
  const renewSoon = (least = 150 + 250 * Math.random()) => {
    if (!document.hidden) waiting ||= setTimeout(renew, Math.max(least, last + pause - Date.now()));
  };
  async function renew() {
    waiting = 0; // what happens from here on, this one may not see
    last = Date.now();
    if (!(await refresh("now", "closed", "servers"))) renewSoon(retryEvery);
  }
  // The page may be older than the connection: rooms that are there come as events, those that went do not.
  const welcomed = () => (last || document.querySelector("#now [data-room]")) && renewSoon();
  const lives = guilds.slice(0, most).map(
    (guild) => new Live({ guild, onState: () => sign(), onWelcome: welcomed, onEvent: () => renewSoon() }),
  );
  if (!lives.length) return;
  document.addEventListener("visibilitychange", () => renewSoon());
  const order = ["", "connecting", "live", "unheard", "reconnecting", "stale"];
  const worst = () => lives.filter((l) => !l.over).sort((a, b) => order.indexOf(b.state) - order.indexOf(a.state))[0];
  const sign = liveSign({
    get state() {
      return worst()?.state ?? "ended";
    },
    get since() {
      return Math.min(...lives.map((l) => l.since));
    },
    retry: () => lives.forEach((l) => l.retry()),
  });
  for (const l of lives) l.start();
}

// The server chosen to open a room in says which presets there are.
$("open-guild")?.addEventListener("change", choose);
function choose() {
  const guild = $("open-guild").value;
  for (const b of document.querySelectorAll("#open-bar [data-guild]")) b.hidden = b.dataset.guild !== guild;
  const more = $("open-more");
  more.href = more.getAttribute("href").replace(/\d+/, guild);
}
if ($("open-guild")) {
  choose();
  // only those of the chosen server are shown
  for (const s of document.querySelectorAll("#open-bar .chip-in")) s.hidden = true;
}

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

// As an app of its own, which starts here, Snug says so when there is no connection.
const { worker } = document.querySelector("link[rel=manifest]").dataset;
if (matchMedia("(display-mode: standalone)").matches) navigator.serviceWorker?.register(worker);
