// The first screen: what this is, and who one wants to be.

import { Refused, get, invite, post } from "./api.js";
import { h, icon, patch, roving } from "./dom.js";
import { nameOf, picture } from "./store.js";

const last = "sim.last";

/** Remembers whom this browser was last. */
export const remember = (as) => localStorage.setItem(last, as);

/** Who this browser was last; null: nobody yet. */
export const lastPerson = () => localStorage.getItem(last);

/** The name by which an account stands in the address: its own, if no other has it. */
export const asName = (u, all) => ([...all].filter((x) => x.username === u.username).length > 1 ? u.id : u.username);

/** Finds the account that an address names. */
export const findAs = (as, all) => all.find((u) => u.username === as) ?? all.find((u) => u.id === as);

/** Shows the screen in root. link(as) is the address at which one is somebody. */
export async function who(root, { note, link, code }) {
  const list = h("ul", { class: "people-grid" });
  const settle = roving(list, "a", { across: true });
  const filter = h("input", { type: "search", id: "who-filter", placeholder: "Part of a name", autocomplete: "off" });
  const filterBox = h(
    "div",
    { class: "field who-filter", hidden: true },
    h("label", { for: "who-filter", text: "Find somebody" }),
    filter,
  );
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const where = h("p", { class: "soft", hidden: true });
  root.replaceChildren(
    h(
      "main",
      { class: "who" },
      h(
        "header",
        { class: "who-head" },
        h("img", { src: "/mark.svg", alt: "", width: 44, height: 44 }),
        h(
          "div",
          {},
          h("h1", { text: "Discord simulator" }),
          h("p", { class: "lead", text: "A simulated Discord. Nothing here leaves this machine." }),
        ),
      ),
      note && h("p", { class: "notice", role: "status", text: note }),
      where,
      h("h2", { id: "who-title", text: "Who do you want to be?" }),
      h("p", {
        class: "soft",
        text: "This tab will be that person. Open more tabs to be several people at once: each keeps its own.",
      }),
      problem,
      filterBox,
      h("nav", { "aria-labelledby": "who-title" }, list),
      newcomer(link),
    ),
  );
  if (code)
    invite(code).then(
      (i) => {
        const channel = i.channel?.name ? `, #${i.channel.name}` : "";
        where.textContent = `An invite to ${i.guild?.name ?? "a server"}${channel}. Choose who follows it.`;
        where.hidden = false;
      },
      () => {},
    );
  let users = [];
  const draw = () => {
    const want = filter.value.trim().toLowerCase();
    const found = users.filter(
      (u) => !want || u.username.toLowerCase().includes(want) || nameOf(u).toLowerCase().includes(want),
    );
    patch(
      list,
      found.slice(0, 120).map((u) => ({ key: u.id, sig: u.id, make: () => card(u, users, link) })),
    );
    settle();
  };
  filter.addEventListener("input", draw);
  try {
    ({ users } = await get("users"));
  } catch (e) {
    problem.textContent = e instanceof Refused ? e.message : String(e);
    problem.hidden = false;
    return;
  }
  filterBox.hidden = users.length <= 12;
  const before = localStorage.getItem(last);
  users.sort((a, b) => (asName(b, users) === before) - (asName(a, users) === before));
  draw();
  list.querySelector("a")?.focus();
}

function card(u, all, link) {
  const as = asName(u, all);
  const before = localStorage.getItem(last) === as;
  return h(
    "li",
    {},
    h(
      "a",
      { href: link(as), class: "person-card", data: { as } },
      h("img", { src: picture(u, 96), alt: "", width: 48, height: 48 }),
      h(
        "span",
        { class: "names" },
        h("strong", { text: nameOf(u) }),
        h("small", { text: before ? `${u.username} · last time` : u.username }),
      ),
    ),
  );
}

function newcomer(link) {
  const name = h("input", {
    id: "new-name",
    required: true,
    maxlength: 32,
    pattern: "[a-zA-Z0-9._]+",
    autocomplete: "off",
    title: "Letters, digits, dots and underscores",
  });
  const shown = h("input", { id: "new-shown", maxlength: 32, autocomplete: "off" });
  const error = h("p", { class: "problem", role: "alert", hidden: true });
  return h(
    "details",
    { class: "newcomer" },
    h("summary", {}, "Be somebody new"),
    h(
      "form",
      {
        class: "inline-form",
        on: {
          submit: async (e) => {
            e.preventDefault();
            try {
              const before = (await get("users")).users.find((x) => x.guild_ids.length);
              const u = await post("users", {
                username: name.value.toLowerCase(),
                global_name: shown.value,
                guild_id: before?.guild_ids[0],
              });
              const { users } = await get("users");
              location.assign(link(asName(users.find((x) => x.id === u.id) ?? u, users)));
            } catch (err) {
              error.textContent = err.message;
              error.hidden = false;
            }
          },
        },
      },
      h("div", { class: "field" }, h("label", { for: "new-name", text: "Account name" }), name),
      h("div", { class: "field" }, h("label", { for: "new-shown", text: "Shown as (may be empty)" }), shown),
      h("button", { class: "go", type: "submit" }, icon("send"), "Be them"),
      error,
    ),
  );
}

/** What hangs below one's own name: other people, and one's own settings. */
export function selfMenu(app) {
  const { store, act } = app;
  const me = store.users.get(store.me);
  const all = [...store.users.values()];
  const people = h("ul", { class: "menu-list", "aria-label": "Other people" });
  const filter = h("input", {
    type: "search",
    "aria-label": "Find somebody",
    placeholder: "Find somebody",
    autocomplete: "off",
  });
  const settle = roving(people, "a");
  const draw = () => {
    const want = filter.value.trim().toLowerCase();
    const found = all.filter(
      (u) => u.id !== store.me && (!want || `${u.username} ${nameOf(u)}`.toLowerCase().includes(want)),
    );
    patch(
      people,
      found.slice(0, 60).map((u) => ({ key: u.id, sig: u.id, make: () => other(u, all, app) })),
    );
    settle();
  };
  filter.addEventListener("input", draw);
  draw();
  const closed = h("input", { type: "checkbox", checked: !me?.dms_closed });
  closed.addEventListener("change", () => app.attempt(act.settings({ dms_closed: !closed.checked })));
  const locale = h(
    "select",
    { id: "locale" },
    locales.map(([code, name]) => h("option", { value: code, text: name })),
  );
  locale.value = me?.locale ?? "en-US";
  locale.addEventListener("change", () => app.attempt(act.settings({ locale: locale.value })));
  return h(
    "div",
    { class: "self-menu" },
    h("h3", { text: `You are ${nameOf(me)} in this tab` }),
    h("label", { class: "check" }, closed, "Take direct messages"),
    h("div", { class: "field row" }, h("label", { for: "locale", text: "Language" }), locale),
    h("h3", { text: "Be somebody else" }),
    all.length > 9 && filter,
    people,
    h("a", { class: "quiet-link", href: "/?choose", data: { own: "1" } }, icon("swap"), "The whole list"),
  );
}

function other(u, all, app) {
  const as = asName(u, all);
  const url = app.hrefAs(as);
  return h(
    "li",
    { class: "other" },
    h("img", { src: picture(u), alt: "", width: 28, height: 28 }),
    h("span", { class: "name", text: nameOf(u) }),
    h(
      "a",
      { href: url, target: "_blank", rel: "noopener", "aria-label": `Be ${nameOf(u)} in a new tab`, data: { as } },
      "New tab",
      icon("out"),
    ),
    h("a", { href: url, class: "quiet-link", "aria-label": `Be ${nameOf(u)} in this tab` }, "Here"),
  );
}

const names = new Intl.DisplayNames("en", { type: "language" });
const locales = [
  "en-US",
  "en-GB",
  "de",
  "fr",
  "es-ES",
  "es-419",
  "pt-BR",
  "ja",
  "id",
  "da",
  "hr",
  "it",
  "lt",
  "hu",
  "nl",
  "no",
  "pl",
  "ro",
  "fi",
  "sv-SE",
  "vi",
  "tr",
  "cs",
  "el",
  "bg",
  "ru",
  "uk",
  "hi",
  "th",
  "zh-CN",
  "zh-TW",
  "ko",
  "ar",
  "he",
].map((code) => [code, names.of(code)]);
