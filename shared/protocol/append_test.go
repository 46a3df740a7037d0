package protocol

import (
	"encoding/json"
	"testing"

	"snug/shared/room"
)

func BenchmarkEncodeEvent(b *testing.B) {
	l := live(8, room.VoiceJoined{Person: person()}, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := EncodeEvent(l, epoch, now); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzAppend compares the hand-written encoding with that of encoding/json.
func FuzzAppend(f *testing.F) {
	f.Add(uint64(1), "nelly", "Nelly", "", "k3J9", true, false)
	f.Add(uint64(1<<63), "<b>", "\u202e\xff\"\\\n", "a_1", "", false, true)
	f.Fuzz(func(t *testing.T, id uint64, username, display, avatar, epoch string, bot, muted bool) {
		p := room.Person{
			UserID: nelly, Username: username, DisplayName: display, Avatar: avatar, Bot: bot, Muted: muted, Since: now,
			Seat: len(username),
		}
		for _, fact := range []room.Fact{
			room.VoiceJoined{Person: p}, room.VoiceUpdated{Person: p}, room.VoiceLeft{UserID: chnl},
		} {
			l := live(id, fact, nil)
			got, err := EncodeEvent(l, epoch, now)
			if err != nil {
				t.Fatal(err)
			}
			var want []byte
			rev := &Rev{epoch, id}
			switch fact.(type) {
			case room.VoiceLeft:
				want, err = json.Marshal(Message[Left]{
					V: 1, Type: TypeEvent, Event: VoiceLeft, Rev: rev, TS: now.UnixMilli(),
					Payload: Left{GuildID: guild, UserID: chnl, RoomID: chnl, Held: []int64{}},
				})
			case room.VoiceJoined:
				want, err = json.Marshal(Message[Voice]{
					V: 1, Type: TypeEvent, Event: VoiceJoined, Payload: voice(l, &p), Rev: rev, TS: now.UnixMilli(),
				})
			default:
				want, err = json.Marshal(Message[Voice]{
					V: 1, Type: TypeEvent, Event: VoiceUpdated, Payload: voice(l, &p), Rev: rev, TS: now.UnixMilli(),
				})
			}
			if err != nil || string(got) != string(want) {
				t.Fatalf("%s\n%s\n%v", got, want, err)
			}
		}
	})
}
