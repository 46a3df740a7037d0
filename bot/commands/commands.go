// Package commands answers Snug's slash commands.
//
// Each answer is seen by its user alone, mentions nobody, and names the next
// step when it refuses. Discord waits three seconds for the first answer and
// what rooms need may take longer, so every command is deferred first and the
// answer filled in. Handlers run side by side, each in its own goroutine.
package commands

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/handler"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	api "snug/bot/discord"
	"snug/bot/keeper"
	"snug/shared/errs"
	"snug/shared/room"
)

// answerTime bounds a command: an interaction's token lives 15 minutes, but nobody waits that long.
const answerTime = time.Minute

// Options of Commands. All are needed.
type Options struct {
	Keeper *keeper.Keeper
	Pages  Pages
	Now    func() time.Time
	Log    *slog.Logger
}

// Pages gives the addresses of the dashboard's pages.
type Pages interface {
	Room(id snowflake.ID) string
	Invite(id snowflake.ID, token string) string
	Server(id snowflake.ID) string
}

// Commands answers interactions.
type Commands struct {
	o   Options
	mux *handler.Mux
	ctx context.Context // ends when waiting for running handlers is given up
	end context.CancelFunc
	wg  sync.WaitGroup

	mu     sync.Mutex // guards closed, so that nothing starts once Close waits
	closed bool
}

// New makes the commands.
func New(o Options) *Commands {
	c := &Commands{o: o, mux: handler.New()}
	c.ctx, c.end = context.WithCancel(context.Background())
	c.mux.SlashCommand("/create-room", c.answer(c.createRoom))
	c.mux.SlashCommand("/invite", c.answer(c.invite))
	c.mux.SlashCommand("/rooms", c.answer(c.rooms))
	c.mux.Route("/room", func(r handler.Router) {
		r.SlashCommand("/info", c.answer(c.info))
		r.SlashCommand("/keep", c.answer(c.keep))
		r.SlashCommand("/close", c.answer(c.close))
	})
	return c
}

// Handle takes an interaction; it only starts a goroutine. After Close it does nothing.
func (c *Commands) Handle(e *events.InteractionCreate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.wg.Go(func() { c.mux.OnEvent(e) })
	}
}

// Close waits for running handlers, until ctx ends.
func (c *Commands) Close(ctx context.Context) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	stop := context.AfterFunc(ctx, c.end)
	c.wg.Wait()
	stop()
	c.end()
}

// call is one command being answered.
type call struct {
	id      string // the interaction's id: the same command twice is one
	guild   snowflake.ID
	channel snowflake.ID
	who     room.Standing
	actor   room.Actor
	data    discord.SlashCommandInteractionData
}

type command func(context.Context, call) (discord.MessageUpdate, error)

// answer wraps a command: deferred, bounded, and every failure told.
func (c *Commands) answer(run command) handler.SlashCommandHandler {
	return func(data discord.SlashCommandInteractionData, e *handler.CommandEvent) error {
		ctx, cancel := context.WithTimeout(c.ctx, answerTime)
		defer cancel()
		log := c.o.Log.With("interaction_id", e.ID(), "command", data.CommandPath(), "user_id", e.User().ID)
		if err := e.DeferCreateMessage(true, rest.WithCtx(ctx)); err != nil {
			log.Warn("an interaction could not be acknowledged in time", "err", err)
			return nil
		}
		m, err := c.run(ctx, run, data, e)
		if err != nil {
			if code := errs.CodeOf(err); code == errs.Internal || code == errs.MissingPermission || code == errs.DiscordUnavailable {
				log.Warn("a command failed", "code", code, "err", err)
			}
			m = say(errs.Public(err).Message)
		}
		if _, err := e.UpdateInteractionResponse(m, rest.WithCtx(ctx)); err != nil {
			log.Warn("an answer could not be delivered", "err", err)
		}
		return nil
	}
}

func (c *Commands) run(ctx context.Context, run command, data discord.SlashCommandInteractionData, e *handler.CommandEvent) (discord.MessageUpdate, error) {
	member, guild := e.Member(), e.GuildID()
	if member == nil || guild == nil {
		return discord.MessageUpdate{}, errs.E(errs.Invalid, "Rooms belong to servers. Use this command in a server that has Snug.")
	}
	member.GuildID = *guild
	who := api.StandingOf(member.Member, member.Permissions, c.o.Now())
	return run(ctx, call{
		id: e.ID().String(), guild: *guild, channel: e.Channel().ID(), who: who, data: data,
		actor: room.Actor{UserID: who.UserID, Via: room.ViaDiscord, Standing: &who},
	})
}

// say makes an answer that mentions nobody, with link buttons below it.
func say(text string, links ...discord.InteractiveComponent) discord.MessageUpdate {
	m := discord.MessageUpdate{Content: &text, AllowedMentions: &discord.AllowedMentions{}}
	if len(links) > 0 {
		m.Components = &[]discord.LayoutComponent{discord.NewActionRow(links...)}
	}
	return m
}

func (c *Commands) createRoom(ctx context.Context, q call) (discord.MessageUpdate, error) {
	req := room.OpenRequest{Actor: q.actor, Name: q.data.String("name"), Seats: q.data.Int("seats")}
	if private, ok := q.data.OptBool("private"); ok {
		req.Private = &private
	}
	r, err := c.o.Keeper.Open(ctx, q.guild, q.id, req)
	if err != nil {
		return discord.MessageUpdate{}, err
	}
	page, link := c.o.Pages.Room(r.Room.ID), c.o.Pages.Invite(r.Room.ID, r.Invite.Token)
	text := fmt.Sprintf("%s is open: <#%s>\n%s · %s\nIts page: %s\nInvite link, good for %d until %s: %s",
		bold(r.Room.Name), r.Room.ID, plural(r.Room.Seats, "seat"), privacy(r.Room.Access),
		page, r.Invite.Invite.MaxUses, when(r.Invite.Invite.ExpiresAt), link)
	return say(text, discord.NewLinkButton("Open the room's page", page)), nil
}

func (c *Commands) invite(ctx context.Context, q call) (discord.MessageUpdate, error) {
	id, err := c.o.Keeper.RoomFor(ctx, q.guild, q.channel, q.who)
	if err != nil {
		return discord.MessageUpdate{}, err
	}
	req := room.InviteRequest{
		Actor: q.actor, RoomID: id, Uses: q.data.Int("uses"),
		Lifetime: time.Duration(q.data.Int("hours")) * time.Hour, For: q.data.Snowflake("user"),
	}
	l, told, err := c.o.Keeper.Invite(ctx, q.guild, req)
	if err != nil {
		return discord.MessageUpdate{}, err
	}
	link := c.o.Pages.Invite(id, l.Token)
	text := fmt.Sprintf("Invite link to <#%s>, good for %s until %s: %s", id, plural(l.Invite.MaxUses, "use"), when(l.Invite.ExpiresAt), link)
	if req.For != 0 {
		text = fmt.Sprintf("<@%s> may enter <#%s> now. ", req.For, id)
		if told {
			text += "I sent them the link: " + link
		} else {
			text += "They take no direct messages from me, so please send them the link yourself: " + link
		}
	}
	return say(text), nil
}

func (c *Commands) rooms(ctx context.Context, q call) (discord.MessageUpdate, error) {
	list, err := c.o.Keeper.Rooms(ctx, q.guild, q.who)
	if err != nil {
		return discord.MessageUpdate{}, err
	}
	page := discord.NewLinkButton("Open the server's page", c.o.Pages.Server(q.guild))
	if len(list) == 0 {
		return say("There is no room here that you may see. Open one with /create-room.", page), nil
	}
	const most = 20 // a message holds 2,000 characters
	var text strings.Builder
	for i, v := range list {
		if i == most {
			fmt.Fprintf(&text, "and %d more on the server's page", len(list)-most)
			break
		}
		fmt.Fprintf(&text, "<#%s> · %d of %d · %s\n", v.Room.ID, room.Taken(v.Roster), v.Room.Seats, privacy(v.Room.Access))
	}
	return say(text.String(), page), nil
}

func (c *Commands) info(ctx context.Context, q call) (discord.MessageUpdate, error) {
	return c.mine(ctx, q, func(r room.Request) (discord.MessageUpdate, error) {
		v, err := c.o.Keeper.View(ctx, q.guild, r)
		if err != nil {
			return discord.MessageUpdate{}, err
		}
		text := fmt.Sprintf("%s · <#%s>\n%s · %d of %s taken · opened by <@%s> %s", bold(v.Room.Name), v.Room.ID,
			privacy(v.Room.Access), room.Taken(v.Roster), plural(v.Room.Seats, "seat"), v.Room.Access.OwnerID, when(v.Room.OpenedAt))
		switch {
		case !v.Room.ClosingAt.IsZero():
			text += "\nCloses " + when(v.Room.ClosingAt) + ". /room keep keeps it open."
		case !v.IdleDeadline.IsZero():
			text += "\nEmpty: closes " + when(v.IdleDeadline) + " unless somebody comes."
		}
		return say(text, discord.NewLinkButton("Open the room's page", c.o.Pages.Room(v.Room.ID))), nil
	})
}

func (c *Commands) keep(ctx context.Context, q call) (discord.MessageUpdate, error) {
	return c.mine(ctx, q, func(r room.Request) (discord.MessageUpdate, error) {
		s, err := c.o.Keeper.Keep(ctx, q.guild, r)
		return say(bold(s.Name) + " stays open."), err
	})
}

func (c *Commands) close(ctx context.Context, q call) (discord.MessageUpdate, error) {
	return c.mine(ctx, q, func(r room.Request) (discord.MessageUpdate, error) {
		s, err := c.o.Keeper.CloseRoom(ctx, q.guild, r)
		return say(bold(s.Name) + " is closed. Open a new room with /create-room."), err
	})
}

// mine runs f with the room the caller means.
func (c *Commands) mine(ctx context.Context, q call, f func(room.Request) (discord.MessageUpdate, error)) (discord.MessageUpdate, error) {
	id, err := c.o.Keeper.RoomFor(ctx, q.guild, q.channel, q.who)
	if err != nil {
		return discord.MessageUpdate{}, err
	}
	return f(room.Request{Actor: q.actor, RoomID: id})
}
