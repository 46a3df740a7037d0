package main

import "snug/shared/discordsim/program"

type discordCmd struct{ program.Flags }

// Help returns examples.
func (*discordCmd) Help() string {
	return examples(
		"snug discord --open", "A server of nine friends with a bot, and the page to act as them.",
		"snug discord --world friends.yaml --json", "Your own world, for a script.",
		"snug discord --bot secret@VIEW_CHANNEL,CONNECT", "A bot with a token that you choose.",
	)
}

// Run runs the Discord simulator alone, as cmd/discordsim does.
func (c *discordCmd) Run(w world) error { return c.Serve(w.ctx, w.out, w.err) }
