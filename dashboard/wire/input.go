package wire

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/apitoken"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/preset"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/webhook"
)

// What people and programs send. Operations read it from JSON, forms from inputs of the same names.
type (
	// CreateInput is what a new room can be told.
	CreateInput struct {
		Name    string `json:"name" required:"false" doc:"1 to 100 characters. Left out: as the server's settings say."`
		Seats   *int   `json:"seats" required:"false" doc:"1 to 99. Left out: the server's setting."`
		Private *bool  `json:"private" required:"false" doc:"Left out: the server's setting."`
		Preset  string `json:"preset" required:"false" doc:"A preset's ref. The other fields come before it."`
	}

	// OpenInput is a new room and the server that it is opened in.
	OpenInput struct {
		Guild  snowflake.ID `json:"guild"`
		Preset string       `json:"preset" required:"false"`
	}

	// PresetInput is a preset to add or to change.
	PresetInput struct {
		Name         string `json:"name" doc:"1 to 32 characters."`
		RoomName     string `json:"room_name" required:"false" doc:"Left out: as the server's settings say."`
		Seats        *int   `json:"seats" required:"false" doc:"1 to 99. Left out: the server's setting."`
		Private      *bool  `json:"private" required:"false" doc:"Left out: the server's setting."`
		Locked       bool   `json:"locked" required:"false"`
		Hidden       bool   `json:"hidden" required:"false"`
		GuestsInvite bool   `json:"guests_invite" required:"false" doc:"Guests can make invite links too."`
		Was          string `json:"was" required:"false" doc:"The name of the preset that this replaces, to rename it."`
	}

	// InviteInput is what a new invite can be told.
	InviteInput struct {
		Hours float64 `json:"hours" required:"false" doc:"Its lifetime: up to 720. Left out: the server's setting."`
		Uses  int     `json:"uses" required:"false" doc:"How many people it lets in. Left out: the server's setting."`
		Label string  `json:"label" required:"false" doc:"Its name in the room's list of links: up to 40 characters."`
	}

	// InviteCodeInput is an invite to look at or to follow.
	InviteCodeInput struct {
		Code string `json:"code" doc:"The last part of the link, in upper or lower case."`
	}

	// ArriveInput is what somebody on their way into a room can ask for.
	ArriveInput struct {
		NewInvite bool `json:"new_invite" required:"false" doc:"Create another Discord invite: the last one failed."`
	}

	// ChangeInput is one thing to do to a room: do, and the fields that the action's row names, as texts or whole
	// numbers.
	ChangeInput map[string]any

	// AnswerInput answers a knock.
	AnswerInput struct {
		User  snowflake.ID `json:"user" doc:"Who knocked."`
		LetIn bool         `json:"let_in" doc:"true lets them in; false says not now."`
	}

	// LobbyInput is a lobby to add or to change.
	LobbyInput struct {
		guild.Lobby
		Name string `json:"name" required:"false" doc:"A name for the new channel."`
	}

	// RepairInput is what is to be fixed.
	RepairInput struct {
		Apply bool     `json:"apply" required:"false" doc:"Fix what is found. Otherwise, only check."`
		Only  []string `json:"only" required:"false" doc:"Findings to fix. Leave out to fix all that aren't risky."`
	}

	// NewTokenInput is what a new API token is told.
	NewTokenInput struct {
		Name      string           `json:"name" maxLength:"240"`
		Scopes    []apitoken.Scope `json:"scopes" nullable:"false"`
		ExpiresAt time.Time        `json:"expires_at" required:"false" doc:"Left out: never."`
	}

	// HookInput is what a new webhook is told.
	HookInput struct {
		Name  string       `json:"name"`
		URL   string       `json:"url"`
		Kinds []audit.Kind `json:"kinds" required:"false" doc:"The events it gets. Empty or left out: all."`
	}

	// HookPatch is what is to be different about a webhook.
	HookPatch struct {
		Name    *string       `json:"name" required:"false"`
		URL     *string       `json:"url" required:"false"`
		Kinds   *[]audit.Kind `json:"kinds" required:"false" doc:"The events it gets. Empty: all."`
		Enabled *bool         `json:"enabled" required:"false"`
		Renew   bool          `json:"renew_secret" required:"false" doc:"Replace the secret. The old one ends at once."`
	}
)

// Request checks the input and makes the request for a room of it.
func (in CreateInput) Request(a access.Actor) (room.OpenRequest, error) {
	q := room.OpenRequest{Actor: a, Private: in.Private, Preset: preset.Ref(strings.TrimSpace(in.Preset))}
	var err error
	if strings.TrimSpace(in.Name) != "" {
		if q.Name, err = schema.CleanName(in.Name); err != nil {
			return q, err
		}
	}
	if in.Seats != nil {
		if err := schema.CheckSeats(*in.Seats); err != nil {
			return q, err
		}
		q.Seats = *in.Seats
	}
	return q, nil
}

// Preset gives the preset that was sent. Its limits are for package preset to check.
func (in PresetInput) Preset() preset.Preset {
	p := preset.Preset{Name: in.Name, Setup: preset.Setup{
		RoomName: in.RoomName, Private: in.Private, Locked: in.Locked, Hidden: in.Hidden, GuestsInvite: in.GuestsInvite,
	}}
	if in.Seats != nil {
		p.Seats = cmp.Or(*in.Seats, -1) // 0 isn't left out
	}
	return p
}

// Request makes the request for an invite to a room of it. id names the invite; "": it gets a name of its own.
func (in InviteInput) Request(q room.Request, id string) (room.InviteRequest, error) {
	lifetime := time.Duration(-1)                                      // what no duration can be is no lifetime
	if in.Hours >= 0 && in.Hours <= schema.MaxInviteLifetime.Hours() { // NaN is neither
		lifetime = time.Duration(in.Hours * float64(time.Hour))
	}
	return room.InviteRequest{
		Actor: q.Actor, RoomID: q.RoomID, Lifetime: lifetime, Uses: in.Uses, Label: in.Label, ID: id,
	}, schema.CheckInvite(lifetime, in.Uses)
}

// Request makes the request to change a room of it. It fails with errs.Invalid if a field is missing, or is another
// action's.
func (in ChangeInput) Request(q room.Request) (room.ChangeRequest, error) {
	do, _ := in.sent("do")
	out := room.ChangeRequest{Actor: q.Actor, RoomID: q.RoomID, Do: room.Action(do)}
	a, known := out.Do.Row()
	if !known {
		return out, errs.Field("do", "Snug can't do that to a room. Reload the page, then try again.")
	}
	for _, other := range schema.Actions() {
		for _, field := range other.Takes() {
			if _, given := in.sent(field); given && !slices.Contains(a.Takes(), field) {
				return out, errs.Field(field, "%s doesn't take %s. Leave it out.", do, field)
			}
		}
	}
	switch a.Input {
	case schema.NoInput:
		return out, nil
	case schema.TextsInput:
		out.Texts = map[string]string{}
		for _, f := range a.Fields {
			if text, given := in.sent(f.Name); given {
				out.Texts[f.Name] = text
			}
		}
		if len(out.Texts) == 0 {
			return out, errs.Field(a.Fields[0].Name, "%s needs %s. Send it.", do, a.Fields[0].Name)
		}
		return out, nil
	default:
	}
	text, given := in.sent(a.Field)
	if text = strings.TrimSpace(text); !given || text == "" && (a.Input != schema.TextInput || a.Min > 0) {
		return out, errs.Field(a.Field, "%s needs %s. Send it.", do, a.Field)
	}
	var err error
	switch a.Input {
	case schema.NumberInput:
		if out.Number, err = strconv.Atoi(text); err != nil {
			return out, errs.Field(a.Field, "%.20q isn't a whole number. Type one, like 4.", text)
		}
	case schema.MemberInput, schema.BannedInput:
		if out.User, err = snowflake.Parse(text); err != nil {
			return out, errs.Field(a.Field, "That ID doesn't belong to anyone. Reload the page and choose again.")
		}
	default:
		out.Text = text
	}
	return out, nil
}

// Fill takes every input of a form.
func (in *ChangeInput) Fill(f url.Values) {
	*in = ChangeInput{}
	for name := range f {
		(*in)[name] = f.Get(name)
	}
}

// sent returns a field's text, and whether it was sent.
func (in ChangeInput) sent(field string) (string, bool) {
	switch v := in[field].(type) {
	case string:
		return v, true
	case float64: // as JSON has numbers
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// Apply changes a webhook.
func (in HookPatch) Apply(h *webhook.Hook) {
	set(&h.Name, in.Name)
	set(&h.URL, in.URL)
	set(&h.Kinds, in.Kinds)
	set(&h.Enabled, in.Enabled)
}

// set puts a value in place of another, if one was sent.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
