// The inspector: requests and events as they pass between bots and the simulator, newest first, and for what was
// refused the rule that did it.

import { get } from "./api.js";
import { h } from "./dom.js";

const kept = 200;
const pause = 1000;

const label = (id, text) => h("label", { for: id, text });

export class Inspector {
  constructor(app, root) {
    Object.assign(this, { app, after: 0, timer: 0 });
    this.list = h("ol", { class: "passages", "aria-label": "What passed, newest first" });
    this.none = h("p", { class: "soft", text: "Nothing passed yet." });
    const sift = { change: () => this.sift() };
    this.refused = h("input", { type: "checkbox", id: "inspector-refused", on: sift });
    this.events = h("input", { type: "checkbox", id: "inspector-events", checked: true, on: sift });
    root.append(
      h("p", { class: "soft", text: "What your bot asks, and what it gets, while this is open." }),
      h("div", { class: "field row" }, this.refused, label("inspector-refused", "Only what was refused")),
      h("div", { class: "field row" }, this.events, label("inspector-events", "Events, too")),
      this.none,
      this.list,
    );
  }

  /** Looks while the panel is open. */
  shown(open) {
    clearTimeout(this.timer);
    this.timer = 0;
    this.open = open;
    if (open) this.look();
  }

  async look() {
    try {
      const { passages, last } = await get(`passages?after=${this.after}`);
      if (last < this.after) this.list.replaceChildren(); // the simulator was started anew
      this.after = last;
      this.list.dataset.after = last;
      for (const p of passages) this.list.prepend(this.row(p));
      while (this.list.children.length > kept) this.list.lastChild.remove();
      this.sift();
    } catch {
      // The page says itself that the simulator can't be reached, and this goes on once it can.
    }
    if (this.open) this.timer = setTimeout(() => this.look(), pause);
  }

  row(p) {
    const app = this.app.store.apps.length > 1 && this.app.store.apps.find((a) => a.id === p.application_id)?.name;
    const at = new Date(p.time).toLocaleTimeString([], { hour12: false });
    return h(
      "li",
      { data: { kind: p.kind, refused: String(Boolean(p.refusal)) } },
      h("code", { text: p.what }),
      h("small", { text: [at, app, p.status, p.fault && "by a fault"].filter(Boolean).join(" · ") }),
      p.refusal && h("span", { class: "problem", text: p.refusal }),
    );
  }

  sift() {
    let any = false;
    for (const li of this.list.children) {
      const { kind, refused } = li.dataset;
      li.hidden = (this.refused.checked && refused !== "true") || (kind === "event" && !this.events.checked);
      any ||= !li.hidden;
    }
    this.none.hidden = any;
  }
}
