package commands

import (
	"context"
	"slices"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/message"
	"snug/shared/guild"
	"snug/shared/pages"
)

// repair shows where Discord and Snug disagree; mending waits for a yes.
func (c *Commands) repair(ctx context.Context, q *call) (reply, error) {
	report, err := c.o.Rooms.Repair(ctx, q.guild, guild.RepairRequest{Actor: q.actor})
	if err != nil {
		return reply{}, err
	}
	return c.report(q, report, ""), nil
}

// mend mends what is safe to mend, or those risky findings that were chosen.
func (c *Commands) mend(ctx context.Context, q *call) (reply, error) {
	report, err := c.o.Rooms.Repair(ctx, q.guild, guild.RepairRequest{Actor: q.actor, Apply: true, Only: q.values})
	if err != nil {
		return reply{}, err
	}
	mended := 0
	for _, f := range report.Issues {
		if f.Fixed {
			mended++
		}
	}
	return c.report(q, report, q.t.Say("repair.fixed", "Count", mended)), nil
}

// maxFindings is how many findings an answer lists.
const maxFindings = 15

func (c *Commands) report(q *call, report guild.RepairReport, done string) reply {
	open := slices.DeleteFunc(slices.Clone(report.Issues), func(f guild.Issue) bool { return f.Fixed })
	health := message.Link(q.t.Say("button.health"), c.o.Pages.At(pages.Health, q.guild))
	if len(open) == 0 {
		return reply{
			text: message.Lines(done, q.t.Say("repair.none")), rows: []discord.LayoutComponent{message.Row(health)},
		}
	}
	list := []string{done, q.t.Say("repair.some", "Count", len(open))}
	safe := 0
	menu := discord.NewStringSelectMenu(q.about(message.ActionMendRisky, 0, "").String(), q.t.Say("repair.risky"))
	for i, f := range open {
		words := finding(q, f)
		if i < maxFindings {
			list = append(list, "- "+words)
		}
		switch {
		case f.Kind == guild.IssueUnseen: // only people can mend it
		case !f.Risky:
			safe++
		case len(menu.Options) < message.MaxChoices:
			name := f.Name
			if name == "" {
				name = f.ChannelID.String()
			}
			menu.Options = append(menu.Options,
				discord.StringSelectMenuOption{
					Label: message.Cut(message.Strip(name), message.MaxOption), Value: f.ID,
					Description: message.Cut(q.t.Say("fix."+string(f.Kind)), message.MaxOption),
				})
		}
	}
	if len(open) > maxFindings {
		list = append(list, q.t.Say("more", "Count", len(open)-maxFindings))
	}
	var rows []discord.LayoutComponent
	if len(menu.Options) > 0 {
		rows = append(rows, message.Row(menu.WithMaxValues(len(menu.Options))))
	}
	if safe > 0 {
		return reply{
			text: message.Lines(list...),
			rows: append(rows,
				message.Row(message.Button(discord.ButtonStyleSuccess, "🔧", q.t.Say("button.fix", "Count", safe),
					q.about(message.ActionMend, 0, "")),
					health)),
		}
	}
	return reply{text: message.Lines(list...), rows: append(rows, message.Row(health))}
}

// finding says what disagrees, what mending does, and why it failed if it did.
func finding(q *call, f guild.Issue) string {
	name := message.Bold(f.Name)
	if f.Name == "" && f.ChannelID != 0 {
		name = message.ChannelMention(f.ChannelID)
	}
	words := q.t.Say("issue."+string(f.Kind), "Name", name, "Want", message.Escape(f.Want), "Have",
		message.Escape(f.Have)) +
		" " + q.t.Say("fix."+string(f.Kind))
	if f.Err != nil {
		words += " ⚠️ " + message.Refusal(q.t, f.Err)
	}
	return words
}
