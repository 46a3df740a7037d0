package discordsim_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"snug/shared/discordsim"
)

// These say how fast the simulator is on one core, with those who ask in the same process. docs/performance.md says how
// to run them, and has the figures.

// startBench starts a simulator that limits nobody.
func startBench(b *testing.B) (s *discordsim.Server, d discordsim.Demo, base string) {
	b.Helper()
	limits := discordsim.NoRateLimits()
	s = discordsim.New(discordsim.Options{Seed: 1, Limits: &limits, ReplayEvents: 1 << 20})
	d, err := s.Demo(discordsim.ApplicationOptions{})
	if err != nil {
		b.Fatal(err)
	}
	if base, err = s.Start("127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(b.Context()); err != nil && !errors.Is(err, b.Context().Err()) {
			b.Error(err)
		}
	})
	return s, d, base
}

// BenchmarkVoice measures how fast members join and leave until the bot's socket has it.
func BenchmarkVoice(b *testing.B) {
	for _, compress := range []string{"plain", "zlib-stream"} {
		b.Run(compress, func(b *testing.B) {
			s, d, base := startBench(b)
			c := dialBench(b, base, d.Application.BotToken, strings.TrimPrefix(compress, "plain"))
			got := make(chan struct{})
			go func() {
				defer close(got)
				for range b.N {
					_, r, err := c.NextReader()
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, r); err != nil { // the bot's own work isn't measured
						return
					}
				}
			}()
			b.ResetTimer()
			for i := range b.N {
				u := d.Users[i%8]
				var err error
				if i/8%2 == 1 {
					_, err = s.LeaveVoice(d.Guild.ID, u.ID)
				} else {
					_, err = s.JoinVoice(d.Guild.ID, u.ID, d.Lounge.ID, discordsim.VoiceFlags{})
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			<-got
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
		})
	}
}

// BenchmarkGET measures how fast bots get answers from REST, each of eight connections asking one after another.
func BenchmarkGET(b *testing.B) {
	_, d, base := startBench(b)
	guild := "/guilds/" + d.Guild.ID.String()
	for name, path := range map[string]string{
		"channel": "/channels/" + d.Lounge.ID.String(), "member": guild + "/members/" + d.Owner.ID.String(),
		"channels": guild + "/channels",
	} {
		b.Run(name, func(b *testing.B) {
			request := fmt.Sprintf("GET /api/v10%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bot %s\r\n\r\n", path,
				strings.TrimPrefix(base, "http://"), d.Application.BotToken)
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
				if err != nil {
					b.Error(err)
					return
				}
				defer conn.Close()
				in := bufio.NewReader(conn)
				for pb.Next() {
					if _, err := io.WriteString(conn, request); err != nil {
						b.Error(err)
						return
					}
					res, err := http.ReadResponse(in, nil)
					if err == nil && res.StatusCode != http.StatusOK {
						err = errors.New(res.Status)
					}
					if err == nil {
						_, err = io.Copy(io.Discard, res.Body)
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
