// The panel of what a server announces: scheduled events.

import { h, patch, plural } from "./dom.js";
import { actForm, field } from "./form.js";
import { byId, isVoice } from "./store.js";

const SCHEDULED = 1;
const ACTIVE = 2;
const COMPLETED = 3;
const CANCELED = 4;
const elsewhere = 3;
const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export class Events {
  constructor(app, root) {
    Object.assign(this, { app, root });
    this.list = h("ul", { class: "events" });
    this.add = h("div");
    root.append(this.list, this.add);
    app.store.watch((changed) => !root.hidden && ["guilds", "at", "panel"].some((t) => changed.has(t)) && this.draw());
  }

  draw() {
    const g = this.app.store.guilds.get(this.app.at.guild);
    const events = g ? [...g.events.values()].sort((a, b) => byId(a.id, b.id)) : [];
    patch(
      this.list,
      events.length
        ? events.map((e) => ({
            key: e.id,
            sig: JSON.stringify([e, g.interested.has(e.id), g.channels.get(e.channel_id)?.name]),
            make: () => this.event(g, e),
          }))
        : [
            {
              key: "none",
              sig: String(Boolean(g)),
              make: () =>
                h("li", { class: "soft", text: g ? "Nothing is announced." : "Go to a server to see its events." }),
            },
          ],
    );
    const places = g ? [...g.channels.values()].filter(isVoice).map((c) => [c.id, c.name]) : [];
    patch(this.add, g ? [{ key: "add", sig: JSON.stringify([g.id, places]), make: () => this.form(g, places) }] : []);
  }

  event(g, e) {
    const where = e.channel_id ? (g.channels.get(e.channel_id)?.name ?? "a channel") : e.entity_metadata?.location;
    const path = `/guilds/${g.id}/scheduled-events/${e.id}`;
    const mine = g.interested.has(e.id);
    const act = (text, go, method, at, body) =>
      h(
        "button",
        {
          type: "button",
          class: go ? "go" : "button secondary",
          data: { event: text, focus: text },
          on: { click: () => this.app.attempt(this.app.act.api(method, at, body)) },
        },
        text,
      );
    return h(
      "li",
      { class: "event", data: { scheduled: e.id } },
      h("h3", { text: e.name }),
      h("p", { text: `${e.status === ACTIVE ? "Now" : when.format(new Date(e.scheduled_start_time))} · ${where}` }),
      e.description ? h("p", { text: e.description }) : null,
      h("p", { class: "soft", text: `${plural(e.user_count ?? 0, "person", "people")} interested` }),
      h(
        "div",
        { class: "event-acts" },
        act(mine ? "Not interested" : "Interested", !mine, mine ? "DELETE" : "PUT", `${path}/users/@me`),
        e.status === SCHEDULED ? act("Start", false, "PATCH", path, { status: ACTIVE }) : null,
        e.status === ACTIVE
          ? act("End", false, "PATCH", path, { status: COMPLETED })
          : act("Cancel", false, "PATCH", path, { status: CANCELED }),
      ),
    );
  }

  form(g, places) {
    const name = h("input", { maxlength: 100, autocomplete: "off" });
    const place = h(
      "select",
      {},
      places.map(([id, text]) => h("option", { value: id, text })),
      h("option", { value: "", text: "elsewhere" }),
    );
    const location = h("input", { maxlength: 100, autocomplete: "off" });
    const start = h("input", { type: "datetime-local", value: local(Date.now() + 3_600_000) });
    const end = h("input", { type: "datetime-local", value: local(Date.now() + 7_200_000) });
    const out = [field("event-location", "Where", location), field("event-end", "Ends", end)];
    const settle = () => out.forEach((el) => (el.hidden = place.value !== ""));
    place.addEventListener("change", settle);
    settle();
    const fields = [
      field("event-name", "Name", name),
      field("event-place", "Place", place),
      ...out,
      field("event-start", "Begins", start),
    ];
    const form = actForm("Announce", fields, async () => {
      if (!name.value.trim()) return "It needs a name.";
      if (!place.value && !location.value.trim()) return "Say where it is.";
      if (!start.value || (!place.value && !end.value)) return "Say when it is.";
      await this.app.act.api("POST", `/guilds/${g.id}/scheduled-events`, {
        name: name.value.trim(),
        privacy_level: 2,
        scheduled_start_time: new Date(start.value).toISOString(),
        ...(place.value
          ? { channel_id: place.value, entity_type: g.channels.get(place.value).type === 13 ? 1 : 2 }
          : {
              entity_type: elsewhere,
              entity_metadata: { location: location.value.trim() },
              scheduled_end_time: new Date(end.value).toISOString(),
            }),
      });
      name.value = "";
    });
    return h("details", { class: "adder", data: { add: "event" } }, h("summary", {}, "Announce an event"), form);
  }
}

/** A time as a field of its kind has it. */
function local(ms) {
  const t = new Date(ms);
  return new Date(ms - t.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
