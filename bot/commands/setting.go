package commands

import (
	"errors"
	"reflect"
	"strconv"
	"strings"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/schema"
)

// kind says how a setting is shown and typed.
type kind int

const (
	kindNumber kind = iota
	kindTime
	kindText
	kindYesNo
	kindLanguage
	kindRoles
	kindCategory
	kindTextChannel
	kindWords
)

// setting is one of guild.Settings, by its JSON name. Its words are the
// messages setting.NAME and setting.NAME.about.
type setting struct {
	name string
	kind kind
}

// group is settings that are edited together: a modal has up to five fields.
type group struct {
	name  string // its words are the message group.NAME
	emoji string
	list  []setting
}

// groups are all settings. Lobbies are a list of their own, with own commands.
func groups() []group {
	return []group{
		{
			"rooms", "🚪",
			[]setting{
				{"category_id", kindCategory}, {"seats", kindNumber}, {"private", kindYesNo},
				{"name_template", kindText},
			},
		},
		{"closing", "⏰", []setting{{"idle_timeout", kindTime}, {"closing_notice", kindTime}, {"max_age", kindTime}}},
		{
			"invites", "🎟️",
			[]setting{
				{"invite_lifetime", kindTime}, {"invite_uses", kindNumber}, {"bring_in", kindYesNo},
				{"guilds_join", kindYesNo},
			},
		},
		{
			"limits", "🧮",
			[]setting{{"creator_roles", kindRoles}, {"rooms_per_member", kindNumber}, {"rooms_per_guild", kindNumber}},
		},
		{
			"seating", "🪑",
			[]setting{{"strict_seats", kindYesNo}, {"admins_exempt", kindYesNo}, {"seat_grace", kindTime}},
		},
		{
			"privacy", "🔒",
			[]setting{
				{"managers_see_private", kindYesNo}, {"guests_past_gate", kindYesNo}, {"helper_roles", kindRoles},
				{"blocked_words", kindWords},
			},
		},
		{
			"server", "🏠",
			[]setting{{"language", kindLanguage}, {"log_channel_id", kindTextChannel}, {"audit_retention", kindTime}},
		},
	}
}

// groupLobbies is the menu's entry for lobbies.
const groupLobbies = "lobbies"

func settingNamed(name string) (setting, bool) {
	for _, g := range groups() {
		for _, s := range g.list {
			if s.name == name {
				return s, true
			}
		}
	}
	return setting{}, false
}

// fieldsOf gives settings by their JSON names.
func fieldsOf(s guild.Settings) map[string]any {
	out := map[string]any{}
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		out[name] = v.Field(i).Interface()
	}
	return out
}

// field is the input of one setting.
func (c *Commands) field(q *call, s setting, v any) discord.LabelSubComponent {
	zero := 0
	switch s.kind {
	case kindYesNo:
		on := v == true
		return discord.StringSelectMenuComponent{CustomID: s.name, Required: true,
			Options: []discord.StringSelectMenuOption{
				{Label: q.t.Say("yes"), Value: "true", Default: on},
				{Label: q.t.Say("no"), Value: "false", Default: !on},
			}}
	case kindLanguage:
		menu := discord.StringSelectMenuComponent{CustomID: s.name, Required: true,
			Options: []discord.StringSelectMenuOption{
				{Label: message.Cut(q.t.Say("value.language"), message.MaxOption), Value: "server", Default: v == ""},
			}}
		for _, l := range c.o.Texts.Languages() {
			menu.Options = append(menu.Options,
				discord.StringSelectMenuOption{Label: l.Name, Value: l.Code, Default: v == l.Code})
		}
		return menu
	case kindRoles:
		menu := discord.RoleSelectMenuComponent{CustomID: s.name, MinValues: &zero, MaxValues: guild.MaxRoles}
		if list, ok := v.([]snowflake.ID); ok {
			for _, id := range list {
				menu.DefaultValues = append(menu.DefaultValues, discord.NewSelectMenuDefaultRole(id))
			}
		}
		return menu
	case kindCategory, kindTextChannel:
		types := []discord.ChannelType{discord.ChannelTypeGuildCategory}
		if s.kind == kindTextChannel {
			types = []discord.ChannelType{discord.ChannelTypeGuildText, discord.ChannelTypeGuildNews}
		}
		menu := discord.ChannelSelectMenuComponent{
			CustomID: s.name, MinValues: &zero, MaxValues: 1, ChannelTypes: types,
		}
		if id, ok := v.(snowflake.ID); ok && id != 0 {
			menu.DefaultValues = []discord.SelectMenuDefaultValue{discord.NewSelectMenuDefaultChannel(id)}
		}
		return menu
	case kindWords:
		in := discord.NewParagraphTextInput(s.name).WithMaxLength(4000)
		if list, ok := v.([]string); ok {
			in.Value = message.Cut(strings.Join(list, ", "), 4000)
		}
		return in
	}
	in := discord.NewShortTextInput(s.name).WithRequired(true).WithMinLength(1).WithMaxLength(schema.MaxName)
	switch v := v.(type) {
	case int:
		in.Value = strconv.Itoa(v)
	case guild.Duration:
		in.Value = v.String()
	case string:
		in.Value = v
	}
	return in
}

// read gives a setting's value from what was typed, as JSON takes it. roles and channels come as ids.
func (s setting) read(typed []string) (any, error) {
	text := ""
	if len(typed) > 0 {
		text = strings.TrimSpace(typed[0])
	}
	switch s.kind {
	case kindNumber:
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, errs.Field(s.name, "“%s” isn't a whole number. Type one, like 4.", message.Strip(text))
		}
		return n, nil
	case kindTime:
		d, err := guild.ParseDuration(text)
		var e *errs.Error
		if errors.As(err, &e) {
			e.Field = s.name
		}
		return d, err
	case kindYesNo:
		return text == "true", nil
	case kindLanguage:
		if text == "server" {
			text = ""
		}
		return text, nil
	case kindWords:
		return strings.FieldsFunc(strings.Join(strings.Fields(text), " "),
			func(r rune) bool { return r == ',' || r == ';' }), nil
	case kindCategory, kindTextChannel:
		if text == "" {
			return snowflake.ID(0), nil
		}
		id, ok := message.ParseID(text)
		if !ok {
			return nil, errs.Field(s.name, "“%s” isn't a channel. Choose one from the list.", message.Strip(text))
		}
		return id, nil
	case kindRoles:
		list := []snowflake.ID{}
		for _, v := range typed {
			id, ok := message.ParseID(strings.TrimSpace(v))
			if !ok {
				return nil, errs.Field(s.name, "“%s” isn't a role. Choose one from the list.", message.Strip(v))
			}
			list = append(list, id)
		}
		return list, nil
	}
	return text, nil
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
