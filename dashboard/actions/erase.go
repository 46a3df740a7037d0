package actions

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/session"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/stats"
)

// Erased counts what was erased, and names what was not.
type Erased struct {
	Entries, Rooms, Tokens, Servers int
	Stays                           []string // rooms in use
	Failed                          []string // servers that did not answer
}

// ErasePerson has everything that is stored of somebody erased, and ends their sessions unless a server does not
// answer; sessionID is that of the browser that asks.
func (a *Actions) ErasePerson(ctx context.Context, me *session.Session, sessionID string) (done Erased, err error) {
	guilds, _, err := a.personGuilds(ctx, me)
	if err != nil {
		return done, err
	}
	if done.Tokens, err = a.eraseTokens(ctx, me, guilds); err != nil {
		return done, err
	}
	if err := a.o.Hub.Presets.Delete(ctx, me.User.ID.String()); err != nil && !errs.Has(err, errs.NotFound) {
		return done, fmt.Errorf("dashboard: erasing presets: %w", err)
	}
	if err := a.eraseNotifications(ctx, me.User.ID); err != nil {
		return done, fmt.Errorf("dashboard: erasing notifications: %w", err)
	}
	for _, id := range guilds {
		if err := a.eraseIn(ctx, me, id, &done); err != nil {
			a.log.WarnContext(ctx, "a server did not erase what it keeps of somebody", "guild_id", id,
				"user_id", me.User.ID, "err", err)
			done.Failed = append(done.Failed, cmp.Or(a.Guild(id).Name, id.String()))
		}
	}
	a.names.forget(me.User.ID)
	a.log.InfoContext(ctx, "somebody's data was erased", "user_id", me.User.ID, "entries", done.Entries,
		"rooms", done.Rooms, "failed", len(done.Failed))
	if len(done.Failed) == 0 {
		err = a.o.Sessions.Erase(ctx, sessionID, me.User.ID)
	}
	return done, err
}

func (a *Actions) eraseTokens(ctx context.Context, me *session.Session, guilds []snowflake.ID) (int, error) {
	list, err := a.tokensOf(ctx, me, guilds)
	for _, t := range list {
		if err := a.tokens.Revoke(ctx, t); err != nil && !errs.Has(err, errs.NotFound) {
			return 0, fmt.Errorf("dashboard: erasing a token: %w", err)
		}
	}
	return len(list), err
}

// eraseIn erases what is kept of a person in one server.
func (a *Actions) eraseIn(ctx context.Context, me *session.Session, id snowflake.ID, done *Erased) error {
	data, err := a.storedBy(ctx, id, room.PersonRequest{UserID: me.User.ID, Erase: true})
	if err != nil {
		return err
	}
	for _, r := range data.Rooms {
		if slices.Contains(r.Stays, room.PartOwner) || slices.Contains(r.Stays, room.PartInside) {
			done.Stays = append(done.Stays, r.Name)
		} else {
			done.Rooms++
		}
	}
	done.Rooms += len(data.Closed)
	n, err := a.o.Hub.Audit.Erase(ctx, id, func(e hub.AuditEntry) bool {
		about, entry := entryAbout(e, me.User.ID)
		return about && !entry.Accounts()
	})
	a.histories.forget(id)
	if e := auditErased.Send(a.o.Hub, id); e != nil {
		a.log.WarnContext(ctx, "other dashboards show erased entries a few minutes longer", "guild_id", id, "err", e)
	}
	if done.Entries += n; err != nil {
		return err
	}
	came, err := a.eraseVisits(ctx, me.User.ID, id)
	if done.Entries, n = done.Entries+came, n+came; err != nil {
		return err
	}
	if n > 0 || len(data.Rooms)+len(data.Closed) > 0 || !data.Preferences.Empty() {
		done.Servers++
	}
	return nil
}

// eraseVisits erases when a person came into a server's rooms and went, and gives how many there were.
func (a *Actions) eraseVisits(ctx context.Context, user, guildID snowflake.ID) (n int, err error) {
	keys, err := a.o.Hub.Visits.Keys(ctx, guildID.String())
	for _, key := range keys {
		was := 0
		_, _, err := a.o.Hub.Visits.Edit(ctx, key, func(c *room.VisitLog) error {
			if was = c.DropUser(user); was == 0 {
				return hub.Unchanged
			}
			return nil
		}, hub.TTL(stats.Retention))
		if err != nil && !errs.Has(err, errs.NotFound) {
			return n, err
		}
		n += was
	}
	return n, err
}
