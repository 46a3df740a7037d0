package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
)

// Notice is something Snug says of its own accord. Whoever says it
// (Options.Tell) finds the words, in the guild's language.
type Notice interface{ notice() }

// Personal is a notice for one person, as a direct message. Budgets are
// counted for To and for who caused it. Open says that everybody in the room
// may read it: then its chat has it when the message cannot be sent. A link,
// a refusal and a ban are for nobody else.
type Personal interface {
	Notice
	Reader() (to, causedBy snowflake.ID)
	Open() bool
}

// Aloud is a personal notice that is said in the room's chat, because its reader could not be messaged.
type Aloud struct{ Personal }

// The notices. The personal ones go to a user as a direct message, the others into the room's chat.
type (
	// Invited : User was let in by By; Link leads to the room.
	Invited struct {
		Room room.Summary
		User snowflake.ID
		By   snowflake.ID
		Name string // By's display name
		Link string
	}
	// ClosingSoon : the room closes at At unless somebody keeps it (or, at its maximum age, whatever happens).
	ClosingSoon struct {
		Room   room.Summary
		At     time.Time
		Reason room.CloseReason
	}
	// StaysOpen : an announced closing is off.
	StaysOpen struct{ Room room.Summary }
	// NameRefused : Discord does not allow the name the room was to have; it has another.
	NameRefused struct{ Room room.Summary }
	// SeatFree : a seat is held for User until Until.
	SeatFree struct {
		Room  room.Summary
		User  snowflake.ID
		Until time.Time
	}
	// MovedBack : User was moved back, because every seat is taken, or with Held because the free one is held for somebody.
	MovedBack struct {
		Room room.Summary
		User snowflake.ID
		Held bool
	}
	// KnockAnswered : User, who knocked, was let in or told "not now".
	KnockAnswered struct {
		Room  room.Summary
		User  snowflake.ID
		By    snowflake.ID
		LetIn bool
	}
	// NewOwner : the room has another owner; How is transfer, claim, override or handover.
	NewOwner struct {
		Room  room.Summary
		Owner snowflake.ID
		How   string
	}
	// LobbyFailed : User joined a lobby and got no room; Err says why.
	LobbyFailed struct {
		GuildID snowflake.ID
		User    snowflake.ID
		Err     *errs.Error
	}
	// Happened : entries of the audit, for the guild's log channel.
	Happened struct {
		GuildID snowflake.ID
		Channel snowflake.ID
		Entries []audit.Entry
	}
)

func (Invited) notice()       {}
func (ClosingSoon) notice()   {}
func (StaysOpen) notice()     {}
func (NameRefused) notice()   {}
func (SeatFree) notice()      {}
func (MovedBack) notice()     {}
func (KnockAnswered) notice() {}
func (NewOwner) notice()      {}
func (LobbyFailed) notice()   {}
func (Happened) notice()      {}

// Reader gives whom the notice is for and who caused it: people cause themselves what follows from what they did.
func (n Invited) Reader() (to, causedBy snowflake.ID)       { return n.User, n.By }
func (n SeatFree) Reader() (to, causedBy snowflake.ID)      { return n.User, n.User }
func (n MovedBack) Reader() (to, causedBy snowflake.ID)     { return n.User, n.User }
func (n KnockAnswered) Reader() (to, causedBy snowflake.ID) { return n.User, n.By }
func (n LobbyFailed) Reader() (to, causedBy snowflake.ID)   { return n.User, n.User }

// Open says whether everybody in the room may read the notice.
func (Invited) Open() bool         { return false }
func (SeatFree) Open() bool        { return true }
func (MovedBack) Open() bool       { return false }
func (n KnockAnswered) Open() bool { return n.LetIn }
func (LobbyFailed) Open() bool     { return false }

const (
	sayTime     = 30 * time.Second // for one notice
	directTime  = 25 * time.Second // of it, for a direct message; the chat has the rest
	tellTime    = 5 * time.Second  // for a direct message that somebody waits for
	maxSpeech   = 500              // notices of a guild that wait to be said; more are dropped
	maxDirect   = 50               // direct messages of a guild that are on their way; more are given up at once
	mostEntries = 10               // entries of the audit in one message
	logPause    = 10 * time.Minute // after the log channel could not be written to
)

// said is a notice that waits to be said.
type said struct {
	notice   Notice
	language string
}

// say has a notice said, after those before it. It never waits: what is said is no part of a turn.
func (k *Keeper) say(g *guildRooms, n Notice) {
	g.inboxMu.Lock()
	defer g.inboxMu.Unlock()
	if k.ctx.Err() != nil {
		return
	}
	if p, ok := n.(Personal); ok {
		k.whisper(g, p, g.language())
		return
	}
	if len(g.speech) >= maxSpeech {
		k.o.Log.Warn("a message is not sent: too many wait already", "guild_id", g.id)
		return
	}
	g.speech = append(g.speech, said{n, g.language()})
	if !g.speaking {
		g.speaking = true
		k.wg.Go(func() { k.speak(g) })
	}
}

// whisper has a personal notice said beside all others: it may wait for a budget, and nobody waits for it. The
// caller holds the inbox.
func (k *Keeper) whisper(g *guildRooms, n Personal, language string) {
	crowded := g.whispers >= maxDirect
	g.whispers++
	k.wg.Go(func() {
		defer func() {
			g.inboxMu.Lock()
			g.whispers--
			g.inboxMu.Unlock()
		}()
		ctx, cancel := context.WithTimeout(k.ctx, sayTime)
		defer cancel()
		var err error = errs.E(errs.RateLimited, "Snug sends no more direct messages just now, so that Discord does not take it for spam.")
		if !crowded {
			err = k.direct(ctx, g.id, language, n, directTime)
		}
		if err != nil {
			k.aloud(ctx, g.id, language, n)
		}
	})
}

// direct says a personal notice to its reader alone.
func (k *Keeper) direct(ctx context.Context, guildID snowflake.ID, language string, n Personal, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := k.o.Tell(ctx, guildID, language, n)
	if err != nil {
		k.o.Log.InfoContext(ctx, "a direct message did not reach its reader", "guild_id", guildID, "err", err)
	}
	return err
}

// aloud says a personal notice that everybody in the room may read in its chat. It reports whether it is said there.
func (k *Keeper) aloud(ctx context.Context, guildID snowflake.ID, language string, n Personal) bool {
	if !n.Open() {
		return false
	}
	err := k.o.Tell(ctx, guildID, language, Aloud{n})
	if err != nil {
		k.o.Log.InfoContext(ctx, "a message did not reach its reader, in the room's chat neither", "guild_id", guildID, "err", err)
	}
	return err == nil
}

// reach says a personal notice while somebody waits to hear whether its reader got it, and how.
func (k *Keeper) reach(ctx context.Context, guildID snowflake.ID, language string, n Personal) room.Reached {
	err := k.direct(ctx, guildID, language, n, tellTime)
	switch {
	case err == nil:
		return room.ReachedDirect
	case k.aloud(ctx, guildID, language, n):
		return room.ReachedChat
	case errs.Has(err, errs.Forbidden):
		return room.ReachedClosed
	}
	return room.ReachedNot
}

// language is what is spoken where all can read it.
func (g *guildRooms) language() string {
	if g.settings.Language != "" {
		return g.settings.Language
	}
	return g.info.Locale
}

// speak says what waits, in its order.
func (k *Keeper) speak(g *guildRooms) {
	for {
		n, ok := g.nextSpeech(k.ctx)
		if !ok {
			return
		}
		log, isLog := n.notice.(Happened)
		if isLog && g.logPaused(log.Channel, k.o.Now()) {
			continue
		}
		ctx, cancel := context.WithTimeout(k.ctx, sayTime)
		err := k.o.Tell(ctx, g.id, n.language, n.notice)
		cancel()
		switch {
		case err == nil:
		case isLog:
			g.pauseLog(log.Channel, k.o.Now().Add(logPause))
			k.o.Log.WarnContext(ctx, "the log channel could not be written to; Snug tries again later", "guild_id", g.id, "channel_id", log.Channel, "err", err)
		default:
			k.o.Log.InfoContext(ctx, "a message did not reach its reader", "guild_id", g.id, "err", err)
		}
	}
}

// nextSpeech gives what is to be said next; entries for the log channel are put together.
func (g *guildRooms) nextSpeech(ctx context.Context) (said, bool) {
	g.inboxMu.Lock()
	defer g.inboxMu.Unlock()
	if len(g.speech) == 0 || ctx.Err() != nil {
		g.speech, g.speaking = nil, false
		return said{}, false
	}
	n := g.speech[0]
	g.speech = g.speech[1:]
	if log, ok := n.notice.(Happened); ok {
		for len(g.speech) > 0 && len(log.Entries) < mostEntries {
			next, ok := g.speech[0].notice.(Happened)
			if !ok || next.Channel != log.Channel {
				break
			}
			log.Entries = append(log.Entries, next.Entries...)
			g.speech = g.speech[1:]
		}
		n.notice = log
	}
	return n, true
}

func (g *guildRooms) logPaused(channel snowflake.ID, now time.Time) bool {
	g.inboxMu.Lock()
	defer g.inboxMu.Unlock()
	return channel == g.logBroken && now.Before(g.logAgain)
}

func (g *guildRooms) pauseLog(channel snowflake.ID, until time.Time) {
	g.inboxMu.Lock()
	defer g.inboxMu.Unlock()
	g.logBroken, g.logAgain = channel, until
}

// logged has an entry of the audit written to the log channel, if there is
// one. Writing there makes no entry, so it never feeds itself.
func (k *Keeper) logged(g *guildRooms, e audit.Entry) {
	if g != nil && g.settings.LogChannelID != 0 {
		k.say(g, Happened{GuildID: g.id, Channel: g.settings.LogChannelID, Entries: []audit.Entry{e}})
	}
}
