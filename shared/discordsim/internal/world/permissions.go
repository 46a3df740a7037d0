package world

import (
	"encoding/json"
	"fmt"
	"strconv"

	"snug/shared/discordsim/internal/world/form"
)

// Permissions is a permission bit set, numbered as in Discord's document "Permissions". In JSON it is a decimal string.
type Permissions uint64

// The permissions by Discord's names.
const (
	PermCreateInstantInvite Permissions = 1 << iota
	PermKickMembers
	PermBanMembers
	PermAdministrator
	PermManageChannels
	PermManageGuild
	PermAddReactions
	PermViewAuditLog
	PermPrioritySpeaker
	PermStream
	PermViewChannel
	PermSendMessages
	PermSendTTSMessages
	PermManageMessages
	PermEmbedLinks
	PermAttachFiles
	PermReadMessageHistory
	PermMentionEveryone
	PermUseExternalEmojis
	PermViewGuildInsights
	PermConnect
	PermSpeak
	PermMuteMembers
	PermDeafenMembers
	PermMoveMembers
	PermUseVAD
	PermChangeNickname
	PermManageNicknames
	PermManageRoles
	PermManageWebhooks
	PermManageGuildExpressions
	PermUseApplicationCommands
	PermRequestToSpeak
	PermManageEvents
	PermManageThreads
	PermCreatePublicThreads
	PermCreatePrivateThreads
	PermUseExternalStickers
	PermSendMessagesInThreads
	PermUseEmbeddedActivities
	PermModerateMembers
	PermViewCreatorMonetizationAnalytics
	PermUseSoundboard
	PermCreateGuildExpressions
	PermCreateEvents
	PermUseExternalSounds
	PermSendVoiceMessages
	permReserved47
	PermSetVoiceChannelStatus
	PermSendPolls
	PermUseExternalApps
	PermPinMessages
	PermBypassSlowmode
)

// AllPermissions contains every existing permission.
const AllPermissions = (PermBypassSlowmode<<1 - 1) &^ permReserved47

// DefaultEveryone are @everyone's permissions in a new guild.
const DefaultEveryone = PermCreateInstantInvite | PermAddReactions | PermStream | PermViewChannel |
	PermSendMessages | PermEmbedLinks | PermAttachFiles | PermReadMessageHistory | PermMentionEveryone |
	PermUseExternalEmojis | PermConnect | PermSpeak | PermUseVAD | PermChangeNickname |
	PermUseApplicationCommands | PermRequestToSpeak | PermCreatePublicThreads | PermUseExternalStickers |
	PermSendMessagesInThreads | PermUseEmbeddedActivities | PermUseSoundboard | PermSendVoiceMessages | PermSendPolls

// voiceImplied are the permissions that depend on CONNECT: without it a member can neither act in a
// voice channel nor manage it.
const voiceImplied = PermStream | PermSpeak | PermMuteMembers | PermDeafenMembers | PermMoveMembers | PermUseVAD |
	PermPrioritySpeaker | PermRequestToSpeak | PermUseEmbeddedActivities | PermUseSoundboard |
	PermUseExternalSounds | PermSetVoiceChannelStatus | PermManageChannels | PermManageRoles | PermManageWebhooks

// textImplied are the permissions that depend on SEND_MESSAGES.
const textImplied = PermMentionEveryone | PermSendTTSMessages | PermAttachFiles | PermEmbedLinks | PermSendPolls |
	PermSendVoiceMessages

// timeoutKeeps are the permissions of a member who is timed out, pending or not verified.
const timeoutKeeps = PermViewChannel | PermReadMessageHistory

// Has reports whether p holds all bits of q.
func (p Permissions) Has(q Permissions) bool { return p&q == q }

// MarshalJSON encodes the set as a decimal string.
func (p Permissions) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strconv.FormatUint(uint64(p), 10) + `"`), nil
}

// UnmarshalJSON accepts a decimal string or a number, as Discord does.
func (p *Permissions) UnmarshalJSON(b []byte) error {
	s := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return fmt.Errorf("discordsim: %q is not a permission set: %w", s, err)
	}
	*p = Permissions(n)
	return nil
}

// BasePerms returns a member's permissions in the guild, without any channel's overwrites ("Permission
// hierarchy" and "Implicit permissions" in Discord's documentation).
func (s *State) BasePerms(g *Guild, m *Member) Permissions {
	if m == nil {
		return 0
	}
	if g.Owner == m.User.ID {
		return AllPermissions
	}
	var p Permissions
	if r := g.Roles[g.ID]; r != nil {
		p = r.Permissions
	}
	for _, id := range m.Roles {
		if r := g.Roles[id]; r != nil {
			p |= r.Permissions
		}
	}
	if p.Has(PermAdministrator) {
		return AllPermissions
	}
	if s.restricted(g, m) {
		p &= s.kept(m)
	}
	return p
}

// PermsIn returns a member's permissions in a channel: @everyone's overwrite, then the roles'
// combined, then the member's, then the implicit rules.
func (s *State) PermsIn(g *Guild, m *Member, c *Channel) Permissions {
	base := s.BasePerms(g, m)
	if base.Has(PermAdministrator) {
		return AllPermissions
	}
	in := c
	if c.Thread != nil {
		if in = g.Channels[c.Parent]; in == nil {
			return 0
		}
	}
	p := withOverwrites(base, g, m, in)
	if c.Thread != nil {
		p = inThread(p)
	}
	if m != nil && s.restricted(g, m) {
		p &= s.kept(m)
	}
	p = implied(p, in)
	if c.Private() && !p.Has(PermManageThreads) {
		if m == nil {
			return 0
		}
		if _, is := c.Thread.Members[m.User.ID]; !is {
			return 0
		}
	}
	return p
}

// inThread returns a channel's permissions in its threads: all but Send Messages, which has one of its own there
// ("Threads", "Permissions").
func inThread(p Permissions) Permissions {
	p &^= PermSendMessages
	if p.Has(PermSendMessagesInThreads) {
		p |= PermSendMessages
	}
	return p
}

func withOverwrites(p Permissions, g *Guild, m *Member, c *Channel) Permissions {
	if m == nil || len(c.Overwrites) == 0 {
		return p
	}
	if i := c.FindOverwrite(g.ID); i >= 0 {
		p = p&^c.Overwrites[i].Deny | c.Overwrites[i].Allow
	}
	var allow, deny Permissions
	var own *Overwrite
	for i := range c.Overwrites {
		o := &c.Overwrites[i]
		switch {
		case o.ID == g.ID:
		case o.Kind == OverwriteMember && o.ID == m.User.ID:
			own = o
		case o.Kind == OverwriteRole && m.Has(o.ID):
			allow |= o.Allow
			deny |= o.Deny
		}
	}
	p = p&^deny | allow
	if own != nil {
		p = p&^own.Deny | own.Allow
	}
	return p
}

func implied(p Permissions, c *Channel) Permissions {
	if !p.Has(PermViewChannel) {
		return 0
	}
	if c.Voice() && !p.Has(PermConnect) {
		p &^= voiceImplied
	}
	if !p.Has(PermSendMessages) {
		p &^= textImplied
	}
	return p
}

// CanSee reports whether a user can see a channel: a member with VIEW_CHANNEL, or a recipient of a DM channel.
func (s *State) CanSee(user ID, c *Channel) bool {
	if c.Guild == 0 {
		return c.IsParty(user)
	}
	g := s.Guilds[c.Guild]
	if g == nil {
		return false
	}
	m := g.Members[user]
	return m != nil && s.PermsIn(g, m, c).Has(PermViewChannel)
}

// TopRole returns the position and id of a member's highest role; the owner is above all roles.
func (g *Guild) TopRole(m *Member) (pos int, id ID) {
	if m == nil {
		return -1, 0
	}
	if g.Owner == m.User.ID {
		return 1 << 30, 0
	}
	id = g.ID
	for _, rid := range m.Roles {
		r := g.Roles[rid]
		if r != nil && (r.Position > pos || r.Position == pos && r.ID < id) {
			pos, id = r.Position, rid
		}
	}
	return pos, id
}

// Outranks reports whether a is above b in the guild's hierarchy.
func (g *Guild) Outranks(a, b *Member) bool {
	if b != nil && g.Owner == b.User.ID {
		return false
	}
	pa, _ := g.TopRole(a)
	pb, _ := g.TopRole(b)
	return pa > pb
}

// AboveRole reports whether a member is above a role.
func (g *Guild) AboveRole(m *Member, r *Role) bool {
	pos, id := g.TopRole(m)
	return pos > r.Position || pos == r.Position && id < r.ID && id != 0
}

// ReadPermissions reads a permission bit set from a request and drops unknown bits.
func ReadPermissions(f *form.Form, name string) Permissions {
	return Permissions(f.Bits(name)) & AllPermissions
}
