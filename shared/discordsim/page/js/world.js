// The panel of the server: what its bots may do, and who and what is added.

import { patchTo, post, put } from "./api.js";
import { h, icon, patch, plural } from "./dom.js";
import { bit, permissions } from "./permissions.js";
import { actForm } from "./form.js";
import { isCategory, nameOf } from "./store.js";

// What adds an application's bot to a server.
const addBot = (app, guild) =>
  new URLSearchParams({
    client_id: app.id,
    scope: "bot applications.commands",
    permissions: "0",
    guild_id: guild.id,
  });

export class World {
  constructor(app, root) {
    Object.assign(this, { app, root });
    this.bots = h("div", { class: "bots" });
    this.add = h("div");
    this.apps = h("div");
    root.append(this.bots, this.add);
    app.store.watch(
      (changed) =>
        !root.hidden && ["guilds", "at", "apps", "users", "panel"].some((t) => changed.has(t)) && this.draw(),
    );
  }

  draw() {
    const { store, at } = this.app;
    const g = store.guilds.get(at.guild);
    if (!g) {
      patch(this.bots, [
        {
          key: "none",
          sig: "",
          make: () => h("p", { class: "soft", text: "Go to a server to see what its bots may do there." }),
        },
      ]);
      patch(this.add, []);
      return;
    }
    const inside = store.apps.filter((a) => g.members.has(a.bot.id));
    const outside = store.apps.filter((a) => !g.members.has(a.bot.id));
    patch(this.bots, [
      ...inside.map((a) => ({ key: a.id, sig: `${g.id} ${a.name}`, make: () => this.bot(g.id, a) })),
      ...outside.map((a) => ({
        key: a.id,
        sig: `out ${g.id} ${a.name}`,
        make: () =>
          h(
            "p",
            { class: "outside" },
            h("span", { text: `${a.name} is not in this server.` }),
            h(
              "a",
              {
                class: "button secondary",
                href: `/oauth2/authorize?${addBot(a, g)}`,
                target: "_blank",
                rel: "noopener",
                on: { click: () => this.app.loginsAre() },
              },
              "Add it",
              icon("out"),
            ),
          ),
      })),
    ]);
    for (const a of inside) this.switches(g, a);
    patch(this.add, [
      { key: "member", sig: g.id, make: () => this.memberForm(g.id) },
      { key: "channel", sig: g.id, make: () => this.channelForm(g.id) },
      { key: "server", sig: "", make: () => this.serverForm() },
    ]);
    this.offerPeople(g);
  }

  bot(guild, a) {
    const switches = h("ul", { class: "switches", data: { app: a.id } });
    const more = h("ul", { class: "switches", data: { app: a.id, more: "1" } });
    return h(
      "section",
      { class: "bot", data: { bot: a.id } },
      h("h3", { text: `What ${a.name} may do here` }),
      h("p", { class: "soft", text: "Turn one off and it is taken from the bot's own role at once." }),
      switches,
      h("details", {}, h("summary", {}, "All permissions"), more),
    );
  }

  /** Draws the switches of a bot in a server. */
  switches(g, a) {
    const box = this.bots.querySelector(`[data-bot="${a.id}"]`);
    if (!box) return;
    const member = g.members.get(a.bot.id);
    const own = [...g.roles.values()].find((r) => r.tags?.bot_id === a.bot.id);
    const roles = [g.roles.get(g.id), ...member.roles.map((id) => g.roles.get(id))].filter(Boolean);
    const mine = BigInt(own?.permissions ?? 0);
    const from = (p) => roles.filter((r) => r !== own && (BigInt(r.permissions) & p.bit) !== 0n);
    const admin = (mine & bit("ADMINISTRATOR")) !== 0n;
    for (const list of box.querySelectorAll(".switches")) {
      patch(
        list,
        permissions
          .filter((p) => p.usual === !list.dataset.more)
          .map((p) => {
            const on = (mine & p.bit) !== 0n;
            const others = from(p);
            return {
              key: p.name,
              sig: JSON.stringify([on, others.map((r) => [r.id, r.name]), admin]),
              make: () => this.toggle(g, a, p, on, others, admin),
            };
          }),
      );
    }
  }

  toggle(g, a, p, on, others, admin) {
    const also = others.length
      ? on
        ? `also by ${others.map((r) => r.name).join(", ")}`
        : `still by ${others.map((r) => r.name).join(", ")}`
      : admin && !on
        ? "still, as an administrator"
        : "";
    const button = h(
      "button",
      {
        type: "button",
        role: "switch",
        class: "switch",
        "aria-checked": String(on),
        data: { permission: p.name, focus: "switch" },
        on: {
          click: () =>
            this.app.attempt(
              put(`guilds/${g.id}/bot`, { application_id: a.id, [on ? "deny" : "allow"]: String(p.bit) }),
            ),
        },
      },
      h("span", { class: "name" }, p.words, also ? h("small", { text: also }) : null),
      h("span", { class: "knob", "aria-hidden": "true" }),
    );
    const rest =
      !on && others.length
        ? h("button", {
            type: "button",
            class: "textual",
            data: { focus: "rest" },
            text: "Take it from them too",
            on: {
              click: () =>
                this.app.attempt(
                  Promise.all(others.map((r) => patchTo(`guilds/${g.id}/roles/${r.id}`, { deny: String(p.bit) }))),
                ),
            },
          })
        : null;
    return h("li", {}, button, rest);
  }

  memberForm(guild) {
    const pick = h("select", { id: "add-who" }),
      name = h("input", {
        id: "add-name",
        maxlength: 32,
        autocomplete: "off",
        spellcheck: "false",
        placeholder: "for example kim",
      });
    const nameBox = h("div", { class: "field" }, h("label", { for: "add-name", text: "Account name" }), name);
    const settle = () => (nameBox.hidden = pick.value !== "");
    pick.addEventListener("change", settle);
    this.pick = pick;
    this.settlePick = settle;
    return this.form(
      "Add a member",
      "Add",
      [h("div", { class: "field" }, h("label", { for: "add-who", text: "Who" }), pick), nameBox],
      async () => {
        const username = name.value.trim().toLowerCase();
        if (!pick.value && !/^[a-z0-9._]{2,32}$/.test(username))
          return "Choose a name of 2 to 32 letters, digits, dots or underscores.";
        if (!pick.value && [...this.app.store.users.values()].some((u) => u.username === username))
          return `There is already somebody called ${username}.`;
        const body = pick.value
          ? { user_id: pick.value }
          : { username, global_name: username[0].toUpperCase() + username.slice(1) };
        const m = await post(`guilds/${guild}/members`, body);
        name.value = "";
        this.app.tell(`${nameOf(m.user)} is a member now.`);
      },
      "add-member",
    );
  }

  offerPeople(g) {
    const out = [...this.app.store.users.values()].filter((u) => !g.members.has(u.id));
    const sig = out.map((u) => u.id).join();
    if (!this.pick || (this.pick.dataset.sig === sig && this.pick.options.length)) return;
    const now = this.pick.value;
    this.pick.dataset.sig = sig;
    this.pick.replaceChildren(
      h("option", { value: "", text: "somebody new" }),
      ...out.map((u) => h("option", { value: u.id, text: `${nameOf(u)} (${u.username})` })),
    );
    this.pick.value = out.some((u) => u.id === now) ? now : "";
    this.pick.closest(".field").hidden = !out.length;
    this.settlePick();
  }

  channelForm(guild) {
    const name = h("input", { id: "channel-name", maxlength: 100, autocomplete: "off" });
    const type = h(
      "select",
      { id: "channel-type" },
      h("option", { value: "2", text: "voice" }),
      h("option", { value: "0", text: "text" }),
      h("option", { value: "13", text: "stage" }),
      h("option", { value: "15", text: "forum" }),
      h("option", { value: "4", text: "category" }),
    );
    return this.form(
      "Add a channel",
      "Add",
      [
        h("div", { class: "field" }, h("label", { for: "channel-name", text: "Name" }), name),
        h("div", { class: "field" }, h("label", { for: "channel-type", text: "Kind" }), type),
      ],
      async () => {
        if (!name.value.trim()) return "It needs a name.";
        const g = this.app.store.guilds.get(guild);
        const like = [...g.channels.values()].find(
          (c) => c.type === Number(type.value) && c.parent_id && !isCategory(c),
        );
        await post(`guilds/${guild}/channels`, {
          name: name.value.trim(),
          type: Number(type.value),
          parent_id: like?.parent_id ?? undefined,
        });
        this.app.tell(`${name.value.trim()} is there now.`);
        name.value = "";
      },
      "add-channel",
    );
  }

  serverForm() {
    const name = h("input", { id: "server-name", maxlength: 100, autocomplete: "off" });
    return this.form(
      "Make a server",
      "Make",
      [h("div", { class: "field" }, h("label", { for: "server-name", text: "Name" }), name)],
      async () => {
        if (name.value.trim().length < 2) return "Its name needs 2 characters or more.";
        const g = await post("guilds", { name: name.value.trim(), owner_id: this.app.store.me });
        name.value = "";
        this.app.tell(`${g.name} is yours, with ${plural(1, "member")}: you. Go there, and add a bot.`);
      },
      "add-server",
    );
  }

  form(title, go, fields, act, kind) {
    return h("details", { class: "adder", data: { add: kind } }, h("summary", {}, title), actForm(go, fields, act));
  }
}
