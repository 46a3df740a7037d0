// The page of a room that has closed: it says at once when somebody opens the room again.

import { Live } from "./live.js";
import { $, begin, page, refresh, say } from "./ui.js";

begin();

const live = new Live({
  guild: page().guild,
  async onEvent(event) {
    if (event !== "room.created" && event !== "room.deleted") return;
    const was = $("closed-h").textContent;
    await refresh("closed-room", "state");
    if ($("closed-h").textContent !== was) say($("closed-h").textContent);
  },
});
live.start();
