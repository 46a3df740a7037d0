package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
)

// Notice is a message that Snug sends unasked. Options.Notify renders it in the guild's language.
type Notice interface{ notice() }

// Personal is a notice for one user, sent as a direct message. Reader returns the recipient
// and who caused it, whose budgets are charged. InRoomChat reports whether it may be posted
// in the room's chat if the direct message cannot be sent; links and refusals may not.
type Personal interface {
	Notice
	Reader() (to, causedBy snowflake.ID)
	InRoomChat() bool
}

// InChat is a personal notice that is posted in the room's
// chat, because its reader could not be sent a direct message.
type InChat struct{ Personal }

// The notices. Those that are Personal are direct messages, LogEntries
// go to the guild's log channel, the others to the room's chat.
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
	// StaysOpen : an announced closing was cancelled.
	StaysOpen struct{ Room room.Summary }
	// NameRefused : Discord does not allow the room's intended name; it has another.
	NameRefused struct{ Room room.Summary }
	// OpenedAgain : By opened a closed room again, and User, who belonged to it, is let in.
	OpenedAgain struct {
		Room room.Summary
		User snowflake.ID
		By   snowflake.ID
		Name string // By's display name
	}
	// SeatFree : a seat is held for User until Until.
	SeatFree struct {
		Room  room.Summary
		User  snowflake.ID
		Until time.Time
	}
	// MovedBack : User was moved out of the room because every seat is
	// taken or, with Held, because the free seat is held for somebody.
	MovedBack struct {
		Room room.Summary
		User snowflake.ID
		Held bool
	}
	// KnockAnswered : User, who knocked, was let in or declined by By.
	KnockAnswered struct {
		Room  room.Summary
		User  snowflake.ID
		By    snowflake.ID
		LetIn bool
	}
	// NewOwner : the room has another owner; How is as in its audit entry.
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
	// LogEntries : audit entries, for the guild's log channel.
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
func (OpenedAgain) notice()   {}
func (SeatFree) notice()      {}
func (MovedBack) notice()     {}
func (KnockAnswered) notice() {}
func (NewOwner) notice()      {}
func (LobbyFailed) notice()   {}
func (LogEntries) notice()    {}

// Reader returns the recipient, and the user who caused the notice (often the recipient).
func (n Invited) Reader() (to, causedBy snowflake.ID)       { return n.User, n.By }
func (n OpenedAgain) Reader() (to, causedBy snowflake.ID)   { return n.User, n.By }
func (n SeatFree) Reader() (to, causedBy snowflake.ID)      { return n.User, n.User }
func (n MovedBack) Reader() (to, causedBy snowflake.ID)     { return n.User, n.User }
func (n KnockAnswered) Reader() (to, causedBy snowflake.ID) { return n.User, n.By }
func (n LobbyFailed) Reader() (to, causedBy snowflake.ID)   { return n.User, n.User }

// InRoomChat reports whether everybody in the room may read the notice.
func (Invited) InRoomChat() bool         { return false }
func (OpenedAgain) InRoomChat() bool     { return false }
func (SeatFree) InRoomChat() bool        { return true }
func (MovedBack) InRoomChat() bool       { return false }
func (n KnockAnswered) InRoomChat() bool { return n.LetIn }
func (LobbyFailed) InRoomChat() bool     { return false }

const (
	noticeTimeout  = 30 * time.Second // for one notice
	directTimeout  = 25 * time.Second // of it, for the direct message; the rest is for the room's chat
	awaitedTimeout = 5 * time.Second  // for a direct message whose delivery is reported
	maxNotices     = 500              // queued notices of a guild; more are dropped
	maxDirect      = 50               // direct messages of a guild being sent; more fail at once
	maxLogEntries  = 10               // audit entries in one message
	logPause       = 10 * time.Minute // pause after the log channel refused a message
)

// queuedNotice is a notice that waits to be sent.
type queuedNotice struct {
	notice   Notice
	language string
}

// notify queues a notice behind the guild's earlier ones. It never blocks.
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

// notifyPersonal sends a personal notice in a goroutine of its
// own, because it may wait for a budget. The caller holds queueMu.
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
			"Snug has paused direct messages so that Discord doesn't take them for spam. Try again later.")
		if !crowded {
			err = rs.sendDirect(ctx, g.id, language, n, directTimeout)
		}
		if err != nil {
			rs.sendToChat(ctx, g.id, language, n)
		}
	})
}

// sendDirect sends a personal notice as a direct message.
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

// sendToChat posts a personal notice in the room's chat, if
// everybody may read it. It reports whether it was posted.
func (rs *Rooms) sendToChat(ctx context.Context, guildID snowflake.ID, language string, n Personal) bool {
	if !n.InRoomChat() {
		return false
	}
	err := rs.o.Notify(ctx, guildID, language, InChat{n})
	if err != nil {
		rs.o.Log.InfoContext(ctx, "a message could not be posted in the room's chat either", "guild_id", guildID,
			"err", err)
	}
	return err == nil
}

// notifyAndReport sends a personal notice and returns how it was delivered.
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

// language is the language of public messages.
func (g *guildState) language() string {
	if g.settings.Language != "" {
		return g.settings.Language
	}
	return g.info.Locale
}

// sendNotices sends the queued notices in order.
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

// nextNotice returns the next queued notice; adjacent entries for the log channel are merged.
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

// writeToLogChannel queues an audit entry for the guild's log channel, if there is one.
func (rs *Rooms) writeToLogChannel(g *guildState, e audit.Entry) {
	if g != nil && g.settings.LogChannelID != 0 {
		rs.notify(g, LogEntries{GuildID: g.id, Channel: g.settings.LogChannelID, Entries: []audit.Entry{e}})
	}
}
