package world

import "time"

// Application is a bot and its OAuth2 client. Its id never changes.
type Application struct {
	ID          ID
	Name        string
	Description string
	Token       string
	Secret      string
	VerifyKey   string
	Redirects   []string
	Loopback    bool // every loopback address is a valid redirect
	Owner       ID
	Bot         *User
	Intents     Intents // the privileged ones it may use
	Guilds      map[ID]struct{}
	Commands    map[ID]map[ID]*Command // by guild (0: global) and id
	NoTwoFactor bool
	Starts      Window
	DMUse       DMUse
	LastStarts  map[int]time.Time // by shard modulo max_concurrency
}

// Flags returns the application's public flags.
func (a *Application) Flags() int {
	f := flagApplicationCommandBadge
	for intent, flag := range map[Intents]int{IntentGuildPresences: flagPresence, IntentGuildMembers: flagMembers,
		IntentMessageContent: flagMessageContent} {
		if a.Intents&intent != 0 {
			f |= flag
		}
	}
	return f
}
