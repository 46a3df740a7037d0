package world

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// snapshotFormat is the number of the format that Snapshot writes and RestoreSnapshot reads.
const snapshotFormat = 1

// snapshot is a world as it was: Kept, and everything that Kept expects to be there. The next ids and tokens follow
// from it, so that what is done after RestoreSnapshot has the same ones each time if the clock stands still.
type snapshot struct {
	Format  int             `json:"discordsim_snapshot"`
	Random  []byte          `json:"random"`
	LastMS  int64           `json:"last_ms"`
	LastInc uint64          `json:"last_increment"`
	FoundMS int64           `json:"founding_ms"`
	Founded int64           `json:"founded"`
	Users   []snapUser      `json:"users"`
	Apps    []snapApp       `json:"applications"`
	Guilds  []snapGuild     `json:"guilds"`
	Kept    json.RawMessage `json:"kept"`
}

type snapUser struct {
	ID         ID     `json:"id"`
	Username   string `json:"username"`
	GlobalName string `json:"global_name"`
	Avatar     string `json:"avatar"`
	Locale     string `json:"locale"`
	Token      string `json:"token"`
	Bot        bool   `json:"bot,omitempty"`
	DMsClosed  bool   `json:"dms_closed,omitempty"`
	Unverified bool   `json:"unverified,omitempty"`
	Developer  bool   `json:"developer,omitempty"`
	Flags      int    `json:"flags,omitempty"`

	Seen time.Time `json:"last_seen,omitzero"`
}

type snapApp struct {
	ID          ID         `json:"id"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Token       string     `json:"token"`
	Secret      string     `json:"secret"`
	Key         []byte     `json:"signing_key"`
	Endpoint    string     `json:"interactions_endpoint_url,omitempty"`
	Redirects   []string   `json:"redirect_uris"`
	Loopback    bool       `json:"any_loopback_redirect"`
	Owner       ID         `json:"owner_id"`
	Intents     Intents    `json:"intents"`
	NoTwoFactor bool       `json:"no_two_factor,omitempty"`
	Quarantined bool       `json:"quarantined,omitempty"`
	Commands    []*Command `json:"commands"`

	RoleConnections []json.RawMessage   `json:"role_connections,omitempty"`
	Emojis          map[ID]*CustomEmoji `json:"emojis,omitempty"`
	SKUs            []*SKU              `json:"skus,omitempty"`
	Entitlements    map[ID]*Entitlement `json:"entitlements,omitempty"`
}

type snapGuild struct {
	ID          ID          `json:"id"`
	Owner       ID          `json:"owner_id"`
	Icon        string      `json:"icon"`
	Description string      `json:"description"`
	Locale      string      `json:"locale"`
	JoinedAt    time.Time   `json:"joined_at"`
	AFKTimeout  int         `json:"afk_timeout"`
	System      ID          `json:"system_channel_id"`
	Verify      int         `json:"verification_level"`
	Screening   bool        `json:"screening,omitempty"`
	Boosts      int         `json:"boosts,omitempty"`
	TwoFactor   bool        `json:"two_factor,omitempty"`
	BadWords    []string    `json:"forbidden_words,omitempty"`
	BadInForm   bool        `json:"forbidden_in_form,omitempty"`
	Voice       []snapVoice `json:"voice,omitempty"`
}

type snapVoice struct {
	User     ID        `json:"user_id"`
	Channel  ID        `json:"channel_id"`
	Session  string    `json:"session_id"`
	Mute     bool      `json:"self_mute,omitempty"`
	Deaf     bool      `json:"self_deaf,omitempty"`
	Stream   bool      `json:"self_stream,omitempty"`
	Video    bool      `json:"self_video,omitempty"`
	Suppress bool      `json:"suppress,omitempty"`
	Speak    time.Time `json:"request_to_speak,omitzero"`
}

// Snapshot returns the world as JSON: people, applications with their commands, guilds with what is in them, and direct
// messages. It contains neither sign-ins, ephemeral messages, open interactions nor what limits count.
func (s *State) Snapshot() ([]byte, error) {
	random, err := s.source.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("discordsim: snapshot: %w", err)
	}
	kept, err := s.keepAs(true)
	if err != nil {
		return nil, fmt.Errorf("discordsim: snapshot: %w", err)
	}
	out := snapshot{Format: snapshotFormat, Random: random, LastMS: s.lastMS, LastInc: s.lastInc, FoundMS: s.foundingMS,
		Founded: s.founded, Kept: kept, Users: []snapUser{}, Apps: []snapApp{}, Guilds: []snapGuild{}}
	for _, id := range SortedIDs(s.Users) {
		u := s.Users[id]
		out.Users = append(out.Users, snapUser{u.ID, u.Username, u.GlobalName, u.Avatar, u.Locale, u.Token, u.Bot,
			u.DMsClosed, u.Unverified, u.developer, u.flags, u.seen})
	}
	for _, id := range SortedIDs(s.Apps) {
		out.Apps = append(out.Apps, s.Apps[id].snapshot())
	}
	for _, id := range SortedIDs(s.Guilds) {
		out.Guilds = append(out.Guilds, s.Guilds[id].snapshot())
	}
	return json.Marshal(out)
}

func (a *Application) snapshot() snapApp {
	out := snapApp{ID: a.ID, Name: a.Name, Description: a.Description, Token: a.Token, Secret: a.Secret,
		Key: a.Key.Seed(), Endpoint: a.Endpoint, Redirects: a.Redirects, Loopback: a.Loopback, Owner: a.Owner,
		Intents:     a.Intents,
		NoTwoFactor: a.NoTwoFactor, Quarantined: a.DMUse.Quarantined, Commands: []*Command{},
		RoleConnections: a.RoleConnections, Emojis: a.Emojis, SKUs: a.SKUs, Entitlements: a.Entitlements}
	for _, guild := range SortedIDs(a.Commands) {
		for _, id := range SortedIDs(a.Commands[guild]) {
			out.Commands = append(out.Commands, a.Commands[guild][id])
		}
	}
	return out
}

func (g *Guild) snapshot() snapGuild {
	out := snapGuild{ID: g.ID, Owner: g.Owner, Icon: g.Icon, Description: g.Description, Locale: g.Locale,
		JoinedAt: g.JoinedAt, AFKTimeout: g.AFKTimeout, System: g.System, Verify: g.Verify, Screening: g.Screening,
		Boosts: g.Boosts, TwoFactor: g.TwoFactor, BadWords: g.BadWords, BadInForm: g.BadInForm}
	for _, id := range SortedIDs(g.Voice) {
		v := g.Voice[id]
		out.Voice = append(out.Voice, snapVoice{v.User, v.Channel, v.session, v.selfMute, v.selfDeaf, v.SelfStream,
			v.SelfVideo, v.Suppress, v.Speak})
	}
	return out
}

// RestoreSnapshot replaces the world by the one that Snapshot returned, of this or another run. Bots have to identify
// again, and who waits for a response to an interaction gets none. Sign-ins stay. If it fails, nothing has changed.
func (s *State) RestoreSnapshot(data []byte) error {
	var from snapshot
	if err := json.Unmarshal(data, &from); err != nil {
		return fmt.Errorf("discordsim: not a snapshot: %w", err)
	}
	if from.Format != snapshotFormat {
		return fmt.Errorf("discordsim: the snapshot has format %d; this simulator reads format %d", from.Format,
			snapshotFormat)
	}
	to := newState(s.Opts)
	if err := to.source.UnmarshalBinary(from.Random); err != nil {
		return fmt.Errorf("discordsim: the snapshot's random state: %w", err)
	}
	if err := to.fillFrom(&from); err != nil {
		return err
	}
	to.lastMS, to.lastInc, to.foundingMS, to.founded = from.LastMS, from.LastInc, from.FoundMS, from.Founded
	s.FailOpenInteractions()
	to.sink, to.poster, to.Watcher, to.OAuth, to.OwnHosts = s.sink, s.poster, s.Watcher, s.OAuth, s.OwnHosts
	*s = to
	s.sink.Replaced()
	s.Watcher.Replaced()
	return nil
}

// fillFrom makes a snapshot's people, applications and guilds in an empty state.
func (s *State) fillFrom(from *snapshot) error {
	for _, u := range from.Users {
		made := &User{ID: u.ID, Username: u.Username, GlobalName: u.GlobalName, Avatar: u.Avatar, Locale: u.Locale,
			Token: u.Token, Bot: u.Bot, DMsClosed: u.DMsClosed, Unverified: u.Unverified, developer: u.Developer,
			flags: u.Flags, seen: u.Seen}
		s.Users[u.ID], s.UserTokens[u.Token] = made, made
	}
	for _, a := range from.Apps {
		if s.Users[a.ID] == nil {
			return fmt.Errorf("discordsim: the snapshot's application %d has no bot among its users", a.ID)
		}
		if len(a.Key) != ed25519.SeedSize {
			return fmt.Errorf("discordsim: the snapshot's application %d has no key to sign with; "+
				"save the snapshot again", a.ID)
		}
		made := &Application{ID: a.ID, Name: a.Name, Description: a.Description, Token: a.Token, Secret: a.Secret,
			Key: ed25519.NewKeyFromSeed(a.Key), Endpoint: a.Endpoint, Redirects: a.Redirects,
			Loopback: a.Loopback, Owner: a.Owner, Intents: a.Intents,
			NoTwoFactor: a.NoTwoFactor, DMUse: DMUse{Quarantined: a.Quarantined}, Bot: s.Users[a.ID],
			RoleConnections: a.RoleConnections, Emojis: a.Emojis, SKUs: a.SKUs, Entitlements: a.Entitlements,
			Guilds: map[ID]struct{}{}, Commands: map[ID]map[ID]*Command{}, LastStarts: map[int]time.Time{}}
		for _, c := range a.Commands {
			guild := ID(0)
			if c.Guild != nil {
				guild = *c.Guild
			}
			if made.Commands[guild] == nil {
				made.Commands[guild] = map[ID]*Command{}
			}
			made.Commands[guild][c.ID] = c
		}
		s.Apps[a.ID], s.BotTokens[a.Token] = made, made
	}
	for _, g := range from.Guilds {
		s.Guilds[g.ID] = &Guild{ID: g.ID, Owner: g.Owner, Icon: g.Icon, Description: g.Description, Locale: g.Locale,
			JoinedAt: g.JoinedAt, AFKTimeout: g.AFKTimeout, System: g.System, Verify: g.Verify,
			Screening: g.Screening, Boosts: g.Boosts, TwoFactor: g.TwoFactor, BadWords: g.BadWords,
			BadInForm: g.BadInForm,
			Voice:     map[ID]*voiceState{}}
	}
	if err := s.restoreKept(from.Kept); err != nil {
		return err
	}
	for _, g := range from.Guilds {
		if err := s.joinFrom(g); err != nil {
			return err
		}
	}
	return nil
}

// joinFrom connects a guild's bots and the people in voice.
func (s *State) joinFrom(from snapGuild) error {
	g := s.Guilds[from.ID]
	if g.Roles[g.ID] == nil || g.Members[g.Owner] == nil {
		return errors.New("discordsim: the snapshot has a guild without its owner or @everyone")
	}
	for _, m := range g.SortedMembers() {
		if a := s.Apps[m.User.ID]; a != nil {
			a.Guilds[g.ID] = struct{}{}
			g.Bots = append(g.Bots, a)
		}
	}
	for _, v := range from.Voice {
		if c := g.Channels[v.Channel]; c != nil && g.Members[v.User] != nil {
			g.Voice[v.User] = &voiceState{User: v.User, Channel: v.Channel, session: v.Session, selfMute: v.Mute,
				selfDeaf: v.Deaf, SelfStream: v.Stream, SelfVideo: v.Video, Suppress: v.Suppress, Speak: v.Speak}
			if c.voiceStart.IsZero() {
				c.voiceStart = s.Now()
			}
		}
	}
	for _, c := range g.Channels {
		s.noteHidden(g, c, false)
	}
	return nil
}
