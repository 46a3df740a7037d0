package gateway

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

type membersChunk struct {
	world.GuildRef
	Members   []world.WireMember `json:"members"`
	Index     int                `json:"chunk_index"`
	Count     int                `json:"chunk_count"`
	NotFound  []world.ID         `json:"not_found,omitempty"`
	Presences []world.Presence   `json:"presences,omitempty"`
	Nonce     string             `json:"nonce,omitempty"`
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
	s.world.Update(func(w *world.State) {
		if g := w.Guilds[guilds[0]]; g != nil {
			s.sendMembers(sess, g, users, &q)
		}
	})
	return 0
}

// sendMembers queues the chunks of a request that is allowed.
func (s *Gateway) sendMembers(sess *session, g *world.Guild, users []world.ID, q *membersQuery) {
	if g.Unavailable || g.Members[sess.app.ID] == nil || !sess.takes(g.ID) {
		return
	}
	whole := len(users) == 0 && (q.Query == nil || *q.Query == "") && q.Limit == 0
	if whole && sess.intents&world.IntentGuildMembers == 0 ||
		bool(q.Presences) && sess.intents&world.IntentGuildPresences == 0 {
		return
	}
	users = users[:min(len(users), 100)] // "Requesting user_ids will continue to be limited to returning 100 members"
	if wait := s.wholeList(sess, g.ID, whole); wait > 0 {
		sess.append(item{name: "RATE_LIMITED",
			data: form.Marshal(map[string]any{"opcode": opRequestMembers, "retry_after": wait.Seconds(),
				"meta": map[string]any{"guild_id": g.ID, "nonce": q.Nonce}}), at: time.Now()})
		return
	}
	found, missing := pick(g, users, q.Query, q.Limit, whole)
	chunks := slices.Collect(slices.Chunk(found, 1000))
	if len(chunks) == 0 {
		chunks = [][]*world.Member{nil}
	}
	for i, part := range chunks {
		c := membersChunk{
			GuildRef: world.GuildRef{GuildID: g.ID}, Members: []world.WireMember{},
			Index: i, Count: len(chunks), NotFound: missing,
		}
		if len(q.Nonce) <= 32 {
			c.Nonce = q.Nonce
		}
		for _, m := range part {
			c.Members = append(c.Members, m.Wire())
			if bool(q.Presences) && !m.User.Bot {
				c.Presences = append(c.Presences, world.Presence{User: world.PartialUser{ID: m.User.ID}, GuildID: g.ID,
					Status: "online", Activities: []struct{}{}, ClientStatus: map[string]any{"web": "online"}})
			}
		}
		sess.append(item{name: "GUILD_MEMBERS_CHUNK", guild: g.ID, data: form.Marshal(c), at: time.Now()})
	}
}

// wholeListEvery is how often a guild's whole list may be requested.
const wholeListEvery = 30 * time.Second

// wholeList counts a request for all members and returns how long to wait, 0 if it is allowed.
func (s *Gateway) wholeList(sess *session, guild world.ID, whole bool) time.Duration {
	if !whole || s.opts.Limits.GatewaySends == 0 {
		return 0
	}
	key := [2]world.ID{sess.app.ID, guild}
	if since := s.now().Sub(s.listed[key]); since < wholeListEvery {
		return wholeListEvery - since
	}
	s.listed[key] = s.now()
	return 0
}

func pick(
	g *world.Guild, users []world.ID, query *string, limit int, whole bool,
) (found []*world.Member, missing []world.ID) {
	for _, id := range users {
		if m := g.Members[id]; m != nil {
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
	for _, m := range g.SortedMembers() {
		if m.Matches(prefix) && (whole || len(found) < limit) {
			found = append(found, m)
		}
	}
	return found, nil
}

func oneOrMore(raw json.RawMessage) ([]world.ID, bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, true
	}
	var one form.FlexID
	if json.Unmarshal(raw, &one) == nil {
		return []world.ID{world.ID(one)}, true
	}
	var many []form.FlexID
	err := json.Unmarshal(raw, &many)
	out := make([]world.ID, len(many))
	for i, id := range many {
		out[i] = world.ID(id)
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
	s.world.View(func(w *world.State) {
		for _, id := range guilds {
			if w.Member(id, sess.app.ID) != nil && sess.takes(id) {
				sess.append(item{name: "SOUNDBOARD_SOUNDS", guild: id, at: time.Now(),
					data: form.Marshal(struct {
						world.GuildRef
						Sounds []struct{} `json:"soundboard_sounds"`
					}{world.GuildRef{GuildID: id}, []struct{}{}})})
			}
		}
	})
	return 0
}

// channelInfo is what a voice channel has while somebody is in it.
type channelInfo struct {
	ID     world.ID `json:"id"`
	Status *string  `json:"status,omitempty"`
	Start  *int64   `json:"voice_start_time,omitempty"`
}

// requestChannelInfo is opcode 43: information about voice channels that isn't in the channel object.
func (s *Gateway) requestChannelInfo(sess *session, d json.RawMessage) int {
	var q struct {
		Guild  form.FlexID `json:"guild_id"`
		Fields []string    `json:"fields"`
	}
	if json.Unmarshal(d, &q) != nil {
		return closeDecode
	}
	s.world.View(func(w *world.State) { sendChannelInfo(w, sess, w.Guilds[world.ID(q.Guild)], q.Fields) })
	return 0
}

func sendChannelInfo(w *world.State, sess *session, g *world.Guild, fields []string) {
	if g == nil || g.Members[sess.app.ID] == nil || !sess.takes(g.ID) {
		return
	}
	list := []channelInfo{}
	for _, c := range g.SortedChannels() {
		if !c.Voice() || w.HiddenFrom(g, sess.app.ID, c) {
			continue
		}
		i := channelInfo{ID: c.ID}
		if slices.Contains(fields, "status") && c.Status != "" {
			i.Status = &c.Status
		}
		if slices.Contains(fields, "voice_start_time") {
			i.Start = c.Started()
		}
		if i.Status != nil || i.Start != nil { // omitting the others is a guess
			list = append(list, i)
		}
	}
	sess.append(item{name: "CHANNEL_INFO", guild: g.ID, at: time.Now(), data: form.Marshal(struct {
		world.GuildRef
		Channels []channelInfo `json:"channels"`
	}{world.GuildRef{GuildID: g.ID}, list})})
}
