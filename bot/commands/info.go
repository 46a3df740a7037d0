package commands

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/access"
	"snug/shared/room"
)

// maxListed is how many rooms an answer lists: a message holds 2,000 characters, a menu 25 options.
const maxListed = 20

// rooms lists the rooms the caller may see, with a menu to go on with one of them.
func (c *Commands) rooms(ctx context.Context, q *call) (reply, error) {
	list, err := c.o.Rooms.Rooms(ctx, q.guild, q.who)
	if err != nil {
		return reply{}, err
	}
	page := message.Link(q.t.Say("button.server"), c.o.Pages.Server(q.guild))
	if len(list) == 0 {
		return reply{text: q.t.Say("rooms.none"), rows: []discord.LayoutComponent{message.Row(page)}}, nil
	}
	slices.SortStableFunc(list, func(a, b room.View) int { // the caller's own first, then where there are people
		return cmp.Or(mine(q, b)-mine(q, a), cmp.Compare(room.Occupied(b.Roster), room.Occupied(a.Roster)))
	})
	text := q.t.Say("rooms.some", "Count", len(list))
	menu := discord.NewStringSelectMenu(q.about(message.ActionChosen, 0, "").String(), q.t.Say("rooms.choose"))
	for i, v := range list {
		if i == maxListed {
			text += "\n" + q.t.Say("rooms.more", "Count", len(list)-maxListed)
			break
		}
		state := message.Seats(q.t, room.Occupied(v.Roster), v.Room.Seats) + " · " +
			message.Privacy(q.t, v.Room.Access.Privacy())
		text += "\n" + message.ChannelMention(v.Room.ID) + " · " + state
		menu.Options = append(menu.Options, discord.StringSelectMenuOption{
			Label: message.Cut(message.Strip(v.Room.Name), message.MaxOption), Value: v.Room.ID.String(),
			Description: message.Cut(state, message.MaxOption),
		})
	}
	return reply{text: text, rows: []discord.LayoutComponent{message.Row(menu), message.Row(page)}}, nil
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
		q.custom.Room, _ = message.ParseID(q.values[0])
	}
	return c.info(ctx, q)
}

// find shows the room that somebody is in.
func (c *Commands) find(ctx context.Context, q *call) (reply, error) {
	return c.roomOf(ctx, q, q.data.Snowflake("user"))
}

// findTarget is find in the menu on a person.
func (c *Commands) findTarget(ctx context.Context, q *call) (reply, error) {
	return c.roomOf(ctx, q, q.target)
}

// roomOf shows the room that somebody is in. If the caller may not see it, the answer is the same as for no room.
func (c *Commands) roomOf(ctx context.Context, q *call, who snowflake.ID) (reply, error) {
	in := c.o.Rooms.VoiceOf(q.guild, who)
	if !slices.ContainsFunc(c.visible(q), func(r room.Room) bool { return r.ID == in }) {
		return reply{text: q.t.Say("find.none", "User", message.UserMention(who))}, nil
	}
	q.custom.Room = in
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
		message.Bold(r.Name) + " · " + message.ChannelMention(r.ID),
		message.Privacy(q.t, r.Access.Privacy()) + " · " + message.Seats(q.t, room.Occupied(v.Roster), r.Seats),
	}
	if r.Status != "" {
		list = append(list, q.t.Say("info.status", "Status", message.Escape(r.Status)))
	}
	list = append(list, message.Card(r.Card)...)
	list = append(list,
		q.t.Say("info.owner", "Owner", message.UserMention(r.Access.OwnerID), "When", message.RelativeTime(r.OpenedAt)))
	if len(v.Roster) > 0 {
		list = append(list, q.t.Say("info.inside", "People", q.t.List(names(v.Roster))))
	}
	list = append(list, c.closing(q, v)...)
	if v.Suspended != nil {
		list = append(list, "⛔ "+message.Refusal(q.t, v.Suspended))
	}
	list = append(list, c.forOwner(q, v)...)
	return reply{text: message.Lines(list...), rows: append(c.doors(q, v), c.comers(q, v)...)}, nil
}

// fewTold is of how many people an answer says in a sentence each what keeps them out: it holds 2,000 characters.
const fewTold = 5

// out tells which of the owner and the guests have no place for now, and who is on their way, with what each
// still needs.
func (c *Commands) out(q *call, o *room.Control, owner snowflake.ID) (list []string) {
	n := 0
	tell := func(id, who, why string) {
		if n++; n <= fewTold {
			list = append(list, q.t.Say(id, "Who", who, "Why", why))
		}
	}
	if o.OwnerSuspended != access.Passes {
		tell("info.out", message.UserMention(owner), needs(q, o.OwnerSuspended, message.Escape(o.Lacks[owner])))
	}
	for _, g := range o.Guests {
		if g.Suspended != access.Passes {
			tell("info.out", calling(g.UserID, g.Name, g.Suspended != access.NotMember),
				needs(q, g.Suspended, message.Escape(o.Lacks[g.UserID])))
		}
	}
	for _, w := range o.OnTheWay {
		tell("info.way", calling(w.UserID, w.Name, w.Step != room.StepJoin),
			stillTo(q, w, message.Escape(o.Lacks[w.UserID])))
	}
	if n > fewTold {
		list = append(list, q.t.Say("more", "Count", n-fewTold))
	}
	return list
}

// calling names somebody: Discord's apps know those who are in the server.
func calling(user snowflake.ID, name string, here bool) string {
	if here || name == "" {
		return message.UserMention(user)
	}
	return message.Bold(name)
}

// needs says what keeps somebody out, and the next step.
func needs(q *call, why access.Barrier, roles string) string {
	if why == access.MissingRole && roles != "" {
		return q.t.Say("control.lacks", "Roles", roles)
	}
	return q.t.Say("control.out." + string(why))
}

// stillTo says what somebody on their way still has to do.
func stillTo(q *call, w room.OnTheWay, roles string) string {
	switch {
	case w.Step == "":
		return q.t.Say("control.out." + string(room.NotChecked))
	case w.Step == room.StepWait && w.Why != access.Passes:
		return needs(q, w.Why, roles)
	}
	return q.t.Say("control.way." + string(w.Step))
}

// comers is a menu of those who are on their way, for who may take their place back.
func (c *Commands) comers(q *call, v room.View) []discord.LayoutComponent {
	if v.Control == nil || len(v.Control.OnTheWay) == 0 {
		return nil
	}
	const most = 25
	menu := discord.NewStringSelectMenu(q.about(message.ActionPerson, v.Room.ID, "").String(),
		q.t.Say("info.way.choose"))
	for _, w := range v.Control.OnTheWay[:min(most, len(v.Control.OnTheWay))] {
		menu.Options = append(menu.Options, discord.StringSelectMenuOption{
			Label:       message.Cut(message.Strip(cmp.Or(w.Name, w.UserID.String())), message.MaxOption),
			Value:       w.UserID.String(),
			Description: message.Cut(stillTo(q, w, message.Strip(v.Control.Lacks[w.UserID])), message.MaxOption),
		})
	}
	return []discord.LayoutComponent{message.Row(menu)}
}

// closing tells when a room closes.
func (c *Commands) closing(q *call, v room.View) (list []string) {
	switch {
	case !v.Room.ClosingAt.IsZero():
		list = append(list, q.t.Say("info.closing", "When", message.RelativeTime(v.Room.ClosingAt)))
	case !v.IdleDeadline.IsZero():
		list = append(list, q.t.Say("info.idle", "When", message.RelativeTime(v.IdleDeadline)))
	}
	if !v.Deadline.IsZero() {
		list = append(list, q.t.Say("info.deadline", "When", message.RelativeTime(v.Deadline)))
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
		{"info.guests", ids(passing(o.Guests), func(g room.Guest) snowflake.ID { return g.UserID })},
		{"info.bans", ids(o.Bans, func(b room.Ban) snowflake.ID { return b.UserID })},
		{"info.knocks", ids(o.Knocks, func(k room.Knock) snowflake.ID { return k.UserID })},
		{"info.waiting", ids(o.Waiting, func(w room.Waiter) snowflake.ID { return w.UserID })},
	} {
		if len(x.users) > 0 {
			list = append(list, q.t.Say(x.id, "Count", len(x.users), "People", message.Mentions(q.t, x.users)))
		}
	}
	list = append(list, c.out(q, o, v.Room.Access.OwnerID)...)
	switch {
	case o.WantedName != "":
		list = append(list,
			q.t.Say("info.wanted", "Name", message.Bold(o.WantedName), "When", message.RelativeTime(o.NextRename)))
	case o.RenamesLeft == 0 && !o.NextRename.IsZero():
		list = append(list, q.t.Say("info.renames", "When", message.RelativeTime(o.NextRename)))
	}
	if o.WatchToken != "" {
		list = append(list, q.t.Say("info.watch"))
	}
	return list
}

// passing are the guests who have their place.
func passing(guests []room.Guest) []room.Guest {
	return slices.DeleteFunc(slices.Clone(guests), func(g room.Guest) bool { return g.Suspended != access.Passes })
}

// doors are the ways into a room, as they are open to the caller.
func (c *Commands) doors(q *call, v room.View) []discord.LayoutComponent {
	var list []discord.InteractiveComponent
	id := v.Room.ID
	switch full := room.Occupied(v.Roster) >= v.Room.Seats; {
	case v.VoiceIn == id:
	case !v.MayEnter:
		list = append(list,
			message.Button(discord.ButtonStylePrimary, "🚪", q.t.Say("button.knock"),
				q.about(message.ActionKnock, id, "")))
	case v.Place > 0:
		list = append(list,
			message.Button(discord.ButtonStyleSecondary, "⏳", q.t.Say("button.unwait"),
				q.about(message.ActionUnwait, id, "")))
	case full && v.HeldUntil.IsZero() && !v.MayOverfill:
		list = append(list,
			message.Button(discord.ButtonStylePrimary, "⏳", q.t.Say("button.wait"),
				q.about(message.ActionWait, id, "")))
	default:
		list = append(list,
			message.Button(discord.ButtonStylePrimary, "🔊", q.t.Say("button.join"),
				q.about(message.ActionJoin, id, "")))
	}
	if v.MayClaim {
		claim, _ := room.DoClaim.Row()
		list = append(list, actionButton(q, claim, id, ""))
	}
	if v.MayEnter && (!v.Room.ClosingAt.IsZero() || !v.IdleDeadline.IsZero()) {
		list = append(list,
			message.Button(discord.ButtonStyleSecondary, "⏰", q.t.Say("button.keep"),
				q.about(message.ActionKeep, id, "")))
	}
	return []discord.LayoutComponent{
		message.Row(append(list, message.Link(q.t.Say("button.page"), c.o.Pages.Room(id)))...),
	}
}

func (c *Commands) view(ctx context.Context, q *call) (room.View, error) {
	id, err := c.which(q)
	if err != nil {
		return room.View{}, err
	}
	return c.o.Rooms.View(ctx, q.guild, room.Request{Actor: q.actor, RoomID: id})
}

func ids[T any](list []T, id func(T) snowflake.ID) (out []snowflake.ID) {
	for _, v := range list {
		out = append(out, id(v))
	}
	return out
}

func names(roster []room.Person) (out []string) {
	for _, p := range roster {
		out = append(out, message.Escape(p.DisplayName))
	}
	return out
}
