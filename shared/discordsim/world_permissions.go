package discordsim

import (
	"encoding/json"
	"fmt"
	"strconv"
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

// basePerms returns a member's permissions in the guild, without any channel's overwrites ("Permission
// hierarchy" and "Implicit permissions" in Discord's documentation).
func (s *state) basePerms(g *guild, m *member) Permissions {
	if m == nil {
		return 0
	}
	if g.owner == m.user.id {
		return AllPermissions
	}
	var p Permissions
	if r := g.roles[g.id]; r != nil {
		p = r.permissions
	}
	for _, id := range m.roles {
		if r := g.roles[id]; r != nil {
			p |= r.permissions
		}
	}
	if p.Has(PermAdministrator) {
		return AllPermissions
	}
	if s.restricted(g, m) {
		p &= timeoutKeeps
	}
	return p
}

// permsIn returns a member's permissions in a channel: @everyone's overwrite, then the roles'
// combined, then the member's, then the implicit rules.
func (s *state) permsIn(g *guild, m *member, c *channel) Permissions {
	base := s.basePerms(g, m)
	if base.Has(PermAdministrator) {
		return AllPermissions
	}
	p := withOverwrites(base, g, m, c)
	if m != nil && s.restricted(g, m) {
		p &= timeoutKeeps
	}
	return implied(p, c)
}

func withOverwrites(p Permissions, g *guild, m *member, c *channel) Permissions {
	if m == nil || len(c.overwrites) == 0 {
		return p
	}
	if i := c.findOverwrite(g.id); i >= 0 {
		p = p&^c.overwrites[i].deny | c.overwrites[i].allow
	}
	var allow, deny Permissions
	var own *overwrite
	for i := range c.overwrites {
		o := &c.overwrites[i]
		switch {
		case o.id == g.id:
		case o.kind == overwriteMember && o.id == m.user.id:
			own = o
		case o.kind == overwriteRole && m.has(o.id):
			allow |= o.allow
			deny |= o.deny
		}
	}
	p = p&^deny | allow
	if own != nil {
		p = p&^own.deny | own.allow
	}
	return p
}

func implied(p Permissions, c *channel) Permissions {
	if !p.Has(PermViewChannel) {
		return 0
	}
	if c.voice() && !p.Has(PermConnect) {
		p &^= voiceImplied
	}
	if !p.Has(PermSendMessages) {
		p &^= textImplied
	}
	return p
}

// canSee reports whether a user can see a channel: a member with VIEW_CHANNEL, or a recipient of a DM channel.
func (s *state) canSee(user ID, c *channel) bool {
	if c.guild == 0 {
		return c.isParty(user)
	}
	g := s.guilds[c.guild]
	if g == nil {
		return false
	}
	m := g.members[user]
	return m != nil && s.permsIn(g, m, c).Has(PermViewChannel)
}

// topRole returns the position and id of a member's highest role; the owner is above all roles.
func (g *guild) topRole(m *member) (pos int, id ID) {
	if m == nil {
		return -1, 0
	}
	if g.owner == m.user.id {
		return 1 << 30, 0
	}
	id = g.id
	for _, rid := range m.roles {
		r := g.roles[rid]
		if r != nil && (r.position > pos || r.position == pos && r.id < id) {
			pos, id = r.position, rid
		}
	}
	return pos, id
}

// outranks reports whether a is above b in the guild's hierarchy.
func (g *guild) outranks(a, b *member) bool {
	if b != nil && g.owner == b.user.id {
		return false
	}
	pa, _ := g.topRole(a)
	pb, _ := g.topRole(b)
	return pa > pb
}

// aboveRole reports whether a member is above a role.
func (g *guild) aboveRole(m *member, r *role) bool {
	pos, id := g.topRole(m)
	return pos > r.position || pos == r.position && id < r.id && id != 0
}

// readPermissions reads a permission bit set from a request and drops unknown bits.
func readPermissions(f *form, name string) Permissions {
	return Permissions(f.bits(name)) & AllPermissions
}
