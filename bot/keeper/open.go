package keeper

import (
	"context"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/invite"
	"snug/shared/room"
)

// Open opens a room: the intention is recorded first, then the channel is
// made, then the room, so that a crash at any point leaves nothing a restart
// does not finish. id makes the request idempotent: the same id gives the
// room it has already opened; "" for a request that is never repeated. It
// fails with errs.Forbidden, Invalid, RoomLimit, MissingPermission or DiscordUnavailable.
func (k *Keeper) Open(ctx context.Context, guildID snowflake.ID, id string, q room.OpenRequest) (out room.OpenedRoom, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	if id == "" {
		id = newID()
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		r, err := k.opened(ctx, g, id, who, q)
		if err != nil {
			return err
		}
		out.Room = g.summary(r)
		if i := slices.IndexFunc(r.Invites, func(v room.Invite) bool { return v.By == r.OwnerID }); i >= 0 {
			out.Invite, err = k.link(r, &r.Invites[i])
		}
		return err
	})
	return out, err
}

func (k *Keeper) opened(ctx context.Context, g *guildRooms, id string, who room.Standing, q room.OpenRequest) (*kept, error) {
	for _, r := range g.rooms {
		if r.IntentionID == id {
			return r, nil
		}
	}
	in, err := k.intend(g, id, who, q)
	if err != nil {
		return nil, err
	}
	wctx, cancel := writing(ctx)
	defer cancel()
	if _, err := k.o.Hub.Intentions.Create(wctx, intentionKey(in), in); err != nil {
		return nil, err
	}
	g.intended[in.ID] = in
	channel, err := k.o.Discord.CreateRoomChannel(ctx, in)
	if errs.Has(err, errs.DiscordUnavailable) { // it may exist all the same
		if found, e := k.find(ctx, g, in); e == nil && found != 0 {
			channel, err = found, nil
		}
	}
	if err != nil {
		// With an unknown outcome the intention stays, and a sweep looks for the channel again.
		if !errs.Has(err, errs.DiscordUnavailable) {
			k.forget(ctx, g, in)
		}
		return nil, err
	}
	return k.finish(ctx, g, in, channel)
}

// intend checks a request against the guild's settings and gives the intention to record.
func (k *Keeper) intend(g *guildRooms, id string, who room.Standing, q room.OpenRequest) (in room.Intention, err error) {
	s := g.settings
	if !s.MayCreate(who) {
		return in, errs.E(errs.Forbidden, "In this server only members with certain roles can open rooms. Ask somebody who manages the server.")
	}
	mine := 0
	for _, r := range g.rooms {
		if r.OwnerID == who.UserID {
			mine++
		}
	}
	for _, other := range g.intended { // rooms on their way
		if other.OwnerID == who.UserID {
			mine++
		}
	}
	switch {
	case mine >= s.RoomsPerMember:
		have := "as many rooms as you may have here"
		if mine == 1 {
			for _, r := range g.rooms {
				if r.OwnerID == who.UserID {
					have = "a room already: " + mention(r.ID)
				}
			}
		}
		return in, errs.E(errs.RoomLimit, "You have %s. Close it first, then open a new one.", have)
	case len(g.rooms) >= s.RoomsPerGuild:
		return in, errs.E(errs.RoomLimit, "This server has %d rooms open, which is as many as it allows. Wait until one closes, or ask somebody who manages the server.", len(g.rooms))
	}
	in = room.Intention{
		ID: id, GuildID: g.id, CategoryID: s.CategoryID, OwnerID: who.UserID, OwnerName: who.DisplayName, Name: q.Name,
		Seats: q.Seats, Private: s.Private, Via: q.Actor.Via, At: k.o.Now(),
	}
	if in.Name == "" {
		in.Name = guild.RoomName(s.NameTemplate, guild.Fill{Owner: who.DisplayName, N: len(g.rooms) + 1, Game: q.Game})
	}
	if in.Name, err = room.CleanName(in.Name); err != nil {
		return in, err
	}
	if in.Seats == 0 {
		in.Seats = s.Seats
	}
	if q.Private != nil {
		in.Private = *q.Private
	}
	return in, room.CheckSeats(in.Seats)
}

// finish makes the room of an intention whose channel exists.
func (k *Keeper) finish(ctx context.Context, g *guildRooms, in room.Intention, channel snowflake.ID) (*kept, error) {
	now := k.o.Now()
	doc := room.Room{
		ID: channel, GuildID: g.id, CategoryID: in.CategoryID, Name: in.Name, OwnerID: in.OwnerID, OwnerName: in.OwnerName, Seats: in.Seats,
		Private: in.Private, State: room.Open, OpenedAt: now, IntentionID: in.ID,
		Invites: []room.Invite{k.newInvite(g, in.OwnerID, in.Seats, 0, 0)},
	}
	if room.Taken(k.o.Presence.Roster(g.id, channel)) == 0 {
		doc.Idle.EmptySince = now
	}
	doc.Outbox = []room.Entry{k.entry(room.Entry{Kind: room.EntryOpened, By: in.OwnerID, Via: in.Via, Detail: in.Name}, &kept{Room: doc})}
	r, err := k.put(ctx, g, doc)
	if err != nil {
		return nil, err
	}
	k.tell(g, r, room.Opened{})
	k.forget(ctx, g, in)
	k.o.Log.Info("room opened", "guild_id", g.id, "room_id", r.ID, "user_id", r.OwnerID, "via", in.Via)
	return r, nil
}

// forget removes an intention that is finished or came to nothing. A failure is made good by the next sweep.
func (k *Keeper) forget(ctx context.Context, g *guildRooms, in room.Intention) {
	ctx, cancel := writing(ctx)
	defer cancel()
	if err := k.o.Hub.Intentions.Delete(ctx, intentionKey(in)); err != nil {
		k.o.Log.Warn("an intention stays until the next sweep", "guild_id", in.GuildID, "err", err)
		return
	}
	delete(g.intended, in.ID)
}

func intentionKey(in room.Intention) string { return in.GuildID.String() + "." + in.ID }

// find looks in Discord for the channel of an intention: it carries the bot's
// mark, the intention's name, place and seats, its owner's overwrite, was made
// after the intention was recorded, and is no room yet.
func (k *Keeper) find(ctx context.Context, g *guildRooms, in room.Intention) (snowflake.ID, error) {
	channels, err := k.o.Discord.Channels(ctx, g.id)
	if err != nil {
		return 0, err
	}
	return g.match(in, channels), nil
}

// clockSkew is how far our clock and Discord's may differ when a channel's age is compared.
const clockSkew = 30 * time.Second

func (g *guildRooms) match(in room.Intention, channels []Channel) snowflake.ID {
	for _, c := range channels {
		if g.rooms[c.ID] == nil && c.Marked && c.Name == in.Name && c.ParentID == in.CategoryID && c.UserLimit == in.Seats &&
			slices.Contains(c.Admitted, in.OwnerID) && c.ID.Time().After(in.At.Add(-clockSkew)) {
			return c.ID
		}
	}
	return 0
}

// newInvite makes an invite; zero values mean the guild's settings.
func (k *Keeper) newInvite(g *guildRooms, by snowflake.ID, seats int, lifetime time.Duration, uses int) room.Invite {
	if lifetime == 0 {
		lifetime = time.Duration(g.settings.InviteLifetime)
	}
	if uses == 0 {
		uses = g.settings.Uses(seats)
	}
	// The token counts in seconds; so does the invite, or the two would end at different times.
	now := k.o.Now().Truncate(time.Second)
	return room.Invite{ID: invite.NewID(), By: by, CreatedAt: now, ExpiresAt: now.Add(lifetime), MaxUses: uses}
}

// link gives an invite with its token.
func (k *Keeper) link(r *kept, v *room.Invite) (room.InviteLink, error) {
	token, err := invite.Issue(k.o.Keys, v.ID, r.GuildID, r.ID, v.CreatedAt, v.ExpiresAt)
	return room.InviteLink{Invite: *v, Token: token}, err
}
