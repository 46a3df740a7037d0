// Discord's permissions by their bits, in plain words. The second field is
// true for those that a bot for voice rooms is likely to need.

const list = [
  ["VIEW_CHANNEL", 10, "View channels", true],
  ["MANAGE_CHANNELS", 4, "Manage channels", true],
  ["MANAGE_ROLES", 28, "Manage roles and channel permissions", true],
  ["CONNECT", 20, "Connect to voice", true],
  ["SPEAK", 21, "Speak", true],
  ["STREAM", 9, "Stream and video", true],
  ["MOVE_MEMBERS", 24, "Move and disconnect members", true],
  ["SET_VOICE_CHANNEL_STATUS", 48, "Set voice channel status", true],
  ["CREATE_INSTANT_INVITE", 0, "Create invites", true],
  ["SEND_MESSAGES", 11, "Send messages", true],
  ["EMBED_LINKS", 14, "Embed links", true],
  ["ADMINISTRATOR", 3, "Administrator: everything, everywhere"],
  ["MANAGE_GUILD", 5, "Manage server"],
  ["KICK_MEMBERS", 1, "Kick members"],
  ["BAN_MEMBERS", 2, "Ban members"],
  ["MODERATE_MEMBERS", 40, "Time out members"],
  ["VIEW_AUDIT_LOG", 7, "View audit log"],
  ["MUTE_MEMBERS", 22, "Mute members"],
  ["DEAFEN_MEMBERS", 23, "Deafen members"],
  ["USE_VAD", 25, "Voice activity"],
  ["PRIORITY_SPEAKER", 8, "Priority speaker"],
  ["REQUEST_TO_SPEAK", 32, "Request to speak"],
  ["MANAGE_MESSAGES", 13, "Manage messages"],
  ["PIN_MESSAGES", 51, "Pin messages"],
  ["READ_MESSAGE_HISTORY", 16, "Read message history"],
  ["ATTACH_FILES", 15, "Attach files"],
  ["ADD_REACTIONS", 6, "Add reactions"],
  ["MENTION_EVERYONE", 17, "Mention everyone"],
  ["SEND_TTS_MESSAGES", 12, "Send text-to-speech messages"],
  ["USE_EXTERNAL_EMOJIS", 18, "Use external emojis"],
  ["USE_EXTERNAL_STICKERS", 37, "Use external stickers"],
  ["USE_EXTERNAL_SOUNDS", 45, "Use external sounds"],
  ["USE_SOUNDBOARD", 42, "Use soundboard"],
  ["SEND_VOICE_MESSAGES", 46, "Send voice messages"],
  ["SEND_POLLS", 49, "Create polls"],
  ["CHANGE_NICKNAME", 26, "Change own nickname"],
  ["MANAGE_NICKNAMES", 27, "Manage nicknames"],
  ["MANAGE_WEBHOOKS", 29, "Manage webhooks"],
  ["MANAGE_GUILD_EXPRESSIONS", 30, "Manage expressions"],
  ["CREATE_GUILD_EXPRESSIONS", 43, "Create expressions"],
  ["USE_APPLICATION_COMMANDS", 31, "Use application commands"],
  ["USE_EMBEDDED_ACTIVITIES", 39, "Use activities"],
  ["USE_EXTERNAL_APPS", 50, "Use external apps"],
  ["MANAGE_EVENTS", 33, "Manage events"],
  ["CREATE_EVENTS", 44, "Create events"],
  ["MANAGE_THREADS", 34, "Manage threads"],
  ["CREATE_PUBLIC_THREADS", 35, "Create public threads"],
  ["CREATE_PRIVATE_THREADS", 36, "Create private threads"],
  ["SEND_MESSAGES_IN_THREADS", 38, "Send messages in threads"],
  ["VIEW_GUILD_INSIGHTS", 19, "View server insights"],
  ["VIEW_CREATOR_MONETIZATION_ANALYTICS", 41, "View monetisation"],
  ["BYPASS_SLOWMODE", 52, "Bypass slow mode"],
];

export const permissions = list.map(([name, n, words, usual = false]) => ({
  name,
  bit: 1n << BigInt(n),
  words,
  usual,
}));

const bits = new Map(permissions.map((p) => [p.name, p.bit]));

/** The bit of a permission by its name. */
export const bit = (name) => bits.get(name) ?? 0n;
