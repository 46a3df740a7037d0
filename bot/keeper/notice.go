package keeper

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/room"
)

// Notice is something Snug says of its own accord. Whoever says it
// (Options.Tell) finds the words, in the guild's language.
type Notice interface{ notice() }

// The notices. Those with a User go to that user as a direct message, the
// others into the room's chat.
type (
	// Invited : User was let in by By; Link leads to the room.
	Invited struct {
		Room room.Summary
		User snowflake.ID
		By   string // display name
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
		Entries []room.Entry
	}
)

func (Invited) notice()       {}
func (ClosingSoon) notice()   {}
func (StaysOpen) notice()     {}
func (SeatFree) notice()      {}
func (MovedBack) notice()     {}
func (KnockAnswered) notice() {}
func (NewOwner) notice()      {}
func (LobbyFailed) notice()   {}
func (Happened) notice()      {}

const (
	sayTime     = 30 * time.Second // for one notice
	maxSpeech   = 500              // notices of a guild that wait to be said; more are dropped
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
func (k *Keeper) logged(g *guildRooms, e room.Entry) {
	if g != nil && g.settings.LogChannelID != 0 {
		k.say(g, Happened{GuildID: g.id, Channel: g.settings.LogChannelID, Entries: []room.Entry{e}})
	}
}
