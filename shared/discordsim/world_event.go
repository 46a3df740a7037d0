package discordsim

import "time"

// event is a change that bots get to know.
type event struct {
	name   string
	intent Intents      // any of these; 0: all sessions
	guild  *guild       // nil: a direct message or an event of an application
	app    *application // nil: every application in the guild
	user   ID
	data   any                // the same for all receivers
	per    func(receiver) any // or one for each; nil skips a session
	at     time.Time          // when it happened
}

// receiver is what an event's content depends on: whose session gets it, and the intents of that session.
type receiver struct {
	app     *application
	intents Intents
}

// Sink gets what bots get to know, in the order in which it happens. Its methods are called while Update holds
// the world: they queue and return, and don't call the World.
type Sink interface {
	// Dispatch gets an event; per, if set, may only be called before it returns.
	Dispatch(e *event)
	// Announce gets a guild that an application doesn't have yet: it was joined, or it is back after an outage.
	Announce(a *application, g *guild)
	// Retract gets a guild that an application lost, or that is temporarily unavailable.
	Retract(a *application, g *guild, unavailable bool)
}

// Watcher gets what changed for the people who watch. The same rules apply to its methods as to those of a Sink.
type Watcher interface {
	UsersChanged()
	CommandsChanged()
	GuildChanged(guild ID)
	VoiceChanged(s *state, guild ID, v wireVoice)
	MessageChanged(s *state, event string, m *message, c *channel)
	Answered(a *interaction) // an interaction got a response, or won't get one
}

// nobody is the sink and the watcher of a world that has no others.
type nobody struct{}

func (nobody) Dispatch(*event)                                   {}
func (nobody) Announce(*application, *guild)                     {}
func (nobody) Retract(*application, *guild, bool)                {}
func (nobody) UsersChanged()                                     {}
func (nobody) CommandsChanged()                                  {}
func (nobody) GuildChanged(ID)                                   {}
func (nobody) VoiceChanged(*state, ID, wireVoice)                {}
func (nobody) MessageChanged(*state, string, *message, *channel) {}
func (nobody) Answered(*interaction)                             {}

// dispatch hands an event to the sink and returns when it happened. An unavailable guild has no events.
func (s *state) dispatch(e event) time.Time {
	e.at = time.Now()
	if e.app != nil || e.guild != nil && !e.guild.unavailable {
		s.sink.Dispatch(&e)
	}
	return e.at
}
