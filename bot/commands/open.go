package commands

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/room"
)

// createRoom opens a room and gives its page and a link.
func (c *Commands) createRoom(ctx context.Context, q *call) (reply, error) {
	req := room.OpenRequest{Actor: q.actor, Name: q.data.String("name"), Seats: q.data.Int("seats")}
	if private, ok := q.data.OptBool("private"); ok {
		req.Private = &private
	}
	r, err := c.o.Keeper.Open(ctx, q.guild, q.id, req)
	if err != nil {
		return reply{}, err
	}
	page, v := c.o.Pages.Room(r.Room.ID), r.Invite.Invite
	text := lines(
		q.t.Say("opened", "Room", bold(r.Room.Name), "Channel", channelMention(r.Room.ID)),
		q.t.Say("room.seats", "Count", r.Room.Seats)+" · "+privacy(q.t, r.Room.Access),
		q.t.Say("opened.page", "Page", page),
	)
	if r.Invite.Token != "" {
		text += "\n" + q.t.Say("opened.link", "Link", c.o.Pages.Invite(r.Room.ID, r.Invite.Token), "Count", v.MaxUses, "When", when(v.ExpiresAt))
	}
	return reply{text: text, rows: []discord.LayoutComponent{row(
		button(discord.ButtonStylePrimary, "🔊", q.t.Say("button.join"), q.about(actJoin, r.Room.ID, "")),
		link(q.t.Say("button.page"), page),
	)}}, nil
}

// invite makes a link, or lets somebody in at once.
func (c *Commands) invite(ctx context.Context, q *call) (reply, error) {
	return c.inviteWho(ctx, q, q.data.Snowflake("user"))
}

// inviteTarget is the menu on a person.
func (c *Commands) inviteTarget(ctx context.Context, q *call) (reply, error) {
	return c.inviteWho(ctx, q, q.target)
}

// admit lets the person in whom a button is about.
func (c *Commands) admit(ctx context.Context, q *call) (reply, error) {
	return c.inviteWho(ctx, q, q.custom.user())
}

func (c *Commands) inviteWho(ctx context.Context, q *call, who snowflake.ID) (reply, error) {
	id, err := c.which(q)
	if err != nil {
		return reply{}, err
	}
	l, told, err := c.o.Keeper.Invite(ctx, q.guild, room.InviteRequest{
		Actor: q.actor, RoomID: id, Uses: q.data.Int("uses"), Lifetime: time.Duration(q.data.Int("hours")) * time.Hour, For: who,
	})
	if err != nil {
		return reply{}, err
	}
	url := c.o.Pages.Invite(id, l.Token)
	if who == 0 {
		return reply{text: q.t.Say("invited.link", "Channel", channelMention(id), "Count", l.Invite.MaxUses, "When", when(l.Invite.ExpiresAt), "Link", url)}, nil
	}
	say := "invited.untold"
	if told {
		say = "invited.told"
	}
	return reply{text: q.t.Say(say, "User", userMention(who), "Channel", channelMention(id), "Link", url)}, nil
}

// maxListed is how many rooms an answer lists: a message holds 2,000 characters, a menu 25 options.
const maxListed = 20

// rooms lists the rooms the caller may see, with a menu to go on with one of them.
func (c *Commands) rooms(ctx context.Context, q *call) (reply, error) {
	list, err := c.o.Keeper.Rooms(ctx, q.guild, q.who)
	if err != nil {
		return reply{}, err
	}
	page := link(q.t.Say("button.server"), c.o.Pages.Server(q.guild))
	if len(list) == 0 {
		return reply{text: q.t.Say("rooms.none"), rows: []discord.LayoutComponent{row(page)}}, nil
	}
	slices.SortStableFunc(list, func(a, b room.View) int { // the caller's own first, then where there are people
		return cmp.Or(mine(q, b)-mine(q, a), cmp.Compare(room.Taken(b.Roster), room.Taken(a.Roster)))
	})
	text := q.t.Say("rooms.some", "Count", len(list))
	menu := discord.NewStringSelectMenu(q.about(actCard, 0, "").String(), q.t.Say("rooms.choose"))
	for i, v := range list {
		if i == maxListed {
			text += "\n" + q.t.Say("rooms.more", "Count", len(list)-maxListed)
			break
		}
		state := seats(q.t, room.Taken(v.Roster), v.Room.Seats) + " · " + privacy(q.t, v.Room.Access)
		text += "\n" + channelMention(v.Room.ID) + " · " + state
		menu.Options = append(menu.Options, discord.StringSelectMenuOption{
			Label: cut(strip(v.Room.Name), maxOption), Value: v.Room.ID.String(), Description: cut(state, maxOption),
		})
	}
	return reply{text: text, rows: []discord.LayoutComponent{row(menu), row(page)}}, nil
}

func mine(q *call, v room.View) int {
	if v.Room.Access.OwnerID == q.who.UserID {
		return 1
	}
	return 0
}

// card shows one room of the list, with what can be done there.
func (c *Commands) card(ctx context.Context, q *call) (reply, error) {
	if len(q.values) == 1 {
		q.custom.room, _ = parseID(q.values[0])
	}
	return c.info(ctx, q)
}

// info shows a room: its page, who is in it, when it closes, what can be done.
func (c *Commands) info(ctx context.Context, q *call) (reply, error) {
	v, err := c.view(ctx, q)
	if err != nil {
		return reply{}, err
	}
	r := v.Room
	list := []string{
		bold(r.Name) + " · " + channelMention(r.ID),
		privacy(q.t, r.Access) + " · " + seats(q.t, room.Taken(v.Roster), r.Seats),
	}
	if r.Status != "" {
		list = append(list, q.t.Say("info.status", "Status", escape(r.Status)))
	}
	list = append(list, q.t.Say("info.owner", "Owner", userMention(r.Access.OwnerID), "When", when(r.OpenedAt)))
	if len(v.Roster) > 0 {
		list = append(list, q.t.Say("info.inside", "People", q.t.List(names(v.Roster))))
	}
	list = append(list, c.closing(q, v)...)
	list = append(list, c.forOwner(q, v)...)
	return reply{text: lines(list...), rows: c.doors(q, v)}, nil
}

// closing tells when a room closes.
func (c *Commands) closing(q *call, v room.View) (list []string) {
	switch {
	case !v.Room.ClosingAt.IsZero():
		list = append(list, q.t.Say("info.closing", "When", when(v.Room.ClosingAt)))
	case !v.IdleDeadline.IsZero():
		list = append(list, q.t.Say("info.idle", "When", when(v.IdleDeadline)))
	}
	if !v.Deadline.IsZero() {
		list = append(list, q.t.Say("info.deadline", "When", when(v.Deadline)))
	}
	return list
}

// forOwner tells what only those who control a room see.
func (c *Commands) forOwner(q *call, v room.View) (list []string) {
	o := v.Control
	if o == nil {
		return nil
	}
	for _, x := range []struct {
		id    string
		users []snowflake.ID
	}{
		{"info.guests", ids(o.Guests, func(g room.Guest) snowflake.ID { return g.UserID })},
		{"info.bans", ids(o.Bans, func(b room.Ban) snowflake.ID { return b.UserID })},
		{"info.knocks", ids(o.Knocks, func(k room.Knock) snowflake.ID { return k.UserID })},
		{"info.waiting", ids(o.Waiting, func(w room.Waiter) snowflake.ID { return w.UserID })},
	} {
		if len(x.users) > 0 {
			list = append(list, q.t.Say(x.id, "Count", len(x.users), "People", mentions(q, x.users)))
		}
	}
	switch {
	case o.WantedName != "":
		list = append(list, q.t.Say("info.wanted", "Name", bold(o.WantedName), "When", when(o.NextRename)))
	case o.RenamesLeft == 0 && !o.NextRename.IsZero():
		list = append(list, q.t.Say("info.renames", "When", when(o.NextRename)))
	}
	if o.WatchToken != "" {
		list = append(list, q.t.Say("info.watch"))
	}
	return list
}

// doors are the ways into a room, as they are open to the caller.
func (c *Commands) doors(q *call, v room.View) []discord.LayoutComponent {
	var list []discord.InteractiveComponent
	id := v.Room.ID
	switch full := room.Taken(v.Roster) >= v.Room.Seats; {
	case v.VoiceIn == id:
	case !v.MayEnter:
		list = append(list, button(discord.ButtonStylePrimary, "🚪", q.t.Say("button.knock"), q.about(actKnock, id, "")))
	case v.Place > 0:
		list = append(list, button(discord.ButtonStyleSecondary, "⏳", q.t.Say("button.unwait"), q.about(actUnwait, id, "")))
	case full && v.HeldUntil.IsZero():
		list = append(list, button(discord.ButtonStylePrimary, "⏳", q.t.Say("button.wait"), q.about(actWait, id, "")))
	default:
		list = append(list, button(discord.ButtonStylePrimary, "🔊", q.t.Say("button.join"), q.about(actJoin, id, "")))
	}
	if v.MayClaim {
		list = append(list, button(discord.ButtonStyleSecondary, "👑", q.t.Say("button.claim"), q.about(string(room.DoClaim), id, "")))
	}
	if v.MayEnter && (!v.Room.ClosingAt.IsZero() || !v.IdleDeadline.IsZero()) {
		list = append(list, button(discord.ButtonStyleSecondary, "⏰", q.t.Say("button.keep"), q.about(actKeep, id, "")))
	}
	return []discord.LayoutComponent{row(append(list, link(q.t.Say("button.page"), c.o.Pages.Room(id)))...)}
}

func (c *Commands) view(ctx context.Context, q *call) (room.View, error) {
	id, err := c.which(q)
	if err != nil {
		return room.View{}, err
	}
	return c.o.Keeper.View(ctx, q.guild, room.Request{Actor: q.actor, RoomID: id})
}

// join takes a seat in a room.
func (c *Commands) join(ctx context.Context, q *call) (reply, error) {
	id, err := c.which(q)
	if err != nil {
		return reply{}, err
	}
	j, err := c.o.Keeper.Join(ctx, q.guild, room.Request{Actor: q.actor, RoomID: id})
	switch {
	case errs.Has(err, errs.RoomFull):
		return reply{text: refusal(q.t, err), rows: []discord.LayoutComponent{row(
			button(discord.ButtonStylePrimary, "⏳", q.t.Say("button.wait"), q.about(actWait, id, "")),
			link(q.t.Say("button.page"), c.o.Pages.Room(id)),
		)}}, nil
	case err != nil:
		return reply{}, err
	case j.Moved:
		return reply{text: q.t.Say("joined", "Channel", channelMention(id))}, nil
	}
	return reply{text: q.t.Say("join.held", "Channel", channelMention(id), "When", when(j.HeldUntil))}, nil
}

// knock asks to be let into a room, or into whatever room somebody has.
func (c *Commands) knock(ctx context.Context, q *call) (reply, error) {
	req := room.KnockRequest{Actor: q.actor, RoomID: q.custom.room, Owner: q.data.Snowflake("user")}
	if name := strings.TrimSpace(q.data.String("room")); req.RoomID == 0 && name != "" {
		id, err := named(c.visible(q), name)
		if err != nil {
			return reply{}, err
		}
		req.RoomID, req.Owner = id, 0
	}
	if req.RoomID == 0 && req.Owner == 0 {
		return reply{}, errs.E(errs.Invalid, "Whom do you want to visit? Name the owner or the room, such as /knock user:@Mara. /rooms shows the rooms you may see.")
	}
	done, err := c.o.Keeper.Knock(ctx, q.guild, req)
	if err != nil {
		return reply{}, err
	}
	switch {
	case done.Room == nil && req.Owner == 0:
		return reply{text: q.t.Say("knock.perhaps.room")}, nil
	case done.Room == nil:
		return reply{text: q.t.Say("knock.perhaps", "User", userMention(req.Owner))}, nil
	case done.Already:
		return reply{text: q.t.Say("knock.already", "Room", bold(done.Room.Name))}, nil
	}
	return reply{text: q.t.Say("knock.done", "Room", bold(done.Room.Name))}, nil
}

// answerKnock lets somebody in, or tells them "not now".
func (c *Commands) answerKnock(letIn bool) handler {
	return func(ctx context.Context, q *call) (reply, error) {
		user := q.custom.user()
		done, err := c.o.Keeper.Answer(ctx, q.guild, room.AnswerRequest{Actor: q.actor, RoomID: q.custom.room, User: user, LetIn: letIn})
		if err != nil {
			return reply{}, err
		}
		say := "knock.not-now"
		if letIn {
			say = "knock.let-in"
		}
		return reply{text: q.t.Say(say, "User", userMention(user), "Room", bold(done.Room.Name))}, nil
	}
}

// wait enters the waiting list of a full room.
func (c *Commands) wait(ctx context.Context, q *call) (reply, error) { return c.waiting(ctx, q, false) }

// unwait leaves it.
func (c *Commands) unwait(ctx context.Context, q *call) (reply, error) {
	return c.waiting(ctx, q, true)
}

func (c *Commands) waiting(ctx context.Context, q *call, leave bool) (reply, error) {
	id, err := c.which(q)
	if err != nil {
		return reply{}, err
	}
	done, err := c.o.Keeper.Wait(ctx, q.guild, room.WaitRequest{Actor: q.actor, RoomID: id, Leave: leave})
	switch {
	case err != nil:
		return reply{}, err
	case leave:
		return reply{text: q.t.Say("wait.left", "Room", bold(done.Room.Name))}, nil
	case !done.HeldUntil.IsZero():
		return reply{text: q.t.Say("join.held", "Channel", channelMention(id), "When", when(done.HeldUntil))}, nil
	}
	return reply{
		text: q.t.Say("wait.place", "Room", bold(done.Room.Name), "Place", done.Place),
		rows: []discord.LayoutComponent{row(button(discord.ButtonStyleSecondary, "", q.t.Say("button.unwait"), q.about(actUnwait, id, "")))},
	}, nil
}

// preferences shows what is remembered for the caller's next room.
func (c *Commands) preferences(ctx context.Context, q *call) (reply, error) {
	done, err := c.o.Keeper.Preferences(ctx, q.guild, room.PreferencesRequest{Actor: q.actor})
	if err != nil {
		return reply{}, err
	}
	p := done.Preferences
	if p.Empty() {
		return reply{text: q.t.Say("prefs.none")}, nil
	}
	list := []string{q.t.Say("prefs.some")}
	add := func(id string, pairs ...any) { list = append(list, "- "+q.t.Say(id, pairs...)) }
	if p.Name != "" {
		add("prefs.name", "Name", bold(p.Name))
	}
	if p.Seats != 0 {
		add("prefs.seats", "Count", p.Seats)
	}
	if p.Private != nil || p.Locked || p.Hidden {
		a := room.Access{Private: p.Private != nil && *p.Private, Locked: p.Locked, Hidden: p.Hidden}
		add("prefs.privacy", "Privacy", privacy(q.t, a))
	}
	if len(p.Guests) > 0 {
		add("prefs.guests", "People", mentions(q, p.Guests))
	}
	if len(p.Banned) > 0 {
		add("prefs.banned", "People", mentions(q, p.Banned))
	}
	return reply{text: lines(list...), rows: []discord.LayoutComponent{row(
		button(discord.ButtonStyleSecondary, "🧹", q.t.Say("button.forget"), q.about(actForget, 0, "")),
	)}}, nil
}

// forget forgets it.
func (c *Commands) forget(ctx context.Context, q *call) (reply, error) {
	_, err := c.o.Keeper.Preferences(ctx, q.guild, room.PreferencesRequest{Actor: q.actor, Forget: true})
	return reply{text: q.t.Say("prefs.forgotten")}, err
}

// mentions lists people as Discord shows them, as many as are read at a glance.
func mentions(q *call, users []snowflake.ID) string {
	const most = 15
	var list []string
	for i, u := range users {
		if i == most {
			list = append(list, q.t.Say("more", "Count", len(users)-most))
			break
		}
		list = append(list, userMention(u))
	}
	return q.t.List(list)
}

func ids[T any](list []T, id func(T) snowflake.ID) (out []snowflake.ID) {
	for _, v := range list {
		out = append(out, id(v))
	}
	return out
}

func names(roster []room.Person) (out []string) {
	for _, p := range roster {
		out = append(out, escape(p.DisplayName))
	}
	return out
}

// lines joins what is not empty.
func lines(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), "\n")
}
