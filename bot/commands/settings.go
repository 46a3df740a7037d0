package commands

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/setting"
)

// settings shows all settings with a menu to change them, or changes the one that was named.
func (c *Commands) settings(ctx context.Context, q *call) (reply, error) {
	name, ok := q.data.OptString("setting")
	if ok {
		s, known := settingMeant(q, name)
		if !known {
			return reply{}, errs.E(errs.NotFound,
				"There's no setting called “%s”. Choose one from the list that opens while you type, or use /snug "+
					"settings without a name to see them all.",
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
	list := []string{done}
	menu := discord.NewStringSelectMenu(q.about(message.ActionGroup, 0, "r"+strconv.FormatUint(v.Rev, 10)).String(),
		q.t.Say("settings.choose"))
	for _, g := range schema.Groups() {
		var words []string
		list = append(list, g.Emoji+" **"+q.t.Say(g.Label())+"**")
		for _, row := range g.Settings {
			words = append(words, q.t.Say(row.Label()))
			list = append(list, "- "+q.t.Say(row.Label())+": "+shown(q.t, row, v.Settings.Value(row.Name)))
		}
		menu.Options = append(menu.Options, groupOption(g.Name, g.Emoji, q.t.Say(g.Label()), strings.Join(words, ", ")))
	}
	lobbies := q.t.Say("setting.lobbies")
	list = append(list, "🛎️ **"+lobbies+"**", "- "+lobbyNames(q.t, v.Settings.Lobbies))
	if len(v.Settings.Presets) > 0 {
		list = append(list, "⚡ **"+q.t.Say("setting.presets")+"**", "- "+presetNames(q.t, v.Settings.Presets))
	}
	menu.Options = append(menu.Options, groupOption(groupLobbies, "🛎️", lobbies, q.t.Say("setting.lobbies.hint")))
	return reply{
		text: message.Lines(list...),
		rows: []discord.LayoutComponent{
			message.Row(menu), message.Row(message.Link(q.t.Say("button.admin"), c.o.Pages.Admin(q.guild))),
		},
	}, nil
}

// groupLobbies is the menu's entry for lobbies, which have commands of their own.
const groupLobbies = "lobbies"

func groupOption(name, emoji, label, about string) discord.StringSelectMenuOption {
	e := discord.NewComponentEmoji(emoji)
	return discord.StringSelectMenuOption{
		Label: message.Cut(label, message.MaxOption), Value: name,
		Description: message.Cut(about, message.MaxOption), Emoji: &e,
	}
}

// askGroup opens the form of the group that was chosen.
func (c *Commands) askGroup(q *call) (discord.ModalCreate, bool, error) {
	if err := q.who.CheckManager(); err != nil {
		return discord.ModalCreate{}, false, err
	}
	if len(q.values) == 1 && q.values[0] == groupLobbies {
		return discord.ModalCreate{}, false, nil
	}
	for _, g := range schema.Groups() {
		if len(q.values) == 1 && g.Name == q.values[0] {
			return c.form(q, q.t.Say(g.Label()), g.Settings), true, nil
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
	s, ok := settingMeant(q, name)
	if !ok {
		return discord.ModalCreate{}, false, nil
	}
	return c.form(q, q.t.Say(s.Label()), []schema.Setting{s}), true, nil
}

// settingMeant finds a setting by its name, or as people call it.
func settingMeant(q *call, name string) (schema.Setting, bool) {
	name = strings.TrimSpace(name)
	for _, g := range schema.Groups() {
		for _, row := range g.Settings {
			if strings.EqualFold(row.Name, name) || strings.EqualFold(q.t.Say(row.Label()), name) {
				return row, true
			}
		}
	}
	return schema.Setting{}, false
}

// form makes the modal for some settings, filled in with what they are.
func (c *Commands) form(q *call, title string, list []schema.Setting) discord.ModalCreate {
	m := c.memory(q)
	out := discord.NewModalCreate(q.about(message.ActionSave, 0, "r"+strconv.FormatUint(m.Rev, 10)).String(),
		message.Cut(title, maxTitle))
	for _, row := range list {
		l := discord.NewLabel(message.Cut(q.t.Say(row.Label()), maxTitle), c.field(q, row, m.Settings.Value(row.Name)))
		l.Description = message.Cut(setting.Hint(q.t, row), message.MaxOption)
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
		row, known := schema.SettingNamed(in.GetCustomID())
		if !known {
			continue
		}
		v, err := read(q.t, row, typedIn(in))
		if err != nil {
			return c.again(ctx, q, err)
		}
		values[row.Name] = v
	}
	return c.saveValues(ctx, q, rev, values)
}

// saveOne sets one setting to what was typed in a command.
func (c *Commands) saveOne(ctx context.Context, q *call, row schema.Setting, typed string) (reply, error) {
	v, err := read(q.t, row, []string{typed})
	if err != nil {
		return reply{}, err
	}
	return c.saveValues(ctx, q, 0, map[string]any{row.Name: v})
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
