package commands

import (
	"github.com/disgoorg/disgo/discord"

	"snug/shared/room"
)

// Definitions are Snug's commands as Discord is to show them. They work in servers only.
func Definitions() []discord.ApplicationCommandCreate {
	return []discord.ApplicationCommandCreate{
		slash("create-room", "Open a private voice room",
			discord.ApplicationCommandOptionString{Name: "name", Description: "What to call it", MinLength: ptr(1), MaxLength: ptr(room.MaxName)},
			discord.ApplicationCommandOptionInt{Name: "seats", Description: "How many may sit in it", MinValue: ptr(room.MinSeats), MaxValue: ptr(room.MaxSeats)},
			discord.ApplicationCommandOptionBool{Name: "private", Description: "Only those you invite can see and enter it"},
		),
		slash("invite", "Invite to your room",
			discord.ApplicationCommandOptionUser{Name: "user", Description: "Let this user in at once and send them the link"},
			discord.ApplicationCommandOptionInt{Name: "hours", Description: "How long the link works", MinValue: ptr(1), MaxValue: ptr(30 * 24)},
			discord.ApplicationCommandOptionInt{Name: "uses", Description: "How many people may follow it", MinValue: ptr(1), MaxValue: ptr(1000)},
		),
		slash("rooms", "Show the rooms you may see"),
		slash("room", "Your room",
			discord.ApplicationCommandOptionSubCommand{Name: "info", Description: "Show the room: its page, who is in, when it closes"},
			discord.ApplicationCommandOptionSubCommand{Name: "keep", Description: "Keep an empty room from closing"},
			discord.ApplicationCommandOptionSubCommand{Name: "close", Description: "Close the room for everybody"},
		),
	}
}

func slash(name, description string, options ...discord.ApplicationCommandOption) discord.SlashCommandCreate {
	return discord.SlashCommandCreate{
		Name: name, Description: description, Options: options,
		Contexts: []discord.InteractionContextType{discord.InteractionContextTypeGuild},
	}
}

func ptr(v int) *int { return &v }
