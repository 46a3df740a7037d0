package control

import (
	"encoding/json"
	"errors"
	"time"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

func (c *request) addUser() (any, error) {
	var in struct {
		Username   string      `json:"username"`
		GlobalName string      `json:"global_name"`
		Guild      form.FlexID `json:"guild_id"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Username == "" || len(in.Username) > 32 {
		return nil, errors.New("username is missing or longer than 32 characters")
	}
	u := c.control.AddUser(in.Username, in.GlobalName)
	if in.Guild != 0 {
		if err := c.control.AddMember(world.ID(in.Guild), u.ID, ""); err != nil {
			return nil, err
		}
	}
	return u, nil
}

func (c *request) settings() (any, error) {
	var in struct {
		DMsClosed *bool   `json:"dms_closed"`
		Locale    *string `json:"locale"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.DMsClosed != nil {
		if err := c.control.CloseDMs(c.user(), *in.DMsClosed); err != nil {
			return nil, err
		}
	}
	if in.Locale != nil {
		if err := c.control.SetLocale(c.user(), *in.Locale); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// commands lists the commands a user may use, with their options, for the page.
func (c *request) commands() (any, error) {
	q := c.r.URL.Query()
	guild, room := form.ParseID(q.Get("guild_id")), form.ParseID(q.Get("channel_id"))
	return ask(c.control, func(s held) (any, error) {
		list, err := s.commandsFor(c.user(), guild, room)
		return map[string]any{"commands": list}, err
	})
}

type offeredCommand struct {
	App  string `json:"application_name"`
	Icon string `json:"application_avatar"`
	*world.Command
}

func (s held) commandsFor(user, guild, room world.ID) ([]offeredCommand, error) {
	list := []offeredCommand{}
	if s.Users[user] == nil {
		return nil, form.UnknownUser()
	}
	for _, id := range world.SortedIDs(s.Apps) {
		app := s.Apps[id]
		var where *world.Channel
		if guild != 0 {
			g := s.Guilds[guild]
			if g == nil || g.Members[id] == nil || g.Members[user] == nil {
				continue
			}
			if where = g.Channel(room); where == nil {
				where = s.usualChannel(g, g.Members[user])
			}
			if where == nil {
				continue
			}
		}
		for _, cmd := range app.VisibleCommands(guild) {
			if s.mayUse(cmd, guild, user, where) == nil {
				list = append(list, offeredCommand{app.Name, app.Bot.Avatar, cmd})
			}
		}
	}
	return list, nil
}

func (c *request) write() (any, error) {
	var in struct {
		Channel form.FlexID `json:"channel_id"`
		Content string      `json:"content"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	m, err := c.control.SendMessage(c.user(), world.ID(in.Channel), in.Content)
	return m, err
}

func (c *request) useInvite() (any, error) {
	var in struct {
		Code string `json:"code"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	return c.control.UseInvite(c.user(), in.Code)
}

// acceptRules makes a member pass the guild's membership screening, as its dialog in Discord does.
func (c *request) acceptRules() (any, error) {
	var in struct {
		Guild form.FlexID `json:"guild_id"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	guild, err := ask(c.control, func(s held) (world.ID, error) { return s.guildOr(world.ID(in.Guild), c.user()), nil })
	if err != nil {
		return nil, err
	}
	return nil, c.control.SetPending(guild, c.user(), false)
}

// setGuild changes what people must do to be active in a guild, and its AFK channel.
func (c *request) setGuild() (any, error) {
	var in struct {
		Screening *bool        `json:"screening"`
		Verify    *int         `json:"verification_level"`
		TwoFactor *bool        `json:"two_factor"`
		AFK       *form.FlexID `json:"afk_channel_id"`
		Boosts    *int         `json:"boosts"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	changes := 0
	var err error
	set := func(given bool, f func() error) {
		if given && err == nil {
			changes, err = changes+1, f()
		}
	}
	set(in.Screening != nil, func() error { return c.control.SetScreening(c.guild(), *in.Screening) })
	set(in.Verify != nil, func() error { return c.control.SetVerification(c.guild(), *in.Verify) })
	set(in.TwoFactor != nil, func() error { return c.control.RequireTwoFactor(c.guild(), *in.TwoFactor) })
	set(in.AFK != nil, func() error { return c.control.SetAFKChannel(c.guild(), world.ID(*in.AFK)) })
	set(in.Boosts != nil, func() error {
		if *in.Boosts < 0 || *in.Boosts > 1000 {
			return errors.New("boosts must be 0 to 1,000")
		}
		return c.control.SetBoosts(c.guild(), *in.Boosts)
	})
	if err == nil && changes == 0 {
		err = errors.New("nothing to change: give screening, verification_level, two_factor, afk_channel_id or boosts")
	}
	return nil, err
}

func (c *request) applications() (any, error) {
	type entry struct {
		StateApplication
		BotToken     string   `json:"bot_token"`
		ClientSecret string   `json:"client_secret"`
		RedirectURIs []string `json:"redirect_uris"`
	}
	return ask(c.control, func(s held) (any, error) {
		list := []entry{}
		for _, st := range s.stateApplications() {
			a := publicApplication(s.Apps[st.ID])
			list = append(list, entry{st, a.BotToken, a.ClientSecret, a.RedirectURIs})
		}
		return map[string]any{"applications": list}, nil
	})
}

func (c *request) addApplication() (any, error) {
	var in struct {
		Name      string   `json:"name"`
		Redirects []string `json:"redirect_uris"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	return c.control.AddApplication(ApplicationOptions{
		Name: in.Name, RedirectURIs: in.Redirects, AnyLoopbackRedirect: true,
	}), nil
}

// setApplication quarantines a bot, or ends that.
func (c *request) setApplication() (any, error) {
	var in struct {
		Quarantined *bool `json:"quarantined"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Quarantined == nil {
		return nil, errors.New("quarantined is missing: true or false")
	}
	return nil, c.control.Quarantine(c.app(), *in.Quarantined)
}

func (c *request) addGuild() (any, error) {
	var in struct {
		Name  string      `json:"name"`
		Owner form.FlexID `json:"owner_id"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if n := form.Runes(in.Name); n < 2 || n > 100 {
		return nil, errors.New("name must have 2 to 100 characters")
	}
	return c.control.AddGuild(in.Name, world.ID(in.Owner))
}

func (c *request) addChannel() (any, error) {
	var in struct {
		Name   string            `json:"name"`
		Type   world.ChannelType `json:"type"`
		Parent form.FlexID       `json:"parent_id"`
		Limit  int               `json:"user_limit"`
		Topic  string            `json:"topic"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if n := form.Runes(in.Name); n < 1 || n > 100 || in.Limit < 0 || in.Limit > 99 {
		return nil, errors.New("name must have 1 to 100 characters, and user_limit must be 0 to 99")
	}
	return c.control.AddChannel(c.guild(),
		ChannelOptions{Name: in.Name, Type: in.Type, Parent: world.ID(in.Parent), UserLimit: in.Limit, Topic: in.Topic})
}

func (c *request) addMember() (any, error) {
	var in struct {
		User       form.FlexID   `json:"user_id"`
		Username   string        `json:"username"`
		GlobalName string        `json:"global_name"`
		Nick       string        `json:"nick"`
		Roles      []form.FlexID `json:"roles"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	roles := make([]world.ID, len(in.Roles))
	for i, r := range in.Roles {
		roles[i] = world.ID(r)
	}
	id := world.ID(in.User)
	if id == 0 {
		if in.Username == "" || len(in.Username) > 32 {
			return nil, errors.New("give the member as user_id, or a new one as username")
		}
		id = c.control.AddUser(in.Username, in.GlobalName).ID
	}
	if err := c.control.AddMember(c.guild(), id, in.Nick, roles...); err != nil {
		return nil, err
	}
	return ask(c.control, func(s held) (any, error) {
		if m := s.Member(c.guild(), id); m != nil {
			return m.Wire(), nil
		}
		return nil, form.UnknownMember()
	})
}

func (c *request) removeMember() (any, error) {
	return nil, c.control.RemoveMember(c.guild(), c.user())
}

// permissionChange sets, revokes or grants permissions.
type permissionChange struct {
	Permissions *world.Permissions `json:"permissions"`
	Deny        *world.Permissions `json:"deny"`
	Allow       *world.Permissions `json:"allow"`
}

func (p permissionChange) apply(now world.Permissions) world.Permissions {
	if p.Permissions != nil {
		now = *p.Permissions
	}
	if p.Deny != nil {
		now &^= *p.Deny
	}
	if p.Allow != nil {
		now |= *p.Allow
	}
	return now & world.AllPermissions
}

// setBot changes the permissions of a bot's own role in a guild, and adds the bot if needed.
func (c *request) setBot() (any, error) {
	var in struct {
		App form.FlexID `json:"application_id"`
		permissionChange
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	app := world.ID(in.App)
	var now world.Permissions
	c.control.world.View(func(s *world.State) {
		if app == 0 && len(s.Apps) == 1 {
			app = world.SortedIDs(s.Apps)[0]
		}
		now = in.apply(botPermissions(s.Guilds[c.guild()], app))
	})
	if err := c.control.InstallBot(c.guild(), app, now); err != nil {
		return nil, err
	}
	return map[string]any{"application_id": app, "permissions": now}, nil
}

// setRole changes a role's permissions.
func (c *request) setRole() (any, error) {
	var in permissionChange
	if err := c.read(&in); err != nil {
		return nil, err
	}
	id := form.ParseID(c.r.PathValue("role"))
	var now world.Permissions
	c.control.world.View(func(s *world.State) {
		if g := s.Guilds[c.guild()]; g != nil && g.Roles[id] != nil {
			now = g.Roles[id].Permissions
		}
	})
	now = in.apply(now)
	if err := c.control.SetRole(c.guild(), id, now); err != nil {
		return nil, err
	}
	return map[string]any{"role_id": id, "permissions": now}, nil
}

// botPermissions returns the permissions of a bot's own role in a guild.
func botPermissions(g *world.Guild, app world.ID) world.Permissions {
	if g == nil {
		return 0
	}
	for _, r := range g.Roles {
		if r.BotID == app {
			return r.Permissions
		}
	}
	return 0
}

// time tells the world's time.
func (c *request) time() (any, error) {
	return map[string]any{"now": c.control.opts.Advance(0)}, nil
}

// advance moves the world's clock forward.
func (c *request) advance() (any, error) {
	var in struct {
		Advance float64 `json:"advance"` // seconds
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if !(in.Advance >= 0 && in.Advance <= longest.Seconds()) {
		return nil, errors.New("advance must be seconds, from 0 to ten years")
	}
	now := c.control.opts.Advance(faults.Seconds(in.Advance))
	c.control.world.Update(func(s *world.State) { s.SweepThreads() })
	return map[string]any{"now": now}, nil
}

// longest is how far a script may advance the clock at once.
const longest = 10 * 365 * 24 * time.Hour

func (c *request) snapshot() (any, error) {
	raw, err := c.control.Snapshot()
	return json.RawMessage(raw), err
}

func (c *request) restore() (any, error) { return nil, c.control.RestoreSnapshot(c.body) }

func (c *request) markStart() (any, error) { return nil, c.control.MarkStart() }

func (c *request) reset() (any, error) { return nil, c.control.Reset() }
