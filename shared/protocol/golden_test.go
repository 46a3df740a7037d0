package protocol

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/testkit"
)

const (
	guild = snowflake.ID(41771983423143937)
	chnl  = snowflake.ID(155101607195836416)
	nelly = snowflake.ID(80351110224678912)
	epoch = "k3J9"
)

var now = time.UnixMilli(1767225600000)

func live(n uint64, fact room.Fact, change func(*room.Live)) *room.Live {
	l := &room.Live{N: n, Room: room.Summary{
		ID: chnl, GuildID: guild, Name: "Friday", Seats: 4, OpenedAt: now.Add(-time.Hour),
		Access: room.Access{OwnerID: nelly, Private: true},
	}}
	if fact != nil {
		l.Event = &room.Event{Fact: fact, At: now}
	}
	if change != nil {
		change(l)
	}
	return l
}

func person() room.Person {
	return room.Person{
		UserID: nelly, Username: "nelly", DisplayName: "Nelly", Avatar: "a_1269e74af4df7417b13759eae50c83dc",
		Since: now, Seat: 2,
	}
}

// messages returns every message of the protocol, keyed by the name of its golden file.
func messages(t *testing.T) map[string][]byte {
	ev := func(l *room.Live) []byte {
		b, err := EncodeEvent(l, epoch, now)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	muted, streams := person(), person()
	muted.Muted = true
	streams.Streaming, streams.Avatar = true, ""
	return map[string][]byte{
		"auth":           Auth{Token: "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"}.Encode(now),
		"page.visible":   Visible{}.Encode(now),
		"event.rendered": Rendered{chnl, Rev{epoch, 8}}.Encode(now),
		"auth.ok":        EncodeWelcome(Welcome{guild, nelly, []snowflake.ID{chnl}}, epoch, now),
		"error": EncodeError(errs.E(errs.RoomNotFound,
			"That room doesn't exist, or you can't see it. Ask its owner for an invite link."),
			now),
		"room.snapshot": EncodeSnapshot(live(7, room.Changed{}, func(l *room.Live) {
			p := person()
			p.Since = now.Add(-10 * time.Minute)
			l.Roster = []room.Person{
				p,
				{
					UserID: 53908232506183680, Username: "jukebox", DisplayName: "Jukebox", Bot: true, Deafened: true,
					Since: now.Add(-5 * time.Minute),
				},
			}
		}), epoch, now),
		"room.created":  ev(live(1, room.Opened{}, func(l *room.Live) { l.Room.OpenedAt = now })),
		"voice.joined":  ev(live(8, room.VoiceJoined{Person: muted}, nil)),
		"voice.updated": ev(live(9, room.VoiceUpdated{Person: streams}, nil)),
		"voice.left": ev(live(10, room.VoiceLeft{UserID: nelly}, func(l *room.Live) {
			l.Room.Held = []time.Time{now.Add(time.Minute)}
		})),
		"room.updated": ev(live(11, room.Changed{}, func(l *room.Live) {
			l.Room.Name, l.Room.Seats, l.Room.Access.Private, l.Room.Access.Locked = "Friday night", 6, false, true
			l.Room.Card.Headline = "Casual, until 11"
			l.Room.Status, l.Room.Knocking, l.Room.Waiting, l.Room.Held = "Round 2", 1, 2, []time.Time{
				now.Add(time.Minute),
			}
		})),
		"room.closing": ev(live(12,
			room.ClosingAnnounced{At: now.Add(30 * time.Second), Reason: room.ClosedIdle}, nil)),
		"room.kept":            ev(live(13, room.ClosingCancelled{By: nelly}, nil)),
		"room.deleted":         ev(live(14, room.Closed{Reason: room.ClosedIdle}, nil)),
		"room.hidden":          EncodeHidden(guild, chnl, now),
		"room.history_updated": EncodeHistoryUpdated(guild, chnl, now),

		"server.heartbeat": EncodeHeartbeat(true, now, now),
	}
}

func TestGolden(t *testing.T) {
	doc, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range messages(t) {
		t.Run(name, func(t *testing.T) {
			testkit.Generated(t, filepath.Join("testdata", name+".json"), string(got)+"\n")
			if !strings.Contains(string(doc), "```json\n"+string(got)+"\n```") {
				t.Errorf("docs/protocol.md does not show this message as it is sent:\n%s", got)
			}
		})
	}
	if shown := strings.Count(string(doc), "```json"); shown != len(messages(t)) {
		t.Errorf("docs/protocol.md shows %d messages, there are %d", shown, len(messages(t)))
	}
}

// TestGivenFields checks the fields that clients rely on, apart from fields added later.
func TestGivenFields(t *testing.T) {
	for name, want := range map[string]map[string]any{
		"voice.joined": {
			"guildId": guild.String(), "channelId": chnl.String(), "userId": nelly.String(),
			"username": "nelly", "avatar": "a_1269e74af4df7417b13759eae50c83dc",
		},
		"voice.left": {
			"guildId": guild.String(), "channelId": nil, "userId": nelly.String(), "roomId": chnl.String(),
		},
		"room.created":  {"guildId": guild.String(), "channelId": chnl.String(), "name": "Friday", "userLimit": 4.0},
		"room.deleted":  {"guildId": guild.String(), "channelId": chnl.String()},
		"voice.updated": {"avatar": nil},
	} {
		var m Message[map[string]any]
		if err := json.Unmarshal(messages(t)[name], &m); err != nil {
			t.Fatal(err)
		}
		for field, value := range want {
			if got, ok := m.Payload[field]; !ok || !reflect.DeepEqual(got, value) {
				t.Errorf("%s: %s is %v, want %v", name, field, got, value)
			}
		}
		if m.V != 1 || m.Type != TypeEvent || string(m.Event) != name || m.TS != now.UnixMilli() || m.Rev == nil ||
			m.Rev.Epoch != epoch {
			t.Errorf("%s: envelope %+v", name, m)
		}
	}
}

func TestSnapshotWithoutEvent(t *testing.T) {
	got, err := EncodeEvent(live(3, nil, nil), epoch, now)
	if err != nil || string(got) != string(EncodeSnapshot(live(3, nil, nil), epoch, now)) {
		t.Errorf("a room without an event gave %s, %v", got, err)
	}
}

func TestCloseCodes(t *testing.T) {
	doc, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Codes() {
		row := ""
		for line := range strings.Lines(string(doc)) {
			if strings.HasPrefix(line, "| "+string(itoa(int(c)))+" |") {
				row = line
			}
		}
		_, again := c.Retry()
		if row == "" || c.Meaning() == "" || again != strings.Contains(row, "| yes") {
			t.Errorf("%d: retry %v, the document says %q", c, again, row)
		}
	}
	if _, again := CloseCode(1006).Retry(); !again {
		t.Error("a broken connection is to be made again")
	}
	for code, want := range map[errs.Code]CloseCode{
		errs.TokenExpired: CloseBadToken, errs.RoomNotFound: CloseForbidden, errs.Forbidden: CloseForbidden,
		errs.Unauthorized: CloseSessionOver, errs.RateLimited: CloseTooMany, errs.Unavailable: CloseTryLater,
		errs.Invalid: CloseProtocol, errs.Internal: CloseInternal,
	} {
		if got := CloseFor(errs.E(code, "x")); got != want {
			t.Errorf("%s closes with %d, want %d", code, got, want)
		}
	}
}

func itoa(n int) []byte { b, _ := json.Marshal(n); return b }
