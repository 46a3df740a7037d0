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

func contains(s, words string) bool { return strings.Contains(s, words) }

func TestMaximumAge(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"max_age":"2h","private":false}`)
	id := h.open("jonas", "Friday").Room.ID
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "jonas")
	if v := h.view("jonas", id); v.Deadline.Sub(v.Room.OpenedAt) != 2*time.Hour {
		t.Errorf("the page is not told when the room ends: %v", v.Deadline)
	}
	h.clock.Forward(2*time.Hour - 20*time.Second)
	h.sweep()
	h.said(id, "has reached its maximum age")
	h.await("the web is told", func(l map[snowflake.ID]room.Live) bool { return !l[id].Room.ClosingAt.IsZero() })
	_, err := call(h, hub.KeepRoom, h.request("jonas", id))
	h.wantCode(err, errs.Forbidden)
	h.clock.Forward(31 * time.Second)
	h.sweep()
	h.await("the room is gone", func(l map[snowflake.ID]room.Live) bool { return len(l) == 0 })
	if h.where("jonas") != 0 {
		t.Error("somebody is left in voice")
	}
	h.wantAudit(id, "room_closing age", "room_closed age")
}

func TestKeepingIsTold(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	id := h.open("jonas", "Friday").Room.ID
	h.clock.Forward(time.Hour - 20*time.Second)
	h.sweep()
	h.said(id, "this room closes")
	_, err := call(h, hub.KeepRoom, h.request("kiyo", id))
	h.Must(err)
	h.said(id, "stays open")
	h.clock.Forward(time.Minute)
	h.sweep()
	if _, there := h.channels()[id]; !there {
		t.Error("a room that was kept is closed")
	}
}

// Who keeps a room sees that it is kept, however short its times are: in the panel, and where its closing is told.
func TestKeepingShows(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false,"idle_timeout":"0s","closing_notice":"30s"}`)
	id := h.open("jonas", "Friday").Room.ID
	announced := func() bool { return !h.view("jonas", id).Room.ClosingAt.IsZero() }
	h.sweep()
	h.said(id, "this room closes")
	_, err := call(h, hub.KeepRoom, h.request("jonas", id))
	h.Must(err)
	h.panel("jonas", id, "it says that the room is kept",
		func(m *discordsim.Message) bool { return strings.Contains(m.Text(), "Kept open") })
	h.clock.Forward(room.KeepTime - 10*time.Second)
	h.sweep()
	if v := h.view("jonas", id); announced() || !v.Kept || v.IdleDeadline.Sub(h.clock.Now()) < 30*time.Second {
		t.Errorf("kept a while ago: %+v", v)
	}
	h.clock.Forward(15 * time.Second)
	h.sweep()
	if !announced() {
		t.Error("a room that was kept is kept for ever")
	}
}

// Discord takes two names in ten minutes; the third waits, also for a restart.
func TestRenamesByBudget(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	for _, name := range []string{"Saturday", "Sunday"} {
		if done := h.changed("jonas", id, room.DoRename, text(name)); !done.Later.IsZero() || done.Room.Name != name {
			t.Errorf("%s: %+v", name, done)
		}
	}
	done := h.changed("jonas", id, room.DoRename, text("Monday"))
	if wait := done.Later.Sub(h.clock.Now()); wait <= 9*time.Minute || wait > 10*time.Minute ||
		done.Room.Name != "Sunday" {
		t.Errorf("the third is promised in %v: %+v", wait, done.Room)
	}
	h.changed("jonas", id, room.DoRename, text("Tuesday")) // the last word counts
	if v := h.view("jonas", id); v.Control.WantedName != "Tuesday" || v.Control.RenamesLeft != 0 {
		t.Errorf("the owner sees %+v", v.Control)
	}
	if n := h.asked("PATCH /channels/{channel}"); n != 2+h.asked("PATCH /channels/{channel}/") {
		t.Errorf("Discord was asked %d times", n)
	}
	h.sweep()
	h.clock.Forward(10 * time.Minute) // Discord's own clock is slower: it refuses, and says when to come back
	h.sweep()
	if v := h.view("jonas", id); v.Control.WantedName != "Tuesday" ||
		v.Control.NextRename.Sub(h.clock.Now()) < 9*time.Minute {
		t.Errorf("after Discord refused for a while: %+v", v.Control)
	}
	h.whileDown(func() { h.clock.Forward(11 * time.Minute); h.theirs.Forward(11 * time.Minute) })
	h.sweep()
	h.await("the name is applied", func(l map[snowflake.ID]room.Live) bool { return l[id].Room.Name == "Tuesday" })
	if c := h.channels()[id]; c.Name != "Tuesday" {
		t.Errorf("in Discord it is called %q", c.Name)
	}
	_, err := h.change("jonas", id, room.DoRename, text(" \u200b "))
	h.wantCode(err, errs.Invalid)
	h.wantAudit(id, "room_renamed Friday>Saturday", "room_renamed Saturday>Sunday", "rename_planned Sunday>Monday",
		"rename_planned Sunday>Tuesday", "room_renamed Sunday>Tuesday")
}

func TestStatus(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"blocked_words":["spoiler"]}`)
	id := h.open("jonas", "Friday").Room.ID
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "jonas")
	if done := h.changed("jonas", id, room.DoStatus, text("Draft, round 2")); done.Room.Status != "Draft, round 2" {
		t.Errorf("the status is %+v", done.Room)
	}
	if n := h.asked("PUT /channels/{channel}/voice-status"); n != 1 {
		t.Errorf("Discord was told %d times", n)
	}
	for _, bad := range []string{strings.Repeat("x", 501), "a s p o i l e r"} {
		_, err := h.change("jonas", id, room.DoStatus, text(bad))
		h.wantCode(err, errs.Invalid)
	}
	h.Leave("jonas") // an empty channel has none, says Discord
	h.await("the status is gone", func(l map[snowflake.ID]room.Live) bool { return len(l[id].Roster) == 0 })
	h.eventually("the status is forgotten", func() bool { return h.view("jonas", id).Room.Status == "" })
}

func TestNamesAndWords(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"blocked_words":["badger","*zonk*"],"name_template":"{owner} zonk {n}","rooms_per_member":9}`)
	for _, bad := range []string{
		"Badger", "the BÁDGER den", "b a d g e r", "bаdgеr", "b4dg3r", "ｂａｄｇｅｒ", "b\u200badger", "baaadger",
		"superzonkers", "z.o.n.k",
	} {
		_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("jonas"), Name: bad})
		h.wantCode(err, errs.Invalid)
	}
	if r := h.openWith("jonas", room.OpenRequest{Name: "badgers welcome"}); r.Room.Name != "badgers welcome" {
		t.Errorf("a longer word is refused, or %q", r.Room.Name)
	}
	if r := h.openWith("kiyo", room.OpenRequest{}); r.Room.Name != "Room 2" { // the template has a word that is blocked
		t.Errorf("it is called %q", r.Room.Name)
	}
	name := "𝕱𝖗𝖎𝖉𝖆𝖞 ﷽ 👩‍👩‍👧 \u202edlrow"
	r := h.openWith("ada", room.OpenRequest{Name: name})
	if r.Room.Name != strings.ReplaceAll(name, "\u202e", "") {
		t.Errorf("it is called %q", r.Room.Name)
	}
}

func TestLogChannel(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	log := h.add(discordsim.ChannelOptions{Name: "log", Type: discordsim.ChannelText})
	_, err := call(h, hub.SaveSettings,
		room.SettingsRequest{Actor: h.actor("mara"), JSON: []byte(`{"log_channel_id":"` + h.public.String() + `"}`)})
	h.wantCode(err, errs.Invalid)
	h.settings(`{"log_channel_id":"` + log.String() + `"}`)
	id := h.open("jonas", "Friday").Room.ID
	h.said(log, id.String())
	h.changed("jonas", id, room.DoRename, text("@everyone *Saturday*"))
	h.said(log, "Saturday")
	for _, m := range h.chat("mara", log) {
		h.mentionsNobody(m)
	}
	entries := len(h.audited(0)) + len(h.audited(id))
	h.sweep()
	if n := len(h.audited(0)) + len(h.audited(id)); n != entries {
		t.Errorf("writing to the log channel made %d entries", n-entries)
	}

	// Without permission to write nothing else suffers, and Discord is not asked again and again.
	h.do(http.MethodPut, "/channels/"+log.String()+"/permissions/"+h.App.ID.String(),
		map[string]any{"type": 1, "deny": "2048", "allow": "0"}).Body.Close()
	before := h.asked("POST /channels/{channel}/messages")
	for range 3 {
		h.changed("jonas", id, room.DoLock)
		h.changed("jonas", id, room.DoUnlock)
	}
	h.eventually("it was tried", func() bool { return h.asked("POST /channels/{channel}/messages") > before })
	if n := h.asked("POST /channels/{channel}/messages") - before; n > 2 {
		t.Errorf("it was tried %d times", n)
	}
	p, err := call(h, hub.PreflightOf, manage(h, "mara"))
	h.Must(err)
	lacks := ""
	for _, n := range p.Needs {
		if !n.Granted {
			lacks += n.WhereName + ": " + n.Permission + ". "
		}
	}
	if !p.OK || !strings.Contains(lacks, "log: Send Messages") {
		t.Errorf("the preflight: %v, %s", p.OK, lacks)
	}
	h.clock.Forward(10*time.Minute + time.Second)
	h.do(http.MethodDelete, "/channels/"+log.String()+"/permissions/"+h.App.ID.String(), nil).Body.Close()
	h.changed("jonas", id, room.DoRename, text("Sunday"))
	h.said(log, "Sunday")
}
