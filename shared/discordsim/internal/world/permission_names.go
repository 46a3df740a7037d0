package world

import (
	"fmt"
	"strconv"
	"strings"
)

// permissionNames are Discord's names, by bit; "" where there is none.
var permissionNames = strings.Split("CREATE_INSTANT_INVITE KICK_MEMBERS BAN_MEMBERS ADMINISTRATOR MANAGE_CHANNELS "+
	"MANAGE_GUILD ADD_REACTIONS VIEW_AUDIT_LOG PRIORITY_SPEAKER STREAM VIEW_CHANNEL SEND_MESSAGES SEND_TTS_MESSAGES "+
	"MANAGE_MESSAGES EMBED_LINKS ATTACH_FILES READ_MESSAGE_HISTORY MENTION_EVERYONE USE_EXTERNAL_EMOJIS "+
	"VIEW_GUILD_INSIGHTS CONNECT SPEAK MUTE_MEMBERS DEAFEN_MEMBERS MOVE_MEMBERS USE_VAD CHANGE_NICKNAME "+
	"MANAGE_NICKNAMES MANAGE_ROLES MANAGE_WEBHOOKS MANAGE_GUILD_EXPRESSIONS USE_APPLICATION_COMMANDS "+
	"REQUEST_TO_SPEAK MANAGE_EVENTS MANAGE_THREADS CREATE_PUBLIC_THREADS CREATE_PRIVATE_THREADS "+
	"USE_EXTERNAL_STICKERS SEND_MESSAGES_IN_THREADS USE_EMBEDDED_ACTIVITIES MODERATE_MEMBERS "+
	"VIEW_CREATOR_MONETIZATION_ANALYTICS USE_SOUNDBOARD CREATE_GUILD_EXPRESSIONS CREATE_EVENTS USE_EXTERNAL_SOUNDS "+
	"SEND_VOICE_MESSAGES  SET_VOICE_CHANNEL_STATUS SEND_POLLS USE_EXTERNAL_APPS PIN_MESSAGES BYPASS_SLOWMODE", " ")

// Names lists the permissions of a set by Discord's names, in the order of their bits.
func (p Permissions) Names() []string {
	list := []string{}
	for bit, name := range permissionNames {
		if name != "" && p&(1<<bit) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// ParsePermissions reads a set: a decimal number, or Discord's names separated by commas, spaces or "|". Case doesn't
// matter, and "" is no permission.
func ParsePermissions(text string) (Permissions, error) {
	if n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64); err == nil {
		return Permissions(n) & AllPermissions, nil
	}
	var p Permissions
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", |\t\n", r) }) {
		bit := -1
		for i, name := range permissionNames {
			if name != "" && strings.EqualFold(name, word) {
				bit = i
			}
		}
		if bit < 0 {
			return 0, fmt.Errorf("discordsim: there is no permission %q; use Discord's names, such as VIEW_CHANNEL, "+
				"or a number", word)
		}
		p |= 1 << bit
	}
	return p, nil
}
