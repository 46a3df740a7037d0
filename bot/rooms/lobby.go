package rooms

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// onLobbyJoined opens a room for a user who joined a lobby, and moves them in; if they have as many
// rooms as they may, into the one they have. If they left meanwhile, the new room is closed again.
// Users who join again and again wait, because Discord's limits are shared by the whole server.
func (rs *Rooms) onLobbyJoined(ctx context.Context, g *guildState, lobbyID, user snowflake.ID) {
	if g.settings.Lobby(lobbyID) == nil {
		return
	}
	if g.laneBusy(ctx, lobbyLane(user)) {
		g.nextLobby[user] = lobbyID // the task in the lane handles it
		return
	}
	_ = g.inLane(ctx, lobbyLane(user), func() error {
		for ok := true; ok; lobbyID, ok = g.nextLobby[user] {
			delete(g.nextLobby, user)
			rs.openFromLobby(ctx, g, lobbyID, user)
		}
		return nil
	})
}

// openFromLobby is onLobbyJoined, in the user's lane.
func (rs *Rooms) openFromLobby(ctx context.Context, g *guildState, lobbyID, user snowflake.ID) {
	lobby := g.settings.Lobby(lobbyID)
	if lobby == nil || rs.o.Discord.AFK(g.id, lobbyID) || rs.o.Voice.ChannelOf(g.id, user) != lobbyID {
		return
	}
	if wait := g.moveWait(user, g.now()); wait > 0 {
		rs.retryLobbyAfter(g, wait, user)
		return
	}
	log := rs.o.Log.With("guild_id", g.id, "user_id", user, "lobby_id", lobbyID)
	if err := rs.moveFromLobby(ctx, g, *lobby, user); err != nil {
		log.Info("joining a lobby opened no room", "err", err)
		rs.notify(g, LobbyFailed{GuildID: g.id, User: user, Err: errs.Public(err)})
	}
}

// retryLobbyAfter handles a user in a lobby again after a delay,
// or with a sweep; repeated calls meanwhile have no effect.
func (rs *Rooms) retryLobbyAfter(g *guildState, wait time.Duration, user snowflake.ID) {
	if !g.lobbyWaits[user] {
		g.lobbyWaits[user] = true
		rs.enqueueAfter(g, wait, func(ctx context.Context) { rs.retryLobby(ctx, g, user) })
	}
}

// retryLobby handles a user who had to wait in a lobby, if they still do.
func (rs *Rooms) retryLobby(ctx context.Context, g *guildState, user snowflake.ID) {
	if waits := g.lobbyWaits[user]; !waits || !g.ready {
		return
	}
	delete(g.lobbyWaits, user)
	rs.onLobbyJoined(ctx, g, rs.o.Voice.ChannelOf(g.id, user), user)
}

func (rs *Rooms) moveFromLobby(ctx context.Context, g *guildState, lobby guild.Lobby, user snowflake.ID) error {
	who, err := rs.recentStanding(ctx, g, user) // it came with their Voice State Update
	if err != nil {
		return err
	}
	r, fresh := g.roomOf(user), false
	if r == nil || g.countOwned(user) < g.settings.RoomsPerMember {
		if lobby.CategoryID == 0 {
			lobby.CategoryID = rs.parentOf(ctx, g, lobby.ChannelID)
		}
		q := room.OpenRequest{Actor: access.Actor{UserID: user, Via: access.ViaDiscord, Standing: &who}}
		if r, err = rs.openInLane(ctx, g, opening{id: newID(), who: who, q: q, lobby: &lobby}); err != nil {
			return err
		}
		fresh = true
	}
	if a := g.summary(r).Access; !a.MayEnter(who) {
		return rs.enterError(g, a, who)
	}
	if rs.o.Voice.ChannelOf(g.id, user) == lobby.ChannelID {
		g.recordMove(user, g.now())
		err = rs.o.Discord.Move(ctx, g.id, user, lobby.ChannelID, r.ID, "Snug: from the lobby")
		if err == nil || errs.Has(err, errs.DiscordUnavailable) {
			return err
		}
	}
	if fresh {
		e := g.inRoomLane(ctx, r, func() error {
			if room.Occupied(rs.o.Voice.Roster(g.id, r.ID)) > 0 {
				return nil // somebody else joined
			}
			return rs.close(ctx, g, r, room.ClosedAlone, 0, access.ViaSnug)
		})
		if e != nil {
			return e
		}
	}
	if errs.Has(err, errs.NotInVoice) {
		return nil
	}
	return err
}

// parentOf returns a lobby's category, or the guild's category for rooms if it has none or cannot be found.
func (rs *Rooms) parentOf(ctx context.Context, g *guildState, lobby snowflake.ID) snowflake.ID {
	if parent, known := g.lobbyParents[lobby]; known {
		return parent
	}
	channels, err := rs.o.Discord.Channels(ctx, g.id)
	if err != nil {
		return g.settings.CategoryID
	}
	c, there := byID(channels)[lobby]
	if !there {
		return g.settings.CategoryID
	}
	g.lobbyParents[lobby] = cmp.Or(c.ParentID, g.settings.CategoryID)
	return g.lobbyParents[lobby]
}

// openFromLobbies opens rooms for users who are in a lobby already,
// because they joined while Snug was down. It only enqueues.
func (rs *Rooms) openFromLobbies(g *guildState) {
	for _, l := range g.settings.Lobbies {
		for _, p := range rs.o.Voice.Roster(g.id, l.ChannelID) {
			if !p.Bot {
				rs.enqueue(g, func(ctx context.Context) {
					if g.ready {
						rs.onLobbyJoined(ctx, g, l.ChannelID, p.UserID)
					}
				})
			}
		}
	}
}

// SaveLobby adds or changes a lobby. It fails with errs.Forbidden, Invalid,
// NotFound (no such voice channel), MissingPermission or DiscordUnavailable.
func (rs *Rooms) SaveLobby(
	ctx context.Context, guildID snowflake.ID, q guild.LobbyRequest,
) (out guild.LobbyDone, err error) {
	err = rs.manageSettings(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		if err := rs.prepareLobbyChannel(ctx, g, &q); err != nil {
			return err
		}
		next := g.settings.Clone()
		if l := next.Lobby(q.Lobby.ChannelID); l != nil {
			*l = q.Lobby
		} else {
			next.Lobbies = append(next.Lobbies, q.Lobby)
		}
		if err := next.Validate(); err != nil {
			return err
		}
		if err := rs.saveSettings(ctx, g, next, q.Actor); err != nil {
			return err
		}
		out = guild.LobbyDone{Lobby: q.Lobby, Lobbies: g.settings.Clone().Lobbies}
		rs.openFromLobbies(g)
		return nil
	})
	return out, err
}

// prepareLobbyChannel checks a lobby's channel, or creates one.
func (rs *Rooms) prepareLobbyChannel(ctx context.Context, g *guildState, q *guild.LobbyRequest) error {
	draft := q.Lobby
	if draft.ChannelID == 0 {
		draft.ChannelID = 1 // validate the rest before a channel is created
	}
	next := g.settings.Clone()
	next.Lobbies = slices.DeleteFunc(next.Lobbies, func(l guild.Lobby) bool { return l.ChannelID == draft.ChannelID })
	next.Lobbies = append(next.Lobbies, draft)
	if err := next.Validate(); err != nil {
		return err
	}
	channels, err := rs.o.Discord.Channels(ctx, g.id)
	if err != nil {
		return err
	}
	of := kindChecker(channels)
	switch l := q.Lobby; {
	case l.CategoryID != 0 && !of(l.CategoryID, KindCategory):
		return errs.Field("category_id", "That category is no longer in this server. Choose another.")
	case l.ChannelID == 0:
		name, err := g.settings.CheckName(cmp.Or(q.Name, lobbyName))
		if err != nil {
			return err
		}
		parent := cmp.Or(l.CategoryID, g.settings.CategoryID)
		if q.Lobby.ChannelID = g.unusedLobby(channels, name, parent); q.Lobby.ChannelID == 0 {
			q.Lobby.ChannelID, err = rs.o.Discord.CreateLobby(ctx, g.id, parent, name)
		}
		return err
	case !of(l.ChannelID, KindVoice):
		return errs.Field("channel_id",
			"That isn't a voice channel of this server, or Snug can't see it. Choose another, or give Snug View "+
				"Channel there.")
	}
	return rs.checkLobbyChannel(g, q.Lobby.ChannelID, "channel_id")
}

// unusedLobby finds a lobby's channel that an earlier try created and did not come to save; 0 for none.
func (g *guildState) unusedLobby(channels []Channel, name string, parent snowflake.ID) snowflake.ID {
	for _, c := range channels {
		if c.Kind == KindVoice && c.Name == name && c.Marked && c.ParentID == parent && g.rooms[c.ID] == nil &&
			g.settings.Lobby(c.ID) == nil {
			return c.ID
		}
	}
	return 0
}

// checkLobbyChannel fails if a voice channel cannot be a lobby; field names the input.
func (rs *Rooms) checkLobbyChannel(g *guildState, id snowflake.ID, field string) error {
	switch {
	case g.rooms[id] != nil:
		return errs.Field(field, "That channel is a room. Choose a permanent voice channel.")
	case rs.o.Discord.AFK(g.id, id):
		return errs.Field(field,
			"That's the server's inactive channel, where Discord moves idle people. Choose another.")
	}
	return nil
}

// RemoveLobby removes a lobby. It fails with errs.Forbidden or NotFound.
func (rs *Rooms) RemoveLobby(
	ctx context.Context, guildID snowflake.ID, q guild.LobbyRemoval,
) (out guild.LobbyDone, err error) {
	err = rs.manageSettings(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		next := g.settings.Clone()
		l := next.Lobby(q.ChannelID)
		if l == nil {
			return errs.E(errs.NotFound, "That channel isn't a lobby. Reload the page to see the lobbies.")
		}
		out.Lobby = *l
		if q.Delete { // first: it can be repeated as long as the lobby is known
			reason := "Snug: lobby removed by " + q.Actor.UserID.String()
			if err := rs.o.Discord.DeleteChannel(ctx, q.ChannelID, reason); err != nil {
				return err
			}
		}
		next.Lobbies = slices.DeleteFunc(next.Lobbies, func(l guild.Lobby) bool { return l.ChannelID == q.ChannelID })
		if err := rs.saveSettings(ctx, g, next, q.Actor); err != nil {
			return err
		}
		out.Lobbies = g.settings.Clone().Lobbies
		return nil
	})
	return out, err
}

// Default names of what Setup creates.
const (
	categoryName = "Rooms"
	lobbyName    = "➕ Open a room"
)
