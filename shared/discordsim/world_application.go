package discordsim

import "time"

// application is a bot and its OAuth2 client. Its id never changes.
type application struct {
	id          ID
	name        string
	description string
	token       string
	secret      string
	verifyKey   string
	redirects   []string
	loopback    bool // every loopback address is a valid redirect
	owner       ID
	bot         *user
	intents     Intents // the privileged ones it may use
	guilds      map[ID]struct{}
	commands    map[ID]map[ID]*command // by guild (0: global) and id
	noTwoFactor bool
	starts      window
	dmUse       dmUse
	lastStarts  map[int]time.Time // by shard modulo max_concurrency
}

// flags returns the application's public flags.
func (a *application) flags() int {
	f := flagApplicationCommandBadge
	for intent, flag := range map[Intents]int{IntentGuildPresences: flagPresence, IntentGuildMembers: flagMembers,
		IntentMessageContent: flagMessageContent} {
		if a.intents&intent != 0 {
			f |= flag
		}
	}
	return f
}
