package guild

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
)

// Requests of those who manage a server to the process that holds it,
// and the results. Each fails with errs.Forbidden for other users.
type (
	// SettingsView is a guild's settings as they are.
	SettingsView struct {
		Settings Settings `json:"settings"`
		Rev      uint64   `json:"rev"`
	}

	// ManageRequest asks for something that needs no more than who asks: the settings, their history, the preflight.
	ManageRequest struct {
		Actor access.Actor `json:"actor"`
	}

	// SettingsVersion is the settings as somebody saved them.
	SettingsVersion struct {
		Rev      uint64       `json:"rev"`
		At       time.Time    `json:"at"`
		By       snowflake.ID `json:"by"`
		Via      access.Via   `json:"via"`
		Settings Settings     `json:"settings"`
		// Changes name what that save changed, with old and new values as JSON.
		Changes []audit.Entry `json:"changes"`
	}

	// SettingsHistory is the last versions, newest first; the first is what is in use.
	SettingsHistory struct {
		Versions []SettingsVersion `json:"versions"`
	}

	// ChangeRecord asks for an audit entry about something that
	// a manager is about to do on the web without the bot.
	ChangeRecord struct {
		Actor  access.Actor `json:"actor"`
		Kind   audit.Kind   `json:"kind"` // one of the tokens' and webhooks'
		Detail string       `json:"detail"`
		New    string       `json:"new,omitempty"`
	}

	// UndoRequest takes the settings back to an earlier version, 0: the one before the last save.
	UndoRequest struct {
		Actor access.Actor `json:"actor"`
		Rev   uint64       `json:"rev,omitempty"`
	}

	// LobbyRequest makes a voice channel a lobby or changes the lobby that is
	// there (its values replace those that are). Without a channel one is made, called Name.
	LobbyRequest struct {
		Actor access.Actor `json:"actor"`
		Lobby Lobby        `json:"lobby"`
		Name  string       `json:"name,omitempty"`
	}

	// LobbyRemoval ends a lobby; its rooms stay. With Delete its channel is deleted too.
	LobbyRemoval struct {
		Actor     access.Actor `json:"actor"`
		ChannelID snowflake.ID `json:"channel_id"`
		Delete    bool         `json:"delete,omitempty"`
	}

	// LobbyDone is the lobbies after a change.
	LobbyDone struct {
		Lobby   Lobby   `json:"lobby"` // the one that was added, changed or removed
		Lobbies []Lobby `json:"lobbies"`
	}

	// SetupRequest is the guided first run. Names that are empty get Snug's own.
	SetupRequest struct {
		Actor        access.Actor `json:"actor"`
		CategoryName string       `json:"category_name,omitempty"`
		LobbyName    string       `json:"lobby_name,omitempty"`
		// Dry only looks: what is missing, and what would be created.
		Dry bool `json:"dry,omitempty"`
	}

	// SetupDone is what a first run created or found, and what is still
	// missing. Nothing is created while a required permission is missing.
	SetupDone struct {
		CategoryID   snowflake.ID `json:"category_id,omitempty"`
		LobbyID      snowflake.ID `json:"lobby_id,omitempty"`
		MadeCategory bool         `json:"made_category,omitempty"` // else it was there
		MadeLobby    bool         `json:"made_lobby,omitempty"`
		Preflight    Preflight    `json:"preflight"`
	}
)

// Preflight is what Snug may do in a guild, and how much room there is.
type Preflight struct {
	OK    bool   `json:"ok"` // no required permission is missing
	Needs []Need `json:"needs"`
	// Channels and ChannelsLeft count the server's channels, of which Discord
	// allows 500; ChannelsUnseen of them are hidden from Snug.
	Channels       int             `json:"channels"`
	ChannelsLeft   int             `json:"channels_left"`
	ChannelsUnseen int             `json:"channels_unseen,omitempty"`
	Categories     []CategoryRooms `json:"categories"`
	// Lost lists the JSON names of settings that refer to deleted channels.
	Lost []string `json:"lost,omitempty"`
}

// Need is one permission, where it is needed and what for.
type Need struct {
	Permission string       `json:"permission"` // as Discord calls it: "Manage Channels"
	Why        string       `json:"why"`        // completes "Snug needs it to …"; in English
	Where      snowflake.ID `json:"where"`      // the category or channel; the guild's id: the server as a whole
	WhereName  string       `json:"where_name"`
	Granted    bool         `json:"granted"`
	Optional   bool         `json:"optional,omitempty"` // rooms work without it
}

// CategoryRooms is how much room a category has, of Discord's 50 channels.
type CategoryRooms struct {
	ID       snowflake.ID `json:"id"`
	Name     string       `json:"name"`
	Channels int          `json:"channels"`
	Left     int          `json:"left"`
}

// IssueKind names a kind of difference between Discord, the store and the web.
type IssueKind string

// The kinds of issues, and how each is fixed.
const (
	IssueNoChannel IssueKind = "no_channel" // a room without its channel: it is closed
	// Snug may not see a channel it needs: somebody has to grant it View Channel
	IssueUnseen IssueKind = "unseen"
	// a channel with Snug's mark and no room: it is deleted, if nobody is in it
	IssueUnknown IssueKind = "unknown"
	IssueName    IssueKind = "name"   // the channel has another name: the room takes it over
	IssueSeats   IssueKind = "seats"  // the channel has another limit: it is set
	IssueAccess  IssueKind = "access" // overwrites are not what the room says: they are set
	// the web shows others than are in voice: the roster is published again
	IssueRoster       IssueKind = "roster"
	IssueLobbyGone    IssueKind = "lobby_gone"    // a lobby's channel is gone: the lobby is removed
	IssueCategoryGone IssueKind = "category_gone" // the category is gone: the setting is cleared
	IssueLogGone      IssueKind = "log_gone"      // the log channel is gone: the setting is cleared
	// a room's creation that was neither finished nor given up: it is resolved
	IssuePendingCreate IssueKind = "pending_create"

	// What is put right as soon as it's noticed, and so only in the audit log.
	IssueShutOut     IssueKind = "shut_out"     // somebody let in could not enter
	IssueOverwrite   IssueKind = "overwrite"    // Snug's own overwrite had been changed
	IssueUndone      IssueKind = "undone"       // Discord refused a change, with the errs.Code in Have
	IssueResent      IssueKind = "resent"       // a call with an unknown outcome was repeated
	IssueNameRefused IssueKind = "name_refused" // Discord refused the name Have; the room is called Want
)

// Issue is one difference between Discord, the store and the web.
type Issue struct {
	ID        string       `json:"id"` // names it in a RepairRequest; stable while the issue exists
	Kind      IssueKind    `json:"kind"`
	ChannelID snowflake.ID `json:"channel_id,omitempty"`
	Name      string       `json:"name,omitempty"` // of the channel or room
	Want      string       `json:"want,omitempty"` // what it should be, where it is one word or number
	Have      string       `json:"have,omitempty"`
	// Risky issues are fixed only if they are named: that deletes what an admin may have created.
	Risky bool        `json:"risky,omitempty"`
	Fixed bool        `json:"fixed,omitempty"`
	Err   *errs.Error `json:"err,omitempty"` // why it could not be fixed
}

type (
	// RepairRequest looks for issues and with Apply fixes them:
	// those in Only, or if that is empty all that are not risky.
	RepairRequest struct {
		Actor access.Actor `json:"actor"`
		Apply bool         `json:"apply,omitempty"`
		Only  []string     `json:"only,omitempty"`
	}

	// RepairReport lists the issues that were found and, with Apply, whether they were fixed.
	RepairReport struct {
		Issues []Issue   `json:"issues"`
		At     time.Time `json:"at"`
	}
)
