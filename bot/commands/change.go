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

// maxTitle is Discord's limit on a modal's title and on a label in it.
const maxTitle = 45

// modal makes a modal about a room.
func modal(
	q *call, action string, about snowflake.ID, title string, labels ...discord.LayoutComponent,
) discord.ModalCreate {
	return discord.NewModalCreate(q.about(action, about, "").String(), message.Cut(title, maxTitle), labels...)
}

// ask returns what opens a modal for an action's input, unless an option or that modal gave it; nil if none is needed.
func (c *Commands) ask(a schema.Action) asker {
	if a.Input != schema.TextInput && a.Input != schema.TextsInput && a.Input != schema.NumberInput {
		return nil
	}
	return func(q *call) (discord.ModalCreate, bool, error) {
		if _, given := q.input(a); given || len(q.texts(a)) > 0 {
			return discord.ModalCreate{}, false, nil
		}
		r, err := c.ours(q, a.Phrase)
		if err != nil {
			return discord.ModalCreate{}, false, err
		}
		sum := r.Summary(false)
		labels := []discord.LayoutComponent{label(q, a, sum)}
		if a.Input == schema.TextsInput {
			labels = textLabels(q, a, sum.Card)
		}
		return modal(q, a.Name, r.ID, q.t.Say("action."+a.Name), labels...), true, nil
	}
}

// label is the field of an action that asks for one text or number.
func label(q *call, a schema.Action, sum room.Summary) discord.LabelComponent {
	words := "action." + a.Name
	in := discord.NewShortTextInput(a.Field).WithRequired(a.Input == schema.NumberInput || a.Min > 0).
		WithMaxLength(a.Max).WithValue(sum.Current(room.Action(a.Name)))
	if a.Input == schema.NumberInput {
		in = in.WithMaxLength(len(strconv.Itoa(a.Max)))
	}
	if in.Required {
		in = in.WithMinLength(1)
	}
	if example := words + ".example"; q.t.Has(example) {
		in = in.WithPlaceholder(q.t.Say(example))
	}
	return discord.NewLabel(message.Cut(q.t.Say(words+".input"), maxTitle), in)
}

// textLabels are the fields of an action that asks for several texts.
func textLabels(q *call, a schema.Action, now room.Card) (labels []discord.LayoutComponent) {
	for _, f := range a.Fields {
		in := discord.NewShortTextInput(f.Name)
		if f.Long {
			in = discord.NewParagraphTextInput(f.Name)
		}
		words := "action." + a.Name + "." + f.Name
		in = in.WithRequired(false).WithMaxLength(f.Max).WithValue(now.Text(f.Name))
		if example := words + ".example"; q.t.Has(example) {
			in = in.WithPlaceholder(q.t.Say(example))
		}
		labels = append(labels, discord.NewLabel(message.Cut(q.t.Say(words), maxTitle), in))
	}
	return labels
}

// texts returns the texts for a TextsInput that the command's options or the modal gave.
func (q *call) texts(a schema.Action) map[string]string {
	out := map[string]string{}
	for _, f := range a.Fields {
		if text, ok := q.data.OptString(f.Name); ok {
			out[f.Name] = text
		} else if text, ok := q.form.OptText(f.Name); ok {
			out[f.Name] = text
		}
	}
	return out
}

// input returns the text or number for an action, from the command's option or the modal; false if neither has it.
func (q *call) input(a schema.Action) (string, bool) {
	if a.Input == schema.NumberInput {
		if n, ok := q.data.OptInt(a.Field); ok {
			return strconv.Itoa(n), true
		}
	} else if text, ok := q.data.OptString(a.Field); ok {
		return text, true
	}
	return q.form.OptText(a.Field)
}

// confirmed is the action of the button that confirms an action with Confirm.
func confirmed(a schema.Action) string { return a.Name + "-now" }

// action returns what does an action: by its command, its button, its modal or its menu.
func (c *Commands) action(a schema.Action) handler {
	return func(ctx context.Context, q *call) (reply, error) {
		id, err := c.which(q)
		if err != nil {
			return reply{}, err
		}
		req := room.ChangeRequest{Actor: q.actor, RoomID: id, Do: room.Action(a.Name)}
		switch a.Input {
		case schema.NoInput:
		case schema.TextInput:
			req.Text, _ = q.input(a)
		case schema.TextsInput:
			req.Texts = q.texts(a)
		case schema.NumberInput:
			text, _ := q.input(a)
			if req.Number, err = strconv.Atoi(strings.TrimSpace(text)); err != nil {
				return reply{}, errs.Field(a.Field, "“%s” isn't a whole number. Type one, like 4.", message.Strip(text))
			}
		case schema.MemberInput, schema.BannedInput:
			req.User, err = q.whom(a)
			switch {
			case err != nil:
				return reply{}, err
			case req.User == 0:
				return c.choose(ctx, q, id, a)
			case a.Confirm && q.custom.Action != confirmed(a):
				return c.confirm(ctx, q, id, req.User, a)
			}
		}
		done, err := c.o.Rooms.Change(ctx, q.guild, req)
		if err != nil {
			return reply{}, err
		}
		return c.done(q, a, req, done), nil
	}
}

// whom returns the user whom an action is about: by an option, a menu or a button; 0 for nobody yet.
func (q *call) whom(a schema.Action) (snowflake.ID, error) {
	if a.Input == schema.MemberInput {
		if id := q.data.Snowflake(a.Field); id != 0 {
			return id, nil
		}
	} else if typed := strings.TrimSpace(q.data.String(a.Field)); typed != "" {
		id, _ := message.ParseID(strings.Trim(typed, "<@!>"))
		if id == 0 {
			return 0, errs.E(errs.NotFound,
				"“%s” isn't banned from this room. Choose from the list that opens while you type.",
				message.Strip(typed))
		}
		return id, nil
	}
	return q.chosen(), nil
}

// chosen returns the user who was chosen in a menu, or is meant by a button; 0 for nobody.
func (q *call) chosen() snowflake.ID {
	if len(q.values) == 1 {
		id, _ := message.ParseID(q.values[0])
		return id
	}
	return q.custom.User()
}

// done says what an action did, and offers to undo it.
func (c *Commands) done(q *call, a schema.Action, req room.ChangeRequest, done room.ChangeDone) reply {
	text, _ := schema.CleanStatus(req.Text) // it was good enough for package rooms
	words := []any{
		"Room", message.Bold(done.Room.Name), "User", message.UserMention(req.User), "Text", message.Escape(text),
		"When", message.RelativeTime(done.Later), "Link", c.o.Pages.Watch(done.Room.ID, done.WatchToken),
	}
	said := ".done"
	switch {
	case a.Input == schema.NumberInput:
		words = append(words, "Count", req.Number)
	case !done.Later.IsZero():
		said = ".later"
	case a.Input == schema.TextInput && text == "", a.Input == schema.TextsInput && done.Room.Card.Empty():
		said = ".cleared"
	}
	out := reply{text: q.t.Say("action."+a.Name+said, words...)}
	if undo, ok := schema.ActionNamed(a.Undo); ok {
		arg := ""
		if undo.Input.User() {
			arg = req.User.String()
		}
		out.rows = []discord.LayoutComponent{message.Row(actionButton(q, undo, done.Room.ID, arg))}
	}
	return out
}

// actionButton is the button of an action on an answer; arg is the ID of the user it is about, "" for nobody.
func actionButton(q *call, a schema.Action, roomID snowflake.ID, arg string) discord.ButtonComponent {
	style := discord.ButtonStyleSecondary
	if a.Danger {
		style = discord.ButtonStyleDanger
	}
	return message.Button(style, a.Emoji, q.t.Say("action."+a.Name), q.about(a.Name, roomID, arg))
}

// choose asks whom an action is about.
func (c *Commands) choose(ctx context.Context, q *call, id snowflake.ID, a schema.Action) (reply, error) {
	v, err := c.controlled(ctx, q, id, a.Phrase)
	if err != nil {
		return reply{}, err
	}
	text, about, hint := q.t.Say("action."+a.Name+".input"), q.about(a.Name, id, "").String(), q.t.Say("choose.person")
	if a.Input == schema.MemberInput {
		menu := discord.NewUserSelectMenu(about, hint)
		return reply{text: text, rows: []discord.LayoutComponent{message.Row(menu)}}, nil
	}
	if v.Control == nil || len(v.Control.Bans) == 0 {
		return reply{text: q.t.Say("action."+a.Name+".none", "Room", message.Bold(v.Room.Name))}, nil
	}
	menu := discord.NewStringSelectMenu(about, hint)
	for _, b := range v.Control.Bans[:min(len(v.Control.Bans), message.MaxChoices)] {
		name := message.Cut(message.Strip(c.nameOf(q, b.UserID, b.Name)), message.MaxOption)
		menu.Options = append(menu.Options, discord.NewStringSelectMenuOption(name, b.UserID.String()))
	}
	return reply{text: text, rows: []discord.LayoutComponent{message.Row(menu)}}, nil
}

// confirm asks before an action that only somebody else can undo.
func (c *Commands) confirm(ctx context.Context, q *call, id, who snowflake.ID, a schema.Action) (reply, error) {
	v, err := c.controlled(ctx, q, id, a.Phrase)
	if err != nil {
		return reply{}, err
	}
	say := func(part string) string {
		return q.t.Say("action."+a.Name+part, "Room", message.Bold(v.Room.Name), "User", message.UserMention(who))
	}
	return reply{text: say(".ask") + " " + say(".ask.text"), rows: []discord.LayoutComponent{message.Row(
		message.Button(discord.ButtonStyleDanger, a.Emoji, say(".yes"), q.about(confirmed(a), id, who.String())),
		message.Button(discord.ButtonStyleSecondary, "", say(".no"), q.about(message.ActionCancel, id, "")),
	)}}, nil
}

// controlled returns the room if the caller controls it, so that nobody fills in what is refused afterwards. what is
// as for CheckControl.
func (c *Commands) controlled(ctx context.Context, q *call, id snowflake.ID, what errs.Term) (room.View, error) {
	v, err := c.o.Rooms.View(ctx, q.guild, room.Request{Actor: q.actor, RoomID: id})
	if err == nil {
		err = v.Room.Access.CheckControl(v.Standing, what)
	}
	return v, err
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
	who := q.chosen()
	v, err := c.controlled(ctx, q, q.custom.Room, errs.Term("let people in or kick them"))
	if err != nil {
		return reply{}, err
	}
	switch {
	case who == 0:
		return reply{}, errs.E(errs.Invalid, "You didn't choose anyone. Open the menu again and choose somebody.")
	case who == q.who.UserID:
		return reply{text: q.t.Say("person.you")}, nil
	}
	input := schema.MemberInput
	if slices.Contains(v.Room.Access.Banned, who) {
		input = schema.BannedInput
	}
	var list []discord.InteractiveComponent
	if input == schema.MemberInput && !v.Room.Access.Admitted(who) {
		list = append(list, message.Button(discord.ButtonStyleSuccess, "🎟️", q.t.Say("button.admit"),
			q.about(message.ActionAdmit, v.Room.ID, who.String())))
	}
	for _, a := range schema.Actions() {
		if a.Input == input {
			list = append(list, actionButton(q, a, v.Room.ID, who.String()))
		}
	}
	return reply{
		text: q.t.Say("person", "User", message.UserMention(who), "Room", message.Bold(v.Room.Name)),
		rows: []discord.LayoutComponent{message.Row(list...)},
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
