package view

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/text"
)

// Page is one of this package's page structs: Home, Server, Room,
// InviteLanding, Message or one of the Admin pages.
type Page interface {
	// name is the page's template, "home" for home.html.
	name() string
	layout() *Layout
	// about gives the servers of which it shows facts; none for a page that shows none.
	about() []snowflake.ID
}

// Layout is what every page has.
type Layout struct {
	Title string // what the page is about; " · Snug" is added
	Me    *Me    // who is signed in; nil for nobody
	// Path is the path and query of this page, to which signing in leads back.
	// Leave an invite's token out of it.
	Path string
	// Theme is "dark" or "light" if the person chose one (the cookie ThemeCookie), else "": as their device says.
	Theme string
	// Text is what the page says, from Engine.Texts; its zero value is English.
	Text text.Texts
	// Now is the time the page is made at; what is told as "in 20 min" counts from it.
	Now time.Time
	// AddURL is Discord's page that adds Snug to a server; "" hides the link.
	AddURL string
	// AsOf is the time that what the page shows is of, where nobody could tell what is now; zero: it is of now.
	AsOf time.Time
	// Unheard is since when Discord is not heard, for pages that tell of servers; zero: it is heard.
	Unheard time.Time
	// HeardPath is where scripts ask whether it is; "" for pages that tell of none.
	HeardPath string
	// Found means that search engines may list the page.
	Found bool
	// Card is what other sites show beside a link to the page; nil for pages that nobody links to.
	Card *Card
	// Notice is something that just happened and is told once, above the page.
	Notice *Notice
	// Demo says that Discord is simulated, and DiscordURL then is where.
	Demo       bool
	DiscordURL string
}

func (l *Layout) layout() *Layout { return l }

func (l *Layout) about() []snowflake.ID { return nil }

// About gives the servers of which a page shows facts; none for a page that shows none.
func About(p Page) []snowflake.ID { return p.about() }

// LayoutOf gives a page's layout, to be filled in before it is rendered.
func LayoutOf(p Page) *Layout { return p.layout() }

// Card is what chats and social networks show beside a link to a page (Open Graph, Twitter cards). They keep it for as
// long as they like, so it says only what stays harmless.
type Card struct {
	Title   string
	About   string // a sentence or two
	Picture string // its whole address; card.Width by card.Height pixels
	Alt     string // what the picture shows
	URL     string // the page's whole address; "" leaves it to the reader, who has one
}

// LangCookie is the cookie that remembers a chosen language, by its code.
const LangCookie = "snug-lang"

// ThemeCookie is the cookie in which scripts remember a chosen theme.
const ThemeCookie = "snug-theme"

// ThemeOf gives the theme for a cookie's value: "" unless it is one of the two.
func ThemeOf(cookie string) string {
	if cookie == "dark" || cookie == "light" {
		return cookie
	}
	return ""
}

// Me is who is signed in.
type Me struct {
	ID     snowflake.ID
	Name   string // display name
	Avatar string // hash; "" for none
}

// Notice is a sentence about what just happened.
type Notice struct {
	Bad    bool    // something did not work
	Text   string  // a sentence or two for people
	Action *Action // what to do next; nil for nothing
}

// NoticeOf gives the notice for a failure, in the language of t.
func NoticeOf(t text.Texts, err error) *Notice { return &Notice{Bad: true, Text: t.Refusal(err)} }

// Action is a link, or with Post a form of one button.
type Action struct {
	Label string
	URL   string
	Post  bool // send POST
	// ReturnTo is sent with Post, as return_to: a path that may hold an invite's token, which addresses may not.
	ReturnTo string
	Primary  bool // the one thing most people want next
	Ends     bool // it can't be undone
}

// Rev is a revision of a room as the live protocol counts it. The zero Rev is older than any other.
type Rev = protocol.Rev

// RoomCard is a room in a list.
type RoomCard struct {
	Room      room.Summary
	Roster    []room.Person
	Rev       Rev
	Guild     room.GuildInfo // shown on Home
	OwnerName string         // display name; "" if unknown
	Mine      bool           // the person owns it
	In        bool           // they sit in it
	MayEnter  bool           // they may take a seat
	Overfills bool           // they come in though all seats are taken
	MayKnock  bool           // they can ask to be let in
	Knocked   bool           // they have asked, and nobody has answered
}

// Server is the page at /servers/{guild}: the rooms the person may see, and a form to create one.
type Server struct {
	Layout
	Guild     room.GuildInfo
	Rooms     []RoomCard
	Manager   bool
	MayCreate bool
	// WhyNot says why the person may not create a room; used with MayCreate false.
	WhyNot string
	Form   CreateForm
	// Presets open a room at once: the person's own, and the server's.
	Presets []PresetButton
	// Remembered says that the form starts as the person's last room here, and that they can have that forgotten.
	Remembered bool
}

// CreateForm is the form that creates a room, as it was filled in. It posts
// name, seats and private ("true" if checked) to /servers/{guild}/rooms.
type CreateForm struct {
	Name    string
	Seats   string
	Private bool
	Err     *errs.Error // what was wrong with it; Err.Field is name, seats or "" for the whole
}

// NewCreateForm gives the form as it is first shown: as the person's last room was, else with the server's settings.
func NewCreateForm(s guild.Settings, last room.Preferences) CreateForm {
	f := CreateForm{Name: last.Name, Seats: itoa(s.Seats), Private: s.Private}
	if last.Seats > 0 {
		f.Seats = itoa(last.Seats)
	}
	if last.Private != nil {
		f.Private = *last.Private
	}
	return f
}

// Room is the page at /game/{channel}.
type Room struct {
	Layout
	Guild     room.GuildInfo
	View      room.View // as the bot gave it; its Invites are shown from Invites below
	Rev       Rev       // of View.Room and View.Roster
	OwnerName string    // display name; "" if unknown
	// DeepLink opens the room's channel in Discord.
	DeepLink string
	Invites  []Invite // newest first
	// IdleTimeout is the server's setting; scripts tell with it when an empty room closes.
	IdleTimeout guild.Duration
	// HeldUntil is until when a seat is held for the person; zero for none.
	HeldUntil time.Time
	// History is what happened and this person may know, newest first.
	History []audit.Entry
	Comings []room.Visit // who came and went, as far as the person may know, oldest first
	// Names are display names of people who are not in voice: in the history, and in View.Control.
	Names map[snowflake.ID]string
	// WatchURL is the link for spectators, shown to who controls the room; "" while there is none.
	WatchURL string
	// Knocked says that the person asked to be let in just now.
	Knocked bool
}

// Invite is an invite link as the room page shows it.
type Invite struct {
	ID        string
	Title     string // its label, or whose link it is
	URL       string // the whole link; "" if it can't be shown again
	ExpiresAt time.Time
	MaxUses   int
	Left      int
}

// InviteLanding is the page at /i/{code}. Its form posts to
// /game/{channel}/accept; with nobody signed in that leads through login first.
type InviteLanding struct {
	Layout
	Preview room.Preview
	Code    string
	// Joins says that the person is not in the server yet and the invite brings them in.
	Joins bool
	Err   *errs.Error // why it did not work just now; nil otherwise
}

// Coming is the page at /game/{channel}/coming, for who followed an invite and
// is on their way. Its form posts there and asks for another invite of Discord's.
type Coming struct {
	Layout
	Arriving  room.Arriving
	InviteURL string // of Discord's invite; "" while there is none
	ServerURL string // opens the server in Discord
}

// ComingStep is one of the steps on the way, and whether it is done, now or next.
type ComingStep struct{ Step, State string }

// Steps lists the steps.
func (p *Coming) Steps() (list []ComingStep) {
	state := "done"
	for _, s := range []room.Step{room.StepJoin, room.StepRules, room.StepIn} {
		now := s == p.Arriving.Step || s == room.StepIn && p.Arriving.Step == room.StepWait
		switch {
		case now:
			state = "now"
		case state == "now":
			state = "next"
		}
		list = append(list, ComingStep{string(s), state})
	}
	return list
}

// MessageKind picks the picture and the colour of a Message.
type MessageKind string

// The kinds of message.
const (
	KindEmpty  MessageKind = "empty"  // nothing here yet
	KindLost   MessageKind = "lost"   // no such page, room or server
	KindClosed MessageKind = "closed" // a closed door: not allowed, an invite that ended, a room that is gone
	KindBroken MessageKind = "broken" // our failure, or Discord's
	KindWait   MessageKind = "wait"   // starting, or to be tried again in a moment
	KindBye    MessageKind = "bye"    // signed out
)

// Message is a page that says one thing and what to do next.
type Message struct {
	Layout
	Kind     MessageKind
	Heading  string // without a full stop; Title is used if empty
	Sentence string // what happened, and the next step
	Actions  []Action
	Code     errs.Code // a failure's code, shown small; "" for none
	Request  string    // id to tell whoever runs Snug; "" for none
	// Refresh makes the browser ask again after so many seconds; 0 does not.
	Refresh int
}

func (*Server) name() string        { return "server" }
func (*Room) name() string          { return "room" }
func (*InviteLanding) name() string { return "invite" }

func (*Coming) name() string  { return "coming" }
func (*Admin) name() string   { return "admin" }
func (*Message) name() string { return "message" }

func (p *Server) about() []snowflake.ID        { return []snowflake.ID{p.Guild.ID} }
func (p *Room) about() []snowflake.ID          { return []snowflake.ID{p.Guild.ID} }
func (p *InviteLanding) about() []snowflake.ID { return []snowflake.ID{p.Preview.GuildID} }
func (p *Coming) about() []snowflake.ID        { return []snowflake.ID{p.Arriving.GuildID} }
