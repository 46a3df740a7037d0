// The way around: servers, their channels with who is in voice, direct messages.

import { h, icon, patch, plural, roving } from "./dom.js";
import { memberMenu } from "./people.js";
import { iconOf, isVoice, picture } from "./store.js";
import { threadRow, threadsOf } from "./threads.js";
import { door, marks, marksKey } from "./voice.js";

export class Nav {
  constructor(app, rail, side) {
    Object.assign(this, { app, folded: new Set() });
    this.servers = h("ul", { class: "servers" });
    rail.append(this.servers);
    this.title = h("h2", { class: "side-title" });
    this.list = h("ul", { class: "channels" });
    side.append(this.title, h("div", { class: "side-scroll" }, this.list));
    this.settleRail = roving(this.servers, "a");
    this.settleList = roving(this.list, "a, button");
    const topics = ["guilds", "voice", "dms", "unread", "at", "messages", "users"];
    app.store.watch((changed) => topics.some((t) => changed.has(t)) && this.draw());
  }

  draw() {
    const { store, at } = this.app;
    const dms = [...store.dms.keys()].reduce((n, id) => n + (store.unread.get(id) ?? 0), 0);
    patch(this.servers, [
      {
        key: "@me",
        sig: `${at.guild === "@me"}|${dms}`,
        make: () => this.tile("@me", "Direct messages", icon("mail"), at.guild === "@me", dms),
      },
      ...[...store.guilds.values()].map((g) => {
        const fresh = [...g.channels.keys(), ...g.threads.keys()].some((id) => store.unread.has(id));
        const here = at.guild === g.id;
        return {
          key: g.id,
          sig: `${g.name}|${here}|${fresh}|${g.unavailable}`,
          make: () =>
            this.tile(
              g.id,
              g.name + (g.unavailable ? " (unavailable)" : ""),
              initials(g.name),
              here,
              fresh && !here,
              g.unavailable,
            ),
        };
      }),
    ]);
    const g = store.guilds.get(at.guild);
    const title = g ? g.name : "Direct messages";
    if (this.title.textContent !== title) this.title.textContent = title;
    patch(this.list, g ? this.channels(g) : this.directs());
    this.settleRail();
    this.settleList();
  }

  tile(id, name, face, here, unread, off) {
    return h(
      "li",
      {},
      h(
        "a",
        {
          class: `tile${off ? " off" : ""}`,
          href: this.app.href(id),
          title: name,
          "aria-current": here && "true",
          data: { own: "1", focus: "tile", guild: id },
        },
        face,
        h("span", { class: "sr-only", text: name + (unread ? ", new messages" : "") }),
        unread
          ? h("span", { class: "badge", "aria-hidden": "true", text: unread === true ? "" : String(unread) })
          : null,
      ),
    );
  }

  channels(g) {
    const { store } = this.app;
    const present = store.present(g);
    const out = [];
    for (const { category, channels } of store.tree(g)) {
      const folded = category && this.folded.has(category.id);
      if (category)
        out.push({ key: category.id, sig: `${category.name}|${folded}`, make: () => this.category(category, folded) });
      for (const c of channels) {
        const people = present.get(c.id) ?? [];
        const here = this.app.at.channel === c.id;
        const unread = store.unread.get(c.id) ?? 0;
        if (folded && !here && !people.some((v) => v.user_id === store.me)) continue;
        const who = people.map((v) => [v.user_id, store.memberName(g, v.user_id), marksKey(v)]);
        const sig = JSON.stringify([
          c.name,
          c.type,
          c.user_limit,
          c.status,
          c.permissions,
          here,
          unread,
          who,
          g.unavailable,
        ]);
        out.push({ key: c.id, sig, make: () => this.row(g, c, people, here, unread) });
        for (const t of threadsOf(g, c)) {
          const there = this.app.at.channel === t.id;
          const n = store.unread.get(t.id) ?? 0;
          out.push({ key: t.id, sig: `${t.name}|${there}|${n}`, make: () => threadRow(this.app, g, t, there, n) });
        }
      }
    }
    if (!out.length)
      out.push({
        key: "none",
        sig: "",
        make: () => h("li", { class: "empty", text: "There is no channel here that you may see." }),
      });
    return out;
  }

  category(c, folded) {
    return h(
      "li",
      { class: "category" },
      h(
        "button",
        {
          type: "button",
          "aria-expanded": String(!folded),
          data: { focus: "fold" },
          on: {
            click: () => {
              if (!this.folded.delete(c.id)) this.folded.add(c.id);
              this.draw();
            },
          },
        },
        icon("down"),
        c.name,
      ),
    );
  }

  row(g, c, people, here, unread) {
    const { app } = this;
    const { store } = app;
    const voice = isVoice(c);
    const mine = people.some((v) => v.user_id === store.me);
    const hidden = (c.permission_overwrites ?? []).some((o) => o.id === g.id && (BigInt(o.deny) & 1024n) !== 0n);
    const { shut, why } = voice ? door(store, g, c, people.length) : {};
    const kind = [
      "",
      iconOf(c),
      hidden && "private",
      voice && !c.user_limit && people.length && `${people.length} in`,
      unread && "new messages",
    ]
      .filter((s) => s || s === "")
      .join(", ");
    return h(
      "li",
      {
        class: `channel${voice ? " voice" : ""}${mine ? " mine" : ""}${unread ? " fresh" : ""}`,
        data: { channel: c.id },
      },
      h(
        "div",
        { class: "channel-row" },
        h(
          "a",
          {
            href: app.href(g.id, c.id),
            class: "chan",
            "aria-current": here && "page",
            data: { own: "1", focus: "chan" },
          },
          icon(hidden ? "lock" : iconOf(c)),
          h("span", { class: "name", text: c.name }),
          h("span", { class: "sr-only", text: kind }),
          voice && c.user_limit
            ? h(
                "span",
                { class: "seats" },
                h("span", { class: "sr-only", text: ", " }),
                `${people.length}/${c.user_limit}`,
                h("span", { class: "sr-only", text: " in" }),
              )
            : null,
          unread && !here ? h("span", { class: "badge", text: "" }) : null,
        ),
        voice &&
          h(
            "button",
            {
              type: "button",
              class: `join${mine ? " out" : ""}`,
              "aria-label": mine ? `Leave ${c.name}` : `Join ${c.name}`,
              title: shut && !mine ? why : null,
              data: { focus: "join", shut: shut && !mine ? "1" : "" },
              on: { click: () => (mine ? app.leave() : app.join(g.id, c.id)) },
            },
            mine ? "Leave" : "Join",
          ),
      ),
      c.status ? h("p", { class: "status", text: c.status }) : null,
      people.length
        ? h(
            "ul",
            { class: "present", "aria-label": `In ${c.name}` },
            people.map((v) => this.person(g, v)),
          )
        : null,
    );
  }

  person(g, v) {
    const { app } = this;
    const name = app.store.memberName(g, v.user_id);
    const u = g.members.get(v.user_id)?.user ?? app.store.anyone(v.user_id);
    return h(
      "li",
      {},
      h(
        "button",
        {
          type: "button",
          class: "person",
          data: { user: v.user_id, focus: `p${v.user_id}` },
          on: {
            click: (e) => memberMenu(app, e.currentTarget, g.id, v.user_id),
            contextmenu: (e) => {
              e.preventDefault();
              memberMenu(app, e.currentTarget, g.id, v.user_id);
            },
          },
        },
        h("img", { src: picture(u), alt: "", width: 22, height: 22 }),
        h("span", { class: "name", text: name + (v.user_id === app.store.me ? " (you)" : "") }),
        marks(v),
      ),
    );
  }

  directs() {
    const { app } = this;
    const { store } = app;
    const list = [...store.dms.values()]
      .map((d) => ({ d, last: store.messages.get(d.id)?.at(-1)?.time ?? 0 }))
      .sort((a, b) => b.last - a.last);
    if (!list.length)
      return [
        {
          key: "none",
          sig: "",
          make: () =>
            h("li", {
              class: "empty",
              text: "Nobody has written to you yet. Bots write here, such as an invite that somebody sends you.",
            }),
        },
      ];
    return list.map(({ d }) => {
      const here = app.at.channel === d.id;
      const unread = store.unread.get(d.id) ?? 0;
      const name = store.dmName(d);
      return {
        key: d.id,
        sig: `${name}|${here}|${unread}`,
        make: () =>
          h(
            "li",
            { class: `channel${unread ? " fresh" : ""}`, data: { channel: d.id } },
            h(
              "a",
              {
                href: app.href("@me", d.id),
                class: "chan",
                "aria-current": here && "page",
                "aria-label": unread ? `${name}, ${plural(unread, "new message")}` : null,
                data: { own: "1", focus: "chan" },
              },
              h("img", { src: picture(d.recipients[0]), alt: "", width: 24, height: 24 }),
              h("span", { class: "name", text: name }),
              unread && !here ? h("span", { class: "badge", text: String(unread) }) : null,
            ),
          ),
      };
    });
  }
}

function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return h("span", {
    "aria-hidden": "true",
    text: (words.length > 1 ? words[0][0] + words[1][0] : name.slice(0, 2)).toUpperCase(),
  });
}
