// Application commands as they are typed: which there are, their paths with
// sub-commands, and reading options out of a line of text.

import { isVoice, nameOf } from "./store.js";

export const STRING = 3;
export const INTEGER = 4;
export const BOOLEAN = 5;
export const USER = 6;
export const CHANNEL = 7;
export const ROLE = 8;
export const MENTIONABLE = 9;
export const NUMBER = 10;
export const ATTACHMENT = 11;

/** Keeps the commands that the person may use, by place, until they change. */
export class Commands {
  constructor(app) {
    this.app = app;
    this.known = new Map();
    app.store.watch((changed) => changed.has("commands") && this.known.clear());
  }

  /** All commands of a place; chat commands once for each of their sub-commands. */
  async list(guild, channel) {
    const key = `${guild}/${channel}`;
    if (!this.known.has(key)) {
      const locale = this.app.store.users.get(this.app.store.me)?.locale;
      const ask = this.app.act
        .commands(guild === "@me" ? "" : guild, channel)
        .then(({ commands }) => commands.flatMap((c) => spread(c, locale)));
      this.known.set(key, ask);
      ask.catch(() => this.known.delete(key));
    }
    return this.known.get(key).catch(() => []);
  }
}

/** Makes an entry for each thing that can be run: path is what is sent, title what is shown. */
function spread(c, locale) {
  const local = (x) => ({
    title: x.name_localizations?.[locale] ?? x.name,
    words: x.description_localizations?.[locale] ?? x.description,
  });
  const walk = (x, path, titles) => {
    const { title, words } = local(x);
    const here = [...path, x.name];
    const shown = [...titles, title];
    const inner = (x.options ?? []).filter((o) => o.type <= 2);
    if (inner.length) return inner.flatMap((o) => walk(o, here, shown));
    return [
      {
        ...c,
        name: here.join(" "),
        title: shown.join(" "),
        words,
        options: (x.options ?? []).map((o) => ({
          ...o,
          ...local(o),
          choices: o.choices?.map((ch) => ({ ...ch, title: ch.name_localizations?.[locale] ?? ch.name })),
        })),
      },
    ];
  };
  return walk(c, [], []);
}

/** The commands that a line beginning with "/" may become, best first. */
export function matching(list, line) {
  const want = line.slice(1).toLowerCase().trim();
  return list
    .filter((c) => c.type === 1)
    .map((c) => ({ c, rank: rank(c, want) }))
    .filter((x) => x.rank < 9)
    .sort((a, b) => a.rank - b.rank || a.c.title.localeCompare(b.c.title))
    .map((x) => x.c);
}

function rank(c, want) {
  const names = [c.title.toLowerCase(), c.name];
  if (!want) return 0;
  if (names.some((n) => n.startsWith(want))) return 0;
  if (names.some((n) => n.split(/[ -]/).some((w) => w.startsWith(want)))) return 1;
  if (names.some((n) => n.includes(want))) return 2;
  return want.length > 2 && c.words.toLowerCase().includes(want) ? 3 : 9;
}

/** Finds the command that a whole line names, and the rest of the line. */
export function typed(list, line) {
  const text = line.slice(1).replace(/\s+/g, " ");
  let best = null;
  for (const c of list)
    for (const name of [c.title.toLowerCase(), c.name])
      if (c.type === 1 && `${text} `.toLowerCase().startsWith(`${name} `) && name.length > (best?.length ?? 0))
        best = { command: c, length: name.length };
  if (!best) return null;
  const rest = line.slice(1 + lengthIn(line.slice(1), best.length));
  return { command: best.command, rest: rest.replace(/^\s+/, ""), open: /^\s/.test(rest) };
}

// How many characters of the raw text make up n characters with single spaces.
function lengthIn(raw, n) {
  let i = 0;
  for (let seen = 0; i < raw.length && seen < n; i++) if (!(/\s/.test(raw[i]) && /\s/.test(raw[i - 1] ?? ""))) seen++;
  return i;
}

/**
 * Reads "name:Friday seats:4" into texts by option. What stands before the
 * first option belongs to the first one that is not named.
 */
export function readOptions(options, rest) {
  const texts = new Map(),
    names = new Map(
      options.flatMap((o) => [
        [o.name, o],
        [o.title, o],
      ]),
    );
  const starts = [...rest.matchAll(/(^|\s)([^\s:]+):/g)]
    .filter((m) => names.has(m[2].toLowerCase()))
    .map((m) => ({ at: m.index, from: m.index + m[0].length, option: names.get(m[2].toLowerCase()) }));
  starts.forEach((s, i) => texts.set(s.option.name, rest.slice(s.from, starts[i + 1]?.at).trim()));
  const loose = rest.slice(0, starts[0]?.at).trim();
  const first = options.find((o) => !texts.has(o.name));
  if (loose && first) texts.set(first.name, loose);
  return { texts, current: starts.at(-1)?.option ?? null, extra: loose && !first ? loose : "" };
}

/** Turns what was typed for an option into its value: {value} or {error}. */
export function valueOf(option, text, place) {
  if (option.choices?.length) {
    const ch = option.choices.find((c) =>
      [c.title, c.name, String(c.value)].some((n) => n.toLowerCase() === text.toLowerCase()),
    );
    return ch ? { value: ch.value } : { error: `Choose one of: ${option.choices.map((c) => c.title).join(", ")}.` };
  }
  switch (option.type) {
    case INTEGER:
    case NUMBER:
      return numberOf(option, text);
    case BOOLEAN:
      if (/^(true|yes|on|1)$/i.test(text)) return { value: true };
      return /^(false|no|off|0)$/i.test(text) ? { value: false } : { error: "Choose true or false." };
    case USER:
    case CHANNEL:
    case ROLE:
    case MENTIONABLE:
      return entityOf(option, text, place);
    case ATTACHMENT:
      return { error: "The simulator has no files to attach." };
  }
  const n = [...text].length;
  if (option.min_length !== undefined && n < option.min_length)
    return { error: `At least ${option.min_length} characters.` };
  if (option.max_length !== undefined && n > option.max_length)
    return { error: `At most ${option.max_length} characters; this has ${n}.` };
  return { value: text };
}

function numberOf(option, text) {
  const n = Number(text);
  if (text === "" || !Number.isFinite(n)) return { error: "A number is needed." };
  if (option.type === INTEGER && !Number.isInteger(n)) return { error: "A whole number is needed." };
  const { min_value: low, max_value: high } = option;
  if ((low !== undefined && n < low) || (high !== undefined && n > high)) return { error: `${bounds(option)}.` };
  return { value: n };
}

/** Says what numbers an option takes. */
export function bounds({ min_value: low, max_value: high }) {
  if (low !== undefined && high !== undefined) return `From ${low} to ${high}`;
  return low !== undefined ? `At least ${low}` : high !== undefined ? `At most ${high}` : "";
}

function entityOf(option, text, place) {
  const bare = text
    .replace(/^<(?:@!?|@&|#)(\d+)>$/, "$1")
    .replace(/^[@#]/, "")
    .toLowerCase();
  const all = entities(place, option.type, option.channel_types),
    found =
      all.find((e) => e.value === bare) ?? all.find((e) => [e.label, e.detail].some((n) => n?.toLowerCase() === bare));
  return found ? { value: found.value } : { error: `There is no ${kindName(option.type)} called ${text} here.` };
}

export const kindName = (type) =>
  ({ [USER]: "member", [CHANNEL]: "channel", [ROLE]: "role" })[type] ?? "member or role";

/** What can be picked for an option or menu of a kind: {value, label, detail, picture?}. */
export function entities({ store, guild }, type, channelTypes) {
  const g = store.guilds.get(guild);
  const out = [];
  if (type === USER || type === MENTIONABLE) {
    const users = g ? [...g.members.values()].map((m) => m.user) : [...store.users.values()];
    out.push(
      ...users
        .map((u) => ({ value: u.id, label: store.memberName(g, u.id), detail: u.username, picture: u }))
        .sort((a, b) => Boolean(a.picture.bot) - Boolean(b.picture.bot) || a.label.localeCompare(b.label)),
    );
  }
  if (g && (type === ROLE || type === MENTIONABLE))
    out.push(
      ...[...g.roles.values()].map((r) => ({ value: r.id, label: r.name, detail: r.managed ? "of a bot" : "role" })),
    );
  if (g && type === CHANNEL)
    out.push(
      ...store
        .tree(g)
        .flatMap(({ category, channels }) => [...(category ? [category] : []), ...channels])
        .filter((c) => !channelTypes?.length || channelTypes.includes(c.type))
        .map((c) => ({
          value: c.id,
          label: c.name,
          detail: c.type === 4 ? "category" : isVoice(c) ? "voice" : "text",
        })),
    );
  return out;
}

/** What a value is called, for showing it again. */
export function entityName(place, type, id) {
  return entities(place, type).find((e) => e.value === id)?.label ?? nameOf(place.store.anyone(id));
}
