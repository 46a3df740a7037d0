// One message: who wrote it, what it says, and what can be done with it.

import { h, icon, popover } from "./dom.js";
import { color, components, fileLink, media, own } from "./components.js";
import { anchor, inline, markdown } from "./markdown.js";
import { memberMenu, offerApps } from "./people.js";
import { EPHEMERAL, LOADING, isThread, nameOf, picture } from "./store.js";
import { threadFrom } from "./threads.js";

const THREAD_STARTER = 21;
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
export const dayOf = (ms) => day.format(ms);

/** Makes a message's element; short leaves out who wrote it. */
export function message(m, app, { guild, short }) {
  if (m.note) return note(m, app);
  if (m.type === THREAD_STARTER && m.referenced_message)
    return message({ ...m.referenced_message, time: m.time, type: 0 }, app, { guild });
  const ephemeral = (m.flags & EPHEMERAL) !== 0;
  const loading = (m.flags & LOADING) !== 0;
  const v2 = (m.flags & (1 << 15)) !== 0;
  const g = app.store.guilds.get(guild);
  const webhook = m.webhook_id && !app.store.anyone(m.author.id);
  const author = g && !webhook ? app.store.memberName(g, m.author.id) : nameOf(m.author);
  const body = [
    m.content ? h("div", { class: "text" }, markdown(m.content, app.names)) : null,
    ...m.embeds.map((e) => embed(e, app)),
    ...m.attachments.map((a) =>
      (a.content_type ?? "").startsWith("image/") && own(a.url)
        ? media(a, a.description || a.filename)
        : fileLink(a.url, a.filename),
    ),
    m.components.length ? h("div", { class: `components${v2 ? " v2" : ""}` }, components(m.components, m, app)) : null,
    loading
      ? h(
          "p",
          { class: "thinking" },
          h("span", { text: `${author} is thinking` }),
          h("span", { class: "dots", "aria-hidden": "true" }),
        )
      : null,
    m.reactions?.length
      ? h(
          "p",
          { class: "reactions" },
          m.reactions.map((r) => h("span", { text: `${r.emoji.name} ${r.count}` })),
        )
      : null,
  ];
  const by = m.interaction_metadata;
  return h(
    "article",
    {
      class: `message${short ? " short" : ""}${ephemeral ? " ephemeral" : ""}`,
      data: { message: m.id },
      "aria-label": `${author}, ${clock.format(m.time)}`,
    },
    by?.name
      ? h(
          "p",
          { class: "used" },
          h("span", { text: g ? app.store.memberName(g, by.user.id) : nameOf(by.user) }),
          " used ",
          h("code", { class: "command", text: by.command_type > 1 ? by.name : `/${by.name}` }),
        )
      : null,
    m.referenced_message
      ? h(
          "p",
          { class: "used" },
          `to ${nameOf(m.referenced_message.author)}: `,
          m.referenced_message.content.slice(0, 80),
        )
      : null,
    short
      ? h("time", { class: "at", datetime: m.timestamp, text: clock.format(m.time) })
      : h("img", { class: "face", src: picture(m.author), alt: "", width: 38, height: 38 }),
    h(
      "div",
      { class: "body" },
      short
        ? null
        : h(
            "header",
            {},
            h("button", {
              type: "button",
              class: "author",
              text: author,
              data: { focus: "author" },
              on: webhook ? {} : { click: (e) => memberMenu(app, e.currentTarget, guild, m.author.id) },
            }),
            m.author.bot ? h("span", { class: "tag", text: "bot" }) : null,
            h("time", { datetime: m.timestamp, title: day.format(m.time), text: clock.format(m.time) }),
            m.edited_timestamp && !ephemeral ? h("small", { text: "edited" }) : null,
          ),
      body,
      ephemeral
        ? h(
            "footer",
            {},
            icon("eye"),
            h("span", { text: "Only you can see this" }),
            h("button", {
              type: "button",
              class: "textual",
              text: "Dismiss",
              data: { focus: "dismiss" },
              on: { click: () => app.dismiss(m.channel_id, m.id) },
            }),
          )
        : null,
    ),
    loading
      ? null
      : h(
          "button",
          {
            type: "button",
            class: "quiet more",
            "aria-label": "More about this message",
            data: { focus: "more" },
            on: { click: (e) => menu(m, app, guild, e.currentTarget) },
          },
          icon("more"),
        ),
  );
}

function note(m, app) {
  return h(
    "article",
    { class: `note ${m.kind}`, role: m.kind === "problem" ? "alert" : null },
    icon(m.kind === "problem" ? "warn" : "more"),
    h("span", { text: m.text }),
    h("button", {
      type: "button",
      class: "textual",
      text: "Dismiss",
      on: { click: () => app.dismiss(app.at.channel, m.id) },
    }),
  );
}

async function menu(m, app, guild, at) {
  const ephemeral = (m.flags & EPHEMERAL) !== 0;
  const apps = h("div", { class: "apps" }),
    copied = (text, what) =>
      navigator.clipboard?.writeText(text).then(
        () => app.tell(`${what} copied`),
        () => {},
      );
  const layer = popover(
    at,
    h(
      "div",
      { class: "member-menu" },
      apps,
      h(
        "ul",
        { class: "menu-list" },
        guild && !ephemeral && !isThread(app.store.channel(m.channel_id)?.channel ?? {})
          ? h(
              "li",
              {},
              h(
                "button",
                {
                  type: "button",
                  data: { thread: "from" },
                  on: {
                    click: () => {
                      layer.close();
                      threadFrom(app, at, guild, m);
                    },
                  },
                },
                "Start a thread",
              ),
            )
          : null,
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              on: {
                click: () => {
                  layer.close();
                  copied(m.content, "Text");
                },
              },
            },
            "Copy its text",
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
                  layer.close();
                  copied(m.id, "Id");
                },
              },
            },
            "Copy its id",
          ),
        ),
      ),
    ),
    { label: "About this message", role: "dialog" },
  );
  if (!ephemeral) await offerApps(app, apps, 3, m.id, guild, layer);
}

function embed(e, app) {
  const title = e.title ? inline(e.title, app.names) : null;
  const el = h(
    "div",
    { class: "embed" },
    e.author?.name
      ? h("p", { class: "soft" }, e.author.url ? anchor(e.author.url, e.author.name) : e.author.name)
      : null,
    title ? h("h3", {}, e.url ? anchor(e.url, title) : title) : null,
    e.description ? h("div", { class: "text" }, markdown(e.description, app.names)) : null,
    e.fields?.length
      ? h(
          "dl",
          {},
          e.fields.map((f) =>
            h(
              "div",
              { class: f.inline ? "inline" : null },
              h("dt", {}, inline(f.name, app.names)),
              h("dd", {}, markdown(f.value, app.names)),
            ),
          ),
        )
      : null,
    e.image?.url ? media(e.image) : null,
    e.thumbnail?.url ? media(e.thumbnail) : null,
    e.footer?.text || e.timestamp
      ? h("footer", {
          text: [e.footer?.text, e.timestamp && new Date(e.timestamp).toLocaleString()].filter(Boolean).join(" · "),
        })
      : null,
  );
  if (e.color) el.style.setProperty("--edge", color(e.color));
  return el;
}
