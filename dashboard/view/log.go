package view

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/text"
)

// LogLine is one line of what happened in a room.
type LogLine struct {
	At   time.Time
	What template.HTML // a sentence without a full stop; names are bold
}

// Log is what the page can tell of the room's past, newest first: its history,
// who came and went, and since when those who sit there do.
func (r *Room) Log(t text.Texts) []LogLine {
	var log []LogLine
	in := map[snowflake.ID]bool{} // whose coming is stored, and their going is not
	for _, c := range r.Comings {
		in[c.UserID] = !c.Left
		log = append(log, LogLine{c.At, t.HTML(comingID(c.Bot, c.Left), "Who", c.Name)})
	}
	for _, p := range r.View.Roster {
		if !p.Since.IsZero() && !in[p.UserID] {
			log = append(log, LogLine{p.Since, t.HTML(comingID(p.Bot, false), "Who", p.DisplayName)})
		}
	}
	opened := false
	for i := range r.History {
		e := &r.History[i]
		opened = opened || e.Kind == audit.RoomOpened
		if what := r.tell(t, e); what != "" {
			log = append(log, LogLine{e.At, what})
		}
	}
	if !opened && len(r.History) < historyShown {
		log = append(log, LogLine{r.View.Room.OpenedAt, said(t, "log.room_opened", r.Owner())})
	}
	slices.SortStableFunc(log, func(a, b LogLine) int { return b.At.Compare(a.At) })
	return log[:min(len(log), historyShown)]
}

// comingID names what is said of somebody who came or left.
func comingID(bot, left bool) string {
	switch {
	case bot && left:
		return "voice.left"
	case bot:
		return "voice.came"
	case left:
		return "voice.stood"
	}
	return "voice.sat"
}

// historyShown is how many lines of a room's past its page shows.
const historyShown = 60

// told are the kinds of entries whose message takes who did it and to whom.
var told = map[audit.Kind]bool{
	audit.RoomOpened: true, audit.RoomClosing: true, audit.RoomKept: true, audit.InviteCreated: true,
	audit.InviteRevoked: true, audit.SeatRefused: true,
	audit.Kicked: true, audit.Banned: true, audit.Unbanned: true, audit.Knocked: true, audit.KnockDenied: true,
	audit.WaitingStarted: true, audit.WaitingEnded: true, audit.SeatHeld: true, audit.Suspended: true,
	audit.Restored: true, audit.OwnerChanged: true,
}

// tell says an entry; "" for one that is not for players.
func (r *Room) tell(t text.Texts, e *audit.Entry) template.HTML {
	id, who, target := "log."+string(e.Kind), r.called(t, e.By), r.called(t, e.Target)
	switch e.Kind {
	case audit.GuestAdmitted:
		if e.Detail == audit.ByLink {
			id += ".link"
		}
		return t.HTML(id, "Who", who, "Target", target)
	case audit.InviteCreated:
		if e.Target != 0 {
			return t.HTML(id+".target", "Who", who, "Target", target)
		}
	case audit.RoomRenamed, audit.RenamePlanned:
		return t.HTML(id, "Who", who, "New", e.New)
	case audit.SeatsChanged:
		n, err := strconv.Atoi(e.New)
		if err != nil {
			return ""
		}
		return t.HTML(id, "Who", who, "Count", n)
	case audit.StatusChanged:
		if e.New == "" {
			return t.HTML(id+".none", "Who", who)
		}
		return t.HTML(id, "Who", who, "New", e.New)
	case audit.PrivacyChanged:
		var words []string
		for w := range strings.SplitSeq(e.New, ",") {
			switch w = strings.TrimSpace(w); w {
			case "open", "private", "locked", "hidden":
				words = append(words, t.Say("log.privacy."+w))
			}
		}
		return t.HTML(id, "Who", who, "New", t.List(words))
	case audit.SpectatorLinkChanged:
		if e.New != "off" {
			id += ".on"
		}
		return t.HTML(id, "Who", who)
	}
	if !told[e.Kind] {
		return ""
	}
	if e.By == 0 && (e.Kind == audit.RoomOpened || e.Kind == audit.RoomKept) {
		who = ""
	}
	return said(t, id, who, "Target", target)
}

// said says a message, in its form for nobody if who did it is not known.
func said(t text.Texts, id, who string, pairs ...any) template.HTML {
	if who == "" {
		return t.HTML(id + ".nobody")
	}
	return t.HTML(id, append(pairs, "Who", who)...)
}

// called gives the display name of somebody, as well as it is known.
func (r *Room) called(t text.Texts, id snowflake.ID) string {
	if id == 0 {
		return "Snug"
	}
	for _, p := range r.View.Roster {
		if p.UserID == id {
			return p.DisplayName
		}
	}
	if n := r.Names[id]; n != "" {
		return n
	}
	return t.Say("room.somebody")
}
