package dashboard

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/guild"
	"snug/shared/room"
	"snug/shared/webhook"
)

// What the API and the forms answer, as programs and scripts read it.
type (
	gotAudit struct {
		Entries []wire.Entry `json:"entries"`
		Next    string       `json:"next_cursor,omitempty"`
	}
	gotRoomChanged struct {
		Room     wire.Room  `json:"room"`
		Later    *time.Time `json:"later,omitempty"`
		WatchURL string     `json:"watch_url,omitempty"`
	}
	gotWaiting struct {
		Place     int        `json:"place"`
		HeldUntil *time.Time `json:"held_until,omitempty"`
	}
	gotControl struct {
		Guests  []gotGuest `json:"guests"`
		Bans    []gotBan   `json:"bans"`
		Knocks  []gotAsker `json:"knocks"`
		Waiting []gotAsker `json:"waiting"`
		Holds   []gotHold  `json:"holds"`
		Coming  []gotComer `json:"on_the_way"`

		OwnerOut    string        `json:"owner_suspended,omitempty"`
		RenamesLeft int           `json:"renames_left"`
		NextRename  *time.Time    `json:"next_rename,omitempty"`
		WantedName  string        `json:"wanted_name,omitempty"`
		WatchURL    string        `json:"watch_url,omitempty"`
		LobbyID     *snowflake.ID `json:"lobby_id"`
	}
	gotComer struct {
		UserID snowflake.ID `json:"user_id"`
		Name   string       `json:"name"`
		Step   string       `json:"step"`
		Until  time.Time    `json:"kept_until"`
	}
	gotVersions struct {
		Versions []gotVersion `json:"versions"`
	}
	gotPreferences struct {
		Name    string         `json:"name,omitempty"`
		Seats   int            `json:"seats,omitempty"`
		Private *bool          `json:"private,omitempty"`
		Locked  bool           `json:"locked"`
		Hidden  bool           `json:"hidden"`
		Guests  []snowflake.ID `json:"guests"`
		Banned  []snowflake.ID `json:"banned"`
	}
	gotPlaces struct {
		Categories []gotPlace `json:"categories"`
		Voice      []gotPlace `json:"voice"`
		Text       []gotPlace `json:"text"`
		Roles      []gotPlace `json:"roles"`
	}
	gotMadeToken struct {
		wire.Token
		Secret string `json:"secret,omitempty"`
	}
	gotStatus struct {
		Serving      bool            `json:"serving"`
		Parts        []gotPart       `json:"parts"`
		Latency      gotLatency      `json:"latency"`
		Browsers     gotLatency      `json:"browser_latency"`
		Availability gotAvailability `json:"availability"`
	}
	gotRepair struct {
		Findings []gotFinding `json:"findings"`
	}
	gotHealth struct {
		Connected bool             `json:"connected"`
		Preflight *guild.Preflight `json:"preflight,omitempty"`
		Latency   gotLatency       `json:"latency"`
		Browsers  gotLatency       `json:"browser_latency"`
		Gateway   *gotGateway      `json:"gateway,omitempty"`
		Queue     *gotQueue        `json:"queue,omitempty"`
		DMs       *gotDms          `json:"direct_messages,omitempty"`
		Opens     *int             `json:"opens_left,omitempty"`
		Rooms     []gotRenames     `json:"rooms"`
		Troubles  []gotTrouble     `json:"troubles"`
	}
	gotRedeemed struct {
		GuildID   snowflake.ID `json:"guild_id"`
		ChannelID snowflake.ID `json:"channel_id"`
		URL       string       `json:"url"`
		OnTheWay  bool         `json:"on_the_way"`
	}
	gotArriving struct {
		Step      room.Step `json:"step"`
		InviteURL string    `json:"invite_url,omitempty"`
		Detail    string    `json:"detail,omitempty"`
		Until     time.Time `json:"kept_until"`
		URL       string    `json:"url"`
	}
	gotHooks struct {
		Webhooks []gotHook `json:"webhooks"`
	}
	gotDelivery struct {
		ID     string        `json:"id"`
		Kind   string        `json:"kind"`
		At     time.Time     `json:"at"`
		State  webhook.State `json:"state"`
		NextAt *time.Time    `json:"next_at"`
		Tries  []gotTry      `json:"tries"`
	}
	gotDeliveries struct {
		Deliveries []gotDelivery `json:"deliveries"`
	}
	gotGuest struct {
		UserID   snowflake.ID  `json:"user_id"`
		Name     string        `json:"name,omitempty"`
		By       *snowflake.ID `json:"by"`
		InviteID string        `json:"invite_id,omitempty"`
		Since    *time.Time    `json:"since,omitempty"`
		Out      string        `json:"suspended,omitempty"`
	}
	gotBan struct {
		UserID snowflake.ID  `json:"user_id"`
		Name   string        `json:"name,omitempty"`
		By     *snowflake.ID `json:"by"`
		At     time.Time     `json:"at"`
	}
	gotAsker struct {
		UserID snowflake.ID `json:"user_id"`
		Name   string       `json:"name"`
		Since  time.Time    `json:"since"`
	}
	gotHold struct {
		UserID snowflake.ID    `json:"user_id"`
		Why    room.HoldReason `json:"why"`
		Until  time.Time       `json:"until"`
	}
	gotVersion struct {
		Rev      uint64         `json:"rev"`
		At       *time.Time     `json:"at"`
		By       *snowflake.ID  `json:"by"`
		Via      access.Via     `json:"via,omitempty"`
		Settings guild.Settings `json:"settings"`
		Changes  []wire.Entry   `json:"changes"`
	}
	gotPlace struct {
		ID       snowflake.ID  `json:"id"`
		Name     string        `json:"name"`
		ParentID *snowflake.ID `json:"parent_id"`
	}
	gotPart struct {
		Name  string `json:"name"`
		Ready bool   `json:"ready"`
		Why   string `json:"why,omitempty"`
	}
	gotLatency struct {
		Events int   `json:"events"`
		P50    int64 `json:"p50_ms"`
		P95    int64 `json:"p95_ms"`
	}
	gotAvailability struct {
		Percent float64    `json:"percent"`
		Up      int        `json:"up_minutes"`
		Down    int        `json:"down_minutes"`
		Unseen  int        `json:"unseen_minutes"`
		Since   *time.Time `json:"since"`
	}
	gotFinding struct {
		ID        string          `json:"id"`
		Kind      guild.IssueKind `json:"kind"`
		ChannelID *snowflake.ID   `json:"channel_id"`
		Name      string          `json:"name,omitempty"`
		Have      string          `json:"have,omitempty"`
		Want      string          `json:"want,omitempty"`
		Risky     bool            `json:"risky"`
		Mended    bool            `json:"mended"`
		Wrong     string          `json:"failure,omitempty"`
	}
	gotGateway struct {
		Shard     int        `json:"shard"`
		Phase     string     `json:"phase"`
		Since     time.Time  `json:"since"`
		Heartbeat int64      `json:"heartbeat_ms"`
		Resumes   int        `json:"resumes"`
		Sessions  int        `json:"sessions"`
		Failed    *time.Time `json:"failed_at,omitempty"`
		Reason    string     `json:"reason,omitempty"`
	}
	gotQueue struct {
		Waiting int   `json:"waiting"`
		Longest int64 `json:"longest_ms"`
		OnWay   int   `json:"on_way"`
		Limited int   `json:"limited"`
	}
	gotDms struct {
		HeldBack bool       `json:"held_back"`
		Paused   *time.Time `json:"paused_until,omitempty"`
		Held     int        `json:"held"`
	}
	gotRenames struct {
		ID     string    `json:"id"`
		Name   string    `json:"name"`
		Left   int       `json:"renames_left"`
		Next   time.Time `json:"next_rename"`
		Wanted string    `json:"wanted_name,omitempty"`
	}
	gotTrouble struct {
		At            time.Time `json:"at"`
		Serious       bool      `json:"serious"`
		Text          string    `json:"text"`
		Code          string    `json:"code,omitempty"`
		InteractionID string    `json:"interaction_id,omitempty"`
		Times         int       `json:"times"`
	}
	gotHook struct {
		ID        string       `json:"id"`
		Name      string       `json:"name"`
		URL       string       `json:"url"`
		Kinds     []audit.Kind `json:"kinds"`
		Enabled   bool         `json:"enabled"`
		Stopped   string       `json:"stopped,omitempty"`
		CreatedAt time.Time    `json:"created_at"`
		Secret    string       `json:"secret,omitempty"`
	}
	gotTry struct {
		At     time.Time `json:"at"`
		Status int       `json:"status"`
		Wrong  string    `json:"failure,omitempty"`
		Millis int64     `json:"ms"`
	}
)
