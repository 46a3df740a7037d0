package rooms

import (
	"context"
	"slices"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/room"
)

// Person returns what is stored about a user in a guild and, with Erase, deletes it. Only the user
// may call it; they need not be in the server any more. The next sweep removes their overwrites.
func (rs *Rooms) Person(
	ctx context.Context, guildID snowflake.ID, q room.PersonRequest,
) (out room.PersonData, err error) {
	out.Rooms = []room.PersonRoom{}
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		if out.Preferences, err = rs.preferences(ctx, g, q.UserID); err != nil {
			return err
		}
		if out.RememberedBy, err = rs.rememberedBy(ctx, g, q); err != nil {
			return err
		}
		if err := rs.personRooms(ctx, g, q, &out); err != nil {
			return err
		}
		if err := rs.personPast(ctx, g, q, &out); err != nil {
			return err
		}
		if !q.Erase {
			return nil
		}
		ctx, cancel := withWriteTimeout(ctx)
		defer cancel()
		err := rs.o.Hub.Members.Delete(ctx, memberKey(g.id, q.UserID))
		if errs.Has(err, errs.NotFound) {
			return nil
		}
		return err
	})
	if q.Erase {
		rs.o.Standings.Drop(guildID, q.UserID)
	}
	return out, err
}

// rememberedBy counts the members whose preferences name the user as a
// guest and, with Erase, removes the user there. Remembered bans stay.
func (rs *Rooms) rememberedBy(ctx context.Context, g *guildState, q room.PersonRequest) (int, error) {
	list, err := rs.o.Hub.Members.List(ctx, g.id.String())
	if err != nil {
		return 0, err
	}
	n := 0
	for _, e := range list {
		if !slices.Contains(e.Value.Guests, q.UserID) {
			continue
		}
		n++
		_, id, _ := strings.Cut(e.Key, ".")
		if user, err := snowflake.Parse(id); err == nil && q.Erase {
			err := rs.editPreferences(ctx, g, user,
				func(p *room.Preferences) { p.Guests = without(p.Guests, q.UserID) })
			if err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// personRooms lists, and with Erase removes, what the guild's open rooms store about the user.
func (rs *Rooms) personRooms(ctx context.Context, g *guildState, q room.PersonRequest, out *room.PersonData) error {
	for _, r := range g.rooms {
		here := rs.o.Voice.ChannelOf(g.id, q.UserID) == r.ID
		as := r.Parts(q.UserID, here)
		if len(as) == 0 || r.State != room.Open {
			continue
		}
		in := room.PersonRoom{ID: r.ID, Name: r.Name, As: as}
		if q.Erase {
			had := r.Guest(q.UserID) != nil
			r.accessMarks++
			err := rs.change(ctx, g, r, nil, func(doc *room.Room) {
				doc.Forget(q.UserID, here, g.now())
				doc.Pending.Access = doc.Pending.Access || had && doc.Guest(q.UserID) == nil
			})
			if err != nil {
				return err
			}
			in.Stays = r.Parts(q.UserID, here)
		}
		out.Rooms = append(out.Rooms, in)
	}
	slices.SortFunc(out.Rooms, func(a, b room.PersonRoom) int { return int(a.ID) - int(b.ID) })
	return nil
}
