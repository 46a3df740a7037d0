package discordsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

type identify struct {
	Token      string          `json:"token"`
	Properties json.RawMessage `json:"properties"`
	Compress   json.RawMessage `json:"compress"` // some libraries send the name of a stream compression
	Large      int             `json:"large_threshold"`
	Shard      *[2]int         `json:"shard"`
	Presence   json.RawMessage `json:"presence"`
	Intents    *Intents        `json:"intents"`
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
func (c *gatewayConn) handle(p payload) int {
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
func (c *gatewayConn) heartbeat(d json.RawMessage) int {
	var seq *int64
	if len(d) > 0 && json.Unmarshal(d, &seq) != nil {
		return closeDecode
	}
	where := target{}
	if sess := c.session(); sess != nil {
		where = target{app: sess.app.id, shard: sess.shard, hasShard: true}
	}
	if _, ok := c.s.faults.take(faultNoACK, where); ok {
		return 0
	}
	c.extend()
	c.send(opHeartbeatACK, nil)
	return 0
}

func (c *gatewayConn) presence(d json.RawMessage) int {
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

func (c *gatewayConn) identify(d json.RawMessage) int {
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
		c.s.after(c.s.opts.Limits.IdentifyWindow, func() { c.send(opInvalidSession, false) })
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
	c.s.page.botsChanged()
	return 0
}

// startSession checks an IDENTIFY in the same order as Discord and opens the session. again means
// that too many identify at the same time and the client should try again later.
func (s *Server) startSession(c *gatewayConn, id *identify) (sess *session, code int, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.botTokens[strings.TrimPrefix(id.Token, "Bot ")]
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
	case id.Intents == nil || *id.Intents&^intentsKnown != 0:
		return nil, closeInvalidIntents, false
	case *id.Intents&intentsPrivileged&^app.intents != 0:
		return nil, closeDisallowed, false
	case s.guildsOfShard(app, shard, shards) > s.opts.Limits.GuildsPerShard:
		return nil, closeShardingRequired, false
	case !app.starts.allow(s.now(), s.opts.Limits.SessionStarts, 24*time.Hour):
		return nil, closeBadToken, false
	case !app.identifies(s, shard):
		return nil, 0, true
	}
	sess = &session{id: s.randomHex(16), app: app, shard: shard, shards: shards, version: c.version,
		intents: *id.Intents, large: 50, limits: replayLimits{s.opts.ReplayEvents, s.opts.ReplayBytes}}
	if id.Large >= 50 && id.Large <= 250 {
		sess.large = id.Large
	}
	s.dropExpired(app)
	app.sessions = append(app.sessions, sess)
	s.sessions[sess.id] = sess
	ready := s.ready(sess, c)
	sess.append(item{name: "READY", data: marshal(ready), at: time.Now()})
	if sess.intents&IntentGuilds != 0 {
		for _, g := range ready.Guilds {
			sess.pending = append(sess.pending, g.ID)
		}
	}
	return sess, 0, false
}

func (s *Server) guildsOfShard(app *application, shard, shards int) int {
	n := 0
	for id := range app.guilds {
		if int(uint64(id)>>22%uint64(shards)) == shard {
			n++
		}
	}
	return n
}

// dropExpired removes sessions that can no longer be resumed.
func (s *Server) dropExpired(app *application) {
	kept := app.sessions[:0]
	for _, sess := range app.sessions {
		if sess.expired(s.now(), s.opts.ResumeWindow) {
			delete(s.sessions, sess.id)
			continue
		}
		kept = append(kept, sess)
	}
	clear(app.sessions[len(kept):])
	app.sessions = kept
}

// endSession removes a session for good: it can no longer be resumed.
func (s *Server) endSession(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endSessionLocked(sess)
	s.page.botsChanged()
}

func (s *Server) endSessionLocked(sess *session) {
	delete(s.sessions, sess.id)
	kept := make([]*session, 0, len(sess.app.sessions))
	for _, other := range sess.app.sessions {
		if other != sess {
			kept = append(kept, other)
		}
	}
	sess.app.sessions = kept
}

type wireReady struct {
	Version         int                `json:"v"`
	UserSettings    struct{}           `json:"user_settings"`
	User            wireSelf           `json:"user"`
	Guilds          []unavailableGuild `json:"guilds"`
	SessionID       string             `json:"session_id"`
	SessionType     string             `json:"session_type"`
	ResumeURL       string             `json:"resume_gateway_url"`
	Relationships   []struct{}         `json:"relationships"`
	PrivateChannels []struct{}         `json:"private_channels"`
	Presences       []struct{}         `json:"presences"`
	GuildJoins      []struct{}         `json:"guild_join_requests"`
	Regions         []string           `json:"geo_ordered_rtc_regions"`
	Shard           [2]int             `json:"shard"`
	Application     partialApplication `json:"application"`
	Auth            struct{}           `json:"auth"`
	Trace           []string           `json:"_trace"`
}

type partialApplication struct {
	ID    ID  `json:"id"`
	Flags int `json:"flags"`
}

func (s *Server) ready(sess *session, c *gatewayConn) wireReady {
	none := []struct{}{}
	r := wireReady{Version: c.version, User: sess.app.bot.self(false), Guilds: []unavailableGuild{},
		SessionID: sess.id, SessionType: "normal", ResumeURL: c.resumeURL(), Relationships: none,
		PrivateChannels: none, Presences: none, GuildJoins: none, Regions: []string{"rotterdam"},
		Shard: [2]int{sess.shard, sess.shards}, Application: partialApplication{sess.app.id, sess.app.flags()},
		Trace: []string{`["sim",{"micros":0.0}]`}}
	for _, id := range sortedIDs(sess.app.guilds) {
		if sess.takes(id) {
			r.Guilds = append(r.Guilds, unavailableGuild{id, true})
		}
	}
	return r
}

// resume resumes a session: missed events, then RESUMED.
func (c *gatewayConn) resume(d json.RawMessage) int {
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
	s.mu.Lock()
	app := s.botTokens[strings.TrimPrefix(r.Token, "Bot ")]
	sess := s.sessions[r.SessionID]
	expired := sess != nil && sess.expired(s.now(), s.opts.ResumeWindow)
	s.mu.Unlock()
	if app == nil {
		return closeBadToken
	}
	if _, ok := s.faults.take(faultDropResume, target{app: app.id}); ok {
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
	s.mu.Lock()
	sess.append(item{
		name: "RESUMED", data: []byte(`{"_trace":["[\"sim\",{\"micros\":0.0}]"]}`), at: time.Now(), only: c,
	})
	s.mu.Unlock()
	c.setSession(sess)
	c.poke()
	s.page.botsChanged()
	return 0
}
