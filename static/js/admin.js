// The pages of those who manage a server. What was changed and not saved is
// kept in this tab until it is saved or thrown away; the name template is tried
// as it is typed. Everything works without scripts too.

import { $, begin } from "./ui.js";

begin();

/** The values of a form's fields by their names; several of one name are a list. */
const read = (form) => {
  const out = {};
  for (const input of form.elements) {
    if (!input.name || input.name === "rev" || input.type === "hidden") continue;
    if (input.type === "checkbox") (out[input.name] ??= []).push(...(input.checked ? [input.value] : []));
    else out[input.name] = [input.value];
  }
  return out;
};

/** Puts values into those fields that they name; the others stay. */
const fill = (form, values) => {
  for (const input of form.elements) {
    const mine = input.type === "hidden" ? undefined : values[input.name];
    if (!Array.isArray(mine)) continue;
    if (input.type === "checkbox") input.checked = mine.includes(input.value);
    else if (mine.length > 0) input.value = mine[0];
  }
};

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const keepDraft = (form) => {
  const key = form.dataset.keep;
  const shown = read(form);
  const store = (changes) => {
    try {
      if (Object.keys(changes).length === 0) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, JSON.stringify(changes));
    } catch {
      /* full or forbidden: nothing is kept */
    }
  };
  const load = () => {
    try {
      return JSON.parse(sessionStorage.getItem(key)) ?? {};
    } catch {
      return {};
    }
  };
  // Only what was changed is kept, so that what others save meanwhile is not undone by it.
  const changes = () =>
    Object.fromEntries(Object.entries(read(form)).filter(([name, value]) => !same(value, shown[name])));
  const mark = () => {
    const now = changes();
    for (const input of form.elements)
      if (input.name) input.closest(".field, .switch")?.classList.toggle("changed", input.name in now);
    $("unsaved").hidden = Object.keys(now).length === 0;
    return now;
  };
  const example = () => {
    const template = $("f-name_template");
    const out = $("example");
    if (!template || !out) return;
    const fillIn = { "{owner}": out.dataset.owner, "{n}": "1", "{game}": "" };
    const name = template.value.replace(/\{owner\}|\{n\}|\{game\}/g, (word) => fillIn[word]);
    out.value = name.trim().replace(/\s+/g, " ").slice(0, 100) || out.dataset.owner;
  };
  if (document.querySelector("[data-saved]")) store({});
  else if (!form.querySelector("[role=alert], [aria-invalid]")) {
    // a form that came back has what was typed
    fill(form, load());
    $("kept").hidden = Object.keys(changes()).length === 0;
  }
  $("drop").addEventListener("click", () => {
    fill(form, shown);
    $("kept").hidden = true;
    store(mark());
    example();
  });
  form.addEventListener("input", () => {
    store(mark());
    example();
  });
  mark();
  example();
  form.querySelector("[aria-invalid]")?.focus();
};

const form = document.querySelector("form[data-keep]");
if (form) keepDraft(form);
