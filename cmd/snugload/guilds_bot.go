package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"snug/cmd/snugload/internal/figures"
	"snug/cmd/snugload/internal/usage"
)

// startBot measures a start of another bot. It gets DISCORD_BOT_TOKEN, SNUG_DISCORD_URL (the simulator) and GUILDS (how
// many servers it is in), and prints {"msg":"all servers are loaded"} to standard error once it has received all of
// them. It ends at an interrupt.
func (w *worldProcess) startBot(ctx context.Context, o *options, b namedCommand) (t figures.Turn, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	other := *o
	other.snug = b.command[0]
	p, err := startProgram(ctx, &other, append(w.env(), "GUILDS="+strconv.Itoa(w.info.Guilds)), b.command[1:]...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	m, err := p.next()
	if err != nil {
		return nil, err
	}
	t = figures.Turn{"all loaded": m.at.Seconds(), "CPU": usage.Process(p.pid()).CPU.Seconds()}
	select {
	case <-time.After(o.settle):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now, peak := usage.Memory(p.pid())
	t["CPU after"] = usage.Process(p.pid()).CPU.Seconds() - t["CPU"]
	t["peak"], t["memory"] = float64(peak)/1e6, float64(now)/1e6
	return t, nil
}
