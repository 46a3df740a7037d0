package rest

import (
	"cmp"
	"slices"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// activeThreadsMost is how many active threads a guild can have.
const activeThreadsMost = 1000

var archiveMinutes = []int{60, 1440, 4320, 10080}

// thread returns the thread in the path, which the caller must be able to view.
func (c *call) thread() (*world.Guild, *world.Channel, world.Permissions, error) {
	ch, err := c.channel()
	if err != nil {
		return nil, nil, 0, err
	}
	if ch.Thread == nil {
		return nil, nil, 0, form.WrongChannelType()
	}
	g := c.Guilds[ch.Guild]
	return g, ch, c.PermsIn(g, g.Members[c.me().ID], ch), nil
}

// archived is the error of what an archived thread doesn't allow.
func archived() error {
	return form.Fail(400, 50083, "Operation cannot be performed on an archived thread")
}

// mayChangeIn reports whether messages in a channel can be changed: those in an archived thread can't.
func mayChangeIn(ch *world.Channel) error {
	if ch.Thread != nil && ch.Thread.Archived {
		return archived()
	}
	return nil
}

// mayWriteInThread reports whether a message can be sent in a thread. It opens an archived one, unless it's locked.
func mayWriteInThread(ch *world.Channel, p world.Permissions) error {
	if ch.Thread != nil && ch.Thread.Locked && !p.Has(world.PermManageThreads) {
		if ch.Thread.Archived {
			return archived()
		}
		return form.Fail(403, 160005, "This thread is locked")
	}
	return nil
}

// readThread reads what a request says of a new thread.
func (c *call) readThread(f *form.Form, parent *world.Channel, kind world.ChannelType) *world.Channel {
	ch := c.newThread(c.me().ID, parent, kind)
	f.Required("name")
	ch.Name = f.Str("name", 1, 100)
	ch.Slowmode = f.Num("rate_limit_per_user", 0, 21600)
	ch.Thread.Minutes = cmp.Or(f.Choice("auto_archive_duration", archiveMinutes...), ch.Thread.Minutes)
	if kind == world.ChannelPrivateThread && f.Given("invitable") {
		ch.Thread.Invitable = f.Yes("invitable")
	}
	return ch
}

// newThread makes a thread that has no name yet and isn't in its channel.
func (c *call) newThread(owner world.ID, parent *world.Channel, kind world.ChannelType) *world.Channel {
	return &world.Channel{ID: c.NextID(), Parent: parent.ID, Kind: kind,
		Thread: &world.Thread{Owner: owner, Invitable: true, Minutes: cmp.Or(parent.ArchiveMins, 4320)}}
}

// mayAddThread checks the guild's limit.
func (c *call) mayAddThread(g *world.Guild) error {
	c.SweepThreads()
	if len(g.ThreadsOf(func(t *world.Channel) bool { return !t.Thread.Archived })) >= activeThreadsMost {
		return form.Fail(400, 160006, "Maximum number of active threads reached")
	}
	return nil
}

// startThread is "Start Thread from Message".
func startThread(c *call) (int, any, error) {
	g, _, parent, err := c.channelWith(world.PermCreatePublicThreads | world.PermReadMessageHistory)
	if err != nil {
		return 0, nil, err
	}
	kind := world.ChannelPublicThread
	switch parent.Kind {
	case world.ChannelText:
	case world.ChannelAnnouncement:
		kind = world.ChannelNewsThread
	default:
		return 0, nil, form.WrongChannelType()
	}
	m, err := c.message(parent)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	ch := c.readThread(f, parent, kind)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if c.Channels[m.ID] != nil {
		return 0, nil, form.Fail(400, 160004, "A thread has already been created for this message")
	}
	if err := c.mayAddThread(g); err != nil {
		return 0, nil, err
	}
	if err := c.mayBeTitled(parent, ch.Name); err != nil {
		return 0, nil, err
	}
	ch.ID = m.ID
	c.AddThread(g, ch)
	c.MessageEvent("MESSAGE_UPDATE", m) // which has a thread and a flag for it now
	c.AddMessage(&world.Message{ID: c.NextID(), Channel: ch.ID, Guild: g.ID, Author: m.Author,
		Kind: world.MessageThreadStarter, RefChannel: parent.ID, RefMessage: m.ID})
	c.audit(g, auditThreadCreate, ch.ID, world.Change{Key: "name", New: ch.Name})
	return 201, c.WireThread(ch, c.me().ID), nil
}

// addThread is "Start Thread without Message" and "Start Thread in Forum or Media Channel".
func addThread(c *call) (int, any, error) {
	g, m, parent, err := c.channelWith(0)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	p := c.PermsIn(g, m, parent)
	if parent.Kind == world.ChannelForum {
		return c.addPost(g, parent, p, f)
	}
	kind := world.ChannelPrivateThread // what the older clients that know no type mean
	if f.Given("type") {
		kind = world.ChannelType(f.Choice("type", int(world.ChannelNewsThread), int(world.ChannelPublicThread),
			int(world.ChannelPrivateThread)))
	}
	ch := c.readThread(f, parent, kind)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	need := world.PermCreatePublicThreads
	if kind == world.ChannelPrivateThread {
		need = world.PermCreatePrivateThreads
	}
	switch {
	case parent.Kind == world.ChannelText && kind != world.ChannelNewsThread:
	case parent.Kind == world.ChannelAnnouncement && kind == world.ChannelNewsThread:
	default:
		return 0, nil, form.WrongChannelType()
	}
	if !p.Has(need) {
		return 0, nil, form.MissingPermissions()
	}
	if err := c.mayAddThread(g); err != nil {
		return 0, nil, err
	}
	if err := c.mayBeTitled(parent, ch.Name); err != nil {
		return 0, nil, err
	}
	c.AddThread(g, ch)
	if kind != world.ChannelPrivateThread {
		c.AddMessage(&world.Message{ID: c.NextID(), Channel: parent.ID, Guild: g.ID, Author: c.me(),
			Kind: world.MessageThreadCreated, Content: ch.Name, RefChannel: ch.ID})
	}
	c.audit(g, auditThreadCreate, ch.ID, world.Change{Key: "name", New: ch.Name})
	return 201, c.WireThread(ch, c.me().ID), nil
}

// addPost starts a thread in a forum, with its first message, which has the same id.
func (c *call) addPost(g *world.Guild, parent *world.Channel, p world.Permissions, f *form.Form) (int, any, error) {
	ch := c.readThread(f, parent, world.ChannelPublicThread)
	ch.Thread.Tags = readTags(f, parent, p)
	f.Required("message")
	first := f.Object("message")
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if !p.Has(world.PermSendMessages) || len(c.files) > 0 && !p.Has(world.PermAttachFiles) {
		return 0, nil, form.MissingPermissions()
	}
	if err := c.asPersonMayWrite(parent, first, p); err != nil {
		return 0, nil, err
	}
	m := &world.Message{ID: ch.ID, Channel: ch.ID, Guild: g.ID, Author: c.me()}
	if err := c.ReadMessage(first, m, c.files, false, p.Has(world.PermMentionEveryone)); err != nil {
		return 0, nil, err
	}
	if err := c.mayAddThread(g); err != nil {
		return 0, nil, err
	}
	if err := c.mayBeTitled(parent, ch.Name); err != nil {
		return 0, nil, err
	}
	written := *m
	written.Channel = parent.ID // as long as there is no thread
	if err := c.moderate(moderatedContent, &written, func() {
		c.Spoke(parent, m)
		parent.LastMessage = ch.ID
		c.AddThread(g, ch)
		c.AddMessage(m)
	}); err != nil {
		return 0, nil, err
	}
	c.audit(g, auditThreadCreate, ch.ID, world.Change{Key: "name", New: ch.Name})
	w := c.WireThread(ch, c.me().ID)
	wm := c.WireMessage(m, c.me().ID)
	w.Message = &wm
	return 201, w, nil
}

// readTags reads a post's tags: at most five of its forum's.
func readTags(f *form.Form, forum *world.Channel, p world.Permissions) []world.ID {
	tags := f.IDs("applied_tags", 5)
	for _, id := range tags {
		i := slices.IndexFunc(forum.Tags, func(t world.Tag) bool { return t.ID == id })
		switch t := f.Errs.At("applied_tags"); {
		case i < 0:
			t.Add("UNKNOWN_TAG", "Unknown tag")
		case forum.Tags[i].Moderated && !p.Has(world.PermManageThreads):
			t.Add("MODERATED_TAG", "Only moderators can use this tag")
		}
	}
	return tags
}

// updateThread is "Modify Channel" of a thread.
func updateThread(c *call, g *world.Guild, ch *world.Channel) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	p := c.PermsIn(g, g.Members[c.me().ID], ch)
	draft, t := *ch, *ch.Thread
	if f.Given("name") {
		draft.Name = f.Str("name", 1, 100)
	}
	if f.Given("rate_limit_per_user") {
		draft.Slowmode = f.Num("rate_limit_per_user", 0, 21600)
	}
	if f.Given("auto_archive_duration") {
		t.Minutes = f.Choice("auto_archive_duration", archiveMinutes...)
	}
	if f.Given("locked") {
		t.Locked = f.Yes("locked")
	}
	if f.Given("invitable") && ch.Private() {
		t.Invitable = f.Yes("invitable")
	}
	if parent := g.Channels[ch.Parent]; parent != nil && parent.Kind == world.ChannelForum {
		if f.Has("applied_tags") {
			t.Tags = readTags(f, parent, p)
		}
		if f.Given("flags") {
			t.Pinned = f.Num("flags", 0, 1<<30)&(1<<1) != 0
		}
	}
	if f.Given("archived") {
		c.SetArchived(&t, f.Yes("archived"))
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if err := mayUpdateThread(ch, &draft, &t, c.me().ID, p); err != nil {
		return 0, nil, err
	}
	var changes []world.Change
	for _, x := range []world.Change{
		{Key: "name", Old: ch.Name, New: draft.Name}, {Key: "archived", Old: ch.Thread.Archived, New: t.Archived},
		{Key: "locked", Old: ch.Thread.Locked, New: t.Locked},
		{Key: "auto_archive_duration", Old: ch.Thread.Minutes, New: t.Minutes},
		{Key: "rate_limit_per_user", Old: ch.Slowmode, New: draft.Slowmode},
		{Key: "invitable", Old: ch.Thread.Invitable, New: t.Invitable},
	} {
		if x.Old != x.New {
			changes = append(changes, x)
		}
	}
	if draft.Name != ch.Name {
		if err := c.mayBeTitled(g.Channels[ch.Parent], draft.Name); err != nil {
			return 0, nil, err
		}
		if err := c.rename(&draft); err != nil {
			return 0, nil, err
		}
	}
	tagged := t.Pinned != ch.Thread.Pinned || !slices.Equal(t.Tags, ch.Thread.Tags)
	*ch.Thread = t
	draft.Thread = ch.Thread
	*ch = draft
	if len(changes) > 0 || tagged {
		c.ThreadEvent("THREAD_UPDATE", ch, false)
		c.audit(g, auditThreadUpdate, ch.ID, changes...)
	}
	return 200, c.WireThread(ch, c.me().ID), nil
}

// mayUpdateThread: who may send in a thread may open it again, unless it's locked; its creator may change what isn't
// moderation; everything else needs Manage Threads. An archived thread must be opened with the change.
func mayUpdateThread(ch, draft *world.Channel, t *world.Thread, by world.ID, p world.Permissions) error {
	old := ch.Thread
	if old.Archived && t.Archived {
		return archived()
	}
	if p.Has(world.PermManageThreads) {
		return nil
	}
	moderated := t.Locked != old.Locked || t.Locked || draft.Slowmode != ch.Slowmode || t.Pinned != old.Pinned
	if !p.Has(world.PermSendMessages) || moderated {
		return form.MissingPermissions()
	}
	opened := old.Archived && !t.Archived && draft.Name == ch.Name && t.Minutes == old.Minutes &&
		t.Invitable == old.Invitable && slices.Equal(t.Tags, old.Tags)
	if !opened && old.Owner != by {
		return form.MissingPermissions()
	}
	return nil
}

func removeThread(c *call, g *world.Guild, ch *world.Channel) (int, any, error) {
	if !c.PermsIn(g, g.Members[c.me().ID], ch).Has(world.PermManageThreads) {
		return 0, nil, form.MissingPermissions()
	}
	w := c.WireThread(ch, c.me().ID)
	c.RemoveThread(ch)
	c.audit(g, auditThreadDelete, ch.ID, world.Change{Key: "name", Old: ch.Name})
	return 200, w, nil
}

func joinThread(c *call) (int, any, error) {
	_, ch, _, err := c.thread()
	if err != nil {
		return 0, nil, err
	}
	return c.putInThread(ch, c.me().ID)
}

// addToThread adds somebody else, who must be able to see the channel that the thread is in.
func addToThread(c *call) (int, any, error) {
	g, ch, p, err := c.thread()
	if err != nil {
		return 0, nil, err
	}
	m, err := c.target(g)
	if err != nil {
		return 0, nil, err
	}
	switch {
	case !p.Has(world.PermSendMessages),
		ch.Private() && !ch.Thread.Invitable && ch.Thread.Owner != c.me().ID && !p.Has(world.PermManageThreads):
		return 0, nil, form.MissingPermissions()
	case !c.CanSee(m.User.ID, g.Channels[ch.Parent]):
		return 0, nil, form.MissingAccess()
	}
	return c.putInThread(ch, m.User.ID)
}

func (c *call) putInThread(ch *world.Channel, user world.ID) (int, any, error) {
	if ch.Thread.Archived {
		return 0, nil, archived()
	}
	if len(ch.Thread.Members) >= world.ThreadMembers {
		return 0, nil, form.Fail(400, 30033, "Maximum number of thread participants reached (1000)")
	}
	c.JoinThread(ch, user)
	return noContent()
}

func leaveThread(c *call) (int, any, error) {
	_, ch, _, err := c.thread()
	if err != nil {
		return 0, nil, err
	}
	if ch.Thread.Archived {
		return 0, nil, archived()
	}
	c.LeaveThread(ch, c.me().ID)
	return noContent()
}

// removeFromThread needs Manage Threads, or to be the creator of a private thread.
func removeFromThread(c *call) (int, any, error) {
	_, ch, p, err := c.thread()
	if err != nil {
		return 0, nil, err
	}
	user := c.id("user")
	if user != c.me().ID && !p.Has(world.PermManageThreads) && (!ch.Private() || ch.Thread.Owner != c.me().ID) {
		return 0, nil, form.MissingPermissions()
	}
	if ch.Thread.Archived {
		return 0, nil, archived()
	}
	c.LeaveThread(ch, user)
	return noContent()
}

func getThreadMember(c *call) (int, any, error) {
	_, ch, _, err := c.thread()
	if err != nil {
		return 0, nil, err
	}
	user := c.me().ID
	if c.r.PathValue("user") != "" {
		user = c.id("user")
	}
	if _, in := ch.Thread.Members[user]; !in {
		return 0, nil, form.UnknownMember()
	}
	return 200, c.WireThreadMember(ch, user, c.queryYes("with_member")), nil
}

// listThreadMembers needs the privileged intent of members.
func listThreadMembers(c *call) (int, any, error) {
	_, ch, _, err := c.thread()
	if err != nil {
		return 0, nil, err
	}
	if c.app != nil && c.app.Intents&world.IntentGuildMembers == 0 {
		return 0, nil, form.MissingAccess()
	}
	limit, err := c.query("limit", 100, 1, 100)
	if err != nil {
		return 0, nil, err
	}
	after, err := c.queryID("after")
	if err != nil {
		return 0, nil, err
	}
	whole := c.queryYes("with_member")
	list := []world.WireThreadMember{}
	for _, id := range world.SortedIDs(ch.Thread.Members) {
		if !whole || id > after && len(list) < limit { // the result is only split with members
			list = append(list, c.WireThreadMember(ch, id, whole))
		}
	}
	return 200, list, nil
}

// wireThreads is a list of threads, with the caller's memberships in them.
type wireThreads struct {
	Threads []world.WireThread       `json:"threads"`
	Members []world.WireThreadMember `json:"members"`
	More    bool                     `json:"has_more"`
}

func (c *call) wireThreads(list []*world.Channel) wireThreads {
	out := wireThreads{[]world.WireThread{}, []world.WireThreadMember{}, false}
	for _, ch := range list {
		w := c.WireThread(ch, c.me().ID)
		out.Threads = append(out.Threads, w)
		if w.Member != nil {
			out.Members = append(out.Members, *w.Member)
		}
	}
	return out
}

// listActiveThreads lists those that the caller can see, newest first.
func listActiveThreads(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	list := g.ThreadsOf(func(t *world.Channel) bool { return !t.Thread.Archived && c.CanSee(c.me().ID, t) })
	slices.Reverse(list)
	return 200, c.wireThreads(list), nil
}

// listArchived lists a channel's archived threads, those archived last first. Own private ones are ordered by id.
func listArchived(private, own bool) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		need := world.PermReadMessageHistory
		if private && !own {
			need |= world.PermManageThreads
		}
		g, _, parent, err := c.channelWith(need)
		if err != nil {
			return 0, nil, err
		}
		limit, err := c.query("limit", 50, 2, 100)
		if err != nil {
			return 0, nil, err
		}
		var before time.Time
		var beforeID world.ID
		if v := c.r.URL.Query().Get("before"); v != "" {
			if own {
				beforeID, err = c.queryID("before")
			} else if before, err = time.Parse(time.RFC3339Nano, v); err != nil {
				err = form.Invalid("before", "DATE_TIME_TYPE_PARSE", "Could not parse "+v+". Should be ISO8601.")
			}
			if err != nil {
				return 0, nil, err
			}
		}
		list := g.ThreadsOf(func(t *world.Channel) bool {
			_, in := t.Thread.Members[c.me().ID]
			return t.Parent == parent.ID && t.Thread.Archived && t.Private() == private && (!own || in) &&
				(before.IsZero() || t.Thread.Changed.Before(before)) && (beforeID == 0 || t.ID < beforeID)
		})
		slices.SortStableFunc(list, func(a, b *world.Channel) int {
			if own {
				return world.CompareIDs(b.ID, a.ID)
			}
			return b.Thread.Changed.Compare(a.Thread.Changed)
		})
		out := c.wireThreads(list[:min(len(list), limit)])
		out.More = len(list) > limit
		return 200, out, nil
	}
}

// readForumTags reads the tags that a forum has for its posts.
func (c *call) readForumTags(f *form.Form) []world.Tag {
	list := []world.Tag{}
	for _, o := range f.Objects("available_tags", 0, 20) {
		o.Required("name")
		t := world.Tag{ID: cmp.Or(o.ID("id"), c.NextID()), Name: o.Str("name", 1, 20), Moderated: o.Yes("moderated"),
			EmojiID: world.OptionalID(o.ID("emoji_id")), EmojiName: world.Optional(o.Str("emoji_name", 0, 64))}
		list = append(list, t)
	}
	return list
}
