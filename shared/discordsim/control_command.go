package discordsim

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// CommandRun is a user's use of a command.
type CommandRun struct {
	Guild   ID             // 0: in direct messages with the application
	Channel ID             // 0: the voice channel they are in, else the first one they may write in
	App     ID             // 0: any application that has the command
	Name    string         // "room rename" for a sub-command
	Options map[string]any // strings, numbers, booleans; ids of users, channels and roles as strings
	Target  ID             // the user or message of a menu command
}

// RunCommand uses a command as a user, waits for the first response and, if it is deferred, until
// it arrives or ctx ends. It returns an *APIError if the user has no such command or may not use
// it, if an option is wrong, and if the application doesn't respond in time.
func (c *Control) RunCommand(ctx context.Context, user ID, run CommandRun) (*Answer, error) {
	a, err := act(c, func(s controlHeld) (*interaction, error) { return s.startCommand(user, run, "") })
	if err != nil {
		return nil, err
	}
	return c.await(ctx, a)
}

// Autocomplete requests suggestions for one option while the others are as in run.
func (c *Control) Autocomplete(ctx context.Context, user ID, run CommandRun, focused string) ([]Choice, error) {
	a, err := act(c, func(s controlHeld) (*interaction, error) { return s.startCommand(user, run, focused) })
	if err != nil {
		return nil, err
	}
	ans, err := c.await(ctx, a)
	if err != nil {
		return nil, err
	}
	return ans.Choices, nil
}

// actor checks that a user may act in a guild's channel, or in direct messages, and returns the channel.
func (s controlHeld) actor(user, guild, channel ID, app *application) (*user, *channel, error) {
	u := s.users[user]
	if u == nil {
		return nil, nil, errUnknownUser()
	}
	if guild == 0 {
		if channel != 0 && s.channels[channel] != nil && s.channels[channel].isParty(user) {
			return u, s.channels[channel], nil
		}
		return u, s.dm(app.id, user), nil
	}
	g := s.guilds[guild]
	switch {
	case g == nil:
		return nil, nil, errUnknownGuild()
	case g.members[user] == nil:
		return nil, nil, errUnknownMember()
	}
	ch := g.channels[channel]
	if channel == 0 {
		ch = s.usualChannel(g, g.members[user])
	}
	switch {
	case ch == nil:
		return nil, nil, errUnknownChannel()
	case !s.canSee(user, ch):
		return nil, nil, errMissingAccess()
	}
	return u, ch, nil
}

// usualChannel is where a member types unless a channel is given.
func (s controlHeld) usualChannel(g *guild, m *member) *channel {
	if v := g.voice[m.user.id]; v != nil && s.canSee(m.user.id, g.channels[v.channel]) {
		return g.channels[v.channel]
	}
	list := g.sortedChannels()
	slices.SortStableFunc(list, func(a, b *channel) int { return cmp.Compare(a.kind, b.kind) })
	for _, ch := range list {
		if ch.texts() && s.permsIn(g, m, ch).Has(PermViewChannel|PermUseApplicationCommands) {
			return ch
		}
	}
	return nil
}

// findCommand finds a command by the first word of its name, or a menu command by its whole name.
func (s controlHeld) findCommand(run CommandRun) (*application, *command, error) {
	first, _, _ := strings.Cut(strings.TrimPrefix(run.Name, "/"), " ")
	var known []string
	for _, id := range sortedIDs(s.apps) {
		app := s.apps[id]
		if run.App != 0 && id != run.App || run.Guild != 0 && s.member(run.Guild, id) == nil {
			continue
		}
		for _, cmd := range slices.Backward(app.visibleCommands(run.Guild)) {
			if cmd.Type == commandChat && cmd.Name == first ||
				cmd.Type != commandChat && strings.EqualFold(cmd.Name, run.Name) {
				return app, cmd, nil
			}
			known = append(known, cmd.Name)
		}
	}
	e := errUnknownCommand()
	if len(known) > 0 {
		e.Message += ": there is no " + strconv.Quote(run.Name) + " here, but " + strings.Join(known, ", ")
	} else {
		e.Message += ": no application has registered commands here yet"
	}
	return nil, nil, e
}

func (s controlHeld) startCommand(userID ID, run CommandRun, focused string) (*interaction, error) {
	app, cmd, err := s.findCommand(run)
	if err != nil {
		return nil, err
	}
	u, ch, err := s.actor(userID, run.Guild, run.Channel, app)
	if err != nil {
		return nil, err
	}
	if err := s.mayUse(cmd, run.Guild, userID, ch); err != nil {
		return nil, err
	}
	kind := actCommand
	if focused != "" {
		kind = actAutocomplete
	}
	a := s.newInteraction(kind, app, u, run.Guild, ch.id)
	a.name = strings.TrimPrefix(run.Name, "/")
	b := dataBuilder{s: s, guild: s.guilds[run.Guild], me: userID, app: app.id, focused: focused}
	data := map[string]any{"id": cmd.ID, "name": cmd.Name, "type": cmd.Type}
	if cmd.Guild != nil {
		data["guild_id"] = *cmd.Guild
	}
	if cmd.Type == commandChat {
		_, rest, _ := strings.Cut(a.name, " ")
		opts, err := b.options(cmd.Options, strings.Fields(rest), run.Options)
		if err != nil {
			return nil, err
		}
		if len(opts) > 0 {
			data["options"] = opts
		}
	} else {
		a.name, a.target = cmd.Name, run.Target
		if err := b.target(cmd, ch, run.Target); err != nil {
			return nil, err
		}
		data["target_id"] = run.Target
	}
	if !b.resolved.empty() {
		data["resolved"] = b.resolved
	}
	a.data = data
	s.send(a)
	return a, nil
}

// mayUse applies default_member_permissions and contexts, which Discord's client applies before it sends anything.
func (s controlHeld) mayUse(cmd *command, guild, user ID, ch *channel) error {
	if guild == 0 {
		if cmd.Guild != nil || !cmd.DM || cmd.Contexts != nil && !slices.Contains(cmd.Contexts, 1) {
			return errUnknownCommand()
		}
		return nil
	}
	if cmd.Contexts != nil && !slices.Contains(cmd.Contexts, 0) {
		return errUnknownCommand()
	}
	g := s.guilds[guild]
	p := s.permsIn(g, g.members[user], ch)
	if !p.Has(PermUseApplicationCommands) {
		return errMissingPermissions()
	}
	if d := cmd.Permissions; d != nil && (*d == 0 && !p.Has(PermAdministrator) || !p.Has(*d)) {
		return errMissingPermissions()
	}
	return nil
}

type resolved struct {
	Users    map[ID]wireUser       `json:"users,omitempty"`
	Members  map[ID]wireMember     `json:"members,omitempty"`
	Roles    map[ID]wireRole       `json:"roles,omitempty"`
	Channels map[ID]partialChannel `json:"channels,omitempty"`
	Messages map[ID]wireMessage    `json:"messages,omitempty"`
}

func (r *resolved) empty() bool {
	return len(r.Users)+len(r.Roles)+len(r.Channels)+len(r.Messages) == 0
}

// dataBuilder makes the data of an interaction from a user's input.
type dataBuilder struct {
	s        controlHeld
	guild    *guild
	me       ID
	app      ID // the command's application
	focused  string
	resolved resolved
}

type filledOption struct {
	Type    int            `json:"type"`
	Name    string         `json:"name"`
	Value   any            `json:"value,omitempty"`
	Focused bool           `json:"focused,omitempty"`
	Options []filledOption `json:"options,omitempty"`
}

// options fills in a command's options; path is the words after its name.
func (b *dataBuilder) options(defs []*commandOption, path []string, values map[string]any) ([]filledOption, error) {
	var names []string
	for _, d := range defs {
		if d.Type != optSubcommand && d.Type != optGroup {
			continue
		}
		names = append(names, d.Name)
		if len(path) > 0 && d.Name == path[0] {
			inner, err := b.options(d.Options, path[1:], values)
			if err != nil {
				return nil, err
			}
			return []filledOption{{Type: d.Type, Name: d.Name, Options: inner}}, nil
		}
	}
	errs := &tree{}
	if len(names) > 0 || len(path) > 0 {
		errs.at("name").add("COMMAND_UNKNOWN_SUBCOMMAND", "name one of its sub-commands: %s", strings.Join(names, ", "))
		return nil, errs.err()
	}
	out := []filledOption{}
	known := map[string]bool{}
	for _, d := range defs {
		known[d.Name] = true
		v, ok := values[d.Name]
		t := errs.at("options").at(d.Name)
		if !ok || v == nil {
			if b.focused == d.Name {
				out = append(out, filledOption{Type: d.Type, Name: d.Name, Value: "", Focused: true})
			} else if d.Required && b.focused == "" {
				t.add("BASE_TYPE_REQUIRED", "This field is required")
			}
			continue
		}
		o := filledOption{Type: d.Type, Name: d.Name, Focused: b.focused == d.Name}
		if o.Focused {
			o.Value, _ = scalar(marshal(v))
		} else {
			o.Value = b.value(d, v, t)
		}
		out = append(out, o)
	}
	for name := range values {
		if !known[name] {
			errs.at("options").at(name).add("COMMAND_UNKNOWN_OPTION", "the command has no such option")
		}
	}
	return out, errs.err()
}

func (b *dataBuilder) value(d *commandOption, v any, t *tree) any {
	f := &form{fields: map[string]json.RawMessage{"v": marshal(v)}, errs: &tree{}}
	defer func() {
		if f.errs.bad() {
			t.own = append(t.own, f.errs.at("v").own...)
		}
	}()
	switch d.Type {
	case optString:
		low, high := 0, 6000
		if d.MinLength != nil {
			low = *d.MinLength
		}
		if d.MaxLength != nil {
			high = *d.MaxLength
		}
		return b.choice(d, f.str("v", low, high), t)
	case optInteger:
		n := f.num("v", -1<<53, 1<<53)
		b.bounds(d, float64(n), t)
		return b.choice(d, n, t)
	case optNumber:
		num := number(f, "v")
		if num == nil {
			return nil
		}
		n, _ := num.Float64()
		b.bounds(d, n, t)
		return b.choice(d, n, t)
	case optBoolean:
		return f.yes("v")
	}
	id := f.id("v")
	if !f.errs.bad() && !b.resolve(d.Type, id, d.ChannelTypes) {
		t.add("COMMAND_UNKNOWN_ENTITY", "there is no such user, role or channel here")
	}
	return id
}

func (b *dataBuilder) bounds(d *commandOption, n float64, t *tree) {
	low, high := math.Inf(-1), math.Inf(1)
	if d.Min != nil {
		low, _ = d.Min.Float64()
	}
	if d.Max != nil {
		high, _ = d.Max.Float64()
	}
	if n < low {
		t.add("NUMBER_TYPE_MIN", "int value should be greater than or equal to %v.", low)
	}
	if n > high {
		t.add("NUMBER_TYPE_MAX", "int value should be less than or equal to %v.", high)
	}
}

// choice accepts the value or the name of a choice, if the option has choices.
func (b *dataBuilder) choice(d *commandOption, v any, t *tree) any {
	if len(d.Choices) == 0 {
		return v
	}
	given, _ := scalar(marshal(v))
	for _, ch := range d.Choices {
		if s, _ := scalar(ch.Value); s == given || ch.Name == given {
			return ch.Value
		}
	}
	t.add("BASE_TYPE_CHOICES", "Value is none of the option's choices.")
	return nil
}
