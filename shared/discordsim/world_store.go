package discordsim

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// WorldOptions are what the rules depend on. All fields are required, except those that say otherwise.
type WorldOptions struct {
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
	state state
}

// state is everything there is: people, guilds, messages, applications, with the rules as methods. It belongs to whom
// View or Update gives it, until they return.
type state struct {
	opts    WorldOptions
	now     func() time.Time
	sink    Sink
	watcher Watcher

	rng        *rand.Rand
	lastMS     int64
	lastInc    uint64
	foundingMS int64
	founded    int64
	users      map[ID]*user
	apps       map[ID]*application
	guilds     map[ID]*guild
	channels   map[ID]*channel
	dms        map[[2]ID]*channel
	messages   map[ID][]*message
	botTokens  map[string]*application
	userTokens map[string]*user
	invites    map[string]*invite
	hidden     map[[2]ID]struct{} // channels that a bot can't view, by application and channel
	oauth      oauthState
	acts       map[ID]*interaction
	actTokens  map[string]*interaction
	modals     map[string]*interaction // the modal that a user has open, by user and custom id
	ownHosts   []string                // sites with a host name for each person
}

// newWorld makes an empty world, which nobody watches yet.
func newWorld(o WorldOptions) *World {
	return &World{state: state{opts: o, now: o.Now, sink: nobody{}, watcher: nobody{},
		rng: newRand(o.Seed), foundingMS: o.Founded.UnixMilli() - snowflake.Epoch,
		users: map[ID]*user{}, apps: map[ID]*application{}, guilds: map[ID]*guild{}, channels: map[ID]*channel{},
		dms: map[[2]ID]*channel{}, messages: map[ID][]*message{}, botTokens: map[string]*application{},
		userTokens: map[string]*user{}, invites: map[string]*invite{}, hidden: map[[2]ID]struct{}{},
		oauth: newOAuthState(), acts: map[ID]*interaction{},
		actTokens: map[string]*interaction{}, modals: map[string]*interaction{}}}
}

// Tell makes a sink and a watcher get what happens from now on, instead of the previous ones.
func (w *World) Tell(to Sink, watcher Watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.sink, w.state.watcher = to, watcher
}

// View calls f with the state, which f only reads: other views may run at the same time.
func (w *World) View(f func(*state)) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	f(&w.state)
}

// Update calls f with the state, alone. What f changes is handed to the sink and the watcher as it happens, before
// anybody else can read it: so everybody is told about all changes in the same order.
func (w *World) Update(f func(*state)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.state)
}
