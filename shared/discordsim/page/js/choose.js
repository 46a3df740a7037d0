// Choosing from many: a field that suggests while one types, and the list that
// a select menu of a message opens.

import { h, icon, popover } from "./dom.js";
import { picture } from "./store.js";

let count = 0;

/**
 * Combo is a text field with suggestions. source(text) gives them, now or
 * later: {value, label, detail?, picture?}. With free, text that is no
 * suggestion counts as well; with max above 1 several are chosen.
 */
export class Combo {
  constructor({ id, source, free = false, max = 1, chosen = [], placeholder = "", describedBy, onChange = () => {} }) {
    Object.assign(this, { source, free, max, onChange, chosen: [...chosen], options: [], active: -1, asked: 0 });
    const list = `choices-${++count}`;
    this.input = h("input", {
      id,
      type: "text",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": list,
      "aria-describedby": describedBy,
      placeholder,
    });
    this.list = h("ul", { id: list, class: "choices", role: "listbox", "aria-label": "Suggestions", hidden: true });
    this.chips = h("span", { class: "chips" });
    this.el = h("div", { class: "combo" }, max > 1 ? this.chips : null, this.input, this.list);
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("focus", () => this.suggest());
    this.input.addEventListener("click", () => this.list.hidden && this.suggest());
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("keydown", (e) => this.key(e));
    if (max === 1 && this.chosen[0]) this.input.value = this.chosen[0].label;
    this.drawChips();
  }

  /** The values chosen; in a free field what was typed. */
  get values() {
    if (this.free && this.max === 1 && !this.chosen.length && this.input.value.trim()) return [this.input.value.trim()];
    return this.chosen.map((c) => c.value);
  }

  /** Text that is there but means nothing. */
  get loose() {
    return !this.free && (this.max > 1 || !this.chosen.length) ? this.input.value.trim() : "";
  }

  typed() {
    if (this.max === 1) this.chosen = [];
    this.onChange();
    this.suggest();
  }

  suggest() {
    clearTimeout(this.timer);
    const ask = ++this.asked;
    const text = this.max === 1 && this.chosen.length ? "" : this.input.value;
    const found = this.source(text);
    if (Array.isArray(found)) return this.show(found);
    // What an application suggests takes a moment; it is not asked for each key.
    this.timer = setTimeout(async () => {
      const list = await Promise.resolve(typeof found === "function" ? found() : found).catch((e) => [
        { problem: e.message },
      ]);
      if (ask === this.asked && document.activeElement === this.input) this.show(list);
    }, 120);
  }

  show(list) {
    const taken = new Set(this.max > 1 ? this.chosen.map((c) => c.value) : []);
    this.options = list.filter((o) => !taken.has(o.value)).slice(0, 50);
    this.active = -1;
    this.list.replaceChildren(
      ...this.options.map((o, i) =>
        h(
          "li",
          {
            id: `${this.list.id}-${i}`,
            role: "option",
            "aria-selected": "false",
            class: o.problem ? "problem" : null,
            data: { value: String(o.value) },
            on: {
              pointerdown: (e) => {
                e.preventDefault();
                this.choose(i);
              },
            },
          },
          o.picture ? h("img", { src: picture(o.picture), alt: "", width: 20, height: 20 }) : null,
          h("span", { class: "name", text: o.problem ?? o.label }),
          o.detail ? h("small", { text: o.detail }) : null,
        ),
      ),
    );
    const open = this.options.length > 0;
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    this.input.removeAttribute("aria-activedescendant");
    if (open)
      this.list.classList.toggle(
        "up",
        innerHeight - this.input.getBoundingClientRect().bottom < Math.min(240, this.list.scrollHeight + 8),
      );
    if (open && this.input.value && !this.chosen.length) this.move(0);
  }

  close() {
    this.asked++;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  move(i) {
    const items = this.list.children;
    items[this.active]?.setAttribute("aria-selected", "false");
    this.active = i;
    items[i]?.setAttribute("aria-selected", "true");
    items[i]?.scrollIntoView({ block: "nearest" });
    if (items[i]) this.input.setAttribute("aria-activedescendant", items[i].id);
  }

  choose(i) {
    const o = this.options[i];
    if (!o || o.problem) return;
    if (this.max === 1) {
      this.chosen = [o];
      this.input.value = o.label;
      this.close();
    } else {
      if (this.chosen.length < this.max) this.chosen.push(o);
      this.input.value = "";
      this.drawChips();
      this.suggest();
    }
    this.onChange();
  }

  drawChips() {
    this.chips.replaceChildren(
      ...(this.max > 1 ? this.chosen : []).map((o) =>
        h(
          "button",
          {
            type: "button",
            class: "chip",
            "aria-label": `Take out ${o.label}`,
            on: {
              click: () => {
                this.chosen = this.chosen.filter((c) => c !== o);
                this.drawChips();
                this.onChange();
                this.input.focus();
              },
            },
          },
          o.label,
          icon("close"),
        ),
      ),
    );
  }

  key(e) {
    const n = this.options.length;
    if (this.list.hidden) {
      if (e.key === "ArrowDown") {
        e.preventDefault();
        this.suggest();
      }
      return;
    }
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      this.move((this.active + (e.key === "ArrowDown" ? 1 : -1 + (this.active < 0 ? 1 : 0)) + n) % n);
    } else if ((e.key === "Enter" || e.key === "Tab") && this.active >= 0 && !(this.max === 1 && this.chosen.length)) {
      if (e.key === "Enter") e.preventDefault();
      this.choose(this.active);
    } else if (e.key === "Escape") {
      e.preventDefault();
      e.stopPropagation();
      this.close();
    }
  }
}

/** Filters suggestions that are all known by what was typed. */
export const filtered = (all) => (text) => {
  const want = text.trim().toLowerCase().replace(/^[@#]/, "");
  return all().filter((o) => !want || `${o.label} ${o.detail ?? ""}`.toLowerCase().includes(want));
};

/**
 * Opens the list of a select menu beside its button. options as above, with
 * chosen where they are to begin with; done(values) is called with the choice.
 */
export function openMenu(anchor, { label, options, min = 1, max = 1, done }) {
  const single = max === 1 && min <= 1;
  const picked = new Set(single ? [] : options.filter((o) => o.chosen).map((o) => o.value));
  const list = h("ul", {
    class: "choices still",
    role: "listbox",
    "aria-label": label,
    "aria-multiselectable": single ? null : "true",
    tabindex: "-1",
  });
  let pressed = null;
  const isChoice = (e) => e.key === "Enter" || e.key === " ";
  const go = h("button", { type: "button", class: "go", on: { click: () => finish([...picked]) } }, "Choose these");
  const filter = h("input", {
    type: "search",
    "aria-label": `Find in ${label}`,
    placeholder: "Find",
    autocomplete: "off",
  });
  const finish = (values) => {
    layer.close();
    done(values);
  };
  const take = (o) => {
    if (single) return finish([o.value]);
    if (!picked.delete(o.value) && picked.size < max) picked.add(o.value);
    draw();
    [...list.children].find((li) => li.dataset.value === o.value)?.focus();
  };
  const draw = () => {
    list.replaceChildren(
      ...filtered(() => options)(filter.value)
        .slice(0, 100)
        .map((o, i) =>
          h(
            "li",
            {
              role: "option",
              tabindex: i ? "-1" : "0",
              "aria-selected": String(picked.has(o.value) || (single && Boolean(o.chosen))),
              data: { value: o.value },
              on: {
                click: () => take(o),
                keydown: (e) => isChoice(e) && (e.preventDefault(), (pressed = o)),
                // Chosen as the key comes up, so that the button to which the focus returns
                // does not get the rest of the press.
                keyup: (e) => isChoice(e) && pressed === o && ((pressed = null), take(o)),
              },
            },
            o.picture ? h("img", { src: picture(o.picture), alt: "", width: 20, height: 20 }) : null,
            h("span", { class: "name", text: o.label }),
            o.detail ? h("small", { text: o.detail }) : null,
          ),
        ),
    );
    go.disabled = picked.size < min || picked.size > max;
    go.textContent = picked.size ? `Choose ${picked.size}` : min ? "Choose" : "Choose none";
  };
  draw();
  const many = options.length > 10;
  const layer = popover(
    anchor,
    h(
      "div",
      { class: "menu" },
      many ? filter : null,
      list,
      single
        ? min === 0
          ? h("button", { type: "button", class: "quiet", text: "None", on: { click: () => finish([]) } })
          : null
        : go,
    ),
    { label },
  );
  filter.addEventListener("input", draw);
  layer.layer.addEventListener("keydown", (e) => {
    if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(e.key)) return;
    e.preventDefault();
    const items = [...list.children];
    const i = items.indexOf(document.activeElement);
    items[
      e.key === "Home"
        ? 0
        : e.key === "End"
          ? items.length - 1
          : Math.max(0, Math.min(items.length - 1, i + (e.key === "ArrowDown" ? 1 : -1)))
    ]?.focus();
  });
  if (!many) list.firstElementChild?.focus();
}
