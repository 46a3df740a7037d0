package bot_test

import (
	"context"
	"strings"
	"testing"

	"snug/bot/discordapi"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/testkit"
)

// Managers see how Snug serves their server: the connection, what is left, and what went wrong.
func TestHealth(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	health := func() guild.Health {
		t.Helper()
		out, err := call(h, hub.HealthOf, manage(h, "mara"))
		h.Must(err)
		return out
	}
	_, err := call(h, hub.HealthOf, manage(h, "jonas"))
	h.wantCode(err, errs.Forbidden)
	first := health()
	if g := first.Gateway; g.Phase != "ready" || g.Shards != 1 || g.Sessions != 1 || g.Resumes != 0 ||
		!g.Failed.IsZero() || g.Since.IsZero() {
		t.Errorf("the connection: %+v", g)
	}
	if first.Opens != first.OpensMax || len(first.Rooms) != 0 || len(first.Errors) != 0 {
		t.Errorf("before anything happened: %+v", first)
	}

	h.settings(`{"private":false}`)
	seen := h.open("jonas", "Friday").Room.ID
	h.changed("jonas", seen, room.DoRename, text("Saturday"))
	h.changed("jonas", seen, room.DoRename, text("Sunday"))
	h.changed("jonas", seen, room.DoRename, text("Monday"))
	h.settings(`{"private":true}`)
	h.open("kiyo", "Between us")
	got := health()
	if len(got.Rooms) != 2 || got.Opens != got.OpensMax-2 || !got.NextOpen.IsZero() {
		t.Fatalf("what is left: %+v", got)
	}
	if r := got.Rooms[0]; r.ID != seen || r.Name != "Sunday" || r.Left != 0 || !r.Next.After(got.Now) ||
		r.Wanted != "Monday" {
		t.Errorf("the room: %+v", r)
	}

	_, err = h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultReconnect})
	h.Must(err)
	h.eventually("the session goes on", func() bool {
		g := health().Gateway
		return g.Resumes == 1 && g.Phase == "ready" && g.Reason == "reconnect_asked" && !g.Failed.IsZero()
	})

	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID,
		discordsim.Permissions(discordapi.Permissions)&^discordsim.PermManageChannels))
	h.Command("ada", "create-room", nil)
	var last guild.RecentError
	h.eventually("managers are told what went wrong", func() bool {
		list := health().Errors
		if len(list) > 0 {
			last = list[0]
		}
		return len(list) > 0
	})
	if last.Code != errs.MissingPermission || last.Why == nil || last.InteractionID == "" || last.Times != 1 {
		t.Errorf("what went wrong: %+v", last)
	}
}

// What package rooms logs names the web's request, or the interaction, that it is about.
func TestLogNamesWhatItIsAbout(t *testing.T) {
	t.Parallel()
	h, log := newHarness(t), &testkit.Log{}
	h.shut()
	h.lines = log
	h.start()
	ctx, cancel := context.WithTimeout(hub.WithRequestID(context.Background(), "VHGHRCYYUMFZ"), patience)
	defer cancel()
	_, err := hub.OpenRoom.Call(ctx, h.hub, h.Guild, room.OpenRequest{Actor: h.actor("jonas"), Name: "Friday"})
	h.Must(err)
	a := h.Command("kiyo", "create-room", nil)
	for who, want := range map[string]string{
		"jonas": "request_id=VHGHRCYYUMFZ", "kiyo": "interaction_id=" + a.InteractionID.String(),
	} {
		h.eventually("the log has it", func() bool {
			return log.Line(`"room opened"`) != "" && log.Line("user_id="+h.People[who].String()) != ""
		})
		if l := log.Line("user_id=" + h.People[who].String()); !strings.Contains(l, `"room opened"`) ||
			strings.Count(l, want) != 1 || strings.Count(l, "guild_id=") != 1 {
			t.Errorf("of %s the log has %q, and should name %s", who, l, want)
		}
	}
}
