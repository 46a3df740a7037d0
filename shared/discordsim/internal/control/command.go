package control

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// CommandRun is a user's use of a command.
type CommandRun struct {
	Guild   world.ID       // 0: in direct messages with the application
	Channel world.ID       // 0: the voice channel they are in, else the first one they may write in
	App     world.ID       // 0: any application that has the command
	Name    string         // "room rename" for a sub-command
	Options map[string]any // strings, numbers, booleans; ids of users, channels and roles as strings
	Target  world.ID       // the user or message of a menu command
}

// RunCommand uses a command as a user, waits for the first response and, if it is deferred, until
// it arrives or ctx ends. It returns an *APIError if the user has no such command or may not use
// it, if an option is wrong, and if the application doesn't respond in time.
func (c *Control) RunCommand(ctx context.Context, user world.ID, run CommandRun) (*Answer, error) {
	a, err := act(c, func(s held) (*world.Interaction, error) { return s.startCommand(user, run, "") })
	if err != nil {
		return nil, err
	}
	return c.await(ctx, a)
}

// Autocomplete requests suggestions for one option while the others are as in run.
func (c *Control) Autocomplete(ctx context.Context, user world.ID, run CommandRun, focused string) ([]Choice, error) {
	a, err := act(c, func(s held) (*world.Interaction, error) { return s.startCommand(user, run, focused) })
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
func (s held) actor(user, guild, channel world.ID, app *world.Application) (*world.User, *world.Channel, error) {
	u := s.Users[user]
	if u == nil {
		return nil, nil, form.UnknownUser()
	}
	if guild == 0 {
		if channel != 0 && s.Channels[channel] != nil && s.Channels[channel].IsParty(user) {
			return u, s.Channels[channel], nil
		}
		return u, s.DM(app.ID, user), nil
	}
	g := s.Guilds[guild]
	switch {
	case g == nil:
		return nil, nil, form.UnknownGuild()
	case g.Members[user] == nil:
		return nil, nil, form.UnknownMember()
	}
	ch := g.Channel(channel)
	if channel == 0 {
		ch = s.usualChannel(g, g.Members[user])
	}
	switch {
	case ch == nil:
		return nil, nil, form.UnknownChannel()
	case !s.CanSee(user, ch):
		return nil, nil, form.MissingAccess()
	}
	return u, ch, nil
}

// usualChannel is where a member types unless a channel is given.
func (s held) usualChannel(g *world.Guild, m *world.Member) *world.Channel {
	if v := g.Voice[m.User.ID]; v != nil && s.CanSee(m.User.ID, g.Channels[v.Channel]) {
		return g.Channels[v.Channel]
	}
	list := g.SortedChannels()
	slices.SortStableFunc(list, func(a, b *world.Channel) int { return cmp.Compare(a.Kind, b.Kind) })
	for _, ch := range list {
		if ch.Texts() && s.PermsIn(g, m, ch).Has(world.PermViewChannel|world.PermUseApplicationCommands) {
			return ch
		}
	}
	return nil
}

// findCommand finds a command by the first word of its name, or a menu command by its whole name.
func (s held) findCommand(run CommandRun) (*world.Application, *world.Command, error) {
	first, _, _ := strings.Cut(strings.TrimPrefix(run.Name, "/"), " ")
	var known []string
	for _, id := range world.SortedIDs(s.Apps) {
		app := s.Apps[id]
		if run.App != 0 && id != run.App || run.Guild != 0 && s.Member(run.Guild, id) == nil {
			continue
		}
		for _, cmd := range slices.Backward(app.VisibleCommands(run.Guild)) {
			if cmd.Type == world.CommandChat && cmd.Name == first ||
				cmd.Type != world.CommandChat && strings.EqualFold(cmd.Name, run.Name) {
				return app, cmd, nil
			}
			known = append(known, cmd.Name)
		}
	}
	e := form.UnknownCommand()
	if len(known) > 0 {
		e.Message += ": there is no " + strconv.Quote(run.Name) + " here, but " + strings.Join(known, ", ")
	} else {
		e.Message += ": no application has registered commands here yet"
	}
	return nil, nil, e
}

func (s held) startCommand(userID world.ID, run CommandRun, focused string) (*world.Interaction, error) {
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
	kind := world.ActCommand
	if focused != "" {
		kind = world.ActAutocomplete
	}
	a := s.NewInteraction(kind, app, u, run.Guild, ch.ID)
	a.Name = strings.TrimPrefix(run.Name, "/")
	b := dataBuilder{s: s, guild: s.Guilds[run.Guild], me: userID, app: app.ID, focused: focused}
	data := map[string]any{"id": cmd.ID, "name": cmd.Name, "type": cmd.Type}
	if cmd.Guild != nil {
		data["guild_id"] = *cmd.Guild
	}
	if cmd.Type == world.CommandChat {
		_, rest, _ := strings.Cut(a.Name, " ")
		opts, err := b.options(cmd.Options, strings.Fields(rest), run.Options)
		if err != nil {
			return nil, err
		}
		if len(opts) > 0 {
			data["options"] = opts
		}
	} else {
		a.Name, a.Target = cmd.Name, run.Target
		if err := b.target(cmd, ch, run.Target); err != nil {
			return nil, err
		}
		data["target_id"] = run.Target
	}
	if !b.resolved.empty() {
		data["resolved"] = b.resolved
	}
	a.Data = data
	s.Send(a)
	return a, nil
}

// mayUse applies default_member_permissions and contexts, which Discord's client applies before it sends anything.
func (s held) mayUse(cmd *world.Command, guild, user world.ID, ch *world.Channel) error {
	if guild == 0 {
		if cmd.Guild != nil || !cmd.DM || cmd.Contexts != nil && !slices.Contains(cmd.Contexts, 1) {
			return form.UnknownCommand()
		}
		return nil
	}
	if cmd.Contexts != nil && !slices.Contains(cmd.Contexts, 0) {
		return form.UnknownCommand()
	}
	g := s.Guilds[guild]
	p := s.PermsIn(g, g.Members[user], ch)
	if !p.Has(world.PermUseApplicationCommands) {
		return form.MissingPermissions()
	}
	if d := cmd.Permissions; d != nil && (*d == 0 && !p.Has(world.PermAdministrator) || !p.Has(*d)) {
		return form.MissingPermissions()
	}
	return nil
}

type resolved struct {
	Users    map[world.ID]world.WireUser    `json:"users,omitempty"`
	Members  map[world.ID]world.WireMember  `json:"members,omitempty"`
	Roles    map[world.ID]world.WireRole    `json:"roles,omitempty"`
	Channels map[world.ID]partialChannel    `json:"channels,omitempty"`
	Messages map[world.ID]world.WireMessage `json:"messages,omitempty"`
}

func (r *resolved) empty() bool {
	return len(r.Users)+len(r.Roles)+len(r.Channels)+len(r.Messages) == 0
}

// dataBuilder makes the data of an interaction from a user's input.
type dataBuilder struct {
	s        held
	guild    *world.Guild
	me       world.ID
	app      world.ID // the command's application
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
func (b *dataBuilder) options(
	defs []*world.CommandOption, path []string, values map[string]any,
) ([]filledOption, error) {
	var names []string
	for _, d := range defs {
		if d.Type != world.OptSubcommand && d.Type != world.OptGroup {
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
	errs := &form.Tree{}
	if len(names) > 0 || len(path) > 0 {
		errs.At("name").Add("COMMAND_UNKNOWN_SUBCOMMAND", "name one of its sub-commands: %s", strings.Join(names, ", "))
		return nil, errs.Err()
	}
	out := []filledOption{}
	known := map[string]bool{}
	for _, d := range defs {
		known[d.Name] = true
		v, ok := values[d.Name]
		t := errs.At("options").At(d.Name)
		if !ok || v == nil {
			if b.focused == d.Name {
				out = append(out, filledOption{Type: d.Type, Name: d.Name, Value: "", Focused: true})
			} else if d.Required && b.focused == "" {
				t.Add("BASE_TYPE_REQUIRED", "This field is required")
			}
			continue
		}
		o := filledOption{Type: d.Type, Name: d.Name, Focused: b.focused == d.Name}
		if o.Focused {
			o.Value, _ = form.Scalar(form.Marshal(v))
		} else {
			o.Value = b.value(d, v, t)
		}
		out = append(out, o)
	}
	for name := range values {
		if !known[name] {
			errs.At("options").At(name).Add("COMMAND_UNKNOWN_OPTION", "the command has no such option")
		}
	}
	return out, errs.Err()
}

func (b *dataBuilder) value(d *world.CommandOption, v any, t *form.Tree) any {
	f := &form.Form{Fields: map[string]json.RawMessage{"v": form.Marshal(v)}, Errs: &form.Tree{}}
	defer func() {
		if f.Errs.Bad() {
			t.Own = append(t.Own, f.Errs.At("v").Own...)
		}
	}()
	switch d.Type {
	case world.OptString:
		low, high := 0, 6000
		if d.MinLength != nil {
			low = *d.MinLength
		}
		if d.MaxLength != nil {
			high = *d.MaxLength
		}
		return b.choice(d, f.Str("v", low, high), t)
	case world.OptInteger:
		n := f.Num("v", -1<<53, 1<<53)
		b.bounds(d, float64(n), t)
		return b.choice(d, n, t)
	case world.OptNumber:
		num := world.Number(f, "v")
		if num == nil {
			return nil
		}
		n, _ := num.Float64()
		b.bounds(d, n, t)
		return b.choice(d, n, t)
	case world.OptBoolean:
		return f.Yes("v")
	}
	id := f.ID("v")
	if !f.Errs.Bad() && !b.resolve(d.Type, id, d.ChannelTypes) {
		t.Add("COMMAND_UNKNOWN_ENTITY", "there is no such user, role or channel here")
	}
	return id
}

func (b *dataBuilder) bounds(d *world.CommandOption, n float64, t *form.Tree) {
	low, high := math.Inf(-1), math.Inf(1)
	if d.Min != nil {
		low, _ = d.Min.Float64()
	}
	if d.Max != nil {
		high, _ = d.Max.Float64()
	}
	if n < low {
		t.Add("NUMBER_TYPE_MIN", "int value should be greater than or equal to %v.", low)
	}
	if n > high {
		t.Add("NUMBER_TYPE_MAX", "int value should be less than or equal to %v.", high)
	}
}

// choice accepts the value or the name of a choice, if the option has choices.
func (b *dataBuilder) choice(d *world.CommandOption, v any, t *form.Tree) any {
	if len(d.Choices) == 0 {
		return v
	}
	given, _ := form.Scalar(form.Marshal(v))
	for _, ch := range d.Choices {
		if s, _ := form.Scalar(ch.Value); s == given || ch.Name == given {
			return ch.Value
		}
	}
	t.Add("BASE_TYPE_CHOICES", "Value is none of the option's choices.")
	return nil
}
