package audit

import (
	"cmp"
	"slices"
	"strings"
)

// Kind names what an audit entry is about.
type Kind string

// The kinds of audit entries. Table has a row for each.
const (
	RoomOpened           Kind = "room_opened"
	RoomClosing          Kind = "room_closing"
	RoomKept             Kind = "room_kept"
	RoomClosed           Kind = "room_closed"
	RoomRenamed          Kind = "room_renamed"
	RenamePlanned        Kind = "rename_planned" // New is applied when Discord's limit allows
	SeatsChanged         Kind = "seats_changed"
	PrivacyChanged       Kind = "privacy_changed"
	StatusChanged        Kind = "status_changed"
	CardChanged          Kind = "card_changed"
	OwnerChanged         Kind = "owner_changed" // Target is the owner now
	SpectatorLinkChanged Kind = "spectator_link_changed"
	GuestInvitesChanged  Kind = "guest_invites_changed"

	InviteCreated  Kind = "invite_created"
	InviteRevoked  Kind = "invite_revoked"
	OnTheWay       Kind = "on_the_way" // Target followed an invite of By and cannot be let in yet
	GuestAdmitted  Kind = "guest_admitted"
	Knocked        Kind = "knocked"         // By asks to be let in
	KnockDenied    Kind = "knock_denied"    // Target's knock was refused
	WaitingStarted Kind = "waiting_started" // By waits for a seat
	WaitingEnded   Kind = "waiting_ended"   // Target no longer waits
	SeatHeld       Kind = "seat_held"       // a seat is kept for Target
	SeatRefused    Kind = "seat_refused"    // Target was past the limit and moved back
	Suspended      Kind = "suspended"       // Target has no access until they pass the room's gates again
	Restored       Kind = "restored"        // Target, who was suspended, passes again
	Kicked         Kind = "kicked"          // Target was put out, and is no longer a guest
	Banned         Kind = "banned"
	Unbanned       Kind = "unbanned"

	PreferencesForgotten Kind = "preferences_forgotten"

	SettingsChanged Kind = "settings_changed"
	Repaired        Kind = "repaired" // Snug fixed a difference between Discord and its data
	TokenCreated    Kind = "token_made"
	TokenRevoked    Kind = "token_revoked"
	WebhookCreated  Kind = "webhook_made"
	WebhookChanged  Kind = "webhook_changed"
	WebhookRemoved  Kind = "webhook_removed"

	// Comings and goings in voice. They are not stored as entries: a room's page makes them of its visits and events.
	VoiceJoined    Kind = "voice_joined"
	VoiceLeft      Kind = "voice_left"
	VoiceStreaming Kind = "voice_streaming"
)

// Words of the program's in an entry's fields that Snug itself reads.
const (
	ByLink   = "link"      // Detail of GuestAdmitted: Target came by a link that By made
	Transfer = "transfer"  // Detail of OwnerChanged: By handed the room over
	Claim    = "claim"     // By took it, because its owner was away
	Override = "override"  // By, who manages the server, took it
	Handover = "handover"  // Snug gave it to Target, because its owner left the server
	PassedOn = "passed_on" // Snug gave it to Target, because its owner was away
	Bot      = "bot"       // Detail of VoiceJoined and VoiceLeft: By is a bot, which takes no seat
)

// Subject is what a kind is about.
type Subject string

// The subjects, in the order in which kinds are listed.
const (
	AboutRooms  Subject = "rooms"
	AboutPeople Subject = "people"
	AboutServer Subject = "the server"
)

// Place is where entries of a kind are read. Everything that is stored is in
// the server's activity, its log channel and its webhooks.
type Place uint8

const (
	// Stored : in the audit log, and so in the activity, the log channel and webhooks.
	Stored Place = 1 << iota
	// OnPage : on the room's page, for who controls the room.
	OnPage
	// ForAll : on the room's page, for everybody who sees the room. Such entries name no guest and nobody kept out.
	ForAll

	stored   = Stored          // not on a room's page
	toOwner  = Stored | OnPage // on its page, for who controls it
	toAll    = toOwner | ForAll
	pageOnly = OnPage | ForAll
)

// Row is all that depends on a kind alone. Its sentences are the messages
// "audit.KIND" and "audit.KIND.VARIANT", its name in lists is "audit.KIND.name".
type Row struct {
	Kind   Kind
	Icon   string // before its line in the log channel
	About  Subject
	In     Place
	Target string // whom Target names; "": nobody
	Detail Field
	Old    Field
	New    Field
	// Variants are the sentences beside the plain one. Variant chooses: what it gives is the plain one unless it is
	// one of Variants. nil: always the plain one.
	Variants []string
	Variant  func(*Entry) string
}

// Field is what one of an entry's fields holds. Its zero value: nothing.
type Field struct {
	Doc string // in English, for who writes programs
	As  Form
	// Prefix is what the messages of a code begin with.
	Prefix string
}

// Form is how a field is said.
type Form uint8

const (
	// Unsaid : the sentence does without it.
	Unsaid Form = iota
	// Typed : somebody typed it, or it is a number.
	Typed
	// Coded : words of the program's, joined by commas; each is said by the message Field.Prefix + word.
	Coded
	// SettingName : a setting's name.
	SettingName
	// SettingValue : the value, as JSON, of the setting in Detail.
	SettingValue
	// Issue : a repair; the message Field.Prefix + word takes the room, Old as Have and New as Want.
	Issue
)

func code(doc string) Field          { return Field{Doc: doc} }
func typed(doc string) Field         { return Field{Doc: doc, As: Typed} }
func coded(prefix, doc string) Field { return Field{Doc: doc, As: Coded, Prefix: prefix} }

// Table has a row for each kind: rooms first, then people, then the server.
func Table() []Row { return slices.Clone(table) }

var table = []Row{
	{
		Kind: RoomOpened, Icon: "🟢", About: AboutRooms, In: toAll, Detail: typed("its name"),
		Old:      code("the id of the closed room that it continues, with the same people"),
		New:      typed("the server's preset that it was opened with"),
		Variants: []string{"unnamed", "again", "preset"}, Variant: func(e *Entry) string {
			return cmp.Or(when(e.Detail == "", "unnamed"), when(e.Old != "", "again"), when(e.New != "", "preset"))
		},
	},
	{Kind: RoomClosing, Icon: "⏰", About: AboutRooms, In: toAll, Detail: coded("closed.", "why, as for `room_closed`")},
	{
		Kind: RoomKept, Icon: "⏰", About: AboutRooms, In: toAll,
		Variants: []string{"nobody"}, Variant: func(e *Entry) string { return when(e.By == 0, "nobody") },
	},
	{
		Kind: RoomClosed, Icon: "🔴", About: AboutRooms, In: stored,
		Detail:   coded("closed.", "why: `idle`, `age`, `owner`, `manager`, `abandoned`, `channel_deleted` or `lost`"),
		Variants: []string{"owner", "manager"}, Variant: detail,
	},
	{
		Kind: RoomRenamed, Icon: "✏️", About: AboutRooms, In: toAll,
		Old: typed("the old name"), New: typed("the new name"),
	},
	{Kind: RenamePlanned, Icon: "✏️", About: AboutRooms, In: toOwner, New: typed("its name once Discord allows it")},
	{
		Kind: SeatsChanged, Icon: "🪑", About: AboutRooms, In: toAll,
		Old: typed("how many before"), New: typed("how many now"),
	},
	{
		Kind: PrivacyChanged, Icon: "🔒", About: AboutRooms, In: toAll, Old: coded("privacy.", "like `new`, but before"),
		New: coded("privacy.", "`open`, or some of `private`, `locked` and `hidden`, joined by commas"),
	},
	{
		Kind: StatusChanged, Icon: "💬", About: AboutRooms, In: toAll,
		Old: code("the status before"), New: typed("the status now"),
		Variants: []string{"none"}, Variant: func(e *Entry) string { return when(e.New == "", "none") },
	},
	{
		Kind: CardChanged, Icon: "🪧", About: AboutRooms, In: toAll,
		Old: code("the card's texts before"), New: typed("its texts now: headline, note and link, joined by ` · `"),
		Variants: []string{"none"}, Variant: func(e *Entry) string { return when(e.New == "", "none") },
	},
	{
		Kind: OwnerChanged, Icon: "👑", About: AboutRooms, In: toAll, Target: "the new owner",
		Detail: code("how: `transfer`, `claim`, `override` (by a manager), `passed_on` (the owner was away) or " +
			"`handover` (the owner left the server)"),
		Old: typed("the former owner's name"), New: code("the new owner's name"),
		Variants: []string{Transfer, Handover, PassedOn}, Variant: detail,
	},
	{
		Kind: GuestInvitesChanged, Icon: "🎟️", About: AboutRooms, In: toAll, New: code("`on` or `off`"),
		Variants: []string{"off"}, Variant: func(e *Entry) string { return when(e.New == "off", "off") },
	},
	{
		Kind: SpectatorLinkChanged, Icon: "👀", About: AboutRooms, In: toOwner, New: code("`on`, `renewed` or `off`"),
		Variants: []string{"renewed", "off"}, Variant: func(e *Entry) string { return e.New },
	},

	{
		Kind: InviteCreated, Icon: "🎟️", About: AboutPeople, In: toOwner,
		Target:   "who is invited, if the link is for one person",
		Variants: []string{"target"}, Variant: func(e *Entry) string { return when(e.Target != 0, "target") },
	},
	{Kind: InviteRevoked, Icon: "🎟️", About: AboutPeople, In: toOwner},
	{
		Kind: OnTheWay, Icon: "🛎️", About: AboutPeople, In: toOwner, Target: "who is coming; `by` created the invite",
		Detail: code("what is next: `join`, `rules` or `wait`"),
	},
	{
		Kind: GuestAdmitted, Icon: "🎟️", About: AboutPeople, In: toOwner, Target: "the guest",
		Detail: code("`link` if they came by a link of `by`'s"), Variants: []string{ByLink}, Variant: detail,
	},
	{Kind: Knocked, Icon: "🚪", About: AboutPeople, In: toOwner},
	{Kind: KnockDenied, Icon: "🚪", About: AboutPeople, In: toOwner, Target: "who knocked"},
	{Kind: WaitingStarted, Icon: "⏳", About: AboutPeople, In: toOwner},
	{
		Kind: WaitingEnded, Icon: "⏳", About: AboutPeople, In: toOwner, Target: "who waited",
		Detail:   code("`left`, `offered` (a seat) or `seated`"),
		Variants: []string{"offered", "seated"}, Variant: detail,
	},
	{
		Kind: SeatHeld, Icon: "🪑", About: AboutPeople, In: toOwner, Target: "who it's for",
		Detail: coded("held.", "why: `invited`, `waiting`, `back` or `joining`"),
	},
	{Kind: SeatRefused, Icon: "🪑", About: AboutPeople, In: toOwner, Target: "who found no seat"},
	{
		Kind: Suspended, Icon: "⛔", About: AboutPeople, In: toOwner, Target: "who lost access for now",
		Detail: coded("control.out.", "why, as `suspended` in the [JSON API](api.md)"),
	},
	{
		Kind: Restored, Icon: "🎟️", About: AboutPeople, In: toOwner, Target: "who has access again",
		Detail: code("why they had none"),
	},
	{Kind: Kicked, Icon: "👋", About: AboutPeople, In: toOwner, Target: "who was kicked"},
	{Kind: Banned, Icon: "⛔", About: AboutPeople, In: toOwner, Target: "who is banned"},
	{Kind: Unbanned, Icon: "↩️", About: AboutPeople, In: toOwner, Target: "who is no longer banned"},
	{Kind: PreferencesForgotten, Icon: "🧹", About: AboutPeople, In: stored},

	{
		Kind: SettingsChanged, Icon: "⚙️", About: AboutServer, In: stored,
		Detail: Field{Doc: "the setting", As: SettingName},
		Old:    Field{Doc: "its value before, as JSON", As: SettingValue},
		New:    Field{Doc: "its value now, as JSON", As: SettingValue},
	},
	{
		Kind: Repaired, Icon: "🔧", About: AboutServer, In: stored,
		Detail: Field{Doc: "what, as `kind` of a repair in the [JSON API](api.md)", As: Issue, Prefix: "issue."},
		Old:    code("what it was"), New: code("what it should be"),
	},
	{Kind: TokenCreated, Icon: "🔑", About: AboutServer, In: stored, Detail: typed("the API token's name")},
	{Kind: TokenRevoked, Icon: "🔑", About: AboutServer, In: stored, Detail: typed("the API token's name")},
	{Kind: WebhookCreated, Icon: "📨", About: AboutServer, In: stored, Detail: typed("the webhook's name")},
	{
		Kind: WebhookChanged, Icon: "📨", About: AboutServer, In: stored, Detail: typed("the webhook's name"),
		New: coded("hook.part.", "what of it: `name`, `address`, `events`, `secret`, `on`, `off`, joined by commas"),
	},
	{Kind: WebhookRemoved, Icon: "📨", About: AboutServer, In: stored, Detail: typed("the webhook's name")},

	{Kind: VoiceJoined, About: AboutPeople, In: pageOnly, Variants: []string{Bot}, Variant: detail},
	{Kind: VoiceLeft, About: AboutPeople, In: pageOnly, Variants: []string{Bot}, Variant: detail},
	{Kind: VoiceStreaming, About: AboutPeople, In: pageOnly},
}

func detail(e *Entry) string { return e.Detail }

// when gives a variant, or none.
func when(yes bool, variant string) string {
	if yes {
		return variant
	}
	return ""
}

// Find gives the row of a kind.
func Find(k Kind) (Row, bool) {
	i := slices.IndexFunc(table, func(r Row) bool { return r.Kind == k })
	if i < 0 {
		return Row{}, false
	}
	return table[i], true
}

// Kinds lists the kinds that are stored, for who chooses from them.
func Kinds() []Kind {
	var out []Kind
	for _, r := range table {
		if r.In&Stored != 0 {
			out = append(out, r.Kind)
		}
	}
	return out
}

// On reports whether entries of a kind are read in all of the places.
func (k Kind) On(p Place) bool {
	r, ok := Find(k)
	return ok && r.In&p == p
}

// Message is the id of the message that says an entry, in package text.
func (e *Entry) Message() string {
	id := "audit." + string(e.Kind)
	if r, ok := Find(e.Kind); ok && r.Variant != nil {
		if v := r.Variant(e); slices.Contains(r.Variants, v) {
			id += "." + v
		}
	}
	return id
}

// Words are the words of a Coded field.
func Words(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}
