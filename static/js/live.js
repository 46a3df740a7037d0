// The client of the live protocol, version 1 (docs/protocol.md): one
// connection that comes back by itself, and the rule by which a room's
// messages count. It knows nothing of the page; room.js and server.js do.

const backoff = [1, 2, 4, 8, 16]; // seconds; the last one again and again
const staleAfter = 10_000; // without connection, what is shown is no longer called fresh
const patience = 10_000; // for the token, for the connection, for auth.ok
const tick = 5_000;
// The server says something every 10 s; looked at every tick, longer silence is noticed within 23 s.
const silence = 18_000;
const shownEvery = 15_000; // how often it is said that an event is on the screen

// What a close code means. Every other code is a broken connection: come back.
const closed = {
  1002: { end: "broken" },
  1003: { end: "broken" },
  1007: { end: "broken" },
  1009: { end: "broken" },
  4003: { end: "session" },
  4004: { end: "forbidden" },
  4008: { wait: 16_000 },
};

const ticketFor = ({ guild, room }) => ({ path: "/api/v1/live-token", body: room ? { guild, room } : { guild } });

// Asks for the token that a ticket says.
async function ask(env, { path, body: asked }) {
  const answer = await env.fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    credentials: "same-origin",
    body: JSON.stringify(asked),
    signal: AbortSignal.timeout(patience),
  });
  // An answer that breaks off is none; what refuses counts without its reason.
  const body = await answer.json().catch((err) => (answer.ok ? Promise.reject(err) : {}));
  return { answer, body };
}

const dial = ({ location: { protocol, host }, WebSocket }) =>
  new WebSocket(`${protocol === "https:" ? "wss" : "ws"}://${host}/api/ws`);

// A page that names its room where it loads this file has a token and a connection on their way before it is drawn.
let ahead;
const first = document.querySelector("script[data-room]")?.dataset;
if (first) {
  ahead = { room: first.room, token: ask(window, ticketFor(first)), ws: dial(window), at: Date.now() };
  ahead.token.catch(() => {}); // connect sees it
}

// Gives what is on its way to a room, once. The server waits 5 s for a token; a token can be used for 60.
function take(room) {
  if (!room || ahead?.room !== room) return {};
  const { token, ws, at } = ahead;
  ahead = undefined;
  const age = Date.now() - at;
  if (age < 4_000) return { token, ws };
  ws.close();
  return age < 50_000 ? { token } : {};
}

/**
 * Live watches a guild's rooms, or one room. ticket says where the live token
 * comes from, if not from the session.
 *
 * Callbacks: onState(state, since) with "connecting", "live", "unheard" (the
 * server is there and does not hear Discord), "reconnecting", "stale" or
 * "ended", and when the picture was last known to be right;
 * onWelcome(roomIds, ts) when authenticated: rooms not in it are gone, and ts is
 * the server's time;
 * onEvent(name, payload) for each message that counts;
 * onEnd(why, problem) with "session", "forbidden" or "broken": it will not come back.
 */
export class Live {
  constructor({
    guild,
    room,
    ticket,
    onState = () => {},
    onWelcome = () => {},
    onEvent = () => {},
    onEnd = () => {},
    env = window,
  }) {
    Object.assign(this, { guild, room, ticket, onState, onWelcome, onEvent, onEnd, env });
    this.revs = new Map(); // room id → {epoch, n}
    this.state = "";
    this.since = Date.now();
    this.tries = 0;
    this.notBefore = 0;
    this.run = 0; // counts connections; what belongs to an older one is ignored
  }

  /** Remembers the revision of a room that the page itself came with. */
  know(room, rev) {
    if (rev?.epoch) this.revs.set(room, rev);
  }

  start() {
    const { env } = this;
    const d = env.document;
    env.addEventListener("online", () => this.hurry());
    env.addEventListener("pagehide", () => this.pause());
    env.addEventListener("pageshow", (e) => e.persisted && !this.over && this.connect());
    d.addEventListener("visibilitychange", () => {
      this.sayVisible();
      if (d.hidden) return;
      if (this.silent()) this.retry();
      else this.hurry();
    });
    // A laptop that slept with the page open has a dead connection it does not know of.
    let last = Date.now();
    let wasVisible = !d.hidden;
    env.setInterval(() => {
      const slept = Date.now() - last > 4 * tick && wasVisible && !d.hidden;
      last = Date.now();
      wasVisible = !d.hidden;
      if (slept || (!d.hidden && this.silent())) this.retry();
    }, tick);
    this.connect();
  }

  /** Says whether the server has said nothing for too long, on a connection that seems to stand. */
  silent() {
    return this.authenticated && Date.now() - this.heard > silence;
  }

  /** Connects now instead of later, if it is waiting to. */
  hurry() {
    if (this.waiting && Date.now() >= this.notBefore) this.connect();
  }

  /** Drops what there is and connects now. */
  retry() {
    if (this.over) return;
    this.lost();
    this.connect();
  }

  pause() {
    this.run++;
    this.drop();
  }

  async connect() {
    const run = ++this.run;
    const { env } = this;
    this.drop();
    if (!this.state) this.become("connecting");
    const early = take(this.room);
    this.ws = early.ws ?? null;
    let token;
    try {
      const { answer, body } = await (early.token ?? ask(env, this.ticket ?? ticketFor(this)));
      if (run !== this.run) return;
      if (answer.status === 401) return this.end("session", body);
      if (answer.status === 403 || answer.status === 404) return this.end("forbidden", body);
      if (!answer.ok) return this.later(1000 * (Number(answer.headers.get("Retry-After")) || 0));
      token = body.token;
    } catch {
      if (run === this.run) this.later();
      return;
    }
    this.open(run, token, early.ws);
  }

  open(run, token, early) {
    const { env } = this;
    const ws = early?.readyState <= 1 ? early : dial(env);
    this.ws = ws;
    this.problem = null;
    this.slow = env.setTimeout(() => run === this.run && this.later(), patience);
    ws.onopen = () => {
      if (run !== this.run) return;
      console.log("[WS] Connected to WebSocket");
      this.send({ type: "auth", token });
    };
    if (ws === early && ws.readyState === 1) ws.onopen();
    ws.onmessage = (m) => run === this.run && this.read(m.data);
    ws.onclose = (e) => run === this.run && this.closed(e.code);
  }

  read(data) {
    let m;
    try {
      m = JSON.parse(data);
    } catch {
      return;
    }
    if (m.v !== 1) return;
    this.heard = Date.now();
    if (m.type === "ack" && m.event === "auth.ok") return this.welcome(m);
    if (m.type === "error") this.problem = m.error;
    if (m.event === "server.heartbeat") return this.beat(m.payload, m.ts);
    if (m.type === "event" && this.counts(m)) {
      console.log(`[Event] ${m.event}: ${JSON.stringify(m.payload)}`);
      this.onEvent(m.event, m.payload, m);
      this.sayShown(m);
    }
  }

  welcome(m) {
    console.log("[WS] Authenticated successfully");
    this.env.clearTimeout(this.slow);
    this.tries = 0;
    const rooms = m.payload.rooms ?? [];
    for (const id of this.revs.keys()) if (!rooms.includes(id)) this.revs.delete(id);
    this.become("live");
    this.authenticated = true;
    this.sayVisible();
    this.onWelcome(rooms, m.ts);
  }

  /** Takes what the server says of Discord: whether it is heard, and when it was last. */
  beat({ discord, heardAt }, ts) {
    if (discord === "ok") return this.become("live");
    this.since = Date.now() - (ts - heardAt);
    this.become("unheard");
  }

  /** Says whether a message is news, and keeps the room's revision. */
  counts({ event, payload, rev }) {
    const room = event === "voice.left" ? payload.roomId : payload.channelId;
    const has = this.revs.get(room);
    if (event === "room.snapshot" || event === "room.created") {
      this.revs.set(room, rev);
      return true;
    }
    if (!rev) {
      if (event === "room.hidden" || event === "room.deleted") this.revs.delete(room);
      return true;
    }
    if (!has) return event === "room.deleted";
    if (rev.epoch === has.epoch && rev.n <= has.n) return false;
    if (rev.epoch !== has.epoch || rev.n > has.n + 1) {
      // Something is missing and no snapshot stands in its place: start over rather than show what is not so.
      this.later();
      return false;
    }
    if (event === "room.deleted") this.revs.delete(room);
    else this.revs.set(room, rev);
    return true;
  }

  closed(code) {
    const { end, wait } = closed[code] ?? {};
    this.ws = null;
    if (end) this.end(end, this.problem);
    else this.later(wait);
  }

  /** Comes back after the next delay, and not before `atLeast` milliseconds. */
  later(atLeast = 0) {
    this.lost();
    this.run++;
    this.drop();
    const base = 1000 * backoff[Math.min(this.tries++, backoff.length - 1)];
    const delay = Math.max(base * (0.8 + 0.4 * this.env.Math.random()), atLeast);
    this.notBefore = atLeast ? Date.now() + atLeast : 0;
    this.waiting = this.env.setTimeout(() => this.connect(), delay);
  }

  end(why, problem) {
    this.over = true;
    this.run++;
    this.drop();
    if (this.state === "live") this.since = Date.now();
    this.become("ended");
    this.onEnd(why, problem);
  }

  /** The connection is gone; the age of the picture counts from here. */
  lost() {
    if (this.state === "live") this.since = Date.now();
    if (this.state === "stale" || this.state === "reconnecting") return;
    this.become("reconnecting");
    this.env.clearTimeout(this.staling);
    this.staling = this.env.setTimeout(() => this.state === "reconnecting" && this.become("stale"), staleAfter);
  }

  drop() {
    const { env, ws } = this;
    env.clearTimeout(this.waiting);
    env.clearTimeout(this.slow);
    this.waiting = this.ws = null;
    this.authenticated = false;
    if (!ws) return;
    ws.onopen = ws.onmessage = ws.onclose = null;
    ws.close(1000);
  }

  become(state) {
    if (state === this.state) return;
    this.state = state;
    if (state === "live") this.since = Date.now();
    this.onState(state, this.since);
  }

  sayVisible() {
    if (this.authenticated)
      this.send({ type: "event", event: "page.visible", payload: { visible: !this.env.document.hidden } });
  }

  /** Says now and then that an event is on the screen, so that Snug knows how long its way is. */
  sayShown({ event, payload, rev }) {
    if (
      !rev ||
      event === "room.snapshot" ||
      event === "room.created" ||
      event === "room.deleted" ||
      this.env.document.hidden ||
      Date.now() - (this.shown ?? 0) < shownEvery
    )
      return;
    this.shown = Date.now();
    this.send({
      type: "event",
      event: "event.rendered",
      payload: { channelId: event === "voice.left" ? payload.roomId : payload.channelId, rev },
    });
  }

  send(m) {
    if (this.ws?.readyState === 1) this.ws.send(JSON.stringify({ v: 1, ...m, ts: Date.now() }));
  }
}

/**
 * Applies a message to the rooms, a Map by id of what room.snapshot's payload
 * is. Gives what was there of the room before, undefined for nothing.
 */
export function apply(rooms, event, p) {
  const id = event === "voice.left" ? p.roomId : p.channelId;
  const before = rooms.get(id);
  const change = (what) => before && rooms.set(id, { ...before, ...what });
  const seats = { waiting: p.waiting, held: p.held }; // of voice events
  switch (event) {
    case "room.snapshot":
    case "room.created":
      rooms.set(id, p);
      break;
    case "room.updated":
      change(p);
      break;
    case "room.closing":
      change({ closingAt: p.closingAt });
      break;
    case "room.kept":
      change({ closingAt: null });
      break;
    case "room.hidden":
    case "room.deleted":
      rooms.delete(id);
      break;
    case "voice.joined":
    case "voice.updated":
      if (!before) break;
      if (before.roster.some((o) => o.userId === p.userId))
        change({ ...seats, roster: before.roster.map((o) => (o.userId === p.userId ? p : o)) });
      else if (event === "voice.joined") change({ ...seats, roster: [...before.roster, p] });
      break;
    case "voice.left":
      if (before) change({ ...seats, roster: before.roster.filter((o) => o.userId !== p.userId) });
      break;
  }
  return before;
}
