package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"snug/shared/discordsim"
	"snug/shared/protocol"
)

// comings has people come and go in the rooms of a simulator, and a watcher see it in one server.
type comings struct {
	s      *discordsim.Server
	people []*visitor // of all guilds, interleaved
	next   int
	ws     *websocket.Conn
	ended  chan struct{}

	mu      sync.Mutex
	waiting map[snowflake.ID]time.Time // when the last event of somebody in the watched guild was dispatched
	late    *histogram
	missed  int
}

type visitor struct {
	guild, user, room discordsim.ID
	in, muted         bool
	watched           bool
}

// openRooms opens rooms, from "<rooms> <people> <address of Snug>", lets half of the people in, and
// signs a watcher in for the first guild.
func openRooms(
	ctx context.Context, s *discordsim.Server, guilds []discordsim.Guild, what string,
) (t tried, c *comings, err error) {
	var rooms, people int
	var site string
	if _, err := fmt.Sscan(what, &rooms, &people, &site); err != nil {
		return t, nil, fmt.Errorf("rooms %q: write how many each guild has, of how many people, and Snug's address",
			what)
	}
	c = &comings{s: s, waiting: map[snowflake.ID]time.Time{}, late: &histogram{}, ended: make(chan struct{})}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	members := map[discordsim.ID][]discordsim.ID{}
	for _, g := range s.State().Guilds {
		for _, m := range g.Members {
			if u := m.User.ID; !m.User.Bot {
				members[g.ID] = append(members[g.ID], u)
			}
		}
	}
	var opening sync.WaitGroup
	var mu sync.Mutex
	for _, g := range guilds {
		opening.Go(func() {
			for i := range rooms {
				if refused := openRoom(ctx, s, g.ID, members[g.ID][i]); refused != "" {
					mu.Lock()
					t.Refused = append(t.Refused, refused)
					mu.Unlock()
				}
			}
		})
	}
	opening.Wait()
	if t.Guilds = len(guilds); len(t.Refused) > 0 {
		return t, c, nil
	}
	found := map[discordsim.ID][]discordsim.ID{}
	for _, g := range s.State().Guilds {
		for _, ch := range g.Channels {
			if strings.HasPrefix(ch.Name, roomPrefix) {
				found[g.ID] = append(found[g.ID], ch.ID)
			}
		}
	}
	for n := range rooms * people {
		for i, g := range guilds {
			c.people = append(c.people, &visitor{
				guild: g.ID, user: members[g.ID][n], room: found[g.ID][n%rooms], watched: i == 0,
			})
		}
	}
	if err := c.watch(ctx, guilds[0].ID, site); err != nil {
		return t, c, err
	}
	for i, p := range c.people {
		if (i/len(guilds)+i)%2 == 0 {
			if err := c.step(p, true); err != nil {
				return t, c, err
			}
		}
	}
	c.settle()
	return t, c, nil
}

const roomPrefix = "Coming "

// openRoom has a member open a public room. It returns why that was refused.
func openRoom(ctx context.Context, s *discordsim.Server, guild, user discordsim.ID) string {
	for {
		a, err := s.RunCommand(ctx, user, discordsim.CommandRun{Guild: guild, Name: "create-room",
			Options: map[string]any{"name": roomPrefix + user.String(), "private": false}})
		var refused *discordsim.APIError
		switch {
		case errors.As(err, &refused) && refused.Status == http.StatusNotFound && ctx.Err() == nil:
			time.Sleep(20 * time.Millisecond) // the commands aren't registered yet
		case err != nil:
			return err.Error()
		case a.Message == nil || !strings.Contains(a.Message.Content, "http"):
			return fmt.Sprintf("no room: %+v", a.Message)
		default:
			return ""
		}
	}
}

// watch signs somebody in at Snug, and follows a guild's page.
func (c *comings) watch(ctx context.Context, guild discordsim.ID, site string) error {
	u := c.s.AddUser("watcher", "")
	if err := c.s.AddMember(guild, u.ID, ""); err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/oauth2/authorize" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	get := func(address string) (*url.URL, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		res, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		res.Body.Close()
		to, _ := res.Location() // nil without one
		return to, nil
	}
	to, err := get(site + "/login")
	if err != nil || to == nil {
		return fmt.Errorf("snug sends nobody to Discord to sign in: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		c.s.URL()+"/api/v10/oauth2/authorize?"+to.RawQuery, strings.NewReader(`{"authorize":true}`))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", u.Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var consent struct{ Location string }
	if err := json.NewDecoder(res.Body).Decode(&consent); err != nil {
		return err
	}
	if _, err := get(consent.Location); err != nil {
		return err
	}
	base, err := url.Parse(site)
	if err != nil {
		return err
	}
	var cookies []string
	for _, k := range jar.Cookies(base) {
		cookies = append(cookies, k.Name+"="+k.Value)
	}
	o := options{cookie: strings.Join(cookies, "; "), guild: guild.String()}
	if c.ws, err = open(ctx, o, base); err != nil {
		return err
	}
	go c.read()
	return nil
}

// read notes how late the frames come, until the connection ends.
func (c *comings) read() {
	defer close(c.ended)
	for {
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		now := time.Now()
		var m protocol.Message[struct {
			UserID snowflake.ID `json:"userId"`
		}]
		if json.Unmarshal(b, &m) != nil || m.Event != protocol.VoiceJoined && m.Event != protocol.VoiceLeft &&
			m.Event != protocol.VoiceUpdated {
			continue
		}
		c.mu.Lock()
		if at, waits := c.waiting[m.Payload.UserID]; waits {
			c.late.add(int64(now.Sub(at)))
			delete(c.waiting, m.Payload.UserID)
		}
		c.mu.Unlock()
	}
}

// step has somebody join or leave, or mute or unmute themselves.
func (c *comings) step(p *visitor, joins bool) error {
	if p.watched {
		c.mu.Lock()
		if _, waits := c.waiting[snowflake.ID(p.user)]; waits {
			c.missed++
		}
		c.waiting[snowflake.ID(p.user)] = time.Now()
		c.mu.Unlock()
	}
	var err error
	switch {
	case !joins:
		p.muted = !p.muted
		_, err = c.s.SetVoice(p.guild, p.user, discordsim.VoiceFlags{SelfMute: &p.muted})
	case p.in:
		p.in = false
		_, err = c.s.LeaveVoice(p.guild, p.user)
	default:
		p.in = true
		_, err = c.s.JoinVoice(p.guild, p.user, p.room, discordsim.VoiceFlags{})
	}
	return err
}

// settle waits until everything has come, two seconds at most, and counts what hasn't.
func (c *comings) settle() {
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c.mu.Lock()
		left := len(c.waiting)
		if over := time.Now().After(end); left == 0 || over {
			c.missed += left
			clear(c.waiting)
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
	}
}

var errNoRooms = errors.New("open rooms first")

// run has events happen, from "<events a second> <milliseconds>".
func (c *comings) run(ctx context.Context, kind, what string) (f joinFigures, err error) {
	if c == nil {
		return f, errNoRooms
	}
	var rate, ms int
	if _, err := fmt.Sscan(what, &rate, &ms); err != nil {
		return f, fmt.Errorf("%s %q: write the events a second, and for how many milliseconds", kind, what)
	}
	counts := make([]uint64, len(c.late.n))
	c.late.drain(counts) // what came before
	clear(counts)
	c.missed = 0
	began, length, done := time.Now(), time.Duration(ms)*time.Millisecond, 0
	for ctx.Err() == nil && time.Since(began) < length {
		for due := int(time.Since(began).Seconds() * float64(rate)); done < due; {
			p := c.people[c.next]
			c.next = (c.next + 1) % len(c.people)
			if kind == "mutes" && !p.in {
				continue
			}
			if err := c.step(p, kind == "joins"); err != nil {
				return f, err
			}
			done++
		}
		time.Sleep(time.Millisecond)
	}
	f.Rate = float64(done) / time.Since(began).Seconds()
	c.settle()
	c.late.drain(counts)
	at := func(q float64) float64 { return float64(quantile(counts, q)) / float64(time.Millisecond) }
	f.P50, f.P95, f.P99, f.Missed = at(.5), at(.95), at(.99), c.missed
	return f, nil
}

// end closes the watcher's connection.
func (c *comings) end() {
	if c != nil && c.ws != nil {
		_ = c.ws.Close()
		<-c.ended
	}
}
