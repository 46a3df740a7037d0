package commands

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
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
		{"rooms", "🚪", []setting{{"category_id", kindCategory}, {"seats", kindNumber}, {"private", kindYesNo}, {"name_template", kindText}}},
		{"closing", "⏰", []setting{{"idle_timeout", kindTime}, {"closing_notice", kindTime}, {"max_age", kindTime}}},
		{"invites", "🎟️", []setting{{"invite_lifetime", kindTime}, {"invite_uses", kindNumber}, {"guilds_join", kindYesNo}}},
		{"limits", "🧮", []setting{{"creator_roles", kindRoles}, {"rooms_per_member", kindNumber}, {"rooms_per_guild", kindNumber}}},
		{"seating", "🪑", []setting{{"strict_seats", kindYesNo}, {"admins_exempt", kindYesNo}, {"seat_grace", kindTime}}},
		{"privacy", "🔒", []setting{{"managers_see_private", kindYesNo}, {"helper_roles", kindRoles}, {"blocked_words", kindWords}}},
		{"server", "🏠", []setting{{"language", kindLanguage}, {"log_channel_id", kindTextChannel}, {"audit_retention", kindTime}}},
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

// settings shows all settings with a menu to change them, or changes the one that was named.
func (c *Commands) settings(ctx context.Context, q *call) (reply, error) {
	name, ok := q.data.OptString("setting")
	if ok {
		s, known := c.settingMeant(q, name)
		if !known {
			return reply{}, errs.E(errs.NotFound, "There is no setting “%s”. Choose one from the list that opens while you type, or use /snug settings alone to see them all.", strip(name))
		}
		return c.saveOne(ctx, q, s, q.data.String("value"))
	}
	return c.overview(ctx, q, "")
}

// overview shows every setting as it is. It is also the answer after a change, with what was done on top.
func (c *Commands) overview(ctx context.Context, q *call, done string) (reply, error) {
	v, err := c.o.Keeper.Settings(ctx, q.guild, guild.ManageRequest{Actor: q.actor})
	if err != nil {
		return reply{}, err
	}
	values := fieldsOf(v.Settings)
	list := []string{done}
	menu := discord.NewStringSelectMenu(q.about(actGroup, 0, "r"+strconv.FormatUint(v.Rev, 10)).String(), q.t.Say("settings.choose"))
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
	return reply{text: lines(list...), rows: []discord.LayoutComponent{row(menu), row(link(q.t.Say("button.admin"), c.o.Pages.Admin(q.guild)))}}, nil
}

func groupOption(q *call, name, emoji, about string) discord.StringSelectMenuOption {
	e := discord.NewComponentEmoji(emoji)
	return discord.StringSelectMenuOption{Label: cut(q.t.Say("group."+name), maxOption), Value: name, Description: cut(about, maxOption), Emoji: &e}
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
		return channelMention(v)
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
		return "`" + strings.ReplaceAll(strip(v), "`", "'") + "`"
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
	if !q.who.Manager {
		return discord.ModalCreate{}, false, notManager()
	}
	if len(q.values) == 1 && q.values[0] == groupLobbies {
		return discord.ModalCreate{}, false, nil
	}
	for _, g := range groups() {
		if len(q.values) == 1 && g.name == q.values[0] {
			return c.form(q, q.t.Say("group."+g.name), g.list), true, nil
		}
	}
	return discord.ModalCreate{}, false, errs.E(errs.Invalid, "Nothing was chosen. Open the menu again and choose a group of settings.")
}

// askSetting opens the form of one setting, if one is named without a value.
func (c *Commands) askSetting(q *call) (discord.ModalCreate, bool, error) {
	name, named := q.data.OptString("setting")
	if _, given := q.data.OptString("value"); !named || given {
		return discord.ModalCreate{}, false, nil
	}
	if !q.who.Manager {
		return discord.ModalCreate{}, false, notManager()
	}
	s, ok := c.settingMeant(q, name)
	if !ok {
		return discord.ModalCreate{}, false, nil
	}
	return c.form(q, q.t.Say("setting."+s.name), []setting{s}), true, nil
}

func notManager() error {
	return errs.E(errs.Forbidden, "Only members with the Manage Server permission can change Snug's settings. Ask one of them.")
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
	out := discord.NewModalCreate(q.about(actSave, 0, "r"+strconv.FormatUint(m.Rev, 10)).String(), cut(title, maxTitle))
	for _, s := range list {
		l := discord.NewLabel(cut(q.t.Say("setting."+s.name), maxTitle), c.field(q, s, values[s.name]))
		l.Description = cut(q.t.Say("setting."+s.name+".about"), maxOption)
		out.Components = append(out.Components, l)
	}
	return out
}

// field is the input of one setting.
func (c *Commands) field(q *call, s setting, v any) discord.LabelSubComponent {
	zero := 0
	switch s.kind {
	case kindYesNo:
		on := v == true
		return discord.StringSelectMenuComponent{CustomID: s.name, Required: true, Options: []discord.StringSelectMenuOption{
			{Label: q.t.Say("yes"), Value: "true", Default: on}, {Label: q.t.Say("no"), Value: "false", Default: !on},
		}}
	case kindLanguage:
		menu := discord.StringSelectMenuComponent{CustomID: s.name, Required: true, Options: []discord.StringSelectMenuOption{
			{Label: cut(q.t.Say("value.language"), maxOption), Value: "server", Default: v == ""},
		}}
		for _, l := range c.o.Texts.Languages() {
			menu.Options = append(menu.Options, discord.StringSelectMenuOption{Label: l.Name, Value: l.Code, Default: v == l.Code})
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
		menu := discord.ChannelSelectMenuComponent{CustomID: s.name, MinValues: &zero, MaxValues: 1, ChannelTypes: types}
		if id, ok := v.(snowflake.ID); ok && id != 0 {
			menu.DefaultValues = []discord.SelectMenuDefaultValue{discord.NewSelectMenuDefaultChannel(id)}
		}
		return menu
	case kindWords:
		in := discord.NewParagraphTextInput(s.name).WithMaxLength(4000)
		if list, ok := v.([]string); ok {
			in.Value = cut(strings.Join(list, ", "), 4000)
		}
		return in
	}
	in := discord.NewShortTextInput(s.name).WithRequired(true).WithMinLength(1).WithMaxLength(room.MaxName)
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
			return nil, errs.Field(s.name, "“%s” is not a whole number. Please type one, like 4.", strip(text))
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
		return strings.FieldsFunc(strings.Join(strings.Fields(text), " "), func(r rune) bool { return r == ',' || r == ';' }), nil
	case kindCategory, kindTextChannel:
		if text == "" {
			return snowflake.ID(0), nil
		}
		id, ok := parseID(text)
		if !ok {
			return nil, errs.Field(s.name, "“%s” is no channel. Choose one from the list.", strip(text))
		}
		return id, nil
	case kindRoles:
		list := []snowflake.ID{}
		for _, v := range typed {
			id, ok := parseID(strings.TrimSpace(v))
			if !ok {
				return nil, errs.Field(s.name, "“%s” is no role. Choose one from the list.", strip(v))
			}
			list = append(list, id)
		}
		return list, nil
	}
	return text, nil
}

// save takes a form of settings.
func (c *Commands) save(ctx context.Context, q *call) (reply, error) {
	rev, _ := strconv.ParseUint(strings.TrimPrefix(q.custom.arg, "r"), 10, 64)
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
			return reply{}, errs.Field(s.name, "“%s” is neither yes nor no. Type one of the two.", strip(text))
		}
	case kindRoles:
		typed = strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("<@&>, ", r) })
	case kindCategory, kindTextChannel:
		if slices.Contains([]string{"none", "-", "0", q.t.Say("value.none")}, strings.ToLower(strings.TrimSpace(text))) {
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
	if _, err := c.o.Keeper.SaveSettings(ctx, q.guild, room.SettingsRequest{Actor: q.actor, JSON: b, Rev: rev}); err != nil {
		return c.again(ctx, q, err)
	}
	return c.overview(ctx, q, q.t.Say("settings.saved"))
}

// again tells what was wrong, above the settings as they are: the menu to try again stays.
func (c *Commands) again(ctx context.Context, q *call, err error) (reply, error) {
	a, failed := c.overview(ctx, q, "⚠️ "+refusal(q.t, err))
	if failed != nil {
		return reply{}, err
	}
	return a, nil
}
