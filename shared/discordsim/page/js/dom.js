// What every part of the page uses to draw: elements made of data, never of
// markup, and lists that keep the elements that did not change.

/**
 * Makes an element. Props: class, text, on ({event: handler}), data ({name:
 * value}), and attributes: true sets an empty one, null and false none.
 */
export function h(tag, props, ...kids) {
  const el = document.createElement(tag);
  for (const [k, v] of Object.entries(props ?? {})) {
    if (v === null || v === undefined || v === false) continue;
    if (k === "class") el.className = v;
    else if (k === "text") el.textContent = v;
    else if (k === "on") for (const [name, f] of Object.entries(v)) el.addEventListener(name, f);
    else if (k === "data") for (const [name, d] of Object.entries(v)) (d ?? "") !== "" && (el.dataset[name] = d);
    else if (k === "value") el.value = v;
    else el.setAttribute(k, v === true ? "" : v);
  }
  el.append(...kids.flat(Infinity).filter((kid) => kid !== null && kid !== undefined && kid !== false));
  return el;
}

const paths = {
  text: "M5 9h14M5 15h14M10 4 8 20M16 4l-2 16",
  voice: "M5 10v4M9 7v10M13 4v16M17 8v8M21 11v2",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5 11h14v9H5z",
  mic: "M12 4a3 3 0 0 0-3 3v4a3 3 0 0 0 6 0V7a3 3 0 0 0-3-3ZM6 11a6 6 0 0 0 12 0M12 17v4",
  muted: "M9 9v2a3 3 0 0 0 5 2M15 10V7a3 3 0 0 0-5-2M6 11a6 6 0 0 0 9 5M18 11v1M12 17v4M4 3l16 17",
  ears: "M4 15v-2a8 8 0 0 1 16 0v2M4 14h3v6H4zM17 14h3v6h-3z",
  deaf: "M4 15v-2a8 8 0 0 1 3-6M10 5a8 8 0 0 1 10 8v2M4 14h3v6H4zM17 14h3v3M3 3l18 18",
  video: "M3 7h12v10H3zM15 11l6-4v10l-6-4",
  stream: "M3 5h18v12H3zM8 21h8M12 17v4M10 8.500v5l4-2.500z",
  leave: "M10 4H5v16h5M15 8l4 4-4 4M19 12H9",
  people:
    "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM2.500 20c0-4 3-6 6.500-6s6.500 2 6.500 6" +
    "M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500c2.500.800 3.500 3 3.500 5.500",
  world: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
  fault: "M13 3 5 14h6l-1 7 8-11h-6z",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  more: "M6 12h.010M12 12h.010M18 12h.010",
  down: "M6 9l6 6 6-6",
  out: "M9 5H5v14h14v-4M13 5h6v6M19 5l-9 9",
  eye: "M2 12c3-5 6.500-7 10-7s7 2 10 7c-3 5-6.500 7-10 7s-7-2-10-7ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  thread: "M4 5h16v11H9l-5 4zM8 9h8M8 12h5",
  stage:
    "M12 13a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM8 7a6 6 0 0 0 0 8M16 7a6 6 0 0 1 0 8" +
    "M5 4a10 10 0 0 0 0 14M19 4a10 10 0 0 1 0 14M12 16v5",
  forum: "M3 5h12v9H7l-4 3zM17 9h4v11l-4-3h-7v-1",
  calendar: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  mail: "M3 6h18v12H3zM3 7l9 7 9-7",
  swap: "M4 8h14l-3-3M20 16H6l3 3",
  slash: "M15 4 9 20",
  warn: "M12 4 2.500 20h19zM12 10v5M12 17.500v.100",
  send: "M4 12h14M13 6l6 6-6 6",
};

/** Makes an icon; with a label it says it, without it is hidden from readers. */
export function icon(name, label) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  const p = document.createElementNS(ns, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    const t = document.createElementNS(ns, "title");
    t.textContent = label;
    svg.append(t);
  } else svg.setAttribute("aria-hidden", "true");
  p.setAttribute("d", paths[name]);
  svg.append(p);
  return svg;
}

const drawn = new WeakMap(); // parent → key → {sig, node}

/**
 * Makes parent show items in order: {key, sig, make()}. An element stays as
 * long as its sig does; if one that is made anew had the focus, the new one's
 * element with the same data-focus has it.
 */
export function patch(parent, items) {
  const old = drawn.get(parent) ?? new Map();
  const next = new Map();
  for (const { key, sig, make } of items) {
    let kid = old.get(key);
    if (!kid || kid.sig !== sig) {
      const node = make();
      if (kid) {
        const had = kid.node.contains(document.activeElement) ? (document.activeElement.dataset.focus ?? "") : null;
        kid.node.replaceWith(node);
        if (had !== null) focusIn(node, had);
      }
      kid = { sig, node };
    }
    next.set(key, kid);
  }
  for (const [key, kid] of old) if (!next.has(key)) kid.node.remove();
  let at = parent.firstChild;
  for (const { node } of next.values()) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  drawn.set(parent, next);
}

function focusIn(node, name) {
  const all = [node, ...node.querySelectorAll("[data-focus]")];
  const target = all.find((n) => n.dataset.focus === name) ?? node.querySelector("button, a, [tabindex]");
  target?.focus();
}

/**
 * Makes one stop for the Tab key of all that match selector below root; arrow
 * keys, Home and End go among them. Call the function it gives after drawing.
 */
export function roving(root, selector, { across = false } = {}) {
  const shown = () => [...root.querySelectorAll(selector)].filter((el) => el.offsetParent !== null);
  let current = null;
  const settle = () => {
    const list = [...root.querySelectorAll(selector)];
    if (!list.includes(current)) current = list.find((el) => el.getAttribute("aria-current")) ?? list[0] ?? null;
    for (const el of list) {
      const tab = el === current ? 0 : -1;
      if (el.tabIndex !== tab) el.tabIndex = tab;
    }
  };
  root.addEventListener("focusin", (e) => {
    const el = e.target.closest(selector);
    if (el && root.contains(el)) {
      current = el;
      settle();
    }
  });
  root.addEventListener("keydown", (e) => {
    const back = ["ArrowUp", ...(across ? ["ArrowLeft"] : [])];
    const on = ["ArrowDown", ...(across ? ["ArrowRight"] : [])];
    if (e.defaultPrevented || e.altKey || e.ctrlKey || e.metaKey || ![...back, ...on, "Home", "End"].includes(e.key))
      return;
    const list = shown();
    const i = list.indexOf(document.activeElement?.closest(selector));
    if (i < 0) return;
    e.preventDefault();
    const to = e.key === "Home" ? 0 : e.key === "End" ? list.length - 1 : i + (on.includes(e.key) ? 1 : -1);
    list[Math.max(0, Math.min(list.length - 1, to))].focus();
  });
  return settle;
}

/** Says something to readers of the screen. */
export function say(text) {
  const log = document.getElementById("said");
  log.append(h("p", { text }));
  while (log.childElementCount > 8) log.firstElementChild.remove();
}

/** Shows a line that goes away by itself; problems stay longer. */
export function toast(text, kind = "problem") {
  const box = document.getElementById("overlays");
  const close = () => el.remove();
  const el = h(
    "div",
    { class: `toast ${kind}`, role: kind === "problem" ? "alert" : "status" },
    kind === "problem" ? icon("warn") : null,
    h("span", { text }),
    h(
      "button",
      { class: "quiet", type: "button", "aria-label": "Close this note", on: { click: close } },
      icon("close"),
    ),
  );
  for (const other of [...box.querySelectorAll(".toast")].slice(0, -2)) other.remove();
  box.append(el);
  setTimeout(close, kind === "problem" ? 12_000 : 5_000);
}

/**
 * Opens a small layer beside an element: closed by Esc, by a click elsewhere
 * or by close(). The focus goes back to where it came from.
 */
export function popover(anchor, content, { onClose = () => {}, focus = true, label, role, under = false } = {}) {
  closePopover();
  const layer = h("div", { class: "popover", role, "aria-label": label }, content);
  const from = document.activeElement;
  document.getElementById("overlays").append(layer);
  place(layer, anchor, under);
  const done = (back = true) => {
    if (open !== here) return;
    open = null;
    const inside = layer.contains(document.activeElement);
    layer.remove();
    removeEventListener("pointerdown", outside, true);
    removeEventListener("resize", done);
    onClose();
    if (back && inside) (from?.isConnected ? from : anchor).focus?.();
  };
  const outside = (e) => {
    if (!layer.contains(e.target) && !anchor.contains?.(e.target)) done(false);
  };
  const here = { close: done, layer, anchor };
  open = here;
  addEventListener("pointerdown", outside, true);
  addEventListener("resize", done);
  layer.addEventListener("keydown", (e) => {
    if (e.key === "Escape") {
      e.preventDefault();
      e.stopPropagation();
      done();
    }
  });
  if (focus) (layer.querySelector("[autofocus], input, [tabindex='0'], button, a") ?? layer).focus();
  return here;
}

let open = null;
/** Closes the layer that is open, and says whether there was one. */
export function closePopover() {
  const was = open;
  was?.close();
  return was !== null;
}

function place(layer, anchor, under) {
  const a = anchor.getBoundingClientRect?.() ?? anchor;
  const w = layer.offsetWidth;
  const height = layer.offsetHeight;
  const gap = 6;
  const below = innerHeight - a.bottom - gap;
  const above = a.top - gap;
  const top =
    under || below >= height || below >= above
      ? Math.min(a.bottom + gap, Math.max(gap, innerHeight - height - gap))
      : Math.max(gap, a.top - gap - height);
  layer.style.left = `${Math.max(gap, Math.min(a.left, innerWidth - w - gap))}px`;
  layer.style.top = `${top}px`;
}

export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
