package card

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// draw draws a card and looks at what holds for each.
func draw(t *testing.T, c Card) []byte {
	t.Helper()
	b, err := Draw(c)
	if err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
	if len(b) > 300_000 {
		t.Errorf("%+v: %d bytes", c, len(b))
	}
	p, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil || p.Width != 1200 || p.Height != 630 {
		t.Errorf("%+v: %d by %d, %v", c, p.Width, p.Height, err)
	}
	return b
}

func TestDraw(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Wednesday’s ", 9)
	for _, c := range []Card{
		{}, Own(),
		{Name: "Friday draft", Place: "Spelltable Friends", Seats: 1, Taken: 1},
		{Name: long, Place: long, Seats: 8, Taken: 8},
		{Name: strings.Repeat("W", 100), Place: "Клуб", Seats: 10, Taken: 10},
		{Name: long, Place: long, Seats: 36, Taken: 36},
		{Name: long, Place: "Οι φίλοι", Seats: 99, Taken: 99},
		{Name: long, Place: long, Seats: 37, Taken: 37},
		{Name: long, Place: long, Seats: 14, Taken: 14},
		{Name: "overfull", Seats: 2, Taken: 5},
		{Name: "out of range", Seats: -1, Taken: 1 << 40},
		{Name: "Mara’s room", Place: "Łódź", Seats: 4, Quiet: true},
		{Name: "金曜日", Place: "🎲", Seats: 4, Taken: 2, Closed: true},
	} {
		draw(t, c)
	}
}

// Equal cards are equal pictures, and a quiet one is the same whoever is there.
func TestPicturesSayWhatTheCardSays(t *testing.T) {
	t.Parallel()
	quiet := Card{Name: "Mara’s room", Place: "Friends", Seats: 4, Quiet: true}
	first := draw(t, quiet)
	quiet.Taken = 3
	if !bytes.Equal(first, draw(t, quiet)) {
		t.Error("a quiet card shows who is there")
	}
	one := draw(t, Card{Name: "a", Seats: 4, Taken: 1})
	if bytes.Equal(one, draw(t, Card{Name: "a", Seats: 4, Taken: 2})) {
		t.Error("one and two people look alike")
	}
	// what can't be written changes nothing: no boxes
	plain, more := Card{Name: "Friday draft", Seats: 4}, Card{Name: "Friday 🎲 金曜 draft", Seats: 4}
	if !bytes.Equal(draw(t, plain), draw(t, more)) {
		t.Error("words without letters leave something behind")
	}
}

func TestDrawable(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, text, want string }{
		{"plain", "Friday draft", "Friday draft"},
		{"spaces", "  Friday \t draft\n", "Friday draft"},
		{"Latin", "Łódź Dvořák Ærø Tiếng Việt São", "Łódź Dvořák Ærø Tiếng Việt São"},
		{"Greek", "Ώρα για παιχνίδι", "Ώρα για παιχνίδι"},
		{"Cyrillic", "Вечерняя игра ґ ђ", "Вечерняя игра ґ ђ"},
		{"punctuation", "Mara’s “room” – 2/4 & more…", "Mara’s “room” – 2/4 & more…"},
		{"composed", "Cafe\u0301", "Café"},
		{"a mark that goes with nothing", "q\u0301ueue here", "here"},
		{"emoji", "🎲 Friday 🎲", "Friday"},
		{"only emoji and a dash", "🎲 – 🎲", ""},
		{"Japanese", "金曜日の部屋", ""},
		{"Arabic", "غرفة الجمعة", ""},
		{"some Japanese", "draft 金曜日", "draft"},
		{"turned round", "a\u202eb ok", "ok"},
		{"empty", "", ""},
		{"not UTF-8", "\xff\xfe ok", "ok"},
	} {
		if got := Drawable(x.text); got != x.want {
			t.Errorf("%s: %q of %q, want %q", x.name, got, x.text, x.want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	all, err := fonts()
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWriter(all, 50)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name, text string
		lines      []string
		cut        bool
	}{
		{"one line", "Friday draft", []string{"Friday draft"}, false},
		{"two lines", "Friday draft and more", []string{"Friday draft", "and more"}, false},
		{"too many words", "Friday draft and more and still more", []string{"Friday draft", "and more…"}, true},
		{"a long word", "Donaudampfschiff", []string{"Donaudam…"}, true},
	} {
		lines, cut := w.wrap(x.text, 330, 2)
		if !slices.Equal(lines, x.lines) || cut != x.cut {
			t.Errorf("%s: %q %v, want %q %v", x.name, lines, cut, x.lines, x.cut)
		}
		for _, l := range lines {
			if w.width(l) > 330 {
				t.Errorf("%s: %q is %.0f wide", x.name, l, w.width(l))
			}
		}
	}
}

func TestPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var drawn atomic.Int64
		p := NewPictures()
		gate := make(chan struct{})
		p.draw = func(c Card) ([]byte, error) {
			<-gate
			drawn.Add(1)
			return []byte(c.Name), nil
		}
		a := Card{Name: "a", Seats: 4}
		got := make(chan string, 20)
		for range cap(got) {
			go func() {
				pic, err := p.Get(t.Context(), a)
				got <- string(pic.PNG)
				if err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Get(ctx, a); !errors.Is(err, context.Canceled) {
			t.Errorf("who has gone waits: %v", err)
		}
		close(gate)
		for range cap(got) {
			if s := <-got; s != "a" {
				t.Errorf("got %q", s)
			}
		}
		if n := drawn.Load(); n != 1 {
			t.Errorf("drawn %d times for 20 who asked at once", n)
		}
		for i := range 3 * maxPictures {
			if _, err := p.Get(t.Context(), Card{Name: strings.Repeat("x", i+1)}); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(p.drawn); n != maxPictures {
			t.Errorf("%d pictures are kept", n)
		}
	})
}

func TestPicturesDrawFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		p := NewPictures()
		gate := make(chan struct{})
		p.draw = func(Card) ([]byte, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-gate
			now.Add(-1)
			return nil, errors.New("no ink")
		}
		for i := range 10 {
			go func() {
				if _, err := p.Get(t.Context(), Card{Seats: i + 1}); err == nil {
					t.Error("what could not be drawn is answered")
				}
			}()
		}
		synctest.Wait()
		if now.Load() != maxDrawing {
			t.Errorf("%d are drawn at a time", now.Load())
		}
		close(gate)
		synctest.Wait()
		if most.Load() != maxDrawing || len(p.drawn) != 0 {
			t.Errorf("%d at most, and %d kept", most.Load(), len(p.drawn))
		}
	})
}

func BenchmarkDraw(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Draw(Card{Name: "Friday draft", Place: "Spelltable Friends", Seats: 4, Taken: 3}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKept(b *testing.B) {
	p := NewPictures()
	for b.Loop() {
		if _, err := p.Get(b.Context(), Own()); err != nil {
			b.Fatal(err)
		}
	}
}
