package main

import (
	"net/http"
	"strings"
	"testing"

	"snug/shared/discordsim"
)

// accept follows an invite as somebody who is not signed in, through Discord's consent, and gives the page it ends at.
func (h *harness) accept(name, link string) (s *script, path, text string) {
	h.Helper()
	s = h.stranger()
	if status, _ := s.page(link); status != http.StatusOK {
		h.Fatalf("the invite's page: %d", status)
	}
	res, err := s.http.PostForm(h.url+link, nil)
	h.must(err)
	res.Body.Close()
	to, err := res.Location()
	h.must(err)
	if scope := to.Query().Get("scope"); scope != "identify guilds.join" {
		h.Fatalf("Discord is asked for %q", scope)
	}
	res, err = s.http.Get(authorise(h, h.world.url, to.RawQuery, h.user(name).Token))
	h.must(err)
	res.Body.Close()
	_, text = s.page(res.Request.URL.Path)
	return s, res.Request.URL.Path, text
}

// TestGuildsJoin: who allows it is brought into the server by their own access token, whatever state they are in there.
func TestGuildsJoin(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 16)
	h := newHarness(t, unhurried, newcomers, func(p *plan) {
		p.discord.OnRequest = func(r discordsim.Request) {
			if r.Route == "/guilds/{guild}/members/{user}" && r.Method == http.MethodGet &&
				r.Status == http.StatusNotFound {
				select {
				case asked <- struct{}{}:
				default:
				}
			}
		}
	})
	discord, guild := h.world.discord, h.world.guild
	alice := h.signIn("alice")
	if status, out := alice.api(http.MethodPatch, "/guilds/"+guild.String()+"/settings",
		map[string]any{"settings": map[string]any{"guilds_join": true}}); status != http.StatusOK {
		t.Fatalf("the setting: %d %v", status, out)
	}
	id := alice.open("Friday")
	invite := func() string {
		status, out := alice.api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{"uses": 1})
		if status != http.StatusCreated {
			t.Fatalf("no invite: %d %v", status, out)
		}
		return strings.TrimPrefix(out["url"].(string), h.url)
	}
	in := func(name string) {
		t.Helper()
		if err := h.join(name, id); err != nil {
			t.Errorf("%s does not get into the room: %v", name, err)
			return
		}
		h.leave(name)
	}

	if _, path, text := h.accept("nadia", invite()); path != "/game/"+id || !strings.Contains(text, "Friday") {
		t.Errorf("nadia came to %s: %.300s", path, text)
	}
	in("nadia")

	// Omar comes in by another way after Snug has looked: Discord answers with 204 and no body.
	_, err := discord.Inject(discordsim.Fault{
		Kind: discordsim.FaultLatency, Route: "PUT /guilds/{guild}/members/{user}", Delay: 1, Count: 1,
	})
	h.must(err)
	for len(asked) > 0 {
		<-asked
	}
	joined := make(chan error, 1)
	go func() {
		<-asked
		joined <- discord.AddMember(guild, h.user("omar").ID, "")
	}()
	if _, path, text := h.accept("omar", invite()); path != "/game/"+id || !strings.Contains(text, "Friday") {
		t.Errorf("omar came to %s: %.300s", path, text)
	}
	h.must(<-joined)
	in("omar")

	// Where rules come first, they come first for whom Snug brings in, too.
	h.must(discord.SetScreening(guild, true))
	quentin := discord.AddUser("quentin", "Quentin")
	h.world.users = append(h.world.users, quentin)
	they, path, text := h.accept("quentin", invite())
	if path != "/game/"+id+"/coming" || !strings.Contains(text, `data-step="rules"`) {
		t.Errorf("quentin came to %s: %s", path, text)
	}
	if err := h.join("quentin", id); err == nil {
		t.Error("quentin gets into the room before the rules")
	}
	h.must(discord.SetPending(guild, quentin.ID, false))
	h.eventually("the room's page",
		func() bool { _, text := they.page("/game/" + id); return strings.Contains(text, `id="seats"`) })
	in("quentin")
}
