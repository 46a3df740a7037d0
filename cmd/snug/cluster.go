package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"snug/bot/shards/lease"
	"snug/shared/config"
	"snug/shared/hub"
	"snug/shared/terminal"
)

type clusterCmd struct {
	Status clusterStatusCmd `cmd:"" help:"Show the processes, the shards, the hub's copies, and what's wrong."`
}

type clusterStatusCmd struct {
	sharedHub
	JSON bool `help:"Print it as JSON, for scripts."`
}

// sharedHub holds the flags that say where the hub is, when it can only be a NATS server.
type sharedHub struct {
	NATSURL   string `name:"nats-url" env:"SNUG_NATS_URL" placeholder:"URL" help:"${cluster_nats_url}"`
	NATSCreds string `name:"nats-creds" env:"SNUG_NATS_CREDS" type:"path" placeholder:"FILE" help:"${nats_creds}"`
	NATSCA    string `name:"nats-ca" env:"SNUG_NATS_CA" type:"path" placeholder:"FILE" help:"${nats_ca}"`
	config.FromFile
	config.Log
}

// Help returns examples.
func (*clusterStatusCmd) Help() string {
	return examples(
		"snug cluster status", "Show how the processes on SNUG_NATS_URL are.",
		"snug cluster status --json | jq -r '.problems[].do'", "What to do, for a script.",
	)
}

// clusterReport is what status prints as JSON.
type clusterReport struct {
	hub.Report
	Problems []problem `json:"problems"`
}

// problem is something wrong with a cluster.
type problem struct {
	Says string `json:"says"` // what's wrong
	Do   string `json:"do"`   // what to do about it
}

// Run prints how the cluster is. It returns an error if anything is wrong.
func (c *clusterStatusCmd) Run(w world) error {
	log, err := logger(c.Log, w.err)
	if err != nil {
		return err
	}
	r, err := hub.Inspect(w.ctx, hub.Options{
		URL: c.NATSURL, CredsFile: c.NATSCreds, CAFile: c.NATSCA, Log: log, ConnectTimeout: 5 * time.Second,
		WriteTimeout: 2 * time.Second,
	})
	if err != nil {
		return err
	}
	all := clusterReport{r, problems(r)}
	if c.JSON {
		e := json.NewEncoder(w.out)
		e.SetIndent("", "  ")
		err = e.Encode(all)
	} else {
		all.print(w.out)
	}
	if err == nil && len(all.Problems) > 0 {
		err = fmt.Errorf("something is wrong with the cluster: %s. Each says what to do",
			count(len(all.Problems), "problem"))
	}
	return err
}

// print prints it for people.
func (r clusterReport) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "NATS %s at %s\n\nProcesses\n", r.Version, r.Server)
	for _, p := range r.Processes {
		fmt.Fprintf(t, "  %s\t%s\t%s\tup %s\t%s\n", p.Name, strings.Join(p.Roles, ","), p.Version,
			brief(time.Since(p.Started)), strings.Join(r.about(p), ", "))
	}
	fmt.Fprintf(t, "\nShards: %d\n", r.Shards)
	for _, l := range r.Leases {
		fmt.Fprintf(t, "  %d\t%s\tterm %d\t%s\t%s\n", l.Shard, holderOf(l), l.Term,
			brief(l.Age)+" ago", connection(l))
	}
	fmt.Fprintln(t, "\nStreams")
	for _, s := range r.Streams {
		fmt.Fprintf(t, "  %s\t%s\t%d values\t%s of %s\t\n", s.Name, copies(s), s.Messages, size(int64(s.Bytes)),
			size(s.MaxBytes))
	}
	if b := r.Backups; b != nil {
		fmt.Fprintf(t, "\nBackups: one every %s\n", brief(b.Every))
		if !b.Last.IsZero() {
			fmt.Fprintf(t, "  %s\t%s\t%s ago\tby %s\t\n", b.File, size(b.Size), brief(b.Age), b.By)
		}
		if b.Holder != "" {
			fmt.Fprintf(t, "  %s is taking one\n", b.Name)
		}
	}
	_ = t.Flush()
	fmt.Fprintln(w)
	for _, p := range r.Problems {
		fmt.Fprintf(w, "%s %s %s\n", terminal.Paint(w, terminal.Red, "✗"), p.Says, p.Do)
	}
	if len(r.Problems) == 0 {
		fmt.Fprintln(w, terminal.Paint(w, terminal.Green, "✓"), "Nothing is wrong.")
	}
}

// about says what a process holds and takes.
func (r clusterReport) about(p hub.ProcessState) (words []string) {
	var held []int
	for _, l := range r.Leases {
		if l.Holder == p.ID {
			held = append(held, l.Shard)
		}
	}
	switch {
	case !p.Bot:
	case len(held) > 0:
		words = append(words, "holds "+spans(held))
	default:
		words = append(words, "stands by")
	}
	if len(p.Takes) > 0 {
		words = append(words, "takes only "+spans(p.Takes))
	}
	if p.Refused > 0 {
		words = append(words, fmt.Sprintf("%d requests refused in 10 minutes", p.Refused))
	}
	return words
}

// holderOf says where a shard's process runs.
func holderOf(l hub.LeaseState) string {
	if l.Holder == "" {
		return "nobody"
	}
	return l.Name
}

// connection says whether a shard is connected to Discord.
func connection(l hub.LeaseState) string {
	switch {
	case l.Holder == "":
		return ""
	case l.Connected == nil:
		return "reports nothing"
	case *l.Connected:
		return "connected"
	}
	return "not connected"
}

// copies says where a stream's copies are.
func copies(s hub.StreamState) string {
	switch {
	case s.Missing:
		return "not created"
	case s.Silent:
		return "doesn't answer"
	case s.Leader == "":
		return "1 copy"
	}
	words := []string{s.Leader}
	for _, c := range s.Copies {
		word := c.Server
		switch {
		case c.Offline:
			word += " (offline)"
		case !c.Current:
			word += fmt.Sprintf(" (%d behind)", c.Lag)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// spans writes numbers as SNUG_SHARDS takes them, such as 0-3,8. They are sorted.
func spans(list []int) string {
	var words []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		word := strconv.Itoa(list[i])
		if j > i {
			word += "-" + strconv.Itoa(list[j])
		}
		words = append(words, word)
		i = j + 1
	}
	return strings.Join(words, ",")
}

// brief writes a duration with its largest unit.
func brief(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// size writes bytes with a unit.
func size(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%d kB", n>>10)
	}
	return fmt.Sprintf("%d MB", n>>20)
}

const (
	// silentAfter is how long a process may be silent: by then another one has taken its shards.
	silentAfter = lease.Term + 2*time.Second
	// lagMany is how many writes a copy may be behind before that's a problem: under load it is always a little.
	lagMany = 10_000
)

// problems lists what's wrong with a cluster.
func problems(r hub.Report) (all []problem) {
	all = []problem{}
	report := func(do, says string, args ...any) { all = append(all, problem{fmt.Sprintf(says, args...), do}) }
	var bots []hub.ProcessState // that can serve
	dashboards := 0
	versions := map[string]bool{}
	for _, p := range r.Processes {
		if p.Age > silentAfter {
			report("Its log, or its machine's, says what became of it. If it is gone, this ends within seconds.",
				"The process %s hasn't been heard of for %s.", p.Name, brief(p.Age))
			continue
		}
		if versions[p.Version] = true; slices.Contains(p.Roles, config.RoleDashboard) {
			dashboards++
		}
		switch {
		case p.Bot && p.Shards != r.Shards:
			report("Set SNUG_SHARD_COUNT to the same number for all bots. To change it, stop those with the old one.",
				"The process %s counts %d shards, the others %d, so it stands by.", p.Name, p.Shards, r.Shards)
		case p.Bot:
			bots = append(bots, p)
		}
	}
	if len(bots) == 0 {
		report("Start a process with the role bot.", "No process connects to Discord.")
	}
	if dashboards == 0 {
		report("Start a process with the role dashboard.", "No process serves the web.")
	}
	if len(versions) > 1 {
		report("Finish the upgrade: restart the older ones.", "The processes run %d versions of Snug.", len(versions))
	}
	all = append(append(all, shardProblems(r, bots)...), backupProblems(r.Backups)...)
	if len(r.Streams) > 0 && !slices.ContainsFunc(r.Streams, func(s hub.StreamState) bool { return !s.Missing }) {
		report("Check SNUG_NATS_URL, or start a process.", "Nothing of Snug is stored there.")
		return all
	}
	for _, s := range r.Streams {
		all = append(all, streamProblems(s)...)
	}
	return all
}

// shardProblems lists shards that nobody serves.
func shardProblems(r hub.Report, bots []hub.ProcessState) (all []problem) {
	report := func(do, says string, args ...any) { all = append(all, problem{fmt.Sprintf(says, args...), do}) }
	leases := map[int]hub.LeaseState{}
	for _, l := range r.Leases {
		leases[l.Shard] = l
	}
	for shard := range r.Shards {
		l := leases[shard]
		may := slices.ContainsFunc(bots, func(p hub.ProcessState) bool {
			return len(p.Takes) == 0 || slices.Contains(p.Takes, shard)
		})
		held := l.Holder != "" && l.Age <= silentAfter
		switch {
		case !held && len(bots) > 0 && !may:
			report(fmt.Sprintf("Add %d to SNUG_SHARDS of one, or start a process without SNUG_SHARDS.", shard),
				"No running process may take shard %d.", shard)
		case !held && may:
			report("If this goes on, look into the bots' logs: they say why they can't take it.",
				"Nobody holds shard %d.", shard)
		case held && l.Connected == nil:
			report("Look into its log. If the process hangs, restart it.",
				"The holder of shard %d, %s, doesn't report its connection to Discord.", shard, l.Name)
		case held && !*l.Connected:
			report("Look into its log, and at https://discordstatus.com.",
				"Shard %d isn't connected to Discord; %s holds it.", shard, l.Name)
		}
	}
	return all
}

// backupProblems lists what's wrong with backups on the schedule.
func backupProblems(b *hub.BackupState) (all []problem) {
	switch {
	case b == nil:
	case b.Failed > 0:
		all = append(all, problem{
			Says: fmt.Sprintf("%s failed in a row, the last one by %s: %s", count(b.Failed, "backup"), b.Name, b.Error),
			Do:   "Snug tries again every 15 minutes.",
		})
	case !b.Last.IsZero() && overdue(b.Age, b.Every):
		all = append(all, problem{
			Says: fmt.Sprintf("The last backup was taken %s ago, but there should be one every %s.", brief(b.Age),
				brief(b.Every)),
			Do: "Start a process with SNUG_BACKUP_DIR, or look into their logs: they say why they take none.",
		})
	}
	return all
}

// overdue reports whether there should have been a backup since.
func overdue(age, every time.Duration) bool { return every > 0 && age > every+every/2 }

// streamProblems lists what's wrong with a stream.
func streamProblems(s hub.StreamState) (all []problem) {
	report := func(do, says string, args ...any) { all = append(all, problem{fmt.Sprintf(says, args...), do}) }
	switch {
	case s.Missing:
		report("It is created when a process starts: start one.", "The stream %s doesn't exist.", s.Name)
		return all
	case s.Silent:
		report("Start the NATS servers that are down: more than half of a stream's copies must run.",
			"The stream %s doesn't answer.", s.Name)
		return all
	}
	if s.Leader != "" && s.Replicas == 1 {
		report("Set SNUG_NATS_REPLICAS to 3, or leave it empty, and restart a process.",
			"The stream %s has one copy: Snug stops when the NATS server %s does.", s.Name, s.Leader)
	}
	for _, c := range s.Copies {
		switch {
		case c.Offline:
			report("Start that NATS server. If it's gone for good, remove it with: nats server raft peer-remove",
				"The copy of %s on %s is offline.", s.Name, c.Server)
		case !c.Current && c.Lag > lagMany:
			report("If this goes on, check that server's disk and network.",
				"The copy of %s on %s is %d writes behind.", s.Name, c.Server, c.Lag)
		}
	}
	if s.MaxBytes > 0 && int64(s.Bytes) > s.MaxBytes/10*9 && s.Name != hub.AuditName {
		report("Remove entries, or give it more room with: nats stream edit",
			"The stream %s is nearly full: %s of %s.", s.Name, size(int64(s.Bytes)), size(s.MaxBytes))
	}
	return all
}
