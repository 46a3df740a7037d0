// What people and bots write, made into elements: the part of Discord's
// Markdown that answers use. Nothing is ever read as markup.

import { h } from "./dom.js";

/**
 * Makes nodes of a text. env says what mentions are called: user(id),
 * channel(id) and role(id) give {name, href?}; only what is a known address is a link.
 */
export function markdown(text, env, { embeds = true } = {}) {
  const out = [];
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    let m;
    if (line.startsWith("```")) {
      const rest = lines.slice(i).join("\n").slice(3),
        end = rest.indexOf("```");
      if (end >= 0) {
        const body = rest.slice(0, end);
        out.push(h("pre", {}, h("code", { text: body.replace(/^[a-zA-Z0-9+-]*\n/, "").replace(/\n$/, "") })));
        const used = body.split("\n").length;
        const after = rest.slice(end + 3).split("\n")[0];
        i += used;
        if (after) out.push(h("p", {}, inline(after, env)));
        continue;
      }
    }
    if (embeds && (m = /^(#{1,3}) +(.+)$/.exec(line))) out.push(h(`h${m[1].length + 2}`, {}, inline(m[2], env)));
    else if (embeds && (m = /^-# +(.+)$/.exec(line))) out.push(h("p", { class: "subtext" }, inline(m[1], env)));
    else if (/^> ?/.test(line)) {
      const quoted = [];
      while (i < lines.length && /^> ?/.test(lines[i])) quoted.push(lines[i++].replace(/^> ?/, ""));
      out.push(h("blockquote", {}, markdown(quoted.join("\n"), env)));
      continue;
    } else if (/^\s*[-*] +\S/.test(line)) {
      const items = [];
      while (i < lines.length && /^\s*[-*] +\S/.test(lines[i]))
        items.push(h("li", {}, inline(lines[i++].replace(/^\s*[-*] +/, ""), env)));
      out.push(h("ul", {}, items));
      continue;
    } else {
      const part = [];
      while (i < lines.length && !/^(#{1,3} |-# |> ?|\s*[-*] +\S|```)/.test(lines[i])) part.push(lines[i++]);
      if (!part.length) part.push(lines[i++]); // begins like a block, but is none
      out.push(h("p", {}, inline(part.join("\n"), env)));
      continue;
    }
    i++;
  }
  return out;
}

const marks = [
  ["***", () => h("em", {}, h("strong"))],
  ["**", () => h("strong")],
  ["__", () => h("u")],
  ["~~", () => h("s")],
  ["||", spoiler],
  ["*", () => h("em")],
  ["_", () => h("em")],
];

/** Makes nodes of a text without blocks. */
export function inline(text, env) {
  const out = [];
  let plain = "";
  const put = (node) => {
    if (plain) out.push(plain);
    plain = "";
    if (node) out.push(node);
  };
  for (let i = 0; i < text.length;) {
    const rest = text.slice(i);
    const token = code(rest) ?? tag(rest, env) ?? link(rest, env, text[i - 1]) ?? marked(rest, env, text[i - 1]);
    if (rest[0] === "\\" && rest.length > 1 && /[^\w\s]/.test(rest[1])) {
      plain += rest[1];
      i += 2;
    } else if (token) {
      put(token.node);
      i += token.length;
    } else if (rest[0] === "\n") {
      put(h("br"));
      i++;
    } else {
      plain += rest[0];
      i++;
    }
  }
  put();
  return out;
}

function code(rest) {
  const m = /^(`+)([^]*?[^`])\1(?!`)/.exec(rest);
  return m && { node: h("code", { text: m[2] }), length: m[0].length };
}

function tag(rest, env) {
  let m;
  if ((m = /^<@!?(\d+)>/.exec(rest))) return { node: mention("user", m[1], env), length: m[0].length };
  if ((m = /^<#(\d+)>/.exec(rest))) return { node: mention("channel", m[1], env), length: m[0].length };
  if ((m = /^<@&(\d+)>/.exec(rest))) return { node: mention("role", m[1], env), length: m[0].length };
  if ((m = /^<t:(-?\d{1,13})(?::([tTdDfFsSR]))?>/.exec(rest)))
    return { node: time(Number(m[1]) * 1000, m[2]), length: m[0].length };
  if ((m = /^<\/([^:>]{1,100}):\d+>/.exec(rest)))
    return { node: h("code", { class: "command", text: `/${m[1]}` }), length: m[0].length };
  if ((m = /^<a?:(\w+):\d+>/.exec(rest))) return { node: h("span", { text: `:${m[1]}:` }), length: m[0].length };
  if ((m = /^<(https?:\/\/[^\s>]+)>/.exec(rest))) return { node: anchor(m[1], m[1]), length: m[0].length };
  if ((m = /^@(everyone|here)\b/.exec(rest)))
    return { node: h("span", { class: "mention", text: m[0] }), length: m[0].length };
  return null;
}

function link(rest, env, before) {
  let m;
  if ((m = /^\[((?:\\.|[^\]\\])+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/.exec(rest)))
    return { node: anchor(m[2], inline(m[1], env)), length: m[0].length };
  if (/\w/.test(before ?? "") || !(m = /^https?:\/\/[^\s<]+/.exec(rest))) return null;
  let url = m[0].replace(/[.,:;!?'"*_~|]+$/, "");
  while (url.endsWith(")") && url.split(")").length > url.split("(").length) url = url.slice(0, -1);
  return /^https?:\/\/./.test(url) ? { node: anchor(url, url), length: url.length } : null;
}

function marked(rest, env, before) {
  for (const [sign, make] of marks) {
    if (!rest.startsWith(sign) || (sign === "_" && /\w/.test(before ?? ""))) continue;
    for (let end = rest.indexOf(sign, sign.length); end > 0; end = rest.indexOf(sign, end + 1)) {
      const body = rest.slice(sign.length, end);
      if (
        !body ||
        rest[end - 1] === "\\" ||
        (sign.length < 2 && (/^\s|\s$/.test(body) || (sign === "_" && /\w/.test(rest[end + 1] ?? ""))))
      )
        continue;
      if (sign === "*" && (rest[end + 1] === "*" || rest[end - 1] === "*")) continue;
      const node = make();
      (node.firstElementChild ?? node).append(...inline(body, env));
      return { node, length: end + sign.length };
    }
  }
  return null;
}

function spoiler() {
  return h("span", {
    class: "spoiler",
    role: "button",
    tabindex: "0",
    "aria-label": "Hidden: show it",
    on: {
      click: (e) => reveal(e.currentTarget),
      keydown: (e) => (e.key === "Enter" || e.key === " ") && (e.preventDefault(), reveal(e.currentTarget)),
    },
  });
}

function reveal(el) {
  el.classList.add("shown");
  el.removeAttribute("role");
  el.removeAttribute("aria-label");
}

/** Makes a link that opens a tab of its own; only to the web. */
export function anchor(url, text) {
  let ok = false;
  try {
    ok = ["http:", "https:"].includes(new URL(url).protocol);
  } catch {
    /* then it is text */
  }
  return ok ? h("a", { href: url, target: "_blank", rel: "noopener" }, text) : h("span", {}, text);
}

function mention(kind, id, env) {
  const el = h(kind === "channel" ? "a" : "span", { class: "mention", data: { mention: kind, id } });
  nameMention(el, env);
  return el;
}

/** Writes what a mention is called now: channels come into view and are renamed. */
export function nameMention(el, env) {
  const { name, href } = env[el.dataset.mention](el.dataset.id);
  const text = (el.dataset.mention === "channel" ? "#" : "@") + name;
  if (el.textContent !== text) el.textContent = text;
  if (el.tagName === "A") {
    if (href) el.setAttribute("href", href);
    else el.removeAttribute("href");
  }
}

const styles = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
  s: { dateStyle: "short", timeStyle: "short" },
  S: { dateStyle: "short", timeStyle: "medium" },
};

function time(ms, style = "f") {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "an impossible time";
  const el = h("time", {
    class: "when",
    datetime: date.toISOString(),
    title: date.toLocaleString(undefined, styles.F),
  });
  if (style === "R") el.dataset.since = String(ms);
  el.textContent = style === "R" ? ago(ms) : date.toLocaleString(undefined, styles[style] ?? styles.f);
  return el;
}

const units = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Says how far a time is from now: "in 24 hours". */
export function ago(ms, now = Date.now()) {
  const s = Math.round((ms - now) / 1000);
  const [unit, size] = units.find(([, n]) => Math.abs(s) >= n) ?? units.at(-1);
  return relative.format(Math.round(s / size), unit);
}

/** Sets relative times below root to what they are now. */
export function tick(root) {
  for (const el of root.querySelectorAll("time[data-since]")) {
    const text = ago(Number(el.dataset.since));
    if (el.textContent !== text) el.textContent = text;
  }
}
