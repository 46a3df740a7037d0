// The pages of those who manage a server. What was typed and not saved is kept
// in this tab until it is saved or thrown away; the name template is tried as
// it is typed. Everything works without scripts too.

import { $, begin } from "./ui.js";

begin();

const form = document.querySelector("form[data-keep]");
if (form) {
  const key = form.dataset.keep, kept = $("kept");
  const read = () => JSON.stringify([...new FormData(form)].filter(([name]) => name !== "rev"));
  const shown = read();
  const store = (value) => {
    try {
      if (value === null) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, value);
    } catch { /* full or forbidden: nothing is kept */ }
  };
  const load = () => {
    try { return sessionStorage.getItem(key); } catch { return null; }
  };
  const fill = (pairs) => {
    const values = new Map();
    for (const [name, value] of pairs) values.set(name, [...(values.get(name) ?? []), value]);
    for (const input of form.elements) {
      if (!input.name || input.name === "rev" || input.type === "hidden") continue;
      const mine = values.get(input.name) ?? [];
      if (input.type === "checkbox") input.checked = mine.includes(input.value);
      else if (mine.length > 0) input.value = mine[0];
    }
  };
  const before = document.querySelector("[data-saved]") ? store(null) : load();
  if (before && before !== shown && !form.querySelector("[aria-invalid]")) {
    try {
      fill(JSON.parse(before));
      kept.hidden = false;
    } catch {
      store(null);
    }
  }
  $("drop").addEventListener("click", () => {
    store(null);
    fill(JSON.parse(shown));
    kept.hidden = true;
    example();
  });
  const template = $("f-name_template"), out = $("example");
  const example = () => {
    if (!template || !out) return;
    const fillIn = { "{owner}": out.dataset.owner, "{n}": "1", "{game}": "" };
    const name = template.value.replace(/\{owner\}|\{n\}|\{game\}/g, (word) => fillIn[word]);
    out.value = name.trim().replace(/\s+/g, " ").slice(0, 100) || out.dataset.owner;
  };
  form.addEventListener("input", () => {
    const now = read();
    store(now === shown ? null : now);
    example();
  });
  form.addEventListener("submit", () => store(read()));
  example();
  form.querySelector("[aria-invalid]")?.focus();
}
