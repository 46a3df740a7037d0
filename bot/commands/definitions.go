package commands

import (
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/omit"

	"snug/shared/schema"
	"snug/shared/text"
)

// definer makes command definitions with their names and descriptions in every language.
type definer struct{ c *text.Catalog }

// Definitions are Snug's commands as Discord is to show them. They work in servers only.
func Definitions(c *text.Catalog) []discord.ApplicationCommandCreate {
	d := definer{c}
	manage := discord.PermissionManageGuild
	return []discord.ApplicationCommandCreate{
		d.slash("cmd.create-room", nil,
			d.text("opt.name", "cmd.create-room.name.about", 1, schema.MaxName),
			d.number("opt.seats", "cmd.create-room.seats.about", schema.MinSeats, schema.MaxSeats, false),
			d.yesNo("opt.private", "cmd.create-room.private.about", false),
			d.choice("opt.preset", "cmd.create-room.preset.about", false),
		),
		d.slash("cmd.invite", nil,
			d.user("opt.user", "cmd.invite.user.about", false),
			d.number("opt.hours", "cmd.invite.hours.about", 1, int(schema.MaxInviteLifetime/time.Hour), false),
			d.number("opt.uses", "cmd.invite.uses.about", 1, schema.MaxInviteUses, false),
			d.text("opt.label", "cmd.invite.label.about", 0, schema.MaxInviteLabel),
			d.room(),
		),
		d.slash("cmd.room", nil, d.roomCommands()...),
		d.slash("cmd.rooms", nil),
		d.slash("cmd.find", nil, d.user("opt.user", "cmd.find.user.about", true)),
		d.slash("cmd.knock", nil,
			d.user("opt.user", "cmd.knock.user.about", false),
			d.choice("opt.room", "cmd.knock.room.about", false),
		),
		d.slash("cmd.wait", nil, d.room()),
		d.slash("cmd.preferences", nil,
			d.sub("cmd.preferences.show"),
			d.sub("cmd.preferences.forget"),
		),
		d.slash("cmd.preset", nil,
			d.sub("cmd.preset.save", d.required(d.text("opt.name", "cmd.preset.save.name.about", 1,
				schema.MaxPresetName)), d.room()),
			d.sub("cmd.preset.list"),
			d.sub("cmd.preset.remove", d.choice("opt.preset", "cmd.preset.remove.preset.about", true)),
		),
		d.slash("cmd.snug", &manage,
			d.sub("cmd.snug.setup"),
			d.sub("cmd.snug.settings",
				d.choice("opt.setting", "cmd.snug.settings.setting.about", false),
				d.choice("opt.value", "cmd.snug.settings.value.about", false),
			),
			d.lobbyCommands(),
			d.sub("cmd.snug.repair"),
		),
		d.menu("menu.invite"),
		d.menu("menu.find"),
	}
}

// menu is a command in the menu on a person.
func (d definer) menu(name string) discord.UserCommandCreate {
	return discord.UserCommandCreate{
		Name: d.english(name), NameLocalizations: d.others(name),
		Contexts: []discord.InteractionContextType{discord.InteractionContextTypeGuild},
	}
}

func (d definer) roomCommands() []discord.ApplicationCommandOption {
	list := []discord.ApplicationCommandOption{d.sub("cmd.room.info", d.room())}
	for _, a := range schema.Actions() {
		list = append(list, d.action(a))
	}
	return append(list, d.sub("cmd.room.keep", d.room()), d.sub("cmd.room.close", d.room()),
		d.sub("cmd.room.again", d.choice("opt.room", "cmd.room.again.room.about", false)))
}

// action is the command of an action. What it needs and isn't given, it asks for.
func (d definer) action(a schema.Action) discord.ApplicationCommandOption {
	words, option := "action."+a.Name, "opt."+a.Field
	var options []discord.ApplicationCommandOption
	switch about := words + ".input"; a.Input {
	case schema.NoInput:
	case schema.TextInput:
		options = append(options, d.text(option, about, a.Min, a.Max))
	case schema.TextsInput:
		for _, f := range a.Fields {
			options = append(options, d.text("opt."+f.Name, words+"."+f.Name, 0, f.Max))
		}
	case schema.NumberInput:
		options = append(options, d.number(option, about, a.Min, a.Max, false))
	case schema.MemberInput:
		options = append(options, d.user(option, about, false))
	case schema.BannedInput:
		options = append(options, d.choice(option, about, false))
	}
	c := d.sub(words, append(options, d.room())...)
	c.Name, c.NameLocalizations = d.english(words+".command"), d.others(words+".command")
	return c
}

func (d definer) lobbyCommands() discord.ApplicationCommandOption {
	voice := []discord.ChannelType{discord.ChannelTypeGuildVoice}
	own := []discord.ApplicationCommandOption{d.channel("opt.channel", "cmd.snug.lobby.add.channel.about", voice)}
	for _, row := range schema.LobbySettings() {
		own = append(own, d.setting(row))
	}
	return discord.ApplicationCommandOptionSubCommandGroup{
		Name: d.english("cmd.snug.lobby"), NameLocalizations: d.others("cmd.snug.lobby"),
		Description: d.english("cmd.snug.lobby.about"), DescriptionLocalizations: d.others("cmd.snug.lobby.about"),
		Options: []discord.ApplicationCommandOptionSubCommand{
			d.sub("cmd.snug.lobby.add", own...),
			d.sub("cmd.snug.lobby.remove", d.choice("opt.lobby", "cmd.snug.lobby.remove.lobby.about", true)),
			d.sub("cmd.snug.lobby.list"),
		},
	}
}

// setting is an option for a value of a setting.
func (d definer) setting(row schema.Setting) discord.ApplicationCommandOption {
	key := optionKey(row)
	switch row.Kind {
	case schema.Number:
		return d.number(key, row.Hint(), row.Min, row.Max, false)
	case schema.Switch:
		return d.yesNo(key, row.Hint(), false)
	case schema.Category, schema.Channel:
		return d.channel(key, row.Hint(), channelTypes(row.Kind))
	}
	return d.text(key, row.Hint(), 1, schema.MaxName)
}

// optionKey is the message that names the option for a setting. Discord allows no spaces in it.
func optionKey(row schema.Setting) string { return "opt." + row.Name }

// option is the name of a setting's option, as interactions have it.
func (c *Commands) option(row schema.Setting) string { return c.o.Texts.For("en").Say(optionKey(row)) }

func (d definer) english(id string) string { return d.c.For("en").Say(id) }

// others gives a message in Discord's other locales.
func (d definer) others(id string) map[discord.Locale]string {
	out := map[discord.Locale]string{}
	for _, t := range d.c.All() {
		if t.Language().Code == "en" {
			continue
		}
		for _, l := range t.Language().Locales {
			out[discord.Locale(l)] = t.Say(id)
		}
	}
	return out
}

func (d definer) slash(
	key string, needs *discord.Permissions, options ...discord.ApplicationCommandOption,
) discord.SlashCommandCreate {
	c := discord.SlashCommandCreate{
		Name: d.english(key), NameLocalizations: d.others(key),
		Description: d.english(key + ".about"), DescriptionLocalizations: d.others(key + ".about"), Options: options,
		Contexts: []discord.InteractionContextType{discord.InteractionContextTypeGuild},
	}
	if needs != nil {
		c.DefaultMemberPermissions = omit.New(needs)
	}
	return c
}

func (d definer) sub(
	key string, options ...discord.ApplicationCommandOption,
) discord.ApplicationCommandOptionSubCommand {
	return discord.ApplicationCommandOptionSubCommand{
		Name: d.english(key), NameLocalizations: d.others(key),
		Description: d.english(key + ".about"), DescriptionLocalizations: d.others(key + ".about"), Options: options,
	}
}

func (d definer) text(key, about string, low, high int) discord.ApplicationCommandOptionString {
	o := discord.ApplicationCommandOptionString{
		Name: d.english(key), NameLocalizations: d.others(key),
		Description: d.english(about), DescriptionLocalizations: d.others(about), MaxLength: &high,
	}
	if low > 0 {
		o.MinLength = &low
	}
	return o
}

func (d definer) required(o discord.ApplicationCommandOptionString) discord.ApplicationCommandOptionString {
	o.Required = true
	return o
}

// choice is a text with suggestions.
func (d definer) choice(key, about string, required bool) discord.ApplicationCommandOptionString {
	o := d.text(key, about, 0, schema.MaxName)
	o.Autocomplete, o.Required = true, required
	return o
}

// room is the option that most commands about a room have: which one, if not the usual.
func (d definer) room() discord.ApplicationCommandOptionString {
	return d.choice("opt.room", "opt.room.about", false)
}

func (d definer) number(
	key, about string, low, high int, required bool,
) discord.ApplicationCommandOptionInt { //nolint:unparam // the least is the caller's to say
	return discord.ApplicationCommandOptionInt{
		Name: d.english(key), NameLocalizations: d.others(key), Required: required,
		Description: d.english(about), DescriptionLocalizations: d.others(about), MinValue: &low, MaxValue: &high,
	}
}

func (d definer) yesNo(key, about string, required bool) discord.ApplicationCommandOptionBool {
	return discord.ApplicationCommandOptionBool{
		Name: d.english(key), NameLocalizations: d.others(key), Required: required,
		Description: d.english(about), DescriptionLocalizations: d.others(about),
	}
}

func (d definer) user(key, about string, required bool) discord.ApplicationCommandOptionUser {
	return discord.ApplicationCommandOptionUser{
		Name: d.english(key), NameLocalizations: d.others(key), Required: required,
		Description: d.english(about), DescriptionLocalizations: d.others(about),
	}
}

func (d definer) channel(key, about string, kinds []discord.ChannelType) discord.ApplicationCommandOptionChannel {
	return discord.ApplicationCommandOptionChannel{
		Name: d.english(key), NameLocalizations: d.others(key), ChannelTypes: kinds,
		Description: d.english(about), DescriptionLocalizations: d.others(about),
	}
}
