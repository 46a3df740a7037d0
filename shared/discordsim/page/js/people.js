// Who is in the server, and what one may do with somebody: the menu that
// hangs on every name, with the commands that applications put there.

import { remove } from "./api.js";
import { h, icon, patch, plural, popover, roving } from "./dom.js";
import { stageTurn } from "./stage.js";
import { nameOf, picture } from "./store.js";
import { asName } from "./who.js";
import { marks, marksKey } from "./voice.js";

const most = 150;

export class People {
  constructor(app, root) {
    Object.assign(this, { app, root });
    this.filter = h("input", {
      type: "search",
      "aria-label": "Find a member",
      placeholder: "Find a member",
      autocomplete: "off",
      on: { input: () => this.draw() },
    });
    this.list = h("ul", { class: "members", "aria-label": "Members" });
    this.rest = h("p", { class: "soft rest" });
    root.append(this.filter, this.list, this.rest);
    this.settle = roving(this.list, "button");
    app.store.watch(
      (changed) => !root.hidden && ["guilds", "voice", "at", "users"].some((t) => changed.has(t)) && this.draw(),
    );
  }

  draw() {
    const { store, at } = this.app;
    const g = store.guilds.get(at.guild);
    const want = this.filter.value.trim().toLowerCase();
    const all = g ? [...g.members.values()] : [];
    const found = all
      .filter((m) => !want || `${m.nick ?? ""} ${m.user.username} ${nameOf(m.user)}`.toLowerCase().includes(want))
      .map((m) => ({ m, v: g.voice.get(m.user.id), name: m.nick || nameOf(m.user) }))
      .sort(
        (a, b) =>
          Boolean(b.v) - Boolean(a.v) || Boolean(a.m.user.bot) - Boolean(b.m.user.bot) || a.name.localeCompare(b.name),
      );
    this.filter.hidden = all.length <= 12;
    const group = ({ m, v }) => (v ? "In voice" : m.user.bot ? "Bots" : "Members");
    const items = [];
    let last = "";
    for (const x of found.slice(0, most)) {
      if (group(x) !== last) {
        last = group(x);
        const title = last;
        items.push({ key: title, sig: title, make: () => h("li", { class: "group", text: title }) });
      }
      const roles = topRole(g, x.m);
      const where = x.v ? g.channels.get(x.v.channel_id)?.name : "";
      items.push({
        key: x.m.user.id,
        sig: JSON.stringify([x.name, x.m.user.username, roles, where, x.v && marksKey(x.v)]),
        make: () => this.row(g, x, roles, where),
      });
    }
    patch(this.list, items);
    this.rest.textContent = g
      ? found.length > most
        ? `and ${found.length - most} more: find them by name`
        : ""
      : "Members are shown for servers.";
    this.settle();
  }

  row(g, { m, v, name }, role, where) {
    return h(
      "li",
      {},
      h(
        "button",
        {
          type: "button",
          class: "person",
          data: { user: m.user.id, focus: "person" },
          on: {
            click: (e) => memberMenu(this.app, e.currentTarget, g.id, m.user.id),
            contextmenu: (e) => {
              e.preventDefault();
              memberMenu(this.app, e.currentTarget, g.id, m.user.id);
            },
          },
        },
        h("img", { src: picture(m.user), alt: "", width: 30, height: 30 }),
        h(
          "span",
          { class: "names" },
          h("span", { class: "name", text: name + (m.user.id === this.app.store.me ? " (you)" : "") }),
          h("small", {
            text: where
              ? `in ${where}`
              : m.user.bot
                ? "bot"
                : g.owner_id === m.user.id
                  ? "owner"
                  : role || m.user.username,
          }),
        ),
        v && marks(v),
      ),
    );
  }
}

function topRole(g, m) {
  const roles = m.roles
    .map((id) => g.roles.get(id))
    .filter((r) => r && !r.managed)
    .sort((a, b) => b.position - a.position);
  return roles[0]?.name ?? "";
}

/** Opens the menu of a member. */
export async function memberMenu(app, anchor, guild, id) {
  const { store } = app;
  const g = store.guilds.get(guild);
  const u = g?.members.get(id)?.user ?? store.anyone(id);
  if (!u) return;
  const name = store.memberName(g, id),
    roles =
      g?.members
        .get(id)
        ?.roles.map((r) => g.roles.get(r)?.name)
        .filter(Boolean) ?? [];
  const apps = h("div", { class: "apps" });
  const turn = stageTurn(app, g, id);
  const box = h(
    "div",
    { class: "member-menu" },
    h(
      "div",
      { class: "member-head" },
      h("img", { src: picture(u, 96), alt: "", width: 44, height: 44 }),
      h("div", {}, h("strong", { text: name }), h("small", { text: u.bot ? `${u.username} · bot` : u.username })),
    ),
    roles.length ? h("p", { class: "soft", text: roles.join(", ") }) : null,
    h("p", { class: "id", text: `id ${u.id}` }),
    apps,
    h(
      "ul",
      { class: "menu-list" },
      turn &&
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              data: { stage: "turn" },
              on: {
                click: () => {
                  layer.close(false);
                  turn.act();
                },
              },
            },
            icon("stage"),
            turn.text,
          ),
        ),
      h(
        "li",
        {},
        h(
          "button",
          {
            type: "button",
            on: {
              click: () => {
                layer.close(false);
                app.composer.insert(`@${u.username} `);
              },
            },
          },
          icon("text"),
          "Mention",
        ),
      ),
      g &&
        g.members.has(id) &&
        g.owner_id !== id &&
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              on: {
                click: () => {
                  layer.close(false);
                  app.attempt(remove(`guilds/${g.id}/members/${id}`));
                },
              },
            },
            icon("leave"),
            `Remove from ${g.name}`,
          ),
        ),
      !u.bot &&
        id !== store.me &&
        h(
          "li",
          {},
          h(
            "a",
            {
              href: app.hrefAs(asName(u, store.users.values())),
              target: "_blank",
              rel: "noopener",
              on: { click: () => layer.close() },
            },
            icon("out"),
            `Be ${name} in a new tab`,
          ),
        ),
    ),
  );
  const layer = popover(anchor, box, { label: `About ${name}`, role: "dialog" });
  roving(box, "button, a")();
  await offerApps(app, apps, 2, id, guild, layer);
}

/** Lists the applications' menu commands for a user (type 2) or a message (3). */
export async function offerApps(app, root, type, target, guild, layer) {
  const commands = (await app.commands.list(guild, app.at.channel)).filter((c) => c.type === type);
  if (!commands.length) return 0;
  root.append(
    h("h3", { text: "Apps" }),
    h(
      "ul",
      { class: "menu-list", "aria-label": "Apps" },
      commands.map((c) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              data: { command: c.name },
              on: {
                click: () => {
                  layer.close();
                  app.run({ name: c.name, title: c.title, guild, target, application: c.application_id });
                },
              },
            },
            icon("slash"),
            c.title,
            h("small", { text: c.application_name }),
          ),
        ),
      ),
    ),
  );
  roving(root.closest(".popover") ?? root, "button, a")();
  return commands.length;
}

export const memberCount = (g) => plural(g.members.size, "member");
