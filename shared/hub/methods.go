package hub

import (
	"time"

	"snug/shared/access"
	"snug/shared/guild"
	"snug/shared/room"
)

// The methods that the dashboard calls in the process that holds a guild. Package room and, for
// management, package guild document the requests and answers.
var (
	StandingOf    = Method[room.StandingRequest, access.Standing]{Name: "standing", Reads: true}
	StandingsOf   = Method[room.StandingsRequest, room.Standings]{Name: "standings", Reads: true}
	OpenRoom      = Method[room.OpenRequest, room.OpenedRoom]{Name: "room.open"}
	OpenAgain     = Method[room.Request, room.OpenedRoom]{Name: "room.again"}
	CircleOf      = Method[room.CircleRequest, room.Circle]{Name: "circle", Reads: true}
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

// ShardReport is the state of a shard's connection to Discord, sent by the shard's holder.
type ShardReport struct {
	Shard  int       `json:"shard"`
	Shards int       `json:"shards"` // total number of the bot's shards
	OK     bool      `json:"ok"`     // Discord is heard: the connection is up and its heartbeats are answered
	At     time.Time `json:"at"`     // when Discord was last heard
}

// ShardReportInterval is the longest time between two ShardReports of a shard.
const ShardReportInterval = 4 * time.Second

// ShardReports informs every dashboard whether Discord is heard on a shard.
var ShardReports = Notice[ShardReport]{Name: "discord-heard"}

// StandingChanged informs every dashboard that a member's permissions have changed or that the
// member left. It is sent for members who watch or own a room or are guests of one.
var StandingChanged = Notice[room.Member]{Name: "standing-changed"}
