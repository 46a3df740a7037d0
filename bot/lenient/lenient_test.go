package lenient_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/gateway"

	"snug/bot/lenient"
)

// event decodes an event as the gateway does and gives what was left out.
func event(t *testing.T, kind gateway.EventType, data string) (gateway.EventData, []string, error) {
	t.Helper()
	var dropped []string
	stop := lenient.OnDrop(func(d lenient.Drop) { dropped = append(dropped, d.Where) })
	defer stop()
	ev, err := gateway.UnmarshalEventData([]byte(data), kind)
	return ev, dropped, err
}

const guild = `{"id":"1","name":"Den","preferred_locale":"xx","verification_level":99,"new":{"a":[1]},
 "nsfw_level":"very","stage_instances":{"now":"an object"},"system_channel_flags":36893488147419103232,
 "roles":[
  {"id":"1","name":"@everyone","permissions":"36893488147419104256","colors":7,"tags":{"bot_id":"x"}},
  {"name":"no id","id":{}}],
 "channels":[
  {"id":"10","type":99,"name":"later","parent_id":"12","new":1,
   "permission_overwrites":[{"id":"1","type":0,"allow":"0","deny":"1024"}]},
  {"id":"11","type":2,"name":"room","bitrate":"high","user_limit":4,
   "permission_overwrites":[
    {"id":"7","type":9,"allow":"0","deny":"0"},{"id":"8","type":1,"allow":"1048576","deny":"0"}]},
  {"id":"12","type":4,"name":"rooms","position":1}],
 "threads":[{"id":"13","type":77}],
 "members":[
  {"user":{"id":"8","username":"eight","avatar_decoration_data":3,"flags":"many"},
   "roles":["5",{}],"joined_at":"some day"}],
 "voice_states":[{"user_id":"8","channel_id":"11","session_id":5,"self_mute":true}]}`

// What is new is left out, and all around it is read.
func TestGuildOfTomorrow(t *testing.T) {
	ev, dropped, err := event(t, gateway.EventTypeGuildCreate, guild)
	if err != nil {
		t.Fatal(err)
	}
	g := ev.(gateway.EventGuildCreate)
	var got []string
	for _, c := range g.Channels {
		got = append(got, fmt.Sprintf("%d %s %d %d", c.ID(), c.Name(), c.Type(), len(c.PermissionOverwrites())))
	}
	for _, r := range g.Roles {
		got = append(got, fmt.Sprintf("%d %s %d", r.ID, r.Name, r.Permissions))
	}
	for _, m := range g.Members {
		got = append(got, fmt.Sprintf("%d %s %v", m.User.ID, m.User.Username, m.RoleIDs))
	}
	for _, v := range g.VoiceStates {
		got = append(got, fmt.Sprintf("%d in %d %v", v.UserID, *v.ChannelID, v.SelfMute))
	}
	want := []string{"10 later 16 1", "11 room 2 1", "12 rooms 4 0", "1 @everyone 1024", "8 eight [5]", "8 in 11 true"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || g.Name != "Den" {
		t.Errorf("read\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if c := g.Channels[0]; c.ParentID() == nil || *c.ParentID() != 12 {
		t.Error("the unknown channel has lost its category")
	}
	if c := g.Channels[1].(discord.GuildVoiceChannel); c.UserLimit != 4 {
		t.Error("the room has lost its limit")
	}
	if len(dropped) < 8 {
		t.Errorf("told of %q alone", dropped)
	}
}

func TestWhole(t *testing.T) {
	for _, tt := range []struct {
		name string
		kind gateway.EventType
		data string
		ok   bool
	}{
		{
			"a channel of an unknown type is told of", gateway.EventTypeChannelDelete,
			`{"id":"1","guild_id":"2","type":99,"name":"x"}`, true,
		},
		{"what is no channel is not", gateway.EventTypeChannelDelete, `{"id":{},"guild_id":"2","type":99}`, false},
		{
			"a voice state of nobody is none", gateway.EventTypeVoiceStateUpdate,
			`{"guild_id":"2","user_id":{},"channel_id":"3"}`, false,
		},
		{
			"nowhere is not left", gateway.EventTypeVoiceStateUpdate, `{"guild_id":"2","user_id":"3","channel_id":{}}`,
			false,
		},
		{"a list that is none is not empty", gateway.EventTypeGuildCreate, `{"id":"1","channels":{"a":1}}`, false},
		{
			"a server in READY is not passed over", gateway.EventTypeReady,
			`{"session_id":"a","guilds":[{"id":"1"},{"id":[]}]}`, false,
		},
		{"a type that is no number", gateway.EventTypeChannelCreate, `{"id":"1","guild_id":"2","type":"news"}`, false},
		{
			"an interaction of an unknown type", gateway.EventTypeInteractionCreate, `{"id":"1","type":99,"token":"t"}`,
			false,
		},
		{"no JSON", gateway.EventTypeGuildUpdate, `{"id":`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := event(t, tt.kind, tt.data); (err == nil) != tt.ok {
				t.Errorf("it reads: %v", err)
			}
		})
	}
}

// An interaction from a channel, with options and picks of unknown types, can still be answered.
func TestInteractionOfTomorrow(t *testing.T) {
	ev, _, err := event(t, gateway.EventTypeInteractionCreate,
		`{"id":"1","application_id":"2","type":2,"token":"t","version":1,"guild_id":"3",
	 "channel":{"id":"4","type":99,"permissions":"36893488147419103233"},"context":77,"entitlements":{"a":1},
	 "member":{"user":{"id":"5","username":"five","primary_guild":7},
	  "roles":[],"permissions":"36893488147419103264","joined_at":1},
	 "data":{"id":"6","name":"room","type":1,"options":[{"name":"which","type":7,"value":"8"}],
	  "resolved":{"channels":{"8":{"id":"8","type":99,"thread_metadata":4},"9":{"id":{}}}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	i := ev.(gateway.EventInteractionCreate).Interaction.(discord.ApplicationCommandInteraction)
	d := i.SlashCommandInteractionData()
	if m := i.Member(); m == nil || m.User.ID != 5 || m.Permissions != 32 || i.Channel().ID() != 4 ||
		d.Channel("which").ID != 8 {
		t.Errorf("read %+v, in %v, about %v", i.Member(), i.Channel().ID(), d.Channel("which"))
	}
}

// Known things are read as ever, into what holds something already too.
func TestKnown(t *testing.T) {
	v := struct{ A, B int }{1, 2}
	if err := lenient.Unmarshal([]byte(`{"A":3}`), &v); err != nil || v.A != 3 || v.B != 2 {
		t.Errorf("%+v %v", v, err)
	}
	if err := lenient.Unmarshal([]byte(`{"A":3}`), v); err == nil {
		t.Error("what is no pointer was taken")
	}
	var raw json.RawMessage
	if err := lenient.Unmarshal([]byte(`7`), &raw); err != nil || string(raw) != "7" {
		t.Error(string(raw), err)
	}
}

// A restriction that can't be decoded still applies: nobody is let in because of an unknown value.
func TestUnreadableRestrictions(t *testing.T) {
	for name, tt := range map[string]struct {
		data              string
		pending, timedOut bool
	}{
		"both can be read":            {`"pending":false,"communication_disabled_until":null`, false, false},
		"neither is there":            {`"nick":"Al"`, false, false},
		"pending is a word":           {`"pending":"yes"`, true, false},
		"pending is an object":        {`"pending":{"flags":1}`, true, false},
		"the timeout is a number":     {`"communication_disabled_until":1790000000`, false, true},
		"the timeout is no time":      {`"communication_disabled_until":"soon"`, false, true},
		"neither of them can be read": {`"pending":1,"communication_disabled_until":{}`, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			var m discord.Member
			if err := lenient.Unmarshal([]byte(`{"user":{"id":"1"},"roles":["2"],`+tt.data+`}`), &m); err != nil {
				t.Fatal(err)
			}
			until := m.CommunicationDisabledUntil
			if timedOut := until != nil && until.After(time.Now()); m.Pending != tt.pending || timedOut != tt.timedOut {
				t.Errorf("pending is %v, timed out %v, expected %v and %v", m.Pending, timedOut, tt.pending,
					tt.timedOut)
			}
		})
	}
}
