// The page, put together: who one is stands in the address (?as=alice), so
// that each tab is somebody of its own, and so does where one is.

import { Actor, Refused, get } from "./api.js";
import { Chat } from "./chat.js";
import { Commands } from "./commands.js";
import { Composer } from "./composer.js";
import { closePopover, h, icon, popover, say, toast } from "./dom.js";
import { Live } from "./live.js";
import { showModal } from "./modal.js";
import { Nav } from "./nav.js";
import { Panel } from "./panel.js";
import { People } from "./people.js";
import { Store, isCategory, isVoice, nameOf, picture } from "./store.js";
import { VoiceBar } from "./voice.js";
import { asName, findAs, lastPerson, remember, selfMenu, who } from "./who.js";

const root = document.getElementById("app");

/** What the address says: who, where, and the invite that is to be followed. */
function address() {
  const u = new URL(location.href);
  const at = /^\/channels\/([^/]+)(?:\/(\d+))?/.exec(u.pathname);
  const code = /^\/invite\/([^/]+)/.exec(u.pathname);
  return {
    as: u.searchParams.get("as"),
    guild: at?.[1] ?? "",
    channel: at?.[2] ?? "",
    code: code ? decodeURIComponent(code[1]) : "",
    choosing: u.searchParams.has("choose"),
  };
}

const withAs = (path, as) => `${path}?${new URLSearchParams({ as })}`;

class App {
  constructor(me, as) {
    Object.assign(this, { as, at: { guild: "", channel: "" }, last: new Map(), asked: 0 });
    this.store = new Store();
    this.store.me = me.id;
    this.store.usersAre([me]);
    this.act = new Actor(me.id);
    this.commands = new Commands(this);
    this.names = {
      user: (id) => ({ name: this.store.memberName(this.store.guilds.get(this.at.guild), id) }),
      role: (id) => ({ name: this.store.guilds.get(this.at.guild)?.roles.get(id)?.name ?? "a role" }),
      channel: (id) => {
        const found = this.store.channel(id);
        return found?.guild ? { name: found.channel.name, href: this.href(found.guild.id, id) } : { name: "no access" };
      },
    };
  }

  /** Draws the frame and keeps it fresh. Resolves once the place one is at is drawn. */
  start() {
    this.frame();
    const ready = new Promise((done) => this.store.watch((changed) => this.begun && changed.has("at") && done()));
    this.store.onVoice = (g, before, now) => this.heardVoice(g, before, now);
    this.store.onMessage = (m, e, fresh) => this.heardMessage(m, e, fresh);
    this.store.watch((changed) => this.settle(changed));
    this.live = new Live(this.store.me, {
      onMessage: (m) => this.store.take(m),
      onState: (state, tries) => this.showLive(state, tries),
      onLost: () => this.stillThere(),
    });
    this.live.connect();
    addEventListener("popstate", () => this.follow(address(), false));
    document.addEventListener("pointerdown", (e) => this.ownHost(e), true);
    document.addEventListener("click", (e) => this.ownHost(e), true);
    document.addEventListener("click", (e) => this.clicked(e));
    document.addEventListener("keydown", (e) => this.key(e));
    document.addEventListener("visibilitychange", () => document.hidden || this.store.seen(this.at.channel));
    return ready;
  }

  frame() {
    const rail = h("nav", { class: "rail", "aria-label": "Servers" });
    const side = h("nav", { class: "side", "aria-label": "Channels" });
    const chat = h("main", { class: "chat", id: "main" });
    const composer = h("div", { class: "composer-wrap" });
    const people = h("div");
    const voice = h("div", { class: "voice-wrap", role: "region", "aria-label": "Voice", hidden: true });
    this.self = h("button", {
      type: "button",
      class: "self",
      "aria-haspopup": "dialog",
      on: { click: () => this.openSelf() },
    });
    this.liveEl = h("p", { class: "live", role: "status", data: { live: "connecting" } });
    this.menuButton = h(
      "button",
      {
        type: "button",
        class: "quiet menu-button",
        "aria-label": "Servers and channels",
        "aria-expanded": "false",
        "aria-controls": "drawer",
        on: { click: () => this.drawer() },
      },
      icon("menu"),
    );
    this.ways = h(
      "div",
      { class: "ways", id: "drawer" },
      rail,
      h("div", { class: "side-wrap" }, side, voice, this.self),
    );
    this.panel = new Panel(this, people);
    root.replaceChildren(
      h(
        "a",
        {
          class: "skip",
          href: "#composer",
          on: {
            click: (e) => {
              e.preventDefault();
              this.composer.focus();
            },
          },
        },
        "Skip to the message box",
      ),
      h(
        "div",
        { class: "shell" },
        h(
          "header",
          { class: "top" },
          this.menuButton,
          h(
            "a",
            { class: "brand", href: "/?choose", "aria-label": "Discord simulator: choose somebody else" },
            h("img", { src: "/mark.svg", alt: "", width: 22, height: 22 }),
            h("strong", { text: "Discord simulator" }),
          ),
          h("p", { class: "claim", text: "A simulated Discord on this machine" }),
          this.liveEl,
          this.panel.buttons,
        ),
        this.ways,
        chat,
        this.panel.el,
      ),
      h("div", { class: "shade", on: { click: () => this.drawer(false) } }),
    );
    new Nav(this, rail, side);
    new VoiceBar(this, voice);
    new Chat(this, chat);
    new People(this, people);
    this.composer = new Composer(this, composer);
    chat.append(composer);
    this.panel.begin();
    this.store.watch((changed) => changed.has("users") && this.drawSelf());
    this.drawSelf();
  }

  drawSelf() {
    const me = this.store.users.get(this.store.me);
    this.self.title = "Be somebody else; settings";
    this.self.replaceChildren(
      h("img", { src: picture(me), alt: "", width: 34, height: 34 }),
      h("span", { class: "names" }, h("strong", { text: nameOf(me) }), h("small", { text: "you, in this tab" })),
      icon("swap"),
    );
  }

  openSelf() {
    if (closePopover()) return;
    popover(this.self, selfMenu(this), { label: "You", role: "dialog" });
  }

  /** Shows how fresh the page is. */
  showLive(state, tries = 0) {
    const words = {
      live: "live",
      connecting: "connecting",
      reconnecting: tries > 2 ? "the simulator does not answer, trying again" : "reconnecting",
    }[state];
    root.dataset.live = state;
    if (this.liveEl.textContent === words) return;
    this.liveEl.dataset.live = state;
    this.liveEl.textContent = words;
  }

  /** Asked after failures: a simulator that started anew may not know this person. */
  async stillThere() {
    try {
      const { users } = await get("users");
      if (users.some((u) => u.id === this.store.me)) return true;
      location.assign(withAs("/", this.as));
      return false;
    } catch {
      return true;
    }
  }

  /** After changes: stays where one is as long as that is there. */
  settle(changed) {
    const { store, at } = this;
    if (!store.ready) return;
    if (changed.has("state") && !this.begun) {
      this.begun = true;
      this.follow(address(), true);
      const modal = store.modals.at(-1);
      if (modal) showModal(this, modal, this.at);
    } else if (changed.has("guilds") && at.guild !== "@me") {
      const g = store.guilds.get(at.guild);
      if (!g || (at.channel && !store.placeIn(g, at.channel))) {
        const was = at.channel;
        this.follow({ guild: g ? at.guild : "", channel: at.parent ?? "" }, true);
        if (was && g)
          this.tell(`The ${at.parent ? "thread is closed" : "channel is gone"}, or you may no longer see it.`);
      } else if (!at.channel) this.follow({ guild: at.guild, channel: "" }, true);
    }
    if (store.missing.size && !this.filling) {
      this.filling = this.act
        .state()
        .then(
          (st) => store.fill(st),
          () => store.missing.clear(),
        )
        .finally(() => (this.filling = null));
    }
  }

  /** Goes to a place, or to the nearest that there is. */
  follow({ guild, channel }, replace) {
    const { store } = this;
    if (guild !== "@me" && !store.guilds.has(guild)) guild = store.guilds.keys().next().value ?? "@me";
    const g = store.guilds.get(guild);
    const known = (id) => (g ? store.placeIn(g, id) : store.dms.get(id));
    if (!known(channel)) channel = "";
    if (!channel && known(this.last.get(guild))) channel = this.last.get(guild);
    if (!channel)
      channel = g
        ? ((
            store
              .tree(g)
              .flatMap((t) => t.channels)
              .find((c) => !isVoice(c) && !isCategory(c)) ?? store.tree(g).flatMap((t) => t.channels)[0]
          )?.id ?? "")
        : (store.dms.keys().next().value ?? "");
    this.last.set(guild, channel);
    const parent = g?.threads.get(channel)?.parent_id;
    this.at = { guild, channel, parent };
    const url = this.href(guild, channel);
    if (replace) history.replaceState(null, "", url);
    else if (url !== location.pathname + location.search) history.pushState(null, "", url);
    store.touch("at");
  }

  href(guild, channel) {
    return withAs(`/channels/${guild}${channel ? `/${channel}` : ""}`, this.as);
  }
  hrefAs(as) {
    return withAs(this.at.guild === "@me" ? "/" : `/channels/${this.at.guild}/${this.at.channel}`, as);
  }
  where(guild, channel) {
    return guild && guild !== "@me" ? { guild_id: guild, channel_id: channel } : { channel_id: channel };
  }
  myName() {
    return nameOf(this.store.users.get(this.store.me));
  }

  clicked(e) {
    const a = e.target.closest?.("a");
    if (!a || e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey) return;
    const url = new URL(a.href, location.href);
    const at = /^\/channels\/([^/]+)(?:\/(\d+))?/.exec(url.pathname);
    const code = /^\/invite\/([^/]+)/.exec(url.pathname);
    if (url.origin !== location.origin || (!at && !code)) return this.loginsAre();
    // A link in a message has no person in it: it is followed as this one.
    const as = url.searchParams.get("as");
    if (as && as !== this.as) return;
    e.preventDefault();
    if (code) return this.useInvite(decodeURIComponent(code[1]));
    this.follow({ guild: at[1], channel: at[2] ?? "" }, false);
    this.drawer(false);
    // Whoever presses the mention of a voice channel means to go in.
    const named = a.dataset.mention === "channel" && this.store.guilds.get(at[1])?.channels.get(at[2]);
    if (named && isVoice(named) && this.store.guilds.get(at[1]).voice.get(this.store.me)?.channel_id !== at[2])
      this.join(at[1], at[2]);
    if (e.detail && matchMedia("(pointer: fine)").matches) this.composer.focus();
  }

  /** Leads a link to a site that knows people by host names to this person's. */
  ownHost(e) {
    const a = e.target.closest?.("a[href^=http]");
    const me = this.store.users.get(this.store.me)?.username;
    if (!a || !/^[a-z0-9-]+$/.test(me ?? "")) return;
    const url = new URL(a.href);
    if (!this.store.ownHosts.includes(url.host)) return;
    url.hostname = `${me}.localhost`;
    a.href = url.href;
  }

  async useInvite(code) {
    const g = await this.attempt(this.act.useInvite(code));
    if (g) this.goTo(g.id, "");
  }

  /** Goes to a place as soon as it is there. */
  goTo(guild, channel) {
    const there = () => {
      const g = this.store.guilds.get(guild);
      return Boolean(g && (!channel || this.store.placeIn(g, channel)));
    };
    const go = () => this.follow({ guild, channel }, false);
    if (there()) return go();
    const stop = this.store.watch(() => there() && (stop(), go()));
  }

  /** Whoever follows a link to a site and signs in there is offered as this person first. */
  loginsAre() {
    document.cookie = `sim_user=${this.store.me}; path=/; SameSite=Lax`;
  }

  key(e) {
    if (e.defaultPrevented || e.isComposing) return;
    if (e.key === "Escape") {
      if (closePopover() || this.drawer(false) || this.panel.leave()) e.preventDefault();
      return;
    }
    // Typing begins to write, wherever one is that takes no typing itself.
    if (
      e.key.length !== 1 ||
      e.key === " " ||
      e.ctrlKey ||
      e.metaKey ||
      e.altKey ||
      document.querySelector("dialog[open]")
    )
      return;
    if (e.target.closest?.("input, textarea, select, .popover")) return;
    this.composer.focus();
  }

  /** Opens or closes the drawer of small windows; says whether it was open. */
  drawer(open = this.menuButton.getAttribute("aria-expanded") !== "true") {
    const was = this.menuButton.getAttribute("aria-expanded") === "true";
    this.menuButton.setAttribute("aria-expanded", String(open));
    root.classList.toggle("drawn", open);
    if (open && !was) (this.ways.querySelector(".side [aria-current]") ?? this.ways.querySelector("a"))?.focus();
    if (!open && was && this.ways.contains(document.activeElement)) this.menuButton.focus();
    return was;
  }

  tell(text) {
    toast(text, "note");
  }

  problem(text) {
    toast(text);
  }

  /** Waits for something that was asked; what is refused is told. Gives what came, or undefined. */
  async attempt(promise) {
    try {
      return (await promise) ?? true;
    } catch (e) {
      this.problem(e instanceof Refused ? e.message : String(e));
      return undefined;
    }
  }

  async join(guild, channel) {
    const now = this.store.myVoice();
    this.asked++;
    try {
      // One is in one voice channel at a time, wherever it is.
      if (now && now.guild.id !== guild) await this.attempt(this.act.voice(now.guild.id, { channel_id: null }));
      return await this.attempt(this.act.voice(guild, { channel_id: channel }));
    } finally {
      setTimeout(() => this.asked--, 500);
    }
  }

  async leave() {
    const now = this.store.myVoice();
    if (!now) return;
    this.asked++;
    try {
      await this.attempt(this.act.voice(now.guild.id, { channel_id: null }));
    } finally {
      setTimeout(() => this.asked--, 500);
    }
  }

  /**
   * Runs a command. With quiet, a refusal of what was entered is given back,
   * so that it can be shown at the fields; else everything is told here.
   */
  async run({ name, title, application, guild, options = {}, target, quiet }) {
    const { channel } = this.at;
    const command = { ...this.where(guild, channel), application_id: application, name, options, target_id: target };
    return this.answered(this.act.run(command), channel, `/${title}`, quiet);
  }

  /** Follows what was asked of an application to its answer. */
  async answered(promise, channel, what, quiet) {
    const guild = this.store.channel(channel)?.guild?.id ?? this.at.guild;
    this.composer.working(what, true);
    try {
      const answer = await promise;
      if (answer?.modal) showModal(this, answer.modal, { guild, channel });
      return null;
    } catch (e) {
      if (quiet && e instanceof Refused && e.status === 400) return e;
      this.store.note(channel, `${what}: ${e instanceof Refused ? e.message : String(e)}`);
      say(e.message);
      return null;
    } finally {
      this.composer.working(what, false);
    }
  }

  dismiss(channel, id) {
    this.store.hide(channel, id);
    this.composer.focus();
  }

  heardVoice(g, before, now) {
    const { store } = this;
    const name = store.memberName(g, now.user_id);
    const to = g.channels.get(now.channel_id)?.name;
    if (before?.channel_id === now.channel_id) return;
    const mine = now.user_id === store.me;
    const text = to
      ? `${mine ? "You are" : `${name} is`} in ${to}`
      : `${mine ? "You" : name} left ${g.channels.get(before?.channel_id)?.name ?? "voice"}`;
    if (g.id === this.at.guild || mine) say(text);
    if (!mine || this.asked) return;
    this.tell(
      to
        ? `You were moved to ${to}.`
        : `You were disconnected from ${g.channels.get(before?.channel_id)?.name ?? "voice"}.`,
    );
  }

  heardMessage(m, e, fresh) {
    if (!fresh || m.author.id === this.store.me) return;
    const here = e.channel_id === this.at.channel;
    if (here) say(`${nameOf(m.author)}: ${m.content || m.embeds[0]?.title || "a message"}`);
    if (here && !document.hidden) return;
    this.store.unread.set(e.channel_id, (this.store.unread.get(e.channel_id) ?? 0) + 1);
    this.store.touch("unread");
  }
}

async function begin() {
  const { as, guild, channel, code, choosing } = address();
  const link = (name) =>
    withAs(
      code ? `/invite/${encodeURIComponent(code)}` : guild ? `/channels/${guild}${channel ? `/${channel}` : ""}` : "/",
      name,
    );
  document.title = "Who do you want to be? · Discord simulator";
  const before = lastPerson();
  // Whoever chose once stays that, on every link, until they ask for the list of people.
  if (!as && before && !choosing) return location.replace(link(before));
  if (!as) return who(root, { link, code });
  let users;
  try {
    ({ users } = await get("users"));
  } catch (e) {
    return who(root, { note: e.message, link, code });
  }
  const me = findAs(as, users);
  if (!me)
    return who(root, { note: `Nobody here is called ${as}. Perhaps the simulator was started anew.`, link, code });
  remember(asName(me, users));
  addEventListener("focus", () => remember(asName(me, users))); // of several tabs, the one looked at last counts
  const app = new App(me, asName(me, users));
  const joined = code ? await app.act.useInvite(code).catch((e) => e) : null;
  if (joined) history.replaceState(null, "", app.href(joined.id ?? "@me", ""));
  await app.start();
  if (joined instanceof Error) app.problem(`The invite: ${joined.message}`);
  document.body.dataset.ready = as;
}

begin();
