package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"snug/shared/discordsim"
)

// Built is what Build made, by name.
type Built struct {
	People       map[string]discordsim.User
	Applications map[string]discordsim.Application
	Guilds       []BuiltGuild // in the plan's order
}

// BuiltGuild is a guild that Build made.
type BuiltGuild struct {
	discordsim.Guild
	Roles    map[string]discordsim.ID // "@everyone" is one of them
	Channels map[string]discordsim.Channel
}

// Build adds a plan's people, applications and guilds to a simulator, which may be running. If it fails, part of them
// may be there.
func Build(s *discordsim.Server, w World) (Built, error) {
	b := builder{s: s, out: Built{
		People: map[string]discordsim.User{}, Applications: map[string]discordsim.Application{},
	}, skus: map[string]map[string]discordsim.ID{}}
	for _, p := range w.People {
		if err := b.person(p); err != nil {
			return b.out, fmt.Errorf("the person %q: %w", p.Username, err)
		}
	}
	for _, a := range w.Applications {
		if err := b.application(a); err != nil {
			return b.out, fmt.Errorf("the application %q: %w", a.Name, err)
		}
	}
	for _, g := range w.Guilds {
		if err := b.guild(g); err != nil {
			return b.out, fmt.Errorf("the guild %q: %w", g.Name, err)
		}
	}
	for _, e := range w.Entitlements {
		if err := b.entitlement(e); err != nil {
			return b.out, fmt.Errorf("the entitlement of %q: %w", e.User, err)
		}
	}
	return b.out, nil
}

// builder makes a plan's parts; g is the guild at hand.
type builder struct {
	s    *discordsim.Server
	out  Built
	g    BuiltGuild
	skus map[string]map[string]discordsim.ID // by application and name
}

// fresh returns an error unless a name is one, and new among others.
func fresh[T any](name string, others map[string]T) error {
	if _, again := others[name]; again {
		return errors.New("its name is there twice")
	}
	if name == "" {
		return errors.New("it needs a name")
	}
	return nil
}

func (b *builder) person(p Person) error {
	if err := fresh(p.Username, b.out.People); err != nil {
		return err
	}
	u := b.s.AddUser(p.Username, p.GlobalName)
	b.out.People[p.Username] = u
	return errors.Join(b.s.SetLocale(u.ID, cmp.Or(p.Locale, "en-US")), b.s.CloseDMs(u.ID, p.DMsClosed))
}

func (b *builder) application(p Application) error {
	if err := fresh(p.Name, b.out.Applications); err != nil {
		return err
	}
	a := b.s.AddApplication(discordsim.ApplicationOptions{Name: p.Name, Description: p.Description, Token: p.Token,
		RedirectURIs: p.RedirectURIs, AnyLoopbackRedirect: true})
	if p.Token != "" && p.Token != a.BotToken {
		return errors.New("another application has its token")
	}
	b.out.Applications[p.Name] = a
	sold := map[string]discordsim.ID{}
	b.skus[p.Name] = sold
	for _, k := range p.SKUs {
		err := fresh(k.Name, sold)
		if err == nil {
			sold[k.Name], err = b.s.AddSKU(a.ID, k.Name, k.Type)
		}
		if err != nil {
			return fmt.Errorf("the SKU %q: %w", k.Name, err)
		}
	}
	return nil
}

func (b *builder) entitlement(p Entitlement) error {
	u, isPerson := b.out.People[p.User]
	sku, isSold := b.skus[p.Application][p.SKU]
	guild := slices.IndexFunc(b.out.Guilds, func(g BuiltGuild) bool { return g.Name == p.Guild })
	switch {
	case !isPerson:
		return errors.New("they aren't among the people")
	case !isSold:
		return fmt.Errorf("the application %q sells no %q", p.Application, p.SKU)
	case p.Guild != "" && guild < 0:
		return fmt.Errorf("there is no guild %q", p.Guild)
	}
	var id discordsim.ID
	if guild >= 0 {
		id = b.out.Guilds[guild].ID
	}
	_, err := b.s.Buy(b.out.Applications[p.Application].ID, sku, u.ID, id)
	return err
}

func (b *builder) guild(p Guild) error {
	owner, ok := b.out.People[p.Owner]
	if !ok {
		return fmt.Errorf("its owner %q isn't among the people", p.Owner)
	}
	g, err := b.s.AddGuild(p.Name, owner.ID)
	if err != nil {
		return err
	}
	b.g = BuiltGuild{Guild: g, Roles: map[string]discordsim.ID{"@everyone": g.ID},
		Channels: map[string]discordsim.Channel{}}
	for _, step := range []func(Guild) error{b.roles, b.members, b.bots, b.channels} {
		if err := step(p); err != nil {
			return err
		}
	}
	b.out.Guilds = append(b.out.Guilds, b.g)
	return nil
}

func (b *builder) roles(p Guild) error {
	if p.Everyone != nil {
		everyone, err := discordsim.ParsePermissions(*p.Everyone)
		if err == nil {
			err = b.s.SetRole(b.g.ID, b.g.ID, everyone)
		}
		if err != nil {
			return fmt.Errorf("everyone: %w", err)
		}
	}
	for _, r := range p.Roles {
		err := fresh(r.Name, b.g.Roles)
		var permissions discordsim.Permissions
		if err == nil {
			permissions, err = discordsim.ParsePermissions(r.Permissions)
		}
		if err == nil {
			b.g.Roles[r.Name], err = b.s.AddRole(b.g.ID, r.Name, permissions)
		}
		if err != nil {
			return fmt.Errorf("the role %q: %w", r.Name, err)
		}
	}
	return nil
}

func (b *builder) members(p Guild) error {
	for _, m := range p.Members {
		if err := b.member(m); err != nil {
			return fmt.Errorf("the member %q: %w", m.User, err)
		}
	}
	return nil
}

func (b *builder) member(m Member) error {
	u, ok := b.out.People[m.User]
	if !ok {
		return errors.New("they aren't among the people")
	}
	var roles []discordsim.ID
	for _, name := range m.Roles {
		id, ok := b.g.Roles[name]
		if !ok {
			return fmt.Errorf("the guild has no role %q for them", name)
		}
		roles = append(roles, id)
	}
	if u.ID == b.g.Owner { // who is in it already
		return b.s.SetRoles(b.g.ID, u.ID, roles...)
	}
	return b.s.AddMember(b.g.ID, u.ID, m.Nick, roles...)
}

func (b *builder) bots(p Guild) error {
	for _, bot := range p.Bots {
		a, ok := b.out.Applications[bot.Application]
		if !ok {
			return fmt.Errorf("its bot %q isn't among the applications", bot.Application)
		}
		permissions, err := discordsim.ParsePermissions(bot.Permissions)
		if err == nil {
			err = b.s.InstallBot(b.g.ID, a.ID, permissions)
		}
		if err != nil {
			return fmt.Errorf("the bot %q: %w", bot.Application, err)
		}
	}
	return nil
}

// kinds are the types of channels by the names that a plan uses.
var kinds = map[string]discordsim.ChannelType{"": discordsim.ChannelText, "text": discordsim.ChannelText,
	"voice": discordsim.ChannelVoice, "category": discordsim.ChannelCategory, "stage": discordsim.ChannelStage,
	"announcement": discordsim.ChannelAnnouncement, "forum": discordsim.ChannelForum}

func (b *builder) channels(p Guild) error {
	for _, c := range p.Channels {
		if err := b.channel(c); err != nil {
			return fmt.Errorf("the channel %q: %w", c.Name, err)
		}
	}
	return nil
}

func (b *builder) channel(c Channel) error {
	kind, ok := kinds[c.Type]
	if !ok {
		return fmt.Errorf("its type is %q; choose text, voice, category, announcement, stage or forum", c.Type)
	}
	if err := fresh(c.Name, b.g.Channels); err != nil {
		return err
	}
	o := discordsim.ChannelOptions{Name: c.Name, Type: kind, Topic: c.Topic, UserLimit: c.UserLimit}
	if c.Category != "" {
		category := b.g.Channels[c.Category]
		if category.Type != discordsim.ChannelCategory {
			return fmt.Errorf("it is in %q, but there is no such category before it", c.Category)
		}
		o.Parent = category.ID
	}
	for _, w := range c.Overwrites {
		overwrite, err := b.overwrite(w)
		if err != nil {
			return err
		}
		o.Overwrites = append(o.Overwrites, overwrite)
	}
	made, err := b.s.AddChannel(b.g.ID, o)
	b.g.Channels[c.Name] = made
	return err
}

func (b *builder) overwrite(p Overwrite) (o discordsim.Overwrite, err error) {
	role, isRole := b.g.Roles[p.Role]
	person, isPerson := b.out.People[p.Member]
	app, isApp := b.out.Applications[p.Member]
	switch {
	case p.Role != "" && p.Member != "":
		return o, fmt.Errorf("an overwrite is for the role %q or for %q, not for both", p.Role, p.Member)
	case isRole:
		o.ID = role
	case isPerson:
		o.ID, o.Member = person.ID, true
	case isApp:
		o.ID, o.Member = app.ID, true
	default:
		return o, fmt.Errorf("an overwrite is for %q, which is no role or person here", p.Role+p.Member)
	}
	var allow, deny error
	o.Allow, allow = discordsim.ParsePermissions(p.Allow)
	o.Deny, deny = discordsim.ParsePermissions(p.Deny)
	return o, errors.Join(allow, deny)
}
