package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"snug/shared/discordsim"
)

func TestParseJoins(t *testing.T) {
	o, err := parseJoins([]string{"-guilds", "3", "--rooms", "2", "-people", "5", "-rate", "10", "-json"}, io.Discard)
	if err != nil || o.guilds[0] != 3 || o.perGuild != 2 || o.members != 10 || o.rate != 10 || !o.json {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"-rooms", "51"}, {"-rate", "0"}, {"-for", "1ms"}, {"more"}, {"-nonsense"}} {
		if _, err := parseJoins(args, io.Discard); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
	if err := run(t.Context(), []string{"joins", "-rooms", "0"}, nil, io.Discard); err == nil {
		t.Error("joins without rooms were measured")
	}
}

func TestPrintJoins(t *testing.T) {
	var table, lines bytes.Buffer
	o := joinOptions{guildOptions: guildOptions{guilds: []int{1}}}
	err := printJoins(&table, o, []joinFigures{{Kind: "joins", Rate: 1000, CPU: 200, P95: 2.5}})
	o.json = true
	err = errors.Join(err, printJoins(&lines, o, []joinFigures{{Kind: "joins", CPU: 200}}))
	var back joinFigures
	if err := errors.Join(err, json.Unmarshal(lines.Bytes(), &back)); err != nil || back.CPU != 200 {
		t.Errorf("%s, %v", &lines, err)
	}
	if !strings.Contains(table.String(), "200 µs") || !strings.Contains(table.String(), "2.5 ms") {
		t.Errorf("%s", &table)
	}
}

// TestComings has two people of a simulator join and leave, with nobody watching.
func TestComings(t *testing.T) {
	limits := discordsim.NoRateLimits()
	s := discordsim.New(discordsim.Options{Seed: 1, Limits: &limits})
	owner := s.AddUser("owner", "")
	g, err := s.AddGuild("Guild", owner.ID)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.AddChannel(g.ID, discordsim.ChannelOptions{Name: "room", Type: discordsim.ChannelVoice})
	if err != nil {
		t.Fatal(err)
	}
	all := &comings{s: s, late: &histogram{}, people: []*visitor{{guild: g.ID, user: owner.ID, room: c.ID}}}
	f, err := all.run(t.Context(), "joins", "200 100")
	if err != nil || f.Rate < 1 || f.Missed != 0 {
		t.Errorf("%+v, %v", f, err)
	}
	all.end()
	var none *comings
	if none.end(); !errors.Is(second(none.run(t.Context(), "joins", "1 1")), errNoRooms) {
		t.Error("people came where no rooms are open")
	}
	if _, err := all.run(t.Context(), "joins", "many"); err == nil {
		t.Error("a rate without numbers was taken")
	}
}

func second[T any](_ T, err error) error { return err }
