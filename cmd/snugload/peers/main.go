// Command peers are other programs that do a part of what Snug does, for snugload to compare with: senders of events
// with melody, gws and centrifuge, and bots with discordgo and disgo. It is a module of its own, so that Snug doesn't
// depend on them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"snug/cmd/snugload/internal/fanout"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("which one? melody, gws, centrifuge, discordgo or disgo")
	}
	var s fanout.Sender
	switch args[0] {
	case "melody":
		s = newMelody()
	case "gws":
		s = newGWS()
	case "centrifuge":
		var err error
		if s, err = newCentrifuge(); err != nil {
			return err
		}
	case "discordgo":
		return discordgoBot(ctx)
	case "disgo":
		return disgoBot(ctx)
	default:
		return fmt.Errorf("there is no peer %q", args[0])
	}
	return fanout.Serve(ctx, s, os.Stdin, os.Stdout)
}

// message is what an event looks like: as long as Snug's own.
func message(mark []byte) []byte {
	return fmt.Appendf(nil, `{"v":1,"type":"event","event":"voice.joined","payload":{"guildId":"1001",`+
		`"channelId":"2097152000","userId":"2097152000","username":"%s","avatar":"a_1269e74af4df7417b13759eae50c83dc",`+
		`"displayName":"Nelly","bot":false,"muted":false,"deafened":false,"streaming":false,"video":false,`+
		`"since":1767225600000,"seat":0},"rev":{"epoch":"load","n":100000},"ts":1767225600000}`, mark)
}

// room returns the room that a watcher's first message is for: its token is the room's number.
func room(first []byte) (n int, err error) {
	var m struct{ Token string }
	if err := json.Unmarshal(first, &m); err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(m.Token, &n)
	return n, err
}

func token(room int) (string, error) { return fmt.Sprint(room), nil }
