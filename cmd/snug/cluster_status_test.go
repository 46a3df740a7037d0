package main

import (
	"encoding/json"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"snug/shared/hub"
)

// status runs `snug cluster status`.
func (p *parts) status(args ...string) (status int, said string) {
	p.Helper()
	nats, _ := strings.CutPrefix(p.env[0], "SNUG_NATS_URL=")
	var out, errs strings.Builder
	status = run(p.Context(), append([]string{"cluster", "status", "--nats-url", nats}, args...), &out, &errs)
	if status != 0 {
		p.Log(errs.String())
	}
	return status, out.String()
}

// TestClusterStatus shows what runs and who holds what, and once the bots are gone, what's wrong.
func TestClusterStatus(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	if status, said := p.status(); status != 1 || !strings.Contains(said, "No process connects to Discord.") {
		t.Errorf("where nobody has been: status %d\n%s", status, said)
	}
	bot := p.bot()
	bot.says(connected)
	p.dashboard()
	status, said := p.status()
	if status != 0 || !strings.Contains(said, "holds 0") || !strings.Contains(said, "Nothing is wrong.") {
		t.Errorf("status %d\n%s", status, said)
	}
	status, said = p.status("--json")
	var r clusterReport
	if err := json.Unmarshal([]byte(said), &r); err != nil || status != 0 {
		t.Fatalf("status %d, %v\n%s", status, err, said)
	}
	if len(r.Processes) != 2 || len(r.Leases) != 1 || r.Leases[0].Connected == nil || !*r.Leases[0].Connected ||
		len(r.Streams) != len(hub.Names()) || r.Shards != 1 {
		t.Errorf("it says %s", said)
	}
	if err := bot.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if status, said = p.status(); status != 1 || !strings.Contains(said, "Start a process with the role bot.") {
		t.Errorf("without a bot: status %d\n%s", status, said)
	}
}

// TestProblemsOfACluster says of each what to do.
func TestProblemsOfACluster(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	process := func(id string, age time.Duration, shards int, takes ...int) hub.ProcessState {
		return hub.ProcessState{ID: id, Name: "on " + id, Shards: shards, Age: age, Process: hub.Process{
			Roles: []string{"bot", "dashboard"}, Version: "v1", Bot: true, Takes: takes,
		}}
	}
	good := func() hub.Report {
		return hub.Report{
			Shards:    2,
			Processes: []hub.ProcessState{process("a", time.Second, 2), process("b", 0, 2)},
			Leases: []hub.LeaseState{
				{Shard: 0, Holder: "a", Name: "on a", Term: 1, Connected: &yes},
				{Shard: 1, Holder: "b", Name: "on b", Term: 2, Connected: &yes},
			},
			Streams: []hub.StreamState{{
				Name: "rooms", Leader: "n1", Replicas: 3, MaxBytes: 100,
				Copies: []hub.ReplicaState{{Server: "n2", Current: true}, {Server: "n3", Lag: 3}},
			}},
			Backups: &hub.BackupState{
				BackupTurn: hub.BackupTurn{Name: "on b", Last: time.Now(), Every: 24 * time.Hour}, Age: 35 * time.Hour,
			},
		}
	}
	for name, change := range map[string]func(*hub.Report){
		"a good one":                   func(*hub.Report) {},
		"one without backups":          func(r *hub.Report) { r.Backups = nil },
		"one that takes its first one": func(r *hub.Report) { r.Backups.Last, r.Backups.Age = time.Time{}, 1<<60 },
	} {
		r := good()
		if change(&r); len(problems(r)) > 0 {
			t.Errorf("of %s: %v", name, problems(r))
		}
	}
	for want, change := range map[string]func(*hub.Report){
		"hasn't been heard of for 9s": func(r *hub.Report) { r.Processes[0].Age = 9 * time.Second },
		"No process connects to Discord": func(r *hub.Report) {
			r.Processes[0].Bot, r.Processes[1].Bot = false, false
		},
		"No process serves the web": func(r *hub.Report) {
			r.Processes[0].Roles, r.Processes[1].Roles = []string{"bot"}, nil
		},
		"on b counts 4 shards, the others 2": func(r *hub.Report) { r.Processes[1].Shards = 4 },
		"2 versions":                         func(r *hub.Report) { r.Processes[1].Version = "v2" },
		"No running process may take shard 1": func(r *hub.Report) {
			r.Processes = []hub.ProcessState{process("a", 0, 2, 0)}
			r.Leases[1].Holder = ""
		},
		"Nobody holds shard 1":          func(r *hub.Report) { r.Leases = r.Leases[:1] },
		"Nobody holds shard 0":          func(r *hub.Report) { r.Leases[0].Age = time.Minute },
		"Shard 0 isn't connected":       func(r *hub.Report) { r.Leases[0].Connected = &no },
		"doesn't report its connection": func(r *hub.Report) { r.Leases[0].Connected = nil },
		"Nothing of Snug is stored":     func(r *hub.Report) { r.Streams[0].Missing = true },
		"dms doesn't exist": func(r *hub.Report) {
			r.Streams = append(r.Streams, hub.StreamState{Name: "dms", Missing: true})
		},
		"rooms doesn't answer":           func(r *hub.Report) { r.Streams[0].Silent = true },
		"rooms has one copy":             func(r *hub.Report) { r.Streams[0].Replicas = 1 },
		"copy of rooms on n2 is offline": func(r *hub.Report) { r.Streams[0].Copies[0].Offline = true },
		"is 20000 writes behind":         func(r *hub.Report) { r.Streams[0].Copies[1].Lag = 20_000 },
		"The last backup was taken 37h ago, but there should be one every 24h": func(r *hub.Report) {
			r.Backups.Age = 37 * time.Hour
		},
		"2 backups failed in a row, the last one by on b: no room": func(r *hub.Report) {
			r.Backups.Failed, r.Backups.Error = 2, "no room"
		},
		"rooms is nearly full": func(r *hub.Report) { r.Streams[0].Bytes = 95 },
	} {
		r := good()
		change(&r)
		all := problems(r)
		if !slices.ContainsFunc(all, func(p problem) bool { return strings.Contains(p.Says, want) && p.Do != "" }) {
			t.Errorf("%q is not among %v", want, all)
		}
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for want, list := range map[string][]int{"": nil, "3": {3}, "0-3,8": {0, 1, 2, 3, 8}, "1,3-4": {1, 3, 4}} {
		if got := spans(list); got != want {
			t.Errorf("%v is %q, want %q", list, got, want)
		}
	}
}
