package discordsim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"snug/shared/discordsim"
)

func TestCommandRules(t *testing.T) {
	path := func(w *world) string { return "/applications/" + w.Application.ID.String() + "/commands" }
	runRules(t, []rule{
		{"chat commands have lower-case names and a description",
			docCommands + "#application-command-object-application-command-naming", func(t *testing.T, w *world) {
				for _, body := range []map[string]any{
					{"name": "Room", "description": "x"}, {"name": "two words", "description": "x"}, {"name": "x"},
					{"name": "x", "description": strings.Repeat("x", 101)},
				} {
					w.refuse(t, w.bot("POST", path(w), body), 400, 50035)
				}
				w.bot("POST", path(w), map[string]any{"name": "raum-öffnen", "description": "x"}).must(t, 201)
			}},
		{"the same name again is an update", docCommands + "#create-global-application-command",
			func(t *testing.T, w *world) {
				a := w.bot("POST", path(w), map[string]any{"name": "x", "description": "one"}).must(t, 201)
				b := w.bot("POST", path(w), map[string]any{"name": "x", "description": "two"}).must(t, 200)
				if a.str("id") != b.str("id") || a.str("version") == b.str("version") {
					t.Errorf("%s then %s", a.raw, b.raw)
				}
			}},
		{"required options come first",
			docCommands + "#application-command-object-application-command-option-structure",
			func(t *testing.T, w *world) {
				a := w.bot("PUT", path(w), []any{map[string]any{"name": "x", "description": "x", "options": []any{
					map[string]any{"type": 3, "name": "a", "description": "a"},
					map[string]any{"type": 3, "name": "b", "description": "b", "required": true}}}})
				w.refuse(t, a, 400, 50035)
				if !strings.Contains(string(a.raw), `{"0":{"options":{"1":{"required":{"_errors":`) {
					t.Errorf("the tree: %s", a.raw)
				}
			}},
		{"at most 25 options and choices", docCommands, func(t *testing.T, w *world) {
			var options []any
			for i := range 26 {
				options = append(options, map[string]any{"type": 3, "name": fmt.Sprint("o", i), "description": "o"})
			}
			w.refuse(t, w.bot("POST", path(w), map[string]any{"name": "x", "description": "x", "options": options}),
				400, 50035)
		}},
		{"guild commands and translations", docCommands + "#localization", func(t *testing.T, w *world) {
			g := "/applications/" + w.Application.ID.String() + w.guildPath("/commands")
			id := w.bot("POST", g,
				map[string]any{
					"name": "x", "description": "x", "name_localizations": map[string]string{"de": "ix"},
				}).must(t,
				201).str("id")
			if a := w.bot("GET", g, nil).must(t, 200); strings.Contains(string(a.raw), `"ix"`) {
				t.Errorf("translations that nobody asked for: %s", a.raw)
			}
			if a := w.bot("GET", g+"?with_localizations=true", nil).must(t,
				200); !strings.Contains(string(a.raw), `"ix"`) {
				t.Errorf("no translations: %s", a.raw)
			}
			w.bot("PATCH", g+"/"+id, map[string]any{"description": "y"}).must(t, 200)
			w.bot("GET", g+"/"+id, nil).must(t, 200)
			w.bot("GET", g+"/permissions", nil).must(t, 200)
			w.refuse(t, w.bot("GET", g+"/"+id+"/permissions", nil), 404, 10066)
			w.bot("DELETE", g+"/"+id, nil).must(t, 204)
			w.refuse(t, w.bot("GET", g+"/"+id, nil), 404, 10063)
		}},
	})
}

func TestInteractionRules(t *testing.T) {
	t.Parallel()
	runRules(t, []rule{
		{"options arrive typed, with what they name", docInteractions + "#interaction-object",
			func(t *testing.T, w *world) {
				w.register()
				c, _ := w.login(nil)
				ans, err := w.answering(c, w.run(w.Owner, "create-room",
					map[string]any{
						"name": "Goblins", "seats": 3, "private": true, "user": w.Users[3].ID.String(),
						"kind": "Casual",
					}), func(a act) {
					want := `[{"type":3,"name":"name","value":"Goblins"},{"type":4,"name":"seats","value":3},` +
						`{"type":5,"name":"private","value":true},{"type":6,"name":"user","value":"` +
						w.Users[3].ID.String() + `"},{"type":3,"name":"kind","value":"c"}]`
					if string(a.Data.Options) != want || a.Type != 2 || a.Member == nil || a.Member.Permissions == "" ||
						!strings.Contains(string(a.Data.Resolved), `"dmitri"`) {
						t.Errorf("%+v %s", a, a.Data.Options)
					}
					w.bot("POST", a.callback(),
						map[string]any{"type": 4, "data": map[string]any{"content": "hello", "flags": 64}}).must(t,
						204)
				})
				if err != nil || ans.Message.Content != "hello" || !ans.Ephemeral || ans.Deferred {
					t.Errorf("%+v, %v", ans, err)
				}
			}},
		{"sub-commands and groups", docCommands + "#subcommands-and-subcommand-groups", func(t *testing.T, w *world) {
			w.register()
			c, _ := w.login(nil)
			for name, want := range map[string]string{
				"room rename":   `[{"type":1,"name":"rename","options":[{"type":3,"name":"name","value":"x"}]}]`,
				"room seat add": `[{"type":2,"name":"seat","options":[{"type":1,"name":"add"}]}]`,
			} {
				options := map[string]any{"name": "x"}
				if name == "room seat add" {
					options = nil
				}
				if _, err := w.answering(c, w.run(w.Owner, name, options), func(a act) {
					if string(a.Data.Options) != want {
						t.Errorf("%s: %s", name, a.Data.Options)
					}
					w.bot("POST", a.callback(),
						map[string]any{"type": 4, "data": map[string]any{"content": "ok"}}).must(t,
						204)
				}); err != nil {
					t.Error(err)
				}
			}
		}},
		{"wrong options are refused before anything is sent", docCommands, func(t *testing.T, w *world) {
			w.register()
			for _, options := range []map[string]any{
				{"seats": 100}, {"name": strings.Repeat("x", 21)}, {"kind": "other"}, {"user": "1"}, {"colour": "red"},
			} {
				_, err := w.run(w.Owner, "create-room", options)(t.Context())
				if e, ok := errors.AsType[*discordsim.APIError](err); !ok || e.Code != 50035 {
					t.Errorf("%v: %v", options, err)
				}
			}
			if _, err := w.run(w.Owner, "room rename", nil)(t.Context()); err == nil {
				t.Error("a required option was missing")
			}
			if _, err := w.run(w.Owner, "room", nil)(t.Context()); err == nil {
				t.Error("a sub-command was missing")
			}
		}},
		{"default member permissions", docCommands + "#permissions", func(t *testing.T, w *world) {
			w.register()
			_, err := w.run(w.Users[3], "setup", nil)(t.Context())
			if e, ok := errors.AsType[*discordsim.APIError](err); !ok || e.Code != 50013 {
				t.Errorf("a member used it: %v", err)
			}
		}},
		{"the first answer comes within three seconds", docInteractions + "#responding-to-an-interaction",
			func(t *testing.T, w *world) {
				w.register()
				c, _ := w.login(nil)
				var late act
				_, err := w.answering(c, w.run(w.Owner, "create-room", nil), func(a act) { late = a })
				if e, ok := errors.AsType[*discordsim.APIError](err); !ok || e.Status != 504 {
					t.Errorf("%v", err)
				}
				w.refuse(t, w.bot("POST", late.callback(), map[string]any{"type": 5}), 404, 10062)
			}},
		{"a second answer is refused", docCodes + "#json", func(t *testing.T, w *world) {
			w.register()
			c, _ := w.login(nil)
			if _, err := w.answering(c, w.run(w.Owner, "create-room", nil), func(a act) {
				w.refuse(t,
					w.bot("POST", a.callback(), map[string]any{"type": 7, "data": map[string]any{"content": "x"}}), 400,
					50035)
				w.bot("POST", a.callback(), map[string]any{
					"type": 4, "data": map[string]any{"content": "x"},
				}).must(t, 204)
				w.refuse(t,
					w.bot("POST", a.callback(), map[string]any{"type": 4, "data": map[string]any{"content": "x"}}), 400,
					40060)
			}); err != nil {
				t.Error(err)
			}
		}},
		{"a deferred answer stays ephemeral, follow-ups choose", docInteractions + "#followup-messages",
			func(t *testing.T, w *world) {
				w.register()
				c, _ := w.login(nil)
				var got act
				ans, err := w.answering(c, w.run(w.Owner, "create-room", nil), func(a act) {
					got = a
					r := w.bot("POST", a.callback()+"?with_response=true",
						map[string]any{"type": 5, "data": map[string]any{"flags": 64}}).must(t,
						200)
					if !strings.Contains(string(r.raw), `"response_message_loading":true`) {
						t.Errorf("%s", r.raw)
					}
					w.bot("PATCH", w.hook(a, "/messages/@original"), map[string]any{"content": "done"}).must(t, 200)
				})
				if err != nil || !ans.Deferred || !ans.Ephemeral || ans.Message.Content != "done" {
					t.Fatalf("%+v, %v", ans, err)
				}
				open := w.bot("POST", w.hook(got, ""), map[string]any{"content": "for all"}).must(t, 200)
				own := w.bot("POST", w.hook(got, "?wait=true"),
					map[string]any{"content": "for you", "flags": 64}).must(t,
					200)
				for u, want := range map[discordsim.ID]int{w.Owner.ID: 3, w.Users[3].ID: 1} {
					st, err := w.StateFor(u)
					if err != nil {
						t.Fatal(err)
					}
					if n := len(st.Messages[w.General.ID]); n != want {
						t.Errorf("user %d sees %d messages, want %d", u, n, want)
					}
				}
				w.bot("PATCH", w.hook(got, "/messages/"+own.str("id")), map[string]any{"content": "changed"}).must(t,
					200)
				w.bot("GET", w.hook(got, "/messages/@original"), nil).must(t, 200)
				w.bot("DELETE", w.hook(got, "/messages/"+open.str("id")), nil).must(t, 204)
				w.refuse(t, w.bot("GET", w.hook(got, "/messages/"+open.str("id")), nil), 404, 10008)
				w.bot("DELETE", w.hook(got, "/messages/@original"), nil).must(t, 204)
				w.refuse(t, w.bot("GET", "/channels/"+w.General.ID.String()+"/messages/"+own.str("id"), nil), 404,
					10008)
			}},
		{"tokens live fifteen minutes", docInteractions + "#responding-to-an-interaction",
			func(t *testing.T, _ *world) {
				var mu sync.Mutex
				now := time.Now()
				w := start(t,
					func(
						o *discordsim.Options,
					) {
						o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
					})
				w.register()
				c, _ := w.login(nil)
				var got act
				if _, err := w.answering(c, w.run(w.Owner, "create-room", nil), func(a act) {
					got = a
					w.bot("POST", a.callback(),
						map[string]any{"type": 4, "data": map[string]any{"content": "x"}}).must(t,
						204)
				}); err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				now = now.Add(15*time.Minute + time.Second)
				mu.Unlock()
				w.refuse(t, w.bot("PATCH", w.hook(got, "/messages/@original"), map[string]any{"content": "y"}), 401,
					50027)
			}},
		{"callbacks need no authorisation", docInteractions + "#create-interaction-response",
			func(t *testing.T, w *world) {
				w.register()
				c, _ := w.login(nil)
				if _, err := w.answering(c, w.run(w.Owner, "create-room", nil), func(a act) {
					w.request("POST", "/api/v10"+a.callback(), "",
						map[string]any{"type": 4, "data": map[string]any{"content": "x"}}).must(t,
						204)
				}); err != nil {
					t.Error(err)
				}
				w.refuse(t, w.bot("POST", "/interactions/1/x/callback", map[string]any{"type": 4}), 404, 10062)
				w.refuse(t, w.bot("POST", "/webhooks/1/x", map[string]any{"content": "x"}), 404, 10015)
			}},
		{"autocompletion", docCommands + "#autocomplete", func(t *testing.T, w *world) {
			w.register()
			c, _ := w.login(nil)
			ans, err := w.answering(c, func(ctx context.Context) (*discordsim.Answer, error) {
				list, err := w.Autocomplete(ctx, w.Owner.ID,
					discordsim.CommandRun{
						Guild: w.Guild.ID, Name: "create-room", Options: map[string]any{"name": "Go"},
					},
					"name")
				return &discordsim.Answer{Choices: list}, err
			}, func(a act) {
				if a.Type != 4 || string(a.Data.Options) != `[{"type":3,"name":"name","value":"Go","focused":true}]` {
					t.Errorf("%+v %s", a, a.Data.Options)
				}
				w.bot("POST", a.callback(),
					map[string]any{
						"type": 8,
						"data": map[string]any{"choices": []any{map[string]any{"name": "Goblins", "value": "g"}}},
					}).must(t,
					204)
			})
			if err != nil || len(ans.Choices) != 1 || ans.Choices[0].Name != "Goblins" {
				t.Errorf("%+v, %v", ans, err)
			}
		}},
		{"menu commands carry their target", docCommands + "#user-commands", func(t *testing.T, w *world) {
			w.register()
			c, _ := w.login(nil)
			if _, err := w.answering(c, func(ctx context.Context) (*discordsim.Answer, error) {
				return w.RunCommand(ctx, w.Owner.ID,
					discordsim.CommandRun{Guild: w.Guild.ID, Name: "Invite to my room", Target: w.Users[4].ID})
			}, func(a act) {
				if a.Data.Target != w.Users[4].ID.String() ||
					!strings.Contains(string(a.Data.Resolved), `"esperanza"`) {
					t.Errorf("%+v", a)
				}
				w.bot("POST", a.callback(), map[string]any{
					"type": 4, "data": map[string]any{"content": "x"},
				}).must(t, 204)
			}); err != nil {
				t.Error(err)
			}
		}},
		{"commands in direct messages reach shard 0", docGateway + "#sharding", func(t *testing.T, w *world) {
			w.register()
			if err := w.SetLocale(w.Users[5].ID, "de"); err != nil {
				t.Fatal(err)
			}
			c := w.dial("?v=10&encoding=json")
			c.hello()
			c.identify(w.Application.BotToken, map[string]any{"shard": [2]int{0, 4}})
			ans, err := w.answering(c, func(ctx context.Context) (*discordsim.Answer, error) {
				return w.RunCommand(ctx, w.Users[5].ID, discordsim.CommandRun{Name: "create-room"})
			}, func(a act) {
				if a.GuildID != "" || a.User == nil || a.Context != 1 || a.Locale != "de" {
					t.Errorf("%+v", a)
				}
				w.bot("POST", a.callback(),
					map[string]any{"type": 4, "data": map[string]any{"content": "in private"}}).must(t,
					204)
			})
			if err != nil || ans.Message.Content != "in private" {
				t.Errorf("%+v, %v", ans, err)
			}
		}},
	})
}
