package world

import (
	"slices"
	"strings"

	"snug/shared/discordsim/internal/world/form"
)

// reaction is an emoji with the users who reacted with it.
type reaction struct {
	emoji string
	id    ID
	users []ID
}

// reactionsMost is how many different emojis a message can have.
const reactionsMost = 20

func (r *reaction) wire(viewer ID) wireReaction {
	return wireReaction{Emoji: r.wireEmoji(), Count: len(r.users),
		Details: map[string]int{"normal": len(r.users), "burst": 0},
		Colors:  []string{}, Me: slices.Contains(r.users, viewer)}
}

func (r *reaction) wireEmoji() map[string]any {
	return map[string]any{"name": r.emoji, "id": OptionalID(r.id)}
}

// Emoji is a reaction's emoji as paths have it: a character, or name:id.
type Emoji struct {
	Name string
	ID   ID
}

// ReadEmoji reads an emoji from a path; ok is false if it isn't one.
func ReadEmoji(text string) (e Emoji, ok bool) {
	name, id, custom := strings.Cut(text, ":")
	e = Emoji{name, form.ParseID(id)}
	if custom {
		return e, name != "" && e.ID != 0
	}
	// Whether a character is an emoji isn't checked, but words and numbers are none.
	return e, name != "" && strings.IndexFunc(name, func(r rune) bool { return r > 0x203b }) >= 0 || keycap(name)
}

// keycap reports whether it is a digit, # or * with what makes a key of it.
func keycap(name string) bool { return strings.HasSuffix(name, "\u20e3") }

func (e Emoji) is(r reaction) bool {
	if e.ID != 0 || r.id != 0 {
		return e.ID == r.id
	}
	// The variation selector that asks for a colored picture is often left out.
	return strings.TrimSuffix(e.Name, "\ufe0f") == strings.TrimSuffix(r.emoji, "\ufe0f")
}

// Reacted returns the users who reacted with an emoji, by age, and whether anybody did.
func (m *Message) Reacted(e Emoji) ([]ID, bool) {
	i := slices.IndexFunc(m.reactions, e.is)
	if i < 0 {
		return nil, false
	}
	users := slices.Clone(m.reactions[i].users)
	slices.SortFunc(users, CompareIDs)
	return users, true
}

// React adds a user's reaction.
func (s *State) React(m *Message, ch *Channel, e Emoji, user ID) error {
	i := slices.IndexFunc(m.reactions, e.is)
	if i < 0 {
		if len(m.reactions) >= reactionsMost {
			return form.Fail(400, 30010, "Maximum number of reactions reached (20)")
		}
		m.reactions = append(m.reactions, reaction{emoji: e.Name, id: e.ID})
		i = len(m.reactions) - 1
	}
	r := &m.reactions[i]
	if slices.Contains(r.users, user) {
		return nil
	}
	r.users = append(r.users, user)
	data := reactionData(m, r)
	data["user_id"], data["burst"], data["type"], data["message_author_id"] = user, false, 0, m.Author.ID
	if mem := s.Member(ch.Guild, user); mem != nil {
		data["member"] = mem.Wire()
	}
	s.reactionEvent("MESSAGE_REACTION_ADD", m, ch, user, data)
	return nil
}

// Unreact removes a user's reaction, if there is one.
func (s *State) Unreact(m *Message, ch *Channel, e Emoji, user ID) {
	i := slices.IndexFunc(m.reactions, e.is)
	if i < 0 || !slices.Contains(m.reactions[i].users, user) {
		return
	}
	r := &m.reactions[i]
	data := reactionData(m, r)
	data["user_id"], data["burst"], data["type"] = user, false, 0
	r.users = slices.DeleteFunc(r.users, func(id ID) bool { return id == user })
	if len(r.users) == 0 {
		m.reactions = slices.Delete(m.reactions, i, i+1)
	}
	s.reactionEvent("MESSAGE_REACTION_REMOVE", m, ch, user, data)
}

// ClearReactions removes all reactions with an emoji; nil: all of them.
func (s *State) ClearReactions(m *Message, ch *Channel, e *Emoji) {
	if e == nil {
		m.reactions = nil
		data := reactionData(m, nil)
		s.reactionEvent("MESSAGE_REACTION_REMOVE_ALL", m, ch, 0, data)
		return
	}
	if i := slices.IndexFunc(m.reactions, e.is); i >= 0 {
		data := reactionData(m, &m.reactions[i])
		m.reactions = slices.Delete(m.reactions, i, i+1)
		s.reactionEvent("MESSAGE_REACTION_REMOVE_EMOJI", m, ch, 0, data)
	}
}

func reactionData(m *Message, r *reaction) map[string]any {
	data := map[string]any{"channel_id": m.Channel, "message_id": m.ID}
	if r != nil {
		data["emoji"] = r.wireEmoji()
	}
	return data
}

// reactionEvent goes to the bots that can view the message's channel, and to pages.
func (s *State) reactionEvent(name string, m *Message, ch *Channel, user ID, data map[string]any) {
	s.Watcher.MessageChanged(s, "MESSAGE_UPDATE", m, ch)
	g := s.Guilds[ch.Guild]
	if g == nil {
		for _, party := range ch.Parties {
			if a := s.Apps[party]; a != nil {
				s.Dispatch(Event{Name: name, Intent: IntentDirectReactions, App: a, User: user, Data: data})
			}
		}
		return
	}
	data["guild_id"] = g.ID
	s.Dispatch(Event{Name: name, Intent: IntentGuildReactions, Guild: g, User: user, Per: func(to Receiver) any {
		if !s.PermsIn(g, g.Members[to.App.ID], ch).Has(PermViewChannel) {
			return nil
		}
		return data
	}})
}
