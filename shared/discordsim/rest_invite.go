package discordsim

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// invite lets its users join a guild. Guarded by Server.mu.
type invite struct {
	code      string
	guild     ID
	channel   ID
	inviter   ID
	maxAge    int // seconds; 0: forever
	maxUses   int
	uses      int
	temporary bool
	created   time.Time
	targets   *targets // nil: anybody with the code
	roles     []ID     // granted to users who accept
}

func (i *invite) expired(now time.Time) bool {
	return i.maxAge > 0 && now.Sub(i.created) >= time.Duration(i.maxAge)*time.Second ||
		i.maxUses > 0 && i.uses >= i.maxUses
}

type wireInvite struct {
	Type      int            `json:"type"`
	Code      string         `json:"code"`
	Inviter   *wireUser      `json:"inviter,omitempty"`
	MaxAge    *int           `json:"max_age,omitempty"`
	CreatedAt *stamp         `json:"created_at,omitempty"`
	ExpiresAt *stamp         `json:"expires_at"`
	Flags     int            `json:"flags"`
	Guild     map[string]any `json:"guild"`
	GuildID   ID             `json:"guild_id"`
	Channel   map[string]any `json:"channel"`
	Uses      *int           `json:"uses,omitempty"`
	MaxUses   *int           `json:"max_uses,omitempty"`
	Temporary *bool          `json:"temporary,omitempty"`
	Members   *int           `json:"approximate_member_count,omitempty"`
	Presences *int           `json:"approximate_presence_count,omitempty"`
}

// wire returns an invite; meta adds what only those who manage it see.
func (s *Server) wireInvite(i *invite, meta bool) wireInvite {
	g, ch := s.guilds[i.guild], s.channels[i.channel]
	w := wireInvite{Code: i.code, GuildID: g.id,
		Guild: map[string]any{"id": g.id, "name": g.name, "icon": optional(g.icon), "splash": nil, "banner": nil,
			"description": optional(g.description), "features": []string{}, "verification_level": g.verify,
			"vanity_url_code": nil, "nsfw_level": 0, "nsfw": false, "premium_subscription_count": 0, "premium_tier": 0},
		Channel: map[string]any{"id": ch.id, "name": ch.name, "type": ch.kind}}
	if u := s.users[i.inviter]; u != nil {
		wu := u.wire()
		w.Inviter = &wu
	}
	if i.maxAge > 0 {
		w.ExpiresAt = optionalTime(i.created.Add(time.Duration(i.maxAge) * time.Second))
	}
	if meta {
		w.MaxAge, w.CreatedAt, w.Uses = &i.maxAge, optionalTime(i.created), &i.uses
		w.MaxUses, w.Temporary = &i.maxUses, &i.temporary
	}
	return w
}

// liveInvite finds a valid invite.
func (s *Server) liveInvite(code string) *invite {
	i := s.invites[code]
	if i == nil || i.expired(s.now()) || s.channels[i.channel] == nil {
		return nil
	}
	return i
}

func (s *Server) invitesOf(match func(*invite) bool) []*invite {
	list := []*invite{}
	for _, i := range s.invites {
		if match(i) && s.liveInvite(i.code) != nil {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b *invite) int { return strings.Compare(a.code, b.code) })
	return list
}

func (s *Server) wireInvites(list []*invite) []wireInvite {
	out := []wireInvite{}
	for _, i := range list {
		out = append(out, s.wireInvite(i, true))
	}
	return out
}

func createInvite(c *call) (int, any, error) {
	g, _, ch, err := c.channelWith(PermCreateInstantInvite)
	if err != nil {
		return 0, nil, err
	}
	if ch.kind == ChannelCategory {
		return 0, nil, errWrongChannelType()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	i := &invite{guild: g.id, channel: ch.id, inviter: c.app.id, maxAge: 86400, created: c.now()}
	if f.given("max_age") {
		i.maxAge = f.num("max_age", 0, 604800)
	}
	i.maxUses, i.temporary = f.num("max_uses", 0, 100), f.yes("temporary")
	unique := f.yes("unique")
	if i.targets, err = c.targetFile(); err != nil {
		return 0, nil, err
	}
	if i.roles, err = c.inviteRoles(f, g); err != nil {
		return 0, nil, err
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	unique = unique || i.targets != nil || len(i.roles) > 0
	mine := c.invitesOf(func(x *invite) bool { return x.guild == g.id })
	for _, x := range mine {
		if !unique && x.channel == i.channel && x.inviter == i.inviter && x.maxAge == i.maxAge &&
			x.maxUses == i.maxUses && x.temporary == i.temporary && x.targets == nil && len(x.roles) == 0 {
			return 200, c.wireInvite(x, true), nil // an existing one with the same settings is returned
		}
	}
	if len(mine) >= c.opts.Limits.Invites {
		return 0, nil, fail(400, 30016, "Maximum number of invites reached ("+strconv.Itoa(c.opts.Limits.Invites)+")")
	}
	i.code = c.inviteCode()
	c.invites[i.code] = i
	w := c.wireInvite(i, true)
	c.inviteEvent("INVITE_CREATE", g, ch, map[string]any{"channel_id": ch.id, "guild_id": g.id, "code": i.code,
		"created_at": w.CreatedAt, "inviter": w.Inviter, "max_age": i.maxAge, "max_uses": i.maxUses,
		"temporary": i.temporary, "uses": 0, "type": 0, "expires_at": w.ExpiresAt})
	c.audit(g, auditInviteCreate, 0, change{"code", nil, i.code})
	return 200, w, nil
}

func (s *Server) inviteCode() string {
	const letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	b := make([]byte, 8)
	for i := range b {
		b[i] = letters[s.rng.IntN(len(letters))]
	}
	return string(b)
}

// inviteEvent goes to bots that manage the channel.
func (s *Server) inviteEvent(name string, g *guild, ch *channel, data map[string]any) {
	s.dispatch(event{name: name, intent: IntentGuildInvites, guild: g, per: func(sess *session) any {
		if !s.permsIn(g, g.members[sess.app.id], ch).Has(PermManageChannels) {
			return nil
		}
		return data
	}})
}

func (s *Server) removeInvite(code string) {
	i := s.invites[code]
	delete(s.invites, code)
	g, ch := s.guilds[i.guild], s.channels[i.channel]
	if ch == nil {
		return
	}
	s.inviteEvent("INVITE_DELETE", g, ch, map[string]any{"channel_id": i.channel, "guild_id": i.guild, "code": code})
}

func getInvite(c *call) (int, any, error) {
	i := c.liveInvite(c.r.PathValue("code"))
	// "Only users in that list can see and accept the invite", and its creator.
	if i == nil || i.targets != nil && (c.app == nil || c.app.id != i.inviter) &&
		(c.user == nil || !i.open(c.user.id, c.now())) {
		return 0, nil, errUnknownInvite()
	}
	w := c.wireInvite(i, false)
	if c.queryYes("with_counts") {
		n := len(c.guilds[i.guild].members)
		w.Members, w.Presences = &n, &n
	}
	return 200, w, nil
}

func deleteInvite(c *call) (int, any, error) {
	i := c.liveInvite(c.r.PathValue("code"))
	if i == nil {
		return 0, nil, errUnknownInvite()
	}
	g, ch := c.guilds[i.guild], c.channels[i.channel]
	m := g.members[c.app.id]
	if m == nil || !c.permsIn(g, m, ch).Has(PermManageChannels) && !c.basePerms(g, m).Has(PermManageGuild) {
		return 0, nil, errMissingPermissions()
	}
	w := c.wireInvite(i, false)
	c.removeInvite(i.code)
	c.audit(g, auditInviteDelete, 0, change{"code", i.code, nil})
	return 200, w, nil
}

func getChannelInvites(c *call) (int, any, error) {
	_, _, ch, err := c.channelWith(PermManageChannels)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.wireInvites(c.invitesOf(func(i *invite) bool { return i.channel == ch.id })), nil
}

func getGuildInvites(c *call) (int, any, error) {
	g, _, err := c.guildWith(PermManageGuild)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.wireInvites(c.invitesOf(func(i *invite) bool { return i.guild == g.id })), nil
}

func itoa(n int) string { return strconv.Itoa(n) }

// UseInvite adds a user to a guild with an invite's code.
func (s *Server) UseInvite(user ID, code string) (Guild, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, i := s.users[user], s.liveInvite(code)
	if u == nil {
		return Guild{}, errUnknownUser()
	}
	if i == nil || !i.open(user, s.now()) {
		return Guild{}, errUnknownInvite()
	}
	g := s.guilds[i.guild]
	if _, banned := g.bans[user]; banned {
		return Guild{}, fail(403, 40007, "The user is banned from this guild.")
	}
	if g.members[user] == nil {
		if i.uses = min(i.uses+1, math.MaxInt32); i.expired(s.now()) {
			s.removeInvite(code) // bots that track invites rely on its deletion being dispatched before the member
		}
		s.addMember(g, u, "", i.roles)
	}
	return Guild{ID: g.id, Name: g.name, Owner: g.owner}, nil
}
