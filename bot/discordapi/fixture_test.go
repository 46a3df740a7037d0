package discordapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
	"go.uber.org/goleak"

	"snug/bot/discordapi"
	"snug/bot/gateway"
	"snug/bot/ratelimit"
	"snug/bot/rooms"
	"snug/shared/agent"
	"snug/shared/discordsim"
	"snug/shared/testkit"
	"snug/shared/testkit/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup is how a fixture begins; the zero value is a calm Discord that allows Snug what it asks for.
type setup struct {
	arrange   func(*fixture)           // changes Discord before Snug connects
	limits    func(*discordsim.Limits) // changes Discord's limits, which are its sizes alone
	grants    discordsim.Permissions   // of the bot's role; 0: discordapi.Permissions
	uncached  bool                     // without a gateway, as in NewReadOnly
	tries     ratelimit.Config         // of the REST queue, which is always quick and never full
	stale     bool                     // the bot's token was reset
	around    func(http.Handler) http.Handler
	clockless bool // Discord's own clock isn't put forward while it processes target users
}

// fixture is a simulated Discord, a server in it, and a Discord whose caches follow the gateway.
//
// mara owns the server Friends. In its category Rooms is Friday, a private room of jonas's: kiyo is its guest and in
// it, tomas is banned from it. jonas is in Lounge; ada has the role Helper, priya none; a stranger is in no server.
type fixture struct {
	*world.World
	api     *discordapi.Discord
	clock   testkit.Clock // Discord's
	code    string        // of a Discord invite into Friday that Snug created
	ids     map[string]snowflake.ID
	tokens  map[string]string // that people gave Snug
	limiter *ratelimit.Limiter
	client  *bot.Client

	mu       sync.Mutex
	requests []request
	hold     string            // the request whose answer never comes; "" for none
	swallow  bool              // and which isn't done either
	arrived  func(asks string) // called for each request before it is done; nil: nobody
}

// request is one that Snug made.
type request struct{ asks, reason string }

const everything = discordsim.Permissions(discordapi.Permissions)

func newFixture(t testing.TB, s setup) *fixture {
	t.Helper()
	f := &fixture{ids: map[string]snowflake.ID{}}
	limits := discordsim.NoRateLimits()
	if s.limits != nil {
		s.limits(&limits)
	}
	o := discordsim.Options{Seed: 1, Limits: &limits, Now: f.clock.Now, Named: true, Wrap: s.around}
	o.Around(func(next http.Handler) http.Handler { return f.watch(next, s.clockless) })
	f.World = world.Start(t, o)
	f.furnish(s.grants)
	if s.arrange != nil {
		s.arrange(f)
	}
	f.connect(s)
	f.mu.Lock()
	f.requests = nil
	f.mu.Unlock()
	return f
}

// furnish adds the server and what is in it.
func (f *fixture) furnish(grants discordsim.Permissions) {
	f.Helper()
	stranger := f.Discord.AddUser("stranger", "Stranger")
	f.People["stranger"], f.tokens = stranger.ID, map[string]string{"stranger": stranger.Token}
	f.AddGuild("Friends", "mara", "jonas", "kiyo", "priya", "tomas", "ada")
	for name, id := range f.People {
		f.ids[name] = id
	}
	f.ids["Friends"] = f.Guild
	helper, err := f.Discord.AddRole(f.Guild, "Helper", 0)
	f.Must(err)
	f.ids["Helper"] = helper
	f.Must(f.Discord.SetRoles(f.Guild, f.People["ada"], helper))
	if grants == 0 {
		grants = everything
	}
	f.AddBot(discordsim.ApplicationOptions{Name: "Snug", NoPrivilegedIntents: true}, everything)
	f.ids["Snug"] = f.App.ID
	add := func(o discordsim.ChannelOptions) {
		f.Helper()
		f.ids[o.Name] = f.AddChannel(o)
	}
	add(discordsim.ChannelOptions{Name: "general", Type: discordsim.ChannelText})
	add(discordsim.ChannelOptions{Name: "Lounge", Type: discordsim.ChannelVoice})
	add(discordsim.ChannelOptions{Name: "Rooms", Type: discordsim.ChannelCategory, Overwrites: []discordsim.Overwrite{
		{ID: helper, Allow: discordsim.PermViewChannel | discordsim.PermConnect},
	}})
	guest := discordsim.Permissions(discordapi.GuestAllow)
	add(discordsim.ChannelOptions{
		Name: "Friday", Type: discordsim.ChannelVoice, Parent: f.ids["Rooms"], UserLimit: 4,
		Overwrites: []discordsim.Overwrite{
			{ID: f.Guild, Deny: discordsim.Permissions(discordapi.EveryoneDeny)},
			{ID: f.App.ID, Member: true, Allow: discordsim.Permissions(discordapi.BotAllow | discordapi.BotExtra)},
			{ID: f.ids["jonas"], Member: true, Allow: guest},
			{ID: f.ids["kiyo"], Member: true, Allow: guest},
			{ID: f.ids["tomas"], Member: true, Deny: discordsim.Permissions(discordapi.EveryoneDeny)},
		},
	})
	f.Must(f.Join("jonas", f.ids["Lounge"]))
	f.Must(f.Join("kiyo", f.ids["Friday"]))
	res := f.Request(http.MethodPost, "/channels/"+f.ids["Friday"].String()+"/invites", `{"max_age":600,"max_uses":1}`)
	defer res.Body.Close()
	var invite struct{ Code string }
	f.Must(json.NewDecoder(res.Body).Decode(&invite))
	f.code = invite.Code
	if grants != everything {
		f.Must(f.Discord.InstallBot(f.Guild, f.App.ID, grants))
	}
}

// connect makes the client and, unless it is to do without, its gateway, and waits until its caches have the server.
func (f *fixture) connect(s setup) {
	f.Helper()
	quiet := slog.New(slog.DiscardHandler)
	s.tries.Backoff, s.tries.Global, s.tries.Logger = time.Millisecond, 10_000, quiet
	f.limiter = ratelimit.New(s.tries)
	token := f.App.BotToken
	if s.stale {
		token = token[:len(token)-1] + "_"
	}
	client, err := disgo.New(token, bot.WithLogger(quiet),
		bot.WithCacheConfigOpts(discordapi.Caches(func() snowflake.ID { return f.App.ID })...),
		bot.WithRestClientConfigOpts(append(f.limiter.Options(nil),
			rest.WithUserAgent(agent.Discord), rest.WithURL(f.URL+"/api/v10"))...),
		bot.WithRestConfigOpts(rest.WithDefaultAllowedMentions(discord.AllowedMentions{})))
	f.Must(err)
	f.Cleanup(func() { client.Rest.Close(context.Background()) })
	f.client, f.api = client, discordapi.New(client, f.clock.Now)
	if s.uncached {
		return
	}
	ready := make(chan error, 1)
	shard, err := gateway.New(gateway.Config{
		Token: f.App.BotToken, Intents: dgateway.IntentGuilds, URL: "ws" + strings.TrimPrefix(f.URL, "http") +
			"/gateway",
		Logger: quiet,
		Handler: func(g dgateway.Gateway, kind dgateway.EventType, seq int, data dgateway.EventData) {
			err := f.api.Follow(g, kind, seq, data)
			if err != nil || kind == dgateway.EventTypeGuildCreate {
				select {
				case ready <- err:
				default:
				}
			}
		},
	})
	f.Must(err)
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	f.Must(shard.Open(ctx))
	f.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		shard.Close(ctx)
	})
	select {
	case err := <-ready:
		f.Must(err)
	case <-ctx.Done():
		f.Fatal("the caches did not get the server")
	}
}

// watch stands between Snug and Discord.
func (f *fixture) watch(next http.Handler, clockless bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, rest := strings.CutPrefix(r.URL.Path, "/api/v10")
		if !rest {
			next.ServeHTTP(w, r)
			return
		}
		asks := r.Method + " " + f.named(path)
		f.mu.Lock()
		reason, _ := url.QueryUnescape(r.Header.Get("X-Audit-Log-Reason"))
		f.requests = append(f.requests, request{asks, reason})
		held, swallowed, arrived := f.hold == asks, f.swallow, f.arrived
		f.mu.Unlock()
		if !clockless && strings.HasSuffix(path, "/job-status") {
			f.clock.Forward(time.Second) // the target users are processed by now
		}
		if arrived != nil {
			arrived(asks)
		}
		if held {
			if !swallowed {
				next.ServeHTTP(httptest.NewRecorder(), r)
			}
			<-r.Context().Done()
			return
		}
		next.ServeHTTP(w, r)
	})
}

// cached waits until the gateway has told of somebody's overwrite in a channel.
func (f *fixture) cached(channel, who string) {
	f.Helper()
	testkit.Eventually(f, "the cache has the overwrite of "+who, func() bool {
		c, ok := f.client.Caches.Channel(f.id(channel))
		if !ok {
			return false
		}
		_, ok = c.PermissionOverwrites().Member(f.id(who))
		return ok
	})
}

// id returns the id of somebody or something in the server, by its name.
func (f *fixture) id(name string) snowflake.ID {
	f.Helper()
	id, ok := f.ids[name]
	if !ok {
		f.Fatalf("nobody and nothing is named %q", name)
	}
	return id
}

// name is the reverse of id. What Snug created since has the name "new".
func (f *fixture) name(id snowflake.ID) string {
	for name, x := range f.ids {
		if x == id {
			return name
		}
	}
	if id == 0 {
		return "none"
	}
	return "new"
}

// all are the names of ids.
func (f *fixture) all(ids []snowflake.ID) (names []string) {
	for _, id := range ids {
		names = append(names, f.name(id))
	}
	return names
}

// tokenOf is somebody's access token that lets a bot add them to its servers.
func (f *fixture) tokenOf(name string) string { return f.tokens[name] }

// named replaces the ids in a path with names.
func (f *fixture) named(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if id, err := snowflake.Parse(p); err == nil && p != "" && p[0] >= '0' && p[0] <= '9' {
			parts[i] = f.name(id)
		} else if i > 0 && parts[i-1] == "invites" {
			parts[i] = "code"
		}
	}
	return strings.Join(parts, "/")
}

// route is the reverse of named, for a discordsim.Fault: what has no id yet is any.
func (f *fixture) route(asks string) string {
	method, path, _ := strings.Cut(asks, " ")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		switch id, known := f.ids[p]; {
		case known:
			parts[i] = id.String()
		case p == "new", p == "code":
			parts[i] = "{any}"
		}
	}
	return method + " " + strings.Join(parts, "/")
}

// asked returns what Snug asked Discord since the last call.
func (f *fixture) asked() []string {
	var list []string
	for _, r := range f.took() {
		list = append(list, r.asks)
	}
	return list
}

func (f *fixture) took() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.requests
	f.requests = nil
	return list
}

// inject plants a fault at a request.
func (f *fixture) inject(asks string, x discordsim.Fault) {
	f.Helper()
	x.Route = f.route(asks)
	_, err := f.Discord.Inject(x)
	f.Must(err)
}

// access is who may enter Friday, with these guests.
func (f *fixture) access(guests ...string) rooms.RoomAccess {
	a := rooms.RoomAccess{
		GuildID: f.Guild, CategoryID: f.id("Rooms"), OwnerID: f.id("jonas"), Private: true,
		Banned: []snowflake.ID{f.id("tomas")}, Roles: map[snowflake.ID][]snowflake.ID{f.id("jonas"): nil},
	}
	for _, g := range guests {
		a.Guests, a.Roles[f.id(g)] = append(a.Guests, f.id(g)), nil
	}
	return a
}

// picture is what Discord has, one fact a line.
func (f *fixture) picture() []string {
	f.Helper()
	var s struct {
		Guilds []struct {
			Channels []struct {
				ID         snowflake.ID
				Type       int
				Name       string
				Parent     snowflake.ID `json:"parent_id"`
				UserLimit  int          `json:"user_limit"`
				Status     string
				Overwrites []struct {
					ID          snowflake.ID
					Allow, Deny discord.Permissions
				} `json:"permission_overwrites"`
			}
			Members     []struct{ User struct{ ID snowflake.ID } }
			VoiceStates []struct {
				User    snowflake.ID `json:"user_id"`
				Channel snowflake.ID `json:"channel_id"`
			} `json:"voice_states"`
		}
		Messages map[snowflake.ID][]struct{ Content string }
		DMs      []struct {
			ID         snowflake.ID
			Recipients []struct{ ID snowflake.ID }
		}
		Invites map[string]struct {
			MaxAge  int `json:"max_age"`
			MaxUses int `json:"max_uses"`
			Channel struct{ Name string }
		}
	}
	b, err := json.Marshal(f.Discord.State())
	f.Must(err)
	f.Must(json.Unmarshal(b, &s))
	list := []string{}
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	channels := map[snowflake.ID]string{0: ""}
	for _, g := range s.Guilds {
		for _, c := range g.Channels {
			channels[c.ID] = c.Name
		}
		for _, c := range g.Channels {
			add("channel %s: type %d in %q, limit %d, status %q", c.Name, c.Type, channels[c.Parent], c.UserLimit,
				c.Status)
			for _, o := range c.Overwrites {
				who := f.name(o.ID)
				if o.ID == f.Guild {
					who = "everyone"
				}
				add("%s, %s: +%s -%s", c.Name, who, discordapi.Names(o.Allow), discordapi.Names(o.Deny))
			}
		}
		for _, m := range g.Members {
			add("member %s", f.name(m.User.ID))
		}
		for _, v := range g.VoiceStates {
			add("%s is in %s", f.name(v.User), channels[v.Channel])
		}
	}
	for id, messages := range s.Messages {
		if channels[id] == "" {
			channels[id] = "direct messages"
		}
		for _, m := range messages {
			add("message in %s: %s", channels[id], m.Content)
		}
	}
	for _, d := range s.DMs {
		for _, r := range d.Recipients {
			if r.ID != f.App.ID {
				add("direct messages with %s", f.name(r.ID))
			}
		}
	}
	for _, i := range s.Invites {
		add("invite into %s: %d s, %d uses", i.Channel.Name, i.MaxAge, i.MaxUses)
	}
	slices.Sort(list)
	for i := 1; i < len(list); i++ {
		if list[i] == list[i-1] {
			list[i] += " (again)"
		}
	}
	return list
}

// changes are the lines that a picture lost and gained.
func changes(before, after []string) []string {
	list := []string{}
	for _, l := range before {
		if !slices.Contains(after, l) {
			list = append(list, "- "+l)
		}
	}
	for _, l := range after {
		if !slices.Contains(before, l) {
			list = append(list, "+ "+l)
		}
	}
	return list
}
