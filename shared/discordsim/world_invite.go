package discordsim

import (
	"slices"
	"strings"
	"time"
)

// invite lets its users join a guild.
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

// expired reports whether an invite can't be used any more.
func (i *invite) expired(now time.Time) bool {
	return i.maxAge > 0 && now.Sub(i.created) >= time.Duration(i.maxAge)*time.Second ||
		i.maxUses > 0 && i.uses >= i.maxUses
}

// wireInvite is an invite in responses.
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
func (s *state) wireInvite(i *invite, meta bool) wireInvite {
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
func (s *state) liveInvite(code string) *invite {
	i := s.invites[code]
	if i == nil || i.expired(s.now()) || s.channels[i.channel] == nil {
		return nil
	}
	return i
}

// invitesOf lists the valid invites that match, by code.
func (s *state) invitesOf(match func(*invite) bool) []*invite {
	list := []*invite{}
	for _, i := range s.invites {
		if match(i) && s.liveInvite(i.code) != nil {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b *invite) int { return strings.Compare(a.code, b.code) })
	return list
}

// wireInvites lists invites as those who manage them see them.
func (s *state) wireInvites(list []*invite) []wireInvite {
	out := []wireInvite{}
	for _, i := range list {
		out = append(out, s.wireInvite(i, true))
	}
	return out
}

// inviteCode makes a code.
func (s *state) inviteCode() string {
	const letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	b := make([]byte, 8)
	for i := range b {
		b[i] = letters[s.rng.IntN(len(letters))]
	}
	return string(b)
}

// inviteEvent goes to bots that manage the channel.
func (s *state) inviteEvent(name string, g *guild, ch *channel, data map[string]any) {
	s.dispatch(event{name: name, intent: IntentGuildInvites, guild: g, per: func(to receiver) any {
		if !s.permsIn(g, g.members[to.app.id], ch).Has(PermManageChannels) {
			return nil
		}
		return data
	}})
}

// removeInvite deletes an invite.
func (s *state) removeInvite(code string) {
	i := s.invites[code]
	delete(s.invites, code)
	g, ch := s.guilds[i.guild], s.channels[i.channel]
	if ch == nil {
		return
	}
	s.inviteEvent("INVITE_DELETE", g, ch, map[string]any{"channel_id": i.channel, "guild_id": i.guild, "code": code})
}

// targetTime is how long the simulator processes an invite's target users. Discord does so "asynchronously"
// and says no more; here nobody can accept the invite until then, which is a guess on the strict side.
const targetTime = 150 * time.Millisecond

// targets are the users who may see and accept an invite.
type targets struct {
	users []ID
	since time.Time
}

// done reports whether the list of users has been processed.
func (t *targets) done(now time.Time) bool { return now.Sub(t.since) >= targetTime }

// open reports whether a user may accept the invite. Others get the same response as if it didn't exist.
func (i *invite) open(user ID, now time.Time) bool {
	return i.targets == nil || i.targets.done(now) && slices.Contains(i.targets.users, user)
}
