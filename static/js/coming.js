// The page of somebody on their way into a room: it asks by itself what is next, and goes in when nothing is.

import { $, begin, refresh } from "./ui.js";

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
  try {
    const answer = await fetch(location.pathname, {
      credentials: "same-origin",
      headers: { Accept: "application/json" },
      cache: "no-store",
    });
    const box = $("coming");
    if (answer.ok) {
      const { step, ready } = await answer.json();
      if (step === "in") return location.replace(box.dataset.room);
      if (step !== box.dataset.step || ready !== Boolean(box.dataset.ready)) await refresh("coming");
    } else if (answer.status === 429 || answer.status >= 500) {
      wait = Math.max(wait, 1000 * Number(answer.headers.get("Retry-After") || 5));
    } else {
      return location.reload(); // signed out, or the room is gone: the page says so
    }
  } catch {
    wait = hidden; // offline; it asks again when the browser is back
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
