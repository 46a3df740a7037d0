// Form fields by what they take: a command's options and a modal's inputs.
// Each is {name, el, focus(), fail(text), read()}, where read gives {value},
// {error}, or {} when nothing was entered.

import { h } from "./dom.js";
import { Combo, filtered } from "./choose.js";
import * as cmd from "./commands.js";

let count = 0;

/** Puts a label, a hint and a place for a problem around a control. */
function frame({ name, label, hint, required, control, input = control, group = false }) {
  const id = input.id || (input.id = `field-${++count}`);
  const hintEl = hint ? h("p", { class: "hint", id: `${id}-hint`, text: hint }) : null;
  const error = h("p", { class: "problem", id: `${id}-error`, hidden: true });
  const title = [label, required ? null : h("small", { text: "optional" })];
  const el = group
    ? h("fieldset", { class: "field", data: { field: name } }, h("legend", {}, title), hintEl, control, error)
    : h("div", { class: "field", data: { field: name } }, h("label", { for: id }, title), control, hintEl, error);
  input.setAttribute("aria-describedby", [hintEl?.id, error.id].filter(Boolean).join(" "));
  const fail = (text) => {
    error.textContent = text ?? "";
    error.hidden = !text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  el.addEventListener("input", () => fail(""));
  return {
    name,
    el,
    fail,
    focus: () => (input.matches("input, select, textarea") ? input : input.querySelector("input"))?.focus(),
  };
}

/**
 * Makes the field of a command's option. text is what was typed for it before;
 * suggest(option, text) asks the application for choices.
 */
export function optionField(o, place, text, suggest) {
  const hint = [o.words, cmd.bounds(o)].filter(Boolean).join(". ");
  const base = { name: o.name, label: o.title, hint, required: o.required };
  const given = text === undefined ? null : cmd.valueOf(o, text, place);
  let read, control, input;
  if (o.type >= cmd.USER && o.type <= cmd.MENTIONABLE) {
    const all = () => cmd.entities(place, o.type, o.channel_types);
    const combo = new Combo({
      source: filtered(all),
      chosen: all().filter((e) => e.value === given?.value),
      placeholder: `Find a ${cmd.kindName(o.type)}`,
    });
    if (given?.error) combo.input.value = text;
    read = () => (combo.loose ? cmd.valueOf(o, combo.loose, place) : { value: combo.values[0] });
    ({ el: control, input } = combo);
  } else if (o.autocomplete) {
    const combo = new Combo({
      free: true,
      placeholder: "Type for suggestions",
      source: (t) => () =>
        suggest(o, t).then((list) =>
          list.map((c) => ({ value: c.value, label: c.name_localizations?.[place.locale] ?? c.name })),
        ),
    });
    combo.input.value = text ?? "";
    read = () =>
      combo.chosen.length
        ? { value: combo.chosen[0].value }
        : combo.values.length
          ? cmd.valueOf(o, combo.values[0], place)
          : {};
    ({ el: control, input } = combo);
  } else if (o.choices?.length || o.type === cmd.BOOLEAN) {
    const choices = o.choices ?? [
      { title: "Yes", value: true },
      { title: "No", value: false },
    ];
    control = h(
      "select",
      {},
      h("option", { value: "", text: o.required ? "Choose" : "Leave it out" }),
      choices.map((c, i) => h("option", { value: String(i), text: c.title })),
    );
    control.value = given && "value" in given ? String(choices.findIndex((c) => c.value === given.value)) : "";
    read = () => (control.value === "" ? {} : { value: choices[Number(control.value)].value });
  } else {
    const number = o.type === cmd.INTEGER || o.type === cmd.NUMBER;
    control = h("input", {
      type: number ? "number" : "text",
      autocomplete: "off",
      min: o.min_value,
      max: o.max_value,
      step: number ? (o.type === cmd.INTEGER ? "1" : "any") : null,
      disabled: o.type === cmd.ATTACHMENT,
      placeholder: o.type === cmd.ATTACHMENT ? "The simulator has no files to attach" : null,
    });
    control.value = text ?? "";
    read = () =>
      control.validity?.badInput
        ? { error: "A number is needed." }
        : control.value.trim() === ""
          ? {}
          : cmd.valueOf(o, control.value.trim(), place);
  }
  const field = frame({ ...base, control, input: input ?? control });
  if (given?.error) field.fail(given.error);
  return {
    ...field,
    read: () => {
      const v = read();
      if (v.value === undefined && !v.error && o.required) return { error: "This one is needed." };
      return v;
    },
  };
}

const picks = { 5: cmd.USER, 6: cmd.ROLE, 7: cmd.MENTIONABLE, 8: cmd.CHANNEL };

/** Makes the fields of a modal's components; text between them has no read. */
export function modalFields(list, place, show) {
  return list.flatMap((c) => {
    if (c.type === 1) return modalFields(c.components, place, show);
    if (c.type === 10) return [{ el: h("div", { class: "text" }, show(c.content)) }];
    const inner = c.type === 18 ? c.component : c;
    const make =
      { 4: textInput, 3: stringMenu, 21: stringMenu, 22: stringMenu, 23: checkBox }[inner.type] ??
      (picks[inner.type] ? entityMenu : null);
    const base = {
      name: inner.custom_id,
      label: c.label ?? inner.label ?? "",
      hint: c.description,
      required: inner.required !== false && inner.type !== 23,
    };
    return [
      make
        ? make(inner, base, place)
        : { el: h("p", { class: "soft", text: `A field of type ${inner.type}, which this page does not show.` }) },
    ];
  });
}

function textInput(c, base) {
  const props = {
    maxlength: c.max_length,
    placeholder: c.placeholder,
    required: base.required,
    autocomplete: "off",
    data: { customId: c.custom_id },
  };
  const control = c.style === 2 ? h("textarea", { ...props, rows: 4 }) : h("input", { ...props, type: "text" });
  control.value = c.value ?? "";
  return {
    ...frame({ ...base, control }),
    read: () => {
      const n = [...control.value].length;
      if (!n && base.required) return { error: "This one is needed." };
      if (n && c.min_length && n < c.min_length) return { error: `At least ${c.min_length} characters.` };
      return { value: control.value };
    },
  };
}

function stringMenu(c, base) {
  const many = c.type === 22 || (c.max_values ?? 1) > 1;
  if (!many && c.type === 3) {
    const control = h(
      "select",
      { data: { customId: c.custom_id } },
      h("option", { value: "", text: c.placeholder ?? "Choose" }),
      c.options.map((o) =>
        h("option", { value: o.value, text: o.description ? `${o.label}: ${o.description}` : o.label }),
      ),
    );
    control.value = c.options.find((o) => o.default)?.value ?? "";
    return {
      ...frame({ ...base, control }),
      read: () =>
        control.value ? { value: [control.value] } : base.required ? { error: "Choose one." } : { value: [] },
    };
  }
  const name = `group-${++count}`;
  const boxes = c.options.map((o) =>
    h("input", { type: many ? "checkbox" : "radio", name, value: o.value, checked: o.default }),
  );
  const control = h(
    "div",
    { class: "checks", role: "group" },
    c.options.map((o, i) =>
      h(
        "label",
        { class: "check" },
        boxes[i],
        h("span", {}, o.label, o.description ? h("small", { text: o.description }) : null),
      ),
    ),
  );
  return {
    ...frame({ ...base, control, group: true }),
    read: () => {
      const values = boxes.filter((b) => b.checked).map((b) => b.value);
      const low = c.min_values ?? (base.required ? 1 : 0);
      const high = many ? (c.max_values ?? values.length) : 1;
      if (!values.length && base.required) return { error: "Choose one." };
      if (values.length && (values.length < low || values.length > high))
        return { error: `Choose ${low === high ? low : `${low} to ${high}`}.` };
      return { value: c.type === 21 ? values[0] : values };
    },
  };
}

function checkBox(c, base) {
  const control = h("input", { type: "checkbox", checked: c.default, data: { customId: c.custom_id } });
  return { ...frame({ ...base, required: true, control }), read: () => ({ value: control.checked }) };
}

function entityMenu(c, base, place) {
  const all = () => cmd.entities(place, picks[c.type], c.channel_types);
  const preset = new Set((c.default_values ?? []).map((d) => d.id));
  const combo = new Combo({
    source: filtered(all),
    max: c.max_values ?? 1,
    chosen: all().filter((o) => preset.has(o.value)),
    placeholder: c.placeholder ?? "",
  });
  combo.input.dataset.customId = c.custom_id;
  return {
    ...frame({ ...base, control: combo.el, input: combo.input }),
    read: () => {
      if (combo.loose) return { error: `Nothing here is called ${combo.loose}.` };
      const values = combo.values;
      if (values.length < (c.min_values ?? 1) && (base.required || values.length)) return { error: "Choose one." };
      return { value: values };
    },
  };
}

/** Reads all fields: their values, or null after marking what is wrong. */
export function readAll(fields) {
  const values = {};
  let bad = null;
  for (const f of fields) {
    if (!f.read) continue;
    const { value, error } = f.read();
    f.fail(error ?? "");
    if (error) bad ??= f;
    else if (value !== undefined) values[f.name] = value;
  }
  bad?.focus();
  return bad ? null : values;
}

/** Shows at the fields what the service said of them; gives what is left to say. */
export function showRefusal(fields, refused, prefix) {
  let first = null;
  let rest = [];
  for (const [path, text] of refused.fields) {
    const f = fields.find((x) => path === `${prefix}.${x.name}` || path.startsWith(`${prefix}.${x.name}.`));
    if (f) {
      f.fail(text);
      first ??= f;
    } else rest.push(text);
  }
  first?.focus();
  return refused.fields.size ? rest.join(" ") : refused.message;
}
