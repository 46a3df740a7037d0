// Stages: what is going on in a stage channel, and who speaks there.

import { h } from "./dom.js";
import { askFor, field } from "./form.js";

const STAGE = 13;
const moderates = ["MANAGE_CHANNELS", "MUTE_MEMBERS", "MOVE_MEMBERS"];

const isModerator = (store, channel) => moderates.every((p) => store.may(channel, p));

/** Whether somebody in a stage channel asks to speak. */
export const asksToSpeak = (v) => Boolean(v.suppress && v.request_to_speak_timestamp);

/** What is said below a stage channel's name; "" for other channels. */
export function aboutStage(g, channel) {
  if (channel.type !== STAGE) return "";
  const stage = g.stages.get(channel.id);
  return stage ? `On stage: ${stage.topic}` : "Nothing is on stage.";
}

const speak = (app, guild, channel, who, change) =>
  app.attempt(app.act.api("PATCH", `/guilds/${guild.id}/voice-states/${who}`, { channel_id: channel.id, ...change }));

/** The buttons at the head of a stage channel. */
export function stageActions(app, { guild, channel }) {
  if (!guild || channel.type !== STAGE) return [];
  const me = guild.voice.get(app.store.me);
  const out = [];
  if (me?.channel_id === channel.id) {
    const may = isModerator(app.store, channel);
    const change = !me.suppress
      ? ["Stop speaking", { suppress: true }]
      : may
        ? ["Speak", { suppress: false }]
        : asksToSpeak(me)
          ? ["Don't ask to speak", { request_to_speak_timestamp: null }]
          : ["Ask to speak", { request_to_speak_timestamp: new Date().toISOString() }];
    out.push(button("speak", change[0], () => speak(app, guild, channel, "@me", change[1])));
  }
  if (guild.stages.has(channel.id))
    out.push(button("end", "End stage", () => app.attempt(app.act.api("DELETE", `/stage-instances/${channel.id}`))));
  else out.push(button("start", "Start stage", (e) => offerStage(app, e.currentTarget, channel)));
  return out;
}

const button = (what, text, click) =>
  h("button", { type: "button", class: "button secondary", data: { stage: what, focus: what }, on: { click } }, text);

function offerStage(app, anchor, channel) {
  const topic = h("input", { maxlength: 120, autocomplete: "off", autofocus: true });
  askFor(anchor, {
    title: `Start a stage in ${channel.name}`,
    go: "Start",
    fields: [field("stage-topic", "Topic", topic)],
    act: async () => {
      if (!topic.value.trim()) return "It needs a topic.";
      await app.act.api("POST", "/stage-instances", { channel_id: channel.id, topic: topic.value.trim() });
    },
  });
}

/** What a stage's moderator may do with somebody there: {text, act}, or null. */
export function stageTurn(app, g, id) {
  const v = g?.voice.get(id);
  const channel = g?.channels.get(v?.channel_id);
  if (channel?.type !== STAGE || id === app.store.me || !isModerator(app.store, channel)) return null;
  return {
    text: v.suppress ? "Let speak" : "Move to the audience",
    act: () => speak(app, g, channel, id, { suppress: !v.suppress }),
  };
}
