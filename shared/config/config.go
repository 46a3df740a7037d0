// Package config holds Snug's configuration: flags, environment variables and secret files. Only cmd imports it.
//
// Every setting with an environment variable NAME can also be given as a file, with NAME_FILE. An environment file,
// snug.env, holds variables. Flags override variables, and variables override files. Check reports everything that is
// wrong, each with its remedy.
package config

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/dmbudget"
	"snug/shared/hostname"
)

// Serve is the configuration of `snug serve`.
type Serve struct {
	Roles      []string   `env:"SNUG_ROLES" default:"bot,dashboard" placeholder:"ROLE" help:"${roles}"`
	Shards     Shards     `env:"SNUG_SHARDS" placeholder:"0-3" help:"${shards}"`
	ShardCount ShardCount `env:"SNUG_SHARD_COUNT" default:"auto" help:"${shard_count}"`

	BotToken      string `env:"DISCORD_BOT_TOKEN" placeholder:"TOKEN" help:"The bot's token (Developer Portal → Bot)."`
	ClientID      ID     `env:"DISCORD_CLIENT_ID" placeholder:"ID" help:"${client_id}"`
	ClientSecret  string `env:"DISCORD_CLIENT_SECRET" placeholder:"SECRET" help:"${client_secret}"`
	GuildID       ID     `env:"DISCORD_GUILD_ID" placeholder:"ID" help:"Serve only this server."`
	MembersIntent bool   `env:"SNUG_MEMBERS_INTENT" help:"${members_intent}"`
	DiscordURL    string `env:"SNUG_DISCORD_URL" default:"https://discord.com" help:"${discord_url}"`

	BaseURL        string   `env:"SNUG_BASE_URL" placeholder:"URL" help:"${base_url}"`
	Addr           string   `env:"SNUG_ADDR" default:"127.0.0.1:8080" help:"The address the dashboard listens on."`
	OpsHosts       []string `env:"SNUG_OPS_HOSTS" placeholder:"NAME" help:"${ops_hosts}"`
	OpsAddr        string   `env:"SNUG_OPS_ADDR" default:"127.0.0.1:8089" help:"${ops_addr}"`
	AllowedOrigins []string `env:"SNUG_ALLOWED_ORIGINS" placeholder:"ORIGIN" help:"${allowed_origins}"`
	TrustedProxies []string `env:"SNUG_TRUSTED_PROXIES" placeholder:"CIDR" help:"${trusted_proxies}"`

	SessionSecret   string `env:"SESSION_SECRET" placeholder:"SECRET" help:"${session_secret}"`
	SessionIdleDays int    `env:"SNUG_SESSION_IDLE_DAYS" default:"30" help:"${session_idle_days}"`
	SessionDays     int    `env:"SNUG_SESSION_DAYS" default:"90" help:"Everyone signs in again after this many days."`

	DMsBot       dmbudget.Rates `name:"dms" env:"SNUG_DMS" default:"10/10m,200/24h" help:"${dms}"`
	DMsSender    dmbudget.Rates `name:"dms-sender" env:"SNUG_DMS_SENDER" default:"3/10m,15/24h" help:"${by_one}"`
	DMsRecipient dmbudget.Rates `name:"dms-recipient" env:"SNUG_DMS_RECIPIENT" default:"3/1h,10/24h" help:"${to_one}"`
	DMsPause     Span           `name:"dms-pause" env:"SNUG_DMS_PAUSE" default:"10m-6h" help:"${dms_pause}"`

	HookNetworks []string `name:"webhook-networks" env:"SNUG_WEBHOOK_NETWORKS" placeholder:"CIDR" help:"${networks}"`

	HostName    string `env:"SNUG_HOST_NAME" placeholder:"NAME" help:"Who runs this Snug, for /privacy and /terms."`
	HostContact string `env:"SNUG_HOST_CONTACT" placeholder:"ADDRESS" help:"${host_contact}"`
	Privacy     string `env:"SNUG_PRIVACY" placeholder:"TEXT" help:"${privacy}"`
	Terms       string `env:"SNUG_TERMS" placeholder:"TEXT" help:"${terms}"`

	Data         string `env:"SNUG_DATA" default:"data" help:"The folder for rooms, settings, logins and activity."`
	NATSURL      string `name:"nats-url" env:"SNUG_NATS_URL" placeholder:"URL" help:"${nats_url}"`
	NATSReplicas int    `name:"nats-replicas" env:"SNUG_NATS_REPLICAS" default:"0" help:"${nats_replicas}"`
	NATSCreds    string `name:"nats-creds" env:"SNUG_NATS_CREDS" type:"path" placeholder:"FILE" help:"${nats_creds}"`
	NATSCA       string `name:"nats-ca" env:"SNUG_NATS_CA" type:"path" placeholder:"FILE" help:"${nats_ca}"`
	NATSInsecure bool   `name:"nats-insecure" env:"SNUG_NATS_INSECURE" help:"${nats_insecure}"`

	BackupDir   string        `env:"SNUG_BACKUP_DIR" type:"path" placeholder:"FOLDER" help:"${backup_dir}"`
	BackupEvery time.Duration `env:"SNUG_BACKUP_EVERY" default:"24h" help:"${backup_every}"`
	BackupKeep  int           `env:"SNUG_BACKUP_KEEP" default:"7" help:"${backup_keep}"`
	Log
}

// ID is a Discord id as text. Check reports an invalid one.
type ID struct {
	snowflake.ID
	wrong string // the text, if it isn't an id
}

// UnmarshalText parses the id, or keeps invalid text for Check.
func (i *ID) UnmarshalText(b []byte) error {
	id, err := snowflake.Parse(string(b))
	if *i = (ID{ID: id}); err != nil || id == 0 {
		*i = ID{wrong: string(b)}
	}
	return nil
}

// Span is a range of durations, written like 10m-6h.
type Span struct{ From, To time.Duration }

// UnmarshalText parses the span.
func (s *Span) UnmarshalText(b []byte) error {
	from, to, _ := strings.Cut(string(b), "-")
	f, err := time.ParseDuration(from)
	t, e := time.ParseDuration(to)
	if err != nil || e != nil {
		return fmt.Errorf("%q isn't a range of durations. Use something like 10m-6h", b)
	}
	*s = Span{f, t}
	return nil
}

// DirectMessages returns the budgets for direct messages, with defaults for those not configured.
func (c *Serve) DirectMessages() dmbudget.Limits {
	l := dmbudget.Defaults()
	for _, r := range []struct{ to, from *dmbudget.Rates }{
		{&l.Bot, &c.DMsBot}, {&l.Sender, &c.DMsSender}, {&l.Recipient, &c.DMsRecipient},
	} {
		if len(*r.from) > 0 {
			*r.to = *r.from
		}
	}
	if c.DMsPause != (Span{}) {
		l.Pause, l.MaxPause = c.DMsPause.From, c.DMsPause.To
	}
	return l
}

// Log configures the log.
type Log struct {
	LogLevel  string `env:"SNUG_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat string `env:"SNUG_LOG_FORMAT" default:"text" help:"text or json."`
}

// Check reports everything that is wrong.
func (l Log) Check() error {
	var wrong []error
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, l.LogLevel) {
		wrong = append(wrong,
			fmt.Errorf("SNUG_LOG_LEVEL %q isn't a log level. Choose debug, info, warn or error.", l.LogLevel))
	}
	if !slices.Contains([]string{"", "text", "json"}, l.LogFormat) {
		wrong = append(wrong, fmt.Errorf("SNUG_LOG_FORMAT %q isn't a log format. Choose text or json.", l.LogFormat))
	}
	return errors.Join(wrong...)
}

// Complete derives settings from others. Call it before Check.
func (c *Serve) Complete() {
	if host, _, err := net.SplitHostPort(c.Addr); c.BaseURL == "" && c.Dashboard() && err == nil && Loopback(host) {
		c.BaseURL = "http://" + c.Addr
	}
	c.BaseURL, c.DiscordURL = strings.TrimRight(c.BaseURL, "/"), strings.TrimRight(c.DiscordURL, "/")
	if id, err := idOf(c.BotToken); err == nil && c.ClientID == (ID{}) && !c.Dashboard() {
		c.ClientID = ID{ID: id}
	}
}

// Check reports everything that is wrong, each with its remedy.
func (c *Serve) Check() error {
	wrong := c.checkRoles()
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	wrong = append(wrong, c.checkApplication()...)
	if err := checkURL("SNUG_DISCORD_URL", c.DiscordURL, "https://discord.com"); err != nil {
		wrong = append(wrong, err)
	}
	if !c.Dashboard() {
		if c.BaseURL == "" {
			report("SNUG_BASE_URL is missing. The bot's messages link to the dashboard, so it needs the address that " +
				"browsers use, like https://snug.example.org.")
		}
	} else if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		report("SNUG_ADDR %q isn't host:port. Use something like 127.0.0.1:8080.", c.Addr)
	} else if c.BaseURL == "" {
		report("SNUG_BASE_URL is missing. Snug listens on %s, which others can reach, "+
			"so it needs the address that browsers use, like https://snug.example.org.", c.Addr)
	}
	if err := checkURL("SNUG_BASE_URL", c.BaseURL, "https://snug.example.org"); err != nil && c.BaseURL != "" {
		wrong = append(wrong, err)
	}
	if _, _, err := net.SplitHostPort(c.OpsAddr); err != nil && c.OpsAddr != "" {
		report("SNUG_OPS_ADDR %q isn't host:port. Use something like 127.0.0.1:8089, or leave it empty.", c.OpsAddr)
	}
	for name, v := range map[string]string{"SNUG_HOST_NAME": c.HostName, "SNUG_HOST_CONTACT": c.HostContact} {
		if strings.ContainsAny(v, "\r\n") || len(v) > 300 {
			report("%s is too long, or has more than one line. Use a name or an address; "+
				"longer text goes into the file that SNUG_PRIVACY_FILE names.",
				name)
		}
	}
	for name, v := range map[string]string{"SNUG_PRIVACY": c.Privacy, "SNUG_TERMS": c.Terms} {
		if len(v) > 200_000 || !utf8.ValidString(v) {
			report("%s must be UTF-8 text of up to 200,000 bytes. Check the file.", name)
		}
	}
	for _, o := range c.AllowedOrigins {
		if u, err := url.Parse(o); err != nil || u.Host == "" || u.Path != "" ||
			u.Scheme != "http" && u.Scheme != "https" {
			report("SNUG_ALLOWED_ORIGINS has %q, which isn't an origin. Use something like https://example.org.", o)
		}
	}
	for _, p := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			if _, err := netip.ParseAddr(p); err != nil {
				report("SNUG_TRUSTED_PROXIES has %q, which isn't an address or a network. "+
					"Use something like 192.0.2.7 or 10.0.0.0/8.", p)
			}
		}
	}
	if err := c.DirectMessages().Check(); err != nil {
		wrong = append(wrong, fmt.Errorf("SNUG_DMS, SNUG_DMS_SENDER, SNUG_DMS_RECIPIENT or SNUG_DMS_PAUSE: %w", err))
	}
	if _, err := c.Networks(); err != nil {
		wrong = append(wrong, err)
	}
	if _, err := secrets(c.SessionSecret); err != nil {
		wrong = append(wrong, err)
	}
	if c.NATSURL != "" && c.SessionSecret == "" {
		report("SESSION_SECRET is missing. With SNUG_NATS_URL, several processes share logins and links, " +
			"so they all need the same secret. Create one with: openssl rand -hex 32")
	}
	wrong = append(wrong, c.checkNATS()...)
	wrong = append(wrong, c.checkBackups()...)
	if c.SessionIdleDays < 0 || c.SessionDays < 0 || c.SessionIdleDays > 3650 || c.SessionDays > 3650 {
		report("SNUG_SESSION_IDLE_DAYS is %d and SNUG_SESSION_DAYS is %d. Choose between 1 and 3650 days for both.",
			c.SessionIdleDays, c.SessionDays)
	}
	if c.NATSReplicas < 0 || c.NATSReplicas > 5 {
		report("SNUG_NATS_REPLICAS is %d. Choose 1 to 5, or 0 for three in a cluster and one on a single server.",
			c.NATSReplicas)
	}
	return errors.Join(append(wrong, c.Log.Check())...)
}

// checkApplication reports what is wrong with the application's credentials, as far as the process's roles need them:
// the bot its token; the dashboard the id and the secret, with which people sign in.
func (c *Serve) checkApplication() (wrong []error) {
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	switch id, err := idOf(c.BotToken); {
	case !c.Bot():
	case c.BotToken == "":
		report("DISCORD_BOT_TOKEN is missing. Copy it from " +
			"https://discord.com/developers/applications → your application → Bot → Reset Token.")
	case err != nil:
		report("DISCORD_BOT_TOKEN isn't a bot token: its first part isn't an application's id. " +
			"Copy the token again from the Developer Portal → Bot. It isn't the client secret.")
	case c.ClientID.ID != 0 && id != c.ClientID.ID:
		report("DISCORD_BOT_TOKEN and DISCORD_CLIENT_ID are from different applications (%d and %d). "+
			"Copy both from the same one.",
			id, c.ClientID.ID)
	}
	for name, id := range map[string]ID{"DISCORD_CLIENT_ID": c.ClientID, "DISCORD_GUILD_ID": c.GuildID} {
		if id.wrong != "" {
			report("%s %q isn't a Discord id: those are numbers with 17 to 20 digits. "+
				"Copy it from the Developer Portal, or from Discord with Developer Mode on.",
				name, id.wrong)
		}
	}
	if c.Dashboard() && c.ClientID == (ID{}) {
		report("DISCORD_CLIENT_ID is missing. Copy the Application ID from the Developer Portal → General Information.")
	}
	if c.Dashboard() && c.ClientSecret == "" {
		report("DISCORD_CLIENT_SECRET is missing. Copy it from the Developer Portal → OAuth2 → Reset Secret.")
	}
	return wrong
}

// checkNATS reports what is wrong with the hub's address. Whoever can write to the hub can act as
// anybody, so beyond this machine it has to require credentials and TLS.
func (c *Serve) checkNATS() (wrong []error) {
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if c.NATSURL == "" {
		for name, set := range map[string]string{"SNUG_NATS_CREDS": c.NATSCreds, "SNUG_NATS_CA": c.NATSCA} {
			if set != "" {
				report("%s is set, but SNUG_NATS_URL isn't. Set both, or neither.", name)
			}
		}
		return wrong
	}
	open, plain := "", ""
	for address := range strings.SplitSeq(c.NATSURL, ",") {
		u, err := url.Parse(strings.TrimSpace(address))
		if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			report("SNUG_NATS_URL has an address that isn't a NATS server's. Use something like nats://10.0.0.1:4222.")
			continue
		}
		if Loopback(u.Hostname()) {
			continue
		}
		if c.NATSCreds == "" && u.User == nil {
			open = u.Host
		}
		if u.Scheme != "tls" && u.Scheme != "wss" {
			plain = u.Host
		}
	}
	if open != "" && !c.NATSInsecure {
		report("The NATS server at %s is on another machine, and Snug has no credentials for it. Set SNUG_NATS_CREDS, "+
			"or SNUG_NATS_INSECURE=true if nobody else can reach that server.", open)
	}
	if plain != "" && !c.NATSInsecure {
		report("The connection to the NATS server at %s isn't encrypted. Start its address with tls://, "+
			"or set SNUG_NATS_INSECURE=true if nobody else is on that network.", plain)
	}
	return wrong
}

// checkBackups reports what is wrong with backups on a schedule.
func (c *Serve) checkBackups() (wrong []error) {
	if c.BackupDir == "" {
		return nil
	}
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if c.BackupEvery < time.Hour || c.BackupEvery > 31*24*time.Hour {
		report("SNUG_BACKUP_EVERY is %s. Choose between 1h and 744h (31 days).", c.BackupEvery)
	}
	if c.BackupKeep < 1 || c.BackupKeep > 1000 {
		report("SNUG_BACKUP_KEEP is %d. Choose between 1 and 1000 backups.", c.BackupKeep)
	}
	folder, err := filepath.Abs(c.BackupDir)
	data, e := filepath.Abs(c.Data)
	inside, no := filepath.Rel(data, folder)
	if c.NATSURL == "" && cmp.Or(err, e, no) == nil && filepath.IsLocal(inside) {
		report("SNUG_BACKUP_DIR is in the data folder, so the backups would be lost together with what they are of. " +
			"Choose a folder elsewhere, best on another disk.")
	}
	return wrong
}

// Networks returns the networks in SNUG_WEBHOOK_NETWORKS.
func (c *Serve) Networks() (list []netip.Prefix, err error) {
	for _, s := range c.HookNetworks {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("SNUG_WEBHOOK_NETWORKS has %q, which isn't a network. Use something like "+
				"10.0.0.0/8.", s)
		}
		list = append(list, p)
	}
	return list, nil
}

// checkURL returns an error unless s is an address like the example.
func checkURL(name, s, like string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%s %q isn't an address. Use something like %s.", name, s, like)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("%s %q has more than a scheme, host and port. Remove the rest.", name, s)
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		return fmt.Errorf("%s %q must start with https://: plain http works only on this machine. "+
			"Put a proxy with a certificate in front.",
			name, s)
	}
	return nil
}

// Loopback reports whether a host name is for this machine.
func Loopback(host string) bool { return hostname.Local(host) }

// idOf reads the application's id from a bot token: it is the first part, in base64.
func idOf(token string) (snowflake.ID, error) {
	head, _, _ := strings.Cut(token, ".")
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(head, "="))
	if err != nil {
		return 0, err
	}
	return snowflake.Parse(string(b))
}
