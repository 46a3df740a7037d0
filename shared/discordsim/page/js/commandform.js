// A command being filled in: one field for each of its options.

import { h, icon } from "./dom.js";
import { optionField, readAll, showRefusal } from "./fields.js";

export class CommandForm {
  constructor(app, command, texts, place, { run, leave }) {
    Object.assign(this, { app, command, place, run });
    const options = [...command.options].sort((a, b) => Boolean(b.required) - Boolean(a.required));
    this.fields = options.map((o) =>
      optionField(o, place, texts.get(o.name), (option, text) => this.suggest(option, text)),
    );
    this.problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.go = h("button", { type: "button", class: "go", on: { click: () => this.submit() } }, icon("send"), "Run");
    this.el = h(
      "form",
      {
        class: "command-form",
        novalidate: true,
        "aria-label": `/${command.title}`,
        data: { command: command.name },
        on: {
          submit: (e) => e.preventDefault(), // Enter and the button run it, and nothing that a key did before
          keydown: (e) => this.key(e, leave),
        },
      },
      h(
        "header",
        {},
        h("code", { class: "command", text: `/${command.title}` }),
        h("span", { text: command.words }),
        h(
          "button",
          { type: "button", class: "quiet", "aria-label": "Leave this command", on: { click: leave } },
          icon("close"),
        ),
      ),
      this.fields.length
        ? h(
            "div",
            { class: "fields" },
            this.fields.map((f) => f.el),
          )
        : null,
      this.problem,
      h(
        "footer",
        {},
        h("span", { class: "keys" }, h("kbd", { text: "Enter" }), " runs ", h("kbd", { text: "Esc" }), " leaves"),
        this.go,
      ),
    );
  }

  /** Puts the focus where one goes on; check marks what is wrong so far. */
  begin(check) {
    if (check && readAll(this.fields) === null) return;
    if (this.fields.length) this.fields[0].focus();
    else this.go.focus();
  }

  key(e, leave) {
    if (e.defaultPrevented || e.isComposing) return;
    if (e.key === "Escape") {
      e.preventDefault();
      e.stopPropagation();
      leave();
    } else if (e.key === "Enter" && e.target.matches("select, input")) {
      e.preventDefault();
      this.submit();
    }
  }

  submit() {
    this.problem.hidden = true;
    const options = readAll(this.fields);
    if (options) this.run(options);
  }

  refuse(refused) {
    this.problem.textContent = showRefusal(this.fields, refused, "options");
    this.problem.hidden = !this.problem.textContent;
    if (!this.el.contains(document.activeElement)) this.go.focus();
  }

  async suggest(option, text) {
    const options = {};
    for (const f of this.fields) {
      if (f.name === option.name) continue;
      const { value } = f.read();
      if (value !== undefined) options[f.name] = value;
    }
    const { choices } = await this.app.act.autocomplete({
      ...this.app.where(this.place.guild, this.place.channel),
      application_id: this.command.application_id,
      name: this.command.name,
      options: { ...options, [option.name]: text },
      focused: option.name,
    });
    return choices;
  }
}
