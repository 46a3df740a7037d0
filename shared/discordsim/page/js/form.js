// Small forms that ask for a few things and do one.

import { closePopover, h, popover } from "./dom.js";

/** A labelled field. */
export const field = (id, label, input) => {
  input.id = id;
  return h("div", { class: "field" }, h("label", { for: id, text: label }), input);
};

/** A form whose button does act(). What act() gives, or throws, is the problem that stands in the form. */
export function actForm(go, fields, act) {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  return h(
    "form",
    {
      class: "inline-form",
      novalidate: true,
      on: {
        submit: async (e) => {
          e.preventDefault();
          const text = await act().catch((err) => err.message);
          problem.textContent = text ?? "";
          problem.hidden = !text;
        },
      },
    },
    fields,
    problem,
    h("button", { type: "submit", class: "go" }, go),
  );
}

/** Opens such a form beside an element. It closes once act() found no problem. more stands below it. */
export function askFor(anchor, { title, go, fields, act, more }) {
  if (closePopover()) return;
  const form = actForm(go, fields, async () => {
    const problem = await act();
    if (!problem) layer.close();
    return problem;
  });
  const layer = popover(anchor, h("div", { class: "asker" }, h("h3", { text: title }), form, more), {
    label: title,
    role: "dialog",
    under: true,
  });
}
