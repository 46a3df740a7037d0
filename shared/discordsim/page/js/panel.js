// The panel at the side: who is here, what is announced, what the server
// allows the bot, the faults, and what passes. One of them is open, or none.

import { h, icon } from "./dom.js";
import { Events } from "./events.js";
import { Faults } from "./faults.js";
import { Inspector } from "./inspector.js";
import { World } from "./world.js";

const kept = "sim.panel";
const narrow = matchMedia("(max-width: 900px)");

export class Panel {
  constructor(app, people) {
    this.app = app;
    this.parts = {
      people: { name: "People", icon: "people", el: people },
      events: { name: "Events", icon: "calendar", el: h("div") },
      server: { name: "Server", icon: "world", el: h("div") },
      faults: { name: "Faults", icon: "fault", el: h("div") },
      inspector: { name: "Inspector", icon: "more", el: h("div") },
    };
    this.title = h("h2", { id: "panel-title" });
    this.el = h(
      "aside",
      { class: "panel", "aria-labelledby": "panel-title", hidden: true },
      h(
        "header",
        {},
        this.title,
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "aria-label": "Close this panel",
            on: { click: () => this.show("", true) },
          },
          icon("close"),
        ),
      ),
      Object.values(this.parts).map((p) => p.el),
    );
    this.count = h("span", { class: "badge", hidden: true });
    this.buttons = h(
      "div",
      { class: "top-buttons", role: "group", "aria-label": "Panels" },
      Object.entries(this.parts).map(([key, p]) => {
        p.el.hidden = true;
        p.el.className = `panel-part ${key}-part`;
        p.button = h(
          "button",
          {
            type: "button",
            "aria-pressed": "false",
            "aria-label": p.name,
            data: { panel: key },
            on: { click: () => this.show(this.open === key ? "" : key, true) },
          },
          icon(p.icon),
          h("span", { text: p.name }),
          key === "faults" ? this.count : null,
        );
        return p.button;
      }),
    );
  }

  begin() {
    this.events = new Events(this.app, this.parts.events.el);
    this.faults = new Faults(this.app, this.parts.faults.el);
    this.inspector = new Inspector(this.app, this.parts.inspector.el);
    this.world = new World(this.app, this.parts.server.el);
    this.app.store.watch((changed) => {
      if (!changed.has("faults")) return;
      const n = this.app.store.faults.length;
      this.count.hidden = !n;
      this.count.textContent = String(n);
      this.parts.faults.button.setAttribute("aria-label", n ? `Faults, ${n} in wait` : "Faults");
    });
    const before = sessionStorage.getItem(kept);
    this.show(narrow.matches ? "" : (before ?? "people"), false);
  }

  show(key, asked) {
    const was = this.open;
    this.open = key;
    this.el.hidden = !key;
    document.getElementById("app").classList.toggle("paneled", Boolean(key));
    for (const [k, p] of Object.entries(this.parts)) {
      p.el.hidden = k !== key;
      p.button.setAttribute("aria-pressed", String(k === key));
    }
    this.inspector?.shown(key === "inspector");
    if (asked) sessionStorage.setItem(kept, key);
    if (key) {
      this.title.textContent = this.parts[key].name;
      this.app.store.touch("at", "faults", "panel");
    } else if (asked && was && (this.el.contains(document.activeElement) || document.activeElement === document.body))
      this.parts[was].button.focus();
  }

  /** Esc: closes the panel if the focus is in it, or if it covers the page. */
  leave() {
    if (!this.open || (!narrow.matches && !this.el.contains(document.activeElement))) return false;
    this.show("", true);
    return true;
  }
}
