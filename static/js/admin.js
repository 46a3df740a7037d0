// The pages of those who manage a server. The bar with the button that saves shows while something is not saved. What
// was changed is kept in this tab until it is saved or thrown away; the name template is tried as it is typed.
// Everything works without scripts too.

import { $, begin, t, text } from "./ui.js";

begin();

const typed = (form) => [...form.elements].filter((e) => e.name && e.type !== "hidden");

/** The values of a form's fields by their names, each a list. */
const read = (form) => {
  const out = {};
  for (const input of typed(form)) {
    const mine = (out[input.name] ??= []);
    if (input.type !== "checkbox" || input.checked) mine.push(input.value);
  }
  return out;
};

/** Puts values into those fields that they name; the others stay. */
const fill = (form, values) => {
  const at = {};
  for (const input of typed(form)) {
    const mine = values[input.name];
    if (!Array.isArray(mine)) continue;
    if (input.type === "checkbox") input.checked = mine.includes(input.value);
    else input.value = mine[(at[input.name] = (at[input.name] ?? -1) + 1)] ?? input.value;
  }
};

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const keepDraft = (form) => {
  const key = form.dataset.keep;
  const shown = read(form);
  const back = form.classList.contains("dirty"); // it came back with what was typed, and that is not saved
  let leaving = false;
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
  const mark = (kept) => {
    const now = changes();
    for (const input of typed(form)) input.closest(".field, .switch")?.classList.toggle("changed", input.name in now);
    const dirty = back || Object.keys(now).length > 0;
    form.classList.toggle("dirty", dirty);
    $("kept").hidden = !dirty || !kept;
    $("unsaved").hidden = !dirty || kept;
    return now;
  };
  const example = () => {
    const template = $("f-name_template");
    const out = $("example");
    if (!template || !out) return;
    const { owner } = out.dataset;
    const [random] = $("f-random_names").value.split(/[,;\n]/);
    const fillIn = {
      owner, nickname: owner, custom: owner, n: "1", "n:roman": "I", "n:letter": "A", game: "", random: random.trim(),
    };
    const name = template.value.replace(/\{([a-z:]+)\}/g, (whole, word) => fillIn[word] ?? whole);
    out.value = name.trim().replace(/\s+/g, " ").slice(0, 100) || owner;
  };
  if (document.querySelector("[data-saved]")) store({});
  else if (!back) fill(form, load());
  $("drop").addEventListener("click", (e) => {
    store({});
    leaving = true;
    if (back) return; // the page anew, as it is saved
    e.preventDefault();
    leaving = false;
    fill(form, shown);
    mark(false);
    example();
  });
  form.addEventListener("input", () => {
    store(mark(false));
    example();
  });
  // What was changed stays in this tab, and comes back with the page that any of its forms leads to.
  document.addEventListener("submit", () => (leaving = true));
  addEventListener("pageshow", () => (leaving = false));
  addEventListener("beforeunload", (e) => {
    if (form.classList.contains("dirty") && !leaving) e.preventDefault();
  });
  mark(!back);
  example();
  form.classList.add("ready");
};

/** Turns the hours of a day, which the server counts in UTC, into those of here. */
const turnHours = (figure) => {
  const by = Math.round(-new Date().getTimezoneOffset() / 60);
  const turn = (list, get, set) => {
    const values = list.map(get);
    list.forEach((el, i) => set(el, values[(((i - by) % 24) + 24) % 24]));
    return values;
  };
  turn(
    [...figure.querySelectorAll(".ch-bar")],
    (bar) => ["y", "height"].map((name) => bar.getAttribute(name)),
    (bar, [y, height]) => {
      bar.setAttribute("y", y);
      bar.setAttribute("height", height);
    },
  );
  const cells = [...figure.querySelectorAll("td")];
  turn(cells, (td) => td.textContent, text);
  const hours = cells.map((td) => Number(td.textContent));
  const sum = t("stat.busy.local", { Count: hours.indexOf(Math.max(...hours)) });
  text(figure.querySelector("figcaption .sub"), sum);
  text(figure.querySelector("th"), figure.dataset.hours);
  figure.querySelector("svg").setAttribute("aria-label", `${figure.querySelector("b").textContent}: ${sum}`);
};

const form = document.querySelector("form[data-keep]");
if (form) keepDraft(form);
for (const figure of document.querySelectorAll("[data-hours]")) turnHours(figure);
document.querySelector("[aria-invalid]")?.focus();
