package bot_test

import (
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/testkit"
)

// Discord has a channel type, enums, bits and fields that nobody here knows,
// in every event it sends: nothing that Snug does is lost by it.
func TestTomorrow(t *testing.T) {
	t.Parallel()
	h, log := newHarnessIn(t, "", nil), &testkit.Log{} // what Discord describes today is not what it sends tomorrow
	before := h.open("kiyo", "From before")
	h.Must(h.Join("kiyo", before.Room.ID))
	h.awaitRoster(before.Room.ID, "kiyo")
	h.shut()
	strange, err := h.Discord.AddChannel(h.Guild,
		discordsim.ChannelOptions{Name: "tomorrow", Type: 99, Parent: h.channels()[before.Room.ID].Parent})
	h.Must(err)
	_, err = h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultUnknown, Count: -1})
	h.Must(err)
	h.lines = log
	h.start()
	h.awaitRoster(before.Room.ID, "kiyo")

	r := h.open("jonas", "Friday")
	h.Must(h.Join("jonas", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas")
	h.Leave("kiyo")
	h.awaitRoster(before.Room.ID)
	if a := h.Command("ada", "create-room", nil); a.Message == nil ||
		!strings.Contains(a.Message.Content, "room") && len(a.Message.Components) == 0 {
		t.Errorf("the command was answered with %+v", a)
	}
	h.bare("PATCH", "/channels/"+r.Room.ID.String(), `{"name":"by hand"}`)
	h.await("the name is followed",
		func(live map[snowflake.ID]room.Live) bool { return live[r.Room.ID].Room.Name == "by hand" })
	h.bare("PATCH", "/channels/"+strange.ID.String(), `{"name":"the day after"}`)
	h.bare("DELETE", "/channels/"+strange.ID.String())
	_, err = h.Discord.AddChannel(h.Guild, discordsim.ChannelOptions{Name: "once more", Type: 98})
	h.Must(err)

	// What is asked by REST holds the same.
	if p, err := call(h, hub.PlacesOf, guild.ManageRequest{Actor: h.actor("mara")}); err != nil || len(p.Voice) == 0 {
		t.Errorf("places: %+v, %v", p, err)
	}
	if _, err := call(h, hub.Setup, guild.SetupRequest{Actor: h.actor("mara")}); err != nil {
		t.Errorf("setup: %v", err)
	}

	// A session that begins anew, and one that goes on.
	for _, kind := range []string{discordsim.FaultInvalidSession, discordsim.FaultDrop} {
		_, err = h.Discord.Inject(discordsim.Fault{Kind: kind})
		h.Must(err)
		h.Leave("jonas")
		h.awaitRoster(r.Room.ID)
		h.Must(h.Join("jonas", r.Room.ID))
		h.awaitRoster(r.Room.ID, "jonas")
	}
	h.bare("DELETE", "/channels/"+r.Room.ID.String())
	h.await("its end is followed",
		func(live map[snowflake.ID]room.Live) bool { _, there := live[r.Room.ID]; return !there })

	for _, bad := range []string{"cannot parse", "panic", "could not follow", "sequence"} {
		if l := log.Line(bad); l != "" {
			t.Error(l)
		}
	}
	if l := log.Line("a value that this version of Snug"); l == "" {
		t.Error("the log says nothing of it")
	}
	if n := h.counted("snug_discord_unread_total"); n < 10 {
		t.Errorf("%v values were counted", n)
	}
}

// A channel whose type becomes one that nobody knows, and an interaction of one, cost nothing but themselves.
func TestBrokenEventIsPassedOver(t *testing.T) {
	t.Parallel()
	h, log := newHarness(t), &testkit.Log{}
	h.shut()
	h.lines = log
	h.start()
	r := h.open("jonas", "Friday")
	for range 3 {
		_, err := h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultGarbled, Event: "VOICE_STATE_UPDATE"})
		h.Must(err)
		h.Must(h.Join("ada", h.public))
		h.Leave("ada")
	}
	h.Must(h.Join("jonas", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas")
	if n := strings.Count(log.String(), "cannot parse an event"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
	if n := h.counted("snug_gateway_events_total", "outcome=unparsable"); n != 3 {
		t.Errorf("%v were counted", n)
	}
	if n := h.counted("snug_gateway_connects_total"); n != 1 {
		t.Errorf("it connected %v times", n)
	}
}
