package commands

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

// The fields of modals.
const (
	fieldName   = "name"
	fieldSeats  = "seats"
	fieldStatus = "status"
)

// change does what needs nothing but the room.
func (c *Commands) change(do room.Action) handler {
	return func(ctx context.Context, q *call) (reply, error) {
		done, err := c.do(ctx, q, room.ChangeRequest{Do: do})
		if err != nil {
			return reply{}, err
		}
		return reply{text: q.t.Say("did."+string(do), "Room", message.Bold(done.Room.Name))}, nil
	}
}

// do changes the room that is meant.
func (c *Commands) do(ctx context.Context, q *call, req room.ChangeRequest) (room.ChangeDone, error) {
	id, err := c.which(q)
	if err != nil {
		return room.ChangeDone{}, err
	}
	req.Actor, req.RoomID = q.actor, id
	return c.o.Rooms.Change(ctx, q.guild, req)
}

// modal makes a modal of one field about a room.
func modal(q *call, action string, about snowflake.ID, title string, label discord.LabelComponent) discord.ModalCreate {
	return discord.NewModalCreate(q.about(action, about, "").String(), message.Cut(title, maxTitle), label)
}

// maxTitle is Discord's limit on a modal's title and on a label in it.
const maxTitle = 45

// askName asks for a new name unless one was given.
func (c *Commands) askName(q *call) (discord.ModalCreate, bool, error) {
	if q.data.String("name") != "" {
		return discord.ModalCreate{}, false, nil
	}
	r, err := c.ours(q)
	if err != nil {
		return discord.ModalCreate{}, false, err
	}
	in := discord.NewShortTextInput(fieldName).WithRequired(true).WithMinLength(1).WithMaxLength(schema.MaxName).WithValue(r.Name)
	return modal(q, message.ActionRenameSubmit, r.ID, q.t.Say("ask.name"),
		discord.NewLabel(message.Cut(q.t.Say("ask.name.label"), maxTitle), in)), true, nil
}

// rename gives the room another name; beyond Discord's budget it tells when.
func (c *Commands) rename(ctx context.Context, q *call) (reply, error) {
	name := q.data.String("name")
	if name == "" {
		name = q.form.Text(fieldName)
	}
	done, err := c.do(ctx, q, room.ChangeRequest{Do: room.DoRename, Text: name})
	switch {
	case err != nil:
		return reply{}, err
	case !done.Later.IsZero():
		clean, _ := schema.CleanName(name) // it was good enough for package rooms
		return reply{
			text: q.t.Say("did.rename.later", "Name", message.Bold(clean), "When", message.RelativeTime(done.Later)),
		}, nil
	}
	return reply{text: q.t.Say("did.rename", "Room", message.Bold(done.Room.Name))}, nil
}

// askSeats asks how many seats there are to be.
func (c *Commands) askSeats(q *call) (discord.ModalCreate, bool, error) {
	r, err := c.ours(q)
	if err != nil {
		return discord.ModalCreate{}, false, err
	}
	in := discord.NewShortTextInput(fieldSeats).WithRequired(true).WithMinLength(1).WithMaxLength(2).WithValue(strconv.Itoa(r.Seats))
	label := discord.NewLabel(message.Cut(q.t.Say("ask.seats.label", "Least", schema.MinSeats, "Most", schema.MaxSeats),
		maxTitle), in)
	return modal(q, message.ActionSeatsSubmit, r.ID, q.t.Say("ask.seats"), label), true, nil
}

// seats changes how many may sit in the room.
func (c *Commands) seats(ctx context.Context, q *call) (reply, error) {
	n, ok := q.data.OptInt("seats")
	if !ok {
		var err error
		text := strings.TrimSpace(q.form.Text(fieldSeats))
		if n, err = strconv.Atoi(text); err != nil {
			return reply{}, errs.Field("seats", "“%s” isn't a whole number. Type one, like 4.",
				message.Strip(text))
		}
	}
	done, err := c.do(ctx, q, room.ChangeRequest{Do: room.DoSeats, Number: n})
	if err != nil {
		return reply{}, err
	}
	return reply{text: q.t.Say("did.seats", "Room", message.Bold(done.Room.Name), "Count", done.Room.Seats)}, nil
}

// askStatus asks what to say below the room's name unless that was given.
func (c *Commands) askStatus(q *call) (discord.ModalCreate, bool, error) {
	if _, ok := q.data.OptString("text"); ok {
		return discord.ModalCreate{}, false, nil
	}
	r, err := c.ours(q)
	if err != nil {
		return discord.ModalCreate{}, false, err
	}
	in := discord.NewShortTextInput(fieldStatus).WithMaxLength(schema.MaxStatus).WithValue(r.Status).WithPlaceholder(q.t.Say("ask.status.example"))
	label := discord.NewLabel(message.Cut(q.t.Say("ask.status.label"), maxTitle), in)
	return modal(q, message.ActionStatusSubmit, r.ID, q.t.Say("ask.status"), label), true, nil
}

// status says below the room's name what people are up to.
func (c *Commands) status(ctx context.Context, q *call) (reply, error) {
	text, ok := q.data.OptString("text")
	if !ok {
		text = q.form.Text(fieldStatus)
	}
	done, err := c.do(ctx, q, room.ChangeRequest{Do: room.DoStatus, Text: text})
	switch {
	case err != nil:
		return reply{}, err
	case done.Room.Status == "":
		return reply{text: q.t.Say("did.status.none", "Room", message.Bold(done.Room.Name))}, nil
	}
	return reply{
		text: q.t.Say("did.status", "Room", message.Bold(done.Room.Name), "Status", message.Escape(done.Room.Status)),
	}, nil
}

// whom gives the person that is meant: by an option, a menu or a button.
func (q *call) whom() snowflake.ID {
	switch {
	case q.data.Snowflake("user") != 0:
		return q.data.Snowflake("user")
	case len(q.values) == 1:
		id, _ := message.ParseID(q.values[0])
		return id
	}
	return q.custom.User()
}

// doTo does something to a person, who is asked for if nobody is named.
func (c *Commands) doTo(do room.Action) handler {
	return func(ctx context.Context, q *call) (reply, error) {
		id, err := c.which(q)
		if err != nil {
			return reply{}, err
		}
		who := q.whom()
		if who == 0 {
			if _, err := c.mayControl(ctx, q, id); err != nil {
				return reply{}, err
			}
			menu := discord.NewUserSelectMenu(q.about(string(do), id, "").String(), q.t.Say("choose.person"))
			return reply{text: q.t.Say("choose." + string(do)), rows: []discord.LayoutComponent{message.Row(menu)}}, nil
		}
		if do == room.DoTransfer && q.custom.Action != message.ActionTransferNow {
			return c.confirmTransfer(ctx, q, id, who)
		}
		done, err := c.do(ctx, q, room.ChangeRequest{Do: do, User: who})
		if err != nil {
			return reply{}, err
		}
		a := reply{
			text: q.t.Say("did."+string(do), "Room", message.Bold(done.Room.Name), "User", message.UserMention(who)),
		}
		if do == room.DoBan {
			a.rows = []discord.LayoutComponent{
				message.Row(message.Button(discord.ButtonStyleSecondary, "↩️", q.t.Say("button.unban"),
					q.about(message.ActionUnban, id, who.String()))),
			}
		}
		return a, nil
	}
}

// confirmTransfer asks whether somebody is to own the room: only they could give it back.
func (c *Commands) confirmTransfer(ctx context.Context, q *call, id, who snowflake.ID) (reply, error) {
	v, err := c.mayControl(ctx, q, id)
	if err != nil {
		return reply{}, err
	}
	return reply{
		text: q.t.Say("transfer.ask", "Room", message.Bold(v.Room.Name), "User", message.UserMention(who)),
		rows: []discord.LayoutComponent{message.Row(
			message.Button(discord.ButtonStyleDanger, "👑", q.t.Say("button.transfer"),
				q.about(message.ActionTransferNow, id, who.String())),
			message.Button(discord.ButtonStyleSecondary, "", q.t.Say("button.keep-room"),
				q.about(message.ActionCancel, id, "")),
		)},
	}, nil
}

// mayControl gives the room if the caller controls it, so that nobody fills in what is refused afterwards.
func (c *Commands) mayControl(ctx context.Context, q *call, id snowflake.ID) (room.View, error) {
	v, err := c.o.Rooms.View(ctx, q.guild, room.Request{Actor: q.actor, RoomID: id})
	if err == nil && !v.MayControl {
		err = notYours()
	}
	return v, err
}

// unban undoes a ban, which is asked for if none is named.
func (c *Commands) unban(ctx context.Context, q *call) (reply, error) {
	id, err := c.which(q)
	if err != nil {
		return reply{}, err
	}
	who := q.custom.User()
	if name := strings.TrimSpace(q.data.String("user")); name != "" {
		who, _ = message.ParseID(strings.Trim(name, "<@!>"))
		if who == 0 {
			return reply{}, errs.E(errs.NotFound,
				"“%s” isn't banned from this room. Choose from the list that opens while you type.",
				message.Strip(name))
		}
	} else if len(q.values) == 1 {
		who, _ = message.ParseID(q.values[0])
	}
	if who != 0 {
		done, err := c.do(ctx, q, room.ChangeRequest{Do: room.DoUnban, User: who})
		if err != nil {
			return reply{}, err
		}
		return reply{
			text: q.t.Say("did.unban", "Room", message.Bold(done.Room.Name), "User", message.UserMention(who)),
		}, nil
	}
	v, err := c.mayControl(ctx, q, id)
	if err != nil {
		return reply{}, err
	}
	if v.Control == nil || len(v.Control.Bans) == 0 {
		return reply{text: q.t.Say("bans.none", "Room", message.Bold(v.Room.Name))}, nil
	}
	menu := discord.NewStringSelectMenu(q.about(message.ActionUnban, id, "").String(), q.t.Say("choose.person"))
	for _, b := range v.Control.Bans[:min(len(v.Control.Bans), message.MaxChoices)] {
		menu.Options = append(menu.Options,
			discord.NewStringSelectMenuOption(message.Cut(message.Strip(c.nameOf(q, b.UserID, b.Name)),
				message.MaxOption),
				b.UserID.String()))
	}
	return reply{text: q.t.Say("choose.unban"), rows: []discord.LayoutComponent{message.Row(menu)}}, nil
}

// nameOf gives a name for somebody, as good as it is known.
func (c *Commands) nameOf(q *call, id snowflake.ID, known string) string {
	if known != "" {
		return known
	}
	for _, r := range c.memory(q).Rooms {
		i := slices.IndexFunc(c.o.Rooms.Roster(q.guild, r.ID), func(p room.Person) bool { return p.UserID == id })
		if i >= 0 {
			return c.o.Rooms.Roster(q.guild, r.ID)[i].DisplayName
		}
	}
	return id.String()
}

// person shows what can be done about somebody.
func (c *Commands) person(ctx context.Context, q *call) (reply, error) {
	who := q.whom()
	v, err := c.mayControl(ctx, q, q.custom.Room)
	if err != nil {
		return reply{}, err
	}
	switch {
	case who == 0:
		return reply{}, errs.E(errs.Invalid, "You didn't choose anyone. Open the menu again and choose somebody.")
	case who == q.who.UserID:
		return reply{text: q.t.Say("person.you")}, nil
	}
	about := func(action string) message.CustomID { return q.about(action, v.Room.ID, who.String()) }
	a := v.Room.Access
	var list []discord.InteractiveComponent
	if slices.Contains(a.Banned, who) {
		list = append(list,
			message.Button(discord.ButtonStyleSecondary, "↩️", q.t.Say("button.unban"), about(message.ActionUnban)))
	} else {
		if !a.Admitted(who) {
			list = append(list,
				message.Button(discord.ButtonStyleSuccess, "🎟️", q.t.Say("button.admit"), about(message.ActionAdmit)))
		}
		list = append(list,
			message.Button(discord.ButtonStyleSecondary, "👋", q.t.Say("button.kick"), about(string(room.DoKick))),
			message.Button(discord.ButtonStyleDanger, "⛔", q.t.Say("button.ban"), about(string(room.DoBan))),
			message.Button(discord.ButtonStyleSecondary, "👑", q.t.Say("button.transfer"),
				about(string(room.DoTransfer))),
		)
	}
	return reply{
		text: q.t.Say("person", "User", message.UserMention(who), "Room", message.Bold(v.Room.Name)),
		rows: []discord.LayoutComponent{message.Row(list...)},
	}, nil
}

// spectators lets people watch who is in without signing in, or ends that.
func (c *Commands) spectators(ctx context.Context, q *call) (reply, error) {
	if !q.data.Bool("on") {
		return c.change(room.DoUnwatch)(ctx, q)
	}
	done, err := c.do(ctx, q, room.ChangeRequest{Do: room.DoWatch})
	if err != nil {
		return reply{}, err
	}
	return reply{
		text: q.t.Say("did.watch", "Room", message.Bold(done.Room.Name), "Link",
			c.o.Pages.Watch(done.Room.ID, done.WatchToken)),
		rows: []discord.LayoutComponent{
			message.Row(message.Button(discord.ButtonStyleSecondary, "🙈", q.t.Say("button.unwatch"),
				q.about(string(room.DoUnwatch), done.Room.ID, ""))),
		},
	}, nil
}

// keep calls off an announced closing.
func (c *Commands) keep(ctx context.Context, q *call) (reply, error) {
	id, err := c.which(q)
	if err != nil {
		return reply{}, err
	}
	s, err := c.o.Rooms.Keep(ctx, q.guild, room.Request{Actor: q.actor, RoomID: id})
	return reply{text: q.t.Say("did.keep", "Room", message.Bold(s.Name))}, err
}

// confirmClose asks whether the room is to be closed, and tells who is still in it.
func (c *Commands) confirmClose(ctx context.Context, q *call) (reply, error) {
	id, err := c.which(q)
	if err != nil {
		return reply{}, err
	}
	buttons := []discord.LayoutComponent{message.Row(
		message.Button(discord.ButtonStyleDanger, "🚪", q.t.Say("button.close"),
			q.about(message.ActionCloseNow, id, "")),
		message.Button(discord.ButtonStyleSecondary, "", q.t.Say("button.stay"), q.about(message.ActionCancel, id, "")),
	)}
	v, err := c.o.Rooms.View(ctx, q.guild, room.Request{Actor: q.actor, RoomID: id})
	switch {
	case errs.Has(err, errs.RoomNotFound) && q.who.Manager:
		// Managers may close what they do not see; package rooms says so or not when they do.
		return reply{text: q.t.Say("close.unseen", "Channel", message.ChannelMention(id)), rows: buttons}, nil
	case err != nil:
		return reply{}, err
	}
	if err := v.Room.Access.CheckClose(q.who); err != nil {
		return reply{}, err
	}
	text := q.t.Say("close.empty", "Room", message.Bold(v.Room.Name))
	if n := room.Occupied(v.Roster); n > 0 {
		text = q.t.Say("close.people", "Room", message.Bold(v.Room.Name), "Count", n)
	}
	return reply{text: text, rows: buttons}, nil
}

// close closes the room.
func (c *Commands) close(ctx context.Context, q *call) (reply, error) {
	s, err := c.o.Rooms.CloseRoom(ctx, q.guild, room.Request{Actor: q.actor, RoomID: q.custom.Room})
	return reply{text: q.t.Say("did.close", "Room", message.Bold(s.Name))}, err
}
