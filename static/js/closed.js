// The page of a room that has closed: it says at once when somebody opens the room again.

import { Live } from "./live.js";
import { $, begin, page, say } from "./ui.js";

begin();

// The page is still one of a room that is gone (410), which refresh takes for a failure.
async function look() {
  const answer = await fetch(location.pathname, { credentials: "same-origin", headers: { Accept: "text/html" } }).catch(
    () => null,
  );
  const html = answer?.status === 410 && (await answer.text().catch(() => ""));
  const next = html && new DOMParser().parseFromString(html, "text/html").getElementById("closed-room");
  if (!next || next.textContent === $("closed-room").textContent) return;
  $("closed-room").replaceWith(document.adoptNode(next));
  say($("closed-h").textContent);
}

const live = new Live({
  guild: page().guild,
  onWelcome: look,
  onEvent(event) {
    if (event === "room.created" || event === "room.deleted") look();
  },
});
live.start();
