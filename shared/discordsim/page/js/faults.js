// The panel of faults: everything that can be made to go wrong, in words, and
// what lies in wait.

import { post, remove } from "./api.js";
import { h, icon, patch, plural } from "./dom.js";

// A field of a fault: [name, label, kind, first value, choices or unit].
const seconds = (name, label, first) => ({ name, label, kind: "number", first, unit: "s", step: "any", min: 0 });
const route = {
  name: "route",
  label: "Which requests",
  kind: "text",
  hint: "all of them",
  example: "POST /guilds/{guild}/channels",
};
const count = {
  name: "count",
  label: "How often",
  kind: "choice",
  choices: [
    ["1", "once"],
    ["3", "3 times"],
    ["10", "10 times"],
    ["-1", "until ended"],
  ],
};
const chance = {
  name: "chance",
  label: "Chance",
  kind: "choice",
  choices: [
    ["", "always"],
    ["0.5", "half of the time"],
    ["0.1", "one in ten"],
  ],
};
const event = { name: "event", label: "Which event", kind: "text", hint: "all of them", example: "VOICE_STATE_UPDATE" };
const after = { name: "after", label: "Do what was asked first", kind: "check" };

const groups = [
  [
    "The gateway, now",
    [
      ["drop", "Drop the connection", "Cuts the bot's socket without a word, as a lost network does."],
      ["op7", "Ask to reconnect (op 7)", "Tells the bot to reconnect and closes; it should resume and miss nothing."],
      [
        "op9",
        "Invalidate the session (op 9)",
        "Ends the bot's session; it has to identify anew unless it may resume.",
        [{ name: "resumable", label: "It may resume", kind: "check" }],
      ],
      ["op1", "Ask for a heartbeat (op 1)", "Wants a heartbeat at once, out of turn."],
      [
        "close",
        "Close with a code",
        "Closes the bot's socket with a close code; some of them end a bot for good.",
        [
          {
            name: "code",
            label: "Code",
            kind: "choice",
            choices: [
              ["4000", "4000 unknown error"],
              ["4001", "4001 unknown opcode"],
              ["4002", "4002 decode error"],
              ["4003", "4003 not authenticated"],
              ["4004", "4004 authentication failed"],
              ["4005", "4005 already authenticated"],
              ["4007", "4007 invalid sequence"],
              ["4008", "4008 rate limited"],
              ["4009", "4009 session timed out"],
              ["4010", "4010 invalid shard"],
              ["4011", "4011 sharding required"],
              ["4012", "4012 invalid version"],
              ["4013", "4013 invalid intents"],
              ["4014", "4014 disallowed intents"],
              ["1000", "1000 normal, ends the session"],
              ["1001", "1001 going away, ends the session"],
              ["1006", "1006 abnormal"],
            ],
          },
        ],
      ],
      ["half_open", "Half-open connection", "The socket stays, but nothing is heard or said on it any more."],
    ],
  ],
  [
    "The gateway, in wait",
    [
      ["no_hello", "No HELLO", "The next connection opens and is never greeted.", [count]],
      [
        "no_ack",
        "No heartbeat answers",
        "Heartbeats stay without an answer; the bot should notice and reconnect.",
        [count],
      ],
      ["drop_resume", "Drop during RESUME", "Cuts the socket just when the bot asks to resume.", [count]],
      ["duplicate", "Duplicate events", "Sends an event twice.", [event, count, chance]],
      [
        "unknown",
        "Events of tomorrow",
        "Plants types, enums and fields that nobody knows yet into events.",
        [event, count, chance],
      ],
      ["garbled", "Unreadable events", "Sends an event that holds nothing that can be read.", [event, count, chance]],
      [
        "delay",
        "Delay events",
        "Holds an event, and all behind it, for a while.",
        [seconds("delay", "How long", 2), event, count],
      ],
    ],
  ],
  [
    "Requests (REST)",
    [
      [
        "latency",
        "Slow answers",
        "Every answer comes late.",
        [seconds("delay", "How late", 1), route, seconds("duration", "Ends after", "")],
      ],
      [
        "rate_limit",
        "Rate limit (429)",
        "Refuses requests as too many.",
        [
          {
            name: "scope",
            label: "Kind",
            kind: "choice",
            choices: [
              ["user", "of the bot"],
              ["shared", "shared"],
              ["global", "global"],
              ["cloudflare", "Cloudflare page"],
            ],
          },
          seconds("retry_after", "Try again after", 1),
          route,
          count,
          { name: "no_bucket", label: "Name no bucket", kind: "check" },
          { name: "no_retry", label: "No Retry-After", kind: "check" },
        ],
      ],
      [
        "error",
        "Server error (5xx)",
        "Answers with a server error.",
        [
          {
            name: "status",
            label: "Status",
            kind: "choice",
            choices: [
              ["502", "502"],
              ["500", "500"],
              ["503", "503"],
              ["504", "504"],
            ],
          },
          route,
          count,
          after,
        ],
      ],
      [
        "answer",
        "Another answer",
        "Answers with something else, as a proxy or Cloudflare may.",
        [
          {
            name: "status",
            label: "Status",
            kind: "choice",
            choices: [
              ["403", "403"],
              ["404", "404"],
              ["401", "401"],
              ["400", "400"],
              ["200", "200"],
            ],
          },
          route,
          count,
          after,
        ],
      ],
      ["reset", "Break the connection", "The connection breaks where the answer should be.", [route, count, after]],
    ],
  ],
  [
    "Server and logins",
    [
      [
        "outage",
        "Server outage",
        "This server becomes unavailable to the bot, as in an outage.",
        [seconds("duration", "Back after", "")],
        "guild",
      ],
      ["restore", "End the outage", "This server comes back.", [], "guild"],
      ["expire_tokens", "Expire logins", "Every login's access token expires now; sites should refresh it unseen."],
      ["revoke_tokens", "Revoke logins", "Ends every login for good; people have to sign in again."],
    ],
  ],
];

const titles = new Map(groups.flatMap(([, list]) => list.map(([kind, title]) => [kind, title])));

function sessionLine(s) {
  const shard = s.shard[1] > 1 ? [`shard ${s.shard[0]} of ${s.shard[1]}`] : [];
  return [s.connected ? "connected" : "away, may resume", ...shard, `event ${s.sequence}`].join(" · ");
}

export class Faults {
  constructor(app, root) {
    Object.assign(this, { app, root });
    this.active = h("ul", { class: "active-faults" });
    this.none = h("p", { class: "soft", text: "Nothing lies in wait." });
    this.clear = h("button", {
      type: "button",
      class: "button secondary",
      text: "End all",
      hidden: true,
      on: { click: () => app.attempt(remove("faults")) },
    });
    this.bot = h("select", { id: "fault-bot" });
    this.botBox = h(
      "div",
      { class: "field row", hidden: true },
      h("label", { for: "fault-bot", text: "For" }),
      this.bot,
    );
    this.sessions = h("ul", { class: "sessions", "aria-label": "Gateway connections" });
    root.append(
      h("p", { class: "soft", text: "Make things go wrong, and watch how the bot copes." }),
      this.botBox,
      this.sessions,
      h(
        "section",
        { class: "waiting", "aria-labelledby": "waiting-title" },
        h("header", {}, h("h3", { id: "waiting-title", text: "In wait" }), this.clear),
        this.none,
        this.active,
      ),
      ...groups.map(([title, list]) =>
        h(
          "section",
          {},
          h("h3", { text: title }),
          list.map((f) => this.card(f)),
        ),
      ),
    );
    app.store.watch(
      (changed) =>
        !root.hidden && ["faults", "apps", "guilds", "at", "panel"].some((t) => changed.has(t)) && this.draw(),
    );
  }

  draw() {
    const { store } = this.app;
    const list = store.faults;
    this.none.hidden = list.length > 0;
    this.clear.hidden = !list.length;
    patch(
      this.active,
      list.map((f) => ({ key: f.id, sig: JSON.stringify(f), make: () => this.waiting(f) })),
    );
    const apps = store.apps;
    const sig = JSON.stringify(apps.map((a) => [a.id, a.name]));
    if (this.botSig !== sig) {
      this.botSig = sig;
      const now = this.bot.value;
      this.bot.replaceChildren(
        h("option", { value: "", text: "every bot" }),
        ...apps.map((a) => h("option", { value: a.id, text: a.name })),
      );
      this.bot.value = apps.some((a) => a.id === now) ? now : "";
      this.botBox.hidden = apps.length < 2;
    }
    patch(
      this.sessions,
      apps.flatMap((a) => {
        const all = a.sessions.length ? a.sessions : [null];
        return all.map((s, i) => ({
          key: `${a.id} ${i}`,
          sig: JSON.stringify([a.name, s]),
          make: () =>
            h(
              "li",
              { data: { connected: String(Boolean(s?.connected)) } },
              h("strong", { text: a.name }),
              h("span", { text: s ? sessionLine(s) : "not connected" }),
            ),
        }));
      }),
    );
  }

  waiting(f) {
    const words = [
      f.count > 0 ? plural(f.count, "more time", "more times") : "until ended",
      f.route,
      f.event,
      f.status && `status ${f.status}`,
      f.scope && `scope ${f.scope}`,
      f.delay && `${f.delay} s`,
      f.retry_after && `again after ${f.retry_after} s`,
      f.chance && `chance ${f.chance}`,
      f.duration && `for ${f.duration} s`,
      f.after && "after the effect",
    ]
      .filter(Boolean)
      .join(" · ");
    return h(
      "li",
      { data: { fault: f.kind } },
      h("span", { class: "names" }, h("strong", { text: titles.get(f.kind) ?? f.kind }), h("small", { text: words })),
      h("button", {
        type: "button",
        class: "button secondary",
        "aria-label": `End: ${titles.get(f.kind) ?? f.kind}`,
        text: "End",
        on: { click: () => this.app.attempt(remove(`faults/${f.id}`)) },
      }),
    );
  }

  card([kind, title, words, fields = [], scope]) {
    const inputs = fields.map((f) => control(kind, f));
    const go = h("button", { type: "submit", class: "button fault-go", "aria-label": title, title }, icon("fault"));
    const el = h(
      "form",
      {
        class: "fault",
        novalidate: true,
        data: { fault: kind },
        on: {
          submit: (e) => {
            e.preventDefault();
            this.make(kind, title, inputs, scope);
          },
        },
      },
      h("div", { class: "fault-head" }, h("div", {}, h("h4", { text: title }), h("p", { text: words })), go),
      inputs.length
        ? h(
            "details",
            {},
            h("summary", {}, "Options"),
            h(
              "div",
              { class: "fault-fields" },
              inputs.map((i) => i.el),
            ),
          )
        : null,
    );
    return el;
  }

  async make(kind, title, inputs, scope) {
    const fault = { kind };
    const { app } = this;
    for (const i of inputs) {
      const v = i.read();
      if (v !== undefined) fault[i.name] = v;
    }
    if (this.bot.value && !this.botBox.hidden) fault.application_id = this.bot.value;
    if (scope === "guild") {
      if (!app.store.guilds.has(app.at.guild))
        return app.problem("Go to a server first: this happens to the server you look at.");
      fault.guild_id = app.at.guild;
    }
    const done = await app.attempt(post("faults", fault));
    if (done) app.tell(done.id ? `${title}: lies in wait.` : `${title}: done.`);
  }
}

function control(kind, f) {
  const id = `fault-${kind}-${f.name}`;
  if (f.kind === "check") {
    const box = h("input", { type: "checkbox", id });
    return { name: f.name, el: h("label", { class: "check" }, box, f.label), read: () => box.checked || undefined };
  }
  if (f.kind === "choice") {
    const select = h(
      "select",
      { id },
      f.choices.map(([value, text]) => h("option", { value, text })),
    );
    return {
      name: f.name,
      el: h("div", { class: "field row" }, h("label", { for: id, text: f.label }), select),
      read: () =>
        select.value === "" ? undefined : /^-?[\d.]+$/.test(select.value) ? Number(select.value) : select.value,
    };
  }
  const input = h("input", {
    id,
    type: f.kind,
    min: f.min,
    step: f.step,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: f.hint ?? (f.first === "" ? "never" : ""),
    list: f.example ? `${id}-list` : null,
  });
  if (f.first !== undefined) input.value = String(f.first);
  const list = f.example ? h("datalist", { id: `${id}-list` }, h("option", { value: f.example })) : null;
  return {
    name: f.name,
    el: h(
      "div",
      { class: "field row" },
      h("label", { for: id, text: f.unit ? `${f.label}, ${f.unit}` : f.label }),
      input,
      list,
    ),
    read: () =>
      input.value.trim() === "" ? undefined : f.kind === "number" ? Number(input.value) : input.value.trim(),
  };
}
