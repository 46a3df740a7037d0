package world

import (
	"slices"
	"strings"
	"time"
)

// Invite lets its users join a guild.
type Invite struct {
	Code      string
	Guild     ID
	Channel   ID
	Inviter   ID
	MaxAge    int // seconds; 0: forever
	MaxUses   int // 0: any number
	Uses      int
	Temporary bool // members leave when they disconnect, unless they got a role
	Created   time.Time
	Targets   *Targets // nil: anybody with the code
	Roles     []ID     // granted to users who accept
}

// Expired reports whether an invite can't be used any more.
func (i *Invite) Expired(now time.Time) bool {
	return i.MaxAge > 0 && now.Sub(i.Created) >= time.Duration(i.MaxAge)*time.Second ||
		i.MaxUses > 0 && i.Uses >= i.MaxUses
}

// WireInvite is an invite in responses.
type WireInvite struct {
	Type      int            `json:"type"`
	Code      string         `json:"code"`
	Inviter   *WireUser      `json:"inviter,omitempty"`
	MaxAge    *int           `json:"max_age,omitempty"`
	CreatedAt *Stamp         `json:"created_at,omitempty"`
	ExpiresAt *Stamp         `json:"expires_at"`
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
func (s *State) WireInvite(i *Invite, meta bool) WireInvite {
	g, ch := s.Guilds[i.Guild], s.Channels[i.Channel]
	w := WireInvite{Code: i.Code, GuildID: g.ID,
		Guild: map[string]any{"id": g.ID, "name": g.Name, "icon": Optional(g.Icon), "splash": nil, "banner": nil,
			"description": Optional(g.Description), "features": []string{}, "verification_level": g.Verify,
			"vanity_url_code": nil, "nsfw_level": 0, "nsfw": false, "premium_subscription_count": g.Boosts,
			"premium_tier": g.Tier()},
		Channel: map[string]any{"id": ch.ID, "name": ch.Name, "type": ch.Kind}}
	if u := s.Users[i.Inviter]; u != nil {
		wu := u.Wire()
		w.Inviter = &wu
	}
	if i.MaxAge > 0 {
		w.ExpiresAt = OptionalTime(i.Created.Add(time.Duration(i.MaxAge) * time.Second))
	}
	if meta {
		w.MaxAge, w.CreatedAt, w.Uses = &i.MaxAge, OptionalTime(i.Created), &i.Uses
		w.MaxUses, w.Temporary = &i.MaxUses, &i.Temporary
	}
	return w
}

// LiveInvite finds a valid invite.
func (s *State) LiveInvite(code string) *Invite {
	i := s.Invites[code]
	if i == nil || i.Expired(s.Now()) || s.Channels[i.Channel] == nil {
		return nil
	}
	return i
}

// InvitesOf lists the valid invites that match, by code.
func (s *State) InvitesOf(match func(*Invite) bool) []*Invite {
	list := []*Invite{}
	for _, i := range s.Invites {
		if match(i) && s.LiveInvite(i.Code) != nil {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b *Invite) int { return strings.Compare(a.Code, b.Code) })
	return list
}

// WireInvites lists invites as those who manage them see them.
func (s *State) WireInvites(list []*Invite) []WireInvite {
	out := []WireInvite{}
	for _, i := range list {
		out = append(out, s.WireInvite(i, true))
	}
	return out
}

// InviteCode makes a code.
func (s *State) InviteCode() string {
	const letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	b := make([]byte, 8)
	for i := range b {
		b[i] = letters[s.rng.IntN(len(letters))]
	}
	return string(b)
}

// InviteEvent goes to bots that manage the channel.
func (s *State) InviteEvent(name string, g *Guild, ch *Channel, data map[string]any) {
	s.Dispatch(Event{Name: name, Intent: IntentGuildInvites, Guild: g, Per: func(to Receiver) any {
		if !s.PermsIn(g, g.Members[to.App.ID], ch).Has(PermManageChannels) {
			return nil
		}
		return data
	}})
}

// RemoveInvite deletes an invite.
func (s *State) RemoveInvite(code string) {
	i := s.Invites[code]
	delete(s.Invites, code)
	g, ch := s.Guilds[i.Guild], s.Channels[i.Channel]
	if ch == nil {
		return
	}
	s.InviteEvent("INVITE_DELETE", g, ch, map[string]any{"channel_id": i.Channel, "guild_id": i.Guild, "code": code})
}

// TargetTime is how long the simulator processes an invite's target users. Discord does so "asynchronously"
// and says no more; here nobody can accept the invite until then, which is a guess on the strict side.
const TargetTime = 150 * time.Millisecond

// Targets are the users who may see and accept an invite.
type Targets struct {
	Users []ID
	Since time.Time // when they were uploaded; Discord takes TargetTime to read them
}

// Done reports whether the list of users has been processed.
func (t *Targets) Done(now time.Time) bool { return now.Sub(t.Since) >= TargetTime }

// Open reports whether a user may accept the invite. Others get the same response as if it didn't exist.
func (i *Invite) Open(user ID, now time.Time) bool {
	return i.Targets == nil || i.Targets.Done(now) && slices.Contains(i.Targets.Users, user)
}
