package eventjson_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/eventjson"
	_ "snug/bot/lenient"
)

const guildCreate = `{"id":"1442084704080887000","name":"Den \ud83c\udfe0 „Höhle“","icon":null,"description":null,
"features":["COMMUNITY"],"owner_id":"8","region":"deprecated","afk_channel_id":"11","afk_timeout":300,
"verification_level":1,"mfa_level":0,"max_members":500000,"preferred_locale":"de","nsfw":false,"emojis":[{"id":"5"}],
"roles":[{"id":"1442084704080887000","name":"@everyone","permissions":"1071698660929","position":0,"color":0,
  "colors":{"primary_color":0,"secondary_color":null},"hoist":false,"managed":false,"icon":null,"flags":0},
 {"id":"3","name":"Snug","permissions":"8","position":2,"managed":true,"tags":{"bot_id":"9"}}],
"joined_at":"2025-11-16T10:00:00.000000+00:00","large":false,"unavailable":false,"member_count":21,
"voice_states":[{"channel_id":"11","user_id":"8","session_id":"3f2a","deaf":false,"mute":true,"self_deaf":false,
  "self_mute":true,"self_video":true,"suppress":false,"request_to_speak_timestamp":null}],
"members":[{"avatar":null,"communication_disabled_until":"2026-11-16T10:00:00.000000+00:00","flags":0,"nick":"Eight",
  "joined_at":"2025-11-16T10:00:00.000000+00:00","pending":true,"premium_since":null,"roles":["3"],
  "user":{"id":"8","username":"eight","avatar":"a1","discriminator":"0","public_flags":0,"bot":true,
  "global_name":"Eighth","primary_guild":null},"mute":false,"deaf":false}],
"channels":[{"id":"12","type":4,"flags":0,"name":"rooms","parent_id":null,"position":1,"permission_overwrites":[],
  "nsfw":false},
 {"id":"10","type":0,"name":"chat","parent_id":"12","position":0,"topic":null,"last_message_id":null,
  "permission_overwrites":[{"id":"1442084704080887000","type":0,"allow":"0","deny":"1024"}]},
 {"id":"11","type":2,"name":"room","bitrate":64000,"user_limit":4,"parent_id":"12","position":3,"rtc_region":null,
  "permission_overwrites":[{"id":"8","type":1,"allow":"1048576","deny":"0"}]},
 {"id":"14","type":99,"name":"new","position":4}],
"threads":[],"presences":[],"stage_instances":[],"guild_scheduled_events":[],"soundboard_sounds":[]}`

const voiceState = `{"member":{"user":{"username":"bruno","public_flags":0,"primary_guild":null,
"id":"1442084704080887817","global_name":"Bruno","discriminator":"0","bot":false,"avatar":null},
"roles":["1442084704080887900"],"premium_since":null,"pending":false,"nick":null,"mute":false,
"joined_at":"2025-11-16T10:00:00.000000+00:00","flags":0,"deaf":false,"communication_disabled_until":null},
"user_id":"1442084704080887817","suppress":false,"session_id":"3f2a9c0e1b7d4a55","self_video":false,"self_mute":false,
"self_stream":true,"self_deaf":false,"request_to_speak_timestamp":null,"mute":false,
"guild_id":"1442084704080887000","deaf":false,"channel_id":"1574356274999590917"}`

// used returns what Snug uses of an event, in a form that can be compared.
func used(ev gateway.EventData) any {
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().String()
	}
	member := func(m discord.Member) any {
		u := m.User
		return []any{u.ID, u.Username, u.Discriminator, str(u.GlobalName), str(u.Avatar), u.Bot, str(m.Nick),
			str(m.Avatar), fmt.Sprint(m.RoleIDs), m.Pending, at(m.CommunicationDisabledUntil)}
	}
	voice := func(v discord.VoiceState) any {
		return []any{v.GuildID, str(v.ChannelID), v.UserID, v.GuildDeaf, v.GuildMute, v.SelfDeaf, v.SelfMute,
			v.SelfStream, v.SelfVideo, v.Suppress}
	}
	switch e := ev.(type) {
	case gateway.EventVoiceStateUpdate:
		return []any{voice(e.VoiceState), member(e.Member)}
	case gateway.EventGuildCreate:
		out := []any{e.ID, e.Name, str(e.Icon), e.OwnerID, str(e.AfkChannelID), e.PreferredLocale, e.Unavailable}
		for _, r := range e.Roles {
			bot := "none"
			if r.Tags != nil {
				bot = str(r.Tags.BotID)
			}
			out = append(out, []any{r.ID, r.Name, r.Position, r.Permissions, r.Managed, bot})
		}
		for _, c := range e.Channels {
			out = append(out, channel(discord.ApplyGuildIDToChannel(c, e.ID)))
		}
		for _, m := range e.Members {
			out = append(out, member(m))
		}
		for _, v := range e.VoiceStates {
			out = append(out, voice(v))
		}
		return out
	}
	return nil
}

func channel(c discord.GuildChannel) any {
	parent := str(c.ParentID())
	if parent == "0" {
		parent = "null"
	}
	return []any{c.ID(), c.Type(), c.Name(), c.GuildID(), c.Position(), parent, eventjson.UserLimit(c), c.String(),
		c.Mention(), c.CreatedAt(), fmt.Sprint(c.PermissionOverwrites())}
}

func str[T any](v *T) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(*v)
}

// compare decodes both ways; what this package is certain about must be what disgo reads.
func compare(t *testing.T, kind gateway.EventType, data []byte) (certain bool) {
	t.Helper()
	got, ok := eventjson.Decode(kind, data)
	if !ok {
		return false
	}
	want, err := gateway.UnmarshalEventData(data, kind)
	if err != nil {
		t.Fatalf("disgo reads nothing (%v) where we read %v\n%s", err, used(got), data)
	}
	if !reflect.DeepEqual(used(got), used(want)) {
		t.Fatalf("read\n%v\nwant\n%v\n%s", used(got), used(want), data)
	}
	return true
}

func TestDecode(t *testing.T) {
	if !compare(t, gateway.EventTypeGuildCreate, []byte(guildCreate)) {
		t.Error("the usual guild is left to disgo")
	}
	if !compare(t, gateway.EventTypeVoiceStateUpdate, []byte(voiceState)) {
		t.Error("the usual voice state is left to disgo")
	}
	if _, ok := eventjson.Decode(gateway.EventTypeChannelUpdate, []byte(`{}`)); ok {
		t.Error("another event was decoded")
	}
	for name, change := range map[string][2]string{
		"a key twice":              {`"icon":null`, `"icon":null,"name":"x"`},
		"a key in capitals":        {`"icon":null`, `"Name":"x"`},
		"a number as text":         {`"type":4`, `"type":"4"`},
		"too many bits":            {`"permissions":"8"`, `"permissions":"18446744073709551616"`},
		"an unknown overwrite":     {`"type":1,"allow"`, `"type":7,"allow"`},
		"an id that is none":       {`"id":"12"`, `"id":{}`},
		"a comma too many":         {`"threads":[]`, `"threads":[1,]`},
		"half a word":              {`"threads":[]`, `"threads":nul`},
		"a number that is none":    {`"threads":[]`, `"threads":01`},
		"a control character":      {`"chat"`, "\"ch\tat\""},
		"a list that is missing":   {`"presences":[]`, `"presences":`},
		"a restriction not a bool": {`"pending":true`, `"pending":1`},
	} {
		if !strings.Contains(guildCreate, change[0]) {
			t.Fatalf("%s: nothing to change", name)
		}
		if compare(t, gateway.EventTypeGuildCreate, []byte(strings.Replace(guildCreate, change[0], change[1], 1))) {
			t.Errorf("%s: not left to disgo", name)
		}
	}
}

func TestStoredComesBack(t *testing.T) {
	ev, ok := eventjson.Decode(gateway.EventTypeGuildCreate, []byte(guildCreate))
	if !ok {
		t.Fatal("not decoded")
	}
	e := ev.(gateway.EventGuildCreate)
	was := eventjson.Stored{
		Guild: e.Guild, Self: &e.Members[0], Roles: e.Roles, Channels: e.Channels, Voices: []byte(`[{"channel":"11"}]`),
	}
	b, err := was.Encode()
	if err != nil {
		t.Fatal(err)
	}
	is, ok := eventjson.DecodeStored(b)
	if !ok || string(is.Voices) != string(was.Voices) || is.Self.User.Username != "eight" || is.Self.GuildID != e.ID {
		t.Fatalf("came back as %+v, %v", is, ok)
	}
	again := e
	again.Guild, again.Roles, again.Channels = is.Guild, is.Roles, is.Channels
	if !reflect.DeepEqual(used(again), used(e)) {
		t.Errorf("came back as\n%v\nwas\n%v", used(again), used(e))
	}
	// As an earlier version stored it, by disgo's types.
	disgo, err := gateway.UnmarshalEventData([]byte(guildCreate), gateway.EventTypeGuildCreate)
	if err != nil {
		t.Fatal(err)
	}
	d := disgo.(gateway.EventGuildCreate)
	b, err = json.Marshal(map[string]any{
		"guild": d.Guild, "self": d.Members[0], "roles": d.Roles, "channels": d.Channels, "voices": nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	if is, ok = eventjson.DecodeStored(b); !ok {
		t.Fatalf("left to disgo: %s", b)
	}
	again.Guild, again.Roles, again.Channels = is.Guild, is.Roles, is.Channels
	if got, want := used(again), used(e); !reflect.DeepEqual(got, want) {
		t.Errorf("came back as\n%v\nwas\n%v", got, want)
	}
	if c, err := json.Marshal(e.Channels[2]); err != nil || !strings.Contains(string(c), `"user_limit":4`) {
		t.Errorf("a channel is encoded as %s, %v", c, err)
	}
}

// FuzzDecode changes events, and has both decoders read them.
func FuzzDecode(f *testing.F) {
	f.Add(guildCreate, true)
	f.Add(voiceState, false)
	f.Add(`{"id":"1","channels":[{"id":"2","type":13,"user_limit":9},{"id":"3","type":15}],"roles":[{"id":"1"}]}`, true)
	f.Fuzz(func(t *testing.T, data string, guild bool) {
		kind := gateway.EventTypeVoiceStateUpdate
		if guild {
			kind = gateway.EventTypeGuildCreate
		}
		compare(t, kind, []byte(data))
	})
}

func BenchmarkGuildCreate(b *testing.B) {
	var channels []string
	for i := range 50 {
		kind := []int{2, 0}[i%2]
		channels = append(channels, fmt.Sprintf(`{"id":"%d","type":%d,"last_message_id":null,"flags":0,`+
			`"name":"channel-%d","parent_id":"12","rate_limit_per_user":0,"bitrate":64000,"user_limit":0,`+
			`"rtc_region":null,"video_quality_mode":1,"position":%d,"permission_overwrites":[],"nsfw":false}`,
			1442084704080887000+snowflake.ID(i), kind, i, i))
	}
	text := []byte(strings.Replace(guildCreate, `"channels":[`, `"channels":[`+strings.Join(channels, ",")+",", 1))
	text = []byte(strings.Replace(string(text), `"type":99`, `"type":0`, 1))
	b.Run("snug", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := eventjson.Decode(gateway.EventTypeGuildCreate, text); !ok {
				b.Fatal("not decoded")
			}
		}
	})
	b.Run("disgo", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := gateway.UnmarshalEventData(text, gateway.EventTypeGuildCreate); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVoiceState(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := eventjson.Decode(gateway.EventTypeVoiceStateUpdate, []byte(voiceState)); !ok {
			b.Fatal("not decoded")
		}
	}
}
