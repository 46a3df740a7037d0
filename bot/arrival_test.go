package bot_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// arrive asks, as somebody's page does, what is next on their way.
func (h *harness) arrive(name string, id snowflake.ID) (room.Arriving, error) {
	return call(h, hub.ArriveAtRoom, room.ArriveRequest{Actor: h.actor(name), RoomID: id})
}

// follow follows an invite, and says whether they are on their way.
func (h *harness) follow(name, code string) bool {
	h.Helper()
	out, err := call(h, hub.RedeemInvite, h.redeemRequest(name, code))
	h.Must(err)
	return out.OnTheWay
}

// step waits until somebody is at a step.
func (h *harness) step(name string, id snowflake.ID, want room.Step) (out room.Arriving) {
	h.Helper()
	h.eventually(name+" is at "+string(want), func() bool {
		var err error
		out, err = h.arrive(name, id)
		return err == nil && out.Step == want
	})
	return out
}

// discords gives Discord's invites to a room.
func (h *harness) discords(id snowflake.ID) (codes []string) {
	for code, i := range h.Discord.State().Invites {
		if i.Channel["id"] == id {
			codes = append(codes, code)
		}
	}
	return codes
}

func (h *harness) stranger() snowflake.ID { return h.People["stranger"] }

// Whoever is not in the server comes in by an invite of Discord's for them alone, and is let into the room then.
func TestDiscordsInviteBringsPeopleIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	link, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id, Uses: 1})
	h.Must(err)
	if !h.follow("stranger", link.Code) || !h.follow("stranger", link.Code) {
		t.Fatal("they are not on their way")
	}
	first := h.step("stranger", id, room.StepJoin)
	if again := h.step("stranger", id, room.StepJoin); first.Code == "" || again.Code != first.Code ||
		len(h.discords(id)) != 1 {
		t.Fatalf("%+v, then %+v; %v", first, again, h.discords(id))
	}
	if _, _, there := h.overwrite(id, h.stranger()); there {
		t.Error("they have an overwrite before they are in the server")
	}
	h.wantCode(h.redeem("ada", link.Code), errs.TokenUsedUp) // the place is theirs
	if _, err := h.Discord.UseInvite(h.user("ada"), first.Code); err != nil &&
		!strings.Contains(err.Error(), "Unknown Invite") {
		t.Error(err)
	}
	other := h.Discord.AddUser("other", "").ID
	if _, err := h.Discord.UseInvite(other, first.Code); err == nil {
		t.Error("somebody else used the invite")
	}
	if v := h.view("jonas", id); v.Room.Access.Admitted(h.stranger()) || len(v.Room.Held) != 1 {
		t.Errorf("on their way: %+v", v.Room)
	}
	_, err = h.Discord.UseInvite(discordsim.ID(h.stranger()), first.Code)
	h.Must(err)
	h.clock.Forward(6 * time.Second) // what was said of them is old
	h.step("stranger", id, room.StepIn)
	if allow, _, there := h.overwrite(id, h.stranger()); !there || allow&int64(discordsim.PermConnect) == 0 {
		t.Error("they have no overwrite")
	}
	h.Must(h.Join("stranger", id))
	h.awaitRoster(id, "stranger")
	h.sweep()
	r, _, err := h.hub.Rooms.Get(h.soon(), h.Guild.String()+"."+id.String())
	if err != nil || len(r.Arrivals) != 0 || len(r.SpentInvites) != 0 || len(r.Invite(link.Invite.ID).Redeemers) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if codes := h.discords(id); len(codes) != 0 {
		t.Errorf("left: %v", codes)
	}
	h.wantAudit(id, "invite_created", "on_the_way join", "guest_admitted link")
}

// A link that is taken back takes Discord's invite with it, and gives the place to nobody.
func TestRevokedWithSnugsInvite(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	link, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id, Uses: 1})
	h.Must(err)
	h.follow("stranger", link.Code)
	first := h.step("stranger", id, room.StepJoin)
	out, err := call(h, hub.ArriveAtRoom, room.ArriveRequest{Actor: h.actor("stranger"), RoomID: id, NewInvite: true})
	h.Must(err)
	h.sweep()
	if codes := h.discords(id); out.Code == "" || out.Code == first.Code || len(codes) != 1 || codes[0] != out.Code {
		t.Fatalf("anew: %+v, %v", out, codes)
	}
	_, err = call(h, hub.RevokeInvite,
		room.RevokeRequest{Actor: h.actor("jonas"), RoomID: id, InviteID: link.Invite.ID})
	h.Must(err)
	if codes := h.discords(id); len(codes) != 0 {
		t.Errorf("left: %v", codes)
	}
	_, err = h.arrive("stranger", id)
	h.wantCode(err, errs.RoomNotFound)
	if _, err := h.Discord.UseInvite(discordsim.ID(h.stranger()), out.Code); err == nil {
		t.Error("Discord's invite still works")
	}
}

// Who does not come in a day gives the place back.
func TestPlaceIsGivenBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"idle_timeout":"never"}`)
	id := h.open("jonas", "Friday").Room.ID
	link, err := call(h, hub.CreateInvite,
		room.InviteRequest{Actor: h.actor("jonas"), RoomID: id, Uses: 1, Lifetime: 72 * time.Hour})
	h.Must(err)
	h.follow("stranger", link.Code)
	h.step("stranger", id, room.StepJoin)
	h.later(room.ArrivalTTL + time.Minute)
	h.sweep()
	if codes := h.discords(id); len(codes) != 0 {
		t.Errorf("left: %v", codes)
	}
	h.Must(h.redeem("ada", link.Code))
}

// Snug's own right to invite takes nobody past what Discord denies who made the link, and managers may switch it off.
func TestWhoMayBringPeopleIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	link, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id})
	h.Must(err)
	everyone := discordsim.DefaultEveryone &^ discordsim.PermCreateInstantInvite
	h.heard(h.Discord.SetRole(h.Guild, discordsim.ID(h.Guild), everyone))
	err = h.redeem("stranger", link.Code)
	if h.wantCode(err, errs.GuildJoinDenied); !strings.Contains(err.Error(), "can't invite people") {
		t.Error(err)
	}
	h.heard(h.Discord.SetRole(h.Guild, discordsim.ID(h.Guild), discordsim.DefaultEveryone))
	h.settings(`{"bring_in":false}`)
	h.wantCode(h.redeem("stranger", link.Code), errs.GuildJoinDenied)
	h.settings(`{"bring_in":true}`)
	if !h.follow("stranger", link.Code) {
		t.Error("they are not on their way")
	}
	_, err = h.Discord.Inject(discordsim.Fault{
		Kind: discordsim.FaultAnswer, Route: "POST /channels/{channel}/invites", Status: http.StatusForbidden,
		Body: `{"code":50013,"message":"Missing Permissions"}`,
	})
	h.Must(err)
	if a, err := h.arrive("stranger", id); err != nil || a.Code != "" || a.Why == nil ||
		a.Why.Code != errs.MissingPermission {
		t.Errorf("without Create Invite: %+v, %v", a, err)
	}
}

// An invite that Discord did not say is for one person is not given to anybody, and taken back.
func TestUnreadTargets(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	link, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id})
	h.Must(err)
	h.follow("stranger", link.Code)
	for _, body := range []string{
		`{"status":3,"total_users":1,"processed_users":0,"created_at":"2026-01-08T12:00:00Z","completed_at":null,
			"error_message":"Failed to parse CSV file"}`,
		`{"code":10124,"message":"Unknown invite target users job"}`,
	} {
		status := http.StatusOK
		if strings.Contains(body, "10124") {
			status = http.StatusNotFound
		}
		_, err = h.Discord.Inject(discordsim.Fault{
			Kind: discordsim.FaultAnswer, Route: "GET /invites/{code}/target-users/job-status", Status: status,
			Body: body,
		})
		h.Must(err)
		a, err := h.arrive("stranger", id)
		if err != nil || a.Code != "" || a.Why == nil {
			t.Errorf("%s: %+v, %v", body, a, err)
		}
		if codes := h.discords(id); len(codes) != 0 {
			t.Errorf("left: %v", codes)
		}
	}
	if a := h.step("stranger", id, room.StepJoin); a.Code == "" {
		t.Errorf("afterwards: %+v", a)
	}
}

// A pending member who follows an invite is told to accept the rules first: they have a place and no
// overwrite, and are let in by themselves, by whatever tells of it first.
func TestRulesFirst(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.heard(h.Discord.SetScreening(h.Guild, true))
	id := h.open("jonas", "Friday").Room.ID
	link, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id, Uses: 3})
	h.Must(err)
	accept := map[string]func(user snowflake.ID){
		"by the page": func(snowflake.ID) { h.clock.Forward(6 * time.Second) },
		"by a sweep":  func(snowflake.ID) { h.later(2 * time.Minute); h.sweep() },
		"by voice": func(user snowflake.ID) {
			_, err := h.Discord.JoinVoice(h.Guild, user, h.public, discordsim.VoiceFlags{})
			h.Must(err)
		},
	}
	for how, told := range accept {
		u := h.Discord.AddUser("new"+strings.ReplaceAll(how, " ", ""), "").ID
		h.People[how] = u
		h.Must(h.Discord.AddMember(h.Guild, u, ""))
		if !h.follow(how, link.Code) {
			t.Fatalf("%s: they are let in before the rules", how)
		}
		h.step(how, id, room.StepRules)
		if _, _, there := h.overwrite(id, u); there {
			t.Errorf("%s: they have an overwrite before the rules", how)
		}
		h.Must(h.Discord.SetPending(h.Guild, u, false))
		told(u)
		if how == "by the page" {
			h.step(how, id, room.StepIn)
		}
		h.eventually(how+" they are let in", func() bool { return h.view("jonas", id).Room.Access.Admitted(u) })
		h.eventually(how+" they have an overwrite", func() bool {
			_, _, there := h.overwrite(id, u)
			return there
		})
	}
	h.wantCode(h.redeem("ada", link.Code), errs.TokenUsedUp)
}

// While a room is locked nobody comes in who is on their way; they are when it is not any more.
func TestLockedMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	link, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id})
	h.Must(err)
	h.follow("stranger", link.Code)
	a := h.step("stranger", id, room.StepJoin)
	h.changed("jonas", id, room.DoLock)
	_, err = h.Discord.UseInvite(discordsim.ID(h.stranger()), a.Code)
	h.Must(err)
	h.clock.Forward(6 * time.Second)
	if a := h.step("stranger", id, room.StepWait); a.Why == nil || a.Why.Code != errs.Forbidden {
		t.Errorf("%+v", a)
	}
	h.changed("jonas", id, room.DoUnlock)
	h.step("stranger", id, room.StepIn)
}
