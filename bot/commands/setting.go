package commands

import (
	"strings"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/guild"
	"snug/shared/schema"
	"snug/shared/setting"
	"snug/shared/text"
)

// maxParagraph is Discord's limit on what is typed into a modal.
const maxParagraph = 4000

// noneValue stands for nothing chosen in menus and suggestions: Discord takes no empty values.
const noneValue = "none"

// field is the input of one setting in a modal.
func (c *Commands) field(q *call, row schema.Setting, v any) discord.LabelSubComponent {
	least, typed := 0, setting.Typed(v)
	switch row.Kind {
	case schema.Switch, schema.Language:
		menu := discord.StringSelectMenuComponent{CustomID: row.Name, Required: true}
		for _, s := range choices(q.t, row) {
			menu.Options = append(menu.Options, discord.StringSelectMenuOption{
				Label: message.Cut(s.name, message.MaxOption), Value: s.value,
				Default: s.value == typed[0] || s.value == noneValue && typed[0] == "",
			})
		}
		return menu
	case schema.Roles:
		menu := discord.RoleSelectMenuComponent{
			CustomID: row.Name, MinValues: &least, MaxValues: row.Max, Placeholder: q.t.Say(row.ZeroMeans()),
		}
		if list, ok := v.([]snowflake.ID); ok {
			for _, id := range list {
				menu.DefaultValues = append(menu.DefaultValues, discord.NewSelectMenuDefaultRole(id))
			}
		}
		return menu
	case schema.Category, schema.Channel:
		menu := discord.ChannelSelectMenuComponent{
			CustomID: row.Name, MinValues: &least, MaxValues: 1, ChannelTypes: channelTypes(row.Kind),
			Placeholder: q.t.Say(row.ZeroMeans()),
		}
		if id, ok := v.(snowflake.ID); ok && id != 0 {
			menu.DefaultValues = []discord.SelectMenuDefaultValue{discord.NewSelectMenuDefaultChannel(id)}
		}
		return menu
	case schema.Words:
		in := discord.NewParagraphTextInput(row.Name).WithMaxLength(maxParagraph)
		in.Value = message.Cut(typed[0], maxParagraph)
		return in
	}
	in := discord.NewShortTextInput(row.Name).WithRequired(true).WithMinLength(1).WithMaxLength(schema.MaxName)
	in.Value = typed[0]
	return in
}

func channelTypes(k schema.Kind) []discord.ChannelType {
	if k == schema.Category {
		return []discord.ChannelType{discord.ChannelTypeGuildCategory}
	}
	return []discord.ChannelType{discord.ChannelTypeGuildText, discord.ChannelTypeGuildNews}
}

// choices are all values of a setting that has few.
func choices(t text.Texts, row schema.Setting) (list []suggestion) {
	switch row.Kind {
	case schema.Switch:
		for _, v := range []bool{true, false} {
			list = append(list, suggestion{setting.Say(t, row, v, nil), setting.Typed(v)[0]})
		}
	case schema.Language:
		list = append(list, suggestion{t.Say(row.ZeroMeans()), noneValue})
		for _, code := range schema.LanguageCodes() {
			list = append(list, suggestion{text.LanguageName(code), code})
		}
	}
	return list
}

// read returns the value that somebody typed or chose. A value may also be typed as it is shown, in their language.
func read(t text.Texts, row schema.Setting, typed []string) (any, error) {
	one := strings.TrimSpace(strings.Join(typed, " "))
	said := func(id string) bool { return id != "" && strings.EqualFold(one, t.Say(id)) }
	switch {
	case row.Kind == schema.Template || row.Kind == schema.Words:
	case row.Kind == schema.Switch && said("value.yes"):
		one = "yes"
	case row.Kind == schema.Switch && said("value.no"):
		one = "no"
	case row.Never && said("value.never"):
		one = guild.Never.String()
	case (row.Kind == schema.Number || row.Kind == schema.Duration) && said(row.ZeroMeans()):
		one = "0"
	case row.Zero != "" && (said(row.ZeroMeans()) || strings.EqualFold(one, noneValue)):
		one = ""
	}
	return setting.Read(row, one)
}

// shown says a setting's value.
func shown(t text.Texts, row schema.Setting, v any) string {
	switch v := v.(type) {
	case []string:
		if len(v) > 0 { // all of them would fill the message
			return t.Say("value.words", "Count", len(v))
		}
	case string:
		if row.Kind == schema.Template {
			return "`" + strings.ReplaceAll(message.Strip(v), "`", "'") + "`"
		}
	}
	return setting.Say(t, row, v, mention)
}

// mention shows a role or a channel as Discord does.
func mention(k schema.Kind, id snowflake.ID) string {
	if k == schema.Roles {
		return "<@&" + id.String() + ">"
	}
	return message.ChannelMention(id)
}

// typedIn gives what somebody typed or chose in a field.
func typedIn(in discord.InteractiveComponent) (out []string) {
	switch in := in.(type) {
	case discord.TextInputComponent:
		return []string{in.Value}
	case discord.StringSelectMenuComponent:
		return in.Values
	case discord.RoleSelectMenuComponent:
		return texts(in.Values)
	case discord.ChannelSelectMenuComponent:
		return texts(in.Values)
	}
	return nil
}

func texts(list []snowflake.ID) (out []string) {
	for _, id := range list {
		out = append(out, id.String())
	}
	return out
}
