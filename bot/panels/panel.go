package panels

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/access"
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/text"
)

// The colours at a panel's edge.
const (
	colourOpen    = 0xE0A458
	colourLocked  = 0x8A5A44
	colourClosing = 0xC8553D
)

// panel is the control panel of a room: what it is, and buttons for its owner.
// It shows nothing that changes with every join, so that it is seldom edited.
func panel(t text.Texts, site pages.Site, r *room.Room, a room.Access) []discord.LayoutComponent {
	about := func(action string) message.CustomID {
		return message.CustomID{Action: action, Guild: r.GuildID, Room: r.ID}
	}
	press := func(style discord.ButtonStyle, emoji, label, action string) discord.ButtonComponent {
		return message.Button(style, emoji, t.Say(label), about(action))
	}
	const grey = discord.ButtonStyleSecondary

	facts := message.Privacy(t, a.Privacy()) + " · " + t.Say("room.seats", "Count", r.Seats) + " · 👑 " +
		message.UserMention(r.OwnerID)
	colour, keep := colourOpen, grey
	if r.Locked {
		colour = colourLocked
	}
	said := append([]string{facts}, message.Card(r.Card)...)
	if !r.ClosingAt.IsZero() {
		colour, keep = colourClosing, discord.ButtonStyleSuccess
		said = append(said, t.Say("panel.closing", "When", message.RelativeTime(r.ClosingAt)))
	} else if r.Idle.Kept() {
		said = append(said, t.Say("panel.kept", "When", message.RelativeTime(r.Idle.KeptAt)))
	}
	if r.Renames.Wanted != "" {
		said = append(said, t.Say("panel.wanted", "Name", message.Bold(r.Renames.Wanted)))
	}
	if out := suspended(r); len(out) > 0 {
		said = append(said, t.Say("panel.out", "People", message.Mentions(t, out)))
	}
	var actions []discord.InteractiveComponent
	for _, action := range panelActions(a) {
		style := grey
		if _, undoes := action.Undoes(); undoes {
			style = discord.ButtonStylePrimary
		}
		actions = append(actions, press(style, action.Emoji, "action."+action.Name, action.Name))
	}
	people := discord.NewUserSelectMenu(about(message.ActionPerson).String(), t.Say("panel.people"))
	return []discord.LayoutComponent{discord.NewContainer(
		discord.NewTextDisplay("### "+message.Escape(r.Name)+"\n"+message.Lines(said...)),
		discord.NewActionRow(actions[:schema.PanelRow]...),
		discord.NewActionRow(slices.Concat(
			[]discord.InteractiveComponent{
				press(discord.ButtonStylePrimary, "🎟️", "button.invite", message.ActionInvite),
				press(keep, "⏰", "button.keep", message.ActionKeep),
			},
			actions[schema.PanelRow:],
			[]discord.InteractiveComponent{
				press(discord.ButtonStyleDanger, "🚪", "button.close", message.ActionClose),
				message.Link(t.Say("button.page"), site.Room(r.ID)),
			})...),
		discord.NewActionRow(people),
		discord.NewTextDisplay("-# "+t.Say("panel.hint")),
	).WithAccentColor(colour)}
}

// panelActions are the actions on the panel, by their places: at each the first that would change something.
func panelActions(a room.Access) []schema.Action {
	at := map[int]schema.Action{}
	for _, action := range schema.Actions() {
		of, undoes := action.Undoes()
		idle := undoes && !a.On(room.Action(of.Name)) || action.Switch() && a.On(room.Action(action.Name))
		if _, taken := at[action.Panel]; action.Panel > 0 && !taken && !idle {
			at[action.Panel] = action
		}
	}
	var list []schema.Action
	for _, place := range slices.Sorted(maps.Keys(at)) {
		list = append(list, at[place])
	}
	return list
}

// suspended lists the owner and the guests who are known not to pass the room's gate.
func suspended(r *room.Room) (users []snowflake.ID) {
	out := func(why access.Barrier) bool {
		return why != access.Passes && why != access.NotMember && why != room.NotChecked
	}
	if out(r.OwnerSuspended) {
		users = append(users, r.OwnerID)
	}
	for _, g := range r.Guests {
		if out(g.Suspended) {
			users = append(users, g.UserID)
		}
	}
	return users
}

// knockMessage tells of somebody at the door.
func knockMessage(t text.Texts, r *room.Room, k room.Knock) discord.MessageCreate {
	about := func(action string) message.CustomID {
		return message.CustomID{Action: action, Guild: r.GuildID, Room: r.ID, Arg: k.UserID.String()}
	}
	return discord.MessageCreate{
		Content: t.Say("panel.knock", "User", message.UserMention(k.UserID), "Name", message.Bold(k.Name)),
		Components: []discord.LayoutComponent{message.Row(
			message.Button(discord.ButtonStyleSuccess, "🚪", t.Say("button.let-in"), about(message.ActionLetIn)),
			message.Button(discord.ButtonStyleSecondary, "", t.Say("button.not-now"), about(message.ActionNotNow)),
		)},
		AllowedMentions: &discord.AllowedMentions{},
	}
}

// checksum tells two panels apart.
func checksum(list []discord.LayoutComponent) (string, error) {
	b, err := json.Marshal(list)
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:9]), err
}

// nonce is the same for the same message, so that Discord takes it once, also
// when we do not know whether it did. after is what was posted there before.
func nonce(what string, roomID, about, after snowflake.ID) string {
	sum := sha256.Sum256([]byte(what + " " + roomID.String() + " " + about.String() + " " + after.String()))
	return base64.RawURLEncoding.EncodeToString(sum[:18]) // 24 of the 25 characters that Discord takes
}
