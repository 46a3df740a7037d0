// The channel in the middle: its head, who is in voice there, what was said.

import { h, icon, patch, plural } from "./dom.js";
import { nameMention, tick } from "./markdown.js";
import { dayOf, message } from "./message.js";
import { memberMenu } from "./people.js";
import { aboutStage, stageActions } from "./stage.js";
import { iconOf, isForum, isThread, isVoice, picture } from "./store.js";
import { aboutThread, threadActions } from "./threads.js";
import { door, marks, marksKey } from "./voice.js";

const page = 80; // messages shown at first, and added by "earlier"

export class Chat {
  constructor(app, root) {
    Object.assign(this, { app, shown: page, channel: "" });
    this.head = h("header", { class: "chat-head" });
    this.rules = h("div");
    this.inVoice = h("div", { class: "in-voice" });
    this.list = h("div", { class: "log", role: "log", "aria-label": "Messages", "aria-live": "off", tabindex: "0" });
    this.below = h(
      "button",
      { type: "button", class: "below", hidden: true, on: { click: () => this.bottom() } },
      icon("down"),
      "Newer messages",
    );
    root.append(this.head, this.rules, this.inVoice, this.list, this.below);
    this.list.addEventListener("scroll", () => (this.below.hidden = this.atEnd()), { passive: true });
    const topics = ["guilds", "voice", "messages", "at", "dms", "users"];
    app.store.watch((changed) => topics.some((t) => changed.has(t)) && this.draw(changed));
    setInterval(() => document.hidden || tick(root), 5_000);
  }

  atEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 60;
  }

  bottom() {
    this.list.scrollTop = this.list.scrollHeight;
    this.below.hidden = true;
  }

  draw(changed) {
    const { app } = this;
    const at = app.store.channel(app.at.channel);
    const moved = this.channel !== app.at.channel;
    if (moved) {
      this.channel = app.at.channel;
      this.shown = page;
    }
    this.drawHead(at);
    this.drawRules(at);
    this.drawStage(at);
    this.app.composer.allow(!at?.guild || !isForum(at.channel));
    if (moved || changed.has("messages") || changed.has("at") || changed.has("state")) this.drawLog(at, moved);
    if (changed.has("guilds") || changed.has("users") || changed.has("state"))
      for (const el of this.list.querySelectorAll("[data-mention]")) nameMention(el, app.names);
  }

  // Whoever has not accepted a server's rules may look on and nothing else (membership screening).
  drawRules(at) {
    const { app } = this;
    const pending = at?.guild?.members.get(app.store.me)?.pending;
    patch(
      this.rules,
      pending
        ? [
            {
              key: "rules",
              sig: at.guild.id,
              make: () =>
                h(
                  "section",
                  { class: "screening notice" },
                  h("p", { text: `${at.guild.name} has rules. Until you accept them you can look, and do nothing.` }),
                  h(
                    "button",
                    { type: "button", class: "go", on: { click: () => app.attempt(app.act.acceptRules(at.guild.id)) } },
                    "Accept the rules",
                  ),
                ),
            },
          ]
        : [],
    );
  }

  drawHead(at) {
    const { app } = this;
    const { store } = app;
    const name = !at ? "" : at.guild ? at.channel.name : store.dmName(at.channel);
    const about = at?.guild ? aboutPlace(at.guild, at.channel) : at ? "Direct message" : "";
    const voice = at?.guild && isVoice(at.channel);
    const people = voice ? (store.present(at.guild).get(at.channel.id) ?? []) : [];
    const mine = people.some((v) => v.user_id === store.me);
    const gate = voice ? door(store, at.guild, at.channel, people.length) : { shut: false, why: "" };
    const sig = JSON.stringify([
      at?.channel.id,
      name,
      about,
      voice && [people.length, at.channel.user_limit, mine, gate.shut, at.guild.voice.get(store.me)],
      Boolean(at?.channel.member),
    ]);
    patch(this.head, [
      {
        key: "head",
        sig,
        make: () =>
          h(
            "div",
            { class: "head-in" },
            at ? icon(at.guild ? iconOf(at.channel) : "mail") : null,
            h(
              "div",
              { class: "head-names" },
              h("h1", { text: name || "Nothing here yet" }),
              about ? h("p", { text: about }) : null,
            ),
            at ? [...stageActions(app, at), ...threadActions(app, at)] : null,
            voice
              ? h("span", {
                  class: "count",
                  text: at.channel.user_limit
                    ? `${people.length} of ${at.channel.user_limit}`
                    : plural(people.length, "person", "people"),
                })
              : null,
            voice
              ? h(
                  "button",
                  {
                    type: "button",
                    class: mine ? "leave" : "go",
                    title: gate.shut && !mine ? gate.why : null,
                    data: { focus: "join", voice: mine ? "head-leave" : "head-join" },
                    on: { click: () => (mine ? app.leave() : app.join(at.guild.id, at.channel.id)) },
                  },
                  icon(mine ? "leave" : "voice"),
                  mine ? "Leave voice" : "Join voice",
                )
              : null,
          ),
      },
    ]);
    const title = `${name ? `${name} · ` : ""}${app.myName()} · Discord simulator`;
    const fresh = [...store.unread.values()].reduce((a, b) => a + b, 0);
    document.title = (fresh ? `(${fresh}) ` : "") + title;
  }

  drawStage(at) {
    const { app } = this;
    const { store } = app;
    const voice = at?.guild && isVoice(at.channel);
    const people = voice ? (store.present(at.guild).get(at.channel.id) ?? []) : [];
    this.inVoice.hidden = !voice;
    if (!people.length)
      return patch(
        this.inVoice,
        voice
          ? [{ key: "empty", sig: "", make: () => h("p", { class: "soft", text: "Nobody is in voice here." }) }]
          : [],
      );
    patch(
      this.inVoice,
      people.map((v) => {
        const name = store.memberName(at.guild, v.user_id);
        const u = at.guild.members.get(v.user_id)?.user ?? store.anyone(v.user_id);
        return {
          key: v.user_id,
          sig: `${name}|${marksKey(v)}`,
          make: () =>
            h(
              "button",
              {
                type: "button",
                class: `seat${v.self_stream ? " streams" : ""}`,
                data: { user: v.user_id, focus: "seat" },
                on: { click: (e) => memberMenu(app, e.currentTarget, at.guild.id, v.user_id) },
              },
              h("img", { src: picture(u, 128), alt: "", width: 56, height: 56 }),
              h("span", { class: "name", text: name + (v.user_id === store.me ? " (you)" : "") }),
              marks(v),
            ),
        };
      }),
    );
  }

  drawLog(at, moved) {
    const { app } = this;
    const stay = !moved && !this.atEnd();
    const before = this.list.scrollHeight;
    const all = at ? app.store.log(at.channel.id) : [];
    const list = all.slice(-this.shown);
    const items = [];
    if (all.length > list.length)
      items.push({
        key: "earlier",
        sig: "",
        make: () =>
          h("button", {
            type: "button",
            class: "earlier",
            text: "Show earlier messages",
            on: { click: () => this.earlier(at) },
          }),
      });
    else if (at) items.push({ key: "start", sig: at.channel.id, make: () => beginning(at, app) });
    let prev = null;
    let today = "";
    for (const m of list) {
      const date = dayOf(m.time);
      if (date !== today) {
        today = date;
        items.push({ key: `day ${date}`, sig: date, make: () => h("p", { class: "day" }, h("span", { text: date })) });
        prev = null;
      }
      const short =
        !m.note &&
        prev &&
        !prev.note &&
        prev.author.id === m.author.id &&
        m.time - prev.time < 300_000 &&
        !m.interaction_metadata &&
        !m.referenced_message &&
        (prev.flags & 64) === (m.flags & 64);
      items.push({
        key: m.id,
        sig: `${m.rev}|${Boolean(short)}`,
        make: () => message(m, app, { guild: at.guild?.id, short }),
      });
      prev = m;
    }
    patch(this.list, items);
    if (!stay) this.bottom();
    else if (this.list.scrollHeight > before) this.below.hidden = this.atEnd();
    if (at && !document.hidden) app.store.seen(at.channel.id);
  }

  earlier(at) {
    const from = this.list.scrollHeight - this.list.scrollTop;
    this.shown += page * 2;
    this.drawLog(at, false);
    this.list.scrollTop = this.list.scrollHeight - from;
  }
}

/** What a channel says about itself. */
const aboutPlace = (g, c) => (isThread(c) ? aboutThread(g, c) : aboutStage(g, c) || c.topic || c.status || "");

function beginning(at, app) {
  if (!at.guild)
    return h(
      "div",
      { class: "start" },
      h("h2", { text: app.store.dmName(at.channel) }),
      h("p", { class: "soft", text: "Direct messages: only the two of you read them." }),
    );
  const voice = isVoice(at.channel);
  return h(
    "div",
    { class: "start" },
    h("h2", { text: at.channel.name }),
    h(
      "p",
      { class: "soft" },
      isForum(at.channel)
        ? "Posts are threads. Start one with New post, or open one in the list."
        : [voice ? "This voice channel has a chat. " : "", "Type ", h("kbd", { text: "/" }), " for commands."],
    ),
  );
}
