package discordsim

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

type membersChunk struct {
	guildRef
	Members   []wireMember `json:"members"`
	Index     int          `json:"chunk_index"`
	Count     int          `json:"chunk_count"`
	NotFound  []ID         `json:"not_found,omitempty"`
	Presences []presence   `json:"presences,omitempty"`
	Nonce     string       `json:"nonce,omitempty"`
}

// requestMembers is opcode 8: members by query or by id, in chunks of at most 1,000 ("Request Guild
// Members"). Requests that aren't allowed get no response.
func (s *Server) requestMembers(sess *session, d json.RawMessage) int {
	var q struct {
		Guild     json.RawMessage `json:"guild_id"`
		Query     *string         `json:"query"`
		Limit     int             `json:"limit"`
		Presences flag            `json:"presences"`
		Users     json.RawMessage `json:"user_ids"`
		Nonce     string          `json:"nonce"`
	}
	if json.Unmarshal(d, &q) != nil {
		return closeDecode
	}
	guilds, ok := oneOrMore(q.Guild)
	users, ok2 := oneOrMore(q.Users)
	if !ok || !ok2 || len(guilds) != 1 {
		return closeDecode
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guilds[0]]
	if g == nil || g.unavailable || g.members[sess.app.id] == nil || !sess.takes(g.id) {
		return 0
	}
	whole := len(users) == 0 && (q.Query == nil || *q.Query == "") && q.Limit == 0
	if whole && sess.intents&IntentGuildMembers == 0 || bool(q.Presences) && sess.intents&IntentGuildPresences == 0 {
		return 0
	}
	users = users[:min(len(users), 100)] // "Requesting user_ids will continue to be limited to returning 100 members"
	if wait := s.wholeList(sess, g.id, whole); wait > 0 {
		sess.append(item{name: "RATE_LIMITED",
			data: marshal(map[string]any{"opcode": opRequestMembers, "retry_after": wait.Seconds(),
				"meta": map[string]any{"guild_id": g.id, "nonce": q.Nonce}}), at: time.Now()})
		return 0
	}
	found, missing := g.pick(users, q.Query, q.Limit, whole)
	chunks := slices.Collect(slices.Chunk(found, 1000))
	if len(chunks) == 0 {
		chunks = [][]*member{nil}
	}
	for i, part := range chunks {
		c := membersChunk{
			guildRef: guildRef{g.id}, Members: []wireMember{}, Index: i, Count: len(chunks), NotFound: missing,
		}
		if len(q.Nonce) <= 32 {
			c.Nonce = q.Nonce
		}
		for _, m := range part {
			c.Members = append(c.Members, m.wire())
			if bool(q.Presences) && !m.user.bot {
				c.Presences = append(c.Presences, presence{User: partialUser{m.user.id}, GuildID: g.id,
					Status: "online", Activities: []struct{}{}, ClientStatus: map[string]any{"web": "online"}})
			}
		}
		sess.append(item{name: "GUILD_MEMBERS_CHUNK", guild: g.id, data: marshal(c), at: time.Now()})
	}
	return 0
}

// wholeListEvery is how often a guild's whole list may be requested.
const wholeListEvery = 30 * time.Second

// wholeList counts a request for all members and returns how long to wait, 0 if it is allowed.
func (s *Server) wholeList(sess *session, guild ID, whole bool) time.Duration {
	if !whole || s.opts.Limits.GatewaySends == 0 {
		return 0
	}
	key := [2]ID{sess.app.id, guild}
	if since := s.now().Sub(s.listed[key]); since < wholeListEvery {
		return wholeListEvery - since
	}
	s.listed[key] = s.now()
	return 0
}

func (g *guild) pick(users []ID, query *string, limit int, whole bool) (found []*member, missing []ID) {
	for _, id := range users {
		if m := g.members[id]; m != nil {
			found = append(found, m)
		} else {
			missing = append(missing, id)
		}
	}
	if len(users) > 0 {
		return found, missing
	}
	prefix := ""
	if query != nil {
		prefix = strings.ToLower(*query)
	}
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	for _, m := range g.sortedMembers() {
		if m.matches(prefix) && (whole || len(found) < limit) {
			found = append(found, m)
		}
	}
	return found, nil
}

// matches reports whether one of a member's names starts with a lower-case prefix.
func (m *member) matches(prefix string) bool {
	for _, n := range []string{m.user.username, m.user.globalName, m.nick} {
		if (n != "" || prefix == "") && strings.HasPrefix(strings.ToLower(n), prefix) {
			return true
		}
	}
	return false
}

func oneOrMore(raw json.RawMessage) ([]ID, bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, true
	}
	var one flexID
	if json.Unmarshal(raw, &one) == nil {
		return []ID{ID(one)}, true
	}
	var many []flexID
	err := json.Unmarshal(raw, &many)
	out := make([]ID, len(many))
	for i, id := range many {
		out[i] = ID(id)
	}
	return out, err == nil
}

// requestSoundboard is opcode 31. The simulator's guilds have no sounds.
func (s *Server) requestSoundboard(sess *session, d json.RawMessage) int {
	var q struct {
		Guilds json.RawMessage `json:"guild_ids"`
	}
	if json.Unmarshal(d, &q) != nil {
		return closeDecode
	}
	guilds, ok := oneOrMore(q.Guilds)
	if !ok {
		return closeDecode
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range guilds {
		if s.member(id, sess.app.id) != nil && sess.takes(id) {
			sess.append(item{name: "SOUNDBOARD_SOUNDS", guild: id, at: time.Now(),
				data: marshal(struct {
					guildRef
					Sounds []struct{} `json:"soundboard_sounds"`
				}{guildRef{id}, []struct{}{}})})
		}
	}
	return 0
}

// channelInfo is what a voice channel has while somebody is in it.
type channelInfo struct {
	ID     ID      `json:"id"`
	Status *string `json:"status,omitempty"`
	Start  *int64  `json:"voice_start_time,omitempty"`
}

// requestChannelInfo is opcode 43: information about voice channels that isn't in the channel object.
func (s *Server) requestChannelInfo(sess *session, d json.RawMessage) int {
	var q struct {
		Guild  flexID   `json:"guild_id"`
		Fields []string `json:"fields"`
	}
	if json.Unmarshal(d, &q) != nil {
		return closeDecode
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.guilds[ID(q.Guild)]
	if g == nil || g.members[sess.app.id] == nil || !sess.takes(g.id) {
		return 0
	}
	list := []channelInfo{}
	for _, c := range g.sortedChannels() {
		if !c.voice() || s.hiddenFrom(g, sess.app.id, c) {
			continue
		}
		i := channelInfo{ID: c.id}
		if slices.Contains(q.Fields, "status") && c.status != "" {
			i.Status = &c.status
		}
		if slices.Contains(q.Fields, "voice_start_time") {
			i.Start = c.started()
		}
		if i.Status != nil || i.Start != nil { // omitting the others is a guess
			list = append(list, i)
		}
	}
	sess.append(item{name: "CHANNEL_INFO", guild: g.id, at: time.Now(), data: marshal(struct {
		guildRef
		Channels []channelInfo `json:"channels"`
	}{guildRef{g.id}, list})})
	return 0
}
