package rest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// What people do in Discord's client are requests to the same API that bots use, under the same rules. Their own
// token isn't for programs ("Automated User Accounts" in Discord's terms), so people's requests come in by As alone.

// notForPeople are the routes that the client has other ways for, or that only bots may use.
var notForPeople = []string{
	"GET /guilds/{guild}/members",        // the client asks the gateway
	"GET /guilds/{guild}/members/search", // likewise
	"PUT /guilds/{guild}/members/{user}", // guilds.join
	"PATCH /users/@me",                   // which takes a password
}

// forPeople reports whether people have a bot's route, too.
func forPeople(rt *route) bool {
	if rt.access&byBot == 0 || slices.Contains(notForPeople, rt.method+" "+rt.path) {
		return false
	}
	for _, root := range []string{"/channels/", "/guilds/", "/invites/", "/stage-instances", "/users/", "/voice/"} {
		if strings.HasPrefix(rt.path, root) {
			return true
		}
	}
	return rt.path == "/webhooks/{webhook}"
}

// Routes lists what the API has, each as a method and a path.
func Routes() (list []string) {
	for _, rt := range table() {
		list = append(list, rt.method+" "+rt.path)
	}
	return list
}

// PeopleRoutes lists what people can do, each as a method and a path.
func PeopleRoutes() (list []string) {
	for _, rt := range table() {
		if rt.access&byPerson != 0 {
			list = append(list, rt.method+" "+rt.path)
		}
	}
	return list
}

func (s *API) peopleRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, rt := range table() {
		if rt.access&byPerson != 0 {
			mux.HandleFunc(pattern(&rt), func(w http.ResponseWriter, r *http.Request) { s.servePerson(w, r, &rt) })
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		form.CommonHeaders(w.Header())
		form.WriteError(w, form.Fail(404, 0, "404: people can't do "+r.Method+" "+unpinned(r.URL.Path)+
			"; /_sim/openapi.json lists what they can"))
	})
	return mux
}

type personKey struct{}

// As serves a request as the client of a person sends it, with a path as in the table. Faults and the limits on bots'
// requests don't apply.
func (s *API) As(user world.ID, w http.ResponseWriter, r *http.Request) {
	r = r.Clone(r.Context())
	r.URL.Path = pinned(r.URL.Path)
	s.people.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), personKey{}, user)))
}

func (s *API) servePerson(w http.ResponseWriter, r *http.Request, rt *route) {
	form.CommonHeaders(w.Header())
	reason, _ := url.QueryUnescape(r.Header.Get("X-Audit-Log-Reason"))
	c := &call{api: s, r: r, route: rt, reason: reason, host: r.Host, extra: http.Header{}, fields: map[string]string{},
		person: true}
	readErr := c.read()
	id, _ := r.Context().Value(personKey{}).(world.ID)
	var a answer
	run := func(st *world.State) {
		c.State = st
		if c.user = st.Users[id]; c.user == nil || c.user.Bot {
			a = c.refuse(form.UnknownUser())
			return
		}
		if r.Method != http.MethodGet {
			st.See(c.user)
		}
		a = c.do(readErr)
	}
	if r.Method == http.MethodGet {
		s.world.View(run)
	} else {
		s.world.Update(run)
	}
	for k, v := range a.headers {
		w.Header()[k] = v
	}
	if a.status == http.StatusNoContent {
		w.Header().Del("Content-Type")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// asPersonMayWrite checks what only bots may send, and how often a person may write in a channel.
func (c *call) asPersonMayWrite(ch *world.Channel, f *form.Form, p world.Permissions) error {
	if !c.person {
		return nil
	}
	// Discord's client has neither, and what its API answers isn't documented: this is a guess.
	for _, name := range []string{"embeds", "components"} {
		if f.Given(name) {
			f.Errs.At(name).Add("BOTS_ONLY", "Only bots can use this field.")
		}
	}
	if ch.Guild == 0 {
		return nil
	}
	return c.Slowmode(ch, c.user.ID, p)
}
