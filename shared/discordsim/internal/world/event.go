package world

import "time"

// Event is a change that bots get to know.
type Event struct {
	Name   string
	Intent Intents      // any of these; 0: all sessions
	Guild  *Guild       // nil: a direct message or an event of an application
	App    *Application // nil: every application in the guild
	User   ID
	Data   any                // the same for all receivers
	Per    func(Receiver) any // or one for each; nil skips a session
	At     time.Time          // when it happened
}

// Receiver is what an event's content depends on: whose session gets it, and the intents of that session.
type Receiver struct {
	App     *Application
	Intents Intents
}

// Sink gets what bots get to know, in the order in which it happens. Its methods are called while Update holds
// the world: they queue and return, and don't call the World.
type Sink interface {
	// Dispatch gets an event; per, if set, may only be called before it returns.
	Dispatch(e *Event)
	// Announce gets a guild that an application doesn't have yet: it was joined, or it is back after an outage.
	Announce(a *Application, g *Guild)
	// Retract gets a guild that an application lost, or that is temporarily unavailable.
	Retract(a *Application, g *Guild, unavailable bool)
	// Replaced is called when the state has become another one: no session can go on.
	Replaced()
}

// Poster gets the interactions of applications that have an endpoint, with the body to send there. It is called while
// Update holds the world: it starts and returns.
type Poster interface {
	Post(a *Interaction, body []byte)
}

// Watcher gets what changed for the people who watch. The same rules apply to its methods as to those of a Sink.
type Watcher interface {
	UsersChanged()
	CommandsChanged()
	GuildChanged(guild ID)
	VoiceChanged(s *State, guild ID, v WireVoice)
	MessageChanged(s *State, event string, m *Message, c *Channel)
	Answered(a *Interaction) // an interaction got a response, or won't get one
	Replaced()               // the state has become another one
}

// nobody is the sink, the poster and the watcher of a world that has no others.
type nobody struct{}

func (nobody) Dispatch(*Event)                                   {}
func (nobody) Announce(*Application, *Guild)                     {}
func (nobody) Retract(*Application, *Guild, bool)                {}
func (nobody) Replaced()                                         {}
func (nobody) Post(*Interaction, []byte)                         {}
func (nobody) UsersChanged()                                     {}
func (nobody) CommandsChanged()                                  {}
func (nobody) GuildChanged(ID)                                   {}
func (nobody) VoiceChanged(*State, ID, WireVoice)                {}
func (nobody) MessageChanged(*State, string, *Message, *Channel) {}
func (nobody) Answered(*Interaction)                             {}

// Dispatch hands an event to the sink and returns when it happened. An unavailable guild has no events.
func (s *State) Dispatch(e Event) time.Time {
	e.At = time.Now()
	if e.App != nil || e.Guild != nil && !e.Guild.Unavailable {
		s.sink.Dispatch(&e)
	}
	return e.At
}
