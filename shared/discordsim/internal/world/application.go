package world

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Application is a bot and its OAuth2 client. Its id never changes.
type Application struct {
	ID              ID
	Name            string
	Description     string
	Token           string             // of the bot
	Secret          string             // of OAuth2
	Key             ed25519.PrivateKey // signs interactions sent to Endpoint
	Endpoint        string             // where interactions are posted; empty: they go over the gateway
	Redirects       []string           // valid OAuth2 redirects
	Loopback        bool               // every loopback address is a valid redirect
	Owner           ID
	Bot             *User
	Intents         Intents                // the privileged ones it may use
	Guilds          map[ID]struct{}        // where its bot is a member
	Commands        map[ID]map[ID]*Command // by guild (0: global) and id
	NoTwoFactor     bool                   // the owner's account doesn't use two-factor authentication
	Starts          Window                 // of sessions, per day
	DMUse           DMUse
	LastStarts      map[int]time.Time // by shard modulo max_concurrency
	Emojis          map[ID]*CustomEmoji
	RoleConnections []json.RawMessage // its metadata for linked roles
	SKUs            []*SKU            // what it sells
	Entitlements    map[ID]*Entitlement
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

// VerifyKey returns the key that interactions are verified with, in hex.
func (a *Application) VerifyKey() string { return hex.EncodeToString(a.Key[ed25519.SeedSize:]) }
