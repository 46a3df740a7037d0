package discordsim

import (
	"cmp"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Types of commands and of their options ("Application Commands").
const (
	commandChat    = 1
	commandUser    = 2
	commandMessage = 3
	commandEntry   = 4

	handledByDiscord = 2 // an Entry Point command that launches the Activity on its own

	optSubcommand  = 1
	optGroup       = 2
	optString      = 3
	optInteger     = 4
	optBoolean     = 5
	optUser        = 6
	optChannel     = 7
	optRole        = 8
	optMentionable = 9
	optNumber      = 10
	optAttachment  = 11

	menuCommands = 15 // of user and of message commands each
)

// command is an application command. It is immutable: an update makes a new one.
type command struct {
	ID           ID                `json:"id"`
	App          ID                `json:"application_id"`
	Guild        *ID               `json:"guild_id,omitempty"`
	Version      ID                `json:"version"`
	Permissions  *Permissions      `json:"default_member_permissions"`
	Type         int               `json:"type"`
	Name         string            `json:"name"`
	NameLocal    map[string]string `json:"name_localizations"`
	Description  string            `json:"description"`
	DescLocal    map[string]string `json:"description_localizations"`
	DM           bool              `json:"dm_permission"`
	Contexts     []int             `json:"contexts,omitempty"`
	Integrations []int             `json:"integration_types"`
	Options      []*commandOption  `json:"options,omitempty"`
	NSFW         bool              `json:"nsfw"`
	Handler      *int              `json:"handler,omitempty"` // of an Entry Point command
}

// commandOption is an option of a command, or a sub-command.
type commandOption struct {
	Type         int               `json:"type"`
	Name         string            `json:"name"`
	NameLocal    map[string]string `json:"name_localizations,omitempty"`
	Description  string            `json:"description"`
	DescLocal    map[string]string `json:"description_localizations,omitempty"`
	Required     bool              `json:"required,omitempty"`
	Autocomplete bool              `json:"autocomplete,omitempty"`
	Choices      []optionChoice    `json:"choices,omitempty"`
	Options      []*commandOption  `json:"options,omitempty"`
	ChannelTypes []int             `json:"channel_types,omitempty"`
	Min          *json.Number      `json:"min_value,omitempty"`
	Max          *json.Number      `json:"max_value,omitempty"`
	MinLength    *int              `json:"min_length,omitempty"`
	MaxLength    *int              `json:"max_length,omitempty"`
}

// optionChoice is one of the values that an option accepts.
type optionChoice struct {
	Name      string            `json:"name"`
	NameLocal map[string]string `json:"name_localizations,omitempty"`
	Value     json.RawMessage   `json:"value"`
}

var commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

// locales are the languages of Discord.
var locales = []string{"id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl",
	"no", "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja",
	"zh-TW", "ko", "ar", "he"}

// readCommand checks a command. old is the one it replaces; a PATCH keeps fields that aren't given.
func readCommand(f *form, old *command) *command {
	cmd := &command{Type: commandChat, DM: true, Integrations: []int{0}}
	if old != nil {
		c := *old
		cmd = &c
	}
	if f.given("type") && old == nil {
		cmd.Type = f.choice("type", commandChat, commandUser, commandMessage, commandEntry)
	}
	if old == nil && f.required("name") || f.given("name") {
		cmd.Name = f.str("name", 1, 32)
		checkCommandName(f.errs.at("name"), cmd.Name, cmd.Type == commandChat)
	}
	if f.has("name_localizations") {
		cmd.NameLocal = readLocal(f, "name_localizations", 32)
		for l, n := range cmd.NameLocal {
			checkCommandName(f.errs.at("name_localizations").at(l), n, cmd.Type == commandChat)
		}
	}
	if f.has("description") || old == nil {
		cmd.Description = f.str("description", 0, 100)
		t := f.errs.at("description")
		switch {
		case cmd.Type == commandChat && cmd.Description == "":
			t.add("BASE_TYPE_REQUIRED", "This field is required")
		case (cmd.Type == commandUser || cmd.Type == commandMessage) && cmd.Description != "":
			t.add("APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_ALLOWED",
				"Context menu commands cannot have description")
		}
	}
	if f.has("description_localizations") {
		cmd.DescLocal = readLocal(f, "description_localizations", 100)
	}
	if f.has("default_member_permissions") {
		cmd.Permissions = nil
		if f.given("default_member_permissions") {
			p := readPermissions(f, "default_member_permissions")
			cmd.Permissions = &p
		}
	}
	if f.given("dm_permission") {
		cmd.DM = f.yes("dm_permission")
	}
	if f.given("nsfw") {
		cmd.NSFW = f.yes("nsfw")
	}
	if cmd.Type == commandEntry && f.given("handler") {
		handler := f.choice("handler", 1, handledByDiscord)
		cmd.Handler = &handler
	}
	if f.has("contexts") {
		cmd.Contexts = readInts(f, "contexts", 0, 1, 2)
	}
	if f.given("integration_types") {
		cmd.Integrations = readInts(f, "integration_types", 0, 1)
	}
	if f.has("options") {
		cmd.Options = readOptions(f, 0)
		if cmd.Type != commandChat && len(cmd.Options) > 0 {
			f.errs.at("options").add("APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_NOT_ALLOWED",
				"Context menu commands cannot have options")
		}
	}
	if cmd.size() > 8000 {
		f.errs.add("APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
	}
	return cmd
}

func checkCommandName(t *tree, name string, chat bool) {
	if chat && (!commandName.MatchString(name) || strings.ToLower(name) != name) && !t.bad() {
		t.add("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	}
}

// size is what Discord limits to 8,000: names, descriptions and values in total.
func (c *command) size() int {
	n := runes(c.Name) + runes(c.Description)
	for _, o := range c.Options {
		n += o.size()
	}
	return n
}

func (o *commandOption) size() int {
	n := runes(o.Name) + runes(o.Description)
	for _, ch := range o.Choices {
		n += runes(ch.Name) + len(ch.Value)
	}
	for _, sub := range o.Options {
		n += sub.size()
	}
	return n
}

func readLocal(f *form, name string, limit int) map[string]string {
	o := f.object(name)
	if o == nil {
		return nil
	}
	out := map[string]string{}
	for l := range o.fields {
		if !slices.Contains(locales, l) {
			o.errs.at(l).add("BASE_TYPE_CHOICES", "Value must be one of {'%s'}.", strings.Join(locales, "', '"))
			continue
		}
		out[l] = o.str(l, 1, limit)
	}
	return out
}

func readInts(f *form, name string, of ...int) []int {
	out := []int{}
	for i, raw := range f.list(name, 0, 10) {
		g := &form{fields: map[string]json.RawMessage{"v": raw}, errs: f.errs.at(name)}
		n := g.num("v", math.MinInt32, math.MaxInt32)
		if !slices.Contains(of, n) {
			f.errs.at(name).at(strconv.Itoa(i)).add("BASE_TYPE_CHOICES", "Value is not one of those there are.")
		}
		out = append(out, n)
	}
	return out
}

// readOptions reads the options of a command (depth 0), a group or a subcommand.
func readOptions(f *form, depth int) []*commandOption {
	list := []*commandOption{}
	names, optional, subs, plain := map[string]bool{}, false, false, false
	for _, o := range f.objects("options", 0, 25) {
		opt := readOption(o, depth)
		list = append(list, opt)
		if names[opt.Name] {
			o.errs.at("name").add("APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
		}
		names[opt.Name] = true
		if opt.Type == optSubcommand || opt.Type == optGroup {
			subs = true
			continue
		}
		plain = true
		if opt.Required && optional {
			o.errs.at("required").add("APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
				"Required options must be placed before non-required options")
		}
		optional = optional || !opt.Required
	}
	if subs && plain {
		f.errs.at("options").add("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
			"Sub-command and sub-command group option types are mutually exclusive to all other types")
	}
	return list
}

func readOption(f *form, depth int) *commandOption {
	f.required("type")
	f.required("name")
	f.required("description")
	o := &commandOption{Type: f.choice("type", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), Name: f.str("name", 1, 32),
		Description: f.str("description", 1, 100), NameLocal: readLocal(f, "name_localizations", 32),
		DescLocal: readLocal(f, "description_localizations", 100)}
	if f.given("name") {
		checkCommandName(f.errs.at("name"), o.Name, true)
	}
	if o.Type == optSubcommand || o.Type == optGroup {
		if depth == 2 || depth == 1 && o.Type == optGroup {
			f.errs.at("type").add("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
				"Sub-commands and groups may not be nested this deep")
			return o
		}
		next := 2
		if o.Type == optGroup {
			next = 1
		}
		o.Options = readOptions(f, next)
		return o
	}
	if depth == 1 {
		f.errs.at("type").add("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "A group holds sub-commands only")
	}
	o.Required, o.Autocomplete = f.yes("required"), f.yes("autocomplete")
	readChoices(f, o)
	if o.Type == optInteger || o.Type == optNumber {
		o.Min, o.Max = number(f, "min_value"), number(f, "max_value")
	}
	if o.Type == optString {
		o.MinLength, o.MaxLength = length(f, "min_length", 0), length(f, "max_length", 1)
	}
	if o.Type == optChannel && f.given("channel_types") {
		o.ChannelTypes = readInts(f, "channel_types", 0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16)
	}
	return o
}

func readChoices(f *form, o *commandOption) {
	if !f.given("choices") {
		return
	}
	t := f.errs.at("choices")
	if o.Type != optString && o.Type != optInteger && o.Type != optNumber {
		t.add("APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID",
			"Choices are only valid for STRING, INTEGER, and NUMBER options")
	}
	o.Choices = choicesOf(f, o.Type)
	if o.Autocomplete && len(o.Choices) > 0 {
		t.add("APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", "Choices and autocomplete are mutually exclusive")
	}
}

// choicesOf reads the choices of an option of some type, or suggestions with type 0.
func choicesOf(f *form, kind int) []optionChoice {
	list := []optionChoice{}
	names := map[string]bool{}
	for _, ch := range f.objects("choices", 0, 25) {
		ch.required("name")
		ch.required("value")
		c := optionChoice{
			Name: ch.str("name", 1, 100), NameLocal: readLocal(ch, "name_localizations", 100),
			Value: ch.fields["value"],
		}
		switch kind {
		case optString:
			ch.str("value", 0, 100)
			if s, ok := scalar(c.Value); ok {
				c.Value = marshal(s)
			}
		case optInteger:
			ch.num("value", -1<<53, 1<<53)
		case optNumber:
			number(ch, "value")
		}
		if names[c.Name] {
			ch.errs.at("name").add("APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS",
				"Choice name already exists")
		}
		names[c.Name] = true
		list = append(list, c)
	}
	return list
}

// number reads a number of any size; nil if it isn't given.
func number(f *form, name string) *json.Number {
	if !f.given(name) {
		return nil
	}
	s, _ := scalar(f.fields[name])
	if _, err := strconv.ParseFloat(s, 64); err != nil {
		f.errs.at(name).add("NUMBER_TYPE_COERCE", "Value %q is not a number.", s)
		return nil
	}
	n := json.Number(s)
	return &n
}

func length(f *form, name string, low int) *int {
	if !f.given(name) {
		return nil
	}
	n := f.num(name, low, 6000)
	return &n
}

// sortedCommands lists an application's commands in a guild, or the global ones with 0.
func (a *application) sortedCommands(guild ID) []*command {
	list := make([]*command, 0, len(a.commands[guild]))
	for _, c := range a.commands[guild] {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *command) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// visibleCommands lists the commands available in a guild: the global ones and the guild's own.
func (a *application) visibleCommands(guild ID) []*command {
	list := a.sortedCommands(0)
	if guild != 0 {
		list = append(list, a.sortedCommands(guild)...)
	}
	return list
}
