// The table: who sits where. Somebody keeps their seat as long as they stay.

import { $, humans, t, text } from "./ui.js";

const round = 8; // more seats than this are benches
const marks = ["deafened", "muted", "streaming", "video"];

/** The colour of who has no picture; the server counts in the same way. */
export const tint = (id) => Number((BigInt(id) >> 22n) % 8n);

export function letter(name) {
  const first = [...name].find((c) => /[\p{L}\p{N}]/u.test(c)) ?? [...name][0] ?? "?";
  const upper = first.toUpperCase();
  return [...upper].length === 1 ? upper : first;
}

/** Fills an avatar, keeping a picture that is right; of nobody it is empty. */
export function avatar(el, p) {
  if (!p) {
    el.className = "a";
    return el.replaceChildren();
  }
  el.className = `a tint-${tint(p.userId)}`;
  const want = p.avatar ? `${document.body.dataset.cdn}/avatars/${p.userId}/${p.avatar}.png?size=128` : "";
  const img = el.querySelector("img");
  if (el.firstChild?.nodeType !== Node.TEXT_NODE) el.prepend("");
  if (el.firstChild.nodeValue !== letter(p.displayName)) el.firstChild.nodeValue = letter(p.displayName);
  if (img?.getAttribute("src") === want) return;
  img?.remove();
  if (!want) return;
  const next = new Image(128, 128);
  next.alt = "";
  next.src = want;
  el.append(next);
}

function notes(p, owner, you) {
  return [
    owner && "owner",
    you && "you",
    p.deafened && "deafened",
    p.muted && !p.deafened && "muted",
    p.streaming && "streaming",
    p.video && "video",
  ]
    .filter(Boolean)
    .map((id) => t("seat." + id))
    .join(" · ");
}

/** Who sits where, ids by place; "" is free. The server counts in the same way. */
export function places(people, seats) {
  const slots = Array(Math.max(seats, people.length)).fill("");
  const rest = people.filter(({ userId, seat }) =>
    seat > 0 && slots[seat - 1] === "" ? ((slots[seat - 1] = userId), false) : true,
  );
  for (const { userId } of rest) slots[slots.indexOf("")] = userId;
  return slots;
}

export class Seats {
  /** Takes over the table as the server drew it. */
  constructor(me = "") {
    this.me = me;
    this.seating = $("seating");
    this.list = $("seats");
    this.slots = [...this.list.children].map((li) => li.dataset.user ?? "");
  }

  /**
   * Shows a room. kept are the seats that are held: for how long, note; for whom, who, undefined where that isn't
   * known; and whether for who looks, mine.
   */
  show(room, kept = []) {
    const people = new Map(humans(room.roster).map((p) => [p.userId, p]));
    const count = Math.max(room.seats, people.size);
    const arrived = this.assign(people, count);
    let next = 0;
    this.slots.forEach((id, i) => {
      const li = this.list.children[i] ?? this.list.appendChild(document.createElement("li"));
      if (id) this.sit(li, people.get(id), room, arrived.has(id));
      else this.free(li, kept[next++]);
    });
    while (this.list.children.length > count) this.list.lastChild.remove();
    const taken = people.size;
    const full = taken >= room.seats;
    const shape = this.seating.dataset.plain
      ? `${this.seating.dataset.plain} lit-${Math.min(taken, 4)}`
      : `seating ${count <= round ? `round of-${count}` : "bench"} lit-${Math.min(taken, 4)}${full ? " full" : ""}`;
    if (this.seating.className !== shape) this.seating.className = shape;
    text($("taken"), String(taken));
    text($("total"), String(room.seats));
    const status = $("status");
    text(status, room.status ?? "");
    status.title = room.status ?? "";
    status.hidden = !room.status;
    const bots = room.roster.filter((p) => p.bot).map((p) => p.displayName);
    $("bots").hidden = !bots.length;
    text($("bots").querySelector("b"), bots.join(", "));
  }

  // Gives everybody their seat. Returns who is new.
  assign(people, count) {
    const before = new Set(this.slots);
    this.slots = places([...people.values()], count);
    return new Set([...people.keys()].filter((id) => !before.has(id)));
  }

  sit(li, p, room, arrived) {
    if (li.dataset.user !== p.userId) {
      li.replaceChildren($("t-on").content.cloneNode(true));
      li.dataset.user = p.userId;
      li.className = arrived ? "seat on sat" : "seat on";
    }
    avatar(li.querySelector(".a"), p);
    li.querySelector(".crown").toggleAttribute("hidden", room.ownerId !== p.userId);
    for (const m of marks) {
      const on = p[m] && !(m === "muted" && p.deafened);
      const el = li.querySelector(`[data-mark="${m}"]`);
      if (el.hasAttribute("hidden") === on) el.toggleAttribute("hidden", !on);
    }
    const who = li.querySelector(".who");
    text(who, p.displayName);
    if (who.title !== p.displayName) who.title = p.displayName;
    text(li.querySelector(".notes"), notes(p, room.ownerId === p.userId, this.me === p.userId));
  }

  free(li, held) {
    const kind = held ? "held" : "empty";
    if (li.dataset.user || !li.firstChild) {
      const stood = Boolean(li.dataset.user);
      li.replaceChildren($("t-free").content.cloneNode(true));
      delete li.dataset.user;
      li.className = `seat ${kind}${stood ? " rose" : ""}`;
    } else if (!li.classList.contains(kind)) li.className = `seat ${kind}`;
    const who = held?.who;
    avatar(li.querySelector(".a"), who);
    const name = held?.mine ? t("seat.yours") : (who?.displayName ?? t(held ? "seat.kept" : "seat.free"));
    text(li.querySelector(".who"), name);
    text(li.querySelector(".notes"), held?.note ?? "");
  }
}
