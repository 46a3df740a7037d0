package commands

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// settings shows all settings with a menu to change them, or changes the one that was named.
func (c *Commands) settings(ctx context.Context, q *call) (reply, error) {
	name, ok := q.data.OptString("setting")
	if ok {
		s, known := c.settingMeant(q, name)
		if !known {
			return reply{}, errs.E(errs.NotFound,
				"There's no setting called “%s”. Choose one from the list that opens while you type, or use /snug settings without a name to see them all.",
				message.Strip(name))
		}
		return c.saveOne(ctx, q, s, q.data.String("value"))
	}
	return c.overview(ctx, q, "")
}

// overview shows every setting as it is. It is also the answer after a change, with what was done on top.
func (c *Commands) overview(ctx context.Context, q *call, done string) (reply, error) {
	v, err := c.o.Rooms.Settings(ctx, q.guild, guild.ManageRequest{Actor: q.actor})
	if err != nil {
		return reply{}, err
	}
	values := fieldsOf(v.Settings)
	list := []string{done}
	menu := discord.NewStringSelectMenu(q.about(message.ActionGroup, 0, "r"+strconv.FormatUint(v.Rev, 10)).String(),
		q.t.Say("settings.choose"))
	for _, g := range groups() {
		var words []string
		list = append(list, g.emoji+" **"+q.t.Say("group."+g.name)+"**")
		for _, s := range g.list {
			list = append(list, "- "+q.t.Say("setting."+s.name)+": "+c.shown(q, s, values[s.name]))
			words = append(words, q.t.Say("setting."+s.name))
		}
		menu.Options = append(menu.Options, groupOption(q, g.name, g.emoji, strings.Join(words, ", ")))
	}
	list = append(list, "🛎️ **"+q.t.Say("group.lobbies")+"**", "- "+c.lobbyNames(q, v.Settings.Lobbies))
	menu.Options = append(menu.Options, groupOption(q, groupLobbies, "🛎️", q.t.Say("cmd.snug.lobby.about")))
	return reply{
		text: message.Lines(list...),
		rows: []discord.LayoutComponent{
			message.Row(menu), message.Row(message.Link(q.t.Say("button.admin"), c.o.Pages.Admin(q.guild))),
		},
	}, nil
}

func groupOption(q *call, name, emoji, about string) discord.StringSelectMenuOption {
	e := discord.NewComponentEmoji(emoji)
	return discord.StringSelectMenuOption{
		Label: message.Cut(q.t.Say("group."+name), message.MaxOption), Value: name,
		Description: message.Cut(about, message.MaxOption), Emoji: &e,
	}
}

// shown says a setting's value.
func (c *Commands) shown(q *call, s setting, v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return q.t.Say("yes")
		}
		return q.t.Say("no")
	case int:
		if v == 0 && s.name == "invite_uses" {
			return q.t.Say("value.seats")
		}
		return strconv.Itoa(v)
	case guild.Duration:
		return c.shownTime(q, s, v)
	case snowflake.ID:
		if v == 0 {
			return q.t.Say("value.none")
		}
		return message.ChannelMention(v)
	case []snowflake.ID:
		var list []string
		for _, id := range v {
			list = append(list, "<@&"+id.String()+">")
		}
		if len(list) == 0 {
			return q.t.Say("value." + s.name)
		}
		return q.t.List(list)
	case []string:
		if len(v) == 0 {
			return q.t.Say("value.none")
		}
		return q.t.Say("value.words", "Count", len(v))
	case string:
		switch {
		case s.kind == kindLanguage && v == "":
			return q.t.Say("value.language")
		case s.kind == kindLanguage:
			return c.languageName(v)
		}
		return "`" + strings.ReplaceAll(message.Strip(v), "`", "'") + "`"
	}
	return ""
}

func (c *Commands) shownTime(q *call, s setting, v guild.Duration) string {
	switch {
	case v == guild.Never:
		return q.t.Say("value.never")
	case v == 0 && s.name == "idle_timeout":
		return q.t.Say("value.at-once")
	case v == 0:
		return q.t.Say("no")
	}
	return q.t.Duration(time.Duration(v))
}

func (c *Commands) languageName(code string) string {
	for _, l := range c.o.Texts.Languages() {
		if l.Code == code {
			return l.Name
		}
	}
	return code
}

// askGroup opens the form of the group that was chosen.
func (c *Commands) askGroup(q *call) (discord.ModalCreate, bool, error) {
	if err := q.who.CheckManager(); err != nil {
		return discord.ModalCreate{}, false, err
	}
	if len(q.values) == 1 && q.values[0] == groupLobbies {
		return discord.ModalCreate{}, false, nil
	}
	for _, g := range groups() {
		if len(q.values) == 1 && g.name == q.values[0] {
			return c.form(q, q.t.Say("group."+g.name), g.list), true, nil
		}
	}
	return discord.ModalCreate{}, false, errs.E(errs.Invalid,
		"You didn't choose anything. Open the menu again and choose a group of settings.")
}

// askSetting opens the form of one setting, if one is named without a value.
func (c *Commands) askSetting(q *call) (discord.ModalCreate, bool, error) {
	name, named := q.data.OptString("setting")
	if _, given := q.data.OptString("value"); !named || given {
		return discord.ModalCreate{}, false, nil
	}
	if err := q.who.CheckManager(); err != nil {
		return discord.ModalCreate{}, false, err
	}
	s, ok := c.settingMeant(q, name)
	if !ok {
		return discord.ModalCreate{}, false, nil
	}
	return c.form(q, q.t.Say("setting."+s.name), []setting{s}), true, nil
}

// settingMeant finds a setting by its name, or as people call it.
func (c *Commands) settingMeant(q *call, name string) (setting, bool) {
	name = strings.TrimSpace(name)
	for _, g := range groups() {
		for _, s := range g.list {
			if strings.EqualFold(s.name, name) || strings.EqualFold(q.t.Say("setting."+s.name), name) {
				return s, true
			}
		}
	}
	return setting{}, false
}

// form makes the modal for some settings, filled in with what they are.
func (c *Commands) form(q *call, title string, list []setting) discord.ModalCreate {
	m := c.memory(q)
	values := fieldsOf(m.Settings)
	out := discord.NewModalCreate(q.about(message.ActionSave, 0, "r"+strconv.FormatUint(m.Rev, 10)).String(),
		message.Cut(title, maxTitle))
	for _, s := range list {
		l := discord.NewLabel(message.Cut(q.t.Say("setting."+s.name), maxTitle), c.field(q, s, values[s.name]))
		l.Description = message.Cut(q.t.Say("setting."+s.name+".about"), message.MaxOption)
		out.Components = append(out.Components, l)
	}
	return out
}

// save takes a form of settings.
func (c *Commands) save(ctx context.Context, q *call) (reply, error) {
	rev, _ := strconv.ParseUint(strings.TrimPrefix(q.custom.Arg, "r"), 10, 64)
	values := map[string]any{}
	for comp := range q.form.AllComponents() {
		in, ok := comp.(discord.InteractiveComponent)
		if !ok {
			continue
		}
		s, known := settingNamed(in.GetCustomID())
		if !known {
			continue
		}
		v, err := s.read(typedIn(in))
		if err != nil {
			return c.again(ctx, q, err)
		}
		values[s.name] = v
	}
	return c.saveValues(ctx, q, rev, values)
}

// saveOne sets one setting to what was typed in a command.
func (c *Commands) saveOne(ctx context.Context, q *call, s setting, text string) (reply, error) {
	typed := []string{strings.Trim(text, "<#@&!>")}
	switch s.kind {
	case kindYesNo:
		switch v := strings.ToLower(strings.TrimSpace(text)); {
		case v == "true" || v == "on" || v == "1" || strings.EqualFold(v, q.t.Say("yes")) || v == "yes":
			typed = []string{"true"}
		case v == "false" || v == "off" || v == "0" || strings.EqualFold(v, q.t.Say("no")) || v == "no":
			typed = []string{"false"}
		default:
			return reply{}, errs.Field(s.name, "“%s” isn't yes or no. Type one of the two.", message.Strip(text))
		}
	case kindRoles:
		typed = strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("<@&>, ", r) })
	case kindCategory, kindTextChannel:
		if slices.Contains([]string{"none", "-", "0", q.t.Say("value.none")},
			strings.ToLower(strings.TrimSpace(text))) {
			typed = nil
		}
	}
	v, err := s.read(typed)
	if err != nil {
		return reply{}, err
	}
	return c.saveValues(ctx, q, 0, map[string]any{s.name: v})
}

func (c *Commands) saveValues(ctx context.Context, q *call, rev uint64, values map[string]any) (reply, error) {
	b, err := json.Marshal(values)
	if err != nil {
		return reply{}, err
	}
	if _, err := c.o.Rooms.SaveSettings(ctx, q.guild,
		room.SettingsRequest{Actor: q.actor, JSON: b, Rev: rev}); err != nil {
		return c.again(ctx, q, err)
	}
	return c.overview(ctx, q, q.t.Say("settings.saved"))
}

// again tells what was wrong, above the settings as they are: the menu to try again stays.
func (c *Commands) again(ctx context.Context, q *call, err error) (reply, error) {
	a, failed := c.overview(ctx, q, "⚠️ "+message.Refusal(q.t, err))
	if failed != nil {
		return reply{}, err
	}
	return a, nil
}
