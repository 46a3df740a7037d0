package discordsim

import (
	"encoding/json"
	"fmt"
	"time"
)

// Kept is what of a world is kept from one run to the next: guilds as Discord's own disk would have them.
// Messages, invites, sign-ins and who is in voice are not in it. Made by Keep, given back by Restore to a
// world of the same seed and founding.
type Kept struct {
	Guilds []keptGuild `json:"guilds"`
}

type keptGuild struct {
	ID       ID            `json:"id"`
	Name     string        `json:"name"`
	AFK      ID            `json:"afk_channel_id"`
	Roles    []keptRole    `json:"roles"`
	Channels []keptChannel `json:"channels"`
	Members  []keptMember  `json:"members"`
	Bans     map[ID]string `json:"bans"`
}

type keptRole struct {
	ID          ID          `json:"id"`
	Name        string      `json:"name"`
	Permissions Permissions `json:"permissions"`
	Position    int         `json:"position"`
	Color       int         `json:"color"`
	Hoist       bool        `json:"hoist"`
	Managed     bool        `json:"managed"`
	Mentionable bool        `json:"mentionable"`
	Bot         ID          `json:"bot_id"`
}

type keptChannel struct {
	ID         ID              `json:"id"`
	Parent     ID              `json:"parent_id"`
	Kind       ChannelType     `json:"type"`
	Name       string          `json:"name"`
	Topic      *string         `json:"topic"`
	Position   int             `json:"position"`
	Bitrate    int             `json:"bitrate"`
	UserLimit  int             `json:"user_limit"`
	Slowmode   int             `json:"rate_limit_per_user"`
	NSFW       bool            `json:"nsfw"`
	Region     *string         `json:"rtc_region"`
	Quality    int             `json:"video_quality_mode"`
	Archive    int             `json:"default_auto_archive_duration"`
	Status     string          `json:"status"`
	Overwrites []keptOverwrite `json:"overwrites"`
}

type keptOverwrite struct {
	ID    ID          `json:"id"`
	Kind  int         `json:"type"`
	Allow Permissions `json:"allow"`
	Deny  Permissions `json:"deny"`
}

type keptMember struct {
	User    ID        `json:"user_id"`
	Nick    string    `json:"nick"`
	Roles   []ID      `json:"roles"`
	Joined  time.Time `json:"joined_at"`
	Timeout time.Time `json:"communication_disabled_until"`
	Pending bool      `json:"pending"`
}

// Keep gives what is to be kept of the world, as JSON that is the same as long as nothing of it changes.
func (s *Server) Keep() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var k Kept
	for _, id := range sortedIDs(s.guilds) {
		k.Guilds = append(k.Guilds, s.guilds[id].keep())
	}
	return json.Marshal(k)
}

func (g *guild) keep() keptGuild {
	k := keptGuild{ID: g.id, Name: g.name, AFK: g.afk, Bans: g.bans}
	for _, r := range g.sortedRoles() {
		k.Roles = append(k.Roles,
			keptRole{r.id, r.name, r.permissions, r.position, r.color, r.hoist, r.managed, r.mentionable, r.botID})
	}
	for _, c := range g.sortedChannels() {
		kc := keptChannel{ID: c.id, Parent: c.parent, Kind: c.kind, Name: c.name, Topic: c.topic, Position: c.position,
			Bitrate: c.bitrate, UserLimit: c.userLimit,
			Slowmode: c.slowmode, NSFW: c.nsfw, Region: c.region, Quality: c.quality, Archive: c.archiveMins,
			Status: c.status}
		for _, o := range c.overwrites {
			kc.Overwrites = append(kc.Overwrites, keptOverwrite{o.id, o.kind, o.allow, o.deny})
		}
		k.Channels = append(k.Channels, kc)
	}
	for _, m := range g.sortedMembers() {
		k.Members = append(k.Members, keptMember{m.user.id, m.nick, m.roles, m.joinedAt, m.timeout, m.pending})
	}
	return k
}

// Restore puts what Keep gave in place of what the world's guilds have. Nobody may be connected yet. Guilds and people
// that this world has not are left out.
func (s *Server) Restore(kept []byte) error {
	var k Kept
	if err := json.Unmarshal(kept, &k); err != nil {
		return fmt.Errorf("discordsim: this is no kept world: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, from := range k.Guilds {
		if g := s.guilds[from.ID]; g != nil {
			s.restoreGuild(g, from)
		}
	}
	s.rng = newRand(0) // else tokens of the run before would be given out again, to others
	return nil
}

func (s *Server) restoreGuild(g *guild, k keptGuild) {
	for id := range g.channels {
		delete(s.channels, id)
	}
	g.name, g.afk, g.bans = k.Name, k.AFK, k.Bans
	if g.bans == nil {
		g.bans = map[ID]string{}
	}
	g.roles, g.channels = map[ID]*role{}, map[ID]*channel{}
	for _, r := range k.Roles {
		g.roles[r.ID] = &role{
			r.ID, r.Name, r.Permissions, r.Position, r.Color, r.Hoist, r.Managed, r.Mentionable, r.Bot,
		}
	}
	for _, kc := range k.Channels {
		c := &channel{id: kc.ID, guild: g.id, parent: kc.Parent, kind: kc.Kind, name: kc.Name, topic: kc.Topic,
			position: kc.Position, bitrate: kc.Bitrate,
			userLimit: kc.UserLimit, slowmode: kc.Slowmode, nsfw: kc.NSFW, region: kc.Region, quality: kc.Quality,
			archiveMins: kc.Archive, status: kc.Status}
		for _, o := range kc.Overwrites {
			c.overwrites = append(c.overwrites, overwrite{o.ID, o.Kind, o.Allow, o.Deny})
		}
		g.channels[c.id], s.channels[c.id] = c, c
	}
	members := map[ID]*member{}
	for _, m := range k.Members {
		u := s.users[m.User]
		if u == nil {
			continue
		}
		members[u.id] = &member{
			user: u, nick: m.Nick, roles: m.Roles, joinedAt: m.Joined, timeout: m.Timeout, pending: m.Pending,
		}
	}
	g.members = members
}
