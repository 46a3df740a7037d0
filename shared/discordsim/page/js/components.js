// The components of messages, of both versions: buttons and menus that act,
// and the parts that arrange and show.

import { h, icon } from "./dom.js";
import { openMenu } from "./choose.js";
import { CHANNEL, MENTIONABLE, ROLE, USER, entities } from "./commands.js";
import { anchor, markdown } from "./markdown.js";

// A menu's kind → what of commands' kinds it picks.
const picks = { 5: USER, 6: ROLE, 7: MENTIONABLE, 8: CHANNEL };
const styles = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "link" };

/** Makes the elements of a list of components of message m. */
export function components(list, m, app) {
  return list.map((c) => (makers[c.type] ?? unknown)(c, m, app));
}

const makers = {
  1: (c, m, app) => h("div", { class: "row" }, components(c.components, m, app)),
  2: button,
  3: menu,
  5: menu,
  6: menu,
  7: menu,
  8: menu,
  9: (c, m, app) =>
    h("div", { class: "section" }, h("div", {}, components(c.components, m, app)), components([c.accessory], m, app)),
  10: (c, m, app) => h("div", { class: "text" }, markdown(c.content, app.names)),
  11: (c) => media(c.media, c.description),
  12: (c) =>
    h(
      "div",
      { class: "gallery" },
      c.items.map((i) => media(i.media, i.description)),
    ),
  13: (c) => fileLink(c.file?.url, c.name),
  14: (c) => h("hr", { class: c.divider === false ? "gap" : null, data: { spacing: String(c.spacing ?? 1) } }),
  17: container,
};

function unknown(c) {
  return h("p", { class: "soft", text: `A component of type ${c.type}, which this page does not show.` });
}

function container(c, m, app) {
  const el = h("div", { class: "container" }, components(c.components, m, app));
  if (c.accent_color !== null && c.accent_color !== undefined) el.style.setProperty("--edge", color(c.accent_color));
  return el;
}

export const color = (n) => `#${n.toString(16).padStart(6, "0")}`;

function emoji(e) {
  if (!e?.name) return null;
  return h("span", { class: "emoji", text: e.id ? `:${e.name}:` : e.name, "aria-hidden": "true" });
}

function button(c, m, app) {
  const face = [emoji(c.emoji), c.label ? h("span", { text: c.label }) : null];
  if (c.style === 5) {
    const a = anchor(c.url, [...face, icon("out")]);
    a.className = "button link";
    return a;
  }
  return h(
    "button",
    {
      type: "button",
      class: `button ${styles[c.style]}`,
      disabled: c.disabled,
      "aria-label": c.label ? null : c.emoji?.name,
      data: { customId: c.custom_id, focus: c.custom_id },
      on: { click: (e) => use(e.currentTarget, m, c, undefined, app) },
    },
    face,
  );
}

function menu(c, m, app) {
  const label = c.placeholder || "Choose";
  const preset = new Set((c.default_values ?? []).map((d) => d.id));
  const options = () =>
    c.type === 3
      ? c.options.map((o) => ({
          value: o.value,
          label: [o.emoji?.id ? "" : o.emoji?.name, o.label].filter(Boolean).join(" "),
          detail: o.description,
          chosen: o.default,
        }))
      : entities(
          { store: app.store, guild: app.store.channel(m.channel_id)?.guild?.id },
          picks[c.type],
          c.channel_types,
        ).map((o) => ({ ...o, chosen: preset.has(o.value) }));
  const now = options()
    .filter((o) => o.chosen)
    .map((o) => o.label)
    .join(", ");
  return h(
    "button",
    {
      type: "button",
      class: "button menu",
      disabled: c.disabled,
      "aria-haspopup": "listbox",
      data: { customId: c.custom_id, focus: c.custom_id },
      on: {
        click: (e) => {
          const el = e.currentTarget;
          openMenu(el, {
            label,
            options: options(),
            min: c.min_values ?? 1,
            max: c.max_values ?? 1,
            done: (values) => use(el, m, c, values, app),
          });
        },
      },
    },
    h("span", { class: now ? null : "soft", text: now || label }),
    icon("down"),
  );
}

async function use(el, m, c, values, app) {
  if (el.getAttribute("aria-busy") === "true") return;
  el.setAttribute("aria-busy", "true");
  try {
    await app.answered(app.act.component(m.id, c.custom_id, values), m.channel_id, c.label || c.placeholder || "that");
  } finally {
    el.removeAttribute("aria-busy");
  }
}

// Pictures from elsewhere are not loaded: nothing leaves this machine.
export function own(url) {
  try {
    const u = new URL(url, location.href);
    const here = u.origin === location.origin || ["127.0.0.1", "localhost", "[::1]"].includes(u.hostname);
    return here && /^\/(attachments|avatars|embed)\//.test(u.pathname) ? u.pathname + u.search : null;
  } catch {
    return null;
  }
}

export function media(item, description) {
  const url = item?.url ?? item?.proxy_url ?? "";
  const local = own(url);
  if (local) return h("img", { class: "media", src: local, alt: description || "", loading: "lazy" });
  return h(
    "span",
    { class: "media away" },
    icon("eye"),
    description || "A picture from elsewhere, not loaded: ",
    anchor(url, url),
  );
}

export function fileLink(url, name) {
  const local = own(url ?? "");
  return local
    ? h("a", { class: "file", href: local, download: name ?? "" }, icon("down"), name ?? "file")
    : h("span", { class: "file", text: name ?? url ?? "a file" });
}
