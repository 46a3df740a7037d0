package world

import "slices"

// CustomEmoji is an emoji of a guild or an application ("Emoji Resource").
type CustomEmoji struct {
	ID       ID     `json:"id"`
	Name     string `json:"name"`
	Roles    []ID   `json:"roles,omitempty"` // who may use it; empty: everybody
	User     ID     `json:"user_id"`         // who made it
	Animated bool   `json:"animated,omitempty"`
}

// WireEmoji is an emoji in responses and events.
type WireEmoji struct {
	ID        ID        `json:"id"`
	Name      string    `json:"name"`
	Roles     []ID      `json:"roles"`
	User      *WireUser `json:"user,omitempty"`
	Colons    bool      `json:"require_colons"`
	Managed   bool      `json:"managed"`
	Animated  bool      `json:"animated"`
	Available bool      `json:"available"`
}

// AppEmojisMost is how many emojis an application can have ("Application-Owned Emoji").
const AppEmojisMost = 2000

// MaxEmojis returns how many emojis a guild can have of each kind, animated or not, which depends on the boost tier
// ("Server Boosting FAQ" in Discord's help).
func (g *Guild) MaxEmojis() int { return [...]int{50, 100, 150, 250}[g.Tier()] }

// EmojisLike counts a guild's emojis that are animated, or that aren't.
func (g *Guild) EmojisLike(animated bool) (n int) {
	for _, e := range g.Emojis {
		if e.Animated == animated {
			n++
		}
	}
	return n
}

// Wire returns an emoji without who made it.
func (e *CustomEmoji) Wire() WireEmoji {
	return WireEmoji{ID: e.ID, Name: e.Name, Roles: append([]ID{}, e.Roles...), Colons: true, Animated: e.Animated,
		Available: true}
}

// WireEmojis lists a guild's emojis, oldest first. Those beyond the limit, which sinks with the boosts, can't be used.
func (g *Guild) WireEmojis() []WireEmoji {
	list, of := []WireEmoji{}, map[bool]int{}
	for _, id := range SortedIDs(g.Emojis) {
		w := g.Emojis[id].Wire()
		of[w.Animated]++
		w.Available = of[w.Animated] <= g.MaxEmojis()
		list = append(list, w)
	}
	return list
}

// EmojisEvent dispatches a guild's emojis after a change of them.
func (s *State) EmojisEvent(g *Guild) {
	s.Dispatch(Event{Name: "GUILD_EMOJIS_UPDATE", Intent: IntentGuildExpressions, Guild: g, Data: struct {
		GuildRef
		Emojis []WireEmoji `json:"emojis"`
	}{GuildRef{g.ID}, g.WireEmojis()}})
}

// MayUseEmoji reports whether a user can use a custom emoji in a channel where they have the permissions: one of
// that guild; with Use External Emojis also of another that they are in; or a bot one of its application.
func (s *State) MayUseEmoji(user, emoji ID, in *Channel, p Permissions) bool {
	if a := s.Apps[user]; a != nil && a.Emojis[emoji] != nil {
		return true
	}
	for _, g := range s.Guilds {
		e, m := g.Emojis[emoji], g.Members[user]
		if e == nil || m == nil {
			continue
		}
		i := slices.IndexFunc(g.WireEmojis(), func(w WireEmoji) bool { return w.ID == emoji })
		return g.WireEmojis()[i].Available && (len(e.Roles) == 0 || slices.ContainsFunc(e.Roles, m.Has)) &&
			(g.ID == in.Guild || in.Guild == 0 || p.Has(PermUseExternalEmojis))
	}
	return false
}

// EmojisFor returns which custom emojis the author of a message can use in it. That a webhook of nobody's can use its
// server's is a guess.
func (s *State) EmojisFor(m *Message) func(ID) bool {
	by := m.Author.ID
	if m.App != nil {
		by = m.App.ID
	}
	in, p := s.Channels[m.Channel], AllPermissions
	g := s.Guilds[m.Guild]
	if g != nil && in != nil && g.Members[by] != nil {
		p = s.PermsIn(g, g.Members[by], in)
	}
	return func(id ID) bool {
		ofWebhook := m.Webhook != 0 && g != nil && g.Emojis[id] != nil
		return ofWebhook || in != nil && s.MayUseEmoji(by, id, in, p)
	}
}

// forgetRole removes a role that is gone from the emojis: that the others of an emoji stay is a guess.
func (s *State) forgetRole(g *Guild, role ID) {
	changed := false
	for _, e := range g.Emojis {
		if i := slices.Index(e.Roles, role); i >= 0 {
			e.Roles, changed = slices.Delete(slices.Clone(e.Roles), i, i+1), true
		}
	}
	if changed {
		s.EmojisEvent(g)
	}
}
