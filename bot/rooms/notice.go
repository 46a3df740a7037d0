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
	InRoomChat() bool
}

// InChat is a personal notice that is said in the room's chat, because its reader could not be messaged.
type InChat struct{ Personal }

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
	// MovedBack : User was moved back, because every seat is taken, or with Held because the free one is held
	// for somebody.
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
	// LogEntries : entries of the audit, for the guild's log channel.
	LogEntries struct {
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
func (LogEntries) notice()    {}

// Reader gives whom the notice is for and who caused it: people cause themselves what follows from what they did.
func (n Invited) Reader() (to, causedBy snowflake.ID)       { return n.User, n.By }
func (n SeatFree) Reader() (to, causedBy snowflake.ID)      { return n.User, n.User }
func (n MovedBack) Reader() (to, causedBy snowflake.ID)     { return n.User, n.User }
func (n KnockAnswered) Reader() (to, causedBy snowflake.ID) { return n.User, n.By }
func (n LobbyFailed) Reader() (to, causedBy snowflake.ID)   { return n.User, n.User }

// InRoomChat says whether everybody in the room may read the notice.
func (Invited) InRoomChat() bool         { return false }
func (SeatFree) InRoomChat() bool        { return true }
func (MovedBack) InRoomChat() bool       { return false }
func (n KnockAnswered) InRoomChat() bool { return n.LetIn }
func (LobbyFailed) InRoomChat() bool     { return false }

const (
	noticeTimeout  = 30 * time.Second // for one notice
	directTimeout  = 25 * time.Second // of it, for a direct message; the chat has the rest
	awaitedTimeout = 5 * time.Second  // for a direct message that somebody waits for
	maxNotices     = 500              // notices of a guild that wait to be said; more are dropped
	maxDirect      = 50               // direct messages of a guild that are on their way; more are given up at once
	maxLogEntries  = 10               // entries of the audit in one message
	logPause       = 10 * time.Minute // after the log channel could not be written to
)

// queuedNotice is a notice that waits to be said.
type queuedNotice struct {
	notice   Notice
	language string
}

// notify has a notice said, after those before it. It never waits: what is said is no part of a turn.
func (rs *Rooms) notify(g *guildState, n Notice) {
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	if rs.ctx.Err() != nil {
		return
	}
	if p, ok := n.(Personal); ok {
		rs.notifyPersonal(g, p, g.language())
		return
	}
	if len(g.notices) >= maxNotices {
		rs.o.Log.Warn("a message is not sent: too many wait already", "guild_id", g.id)
		return
	}
	g.notices = append(g.notices, queuedNotice{n, g.language()})
	if !g.sendingNotices {
		g.sendingNotices = true
		rs.wg.Go(func() { rs.sendNotices(g) })
	}
}

// notifyPersonal has a personal notice said beside all others: it may wait for a budget, and nobody waits for it. The
// caller holds the inbox.
func (rs *Rooms) notifyPersonal(g *guildState, n Personal, language string) {
	crowded := g.directMessages >= maxDirect
	g.directMessages++
	rs.wg.Go(func() {
		defer func() {
			g.queueMu.Lock()
			g.directMessages--
			g.queueMu.Unlock()
		}()
		ctx, cancel := context.WithTimeout(rs.ctx, noticeTimeout)
		defer cancel()
		var err error = errs.E(errs.RateLimited,
			"Snug sends no more direct messages just now, so that Discord does not take it for spam.")
		if !crowded {
			err = rs.sendDirect(ctx, g.id, language, n, directTimeout)
		}
		if err != nil {
			rs.sendToChat(ctx, g.id, language, n)
		}
	})
}

// sendDirect says a personal notice to its reader alone.
func (rs *Rooms) sendDirect(
	ctx context.Context, guildID snowflake.ID, language string, n Personal, within time.Duration,
) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := rs.o.Notify(ctx, guildID, language, n)
	if err != nil {
		rs.o.Log.InfoContext(ctx, "a direct message did not reach its reader", "guild_id", guildID, "err", err)
	}
	return err
}

// sendToChat says a personal notice that everybody in the room may read in its chat. It reports whether it is
// said there.
func (rs *Rooms) sendToChat(ctx context.Context, guildID snowflake.ID, language string, n Personal) bool {
	if !n.InRoomChat() {
		return false
	}
	err := rs.o.Notify(ctx, guildID, language, InChat{n})
	if err != nil {
		rs.o.Log.InfoContext(ctx, "a message did not reach its reader, in the room's chat neither", "guild_id", guildID,
			"err", err)
	}
	return err == nil
}

// notifyAndReport says a personal notice while somebody waits to hear whether its reader got it, and how.
func (rs *Rooms) notifyAndReport(ctx context.Context, guildID snowflake.ID, language string, n Personal) room.Delivery {
	err := rs.sendDirect(ctx, guildID, language, n, awaitedTimeout)
	switch {
	case err == nil:
		return room.DeliveredDirect
	case rs.sendToChat(ctx, guildID, language, n):
		return room.DeliveredInChat
	case errs.Has(err, errs.Forbidden):
		return room.DMsClosed
	}
	return room.NotDelivered
}

// language is what is spoken where all can read it.
func (g *guildState) language() string {
	if g.settings.Language != "" {
		return g.settings.Language
	}
	return g.info.Locale
}

// sendNotices says what waits, in its order.
func (rs *Rooms) sendNotices(g *guildState) {
	for {
		n, ok := g.nextNotice(rs.ctx)
		if !ok {
			return
		}
		log, isLog := n.notice.(LogEntries)
		if isLog && g.logPaused(log.Channel, rs.o.Now()) {
			continue
		}
		ctx, cancel := context.WithTimeout(rs.ctx, noticeTimeout)
		err := rs.o.Notify(ctx, g.id, n.language, n.notice)
		cancel()
		switch {
		case err == nil:
		case isLog:
			g.pauseLog(log.Channel, rs.o.Now().Add(logPause))
			rs.o.Log.WarnContext(ctx, "the log channel could not be written to; Snug tries again later",
				"guild_id", g.id, "channel_id", log.Channel, "err", err)
		default:
			rs.o.Log.InfoContext(ctx, "a message did not reach its reader", "guild_id", g.id, "err", err)
		}
	}
}

// nextNotice gives what is to be said next; entries for the log channel are put together.
func (g *guildState) nextNotice(ctx context.Context) (queuedNotice, bool) {
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	if len(g.notices) == 0 || ctx.Err() != nil {
		g.notices, g.sendingNotices = nil, false
		return queuedNotice{}, false
	}
	n := g.notices[0]
	g.notices = g.notices[1:]
	if log, ok := n.notice.(LogEntries); ok {
		for len(g.notices) > 0 && len(log.Entries) < maxLogEntries {
			next, ok := g.notices[0].notice.(LogEntries)
			if !ok || next.Channel != log.Channel {
				break
			}
			log.Entries = append(log.Entries, next.Entries...)
			g.notices = g.notices[1:]
		}
		n.notice = log
	}
	return n, true
}

func (g *guildState) logPaused(channel snowflake.ID, now time.Time) bool {
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	return channel == g.brokenLogChannel && now.Before(g.logRetryAt)
}

func (g *guildState) pauseLog(channel snowflake.ID, until time.Time) {
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	g.brokenLogChannel, g.logRetryAt = channel, until
}

// writeToLogChannel has an entry of the audit written to the log channel, if there is
// one. Writing there makes no entry, so it never feeds itself.
func (rs *Rooms) writeToLogChannel(g *guildState, e audit.Entry) {
	if g != nil && g.settings.LogChannelID != 0 {
		rs.notify(g, LogEntries{GuildID: g.id, Channel: g.settings.LogChannelID, Entries: []audit.Entry{e}})
	}
}
