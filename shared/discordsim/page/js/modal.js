// Modals: the forms that applications ask to be filled in.

import { Refused } from "./api.js";
import { h, icon } from "./dom.js";
import { modalFields, readAll, showRefusal } from "./fields.js";
import { markdown } from "./markdown.js";

/** Shows a modal; place says where it was opened: {guild, channel}. */
export function showModal(app, modal, place) {
  const fields = modalFields(modal.components, { store: app.store, guild: place.guild }, (t) => markdown(t, app.names));
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const send = h("button", { type: "submit", class: "go" }, "Send");
  let sent = false;
  const dialog = h(
    "dialog",
    { class: "modal", "aria-labelledby": "modal-title", data: { modal: modal.custom_id } },
    h(
      "form",
      { novalidate: true, on: { submit } },
      h(
        "header",
        {},
        h("h2", { id: "modal-title", text: modal.title }),
        h(
          "button",
          { type: "button", class: "quiet", "aria-label": "Close", on: { click: () => dialog.close() } },
          icon("close"),
        ),
      ),
      h(
        "div",
        { class: "fields" },
        fields.map((f) => f.el),
      ),
      problem,
      h(
        "footer",
        {},
        h("button", { type: "button", class: "button secondary", on: { click: () => dialog.close() } }, "Cancel"),
        send,
      ),
    ),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (!sent) app.act.dismiss(modal.custom_id).catch(() => {});
    // The browser has given the focus back to where it was; by now it may be elsewhere, and stays there.
    if (document.activeElement === document.body) app.composer.focus();
  });

  async function submit(e) {
    e.preventDefault();
    const values = readAll(fields);
    if (!values || send.disabled) return;
    send.disabled = true;
    problem.hidden = true;
    try {
      const answer = app.act.modal(modal.custom_id, values);
      // What is refused comes at once and belongs to the fields; what the
      // application does may take long and is shown where it was asked.
      const first = await Promise.race([answer, new Promise((done) => setTimeout(done, 250))]).catch((err) => err);
      if (first instanceof Refused && first.status === 400) throw first;
      sent = true;
      dialog.close();
      await app.answered(answer, place.channel, modal.title);
    } catch (err) {
      problem.textContent = err instanceof Refused ? showRefusal(fields, err, "fields") : String(err);
      problem.hidden = !problem.textContent;
      send.disabled = false;
    }
  }

  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector(".fields input, .fields textarea, .fields select") ?? send).focus();
}
