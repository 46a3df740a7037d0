package schema

import "time"

// Setting is a setting of a server: what it is, within which limits, and where it is shown. Its value is the field
// of guild.Settings with the same name in JSON. Its words are the messages Label and Hint.
type Setting struct {
	Name  string // in JSON, in forms and in the history
	Kind  Kind
	Group string // of Groups; "" for one that has forms of its own

	// Min and Max are the limits of a Number, of the characters of a Template, and of how many a list holds.
	Min, Max int
	// MinTime and MaxTime are the limits of a Duration. With Never it may be without end, too.
	MinTime, MaxTime time.Duration
	Never            bool

	// Zero names what 0 or nothing chosen means: the message value.{Zero}. "" where neither can be.
	Zero string
	// Lobby names what a lobby does that has no value of its own: the message value.{Lobby}. "" where the setting
	// is the server's alone.
	Lobby string
}

// Kind is what a setting's value is, and by that how it is typed, shown and checked.
type Kind string

// The kinds, and the types of their fields.
const (
	Number   Kind = "number"   // int
	Duration Kind = "duration" // guild.Duration
	Switch   Kind = "switch"   // bool
	Template Kind = "template" // string: a name in which what guild.RoomName knows is filled in
	Language Kind = "language" // string: the code of one that Snug speaks
	Words    Kind = "words"    // []string
	Roles    Kind = "roles"    // []snowflake.ID
	Category Kind = "category" // snowflake.ID
	Channel  Kind = "channel"  // snowflake.ID of a text channel
	Lobbies  Kind = "lobbies"  // []guild.Lobby
	Presets  Kind = "presets"  // []preset.Preset
)

// Settings are all of them, in the order in which they are shown.
func Settings() []Setting {
	const day = 24 * time.Hour
	return []Setting{
		{Name: "category_id", Kind: Category, Group: "rooms", Zero: "top", Lobby: "beside"},
		{Name: "seats", Kind: Number, Group: "rooms", Min: MinSeats, Max: MaxSeats, Lobby: "same"},
		{Name: "private", Kind: Switch, Group: "rooms", Lobby: "same"},
		{Name: "name_template", Kind: Template, Group: "rooms", Min: 1, Max: MaxName, Lobby: "same"},
		{
			Name: "pass_on_after", Kind: Duration, Group: "rooms", MinTime: time.Minute, MaxTime: 7 * day, Never: true,
		},
		{
			Name: "idle_timeout", Kind: Duration, Group: "closing", MaxTime: 30 * day, Never: true, Zero: "at_once",
			Lobby: "same",
		},
		{Name: "closing_notice", Kind: Duration, Group: "closing", MinTime: 5 * time.Second, MaxTime: time.Hour},
		{Name: "max_age", Kind: Duration, Group: "closing", MinTime: 10 * time.Minute, MaxTime: 365 * day, Never: true},
		{
			Name: "invite_lifetime", Kind: Duration, Group: "invites", MinTime: MinInviteLifetime,
			MaxTime: MaxInviteLifetime,
		},
		{Name: "invite_uses", Kind: Number, Group: "invites", Max: MaxInviteUses, Zero: "seats"},
		{Name: "bring_in", Kind: Switch, Group: "invites"},
		{Name: "guilds_join", Kind: Switch, Group: "invites"},
		{Name: "creator_roles", Kind: Roles, Group: "limits", Max: maxRoles, Zero: "everybody"},
		{Name: "rooms_per_member", Kind: Number, Group: "limits", Min: 1, Max: 50},
		{Name: "rooms_per_guild", Kind: Number, Group: "limits", Min: 1, Max: 450},
		{Name: "strict_seats", Kind: Switch, Group: "seating"},
		{Name: "admins_exempt", Kind: Switch, Group: "seating"},
		{Name: "seat_grace", Kind: Duration, Group: "seating", MaxTime: 10 * time.Minute, Zero: "not_held"},
		{Name: "managers_see_private", Kind: Switch, Group: "privacy"},
		{Name: "guests_past_gate", Kind: Switch, Group: "privacy"},
		{Name: "helper_roles", Kind: Roles, Group: "privacy", Max: maxRoles, Zero: "nobody"},
		{Name: "link_previews", Kind: Switch, Group: "privacy"},
		{Name: "language", Kind: Language, Group: "server", Zero: "language"},
		{Name: "blocked_words", Kind: Words, Group: "server", Max: 200, Zero: "none"},
		{Name: "random_names", Kind: Words, Group: "server", Max: 200, Zero: "none"},
		{Name: "log_channel_id", Kind: Channel, Group: "server", Zero: "nowhere"},
		{Name: "audit_retention", Kind: Duration, Group: "server", MinTime: day, MaxTime: 90 * day},
		{Name: "lobbies", Kind: Lobbies, Max: 25, Zero: "none"},
		{Name: "presets", Kind: Presets, Max: 15, Zero: "none"},
	}
}

// maxRoles is what a menu of Discord takes.
const maxRoles = 25

// Group is settings that are changed together. A modal of Discord has at most five fields, and so has a group.
type Group struct {
	Name, Emoji string
	Settings    []Setting
}

// Groups are the settings by their groups.
func Groups() []Group {
	groups := []Group{
		{Name: "rooms", Emoji: "🚪"}, {Name: "closing", Emoji: "⏰"}, {Name: "invites", Emoji: "🎟️"},
		{Name: "limits", Emoji: "🧮"}, {Name: "seating", Emoji: "🪑"}, {Name: "privacy", Emoji: "🔒"},
		{Name: "server", Emoji: "🏠"},
	}
	for i := range groups {
		for _, s := range Settings() {
			if s.Group == groups[i].Name {
				groups[i].Settings = append(groups[i].Settings, s)
			}
		}
	}
	return groups
}

// SettingNamed returns a setting by its name.
func SettingNamed(name string) (Setting, bool) {
	for _, s := range Settings() {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

// LobbySettings are the settings that a lobby can have values of its own for.
func LobbySettings() (list []Setting) {
	for _, s := range Settings() {
		if s.Lobby != "" {
			list = append(list, s)
		}
	}
	return list
}

// Label is the message that names the setting.
func (s Setting) Label() string { return "setting." + s.Name }

// Hint is the message that says in a sentence what the setting does.
func (s Setting) Hint() string { return s.Label() + ".hint" }

// ZeroMeans is the message that says what 0 or nothing chosen means, "" if Zero is.
func (s Setting) ZeroMeans() string { return value(s.Zero) }

// LobbyMeans is the message that says what a lobby without a value of its own does, "" if Lobby is.
func (s Setting) LobbyMeans() string { return value(s.Lobby) }

// Label is the message that names the group.
func (g Group) Label() string { return "group." + g.Name }

func value(name string) string {
	if name == "" {
		return ""
	}
	return "value." + name
}
