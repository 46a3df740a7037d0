package rooms

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// Repair finds differences between Discord, the stored rooms and the published rosters and, with Apply, fixes
// them. An unknown channel with Snug's mark is deleted only if q.Only names it: an admin may have created it.
func (rs *Rooms) Repair(
	ctx context.Context, guildID snowflake.ID, q guild.RepairRequest,
) (out guild.RepairReport, err error) {
	manage := rs.manage
	if q.Apply {
		manage = rs.manageSettings
	}
	err = manage(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		since := rs.editsOf(g)
		channels, err := rs.o.Discord.Channels(ctx, g.id)
		if err != nil {
			return err
		}
		rep := repairOp{rs: rs, g: g, by: q.Actor, channels: channels, byID: byID(channels), since: since}
		if err := rep.findIssues(ctx); err != nil {
			return err
		}
		out = guild.RepairReport{Issues: rep.found, At: rs.o.Now()}
		if !q.Apply {
			return nil
		}
		for i := range out.Issues {
			f := &out.Issues[i]
			if named := slices.Contains(q.Only, f.ID); !named && (f.Risky || len(q.Only) > 0) ||
				f.Kind == guild.IssueUnseen {
				continue
			}
			if err := rep.fix(ctx, *f); errors.Is(err, errStale) {
				return err
			} else if err != nil {
				rs.o.Log.WarnContext(ctx, "a repair failed", "guild_id", g.id, "issue", f.ID, "err", err)
				f.Err = errs.Public(err)
				continue
			}
			f.Fixed = true
			rs.o.Log.InfoContext(ctx, "repaired", "guild_id", g.id, "issue", f.ID, "user_id", q.Actor.UserID)
		}
		return nil
	})
	return out, err
}

// repairOp is one call of Repair.
type repairOp struct {
	rs       *Rooms
	g        *guildState
	by       access.Actor
	channels []Channel
	byID     map[snowflake.ID]Channel
	since    map[snowflake.ID]uint64 // the rooms' edit counts before the channels were fetched
	found    []guild.Issue
}

func (p *repairOp) add(f guild.Issue) {
	f.ID = string(f.Kind) + "." + f.ChannelID.String()
	p.found = append(p.found, f)
}

// findIssues finds the issues, ordered by the channels' ids.
func (p *repairOp) findIssues(ctx context.Context) error {
	rooms := make([]*roomState, 0, len(p.g.rooms))
	for _, r := range p.g.rooms {
		rooms = append(rooms, r)
	}
	slices.SortFunc(rooms, func(a, b *roomState) int { return cmp.Compare(a.ID, b.ID) })
	for _, r := range rooms {
		c, is, err := p.rs.locate(ctx, p.g, p.byID, r.ID)
		switch {
		case err != nil:
			return err
		case is == channelGone:
			p.add(guild.Issue{Kind: guild.IssueNoChannel, ChannelID: r.ID, Name: r.Name})
			continue
		case is == channelHidden:
			p.add(guild.Issue{Kind: guild.IssueUnseen, ChannelID: r.ID, Name: r.Name})
			continue
		}
		if r.State != room.Open {
			continue // it is being removed
		}
		p.checkRoom(r, c)
		if err := p.checkRoster(ctx, r); err != nil {
			return err
		}
	}
	p.findUnknownChannels()
	if err := p.checkSettings(ctx); err != nil {
		return err
	}
	for id, in := range p.g.pendingCreates {
		p.found = append(p.found,
			guild.Issue{ID: string(guild.IssuePendingCreate) + "." + id, Kind: guild.IssuePendingCreate, Name: in.Name})
	}
	return nil
}

func (p *repairOp) checkRoom(r *roomState, c Channel) {
	if c.Name != r.Name {
		p.add(guild.Issue{Kind: guild.IssueName, ChannelID: r.ID, Name: r.Name, Want: r.Name, Have: c.Name})
	}
	if want := p.rs.limit(p.g, r); c.UserLimit != want {
		p.add(guild.Issue{
			Kind: guild.IssueSeats, ChannelID: r.ID, Name: r.Name, Want: strconv.Itoa(want),
			Have: strconv.Itoa(c.UserLimit),
		})
	}
	missing, extra := 0, 0
	let := r.admitted()
	for _, u := range let {
		if !slices.Contains(c.Admitted, u) {
			missing++
		}
	}
	for _, u := range c.Admitted {
		if !slices.Contains(let, u) {
			extra++
		}
	}
	if r.Pending.Access || missing+extra > 0 || p.g.tooOpen(r, c) {
		have := room.Privacy{Private: c.Hides, Locked: c.Locks && !c.Hides}.String()
		p.add(guild.Issue{
			Kind: guild.IssueAccess, ChannelID: r.ID, Name: r.Name, Want: r.Privacy().String(), Have: have,
		})
	}
}

// checkRoster compares the published roster with who is in voice.
func (p *repairOp) checkRoster(ctx context.Context, r *roomState) error {
	live, _, err := p.rs.o.Hub.Rosters.Get(ctx, voice.Key(p.g.id, r.ID))
	if err != nil && !errs.Has(err, errs.NotFound) {
		return err
	}
	names := func(list []room.Person) string {
		var ids []string
		for _, q := range list {
			ids = append(ids, q.UserID.String())
		}
		slices.Sort(ids)
		return strings.Join(ids, " ")
	}
	roster := p.rs.o.Voice.Roster(p.g.id, r.ID)
	if err != nil || live.Gone() || live.Room.Name != r.Name || names(live.Roster) != names(roster) {
		p.add(guild.Issue{
			Kind: guild.IssueRoster, ChannelID: r.ID, Name: r.Name, Want: strconv.Itoa(len(roster)),
			Have: strconv.Itoa(len(live.Roster)),
		})
	}
	return nil
}

// findUnknownChannels finds voice channels that carry Snug's mark and are neither room nor lobby.
func (p *repairOp) findUnknownChannels() {
	for _, c := range p.channels {
		if c.Kind == KindVoice && c.Marked && p.g.rooms[c.ID] == nil && p.g.settings.Lobby(c.ID) == nil {
			p.add(guild.Issue{Kind: guild.IssueUnknown, ChannelID: c.ID, Name: c.Name, Risky: true})
		}
	}
}

func (p *repairOp) checkSettings(ctx context.Context) error {
	s := p.g.settings
	look := func(id snowflake.ID, kind Kind, lost guild.IssueKind) (is visibility, err error) {
		if id == 0 {
			return channelVisible, nil
		}
		c, is, err := p.rs.locate(ctx, p.g, p.byID, id)
		if is == channelVisible && c.Kind != kind {
			is = channelGone
		}
		if is != channelVisible && err == nil {
			if is == channelHidden {
				lost = guild.IssueUnseen
			}
			f := guild.Issue{Kind: lost, ChannelID: id}
			if !slices.ContainsFunc(p.found, func(o guild.Issue) bool { return o.Kind == lost && o.ChannelID == id }) {
				p.add(f)
			}
		}
		return is, err
	}
	_, err := look(s.CategoryID, KindCategory, guild.IssueCategoryGone)
	_, err2 := look(s.LogChannelID, KindText, guild.IssueLogGone)
	err = errors.Join(err, err2)
	for _, l := range s.Lobbies {
		is, err2 := look(l.ChannelID, KindVoice, guild.IssueLobbyGone)
		if err = errors.Join(err, err2); is == channelVisible {
			_, err2 = look(l.CategoryID, KindCategory, guild.IssueCategoryGone)
			err = errors.Join(err, err2)
		}
	}
	return err
}

// fix fixes one issue.
func (p *repairOp) fix(ctx context.Context, f guild.Issue) error {
	switch k, g := p.rs, p.g; f.Kind {
	case guild.IssueUnknown:
		if len(k.o.Voice.Roster(g.id, f.ChannelID)) > 0 {
			return errs.E(errs.Conflict,
				"Somebody is in that channel. Wait until they leave, or delete it in Discord.")
		}
		return k.o.Discord.DeleteChannel(ctx, f.ChannelID, "Snug: repair")
	case guild.IssuePendingCreate:
		return k.resolvePendingCreates(ctx, g, p.channels)
	case guild.IssueNoChannel, guild.IssueName, guild.IssueSeats, guild.IssueAccess, guild.IssueRoster:
		return g.inLane(ctx, roomLane(f.ChannelID), func() error {
			r := g.rooms[f.ChannelID]
			if r == nil || k.edits.count(r.ID) != p.since[r.ID] {
				return errs.E(errs.Conflict, "This room changed while Snug was checking it. Try again.")
			}
			err := p.fixRoom(ctx, r, f)
			p.since[f.ChannelID] = k.edits.count(f.ChannelID) // fixRoom's own edits
			return err
		})
	}
	return p.clearSetting(ctx, f)
}

// fixRoom is fix for a room, in its lane.
func (p *repairOp) fixRoom(ctx context.Context, r *roomState, f guild.Issue) error {
	k, g := p.rs, p.g
	const reason = "Snug: repair"
	switch f.Kind {
	case guild.IssueNoChannel:
		return k.verifyMissing(ctx, g, r, room.ClosedLost)
	case guild.IssueName:
		return k.alignName(ctx, g, r, Channel{Name: f.Have, ParentID: r.CategoryID})
	case guild.IssueSeats:
		return p.recordFix(ctx, r, f, k.setLimit(ctx, g, r, reason))
	case guild.IssueAccess:
		owes := r.accessMarks
		err := k.setAccess(ctx, g, r, reason)
		more := errors.Is(err, errMorePending)
		if more {
			err = nil
		}
		if more = more || r.accessMarks != owes; err == nil && r.Pending.Access != more {
			err = k.edit(ctx, g, r, nil, func(doc *room.Room) {
				if doc.Pending.Access = more; !more {
					doc.Pending.AccessSynced()
				}
			})
		}
		return p.recordFix(ctx, r, f, err)
	case guild.IssueRoster:
		k.publish(g, r, room.Changed{})
	}
	return p.recordFix(ctx, r, f, nil)
}

// repairEntry is the audit entry of an issue that was put right.
func repairEntry(f guild.Issue) audit.Entry {
	return audit.Entry{Kind: audit.Repaired, Detail: string(f.Kind), Old: f.Have, New: f.Want}
}

// recordFix writes a repair of a room to the audit log.
func (p *repairOp) recordFix(ctx context.Context, r *roomState, f guild.Issue, err error) error {
	if err != nil {
		return err
	}
	entry := repairEntry(f)
	entry.By, entry.Via = p.by.UserID, p.by.Via
	return p.rs.note(ctx, p.g, r, entry)
}

// clearSetting removes a setting that refers to something deleted.
func (p *repairOp) clearSetting(ctx context.Context, f guild.Issue) error {
	next := p.g.settings.Clone()
	switch f.Kind {
	case guild.IssueLogGone:
		next.LogChannelID = 0
	case guild.IssueLobbyGone:
		next.Lobbies = slices.DeleteFunc(next.Lobbies, func(l guild.Lobby) bool { return l.ChannelID == f.ChannelID })
	case guild.IssueCategoryGone:
		if next.CategoryID == f.ChannelID {
			next.CategoryID = 0
		}
		for i := range next.Lobbies {
			if next.Lobbies[i].CategoryID == f.ChannelID {
				next.Lobbies[i].CategoryID = 0
			}
		}
	}
	return p.rs.saveSettings(ctx, p.g, next, p.by)
}
