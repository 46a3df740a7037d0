package world

import (
	"slices"
	"time"
)

// The rules in this file are in Discord's documents "Threads" and "Channels Resource".

// Thread is what a channel has that is a thread in another one.
type Thread struct {
	Owner     ID
	Archived  bool
	Changed   time.Time // when it was last archived or no longer so
	Minutes   int       // without a message after which it is archived
	Locked    bool
	Invitable bool // of a private thread: whether members who don't moderate may add others
	Created   time.Time
	Count     int // messages in it, without the one it began with and deleted ones
	Total     int // the same, with deleted ones
	Tags      []ID
	Pinned    bool // in a forum
	Members   map[ID]time.Time
}

// Tag is one that a forum has for its threads.
type Tag struct {
	ID        ID      `json:"id"`
	Name      string  `json:"name"`
	Moderated bool    `json:"moderated"`
	EmojiID   *ID     `json:"emoji_id"`
	EmojiName *string `json:"emoji_name"`
}

const (
	flagHasThread = 1 << 5 // of a message
	flagPinned    = 1 << 1 // of a thread in a forum
)

// ThreadMembers is how many members a thread can have.
const ThreadMembers = 1000

// Private reports whether only its members and moderators see a thread.
func (c *Channel) Private() bool { return c.Kind == ChannelPrivateThread }

// WireThread is a thread.
type WireThread struct {
	ID          ID                `json:"id"`
	Type        ChannelType       `json:"type"`
	LastMessage *NullID           `json:"last_message_id"`
	Flags       int               `json:"flags"`
	LastPin     *Stamp            `json:"last_pin_timestamp,omitempty"`
	GuildID     ID                `json:"guild_id"`
	Name        string            `json:"name"`
	ParentID    ID                `json:"parent_id"`
	Slowmode    int               `json:"rate_limit_per_user"`
	OwnerID     ID                `json:"owner_id"`
	Metadata    threadMetadata    `json:"thread_metadata"`
	Messages    int               `json:"message_count"`
	Members     int               `json:"member_count"`
	Total       int               `json:"total_message_sent"`
	Tags        []ID              `json:"applied_tags,omitempty"`
	Member      *WireThreadMember `json:"member,omitempty"`
	Message     *WireMessage      `json:"message,omitempty"`       // the first one of a post in a forum
	New         bool              `json:"newly_created,omitempty"` // of THREAD_CREATE
}

type threadMetadata struct {
	Archived  bool  `json:"archived"`
	Changed   Stamp `json:"archive_timestamp"`
	Minutes   int   `json:"auto_archive_duration"`
	Locked    bool  `json:"locked"`
	Created   Stamp `json:"create_timestamp"`
	Invitable *bool `json:"invitable,omitempty"`
}

// WireThreadMember is a member of a thread.
type WireThreadMember struct {
	ID       ID          `json:"id"`
	UserID   ID          `json:"user_id"`
	Joined   Stamp       `json:"join_timestamp"`
	Flags    int         `json:"flags"`
	Member   *WireMember `json:"member,omitempty"`
	Presence any         `json:"presence,omitempty"`
}

// WireThread returns a thread as somebody sees it.
func (s *State) WireThread(c *Channel, viewer ID) WireThread {
	t := c.Thread
	w := WireThread{ID: c.ID, Type: c.Kind, LastMessage: &NullID{c.LastMessage}, LastPin: OptionalTime(c.LastPin),
		GuildID: c.Guild, Name: c.Name, ParentID: c.Parent, Slowmode: c.Slowmode, OwnerID: t.Owner,
		Messages: t.Count, Members: min(len(t.Members), 50), Total: t.Total, Tags: t.Tags,
		Metadata: threadMetadata{t.Archived, Stamp(t.Changed), t.Minutes, t.Locked, Stamp(t.Created), nil}}
	if t.Pinned {
		w.Flags |= flagPinned
	}
	if c.Private() {
		w.Metadata.Invitable = &t.Invitable
	}
	if _, in := t.Members[viewer]; in {
		m := s.WireThreadMember(c, viewer, false)
		w.Member = &m
	}
	return w
}

// WireThreadMember returns somebody who is in a thread.
func (s *State) WireThreadMember(c *Channel, user ID, whole bool) WireThreadMember {
	w := WireThreadMember{ID: c.ID, UserID: user, Joined: Stamp(c.Thread.Members[user])}
	if m := s.Member(c.Guild, user); whole && m != nil {
		wm := m.Wire()
		w.Member = &wm
	}
	return w
}

// Channel finds a channel or a thread of a guild; nil if there is none.
func (g *Guild) Channel(id ID) *Channel {
	if c := g.Channels[id]; c != nil {
		return c
	}
	return g.Threads[id]
}

// ThreadsOf lists a guild's threads that match, oldest first.
func (g *Guild) ThreadsOf(match func(*Channel) bool) []*Channel {
	list := []*Channel{}
	for _, id := range SortedIDs(g.Threads) {
		if c := g.Threads[id]; match(c) {
			list = append(list, c)
		}
	}
	return list
}

// AddThread adds a thread in a channel, with its creator in it. Its fields but those of its place are set.
func (s *State) AddThread(g *Guild, c *Channel) {
	now := s.Now()
	c.Guild, c.Thread.Created, c.Thread.Changed = g.ID, now, now
	c.Thread.Members = map[ID]time.Time{}
	if g.Members[c.Thread.Owner] != nil { // which no webhook is
		c.Thread.Members[c.Thread.Owner] = now
	}
	if g.Threads == nil {
		g.Threads = map[ID]*Channel{}
	}
	g.Threads[c.ID], s.Channels[c.ID] = c, c
	s.ThreadEvent("THREAD_CREATE", c, true)
}

// ThreadEvent dispatches a thread to the bots that see it.
func (s *State) ThreadEvent(name string, c *Channel, created bool) {
	g := s.Guilds[c.Guild]
	s.Dispatch(Event{Name: name, Intent: IntentGuilds, Guild: g, Per: func(to Receiver) any {
		if !s.CanSee(to.App.ID, c) {
			return nil
		}
		w := s.WireThread(c, to.App.ID)
		w.New = created
		return w
	}})
	s.Watcher.GuildChanged(g.ID)
}

// RemoveThread deletes a thread.
func (s *State) RemoveThread(c *Channel) {
	g := s.Guilds[c.Guild]
	type gone struct {
		ID ID `json:"id"`
		GuildRef
		Parent ID          `json:"parent_id"`
		Type   ChannelType `json:"type"`
	}
	s.Dispatch(Event{Name: "THREAD_DELETE", Intent: IntentGuilds, Guild: g, Per: func(to Receiver) any {
		if !s.CanSee(to.App.ID, c) {
			return nil
		}
		return gone{c.ID, GuildRef{g.ID}, c.Parent, c.Kind}
	}})
	s.dropThread(g, c)
	s.Watcher.GuildChanged(g.ID)
}

func (s *State) dropThread(g *Guild, c *Channel) {
	delete(g.Threads, c.ID)
	delete(s.Channels, c.ID)
	delete(s.Messages, c.ID)
}

// JoinThread adds a member to a thread, unless they are in it.
func (s *State) JoinThread(c *Channel, user ID) {
	if _, in := c.Thread.Members[user]; in {
		return
	}
	sawIt := s.CanSee(user, c)
	c.Thread.Members[user] = s.Now()
	if app := s.Apps[user]; app != nil && !sawIt { // "Thread Create": also when being added to a private thread
		s.Dispatch(Event{Name: "THREAD_CREATE", Intent: IntentGuilds, Guild: s.Guilds[c.Guild], App: app,
			Data: s.WireThread(c, user)})
	}
	s.threadMembersEvent(c, []ID{user}, nil)
}

// LeaveThread removes a member from a thread, if they are in it.
func (s *State) LeaveThread(c *Channel, user ID) {
	if _, in := c.Thread.Members[user]; !in {
		return
	}
	// The event reaches who just lost sight of a private thread, too.
	s.threadMembersEvent(c, nil, []ID{user})
	delete(c.Thread.Members, user)
	s.Watcher.GuildChanged(c.Guild)
}

func (s *State) threadMembersEvent(c *Channel, added, removed []ID) {
	type changed struct {
		ID ID `json:"id"`
		GuildRef
		Count   int                `json:"member_count"`
		Added   []WireThreadMember `json:"added_members,omitempty"`
		Removed []ID               `json:"removed_member_ids,omitempty"`
	}
	g := s.Guilds[c.Guild]
	s.Dispatch(Event{Name: "THREAD_MEMBERS_UPDATE", Intent: IntentGuilds, Guild: g, Per: func(to Receiver) any {
		// Without GUILD_MEMBERS, an application hears of itself alone ("Thread Members Update").
		own := slices.Contains(added, to.App.ID) || slices.Contains(removed, to.App.ID)
		if !s.CanSee(to.App.ID, c) || to.Intents&IntentGuildMembers == 0 && !own {
			return nil
		}
		e := changed{ID: c.ID, GuildRef: GuildRef{g.ID}, Count: min(len(c.Thread.Members)-len(removed), 50),
			Removed: removed}
		for _, id := range added {
			e.Added = append(e.Added, s.WireThreadMember(c, id, true))
		}
		return e
	}})
	s.Watcher.GuildChanged(g.ID)
}

// SetArchived archives a thread, or opens it again, without an event.
func (s *State) SetArchived(t *Thread, archived bool) {
	if t.Archived != archived {
		t.Archived, t.Changed = archived, s.Now()
	}
}

// threadGrew counts a message in a thread, opens it again, and makes its author a member.
func (s *State) threadGrew(c *Channel, m *Message) {
	if m.Kind != MessageThreadStarter && m.ID != c.ID {
		c.Thread.Count++
		c.Thread.Total++
	}
	if c.Thread.Archived {
		s.SetArchived(c.Thread, false)
		s.ThreadEvent("THREAD_UPDATE", c, false)
	}
	if s.Member(c.Guild, m.Author.ID) != nil {
		s.JoinThread(c, m.Author.ID)
	}
}

// SweepThreads archives the threads in which nobody wrote for long enough.
func (s *State) SweepThreads() {
	now := s.Now()
	for _, g := range s.Guilds {
		for _, c := range g.ThreadsOf(func(c *Channel) bool { return !c.Thread.Archived }) {
			last := c.Thread.Changed
			if c.LastMessage != 0 && c.LastMessage.Time().After(last) {
				last = c.LastMessage.Time()
			}
			if now.Sub(last) >= time.Duration(c.Thread.Minutes)*time.Minute {
				s.SetArchived(c.Thread, true)
				s.ThreadEvent("THREAD_UPDATE", c, false)
			}
		}
	}
}

// ActiveThreads are the threads that somebody gets with a guild.
func (s *State) ActiveThreads(g *Guild, viewer ID) []WireThread { return s.activeThreads(g, viewer, 0) }

// activeThreads are those in a channel, or in all of them, that somebody can see; 0: everything.
func (s *State) activeThreads(g *Guild, bot, parent ID) []WireThread {
	list := []WireThread{}
	for _, c := range g.ThreadsOf(func(c *Channel) bool {
		return !c.Thread.Archived && (parent == 0 || c.Parent == parent) && (bot == 0 || s.CanSee(bot, c))
	}) {
		list = append(list, s.WireThread(c, bot))
	}
	return list
}

// syncThreads tells a bot the threads of a channel that it can see now.
func (s *State) syncThreads(g *Guild, app *Application, parent *Channel) {
	list := s.activeThreads(g, app.ID, parent.ID)
	if len(list) == 0 {
		return
	}
	type sync struct {
		GuildRef
		Channels []ID               `json:"channel_ids"`
		Threads  []WireThread       `json:"threads"`
		Members  []WireThreadMember `json:"members"`
	}
	e := sync{GuildRef{g.ID}, []ID{parent.ID}, list, []WireThreadMember{}}
	for _, t := range list {
		if t.Member != nil {
			e.Members = append(e.Members, *t.Member)
		}
	}
	s.Dispatch(Event{Name: "THREAD_LIST_SYNC", Intent: IntentGuilds, Guild: g, App: app, Data: e})
}
