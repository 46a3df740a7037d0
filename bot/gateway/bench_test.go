package gateway

import (
	"log/slog"
	"testing"

	disgo "github.com/disgoorg/disgo/gateway"
)

// BenchmarkVoiceState measures an event's way from the decompressed message to the handler.
func BenchmarkVoiceState(b *testing.B) {
	const text = `{"t":"VOICE_STATE_UPDATE","s":2,"op":0,"d":{"member":{"user":{"username":"bruno","public_flags":0,` +
		`"primary_guild":null,"id":"1442084704080887817","global_name":"Bruno","display_name_styles":null,` +
		`"discriminator":"0","collectibles":null,"bot":false,"avatar_decoration_data":null,"avatar":null},` +
		`"roles":["1442084704080887900"],"premium_since":null,"pending":false,"nick":null,"mute":false,` +
		`"joined_at":"2025-11-16T10:00:00.000000+00:00","flags":0,"deaf":false,` +
		`"communication_disabled_until":null,"banner":null,"avatar":null},"user_id":"1442084704080887817",` +
		`"suppress":false,"session_id":"3f2a9c0e1b7d4a55","self_video":false,"self_mute":false,` +
		`"self_deaf":false,"request_to_speak_timestamp":null,"mute":false,"guild_id":"1442084704080887000",` +
		`"deaf":false,"channel_id":"1574356274999590917"}}`
	s, err := New(Config{Token: "t", URL: "ws://x", Logger: slog.New(slog.DiscardHandler),
		Handler: func(disgo.Gateway, disgo.EventType, int, disgo.EventData) {}})
	if err != nil {
		b.Fatal(err)
	}
	l := &link{s: s, ready: true}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		m, err := parseEnvelope([]byte(text))
		if err != nil {
			b.Fatal(err)
		}
		l.seq = 1
		l.dispatch(m)
	}
}
