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

// onLobbyJoined opens a room for somebody who came into a lobby, and moves them in.
// Who has as many rooms as they may have is moved into the room they have. Who
// left meanwhile leaves nothing behind. Who comes again and again waits a while:
// Discord's limits are the whole server's.
func (rs *Rooms) onLobbyJoined(ctx context.Context, g *guildState, lobbyID, user snowflake.ID) {
	if g.settings.Lobby(lobbyID) == nil {
		return
	}
	if g.laneBusy(ctx, lobbyLane(user)) {
		g.nextLobby[user] = lobbyID // whoever is in the lane looks where they are then
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

// openFromLobby is lobby in the user's lane.
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
		log.Info("a lobby opened no room", "err", err)
		rs.notify(g, LobbyFailed{GuildID: g.id, User: user, Err: errs.Public(err)})
	}
}

// retryLobbyAfter looks after somebody in a lobby in a while, or with a sweep; once, however often it is
// called meanwhile.
func (rs *Rooms) retryLobbyAfter(g *guildState, wait time.Duration, user snowflake.ID) {
	if !g.lobbyWaits[user] {
		g.lobbyWaits[user] = true
		rs.enqueueAfter(g, wait, func(ctx context.Context) { rs.retryLobby(ctx, g, user) })
	}
}

// retryLobby looks after somebody who had to wait in a lobby, if they still do.
func (rs *Rooms) retryLobby(ctx context.Context, g *guildState, user snowflake.ID) {
	if waits := g.lobbyWaits[user]; !waits || !g.ready {
		return
	}
	delete(g.lobbyWaits, user)
	rs.onLobbyJoined(ctx, g, rs.o.Voice.ChannelOf(g.id, user), user)
}

func (rs *Rooms) moveFromLobby(ctx context.Context, g *guildState, lobby guild.Lobby, user snowflake.ID) error {
	who, err := rs.recentStanding(ctx, g, user) // Discord told it with their coming
	if err != nil {
		return err
	}
	r := g.roomOf(user)
	if r == nil || g.countOwned(user) < g.settings.RoomsPerMember {
		if lobby.CategoryID == 0 {
			lobby.CategoryID = rs.parentOf(ctx, g, lobby.ChannelID)
		}
		q := room.OpenRequest{Actor: access.Actor{UserID: user, Via: access.ViaDiscord, Standing: &who}}
		if r, err = rs.openInLane(ctx, g, opening{id: newID(), who: who, q: q, lobby: &lobby}); err != nil {
			return err
		}
	}
	if a := g.summary(r).Access; !a.MayEnter(who) {
		return rs.enterError(g, a, who)
	}
	fresh := g.now().Sub(r.OpenedAt) < holdMoved && room.Occupied(rs.o.Voice.Roster(g.id, r.ID)) == 0
	if rs.o.Voice.ChannelOf(g.id, user) == lobby.ChannelID {
		g.recordMove(user, g.now())
		err = rs.o.Discord.Move(ctx, g.id, user, r.ID, "Snug: from the lobby")
		if err == nil || errs.Has(err, errs.DiscordUnavailable) {
			return err
		}
	}
	if fresh {
		e := g.inRoomLane(ctx, r, func() error {
			if room.Occupied(rs.o.Voice.Roster(g.id, r.ID)) > 0 {
				return nil // somebody else came
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

// parentOf gives a lobby's category; the guild's for rooms if it has none or cannot be found.
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

// openFromLobbies has rooms opened for who sits in a lobby already: they came while Snug was away. It only enqueues.
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

// SaveLobby adds a lobby or changes one. It fails with errs.Forbidden,
// Invalid, NotFound (no such voice channel), MissingPermission or DiscordUnavailable.
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

// prepareLobbyChannel checks a lobby's channel, or makes one.
func (rs *Rooms) prepareLobbyChannel(ctx context.Context, g *guildState, q *guild.LobbyRequest) error {
	trial := q.Lobby
	if trial.ChannelID == 0 {
		trial.ChannelID = 1 // what else is wrong is told before a channel is made
	}
	next := g.settings.Clone()
	next.Lobbies = slices.DeleteFunc(next.Lobbies, func(l guild.Lobby) bool { return l.ChannelID == trial.ChannelID })
	next.Lobbies = append(next.Lobbies, trial)
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
		return errs.Field("category_id", "That category is not in this server any more. Choose another.")
	case l.ChannelID == 0:
		name, err := g.settings.CheckName(cmp.Or(q.Name, lobbyName))
		if err != nil {
			return err
		}
		q.Lobby.ChannelID, err = rs.o.Discord.CreateLobby(ctx, g.id, cmp.Or(l.CategoryID, g.settings.CategoryID), name)
		return err
	case !of(l.ChannelID, KindVoice):
		return errs.Field("channel_id",
			"That is no voice channel of this server, or Snug cannot see it. Choose another, or let Snug see it.")
	}
	return rs.checkLobbyChannel(g, q.Lobby.ChannelID, "channel_id")
}

// checkLobbyChannel says what is against a voice channel as a lobby; field is where it was chosen.
func (rs *Rooms) checkLobbyChannel(g *guildState, id snowflake.ID, field string) error {
	switch {
	case g.rooms[id] != nil:
		return errs.Field(field, "That channel is a room. Choose a voice channel that stays.")
	case rs.o.Discord.AFK(g.id, id):
		return errs.Field(field,
			"That is the server's inactive channel: Discord moves people there who are idle. Choose another.")
	}
	return nil
}

// RemoveLobby ends a lobby. It fails with errs.Forbidden or NotFound.
func (rs *Rooms) RemoveLobby(
	ctx context.Context, guildID snowflake.ID, q guild.LobbyRemoval,
) (out guild.LobbyDone, err error) {
	err = rs.manageSettings(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		next := g.settings.Clone()
		l := next.Lobby(q.ChannelID)
		if l == nil {
			return errs.E(errs.NotFound, "That channel is no lobby. Reload the list to see those there are.")
		}
		out.Lobby = *l
		next.Lobbies = slices.DeleteFunc(next.Lobbies, func(l guild.Lobby) bool { return l.ChannelID == q.ChannelID })
		if err := rs.saveSettings(ctx, g, next, q.Actor); err != nil {
			return err
		}
		out.Lobbies = g.settings.Clone().Lobbies
		if q.Delete {
			return rs.o.Discord.DeleteChannel(ctx, q.ChannelID, "Snug: lobby removed by "+q.Actor.UserID.String())
		}
		return nil
	})
	return out, err
}

// The names of what a first run makes, where none are given.
const (
	categoryName = "Rooms"
	lobbyName    = "➕ Open a room"
)
