package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/agent"
	"snug/shared/backups"
	"snug/shared/config"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/pages"
	"snug/shared/terminal"
)

type doctorCmd struct {
	config.Serve
	config.FromFile
	tryFlags `embed:""`
	JSON     bool `help:"Print the checks as JSON, for scripts."`
}

// Help returns examples.
func (*doctorCmd) Help() string {
	return examples(
		"snug doctor", "Check what's in snug.env.",
		"snug doctor --json | jq '.[] | select(.ok | not)'", "What's wrong, for a script.",
		"snug doctor --try 123456789012345678", "Check with a server of yours that Discord behaves as Snug expects.",
	)
}

// result is what one check found, as --json prints it.
type result struct {
	Check   string `json:"check"`
	OK      bool   `json:"ok"`
	Skipped bool   `json:"skipped"` // because another check failed
	Says    string `json:"says"`    // what it found, or what's wrong and how to fix it
}

// check is one thing that doctor checks. do returns what it found, or what's wrong and how to fix it.
type check struct {
	name  string
	needs []string // checks that must pass before this one runs
	do    func(context.Context) (found string, err error)
}

// Run checks everything Snug needs, and returns an error if anything is wrong.
func (c *doctorCmd) Run(w world) error {
	c.Complete()
	if c.asked() {
		return c.try(w)
	}
	d := &doctor{c: c.Serve, http: agent.Client(10 * time.Second), now: time.Now}
	defer d.tidy()
	say := func(r result) { r.print(w.out) }
	all := []result{}
	if c.JSON {
		say = func(r result) { all = append(all, r) }
	}
	failed := d.run(w.ctx, say)
	if c.JSON {
		e := json.NewEncoder(w.out)
		e.SetIndent("", "  ")
		if err := e.Encode(all); err != nil {
			return err
		}
	}
	if failed {
		return errors.New("Snug isn't set up correctly yet. Each failed check says what to do")
	}
	return nil
}

// print prints a result for people.
func (r result) print(w io.Writer) {
	mark := terminal.Paint(w, terminal.Green, "✓")
	switch {
	case r.Skipped:
		mark = terminal.Paint(w, terminal.Faint, "–")
	case !r.OK:
		mark = terminal.Paint(w, terminal.Red, "✗")
	}
	fmt.Fprintf(w, "%s %s: %s\n", mark, r.Check, strings.ReplaceAll(r.Says, "\n", "\n    "))
}

// run runs the checks, passes what each found to say, and reports whether any failed.
func (d *doctor) run(ctx context.Context, say func(result)) (anyFailed bool) {
	failed := map[string]bool{}
	for _, k := range d.checks() {
		if i := slices.IndexFunc(k.needs, func(name string) bool { return failed[name] }); i >= 0 {
			failed[k.name] = true
			say(result{Check: k.name, Skipped: true, Says: "skipped, because of the " + k.needs[i]})
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		found, err := k.do(ctx)
		cancel()
		if err != nil {
			failed[k.name] = true
			found = strings.Join(sentences(err), "\n")
		}
		say(result{Check: k.name, OK: err == nil, Says: found})
	}
	return len(failed) > 0
}

// doctor runs the checks.
type doctor struct {
	c    config.Serve
	http *http.Client
	now  func() time.Time
	dir  string // the data folder, or a temporary one in its place if it doesn't exist yet

	backup   hub.BackupTurn // what the hub says about backups, if it could be asked
	running  bool           // another Snug is using the data folder
	settings map[snowflake.ID]guild.Settings
}

func (d *doctor) checks() []check {
	here := []check{{"data folder", nil, d.folder}, {"hub", []string{"data folder"}, d.nats}}
	kept := check{"backups", nil, d.backups}
	if !d.c.Bot() { // without the bot's token there's little that Discord says
		return slices.Concat([]check{{"configuration", nil, d.configuration}, {"client secret", nil, d.secret}}, here,
			[]check{kept, {"ports", nil, d.ports}})
	}
	token := []string{"bot token"}
	all := []check{
		{"configuration", nil, d.configuration}, {"bot token", nil, d.token}, {"client secret", token, d.secret},
		{"intents", token, d.intents}, {"redirect address", token, d.redirect}, {"gateway", token, d.gateway},
		{"clock", token, d.clock}, {"permissions", token, d.permissions},
		{"two-factor", token, d.twoFactor}, {"privacy and terms", token, d.policies}, here[0], here[1],
		kept, {"categories and lobbies", []string{"bot token", "hub"}, d.places}, {"ports", nil, d.ports},
	}
	if d.c.Dashboard() {
		return all
	}
	return slices.DeleteFunc(all, func(k check) bool {
		return slices.Contains([]string{"client secret", "redirect address", "privacy and terms"}, k.name)
	})
}

func (d *doctor) configuration(context.Context) (string, error) {
	return "complete", d.c.Check()
}

// count returns a number with a noun, such as 2 servers.
func count(n int, one string) string {
	if n != 1 {
		one += "s"
	}
	return strconv.Itoa(n) + " " + one
}

func (d *doctor) token(ctx context.Context) (string, error) {
	var me struct{ Username string }
	if _, err := d.ask(ctx, "/users/@me", &me); err != nil {
		return "", err
	}
	return "valid; the bot is called " + me.Username, nil
}

var errSecretRefused = errors.New("Discord rejects the client secret, so nobody can sign in. " +
	"Reset it in the Developer Portal → OAuth2 → Reset Secret, and set DISCORD_CLIENT_SECRET to the new one")

// secret checks the client secret by asking for a token for the application itself, as logins do for people.
func (d *doctor) secret(ctx context.Context) (string, error) {
	if d.c.ClientSecret == "" {
		return "", errors.New("it's missing, so nobody can sign in. " +
			"Set DISCORD_CLIENT_SECRET to the one in the Developer Portal → OAuth2")
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"identify"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.c.DiscordURL+"/api/oauth2/token",
		strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.SetBasicAuth(d.c.ClientID.String(), d.c.ClientSecret)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := d.http.Do(r)
	if err != nil {
		return "", d.silent()
	}
	defer res.Body.Close()
	var a struct{ Error string }
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&a) // if it isn't JSON, the status is enough
	switch {
	case a.Error == "invalid_client":
		return "", errSecretRefused
	case res.StatusCode != http.StatusOK:
		return "", answered(res.StatusCode, "/oauth2/token")
	}
	return "valid", nil
}

// application is what Discord says about the bot's application.
type application struct {
	Flags        int      `json:"flags"`
	RedirectURIs []string `json:"redirect_uris"`
	Privacy      string   `json:"privacy_policy_url"`
	Terms        string   `json:"terms_of_service_url"`
}

// mayAskMembers are the flags of an application that may use the members intent: granted by review, which Discord
// requires from 10,000 users on, or turned on by its owner below that.
const mayAskMembers = 1<<14 | 1<<15

func (d *doctor) intents(ctx context.Context) (string, error) {
	if !d.c.MembersIntent {
		return "Snug needs no privileged intent", nil
	}
	var a application
	if _, err := d.ask(ctx, "/applications/@me", &a); err != nil {
		return "", err
	}
	if a.Flags&mayAskMembers == 0 {
		return "",
			errors.New("SNUG_MEMBERS_INTENT is set, but Discord doesn't allow the intent. " +
				"Turn on Server Members Intent in the Developer Portal → Bot (from 10,000 users on, apply for it " +
				"there), " +
				"or unset the variable: Snug works without it")
	}
	return "Discord allows the members intent", nil
}

func (d *doctor) redirect(ctx context.Context) (string, error) {
	var a application
	if _, err := d.ask(ctx, "/applications/@me", &a); err != nil {
		return "", err
	}
	want := d.c.BaseURL + string(pages.Callback)
	switch {
	case len(a.RedirectURIs) == 0:
		return "Discord doesn't say. Make sure that " + want + " is in the Developer Portal → OAuth2 → Redirects", nil
	case !slices.Contains(a.RedirectURIs, want):
		return "",
			fmt.Errorf("%s isn't registered, so nobody can sign in. Add it in the Developer Portal → OAuth2 → "+
				"Redirects",
				want)
	}
	return want + " is registered", nil
}

func (d *doctor) gateway(ctx context.Context) (string, error) {
	var g struct {
		URL    string `json:"url"`
		Shards int    `json:"shards"`
		Limit  struct {
			Remaining int `json:"remaining"`
			Total     int `json:"total"`
			Reset     int `json:"reset_after"`
		} `json:"session_start_limit"`
	}
	if _, err := d.ask(ctx, "/gateway/bot", &g); err != nil {
		return "", err
	}
	if g.Limit.Remaining == 0 {
		return "", fmt.Errorf("all of today's %d connections are used up. "+
			"Wait %s, and find out from the log why Snug connected so often",
			g.Limit.Total, time.Duration(g.Limit.Reset)*time.Millisecond)
	}
	return fmt.Sprintf("%s, %d of %s left today", count(g.Shards, "shard"), g.Limit.Remaining,
		count(g.Limit.Total, "connection")), nil
}

// maxSkew is how far the clock may be off before links and logins fail.
const maxSkew = 5 * time.Second

func (d *doctor) clock(ctx context.Context) (string, error) {
	var none json.RawMessage
	begun := d.now()
	h, err := d.ask(ctx, "/gateway", &none)
	if err != nil {
		return "", err
	}
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return "Discord didn't send the time", nil
	}
	half := d.now().Sub(begun) / 2
	skew := begun.Add(half).Sub(theirs.Add(500 * time.Millisecond)) // the header has whole seconds
	if skew > maxSkew || skew < -maxSkew {
		return "",
			fmt.Errorf("it differs from Discord's by %s. Turn on time synchronization (chrony or systemd-timesyncd)",
				skew.Round(time.Second))
	}
	return "correct to within " + (half + time.Second).Round(time.Second).String(), nil
}

// membership is a server the bot is in, with what it may do there.
type membership struct {
	ID          snowflake.ID `json:"id"`
	Name        string       `json:"name"`
	Permissions string       `json:"permissions"`
}

// permissions checks the bot's roles in its servers.
func (d *doctor) permissions(ctx context.Context) (string, error) {
	var guilds []membership
	if _, err := d.ask(ctx, "/users/@me/guilds?limit=200", &guilds); err != nil {
		return "", err
	}
	wanted := d.c.GuildID.ID
	if wanted != 0 && !slices.ContainsFunc(guilds, func(g membership) bool { return g.ID == wanted }) {
		return "", fmt.Errorf("the bot isn't in the server %d that DISCORD_GUILD_ID names. Add it: %s", wanted,
			addURL(setup{Serve: d.c}))
	}
	var lacks []string
	for _, g := range guilds {
		have, err := strconv.ParseInt(g.Permissions, 10, 64)
		if missing := discordapi.MissingFrom(have); err == nil && missing != "" {
			lacks = append(lacks, fmt.Sprintf("%s (%s)", g.Name, missing))
		}
	}
	if len(lacks) > 0 {
		return "",
			fmt.Errorf("the bot's role is missing permissions in some servers: %s. Add the bot again with %s, "+
				"or grant them in Server Settings → Roles; each server's Health page lists them",
				strings.Join(lacks, ", "), addURL(setup{Serve: d.c}))
	}
	return "complete in " + count(len(guilds), "server"), nil
}

// folder checks that the data folder keeps what's written to it. If it doesn't exist yet, folder doesn't create it but
// uses a temporary one in the same place.
func (d *doctor) folder(context.Context) (string, error) {
	if d.c.NATSURL != "" {
		return "not used: SNUG_NATS_URL says where the hub is", nil
	}
	path, err := filepath.Abs(d.c.Data)
	if err != nil {
		return "", err
	}
	found := path + " is writable"
	if d.dir = path; !isThere(path) {
		if d.dir, err = os.MkdirTemp(filepath.Dir(firstMissing(path)), ".snug-doctor-*"); err != nil {
			return "", fmt.Errorf("can't create it: %w. Choose another with SNUG_DATA", err)
		}
		found = path + " can be created"
	}
	f, err := os.CreateTemp(d.dir, ".doctor-*")
	if err != nil {
		return "", fmt.Errorf("can't write to it: %w. Make the user that Snug runs as its owner", err)
	}
	_, err = f.WriteString("ok")
	err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	if err != nil {
		return "", fmt.Errorf("it doesn't keep what's written to it: %w. Check the disk", err)
	}
	return found, nil
}

// tidy removes the temporary data folder.
func (d *doctor) tidy() {
	if strings.HasPrefix(filepath.Base(d.dir), ".snug-doctor-") {
		_ = os.RemoveAll(d.dir)
	}
}

func (d *doctor) nats(ctx context.Context) (string, error) {
	c := d.c
	if d.dir != "" {
		c.Data = d.dir
	}
	h, err := hub.Open(ctx, hubOptions(c, slog.New(slog.DiscardHandler)))
	if d.running = errs.Has(err, errs.Conflict) && c.NATSURL == ""; d.running {
		return "in use by a running Snug", nil
	}
	if err != nil {
		return "", err
	}
	where, version := h.Server()
	if err = h.Ready(ctx); err == nil {
		d.settings, err = settingsIn(ctx, h)
		for _, says := range h.Warnings() {
			err = errors.Join(err, errors.New(says))
		}
		if t, _, e := h.Backups.Get(ctx, hub.BackupKey); e == nil {
			d.backup = t
		}
	}
	closing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return where + " NATS " + version + " accepts writes", errors.Join(err, h.Close(closing))
}

// backups checks the folder of backups on a schedule, and how they went. It comes after the hub, which knows.
func (d *doctor) backups(context.Context) (string, error) {
	if d.c.BackupDir == "" {
		return "none on a schedule; to have some, set SNUG_BACKUP_DIR", nil
	}
	newest, _, err := backups.Look(d.c.BackupDir)
	if err != nil {
		return "", err
	}
	last := newest.Taken
	if d.backup.Last.After(last) { // into another process's folder
		last = d.backup.Last
	}
	age := d.now().Sub(last)
	switch {
	case d.backup.Failed > 0:
		return "", fmt.Errorf("%s failed in a row, the last one by %s: %s. Snug tries again every 15 minutes",
			count(d.backup.Failed, "backup"), d.backup.Name, d.backup.Error)
	case last.IsZero():
		return d.c.BackupDir + " is writable; Snug writes the first backup a minute after it starts", nil
	case overdue(age, d.c.BackupEvery):
		return "", fmt.Errorf("the newest one is from %s, but there should be one every %s. Start Snug, or look into "+
			"its log: it says why it takes none", last.UTC().Format(time.RFC3339), brief(d.c.BackupEvery))
	}
	return fmt.Sprintf("%s is writable; the newest one is from %s", d.c.BackupDir, last.UTC().Format(time.RFC3339)), nil
}

func (d *doctor) ports(ctx context.Context) (string, error) {
	var free, used []string
	var all []error
	for _, p := range [][2]string{{"SNUG_ADDR", d.c.Addr}, {"SNUG_OPS_ADDR", d.c.OpsAddr}} {
		name, addr := p[0], p[1]
		if addr == "" || name == "SNUG_ADDR" && !d.c.Dashboard() {
			continue
		}
		l, err := net.Listen("tcp", addr)
		switch {
		case err == nil:
			free, all = append(free, addr), append(all, l.Close())
		case d.running && errors.Is(err, syscall.EADDRINUSE):
			used = append(used, addr)
		default:
			all = append(all,
				fmt.Errorf("can't listen on %s %s: %w. If another program uses it, choose another address",
					name, addr, err))
		}
	}
	if len(used) > 0 {
		running := healthCmd{Roles: d.c.Roles, Addr: d.c.Addr, OpsAddr: d.c.OpsAddr}
		if addr, _ := running.where(); slices.Contains(used, addr) {
			all = append(all, running.ask(ctx))
		}
	}
	var found []string
	if len(used) > 0 {
		found = append(found, strings.Join(used, " and ")+" in use by the running Snug")
	}
	if len(free) > 0 {
		found = append(found, strings.Join(free, " and ")+" free")
	}
	return strings.Join(found, "; "), errors.Join(all...)
}
