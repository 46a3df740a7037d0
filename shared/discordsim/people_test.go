package discordsim_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"snug/shared/discordsim"
	"snug/shared/discordsim/internal/rest"
)

const asPerson = "/_sim/users/{person}/api"

// TestPeopleAreDescribed: the control interface's description has what people do, and nothing else.
func TestPeopleAreDescribed(t *testing.T) {
	raw, err := os.ReadFile("internal/control/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for path, methods := range d.Paths {
		if below, ok := strings.CutPrefix(path, asPerson); ok {
			for method := range methods {
				described[strings.ToUpper(method)+" "+below] = true
			}
		}
	}
	can := rest.PeopleRoutes()
	slices.Sort(can)
	if file := os.Getenv("PEOPLE_ROUTES"); file != "" {
		_ = os.WriteFile(file, []byte(strings.Join(can, "\n")), 0o644)
	}
	if have := slices.Sorted(maps.Keys(described)); !slices.Equal(have, can) {
		t.Errorf("described\n%s\nwhat people can do\n%s", strings.Join(have, "\n"), strings.Join(can, "\n"))
	}
}

// as sends what a person's client sends.
func (w *world) as(u discordsim.User, method, path string, body any) answer {
	w.t.Helper()
	return w.control(method, "/users/"+u.ID.String()+"/api"+path, body)
}

// TestPeopleAct: what people do, and who may, by Discord's rules for permissions.
func TestPeopleAct(t *testing.T) {
	t.Parallel()
	w := start(t)
	owner, mod, carol, dmitri := w.Owner, w.Moderator, w.Users[2], w.Users[3]
	guild, general := w.guildPath(""), "/channels/"+w.General.ID.String()
	bots := general + "/messages/" + w.post(map[string]any{"content": "by the bot"}).must(t, 200).str("id")
	carols := general + "/messages/" + w.as(carol, "POST", general+"/messages",
		map[string]any{"content": "by Carol"}).must(t, 200).str("id")
	lounge := map[string]any{"channel_id": w.Lounge.ID}
	w.join(dmitri, w.Arena.ID)
	member := func(u discordsim.User) string { return guild + "/members/" + u.ID.String() }
	hello := map[string]any{"content": "hello"}
	w.byPeople([]byPerson{
		{"edits their message", carol, "PATCH", carols, hello, 200, 0},
		{"edits somebody else's", owner, "PATCH", carols, hello, 403, 50005},
		{"replies", dmitri, "POST", general + "/messages", map[string]any{"content": "yes",
			"message_reference": map[string]any{"message_id": carols[len(carols)-19:]}}, 200, 0},
		{"sends an embed", carol, "POST", general + "/messages", map[string]any{"content": "x",
			"embeds": []any{map[string]any{"title": "x"}}}, 400, 50035},
		{"sends nothing", carol, "POST", general + "/messages", map[string]any{"content": ""}, 400, 50006},
		{"reacts", carol, "PUT", bots + "/reactions/👍/@me", nil, 204, 0},
		{"reacts with a word", carol, "PUT", bots + "/reactions/yes/@me", nil, 400, 10014},
		{"sees who reacted", dmitri, "GET", bots + "/reactions/👍", nil, 200, 0},
		{"removes somebody's reaction", dmitri, "DELETE", bots + "/reactions/👍/" + carol.ID.String(), nil, 403, 50013},
		{"removes one as a moderator", mod, "DELETE", bots + "/reactions/👍/" + carol.ID.String(), nil, 204, 0},
		{"removes what isn't there", carol, "DELETE", bots + "/reactions/👍/@me", nil, 204, 0},
		{"clears reactions", dmitri, "DELETE", bots + "/reactions", nil, 403, 50013},
		{"clears them as a moderator", mod, "DELETE", bots + "/reactions", nil, 204, 0},
		{"pins", carol, "PUT", general + "/messages/pins/" + bots[len(bots)-19:], nil, 403, 50013},
		{"deletes a bot's message", carol, "DELETE", bots, nil, 403, 50013},
		{"deletes it as a moderator", mod, "DELETE", bots, nil, 204, 0},
		{"mutes who isn't in voice", mod, "PATCH", member(carol), map[string]any{"mute": true}, 400, 40032},
		{"mutes as a member", carol, "PATCH", member(dmitri), map[string]any{"mute": true}, 403, 50013},
		{"mutes as a moderator", mod, "PATCH", member(dmitri), map[string]any{"mute": true, "deaf": true}, 200, 0},
		{"moves as a member", carol, "PATCH", member(dmitri), lounge, 403, 50013},
		{"moves as a moderator", mod, "PATCH", member(dmitri), lounge, 200, 0},
		{"disconnects as a moderator", mod, "PATCH", member(dmitri), map[string]any{"channel_id": nil}, 200, 0},
		{"times out as a moderator", mod, "PATCH", member(dmitri),
			map[string]any{"communication_disabled_until": "2100-01-01T00:00:00Z"}, 403, 50013},
		{"changes a nickname", carol, "PATCH", guild + "/members/@me", map[string]any{"nick": "C"}, 200, 0},
		{"changes another's", carol, "PATCH", member(dmitri), map[string]any{"nick": "D"}, 403, 50013},
		{"kicks the owner", mod, "DELETE", member(owner), nil, 403, 50013},
		{"makes a channel", carol, "POST", guild + "/channels", map[string]any{"name": "x"}, 403, 50013},
		{"renames a channel as the owner", owner, "PATCH", general, map[string]any{"name": "hall"}, 200, 0},
		{"deletes a channel", carol, "DELETE", general, nil, 403, 50013},
		{"makes a role", carol, "POST", guild + "/roles", map[string]any{"name": "x"}, 403, 50013},
		{"bans a member", carol, "PUT", guild + "/bans/" + dmitri.ID.String(), nil, 403, 50013},
		{"bans as the owner", owner, "PUT", guild + "/bans/" + dmitri.ID.String(), nil, 204, 0},
		{"is banned", dmitri, "GET", guild, nil, 404, 10004},
		{"leaves as the owner", owner, "DELETE", "/users/@me/guilds/" + w.Guild.ID.String(), nil, 403, 50013},
		{"uses what only bots can", owner, "GET", "/gateway/bot", nil, 404, 0},
	})
	w.refuse(t, w.control("GET", "/users/1/api/users/@me", nil), 404, 10013)
}

// TestPeopleAreHeard: bots get what people do as events, as far as they may.
func TestPeopleAreHeard(t *testing.T) {
	t.Parallel()
	w := start(t)
	bot, _ := w.login(map[string]any{"intents": allIntents})
	carol := w.As(w.Users[2].ID)
	must := func(m *discordsim.Message, err error) *discordsim.Message {
		t.Helper()
		w.ok(err)
		return m
	}
	type message struct {
		ID, Content string
		Guild       *string `json:"guild_id"`
		Attachments []struct{ Filename, URL string }
		Referenced  *struct{ ID string } `json:"referenced_message"`
		Member      *struct{ Nick *string }
	}
	m := must(carol.Attach(w.General.ID, "look", "map.txt", []byte("here")))
	var got message
	if bot.until("MESSAGE_CREATE", &got); got.Content != "look" || got.Attachments[0].Filename != "map.txt" ||
		got.Member == nil {
		t.Errorf("%+v", got)
	}
	must(carol.Edit(m, "look here"))
	if bot.until("MESSAGE_UPDATE", &got); got.Content != "look here" || len(got.Attachments) != 1 {
		t.Errorf("%+v", got)
	}
	must(w.As(w.Users[3].ID).Reply(m, "where?"))
	if bot.until("MESSAGE_CREATE", &got); got.Referenced == nil || got.Referenced.ID != m.ID.String() {
		t.Errorf("%+v", got)
	}
	var reacted struct {
		User   string `json:"user_id"`
		Author string `json:"message_author_id"`
		Emoji  struct{ Name string }
	}
	w.ok(carol.React(m, "👍"))
	if bot.until("MESSAGE_REACTION_ADD", &reacted); reacted.Emoji.Name != "👍" ||
		reacted.Author != w.Users[2].ID.String() {
		t.Errorf("%+v", reacted)
	}
	w.ok(carol.Unreact(m, "👍"))
	bot.until("MESSAGE_REACTION_REMOVE", nil)
	w.ok(carol.Delete(m))
	bot.until("MESSAGE_DELETE", nil)

	dm := must(carol.DM(w.Application.ID, "psst"))
	got = message{}
	if bot.until("MESSAGE_CREATE", &got); got.Content != "psst" || got.Guild != nil {
		t.Errorf("%+v", got)
	}
	w.ok(carol.React(dm, "❤️"))
	bot.until("MESSAGE_REACTION_ADD", nil)
	w.bot("POST", "/channels/"+dm.ChannelID.String()+"/messages", map[string]any{"content": "hello"}).must(t, 200)

	if _, err := w.As(w.Owner.ID).DM(w.Owner.ID, "me"); err == nil {
		t.Error("a person opened a direct message channel with themselves")
	}
	alone := w.AddUser("zoe", "Zoe")
	if _, err := w.As(alone.ID).DM(w.Application.ID, "hi"); err == nil || err.(*discordsim.APIError).Code != 50278 {
		t.Errorf("a stranger wrote to a bot: %v", err)
	}
}

// TestSlowmode: people wait between messages, unless they may bypass it; bots don't.
func TestSlowmode(t *testing.T) {
	t.Parallel()
	w := start(t)
	general := "/channels/" + w.General.ID.String()
	w.as(w.Owner, "PATCH", general, map[string]any{"rate_limit_per_user": 30}).must(t, 200)
	say := map[string]any{"content": "x"}
	for range 2 {
		w.post(say).must(t, 200)
		w.as(w.Owner, "POST", general+"/messages", say).must(t, 200)
	}
	carol := w.As(w.Users[2].ID)
	_, err := carol.Send(w.General.ID, "one")
	w.ok(err)
	_, err = carol.Send(w.General.ID, "two")
	if e, ok := err.(*discordsim.APIError); !ok || e.Status != 429 || e.Code != 20016 || e.RetryAfter > 30 {
		t.Errorf("it says %v", err)
	}
	w.control("POST", "/time", map[string]any{"advance": 30}).must(t, 200)
	_, err = carol.Send(w.General.ID, "two")
	w.ok(err)
}

// TestBoosts: a boosted guild has better voice channels.
func TestBoosts(t *testing.T) {
	t.Parallel()
	w := start(t)
	lounge := "/channels/" + w.Lounge.ID.String()
	w.refuse(t, w.bot("PATCH", lounge, map[string]any{"bitrate": 128000}), 400, 50035)
	w.control("PATCH", "/guilds/"+w.Guild.ID.String(), map[string]any{"boosts": 2}).must(t, 204)
	w.bot("PATCH", lounge, map[string]any{"bitrate": 128000}).must(t, 200)
	if g := w.bot("GET", w.guildPath(""), nil).must(t, 200); g.json["premium_tier"] != 1.0 {
		t.Errorf("%s", g.raw)
	}
	w.control("PATCH", "/guilds/"+w.Guild.ID.String(), map[string]any{"boosts": 1001}).must(t, 400)
}
