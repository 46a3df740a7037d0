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

type membersQuery struct {
	Guild     json.RawMessage `json:"guild_id"`
	Query     *string         `json:"query"`
	Limit     int             `json:"limit"`
	Presences flag            `json:"presences"`
	Users     json.RawMessage `json:"user_ids"`
	Nonce     string          `json:"nonce"`
}

// requestMembers is opcode 8: members by query or by id, in chunks of at most 1,000 ("Request Guild
// Members"). Requests that aren't allowed get no response.
func (s *Gateway) requestMembers(sess *session, d json.RawMessage) int {
	var q membersQuery
	if json.Unmarshal(d, &q) != nil {
		return closeDecode
	}
	guilds, ok := oneOrMore(q.Guild)
	users, ok2 := oneOrMore(q.Users)
	if !ok || !ok2 || len(guilds) != 1 {
		return closeDecode
	}
	s.world.Update(func(w *state) {
		if g := w.guilds[guilds[0]]; g != nil {
			s.sendMembers(sess, g, users, &q)
		}
	})
	return 0
}

// sendMembers queues the chunks of a request that is allowed.
func (s *Gateway) sendMembers(sess *session, g *guild, users []ID, q *membersQuery) {
	if g.unavailable || g.members[sess.app.id] == nil || !sess.takes(g.id) {
		return
	}
	whole := len(users) == 0 && (q.Query == nil || *q.Query == "") && q.Limit == 0
	if whole && sess.intents&IntentGuildMembers == 0 || bool(q.Presences) && sess.intents&IntentGuildPresences == 0 {
		return
	}
	users = users[:min(len(users), 100)] // "Requesting user_ids will continue to be limited to returning 100 members"
	if wait := s.wholeList(sess, g.id, whole); wait > 0 {
		sess.append(item{name: "RATE_LIMITED",
			data: marshal(map[string]any{"opcode": opRequestMembers, "retry_after": wait.Seconds(),
				"meta": map[string]any{"guild_id": g.id, "nonce": q.Nonce}}), at: time.Now()})
		return
	}
	found, missing := pick(g, users, q.Query, q.Limit, whole)
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
}

// wholeListEvery is how often a guild's whole list may be requested.
const wholeListEvery = 30 * time.Second

// wholeList counts a request for all members and returns how long to wait, 0 if it is allowed.
func (s *Gateway) wholeList(sess *session, guild ID, whole bool) time.Duration {
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

func pick(g *guild, users []ID, query *string, limit int, whole bool) (found []*member, missing []ID) {
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
func (s *Gateway) requestSoundboard(sess *session, d json.RawMessage) int {
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
	s.world.View(func(w *state) {
		for _, id := range guilds {
			if w.member(id, sess.app.id) != nil && sess.takes(id) {
				sess.append(item{name: "SOUNDBOARD_SOUNDS", guild: id, at: time.Now(),
					data: marshal(struct {
						guildRef
						Sounds []struct{} `json:"soundboard_sounds"`
					}{guildRef{id}, []struct{}{}})})
			}
		}
	})
	return 0
}

// channelInfo is what a voice channel has while somebody is in it.
type channelInfo struct {
	ID     ID      `json:"id"`
	Status *string `json:"status,omitempty"`
	Start  *int64  `json:"voice_start_time,omitempty"`
}

// requestChannelInfo is opcode 43: information about voice channels that isn't in the channel object.
func (s *Gateway) requestChannelInfo(sess *session, d json.RawMessage) int {
	var q struct {
		Guild  flexID   `json:"guild_id"`
		Fields []string `json:"fields"`
	}
	if json.Unmarshal(d, &q) != nil {
		return closeDecode
	}
	s.world.View(func(w *state) { sendChannelInfo(w, sess, w.guilds[ID(q.Guild)], q.Fields) })
	return 0
}

func sendChannelInfo(w *state, sess *session, g *guild, fields []string) {
	if g == nil || g.members[sess.app.id] == nil || !sess.takes(g.id) {
		return
	}
	list := []channelInfo{}
	for _, c := range g.sortedChannels() {
		if !c.voice() || w.hiddenFrom(g, sess.app.id, c) {
			continue
		}
		i := channelInfo{ID: c.id}
		if slices.Contains(fields, "status") && c.status != "" {
			i.Status = &c.status
		}
		if slices.Contains(fields, "voice_start_time") {
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
}
