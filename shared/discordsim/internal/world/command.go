package world

import (
	"cmp"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"snug/shared/discordsim/internal/world/form"
)

// Types of commands and of their options ("Application Commands").
const (
	CommandChat    = 1
	CommandUser    = 2
	commandMessage = 3
	CommandEntry   = 4

	HandledByDiscord = 2 // an Entry Point command that launches the Activity on its own

	OptSubcommand  = 1
	OptGroup       = 2
	OptString      = 3
	OptInteger     = 4
	OptBoolean     = 5
	OptUser        = 6
	OptChannel     = 7
	OptRole        = 8
	OptMentionable = 9
	OptNumber      = 10
	optAttachment  = 11

	MenuCommands = 15 // of user and of message commands each
)

// Command is an application command. It is immutable: an update makes a new one.
type Command struct {
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
	Options      []*CommandOption  `json:"options,omitempty"`
	NSFW         bool              `json:"nsfw"`
	Handler      *int              `json:"handler,omitempty"` // of an Entry Point command
}

// CommandOption is an option of a command, or a sub-command.
type CommandOption struct {
	Type         int               `json:"type"`
	Name         string            `json:"name"`
	NameLocal    map[string]string `json:"name_localizations,omitempty"`
	Description  string            `json:"description"`
	DescLocal    map[string]string `json:"description_localizations,omitempty"`
	Required     bool              `json:"required,omitempty"`
	Autocomplete bool              `json:"autocomplete,omitempty"`
	Choices      []optionChoice    `json:"choices,omitempty"`
	Options      []*CommandOption  `json:"options,omitempty"`
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

// ReadCommand checks a command. old is the one it replaces; a PATCH keeps fields that aren't given.
func ReadCommand(f *form.Form, old *Command) *Command {
	cmd := &Command{Type: CommandChat, DM: true, Integrations: []int{0}}
	if old != nil {
		c := *old
		cmd = &c
	}
	if f.Given("type") && old == nil {
		cmd.Type = f.Choice("type", CommandChat, CommandUser, commandMessage, CommandEntry)
	}
	if old == nil && f.Required("name") || f.Given("name") {
		cmd.Name = f.Str("name", 1, 32)
		checkCommandName(f.Errs.At("name"), cmd.Name, cmd.Type == CommandChat)
	}
	if f.Has("name_localizations") {
		cmd.NameLocal = readLocal(f, "name_localizations", 32)
		for l, n := range cmd.NameLocal {
			checkCommandName(f.Errs.At("name_localizations").At(l), n, cmd.Type == CommandChat)
		}
	}
	if f.Has("description") || old == nil {
		cmd.Description = f.Str("description", 0, 100)
		t := f.Errs.At("description")
		switch {
		case cmd.Type == CommandChat && cmd.Description == "":
			t.Add("BASE_TYPE_REQUIRED", "This field is required")
		case (cmd.Type == CommandUser || cmd.Type == commandMessage) && cmd.Description != "":
			t.Add("APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_ALLOWED",
				"Context menu commands cannot have description")
		}
	}
	if f.Has("description_localizations") {
		cmd.DescLocal = readLocal(f, "description_localizations", 100)
	}
	if f.Has("default_member_permissions") {
		cmd.Permissions = nil
		if f.Given("default_member_permissions") {
			p := ReadPermissions(f, "default_member_permissions")
			cmd.Permissions = &p
		}
	}
	if f.Given("dm_permission") {
		cmd.DM = f.Yes("dm_permission")
	}
	if f.Given("nsfw") {
		cmd.NSFW = f.Yes("nsfw")
	}
	if cmd.Type == CommandEntry && f.Given("handler") {
		handler := f.Choice("handler", 1, HandledByDiscord)
		cmd.Handler = &handler
	}
	if f.Has("contexts") {
		cmd.Contexts = readInts(f, "contexts", 0, 1, 2)
	}
	if f.Given("integration_types") {
		cmd.Integrations = readInts(f, "integration_types", 0, 1)
	}
	if f.Has("options") {
		cmd.Options = readOptions(f, 0)
		if cmd.Type != CommandChat && len(cmd.Options) > 0 {
			f.Errs.At("options").Add("APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_NOT_ALLOWED",
				"Context menu commands cannot have options")
		}
	}
	if cmd.size() > 8000 {
		f.Errs.Add("APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
	}
	return cmd
}

func checkCommandName(t *form.Tree, name string, chat bool) {
	if chat && (!commandName.MatchString(name) || strings.ToLower(name) != name) && !t.Bad() {
		t.Add("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	}
}

// size is what Discord limits to 8,000: names, descriptions and values in total.
func (c *Command) size() int {
	n := form.Runes(c.Name) + form.Runes(c.Description)
	for _, o := range c.Options {
		n += o.size()
	}
	return n
}

func (o *CommandOption) size() int {
	n := form.Runes(o.Name) + form.Runes(o.Description)
	for _, ch := range o.Choices {
		n += form.Runes(ch.Name) + len(ch.Value)
	}
	for _, sub := range o.Options {
		n += sub.size()
	}
	return n
}

func readLocal(f *form.Form, name string, limit int) map[string]string {
	o := f.Object(name)
	if o == nil {
		return nil
	}
	out := map[string]string{}
	for l := range o.Fields {
		if !slices.Contains(locales, l) {
			o.Errs.At(l).Add("BASE_TYPE_CHOICES", "Value must be one of {'%s'}.", strings.Join(locales, "', '"))
			continue
		}
		out[l] = o.Str(l, 1, limit)
	}
	return out
}

func readInts(f *form.Form, name string, of ...int) []int {
	out := []int{}
	for i, raw := range f.List(name, 0, 10) {
		g := &form.Form{Fields: map[string]json.RawMessage{"v": raw}, Errs: f.Errs.At(name)}
		n := g.Num("v", math.MinInt32, math.MaxInt32)
		if !slices.Contains(of, n) {
			f.Errs.At(name).At(strconv.Itoa(i)).Add("BASE_TYPE_CHOICES", "Value is not one of those there are.")
		}
		out = append(out, n)
	}
	return out
}

// readOptions reads the options of a command (depth 0), a group or a subcommand.
func readOptions(f *form.Form, depth int) []*CommandOption {
	list := []*CommandOption{}
	names, optional, subs, plain := map[string]bool{}, false, false, false
	for _, o := range f.Objects("options", 0, 25) {
		opt := readOption(o, depth)
		list = append(list, opt)
		if names[opt.Name] {
			o.Errs.At("name").Add("APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
		}
		names[opt.Name] = true
		if opt.Type == OptSubcommand || opt.Type == OptGroup {
			subs = true
			continue
		}
		plain = true
		if opt.Required && optional {
			o.Errs.At("required").Add("APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
				"Required options must be placed before non-required options")
		}
		optional = optional || !opt.Required
	}
	if subs && plain {
		f.Errs.At("options").Add("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
			"Sub-command and sub-command group option types are mutually exclusive to all other types")
	}
	return list
}

func readOption(f *form.Form, depth int) *CommandOption {
	f.Required("type")
	f.Required("name")
	f.Required("description")
	o := &CommandOption{Type: f.Choice("type", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), Name: f.Str("name", 1, 32),
		Description: f.Str("description", 1, 100), NameLocal: readLocal(f, "name_localizations", 32),
		DescLocal: readLocal(f, "description_localizations", 100)}
	if f.Given("name") {
		checkCommandName(f.Errs.At("name"), o.Name, true)
	}
	if o.Type == OptSubcommand || o.Type == OptGroup {
		if depth == 2 || depth == 1 && o.Type == OptGroup {
			f.Errs.At("type").Add("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
				"Sub-commands and groups may not be nested this deep")
			return o
		}
		next := 2
		if o.Type == OptGroup {
			next = 1
		}
		o.Options = readOptions(f, next)
		return o
	}
	if depth == 1 {
		f.Errs.At("type").Add("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "A group holds sub-commands only")
	}
	o.Required, o.Autocomplete = f.Yes("required"), f.Yes("autocomplete")
	readChoices(f, o)
	if o.Type == OptInteger || o.Type == OptNumber {
		o.Min, o.Max = Number(f, "min_value"), Number(f, "max_value")
	}
	if o.Type == OptString {
		o.MinLength, o.MaxLength = length(f, "min_length", 0), length(f, "max_length", 1)
	}
	if o.Type == OptChannel && f.Given("channel_types") {
		o.ChannelTypes = readInts(f, "channel_types", 0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16)
	}
	return o
}

func readChoices(f *form.Form, o *CommandOption) {
	if !f.Given("choices") {
		return
	}
	t := f.Errs.At("choices")
	if o.Type != OptString && o.Type != OptInteger && o.Type != OptNumber {
		t.Add("APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID",
			"Choices are only valid for STRING, INTEGER, and NUMBER options")
	}
	o.Choices = ChoicesOf(f, o.Type)
	if o.Autocomplete && len(o.Choices) > 0 {
		t.Add("APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", "Choices and autocomplete are mutually exclusive")
	}
}

// ChoicesOf reads the choices of an option of some type, or suggestions with type 0.
func ChoicesOf(f *form.Form, kind int) []optionChoice {
	list := []optionChoice{}
	names := map[string]bool{}
	for _, ch := range f.Objects("choices", 0, 25) {
		ch.Required("name")
		ch.Required("value")
		c := optionChoice{
			Name: ch.Str("name", 1, 100), NameLocal: readLocal(ch, "name_localizations", 100),
			Value: ch.Fields["value"],
		}
		switch kind {
		case OptString:
			ch.Str("value", 0, 100)
			if s, ok := form.Scalar(c.Value); ok {
				c.Value = form.Marshal(s)
			}
		case OptInteger:
			ch.Num("value", -1<<53, 1<<53)
		case OptNumber:
			Number(ch, "value")
		}
		if names[c.Name] {
			ch.Errs.At("name").Add("APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS",
				"Choice name already exists")
		}
		names[c.Name] = true
		list = append(list, c)
	}
	return list
}

// Number reads a number of any size; nil if it isn't given.
func Number(f *form.Form, name string) *json.Number {
	if !f.Given(name) {
		return nil
	}
	s, _ := form.Scalar(f.Fields[name])
	if _, err := strconv.ParseFloat(s, 64); err != nil {
		f.Errs.At(name).Add("NUMBER_TYPE_COERCE", "Value %q is not a number.", s)
		return nil
	}
	n := json.Number(s)
	return &n
}

func length(f *form.Form, name string, low int) *int {
	if !f.Given(name) {
		return nil
	}
	n := f.Num(name, low, 6000)
	return &n
}

// SortedCommands lists an application's commands in a guild, or the global ones with 0.
func (a *Application) SortedCommands(guild ID) []*Command {
	list := make([]*Command, 0, len(a.Commands[guild]))
	for _, c := range a.Commands[guild] {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *Command) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// VisibleCommands lists the commands available in a guild: the global ones and the guild's own.
func (a *Application) VisibleCommands(guild ID) []*Command {
	list := a.SortedCommands(0)
	if guild != 0 {
		list = append(list, a.SortedCommands(guild)...)
	}
	return list
}
