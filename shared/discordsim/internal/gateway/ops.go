package gateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

type identify struct {
	Token      string          `json:"token"`
	Properties json.RawMessage `json:"properties"`
	Compress   json.RawMessage `json:"compress"` // some libraries send the name of a stream compression
	Large      int             `json:"large_threshold"`
	Shard      *[2]int         `json:"shard"`
	Presence   json.RawMessage `json:"presence"`
	Intents    *world.Intents  `json:"intents"`
}

// flag is a boolean as libraries send it: true, 1, or their opposites.
type flag bool

// UnmarshalJSON accepts true, false, numbers and null.
func (f *flag) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true", "1":
		*f = true
	case "false", "0", "null":
		*f = false
	default:
		return fmt.Errorf("%s is neither true nor false", b)
	}
	return nil
}

// handle handles one payload and returns the code to close the connection with, or 0.
func (c *conn) handle(p payload) int {
	switch p.Op {
	case opHeartbeat:
		return c.heartbeat(p.D)
	case opIdentify:
		return c.identify(p.D)
	case opResume:
		return c.resume(p.D)
	case opPresence, opVoiceState, opRequestMembers, opSoundboard, opChannelInfo:
	default:
		return closeUnknownOpcode
	}
	sess := c.session()
	if sess == nil {
		return closeNotAuthenticated
	}
	switch p.Op {
	case opPresence:
		return c.presence(p.D)
	case opVoiceState:
		return c.s.gatewayVoice(sess, p.D, c.host)
	case opRequestMembers:
		return c.s.requestMembers(sess, p.D)
	case opChannelInfo:
		return c.s.requestChannelInfo(sess, p.D)
	default:
		return c.s.requestSoundboard(sess, p.D)
	}
}

// heartbeat accepts a sequence number, 0 or null.
func (c *conn) heartbeat(d json.RawMessage) int {
	var seq *int64
	if len(d) > 0 && json.Unmarshal(d, &seq) != nil {
		return closeDecode
	}
	where := faults.Target{}
	if sess := c.session(); sess != nil {
		where = faults.Target{App: sess.app.ID, Shard: sess.shard, HasShard: true}
	}
	if _, ok := c.s.faults.Take(faults.NoACK, where); ok {
		return 0
	}
	c.extend()
	c.send(opHeartbeatACK, nil)
	return 0
}

func (c *conn) presence(d json.RawMessage) int {
	var v struct {
		Since      *float64          `json:"since"`
		Activities []json.RawMessage `json:"activities"`
		Status     string            `json:"status"`
		AFK        flag              `json:"afk"`
	}
	if json.Unmarshal(d, &v) != nil ||
		!slices.Contains([]string{"online", "dnd", "idle", "invisible", "offline"}, v.Status) {
		return closeDecode
	}
	return 0
}

func (c *conn) identify(d json.RawMessage) int {
	if c.session() != nil {
		return closeAuthenticated
	}
	var id identify
	if json.Unmarshal(d, &id) != nil {
		return closeDecode
	}
	sess, code, again := c.s.startSession(c, &id)
	if again {
		// It is sent "after a few seconds" (discord-api-docs#1328); how many is a guess. A client that
		// identifies again at once is accepted, as by Discord.
		c.s.After(c.s.opts.Limits.IdentifyWindow, func() { c.send(opInvalidSession, false) })
		return 0
	}
	if code != 0 {
		return code
	}
	c.mu.Lock()
	if _, plain := c.enc.(plainText); plain && string(id.Compress) == "true" {
		c.enc = zlibPayload{}
	}
	c.mu.Unlock()
	c.cursor.Store(0)
	sess.attach(c)
	c.setSession(sess)
	c.poke()
	c.s.opts.Changed()
	return 0
}

// startSession checks an IDENTIFY in the same order as Discord and opens the session. again means
// that too many identify at the same time and the client should try again later.
func (s *Gateway) startSession(c *conn, id *identify) (sess *session, code int, again bool) {
	s.world.Update(func(w *world.State) { sess, code, again = s.startIn(w, c, id) })
	return sess, code, again
}

func (s *Gateway) startIn(w *world.State, c *conn, id *identify) (sess *session, code int, again bool) {
	app := w.BotTokens[strings.TrimPrefix(id.Token, "Bot ")]
	if app == nil {
		return nil, closeBadToken, false
	}
	shard, shards := 0, 1
	if id.Shard != nil {
		shard, shards = id.Shard[0], id.Shard[1]
	}
	switch {
	case shards < 1 || shard < 0 || shard >= shards:
		return nil, closeInvalidShard, false
	case id.Intents == nil || *id.Intents&^world.IntentsKnown != 0:
		return nil, closeInvalidIntents, false
	case *id.Intents&world.IntentsPrivileged&^app.Intents != 0:
		return nil, closeDisallowed, false
	case guildsOfShard(app, shard, shards) > s.opts.Limits.GuildsPerShard:
		return nil, closeShardingRequired, false
	case !app.Starts.Allow(s.now(), s.opts.Limits.SessionStarts, 24*time.Hour):
		return nil, closeBadToken, false
	case !s.identifies(app, shard):
		return nil, 0, true
	}
	sess = &session{id: w.RandomHex(16), app: app, shard: shard, shards: shards, version: c.version,
		intents: *id.Intents, large: 50, limits: replayLimits{s.opts.ReplayEvents, s.opts.ReplayBytes}}
	if id.Large >= 50 && id.Large <= 250 {
		sess.large = id.Large
	}
	s.dropExpired(app)
	s.shards[app.ID] = append(s.shards[app.ID], sess)
	s.sessions[sess.id] = sess
	ready := sess.ready(c)
	sess.append(item{name: "READY", data: form.Marshal(ready), at: time.Now()})
	if sess.intents&world.IntentGuilds != 0 {
		for _, g := range ready.Guilds {
			sess.pending = append(sess.pending, g.ID)
		}
	}
	return sess, 0, false
}

func guildsOfShard(app *world.Application, shard, shards int) int {
	n := 0
	for id := range app.Guilds {
		if int(uint64(id)>>22%uint64(shards)) == shard {
			n++
		}
	}
	return n
}

// dropExpired removes sessions that can no longer be resumed.
func (s *Gateway) dropExpired(app *world.Application) {
	all := s.shards[app.ID]
	kept := all[:0]
	for _, sess := range all {
		if sess.expired(s.now(), s.opts.ResumeWindow) {
			delete(s.sessions, sess.id)
			continue
		}
		kept = append(kept, sess)
	}
	clear(all[len(kept):])
	s.shards[app.ID] = kept
}

// endSession removes a session for good: it can no longer be resumed.
func (s *Gateway) endSession(sess *session) {
	s.world.Update(func(*world.State) {
		delete(s.sessions, sess.id)
		all := s.shards[sess.app.ID]
		kept := make([]*session, 0, len(all))
		for _, other := range all {
			if other != sess {
				kept = append(kept, other)
			}
		}
		s.shards[sess.app.ID] = kept
	})
	s.opts.Changed()
}

type wireReady struct {
	Version         int                      `json:"v"`
	UserSettings    struct{}                 `json:"user_settings"`
	User            world.WireSelf           `json:"user"`
	Guilds          []world.UnavailableGuild `json:"guilds"`
	SessionID       string                   `json:"session_id"`
	SessionType     string                   `json:"session_type"`
	ResumeURL       string                   `json:"resume_gateway_url"`
	Relationships   []struct{}               `json:"relationships"`
	PrivateChannels []struct{}               `json:"private_channels"`
	Presences       []struct{}               `json:"presences"`
	GuildJoins      []struct{}               `json:"guild_join_requests"`
	Regions         []string                 `json:"geo_ordered_rtc_regions"`
	Shard           [2]int                   `json:"shard"`
	Application     partialApplication       `json:"application"`
	Auth            struct{}                 `json:"auth"`
	Trace           []string                 `json:"_trace"`
}

type partialApplication struct {
	ID    world.ID `json:"id"`
	Flags int      `json:"flags"`
}

func (s *session) ready(c *conn) wireReady {
	none := []struct{}{}
	r := wireReady{Version: c.version, User: s.app.Bot.Self(false), Guilds: []world.UnavailableGuild{},
		SessionID: s.id, SessionType: "normal", ResumeURL: c.resumeURL(), Relationships: none,
		PrivateChannels: none, Presences: none, GuildJoins: none, Regions: []string{"rotterdam"},
		Shard: [2]int{s.shard, s.shards}, Application: partialApplication{s.app.ID, s.app.Flags()},
		Trace: []string{`["sim",{"micros":0.0}]`}}
	for _, id := range world.SortedIDs(s.app.Guilds) {
		if s.takes(id) {
			r.Guilds = append(r.Guilds, world.UnavailableGuild{ID: id, Unavailable: true})
		}
	}
	return r
}

// resume resumes a session: missed events, then RESUMED.
func (c *conn) resume(d json.RawMessage) int {
	if c.session() != nil {
		return closeAuthenticated
	}
	var r struct {
		Token     string `json:"token"`
		SessionID string `json:"session_id"`
		Seq       *int64 `json:"seq"`
	}
	if json.Unmarshal(d, &r) != nil || r.Seq == nil && !strings.Contains(string(d), `"seq"`) {
		return closeDecode
	}
	if r.Seq == nil {
		r.Seq = new(int64)
	}
	s := c.s
	var app *world.Application
	var sess *session
	var expired bool
	s.world.View(func(w *world.State) {
		app, sess = w.BotTokens[strings.TrimPrefix(r.Token, "Bot ")], s.sessions[r.SessionID]
		expired = sess != nil && sess.expired(s.now(), s.opts.ResumeWindow)
	})
	if app == nil {
		return closeBadToken
	}
	if _, ok := s.faults.Take(faults.DropResume, faults.Target{App: app.ID}); ok {
		c.drop()
		return 0
	}
	if sess == nil || sess.app != app || expired || !sess.canReplay(*r.Seq) && *r.Seq <= sess.sequence() {
		c.send(opInvalidSession, false)
		return 0
	}
	if *r.Seq > sess.sequence() {
		return closeInvalidSeq
	}
	c.cursor.Store(*r.Seq)
	if old := sess.attach(c); old != nil {
		old.setSession(nil)
		old.closeWith(closeUnknown)
	}
	s.world.Update(func(*world.State) { // in the same order as other events
		sess.append(item{
			name: "RESUMED", data: []byte(`{"_trace":["[\"sim\",{\"micros\":0.0}]"]}`), at: time.Now(), only: c,
		})
	})
	c.setSession(sess)
	c.poke()
	s.opts.Changed()
	return 0
}

// identifies counts an application's IDENTIFY and reports whether it may proceed: shards that are equal modulo
// max_concurrency go one at a time.
func (s *Gateway) identifies(a *world.Application, shard int) bool {
	l := s.opts.Limits
	if l.IdentifyWindow <= 0 {
		return true
	}
	key := shard % max(1, l.MaxConcurrency)
	if s.now().Sub(a.LastStarts[key]) < l.IdentifyWindow {
		return false
	}
	a.LastStarts[key] = s.now()
	return true
}

// gatewayVoice is opcode 4: a bot joins, moves or leaves. Discord ignores it if the bot may not.
func (s *Gateway) gatewayVoice(sess *session, d json.RawMessage, host string) int {
	var v struct {
		Guild    form.FlexID  `json:"guild_id"` // some libraries send ids as numbers
		Channel  *form.FlexID `json:"channel_id"`
		SelfMute flag         `json:"self_mute"`
		SelfDeaf flag         `json:"self_deaf"`
	}
	if json.Unmarshal(d, &v) != nil {
		return closeDecode
	}
	s.world.Update(func(w *world.State) {
		g := w.Guilds[world.ID(v.Guild)]
		if g == nil || g.Members[sess.app.ID] == nil {
			return
		}
		if v.Channel == nil || *v.Channel == 0 {
			w.Disconnect(g, g.Members[sess.app.ID])
			return
		}
		if _, err := w.JoinVoice(g.ID, sess.app.ID, world.ID(*v.Channel),
			world.VoiceFlags{SelfMute: (*bool)(&v.SelfMute), SelfDeaf: (*bool)(&v.SelfDeaf)}); err != nil {
			return
		}
		w.Dispatch(world.Event{Name: "VOICE_SERVER_UPDATE", Guild: g, App: sess.app, User: sess.app.ID, Data: struct {
			Token string `json:"token"`
			world.GuildRef
			Endpoint string `json:"endpoint"`
		}{w.Secret(8), world.GuildRef{GuildID: g.ID}, host}})
	})
	return 0
}
