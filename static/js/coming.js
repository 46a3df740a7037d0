// The page of somebody on their way into a room: it asks by itself what is next, and goes in when nothing is.

import { $, api, begin, refresh } from "./ui.js";

begin();

const every = 3000;
const hidden = 15_000;
let timer = 0;
let asking = false;

async function look() {
  clearTimeout(timer);
  if (asking) return;
  asking = true;
  let wait = document.hidden ? hidden : every;
  const box = $("coming");
  try {
    const { step, invite_url: invite } = await api("POST", `/rooms/${box.dataset.id}/arrive`);
    if (step === "in") return location.replace(box.dataset.room);
    if (step !== box.dataset.step || Boolean(invite) !== Boolean(box.dataset.ready)) await refresh("coming");
  } catch (err) {
    if (!err.status) wait = hidden; // offline; it asks again when the browser is back
    else if (err.status === 429 || err.status >= 500) wait = Math.max(wait, 1000 * (err.retryAfter || 5));
    else return location.reload(); // signed out, or the room is gone: the page says so
  } finally {
    asking = false;
  }
  timer = setTimeout(look, wait);
}

// Whoever comes back from Discord does not wait.
document.addEventListener("visibilitychange", () => document.hidden || look());
addEventListener("focus", look);
addEventListener("online", look);
timer = setTimeout(look, every);
