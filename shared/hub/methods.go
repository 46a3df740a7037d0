package hub

import (
	"time"

	"snug/shared/access"
	"snug/shared/guild"
	"snug/shared/room"
)

// What the dashboard asks of the process that holds a guild. The room package, and for
// what managers ask the guild package, documents each request and answer.
var (
	StandingOf    = Method[room.StandingRequest, access.Standing]{Name: "standing", Reads: true}
	StandingsOf   = Method[room.StandingsRequest, room.Standings]{Name: "standings", Reads: true}
	OpenRoom      = Method[room.OpenRequest, room.OpenedRoom]{Name: "room.open"}
	ViewRoom      = Method[room.Request, room.View]{Name: "room.view", Reads: true}
	JoinRoom      = Method[room.Request, room.Joined]{Name: "room.join"}
	KeepRoom      = Method[room.Request, room.Summary]{Name: "room.keep"}
	CloseRoom     = Method[room.Request, room.Summary]{Name: "room.close"}
	CreateInvite  = Method[room.InviteRequest, room.InviteLink]{Name: "invite.create"}
	RevokeInvite  = Method[room.RevokeRequest, room.Invite]{Name: "invite.revoke"}
	PreviewInvite = Method[room.PreviewRequest, room.Preview]{Name: "invite.preview", Reads: true}
	RedeemInvite  = Method[room.RedeemRequest, room.Redeemed]{Name: "invite.redeem"}
	ArriveAtRoom  = Method[room.ArriveRequest, room.Arriving]{Name: "room.arrive"}
	RoomsSeen     = Method[room.SeenRequest, struct{}]{Name: "rooms.seen"}
	ChangeRoom    = Method[room.ChangeRequest, room.ChangeDone]{Name: "room.change"}
	Knock         = Method[room.KnockRequest, room.KnockDone]{Name: "room.knock"}
	AnswerKnock   = Method[room.AnswerRequest, room.ChangeDone]{Name: "room.answer"}
	WaitForSeat   = Method[room.WaitRequest, room.WaitDone]{Name: "room.wait"}
	PreferencesOf = Method[room.PreferencesRequest, room.PreferencesDone]{Name: "preferences"}
	PersonOf      = Method[room.PersonRequest, room.PersonData]{Name: "person"}

	SettingsOf      = Method[guild.ManageRequest, guild.SettingsView]{Name: "settings.get", Reads: true}
	SettingsHistory = Method[guild.ManageRequest, guild.SettingsHistory]{Name: "settings.history", Reads: true}
	UndoSettings    = Method[guild.UndoRequest, room.Saved]{Name: "settings.undo"}
	SaveLobby       = Method[guild.LobbyRequest, guild.LobbyDone]{Name: "lobby.save"}
	RemoveLobby     = Method[guild.LobbyRemoval, guild.LobbyDone]{Name: "lobby.remove"}
	Setup           = Method[guild.SetupRequest, guild.SetupDone]{Name: "setup"}
	PreflightOf     = Method[guild.ManageRequest, guild.Preflight]{Name: "preflight", Reads: true}
	HealthOf        = Method[guild.ManageRequest, guild.Health]{Name: "health", Reads: true}
	Repair          = Method[guild.RepairRequest, guild.RepairReport]{Name: "repair"}
	NoteChange      = Method[guild.ChangeRecord, struct{}]{Name: "note"}
	PlacesOf        = Method[guild.ManageRequest, guild.ChannelsAndRoles]{Name: "places", Reads: true}

	SaveSettings = Method[room.SettingsRequest, room.Saved]{Name: "settings.save"}
)

// ShardReport is what the holder of a shard tells of its connection to Discord.
type ShardReport struct {
	Shard  int       `json:"shard"`
	Shards int       `json:"shards"` // of the whole bot
	OK     bool      `json:"ok"`     // Discord is heard: the connection stands and its heartbeats are answered
	At     time.Time `json:"at"`     // when it was heard last
}

// ShardReportInterval is how often DiscordHeard is told of each shard at least.
const ShardReportInterval = 4 * time.Second

// ShardReports tells every dashboard whether Discord is heard on a shard.
var ShardReports = Notice[ShardReport]{Name: "discord-heard"}

// StandingChanged tells every dashboard that what a member may do has changed,
// or that they left: a member who watches, owns a room or is a guest of one.
var StandingChanged = Notice[room.Member]{Name: "standing-changed"}
