package discordsim_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/disgo/httpserver"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

const docEndpoint = "https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint"

// endpoint serves an application's interactions endpoint, which refuses wrong signatures and acknowledges PINGs.
func (w *world) endpoint(answer func(w http.ResponseWriter, a act)) (url string) {
	w.t.Helper()
	key, err := hex.DecodeString(w.bot("GET", "/applications/@me", nil).must(w.t, 200).str("verify_key"))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.serving(func(to http.ResponseWriter, r *http.Request) {
		if !httpserver.VerifyRequest(httpserver.DefaultVerifier{}, r, key) {
			to.WriteHeader(http.StatusUnauthorized)
			return
		}
		var a act
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			w.t.Error(err)
		}
		if a.Type == 1 {
			reply(to, 200, `{"type":1}`)
			return
		}
		answer(to, a)
	})
}

func (w *world) serving(h http.HandlerFunc) (url string) {
	s := httptest.NewServer(h)
	w.t.Cleanup(s.Close)
	return s.URL + "/interactions"
}

func reply(to http.ResponseWriter, status int, body string) {
	to.Header().Set("Content-Type", "application/json")
	to.WriteHeader(status)
	_, _ = io.WriteString(to, body)
}

// setEndpoint has the application's interactions posted to an address.
func (w *world) setEndpoint(url any) answer {
	w.t.Helper()
	return w.bot("PATCH", "/applications/@me", map[string]any{"interactions_endpoint_url": url})
}

func patient(o *discordsim.Options) { o.FirstAnswer = testkit.Patience }

// TestEndpointIsVerified: an endpoint that doesn't do what Discord's document asks isn't saved, and neither is what
// else the request changes.
func TestEndpointIsVerified(t *testing.T) {
	t.Parallel()
	pong := func(to http.ResponseWriter) { reply(to, 200, `{"type":1}`) }
	for _, tc := range []struct {
		name, url string
		serve     func(to http.ResponseWriter) // where it is, without a url
		says      string
	}{
		{"isn't there", "", func(to http.ResponseWriter) { to.WriteHeader(404) }, "with 404; answer with 200"},
		{"doesn't say what it answers", "", func(to http.ResponseWriter) {
			to.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(to, `{"type":1}`)
		}, "Content-Type"},
		{"answers something else", "", func(to http.ResponseWriter) { reply(to, 200, `{"type":4}`) },
			"another body"},
		{"accepts wrong signatures", "", pong, "wrong signature with 200; answer with 401"},
		{"sends elsewhere", "", func(to http.ResponseWriter) {
			to.Header().Set("Location", "/elsewhere")
			to.WriteHeader(307)
		}, "with 307"},
		{"is another machine", "https://example.org/interactions", nil, "this machine alone"},
		{"is no web address", "ftp://127.0.0.1/interactions", nil, "Not a well formed URL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, patient)
			url := tc.url
			if url == "" {
				url = w.serving(func(to http.ResponseWriter, _ *http.Request) { tc.serve(to) })
			}
			a := w.bot("PATCH", "/applications/@me",
				map[string]any{"interactions_endpoint_url": url, "description": "New"})
			w.refuse(t, a, 400, 50035)
			if !strings.Contains(string(a.raw), tc.says) {
				t.Errorf("%s", a.raw)
			}
			is := w.bot("GET", "/applications/@me", nil).must(t, 200)
			if is.json["interactions_endpoint_url"] != nil || is.str("description") == "New" {
				t.Errorf("it was saved: %s", is.raw)
			}
		})
	}
	t.Run("doesn't answer", func(t *testing.T) {
		t.Parallel()
		w := start(t, func(o *discordsim.Options) { o.FirstAnswer = 50 * time.Millisecond })
		url := w.serving(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		w.refuse(t, w.setEndpoint(url), 400, 50035)
	})
}

// TestEndpointIsKept: it is shown, stays through a snapshot with the key, and can be removed.
func TestEndpointIsKept(t *testing.T) {
	t.Parallel()
	w := start(t, patient)
	url := w.endpoint(nil)
	set := w.setEndpoint(url).must(t, 200)
	saved, err := w.Snapshot()
	w.ok(err)
	w.setEndpoint(nil).must(t, 200)
	if a := w.bot("GET", "/applications/@me", nil); a.json["interactions_endpoint_url"] != nil {
		t.Errorf("it is there still: %s", a.raw)
	}
	w.ok(w.RestoreSnapshot(saved))
	a := w.bot("GET", "/applications/@me", nil).must(t, 200)
	if a.str("interactions_endpoint_url") != url || a.str("verify_key") != set.str("verify_key") {
		t.Errorf("%s after %s", a.raw, set.raw)
	}
}

// TestEndpointAnswers: interactions go to the endpoint alone, and what it responds is the first response.
func TestEndpointAnswers(t *testing.T) {
	t.Parallel()
	const hello = `{"type":4,"data":{"content":"hello","flags":64}}`
	for _, tc := range []struct {
		name, doc string
		answer    func(w *world, to http.ResponseWriter, a act)
		later     func(w *world, a act) // once the simulator has the response
		fails     bool
	}{
		{"in the response", docEndpoint, func(_ *world, to http.ResponseWriter, _ act) { reply(to, 200, hello) }, nil,
			false},
		{"later", docInteractions + "#followup-messages",
			func(_ *world, to http.ResponseWriter, _ act) { reply(to, 200, `{"type":5,"data":{"flags":64}}`) },
			func(w *world, a act) {
				w.bot("PATCH", w.hook(a, "/messages/@original"), map[string]any{"content": "hello"}).must(w.t, 200)
			}, false},
		{"by a request of its own", docInteractions + "#interaction-callback",
			func(w *world, to http.ResponseWriter, a act) {
				if got := w.bot("POST", a.callback(), hello); got.status != 204 {
					w.t.Errorf("%s", got.raw)
				}
				to.WriteHeader(202)
			}, nil, false},
		{"twice", docCodes + "#json", func(w *world, to http.ResponseWriter, a act) {
			if got := w.bot("POST", a.callback(), hello); got.status != 204 {
				w.t.Errorf("%s", got.raw)
			}
			reply(to, 200, `{"type":4,"data":{"content":"again"}}`)
		}, nil, false},
		{"with an error", docEndpoint, func(_ *world, to http.ResponseWriter, _ act) { reply(to, 500, hello) }, nil,
			true},
		{"with what isn't JSON", docReference + "#http-api", func(_ *world, to http.ResponseWriter, _ act) {
			to.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(to, hello)
		}, nil, true},
		{"without saying what it is", docReference + "#http-api", func(_ *world, to http.ResponseWriter, _ act) {
			to.Header()["Content-Type"] = nil
			_, _ = io.WriteString(to, hello)
		}, nil, true},
		{"with a type that doesn't fit", docInteractions + "#interaction-response-object-interaction-callback-type",
			func(_ *world, to http.ResponseWriter, _ act) { reply(to, 200, `{"type":8,"data":{"choices":[]}}`) }, nil,
			true},
		{"with too long a message", docInteractions, func(_ *world, to http.ResponseWriter, _ act) {
			reply(to, 200, `{"type":4,"data":{"content":"`+strings.Repeat("x", 2001)+`"}}`)
		}, nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var events []string
			posted := make(chan discordsim.Request, 3) // two PINGs, and one interaction
			w := start(t, patient, func(o *discordsim.Options) {
				o.OnPost = func(q discordsim.Request) { posted <- q }
				o.OnDispatch = func(d discordsim.Dispatch) {
					mu.Lock()
					defer mu.Unlock()
					events = append(events, d.Event)
				}
			})
			w.register()
			bot, _ := w.login(nil)
			acts := make(chan act, 1)
			w.setEndpoint(w.endpoint(func(to http.ResponseWriter, a act) {
				tc.answer(w, to, a)
				acts <- a
			})).must(t, 200)
			<-posted
			<-posted
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
			defer cancel()
			var ans *discordsim.Answer
			var err error
			var wg sync.WaitGroup
			wg.Go(func() { ans, err = w.run(w.Owner, "create-room", nil)(ctx) })
			a := <-acts
			if q := <-posted; (q.Refusal != "") != (tc.fails || tc.name == "twice") {
				t.Errorf("refusal %q", q.Refusal)
			}
			if tc.later != nil {
				tc.later(w, a)
			}
			wg.Wait()
			e, refused := errors.AsType[*discordsim.APIError](err)
			switch {
			case tc.fails && (!refused || e.Status != 504):
				t.Errorf("%+v, %v", ans, err)
			case !tc.fails && (err != nil || ans.Message.Content != "hello" || !ans.Ephemeral):
				t.Errorf("%+v, %v", ans, err)
			}
			w.join(w.Users[2], w.Lounge.ID)
			bot.until("VOICE_STATE_UPDATE", nil)
			mu.Lock()
			defer mu.Unlock()
			if slices.Contains(events, "INTERACTION_CREATE") {
				t.Error("it went over the gateway, too")
			}
		})
	}
}
