package config_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"snug/shared/config"
	"snug/shared/config/configtest"
)

const random = "8f14e45fceea167a5a36dedd4bea2543b9f3c1d0a7e6524c0f1d2b3a49586776"

func TestMain(m *testing.M) {
	if err := configtest.Forget(&config.Serve{}, config.Help()); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func good() config.Serve {
	return config.Serve{
		BotToken: base64.RawStdEncoding.EncodeToString([]byte("1234")) + ".x.y", ClientID: config.ID{ID: 1234},
		ClientSecret: "s",
		DiscordURL:   "https://discord.com", BaseURL: "https://snug.example.org", Addr: "127.0.0.1:8080",
		Log: config.Log{LogLevel: "info", LogFormat: "text"},
	}
}

func TestEverythingWrongIsToldAtOnce(t *testing.T) {
	c := good()
	if err := c.Check(); err != nil {
		t.Fatalf("a good configuration is refused: %v", err)
	}
	for name, bad := range map[string]struct {
		change func(*config.Serve)
		want   string
	}{
		"no token":        {func(c *config.Serve) { c.BotToken = "" }, "DISCORD_BOT_TOKEN is missing"},
		"secret as token": {func(c *config.Serve) { c.BotToken = "!!!" }, "isn't a bot token"},
		"other app":       {func(c *config.Serve) { c.ClientID.ID = 99 }, "different applications"},
		"no secret":       {func(c *config.Serve) { c.ClientSecret = "" }, "DISCORD_CLIENT_SECRET is missing"},
		"no scheme":       {func(c *config.Serve) { c.BaseURL = "snug.example.org" }, "SNUG_BASE_URL"},
		"a path":          {func(c *config.Serve) { c.BaseURL = "https://example.org/snug" }, "more than a scheme"},
		"plain http":      {func(c *config.Serve) { c.BaseURL = "http://example.org" }, "https://"},
		"address":         {func(c *config.Serve) { c.Addr = "8080" }, "host:port"},
		"no base":         {func(c *config.Serve) { c.Addr, c.BaseURL = "0.0.0.0:80", "" }, "SNUG_BASE_URL is missing"},
		"ops address":     {func(c *config.Serve) { c.OpsAddr = "x" }, "SNUG_OPS_ADDR"},
		"discord":         {func(c *config.Serve) { c.DiscordURL = "ftp://x" }, "like https://discord.com"},
		"client id": {
			func(c *config.Serve) { _ = c.ClientID.UnmarshalText([]byte("xyz")) }, `DISCORD_CLIENT_ID "xyz"`,
		},
		"guild id": {func(c *config.Serve) { _ = c.GuildID.UnmarshalText([]byte("0")) }, `DISCORD_GUILD_ID "0"`},
		"nats": {
			func(c *config.Serve) { c.NATSURL, c.SessionSecret = "zzz", random }, "nats://10.0.0.1:4222",
		},
		"dms pause": {func(c *config.Serve) { c.DMsPause = config.Span{From: 1, To: 2} }, "SNUG_DMS_PAUSE"},
		"open nats": {
			func(c *config.Serve) { c.NATSURL, c.SessionSecret = "tls://10.0.0.1:4222", random }, "SNUG_NATS_CREDS",
		},
		"plain nats": {
			func(c *config.Serve) { c.NATSURL, c.NATSCreds, c.SessionSecret = "nats://n.example:4222", "/c", random },
			"tls://",
		},
		"one plain nats": {
			func(c *config.Serve) { c.NATSURL, c.NATSCreds, c.SessionSecret = "tls://a,nats://b", "/c", random },
			"at b isn't encrypted",
		},
		"lone CA":    {func(c *config.Serve) { c.NATSCA = "/x" }, "SNUG_NATS_CA"},
		"replicas":   {func(c *config.Serve) { c.NATSReplicas = 7 }, "SNUG_NATS_REPLICAS"},
		"log level":  {func(c *config.Serve) { c.LogLevel = "loud" }, "SNUG_LOG_LEVEL"},
		"log format": {func(c *config.Serve) { c.LogFormat = "xml" }, "SNUG_LOG_FORMAT"},
		"origin": {
			func(c *config.Serve) { c.AllowedOrigins = []string{"example.org"} }, "SNUG_ALLOWED_ORIGINS",
		},
		"proxy":           {func(c *config.Serve) { c.TrustedProxies = []string{"nginx"} }, "SNUG_TRUSTED_PROXIES"},
		"weak secret":     {func(c *config.Serve) { c.SessionSecret = "hunter2" }, "too short"},
		"weak second":     {func(c *config.Serve) { c.SessionSecret = random + ",short" }, "too short"},
		"half a secret":   {func(c *config.Serve) { c.SessionSecret = random[:62] }, "too short"},
		"zeros":           {func(c *config.Serve) { c.SessionSecret = strings.Repeat("0", 64) }, "too easy to guess"},
		"one key pressed": {func(c *config.Serve) { c.SessionSecret = strings.Repeat("!", 40) }, "too easy to guess"},
		"a weak older": {
			func(c *config.Serve) { c.SessionSecret = random + "," + strings.Repeat("ab", 32) }, "too easy to guess",
		},
		"cluster secret": {func(c *config.Serve) { c.NATSURL = "nats://10.0.0.1" }, "SESSION_SECRET is missing"},
		"lone creds":     {func(c *config.Serve) { c.NATSCreds = "/x" }, "SNUG_NATS_CREDS"},
		"no such role":   {func(c *config.Serve) { c.Roles = []string{"web"} }, `SNUG_ROLES has "web"`},
		"half of Snug":   {func(c *config.Serve) { c.Roles = []string{"bot"} }, "Set SNUG_NATS_URL for all of them"},
		"lone shards":    {func(c *config.Serve) { c.Shards = config.Shards{0} }, "nobody connects the other shards"},
		"no such shard": {
			func(c *config.Serve) { c.Shards, c.ShardCount = config.Shards{0, 4}, 4 }, "numbered from 0 to 3",
		},
		"shards of a dashboard": {
			func(c *config.Serve) { c.Roles, c.Shards = []string{"dashboard"}, config.Shards{1} }, "isn't a bot",
		},
		"bot without the dashboard's address": {
			func(c *config.Serve) { c.Roles, c.BaseURL = []string{"bot"}, "" }, "messages link to the dashboard",
		},
		"backups too often": {func(c *config.Serve) {
			c.BackupDir, c.BackupEvery, c.BackupKeep = "/backups", time.Minute, 7
		}, "SNUG_BACKUP_EVERY is 1m0s. Choose between 1h and 744h"},
		"backups too rarely": {func(c *config.Serve) {
			c.BackupDir, c.BackupEvery, c.BackupKeep = "/backups", 800*time.Hour, 7
		}, "Choose between 1h and 744h"},
		"no backups kept": {func(c *config.Serve) {
			c.BackupDir, c.BackupEvery = "/backups", time.Hour
		}, "SNUG_BACKUP_KEEP is 0"},
		"backups in the data folder": {func(c *config.Serve) {
			c.BackupDir, c.BackupEvery, c.BackupKeep, c.Data = "/data/backups", time.Hour, 1, "/data"
		}, "SNUG_BACKUP_DIR is in the data folder"},
	} {
		c := good()
		bad.change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	rotating := good()
	if rotating.SessionSecret = random + ", " + strings.ToUpper(random); rotating.Check() != nil {
		t.Errorf("two secrets are refused: %v", rotating.Check())
	}
	empty := config.Serve{Addr: "x", BaseURL: "y", DiscordURL: "z", Log: good().Log}
	if n := len(strings.Split(empty.Check().Error(), "\n")); n != 6 {
		t.Errorf("%d mistakes told, want 6:\n%v", n, empty.Check())
	}
	for _, base := range []string{"http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"} {
		c := good()
		if c.BaseURL = base; c.Check() != nil {
			t.Errorf("%s is refused: %v", base, c.Check())
		}
	}
}

func TestBaseFollowsTheAddress(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:18080": "http://127.0.0.1:18080", "[::1]:80": "http://[::1]:80", "0.0.0.0:80": "", ":8080": "",
		"x": "",
	} {
		c := good()
		c.Addr, c.BaseURL = addr, ""
		if c.Complete(); c.BaseURL != want {
			t.Errorf("%s: %q, want %q", addr, c.BaseURL, want)
		}
	}
	c := good()
	if c.BaseURL += "/"; c.BaseURL != "" {
		c.Complete()
	}
	if c.BaseURL != good().BaseURL {
		t.Errorf("what was given became %q", c.BaseURL)
	}
}

func TestSecretIsMadeAndKept(t *testing.T) {
	c := good()
	c.Data = t.TempDir()
	first, err := c.Keys()
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := second.Open(first.Seal([]byte("x"), ""), ""); err != nil || string(b) != "x" {
		t.Errorf("the second start has another secret: %v", err)
	}
	path := filepath.Join(c.Data, "session-secret")
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("kept with mode %v, %v", i.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("oops"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Keys(); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged secret: %v", err)
	}
}

func TestBudgetsOfDirectMessages(t *testing.T) {
	var c config.Serve
	p, err := kong.New(&c, config.Help())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ flags, want string }{
		{"", "10/10m,200/24h 3/10m,15/24h 3/1h,10/24h 10m0s 6h0m0s"},
		{
			"--dms=5/1h --dms-sender=1/1h,2/24h --dms-recipient=1/24h --dms-pause=1h-24h",
			"5/1h 1/1h,2/24h 1/24h 1h0m0s 24h0m0s",
		},
		{"--dms=lots", ""}, {"--dms-pause=never", ""},
	} {
		c = config.Serve{}
		_, err := p.Parse(strings.Fields(x.flags))
		l := c.DirectMessages()
		if got := fmt.Sprintf("%v %v %v %v %v", l.Bot, l.Sender, l.Recipient, l.Pause,
			l.MaxPause); (err != nil) != (x.want == "") ||
			err == nil && got != x.want {
			t.Errorf("%s: %s, %v", x.flags, got, err)
		}
	}
}

func TestFlagsWinOverVariablesOverFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DISCORD_BOT_TOKEN_FILE", file)
	read := func(args ...string) string {
		var c config.Serve
		p, err := kong.New(&c, config.Help(), kong.Resolvers(config.Sources()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Parse(args); err != nil {
			t.Fatal(err)
		}
		return c.BotToken
	}
	if got := read(); got != "from-file" {
		t.Errorf("from the file: %q", got)
	}
	t.Setenv("DISCORD_BOT_TOKEN", "from-env")
	if got := read(); got != "from-env" {
		t.Errorf("variable over file: %q", got)
	}
	if got := read("--bot-token=from-flag"); got != "from-flag" {
		t.Errorf("flag over variable: %q", got)
	}
	t.Setenv("DISCORD_BOT_TOKEN", "")
	t.Setenv("DISCORD_BOT_TOKEN_FILE", file+"-missing")
	p, err := kong.New(&config.Serve{}, config.Help(), kong.Resolvers(config.Sources()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Parse(nil); err == nil || !strings.Contains(err.Error(), "DISCORD_BOT_TOKEN_FILE") {
		t.Errorf("a missing file: %v", err)
	}
}

// TestRolesNeedOnlyTheirOwn gives each role just what it needs: a dashboard no bot token, a bot no client secret and no
// address to listen on.
func TestRolesNeedOnlyTheirOwn(t *testing.T) {
	cluster := func(role string) config.Serve {
		c := good()
		c.Roles, c.NATSURL, c.SessionSecret = []string{role}, "nats://127.0.0.1:4222", random
		return c
	}
	dashboard := cluster(config.RoleDashboard)
	dashboard.BotToken = ""
	bot := cluster(config.RoleBot)
	bot.ClientID, bot.ClientSecret, bot.Addr = config.ID{}, "", ""
	for name, c := range map[string]config.Serve{"dashboard": dashboard, "bot": bot} {
		if err := c.Check(); err != nil {
			t.Errorf("a %s with all it needs is refused: %v", name, err)
		}
		if c.Bot() != (name == config.RoleBot) || c.Dashboard() != (name == config.RoleDashboard) {
			t.Errorf("a %s is a bot: %v, a dashboard: %v", name, c.Bot(), c.Dashboard())
		}
	}
	dashboard.ClientSecret, bot.BotToken = "", ""
	for name, c := range map[string]config.Serve{
		"DISCORD_CLIENT_SECRET is missing": dashboard, "DISCORD_BOT_TOKEN is missing": bot,
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
	}
	if all := good(); !all.Bot() || !all.Dashboard() {
		t.Error("without roles, a process doesn't have all of them")
	}
}

func TestShardsAndTheirCount(t *testing.T) {
	var c config.Serve
	p, err := kong.New(&c, config.Help())
	if err != nil {
		t.Fatal(err)
	}
	for flags, want := range map[string]string{
		"": "[] 0", "--shards=0-3 --shard-count=8": "[0 1 2 3] 8", "--shards=7,0-1,1 --shard-count=auto": "[0 1 7] 0",
		"--shards=3-1": "", "--shards=-1": "", "--shards=a": "", "--shard-count=0": "", "--shard-count=many": "",
		"--shards=0-9999999": "",
	} {
		c = config.Serve{}
		_, err := p.Parse(strings.Fields(flags))
		got := fmt.Sprintf("%v %d", c.Shards, c.ShardCount)
		if (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("%q: %s, %v", flags, got, err)
		}
	}
}
