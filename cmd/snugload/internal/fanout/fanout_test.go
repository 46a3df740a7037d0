package fanout

import (
	"bytes"
	"testing"
)

func TestMark(t *testing.T) {
	e := Event{Room: 42, N: 1_234_567, At: 1_764_498_724_123_456_789}
	mark := AppendMark(nil, e)
	if len(mark) != MarkLen {
		t.Errorf("%s is %d long, want %d", mark, len(mark), MarkLen)
	}
	message := append(append([]byte(`{"event":"voice.joined","username":"`), mark...), `","n":1}`...)
	for _, hint := range []int{0, 24, 9999, -1} {
		if got, at, ok := FindMark(message, hint); got != e || at != 24 || !ok {
			t.Errorf("hint %d: %+v at %d, %v", hint, got, at, ok)
		}
	}
	for _, m := range []string{`{"event":"server.heartbeat"}`, `{"username":"tom"}`,
		`{"username":"t` + string(make([]byte, 40))} {
		if _, _, ok := FindMark([]byte(m), 0); ok {
			t.Errorf("%s has a mark", m)
		}
	}
}

type published map[int][]string

func (p published) Publish(room int, mark []byte) { p[room] = append(p[room], string(mark)) }

func TestPublish(t *testing.T) {
	events := []Event{{3, 1, 5}, {17, 9, 6}, {3, 2, 7}}
	line := AppendPublish(nil, events)
	rest, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte("publish "))
	got := published{}
	publish(got, rest)
	if !ok || len(got[3]) != 2 || got[3][1] != string(AppendMark(nil, events[2])) || len(got[17]) != 1 {
		t.Errorf("%q gave %v", line, got)
	}
}
