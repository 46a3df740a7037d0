package actions

import (
	"context"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/live"
	"snug/dashboard/session"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/uptime"
)

// Preflight says whether Snug may do in a server what it has to.
func (a *Actions) Preflight(ctx context.Context, me *session.Session, guildID snowflake.ID) (guild.Preflight, error) {
	return hub.PreflightOf.Call(ctx, a.o.Hub, guildID, guild.ManageRequest{Actor: Actor(me)})
}

// Health gives what the process that looks after a server tells of it.
func (a *Actions) Health(ctx context.Context, me *session.Session, guildID snowflake.ID) (guild.Health, error) {
	return hub.HealthOf.Call(ctx, a.o.Hub, guildID, guild.ManageRequest{Actor: Actor(me)})
}

// Repair finds what does not fit together in a server, and mends what it is asked to.
func (a *Actions) Repair(
	ctx context.Context, me *session.Session, guildID snowflake.ID, in wire.RepairInput,
) (guild.RepairReport, error) {
	return hub.Repair.Call(ctx, a.o.Hub, guildID, guild.RepairRequest{Actor: Actor(me), Apply: in.Apply, Only: in.Only})
}

// Latency gives how long events take from Discord's gateway to the connections of browsers, and until they are shown.
func (a *Actions) Latency() (sent, shown live.Latency) {
	return a.o.Live.Latency(), a.o.Live.BrowserLatency()
}

// Heard says whether Discord is heard about all of these servers, and if not for how long it was not. It tells nobody
// which servers there are: about one that Snug is not in it says the same as about others of its shard.
func (a *Actions) Heard(guilds ...snowflake.ID) (ok bool, silent time.Duration) {
	return a.o.Live.Hears(guilds...)
}

// Part is something that must work so that this process can serve.
type Part struct {
	Name string // "store", "rooms" or "discord"
	Err  error  // nil: it does
}

// Why says what does not work; "" if it does.
func (p Part) Why() string {
	if p.Err == nil {
		return ""
	}
	return errs.Public(p.Err).Message
}

// Parts looks at everything that this process needs. What needs another part that does not work is left out.
func (a *Actions) Parts(ctx context.Context) []Part {
	store := Part{"store", a.o.Hub.Ready(ctx)}
	if store.Err != nil {
		return []Part{store}
	}
	rooms := Part{Name: "rooms"}
	if !a.CaughtUp() {
		rooms.Err = errs.E(errs.Unavailable, "Starting: Snug is still loading the rooms.")
	}
	if a.o.Ready == nil {
		return []Part{store, rooms}
	}
	return []Part{store, rooms, {"discord", a.o.Ready(ctx)}}
}

// Serving says whether every part works.
func Serving(parts []Part) bool {
	return !slices.ContainsFunc(parts, func(p Part) bool { return p.Err != nil })
}

// MarkUptime notes whether this process serves now, for the status page.
func (a *Actions) MarkUptime(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	now, up := a.now(), Serving(a.Parts(ctx))
	key := uptime.Key(now)
	for range 4 { // several processes may note at once
		d, rev, err := a.o.Hub.Uptime.Get(ctx, key)
		if errs.Has(err, errs.NotFound) {
			d.Mark(now, up)
			_, err = a.o.Hub.Uptime.Create(ctx, key, d)
		} else if err == nil {
			d.Mark(now, up)
			_, err = a.o.Hub.Uptime.Update(ctx, key, d, rev)
		}
		if !errs.Has(err, errs.Conflict) {
			return // what the hub did not take is a minute that nobody saw
		}
	}
}

// AvailableDays is over how many days the availability is counted.
const AvailableDays = 30

// Uptimes gives the days of the last month, by their keys.
func (a *Actions) Uptimes(ctx context.Context) (map[string]uptime.Day, error) {
	list, err := a.o.Hub.Uptime.List(ctx, "")
	days := map[string]uptime.Day{}
	for _, e := range list {
		days[e.Key] = e.Value
	}
	return days, err
}

// Availability gives what share of the last days Snug was up.
func (a *Actions) Availability(days map[string]uptime.Day) uptime.Share {
	return uptime.Sum(days, a.now().AddDate(0, 0, -AvailableDays), a.now())
}
