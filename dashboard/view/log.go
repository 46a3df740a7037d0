package view

import (
	"html/template"
	"slices"
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
	type line struct {
		audit.Entry
		by string // the display name of who did it; "": as well as it is known
	}
	var log []line
	voice := func(kind audit.Kind, who snowflake.ID, name string, bot bool, at time.Time) {
		e := audit.Entry{Kind: kind, By: who, At: at}
		if bot {
			e.Detail = audit.Bot
		}
		log = append(log, line{e, name})
	}
	in := map[snowflake.ID]bool{} // whose coming is stored, and their going is not
	for _, c := range r.Comings {
		in[c.UserID] = !c.Left
		kind := audit.VoiceJoined
		if c.Left {
			kind = audit.VoiceLeft
		}
		voice(kind, c.UserID, c.Name, c.Bot, c.At)
	}
	for _, p := range r.View.Roster {
		if !p.Since.IsZero() && !in[p.UserID] {
			voice(audit.VoiceJoined, p.UserID, p.DisplayName, p.Bot, p.Since)
		}
	}
	opened := false
	for _, e := range r.History {
		opened = opened || e.Kind == audit.RoomOpened
		if e.Kind.On(audit.OnPage) {
			log = append(log, line{e, ""})
		}
	}
	if !opened && len(r.History) < historyShown {
		log = append(log, line{
			audit.Entry{Kind: audit.RoomOpened, At: r.View.Room.OpenedAt, By: r.View.Room.OpenedBy}, r.Opener(),
		})
	}
	slices.SortStableFunc(log, func(a, b line) int { return b.At.Compare(a.At) })
	log = log[:min(len(log), historyShown)]
	out := make([]LogLine, len(log))
	for i := range log {
		l := &log[i]
		style := onPage(func(id snowflake.ID) string {
			if id == l.By && l.by != "" {
				return l.by
			}
			return r.called(t, id)
		})
		out[i] = LogLine{l.At, template.HTML(t.Entry(&l.Entry, style))} //nolint:gosec // onPage escapes
	}
	return out
}

// Item is the line as the page's list has it.
func (l LogLine) Item() template.HTML {
	return "<li>" + clockTime(l.At) + "<span>" + l.What + "</span></li>"
}

// historyShown is how many lines of a room's past its page shows.
const historyShown = 60

// onPage is how a page writes entries: names are bold. Nothing on a room's page names settings or rooms.
func onPage(name func(snowflake.ID) string) text.Style {
	return text.Style{
		Person: func(id snowflake.ID) string { return "<b>" + template.HTMLEscapeString(name(id)) + "</b>" },
		Text:   template.HTMLEscapeString,
	}
}

// called gives the display name of somebody, as well as it is known.
func (r *Room) called(t text.Texts, id snowflake.ID) string {
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
