package dashboard

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/dashboard/view"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
)

const (
	historyLines = 60              // of a room's audit that its page shows
	historyTime  = 2 * time.Second // how long the page waits for its history, and for people's names
	fewNames     = 24              // how many names a page asks the guild for
)

// furnish adds to a room's page what happened there, the names of people who
// are not in voice, and the link for spectators. The page does without what cannot be had.
func (s *Server) furnish(ctx context.Context, p *view.Room) {
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	r := &p.View
	entries, err := s.o.Hub.Audit.Page(ctx, r.Room.GuildID, r.Room.ID, 0, historyLines)
	if err != nil {
		s.log.WarnContext(ctx, "a room's history could not be read", "guild_id", r.Room.GuildID, "room_id", r.Room.ID,
			"err", err)
	}
	for _, a := range entries {
		var e audit.Entry
		if json.Unmarshal(a.Data, &e) == nil && (r.MayControl || public(e.Kind)) {
			p.History = append(p.History, e)
		}
	}
	p.Comings = s.comingsOf(ctx, p)
	p.Names = s.namesFor(ctx, p)
	if c := r.Control; c != nil && c.WatchToken != "" {
		p.WatchURL = s.watchURL(r.Room.ID, c.WatchToken)
	}
}

// comingsOf gives who came into a room and went, as far as the person may know.
func (s *Server) comingsOf(ctx context.Context, p *view.Room) []room.Visit {
	r := &p.View
	stored, _, err := s.o.Hub.Visits.Get(ctx, r.Room.GuildID.String()+"."+r.Room.ID.String())
	if err != nil && !errs.Has(err, errs.NotFound) {
		s.log.WarnContext(ctx, "who came into a room and went could not be read", "guild_id", r.Room.GuildID,
			"room_id", r.Room.ID, "err", err)
	}
	if !r.MayControl {
		stored.DropBefore(r.KnowsSince)
	}
	return stored.List
}

// public says whether everybody who sees a room may know of such entries: those that name no guest and nobody kept out.
func public(k audit.Kind) bool {
	switch k {
	case audit.RoomOpened, audit.RoomClosing, audit.RoomKept, audit.RoomRenamed, audit.SeatsChanged,
		audit.PrivacyChanged, audit.StatusChanged, audit.OwnerChanged:
		return true
	default:
		return false
	}
}

// namesFor gives the display names that a room's page needs and its roster has not.
func (s *Server) namesFor(ctx context.Context, p *view.Room) map[snowflake.ID]string {
	r, out := &p.View, map[snowflake.ID]string{}
	var ids []snowflake.ID
	for i := range p.History {
		ids = append(ids, p.History[i].By, p.History[i].Target)
	}
	if c := r.Control; c != nil {
		for _, g := range c.Guests {
			if out[g.UserID] = g.Name; g.Name == "" {
				ids = append(ids, g.UserID)
			}
		}
		for _, b := range c.Bans {
			ids = append(ids, b.UserID)
		}
		for _, k := range c.Knocks {
			out[k.UserID] = k.Name
		}
		for _, w := range c.Waiting {
			out[w.UserID] = w.Name
		}
	}
	out[r.Room.Access.OwnerID] = p.OwnerName
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id snowflake.ID) bool {
		if id == 0 || out[id] != "" || room.In(r.Roster, id) {
			return true
		}
		name, known := s.names.get(r.Room.GuildID, id, s.now())
		out[id] = name
		return known
	})
	s.askNames(ctx, r.Room.GuildID, ids[:min(len(ids), fewNames)], out)
	return out
}

// askNames asks the guild for display names, several at once, and keeps them for the next page.
func (s *Server) askNames(ctx context.Context, guildID snowflake.ID, ids []snowflake.ID, out map[snowflake.ID]string) {
	asked := make([]string, len(ids))
	var g errgroup.Group
	g.SetLimit(8)
	for i := range asked {
		g.Go(func() error {
			st, err := s.keeper.Standing(ctx, guildID, room.StandingRequest{UserID: ids[i]})
			if err == nil && st.DisplayName != "" {
				asked[i] = st.DisplayName
				s.names.put(guildID, ids[i], st.DisplayName, s.now())
			}
			return nil // "somebody" does as well
		})
	}
	_ = g.Wait() // no function fails
	for i, name := range asked {
		out[ids[i]] = name
	}
}

// watchURL is the link by which spectators see a room.
func (s *Server) watchURL(id snowflake.ID, token string) string {
	return s.base.String() + "/watch/" + id.String() + "?t=" + url.QueryEscape(token)
}
