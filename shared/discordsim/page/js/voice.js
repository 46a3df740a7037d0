// Being in voice: joining and leaving, one's own marks, and how others' are shown.

import { h, icon, patch } from "./dom.js";
import { asksToSpeak } from "./stage.js";

/** The marks of a voice state, each with words for those who do not see it. */
export function marks(v) {
  const out = [];
  if (v.mute) out.push(["muted", "muted by a moderator", "forced"]);
  else if (v.self_mute) out.push(["muted", "muted"]);
  if (v.deaf) out.push(["deaf", "deafened by a moderator", "forced"]);
  else if (v.self_deaf) out.push(["deaf", "deafened"]);
  if (asksToSpeak(v)) out.push(["stage", "asks to speak", "on"]);
  else if (v.suppress) out.push(["lock", "may not speak"]);
  if (v.self_video) out.push(["video", "video on", "on"]);
  if (v.self_stream) out.push(["stream", "streaming", "on"]);
  return out.length
    ? h(
        "span",
        { class: "marks" },
        out.map(([name, label, kind]) =>
          h("span", { class: `mark ${kind ?? ""}`, data: { mark: name } }, icon(name, label)),
        ),
      )
    : null;
}

/** What of a voice state is to be seen, as a text to compare by. */
export const marksKey = (v) =>
  [v.mute, v.self_mute, v.deaf, v.self_deaf, v.suppress, asksToSpeak(v), v.self_video, v.self_stream]
    .map(Number)
    .join("");

/** Whether a person may try to connect to a channel, and why not. */
export function door(store, guild, channel, count) {
  if (!store.may(channel, "CONNECT")) return { shut: true, why: "You may not connect here" };
  if (channel.user_limit && count >= channel.user_limit && !store.may(channel, "MOVE_MEMBERS"))
    return { shut: true, why: "It is full" };
  return { shut: false, why: "" };
}

/** Draws what stands below the list of channels while one is in voice. */
export class VoiceBar {
  constructor(app, root) {
    Object.assign(this, { app, root });
    app.store.watch((changed) => (changed.has("voice") || changed.has("guilds")) && this.draw());
  }

  draw() {
    const { app, root } = this;
    const at = app.store.myVoice();
    root.hidden = !at;
    if (!at) return patch(root, []);
    const { guild, channel, state } = at;
    const name = channel?.name ?? "a channel you cannot see";
    // Each part is drawn anew by itself: a press that goes on meanwhile stays a press.
    const toggles = [
      ["mute", state.self_mute, "mic", "muted", "Mute"],
      ["deaf", state.self_deaf, "ears", "deaf", "Deafen"],
      ["video", state.self_video, "video", "video", "Video"],
      ["stream", state.self_stream, "stream", "stream", "Stream"],
    ];
    patch(root, [
      {
        key: "where",
        sig: JSON.stringify([guild.id, guild.name, state.channel_id, name]),
        make: () =>
          h(
            "a",
            { class: "where", href: app.href(guild.id, state.channel_id), data: { own: "1", focus: "where" } },
            icon("voice"),
            h("span", {}, h("strong", { text: "In voice" }), h("small", { text: `${name} · ${guild.name}` })),
          ),
      },
      {
        key: "toggles",
        sig: "",
        make: () => h("div", { class: "toggles", role: "group", "aria-label": "Your voice" }),
      },
    ]);
    patch(root.querySelector(".toggles"), [
      ...toggles.map(([what, on, off, pressed, words]) => ({
        key: what,
        sig: String(Boolean(on)),
        make: () => this.toggle(what, on, on ? pressed : off, words),
      })),
      {
        key: "leave",
        sig: "",
        make: () =>
          h(
            "button",
            {
              type: "button",
              class: "leave",
              "aria-label": "Leave voice",
              title: "Leave voice",
              data: { focus: "leave", voice: "leave" },
              on: { click: () => app.leave() },
            },
            icon("leave"),
          ),
      },
    ]);
  }

  toggle(what, on, face, words) {
    return h(
      "button",
      {
        type: "button",
        "aria-pressed": String(Boolean(on)),
        "aria-label": words,
        title: words,
        data: { focus: what, voice: what },
        on: { click: () => this.press(what) },
      },
      icon(face),
    );
  }

  press(what) {
    const { guild, state } = this.app.store.myVoice();
    const on = state[`self_${what}`];
    // Deafened one is muted too, and unmuting ends both.
    const change =
      what === "deaf"
        ? { self_deaf: !on, self_mute: !on }
        : what === "mute" && on
          ? { self_mute: false, self_deaf: false }
          : { [`self_${what}`]: !on };
    return this.app.attempt(this.app.act.voice(guild.id, change));
  }
}
