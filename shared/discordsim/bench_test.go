package discordsim_test

import (
	"testing"

	"snug/shared/discordsim"
)

// BenchmarkVoice measures how fast members join and leave until the bot's
// socket has it.
func BenchmarkVoice(b *testing.B) {
	limits := discordsim.NoRateLimits()
	s := discordsim.New(discordsim.Options{Seed: 1, Limits: &limits, ReplayEvents: 1 << 20})
	d, err := s.Demo(discordsim.ApplicationOptions{})
	if err != nil {
		b.Fatal(err)
	}
	base, err := s.Start("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(b.Context())
	c := dialBench(b, base, d.Application.BotToken)
	got := make(chan struct{})
	go func() {
		defer close(got)
		for range b.N {
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
		}
	}()
	b.ResetTimer()
	for i := range b.N {
		u := d.Users[i%8]
		channel := d.Lounge.ID
		if i/8%2 == 1 {
			if _, err := s.LeaveVoice(d.Guild.ID, u.ID); err != nil {
				b.Fatal(err)
			}
			continue
		}
		if _, err := s.JoinVoice(d.Guild.ID, u.ID, channel, discordsim.VoiceFlags{}); err != nil {
			b.Fatal(err)
		}
	}
	<-got
	b.StopTimer()
}
