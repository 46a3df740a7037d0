package view

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/guild"
	"snug/shared/text"
)

// describer tells values of settings, and what audit entries have to add, in a person's words.
type describer struct {
	text   text.Texts
	places guild.ChannelsAndRoles // what ids stand for, as far as it is known
}

// nothing stands where a setting has no value.
const nothing = "–"

// setting tells a setting's value, which is JSON; "–" for none.
func (l describer) setting(name, raw string) string {
	var kind settingKind
	for _, g := range settingGroups() {
		for _, s := range g.Fields {
			if s.Name == name {
				kind = s.Kind
			}
		}
	}
	var list []string
	var word string
	switch {
	case raw == "" || raw == "null" || raw == "[]" || raw == `""` ||
		raw == `"0"` && (kind == setCategory || kind == setChannel):
		return nothing
	case name == "lobbies":
		return l.lobbies(raw)
	case kind == setSwitch && raw == "true":
		return l.text.Say("admin.yes")
	case kind == setSwitch:
		return l.text.Say("admin.no")
	case kind == setRoles || kind == setWords:
		if json.Unmarshal([]byte(raw), &list) != nil {
			return raw
		}
		if kind == setRoles {
			for i := range list {
				list[i] = l.place(list[i])
			}
		}
		return strings.Join(list, ", ")
	case json.Unmarshal([]byte(raw), &word) != nil:
		return raw
	case kind == setCategory || kind == setChannel:
		return l.place(word)
	case kind == setLanguage:
		return l.text.Say("lang.name." + word)
	}
	return word
}

// place names a channel, category or role, or gives its id.
func (l describer) place(id string) string {
	n, err := snowflake.Parse(id)
	if err != nil {
		return id
	}
	for _, list := range [][]guild.NamedID{l.places.Categories, l.places.Voice, l.places.Text, l.places.Roles} {
		if i := slices.IndexFunc(list, func(p guild.NamedID) bool { return p.ID == n }); i >= 0 {
			return list[i].Name
		}
	}
	return id
}

func (l describer) lobbies(raw string) string {
	var list []guild.Lobby
	if json.Unmarshal([]byte(raw), &list) != nil {
		return raw
	}
	var names []string
	for _, b := range list {
		name := l.place(b.ChannelID.String())
		if b.Seats > 0 {
			name += " (" + l.text.Say("admin.lobby.seats", "Count", b.Seats) + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// change tells what became of what.
func change(was, is string) string {
	switch {
	case was == "":
		return is
	case is == "":
		return was + " → " + nothing
	}
	return was + " → " + is
}

// entry tells what an audit entry has to say beside its kind, who did it and to whom. name is its room's.
func (l describer) entry(e audit.Entry, name string) string {
	switch e.Kind {
	case audit.SettingsChanged:
		return l.text.Say("set."+e.Detail) + ": " + l.setting(e.Detail, e.Old) + " → " + l.setting(e.Detail, e.New)
	case audit.RoomClosed, audit.RoomClosing:
		return l.word("stat.reason.", e.Detail)
	case audit.PrivacyChanged:
		return change(l.access(e.Old), l.access(e.New))
	case audit.GuestAdmitted, audit.WaitingEnded, audit.SpectatorLinkChanged, audit.SeatHeld:
		return l.word("entry.how.", e.Detail+e.New)
	case audit.Suspended:
		return l.word("entry.why.", e.Detail)
	case audit.Restored:
		return ""
	case audit.Repaired:
		if l.text.Has("issue." + e.Detail) {
			return l.text.Say("issue."+e.Detail, "Name", name, "Have", e.Old, "Want", e.New)
		}
	case audit.OwnerChanged:
		return change(e.Old, e.New)
	case audit.WebhookChanged:
		return e.Detail + ": " + l.words("entry.hook.", e.New)
	}
	return strings.TrimSpace(e.Detail + " " + change(e.Old, e.New))
}

// word gives the message for a word of the program's, or the word itself where there is none.
func (l describer) word(prefix, w string) string {
	if !l.text.Has(prefix + w) {
		return w
	}
	return l.text.Say(prefix + w)
}

// access tells who sees and enters a room.
func (l describer) access(words string) string { return l.words("log.privacy.", words) }

// words gives the messages for some words of the program's, joined by commas.
func (l describer) words(prefix, words string) string {
	var out []string
	for w := range strings.SplitSeq(words, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, l.word(prefix, w))
		}
	}
	return l.text.List(out)
}

// short is an id for who cannot be told a name: its last digits.
func short(id snowflake.ID) string {
	s := strconv.FormatUint(uint64(id), 10)
	if len(s) > 4 {
		s = "…" + s[len(s)-4:]
	}
	return s
}
