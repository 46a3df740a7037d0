// Threads and posts: how they stand in the list, and what one does with them.

import { h, icon, plural } from "./dom.js";
import { askFor, field } from "./form.js";
import { byId, isForum, isThread } from "./store.js";

const PUBLIC = 11;
const PRIVATE = 12;
const takesThreads = [0, 5, 15]; // text, announcement and forum

/** The threads of a channel that are open, oldest first. */
export const threadsOf = (g, channel) =>
  [...g.threads.values()].filter((t) => t.parent_id === channel.id).sort((a, b) => byId(a.id, b.id));

/** What stands in the list of channels for a thread. */
export function threadRow(app, g, t, here, unread) {
  return h(
    "li",
    { class: `channel thread${unread ? " fresh" : ""}`, data: { channel: t.id } },
    h(
      "a",
      { href: app.href(g.id, t.id), class: "chan", "aria-current": here && "page", data: { own: "1", focus: "chan" } },
      icon("thread"),
      h("span", { class: "name", text: t.name }),
      h("span", { class: "sr-only", text: `, thread${unread ? ", new messages" : ""}` }),
      unread && !here ? h("span", { class: "badge", text: "" }) : null,
    ),
  );
}

/** The buttons at the head of a channel that has threads, or of a thread. */
export function threadActions(app, { guild, channel }) {
  if (!guild) return [];
  if (isThread(channel)) {
    const joined = Boolean(channel.member);
    const me = `/channels/${channel.id}/thread-members/@me`;
    return [
      button("join", [joined ? "Leave thread" : "Join thread"], () =>
        app.attempt(app.act.api(joined ? "DELETE" : "PUT", me)),
      ),
      button("close", ["Close thread"], () => archive(app, channel.id, true)),
    ];
  }
  if (!takesThreads.includes(channel.type)) return [];
  return [
    button("new", [icon("thread"), isForum(channel) ? "New post" : "Threads"], (e) =>
      offerThread(app, e.currentTarget, guild, channel),
    ),
  ];
}

function button(what, content, click) {
  const data = { thread: what, focus: what };
  return h("button", { type: "button", class: "button secondary", data, on: { click } }, content);
}

/** What is said below a thread's name. */
export function aboutThread(g, t) {
  const parent = g.channels.get(t.parent_id)?.name ?? "a channel";
  return `${t.type === PRIVATE ? "Private thread" : "Thread"} in ${parent} · ${plural(t.member_count, "member")}`;
}

const archive = (app, id, archived) => app.attempt(app.act.api("PATCH", `/channels/${id}`, { archived }));

function offerThread(app, anchor, guild, channel) {
  const forum = isForum(channel);
  const name = h("input", { maxlength: 100, autocomplete: "off", autofocus: true });
  const content = h("textarea", { rows: 3, maxlength: 2000 });
  const hidden = h("input", { type: "checkbox" });
  const closed = h("div", { class: "closed-threads" });
  askFor(anchor, {
    title: forum ? `New post in ${channel.name}` : `New thread in ${channel.name}`,
    go: forum ? "Post" : "Start",
    fields: [
      field("thread-name", forum ? "Title" : "Name", name),
      forum ? field("thread-content", "What it says", content) : h("label", { class: "check" }, hidden, "Private"),
    ],
    act: async () => {
      if (!name.value.trim()) return "It needs a name.";
      if (forum && !content.value.trim()) return "A post says something.";
      const t = await app.act.api("POST", `/channels/${channel.id}/threads`, {
        name: name.value.trim(),
        ...(forum ? { message: { content: content.value } } : { type: hidden.checked ? PRIVATE : PUBLIC }),
      });
      app.goTo(guild.id, t.id);
    },
    more: closed,
  });
  offerClosed(app, guild, channel, closed);
}

/** Asks for the name of a thread that starts from a message. */
export function threadFrom(app, anchor, guild, m) {
  const name = h("input", { maxlength: 100, autocomplete: "off", autofocus: true });
  askFor(anchor, {
    title: "New thread from this message",
    go: "Start",
    fields: [field("thread-name", "Name", name)],
    act: async () => {
      if (!name.value.trim()) return "It needs a name.";
      const path = `/channels/${m.channel_id}/messages/${m.id}/threads`;
      const t = await app.act.api("POST", path, { name: name.value.trim() });
      app.goTo(guild, t.id);
    },
  });
}

/** Lists the threads of a channel that were closed. */
async function offerClosed(app, guild, channel, root) {
  const got = await app.act.api("GET", `/channels/${channel.id}/threads/archived/public`).catch(() => null);
  if (!got?.threads?.length) return;
  root.append(
    h("h3", { text: "Closed" }),
    h(
      "ul",
      { class: "menu-list" },
      got.threads.map((t) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              on: { click: async () => (await archive(app, t.id, false)) && app.goTo(guild.id, t.id) },
            },
            icon("thread"),
            t.name,
            h("small", { text: "open again" }),
          ),
        ),
      ),
    ),
  );
}
