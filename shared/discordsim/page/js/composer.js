// Where one writes: messages, and commands after "/". A command is picked from
// the list and filled in as a form, or typed whole: /create-room name:Friday.

import { h, icon } from "./dom.js";
import { CommandForm } from "./commandform.js";
import { bounds, matching, readOptions, typed, valueOf } from "./commands.js";
import { isVoice } from "./store.js";

export class Composer {
  constructor(app, root) {
    Object.assign(this, { app, root, options: [], active: -1, past: [], asked: 0, drafts: new Map(), running: 0 });
    this.list = h("ul", {
      id: "commands",
      class: "choices commands",
      role: "listbox",
      "aria-label": "Commands",
      hidden: true,
    });
    this.input = h("textarea", {
      id: "composer",
      rows: 1,
      "aria-autocomplete": "list",
      "aria-haspopup": "listbox",
      "aria-controls": "commands",
      "aria-label": "Message",
      maxlength: 4000,
      autocomplete: "off",
      spellcheck: "false",
    });
    this.status = h("p", { class: "soft running", role: "status" });
    this.line = h(
      "form",
      {
        class: "composer",
        on: {
          submit: (e) => {
            e.preventDefault();
            this.enter();
          },
        },
      },
      h(
        "button",
        {
          type: "button",
          class: "quiet slash",
          "aria-label": "Commands",
          title: "Commands ( / )",
          on: { click: () => this.commands() },
        },
        icon("slash"),
      ),
      this.input,
      h("button", { type: "submit", class: "quiet", "aria-label": "Send" }, icon("send")),
    );
    this.formBox = h("div", { hidden: true });
    root.append(this.status, h("div", { class: "composer-box" }, this.list, this.line, this.formBox));
    this.input.addEventListener("input", () => this.changed());
    this.input.addEventListener("keydown", (e) => this.key(e));
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("focus", () => this.input.value.startsWith("/") && this.suggest());
    app.store.watch((changed) => (changed.has("at") || changed.has("guilds")) && this.draw());
  }

  /** Shows it where one may write messages at all. */
  allow(yes) {
    this.root.hidden = !yes;
  }

  get place() {
    return {
      store: this.app.store,
      guild: this.app.at.guild,
      channel: this.app.at.channel,
      locale: this.app.store.users.get(this.app.store.me)?.locale,
    };
  }

  draw() {
    const { app } = this;
    const at = app.store.channel(app.at.channel);
    if (this.at !== app.at.channel) {
      // What was begun in another channel waits there.
      this.drafts.set(this.at, this.input.value);
      this.at = app.at.channel;
      this.input.value = this.drafts.get(this.at) ?? "";
      this.leaveForm(false);
      this.close();
      this.fit();
    }
    const may = at && (!at.guild || app.store.may(at.channel, "SEND_MESSAGES"));
    const name = !at
      ? ""
      : at.guild
        ? `${isVoice(at.channel) ? "" : "#"}${at.channel.name}`
        : app.store.dmName(at.channel);
    this.input.placeholder = !at
      ? "There is no channel to write in"
      : may
        ? `Write to ${name}, or type / for commands`
        : "You may not write here; type / for commands";
    this.input.disabled = !at;
  }

  /** Begins a command: puts "/" in and shows the list. */
  commands() {
    this.leaveForm(false);
    if (!this.input.value.startsWith("/")) this.input.value = "/";
    this.input.focus();
    this.changed();
  }

  focus() {
    (this.form ? this.form.el.querySelector("input, select, button.go") : this.input)?.focus();
  }

  insert(text) {
    this.leaveForm(false);
    this.input.focus();
    this.input.setRangeText(text, this.input.selectionStart, this.input.selectionEnd, "end");
    this.changed();
  }

  fit() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 160)}px`;
  }

  changed() {
    if (this.input.value === "\n") this.input.value = "";
    this.fit();
    if (this.input.value.startsWith("/")) this.suggest();
    else this.close();
  }

  async suggest() {
    const ask = ++this.asked;
    const { guild, channel } = this.app.at;
    const all = await this.app.commands.list(guild, channel);
    if (ask !== this.asked || document.activeElement !== this.input || this.form) return;
    const line = this.input.value;
    const whole = typed(all, line);
    if (whole?.open) return this.showUsage(whole);
    const found = matching(all, line);
    const many = new Set(found.map((c) => c.application_id)).size > 1;
    this.show(
      found.slice(0, 60).map((c) => ({
        command: c,
        el: [
          h("code", { class: "command", text: `/${c.title}` }),
          h("span", { class: "name", text: c.words }),
          many ? h("small", { text: c.application_name }) : null,
        ],
      })),
      all.length ? "No command is called that." : "No application has commands for you here.",
    );
    if (found.length) this.move(0);
  }

  /** While options are typed: which there are. */
  showUsage({ command, rest }) {
    const { texts, current } = readOptions(command.options, rest);
    const open = command.options.filter((o) => !texts.has(o.name));
    this.show(
      open.map((o) => ({
        option: o,
        el: [
          h("code", { class: "command", text: `${o.title}:` }),
          h("span", { class: "name", text: [o.words, bounds(o)].filter(Boolean).join(". ") }),
          h("small", { text: o.required ? "needed" : "optional" }),
        ],
      })),
      "",
      [
        h("code", { class: "command", text: `/${command.title}` }),
        h("span", { text: current ? `${current.title}: ${current.words}` : command.words }),
        h("kbd", { text: "Enter" }),
        h("small", { text: "runs" }),
        command.options.length ? [h("kbd", { text: "Tab" }), h("small", { text: "as a form" })] : null,
      ],
    );
  }

  show(options, none, head) {
    this.options = options;
    this.active = -1;
    const items = options.map((o, i) =>
      h(
        "li",
        {
          id: `command-${i}`,
          role: "option",
          "aria-selected": "false",
          data: { command: o.command?.name, option: o.option?.name },
          on: { pointerdown: (e) => e.preventDefault(), click: () => this.pick(i) },
        },
        o.el,
      ),
    );
    this.list.replaceChildren(
      ...(head ? [h("li", { class: "usage", role: "presentation" }, head)] : []),
      ...(items.length || !none ? items : [h("li", { class: "soft", role: "presentation", text: none })]),
    );
    this.list.hidden = !this.list.childElementCount;
    this.input.removeAttribute("aria-activedescendant");
  }

  close() {
    this.asked++;
    this.options = [];
    this.list.hidden = true;
    this.input.removeAttribute("aria-activedescendant");
  }

  move(i) {
    const items = [...this.list.querySelectorAll("[role=option]")];
    items[this.active]?.setAttribute("aria-selected", "false");
    this.active = i;
    items[i]?.setAttribute("aria-selected", "true");
    items[i]?.scrollIntoView({ block: "nearest" });
    if (items[i]) this.input.setAttribute("aria-activedescendant", items[i].id);
  }

  pick(i) {
    const { command, option } = this.options[i] ?? {};
    if (command) return this.openForm(command, new Map());
    if (!option) return;
    this.input.value = `${this.input.value.trimEnd()} ${option.title}:`;
    this.input.focus();
    this.changed();
  }

  key(e) {
    const n = this.options.length;
    if (e.isComposing) return;
    if (n && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
      e.preventDefault();
      this.move(
        this.active < 0 ? (e.key === "ArrowDown" ? 0 : n - 1) : (this.active + (e.key === "ArrowDown" ? 1 : n - 1)) % n,
      );
    } else if (e.key === "Tab" && !e.shiftKey && !this.list.hidden) {
      e.preventDefault();
      if (this.active >= 0) this.pick(this.active);
      else this.asForm();
    } else if (e.key === "Enter" && !e.shiftKey) {
      e.preventDefault();
      if (this.active >= 0 && n) this.pick(this.active);
      else this.enter();
    } else if (e.key === "Escape") {
      if (!this.list.hidden) {
        e.preventDefault();
        e.stopPropagation();
      }
      this.close(); // a list that is still to come as well
    } else if (e.key === "ArrowUp" && !this.input.value && this.past.length) {
      e.preventDefault();
      this.input.value = this.past.at(-1);
      this.changed();
    }
  }

  /** Does what was typed: sends a message, or runs a command. */
  async enter() {
    const line = this.input.value.trim();
    const { app } = this;
    const { guild, channel } = app.at;
    if (!line || !channel) return;
    if (!line.startsWith("/")) {
      this.input.value = "";
      this.fit();
      return app
        .attempt(app.act.write(channel, this.withMentions(line)))
        .then((ok) => ok || (this.input.value ||= line));
    }
    const whole = typed(await app.commands.list(guild, channel), line);
    if (!whole)
      return app.problem(`There is no command called ${line.split(" ")[0]} here. Type / to see those there are.`);
    const { command } = whole;
    const { texts, extra } = readOptions(command.options, whole.rest);
    const options = {};
    let wrong = extra !== "";
    for (const o of command.options) {
      if (!texts.has(o.name)) {
        wrong ||= Boolean(o.required);
        continue;
      }
      const { value, error } = valueOf(o, texts.get(o.name), this.place);
      wrong ||= Boolean(error);
      options[o.name] = value;
    }
    if (wrong) return this.openForm(command, texts, true);
    this.remember(line);
    this.run(command, options);
  }

  asForm() {
    this.app.commands.list(this.app.at.guild, this.app.at.channel).then((all) => {
      const whole = typed(all, this.input.value);
      if (whole) this.openForm(whole.command, readOptions(whole.command.options, whole.rest).texts);
    });
  }

  remember(line) {
    this.past = [...this.past.filter((l) => l !== line), line].slice(-20);
    this.input.value = "";
    this.close();
    this.fit();
  }

  openForm(command, texts, check = false) {
    this.close();
    this.form = new CommandForm(this.app, command, texts, this.place, {
      run: (options) => {
        this.input.value = "";
        this.run(command, options);
      },
      leave: () => {
        this.input.value = "";
        this.leaveForm(true);
      },
    });
    this.formBox.replaceChildren(this.form.el);
    this.formBox.hidden = false;
    this.line.hidden = true;
    this.form.begin(check);
  }

  leaveForm(focus) {
    if (!this.form) return;
    this.form = null;
    this.formBox.hidden = true;
    this.formBox.replaceChildren();
    this.line.hidden = false;
    if (focus) this.input.focus();
  }

  /** Runs a command; what is refused of its options comes back into the form. */
  async run(command, options) {
    const form = this.form;
    this.leaveForm(true);
    const refused = await this.app.run({
      name: command.name,
      title: command.title,
      application: command.application_id,
      guild: this.app.at.guild,
      options,
      quiet: true,
    });
    if (!refused || this.form) return refused && this.app.problem(refused.message);
    if (form) {
      this.form = form;
      this.formBox.replaceChildren(form.el);
      this.formBox.hidden = false;
      this.line.hidden = true;
      form.refuse(refused);
    } else {
      this.openForm(command, new Map(Object.entries(options).map(([k, v]) => [k, String(v)])));
      this.form.refuse(refused);
    }
  }

  working(what, on) {
    this.running += on ? 1 : -1;
    this.status.textContent = this.running > 0 ? `Waiting for ${what}` : "";
  }

  // People write @bruno and #general; the service wants ids.
  withMentions(text) {
    const g = this.app.store.guilds.get(this.app.at.guild);
    const users = g ? [...g.members.values()].map((m) => m.user) : [...this.app.store.users.values()];
    return text
      .replace(/(^|\s)@([\w.]+)/g, (all, gap, name) => {
        const u = users.find((x) => x.username.toLowerCase() === name.toLowerCase());
        return u ? `${gap}<@${u.id}>` : all;
      })
      .replace(/(^|\s)#([^\s#]+)/g, (all, gap, name) => {
        const c = g && [...g.channels.values()].find((x) => x.name === name && x.type !== 4);
        return c ? `${gap}<#${c.id}>` : all;
      });
  }
}
