// The world as the person of this tab sees it. Messages of the WebSocket
// change it; views are told together, once for all that came at a time.

import { bit } from "./permissions.js";

const VOICE = 2;
const CATEGORY = 4;
const STAGE = 13;
const FORUM = 15;
export const LOADING = 1 << 7;
export const EPHEMERAL = 1 << 6;

export const isVoice = (c) => c.type === VOICE || c.type === STAGE;
export const isCategory = (c) => c.type === CATEGORY;
export const isForum = (c) => c.type === FORUM;
/** The icon of a channel; its name is a word for what it is, too. */
export const iconOf = (c) =>
  isThread(c) ? "thread" : c.type === STAGE ? "stage" : isVoice(c) ? "voice" : isForum(c) ? "forum" : "text";

export const isThread = (c) => c.type >= 10 && c.type <= 12;

/** Orders ids: they are numbers too long for a number. */
export const byId = (a, b) => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

export const nameOf = (u) => u?.global_name || u?.username || "somebody";

export const picture = (u, size = 64) =>
  u?.avatar ? `/avatars/${u.id}/${u.avatar}.png?size=${size}` : `/embed/avatars/0.png?size=${size}`;

export class Store {
  constructor() {
    Object.assign(this, {
      me: "",
      users: new Map(),
      guilds: new Map(),
      messages: new Map(),
      dms: new Map(),
      apps: [],
      faults: [],
      modals: [],
      ownHosts: [],
      unread: new Map(),
      notes: new Map(),
      hidden: new Set(),
      live: "connecting",
      ready: false,
      rev: 0,
      views: [],
      changed: new Set(),
      missing: new Set(),
    });
    document.addEventListener("visibilitychange", () => this.flush());
  }

  /** view(changed) is called after changes, with a set of topics, until the function that this gives is called. */
  watch(view) {
    this.views = [...this.views, view];
    return () => (this.views = this.views.filter((v) => v !== view));
  }

  touch(...topics) {
    for (const t of topics) this.changed.add(t);
    if (this.waiting) return;
    // A tab in the background gets no frames; then a moment has to do.
    const soon = () => this.flush();
    this.waiting = { frame: requestAnimationFrame(soon), timer: setTimeout(soon, 80) };
  }

  flush() {
    if (!this.waiting) return;
    cancelAnimationFrame(this.waiting.frame);
    clearTimeout(this.waiting.timer);
    this.waiting = null;
    const changed = this.changed;
    this.changed = new Set();
    for (const view of this.views) view(changed);
  }

  /** Takes one message of the WebSocket. */
  take(m) {
    const act = {
      state: () => this.replace(m),
      guild: () => this.guildIs(m.guild),
      "guild.gone": () => this.guildGone(m.guild_id),
      voice: () => this.voiceIs(m.guild_id, m.voice_state),
      message: () => this.messageIs(m),
      users: () => this.usersAre(m.users),
      applications: () => {
        this.apps = m.applications;
        this.touch("apps");
      },
      commands: () => this.touch("commands"),
      faults: () => {
        this.faults = m.faults;
        this.touch("faults");
      },
    }[m.type];
    act?.();
  }

  replace(st) {
    const known = this.ready;
    this.guilds = new Map(st.guilds.map((g) => [g.id, this.readGuild(g)]));
    this.messages = new Map(Object.entries(st.messages).map(([id, list]) => [id, list.map((m) => this.mark(m))]));
    this.dms = new Map(st.dms.map((d) => [d.id, d]));
    this.apps = st.applications;
    this.faults = st.faults;
    this.modals = st.modals;
    this.ownHosts = st.own_hosts ?? [];
    this.missing.clear();
    this.ready = true;
    this.usersAre(st.users);
    this.touch("state", "guilds", "voice", "messages", "dms", "apps", "faults", "commands");
    if (!known) this.flush();
  }

  mark(m) {
    m.rev = ++this.rev;
    m.time = Date.parse(m.timestamp);
    return m;
  }

  usersAre(list) {
    this.users = new Map(list.map((u) => [u.id, u]));
    this.touch("users");
  }

  readGuild(g) {
    const map = (list, key) => new Map((list ?? []).map((x) => [key(x), x]));
    return {
      ...g,
      channels: map(g.channels, (c) => c.id),
      roles: map(g.roles, (r) => r.id),
      members: map(g.members, (m) => m.user.id),
      voice: map(g.voice_states, (v) => v.user_id),
      threads: map(g.threads, (t) => t.id),
      stages: map(g.stage_instances, (s) => s.channel_id),
      events: map(g.guild_scheduled_events, (e) => e.id),
      interested: new Set(g.interested_event_ids),
    };
  }

  guildIs(raw) {
    const old = this.guilds.get(raw.id);
    const g = this.readGuild(raw);
    this.guilds.set(g.id, g);
    // What was said in a channel before one could see it does not come by itself.
    for (const c of [...g.channels.values(), ...g.threads.values()])
      if (old && !this.placeIn(old, c.id) && c.last_message_id && !this.messages.has(c.id)) this.missing.add(c.id);
    for (const id of old ? [...old.channels.keys(), ...old.threads.keys()] : [])
      if (!this.placeIn(g, id)) this.unread.delete(id);
    this.touch("guilds", "voice", "commands");
  }

  guildGone(id) {
    this.guilds.delete(id);
    this.touch("guilds", "voice", "commands");
  }

  voiceIs(guild, v) {
    const g = this.guilds.get(guild);
    if (!g) return;
    const before = g.voice.get(v.user_id);
    if (v.member?.user) g.members.set(v.user_id, v.member);
    if (v.channel_id) g.voice.set(v.user_id, v);
    else g.voice.delete(v.user_id);
    this.onVoice?.(g, before, v);
    this.touch("voice");
  }

  messageIs(e) {
    const list = this.messages.get(e.channel_id) ?? [];
    const i = list.findLastIndex((m) => m.id === e.message_id);
    if (e.op === "delete") {
      if (i >= 0) list.splice(i, 1);
    } else {
      const m = this.mark(e.message);
      if (i >= 0) list[i] = m;
      else list.push(m);
      if (!e.guild_id) this.dmIs(e.channel_id, m);
      this.onMessage?.(m, e, i < 0);
    }
    this.messages.set(e.channel_id, list);
    this.touch("messages");
  }

  dmIs(id, m) {
    if (this.dms.has(id)) return;
    this.dms.set(id, { id, type: 1, recipients: m.author.id === this.me ? [] : [m.author] });
    this.touch("dms");
  }

  /** Puts in the messages of channels that came into view; a fresh state has them. */
  fill(st) {
    for (const [id, list] of Object.entries(st.messages))
      if (this.missing.has(id))
        this.messages.set(
          id,
          list.map((m) => this.mark(m)),
        );
    for (const d of st.dms) this.dms.set(d.id, d);
    this.missing.clear();
    this.touch("messages", "dms");
  }

  /** Adds a line that only this tab has. */
  note(channel, text, kind = "problem") {
    const list = this.notes.get(channel) ?? [];
    list.push({ id: `note-${++this.rev}`, rev: this.rev, note: true, kind, text, time: Date.now() });
    this.notes.set(channel, list.slice(-20));
    this.touch("messages");
  }

  /** Takes a message, or a line of this tab, out of this tab's sight. */
  hide(channel, id) {
    this.hidden.add(id);
    this.notes.set(
      channel,
      (this.notes.get(channel) ?? []).filter((n) => n.id !== id),
    );
    this.touch("messages");
  }

  /** The messages of a channel, oldest first, with what this tab noted. */
  log(channel) {
    const list = (this.messages.get(channel) ?? []).filter((m) => !this.hidden.has(m.id));
    const notes = this.notes.get(channel) ?? [];
    return notes.length ? [...list, ...notes].sort((a, b) => a.time - b.time) : list;
  }

  seen(channel) {
    if (this.unread.delete(channel)) this.touch("unread");
  }

  /** Where somebody is in voice in a guild, or undefined. */
  voiceOf(guild, user) {
    return this.guilds.get(guild)?.voice.get(user);
  }

  /** Where the person is in voice: {guild, channel, state}, or null. */
  myVoice() {
    for (const g of this.guilds.values()) {
      const state = g.voice.get(this.me);
      if (state) return { guild: g, channel: g.channels.get(state.channel_id), state };
    }
    return null;
  }

  /** Who is in which voice channel of a guild, by name. */
  present(g) {
    const by = new Map();
    for (const v of g.voice.values()) {
      if (!by.has(v.channel_id)) by.set(v.channel_id, []);
      by.get(v.channel_id).push(v);
    }
    for (const list of by.values())
      list.sort((a, b) => this.memberName(g, a.user_id).localeCompare(this.memberName(g, b.user_id)));
    return by;
  }

  memberName(g, id) {
    const m = g?.members.get(id);
    return m?.nick || nameOf(m?.user ?? this.anyone(id));
  }

  /** An account by id: a person, or a bot. */
  anyone(id) {
    return this.users.get(id) ?? this.apps.find((a) => a.bot.id === id)?.bot;
  }

  /** A channel or thread of a guild. */
  placeIn(g, id) {
    return g.channels.get(id) ?? g.threads.get(id);
  }

  channel(id) {
    for (const g of this.guilds.values()) {
      const c = this.placeIn(g, id);
      if (c) return { guild: g, channel: c };
    }
    const dm = this.dms.get(id);
    return dm ? { guild: null, channel: dm } : null;
  }

  dmName(dm) {
    return dm.recipients.map(nameOf).join(", ") || "Direct message";
  }

  may(channel, permission) {
    return channel.permissions === undefined || (BigInt(channel.permissions) & bit(permission)) !== 0n;
  }

  /** A guild's channels as they stand in the list: [{category or null, channels}]. */
  tree(g) {
    const groups = new Map([[null, []]]);
    const order = (a, b) => isVoice(a) - isVoice(b) || a.position - b.position || byId(a.id, b.id);
    const all = [...g.channels.values()];
    for (const c of all.filter(isCategory).sort(order)) groups.set(c, []);
    for (const c of all)
      if (!isCategory(c)) (groups.get(g.channels.get(c.parent_id) ?? null) ?? groups.get(null)).push(c);
    return [...groups].map(([category, channels]) => ({ category, channels: channels.sort(order) }));
  }
}
