package schema

import (
	"slices"

	"snug/shared/errs"
)

// Input is what an action asks for, besides the room it is done to.
type Input int

// The inputs.
const (
	NoInput     Input = iota
	TextInput         // a line of text with Min to Max characters
	TextsInput        // the texts of Fields; those that are left out stay as they are, "" clears one
	NumberInput       // a whole number from Min to Max
	MemberInput       // a member of the server
	BannedInput       // somebody who is banned from the room, and may have left the server
)

// User reports whether the input is the ID of a user.
func (i Input) User() bool { return i == MemberInput || i == BannedInput }

// TextField is one of the texts of a TextsInput. Its label is the message action.NAME.FIELD.
type TextField struct {
	Name string
	Max  int  // characters
	Long bool // it may take several lines to show
	Link bool // it is the address of a page
}

// Who says who may do an action.
type Who int

// Those who may.
const (
	Controllers Who = iota // the owner, and managers who can see the room
	Claimers               // members in the room whose owner is away, and managers who can see it
)

// Action is one thing that people can do to a room: in Discord by a command and buttons, on the room's page,
// and over the API. Its texts have the IDs action.NAME (on a button), .command (the command's name), .about, .done,
// .input (what it asks for), .FIELD (each of its Fields), .on (a switch's name on the page), and where they're needed
// .example, .cleared, .later, .none, and .ask, .ask.text, .yes and .no (its question).
type Action struct {
	Name string
	// Phrase completes "Only the room's owner or a manager of the server can …". It is empty for Claimers, who are
	// refused for other reasons.
	Phrase errs.Term
	Kind   string // of the audit entry
	Who    Who

	Input    Input
	Field    string // what the input is called: a command's option, a form's input, a field of the API; "" for NoInput
	Min, Max int    // of the input
	Fields   []TextField

	// Undo is the action that takes it back. The two are one switch on the page, unless they ask for a user.
	Undo    string
	Confirm bool // it asks first, because only somebody else can take it back
	Danger  bool // its button is red

	Emoji string // of its buttons in Discord
	// Panel is the place of its button on the control panel: 1 to PanelRow in the first row, from there on in the
	// second; 0 for none. Of those that share a place, the panel shows the first one that would change something.
	Panel int
}

// PanelRow is how many buttons Discord takes in a row.
const PanelRow = 5

// actions is the table, in the order in which people see them.
var actions = []Action{
	{
		Name: "rename", Phrase: "rename it", Kind: "room_renamed", Emoji: "✏️", Panel: 4,
		Input: TextInput, Field: "name", Min: 1, Max: MaxName,
	},
	{
		Name: "seats", Phrase: "change its seats", Kind: "seats_changed", Emoji: "🪑", Panel: 3,
		Input: NumberInput, Field: "seats", Min: MinSeats, Max: MaxSeats,
	},
	{
		Name: "status", Phrase: "set its status", Kind: "status_changed", Emoji: "💬", Panel: 5,
		Input: TextInput, Field: "status", Max: MaxStatus,
	},
	{
		Name: "card", Phrase: "edit its card", Kind: "card_changed", Emoji: "🪧", Input: TextsInput,
		Fields: []TextField{
			{Name: "headline", Max: MaxHeadline}, {Name: "link", Max: MaxLink, Link: true},
			{Name: "note", Max: MaxNote, Long: true},
		},
	},
	{Name: "private", Phrase: "make it private", Kind: "privacy_changed", Undo: "public"},
	{Name: "public", Phrase: "make it public", Kind: "privacy_changed", Emoji: "🌍", Panel: 2},
	{Name: "lock", Phrase: "lock it", Kind: "privacy_changed", Emoji: "🔒", Undo: "unlock", Panel: 1},
	{Name: "unlock", Phrase: "unlock it", Kind: "privacy_changed", Emoji: "🔓", Panel: 1},
	{Name: "hide", Phrase: "hide it", Kind: "privacy_changed", Emoji: "🙈", Undo: "show", Panel: 2},
	{Name: "show", Phrase: "show it", Kind: "privacy_changed", Emoji: "👁️", Panel: 2},
	{
		Name: "kick", Phrase: "kick somebody from it", Kind: "kicked", Emoji: "👋",
		Input: MemberInput, Field: "user",
	},
	{
		Name: "ban", Phrase: "ban somebody from it", Kind: "banned", Emoji: "⛔", Danger: true,
		Input: MemberInput, Field: "user", Undo: "unban",
	},
	{
		Name: "unban", Phrase: "unban somebody", Kind: "unbanned", Emoji: "↩️",
		Input: BannedInput, Field: "user",
	},
	{
		Name: "transfer", Phrase: "transfer it", Kind: "owner_changed", Emoji: "👑",
		Input: MemberInput, Field: "user", Confirm: true,
	},
	{Name: "claim", Who: Claimers, Kind: "owner_changed", Emoji: "👑", Panel: PanelRow + 1},
	{Name: "share", Phrase: "let guests invite", Kind: "guest_invites_changed", Emoji: "🎟️", Undo: "unshare"},
	{Name: "unshare", Phrase: "end guests' invite links", Kind: "guest_invites_changed", Emoji: "🎟️"},
	{Name: "watch", Phrase: "make a spectator link", Kind: "spectator_link_changed", Undo: "unwatch"},
	{Name: "unwatch", Phrase: "end its spectator link", Kind: "spectator_link_changed", Emoji: "🙈"},
}

// Actions returns all actions, in the order in which people see them.
func Actions() []Action { return slices.Clone(actions) }

// ActionNamed finds an action by its name.
func ActionNamed(name string) (Action, bool) {
	i := slices.IndexFunc(actions, func(a Action) bool { return a.Name == name })
	if i < 0 {
		return Action{}, false
	}
	return actions[i], true
}

// Takes returns the names of the fields that the action reads.
func (a Action) Takes() []string {
	if a.Field != "" {
		return []string{a.Field}
	}
	var names []string
	for _, f := range a.Fields {
		names = append(names, f.Name)
	}
	return names
}

// Undoes returns the action that this one takes back; false if there is none.
func (a Action) Undoes() (Action, bool) {
	i := slices.IndexFunc(actions, func(of Action) bool { return of.Undo == a.Name })
	if i < 0 {
		return Action{}, false
	}
	return actions[i], true
}

// Switch reports whether the page shows the action and its Undo as one switch.
func (a Action) Switch() bool { return a.Undo != "" && a.Input == NoInput }
