package commands

import (
	"context"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/pages"
)

// setup looks what a first run would make and what lacks for it.
func (c *Commands) setup(ctx context.Context, q *call) (reply, error) {
	done, err := c.o.Rooms.Setup(ctx, q.guild, guild.SetupRequest{Actor: q.actor, Dry: true})
	if err != nil {
		return reply{}, err
	}
	if !done.Preflight.OK {
		return c.lacking(q, done.Preflight), nil
	}
	list := []string{q.t.Say("setup.hello"), q.t.Say("setup.permissions")}
	plan := func(made bool, id snowflake.ID, will, is string) {
		if made || id == 0 {
			list = append(list, "- "+q.t.Say(will))
		} else {
			list = append(list, "- "+q.t.Say(is, "Channel", message.ChannelMention(id)))
		}
	}
	plan(done.MadeCategory, done.CategoryID, "setup.category", "setup.category.there")
	plan(done.MadeLobby, done.LobbyID, "setup.lobby", "setup.lobby.there")
	list = append(list, optional(q, done.Preflight)...)
	if done.LobbyID != 0 && !done.MadeLobby {
		list = append(list, q.t.Say("setup.ready"))
		return reply{text: message.Lines(list...), rows: []discord.LayoutComponent{c.next(q)}}, nil
	}
	return reply{text: message.Lines(list...), rows: []discord.LayoutComponent{message.Row(
		message.Button(discord.ButtonStyleSuccess, "✨", q.t.Say("button.setup"),
			q.about(message.ActionSetupNow, 0, "")),
		message.Link(q.t.Say("button.admin"), c.o.Pages.Admin(q.guild)),
	)}}, nil
}

// lacking names the permissions that lack, where and why, and what to do about it.
func (c *Commands) lacking(q *call, p guild.Preflight) reply {
	list := []string{q.t.Say("setup.lacks")}
	for _, n := range p.Needs {
		if !n.Granted && !n.Optional {
			list = append(list, "- "+need(q, n))
		}
	}
	list = append(list, q.t.Say("setup.grant"))
	return reply{text: message.Lines(list...), rows: []discord.LayoutComponent{message.Row(
		message.Button(discord.ButtonStylePrimary, "🔁", q.t.Say("button.again"), q.about(message.ActionSetup, 0, "")),
		message.Link(q.t.Say("button.health"), c.o.Pages.At(pages.Health, q.guild)),
	)}}
}

// optional names what rooms work without, but lacks.
func optional(q *call, p guild.Preflight) (list []string) {
	for _, n := range p.Needs {
		if !n.Granted && n.Optional {
			list = append(list, "- "+q.t.Say("setup.optional", "Need", need(q, n)))
		}
	}
	return list
}

func need(q *call, n guild.Need) string {
	where := q.t.Say("setup.everywhere")
	if n.Where != q.guild && n.Where != 0 {
		where = message.ChannelMention(n.Where)
	}
	return q.t.Say("setup.need", "Permission", q.t.Term(errs.Term(n.Permission)), "Where", where, "Why",
		q.t.Term(errs.Term(n.Why)))
}

// setupNow makes what lacks, and ends with a lobby to try.
func (c *Commands) setupNow(ctx context.Context, q *call) (reply, error) {
	done, err := c.o.Rooms.Setup(ctx, q.guild, guild.SetupRequest{
		Actor: q.actor, CategoryName: q.t.Say("setup.category.name"), LobbyName: q.t.Say("setup.lobby.name"),
	})
	if err != nil {
		return reply{}, err
	}
	if !done.Preflight.OK {
		return c.lacking(q, done.Preflight), nil
	}
	list := append([]string{q.t.Say("setup.done", "Lobby", message.ChannelMention(done.LobbyID))},
		optional(q, done.Preflight)...)
	return reply{text: message.Lines(list...), rows: []discord.LayoutComponent{c.next(q)}}, nil
}

// next are the ways on from a finished setup.
func (c *Commands) next(q *call) discord.LayoutComponent {
	return message.Row(
		message.Button(discord.ButtonStyleSecondary, "⚙️", q.t.Say("button.settings"),
			q.about(message.ActionGroups, 0, "")),
		message.Link(q.t.Say("button.admin"), c.o.Pages.Admin(q.guild)),
	)
}
