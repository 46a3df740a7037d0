// Package world has everything there is in the simulated Discord, and the rules about it: who may see and do what, what
// a message or a command may look like, what happens when something changes. It owns the lock: View reads, Update
// changes and hands every event to a Sink in the order of the changes. It knows nobody who serves it.
package world

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// Options are what the rules depend on. All fields are required, except those that say otherwise.
type Options struct {
	Seed            uint64 // for ids and tokens; 0: random
	Founded         time.Time
	Now             func() time.Time
	Limits          *Limits
	ShowAllChannels bool          // also to bots that can't view them
	TokenLife       time.Duration // of interaction tokens
	AccessTokenLife time.Duration // of OAuth2 access tokens
	Files           func() string // the base URL of attachments; called with the world held
}

// World owns the state and its lock. Safe for concurrent use.
type World struct {
	mu    sync.RWMutex
	state State
}

// State is everything there is: people, guilds, messages, applications, with the rules as methods. It belongs to whom
// View or Update gives it, until they return.
type State struct {
	Opts    Options
	Now     func() time.Time
	sink    Sink
	poster  Poster
	Watcher Watcher

	source     *rand.PCG  // of rng
	rng        *rand.Rand // for ids and tokens
	lastMS     int64
	lastInc    uint64
	foundingMS int64
	founded    int64
	Users      map[ID]*User
	Apps       map[ID]*Application
	Guilds     map[ID]*Guild
	Channels   map[ID]*Channel
	DMs        map[[2]ID]*Channel
	Messages   map[ID][]*Message
	BotTokens  map[string]*Application
	UserTokens map[string]*User
	Invites    map[string]*Invite
	Webhooks   map[ID]*Webhook    // of channels
	hidden     map[[2]ID]struct{} // channels that a bot can't view, by application and channel
	OAuth      oauthState
	Acts       map[ID]*Interaction
	ActTokens  map[string]*Interaction
	Modals     map[string]*Interaction // the modal that a user has open, by user and custom id
	OwnHosts   []string                // sites with a host name for each person
}

// New makes an empty world, which nobody watches yet.
func New(o Options) *World { return &World{state: newState(o)} }

func newState(o Options) State {
	s := State{Opts: o, Now: o.Now, sink: nobody{}, poster: nobody{}, Watcher: nobody{},
		foundingMS: o.Founded.UnixMilli() - snowflake.Epoch,
		Users:      map[ID]*User{}, Apps: map[ID]*Application{}, Guilds: map[ID]*Guild{}, Channels: map[ID]*Channel{},
		DMs: map[[2]ID]*Channel{}, Messages: map[ID][]*Message{}, BotTokens: map[string]*Application{},
		UserTokens: map[string]*User{}, Invites: map[string]*Invite{}, Webhooks: map[ID]*Webhook{},
		hidden: map[[2]ID]struct{}{},
		OAuth:  newOAuthState(), Acts: map[ID]*Interaction{}, ActTokens: map[string]*Interaction{},
		Modals: map[string]*Interaction{}}
	s.seed(o.Seed)
	return s
}

// Tell makes a sink, a poster and a watcher get what happens from now on, instead of the previous ones.
func (w *World) Tell(to Sink, by Poster, watcher Watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.sink, w.state.poster, w.state.Watcher = to, by, watcher
}

// View calls f with the state, which f only reads: other views may run at the same time.
func (w *World) View(f func(*State)) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	f(&w.state)
}

// Update calls f with the state, alone. What f changes is handed to the sink and the watcher as it happens, before
// anybody else can read it: so everybody is told about all changes in the same order.
func (w *World) Update(f func(*State)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.state)
}
