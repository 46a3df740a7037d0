package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParse(t *testing.T) {
	for _, args := range [][]string{
		{"fast"}, {"-cycles", "-1"}, {"-json", "hot"}, {"-sender", "node"}, {"-length", "1ms"}, {"-nonsense"},
		{"-windows", "0"}, {"-rates", "many"}, {"-guilds", "0"}, {"-idle", "0"}, {"-rooms", "100000"},
	} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
	o, err := parse([]string{"hot", "guilds", "--sender", "node=node server.js", "-guilds", "10, 500"}, io.Discard)
	if err != nil || len(o.chosen) != 2 || !o.chosen["guilds"] || len(o.others) != 1 || o.others[0].name != "node" ||
		len(o.others[0].command) != 2 || len(o.guilds) != 2 || o.guilds[1] != 500 || o.cyclesOr(12) != 12 {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := parse(nil, io.Discard); err != nil || len(o.chosen) != len(fanoutScenarios) {
		t.Errorf("without names: %v, %v", o.chosen, err)
	}
	if err := run(t.Context(), []string{"-url", "nowhere"}, nil, io.Discard); err == nil {
		t.Error("an address without a host was taken")
	}
	if err := run(t.Context(), []string{"be", "somebody"}, nil, io.Discard); err == nil {
		t.Error("it was somebody")
	}
}

func TestHelp(t *testing.T) {
	var b bytes.Buffer
	if _, err := parse([]string{"-help"}, &b); err == nil {
		t.Error("help isn't an error")
	}
	for _, s := range scenarios() {
		if !strings.Contains(b.String(), "  "+s.name+" ") {
			t.Errorf("it doesn't name %s", s.name)
		}
	}
	for line := range strings.Lines(b.String()) {
		if len([]rune(line)) > 121 {
			t.Errorf("this line is too wide: %s", line)
		}
	}
}
