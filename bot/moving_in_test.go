package bot_test

import (
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/room"
)

// TestMovingIn: people who lose their place while Snug moves them into the room don't stay in it. Discord reports the
// move after the owner's change, as it does when both happen at once.
func TestMovingIn(t *testing.T) {
	t.Parallel()
	ban := func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoBan, h.at("kiyo")) }
	kick := func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoKick, h.at("kiyo")) }
	for name, x := range map[string]struct {
		public bool
		change func(h *harness, id snowflake.ID)
	}{
		"a ban":                   {false, ban},
		"a ban in a public room":  {true, ban},
		"a kick":                  {false, kick},
		"nothing but the joining": {false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
			id := h.open("jonas", "Friday").Room.ID
			if x.public {
				h.changed("jonas", id, room.DoPublic)
			}
			_, _, err := letIn(h, "jonas", id, "kiyo")
			h.Must(err)
			lounge := h.AddChannel(discordsim.ChannelOptions{Name: "Lounge", Type: discordsim.ChannelVoice})
			h.Must(h.Join("kiyo", lounge))
			h.wantVoice("kiyo", lounge)
			_, err = h.Discord.Inject(discordsim.Fault{
				Kind: discordsim.FaultDelay, Event: "VOICE_STATE_UPDATE", Delay: 1,
			})
			h.Must(err)
			joined, err := call(h, hub.JoinRoom, h.request("kiyo", id))
			if h.Must(err); !joined.Moved {
				t.Fatal("Kiyo was not moved")
			}
			if x.change == nil {
				h.awaitRoster(id, "kiyo")
				return
			}
			x.change(h, id)
			h.eventually("Kiyo is out of voice", func() bool { return !h.inVoice("kiyo") })
			h.eventually("nothing is pending", func() bool { return !h.doc(id).Pending.Any() })
		})
	}
}

// inVoice says whether Discord has somebody in voice.
func (h *harness) inVoice(name string) bool {
	for _, g := range h.Discord.State().Guilds {
		for _, v := range g.VoiceStates {
			if v.UserID == h.People[name] && v.ChannelID != nil {
				return true
			}
		}
	}
	return false
}
