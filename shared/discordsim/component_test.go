package discordsim_test

import (
	"context"
	"strings"
	"testing"

	"snug/shared/discordsim"
)

const docComponents = "https://docs.discord.com/developers/components/reference"

func TestComponentRules(t *testing.T) {
	many := func(n int, f func(i int) map[string]any) []map[string]any {
		list := make([]map[string]any, n)
		for i := range list {
			list[i] = f(i)
		}
		return list
	}
	menu := func(more map[string]any) map[string]any {
		m := map[string]any{
			"type": 3, "custom_id": "menu",
			"options": []any{
				map[string]any{"label": "One", "value": "1"}, map[string]any{"label": "Two", "value": "2"},
			},
		}
		for k, v := range more {
			m[k] = v
		}
		return m
	}
	for name, c := range map[string]struct {
		parts []map[string]any
		flags int
		want  string // in the refusal; "" is accepted
	}{
		"a button": {[]map[string]any{row(button("a", "a"))}, 0, ""},
		"a link": {
			[]map[string]any{row(map[string]any{"type": 2, "style": 5, "label": "x", "url": "https://example.com"})}, 0,
			"",
		},
		"a link with a custom id": {
			[]map[string]any{
				row(map[string]any{
					"type": 2, "style": 5, "label": "x", "url": "https://example.com", "custom_id": "x",
				}),
			},
			0, "BUTTON_COMPONENT_INVALID_CUSTOM_ID",
		},
		"a link without address": {
			[]map[string]any{row(map[string]any{"type": 2, "style": 5, "label": "x"})}, 0,
			"BUTTON_COMPONENT_URL_REQUIRED",
		},
		"no custom id": {
			[]map[string]any{row(map[string]any{"type": 2, "style": 1, "label": "x"})}, 0,
			"BUTTON_COMPONENT_CUSTOM_ID_REQUIRED",
		},
		"no label": {
			[]map[string]any{row(map[string]any{"type": 2, "style": 1, "custom_id": "x"})}, 0,
			"BUTTON_COMPONENT_LABEL_REQUIRED",
		},
		"the same custom id twice": {
			[]map[string]any{row(button("a", "a"), button("b", "a"))}, 0, "COMPONENT_CUSTOM_ID_DUPLICATED",
		},
		"a custom id too long": {
			[]map[string]any{row(button("a", strings.Repeat("x", 101)))}, 0, "BASE_TYPE_BAD_LENGTH",
		},
		"six buttons in a row": {
			[]map[string]any{row(many(6, func(i int) map[string]any { return button("a", string(rune('a'+i))) })...)},
			0, "BASE_TYPE_BAD_LENGTH",
		},
		"six rows": {
			many(6, func(i int) map[string]any { return row(button("a", string(rune('a'+i)))) }), 0,
			"BASE_TYPE_MAX_LENGTH",
		},
		"a menu beside a button": {
			[]map[string]any{row(button("a", "a"), menu(nil))}, 0, "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
		},
		"a menu": {
			[]map[string]any{row(menu(map[string]any{"min_values": 0, "max_values": 2, "placeholder": "which"}))}, 0,
			"",
		},
		"more values than options": {
			[]map[string]any{row(menu(map[string]any{"min_values": 3, "max_values": 3}))}, 0,
			"SELECT_COMPONENT_MIN_VALUES_TOO_LARGE",
		},
		"a menu without options": {
			[]map[string]any{row(map[string]any{"type": 3, "custom_id": "x", "options": []any{}})}, 0,
			"BASE_TYPE_BAD_LENGTH",
		},
		"a text input outside a modal": {
			[]map[string]any{row(map[string]any{"type": 4, "custom_id": "x", "style": 1, "label": "x"})}, 0,
			"UNION_TYPE_CHOICES",
		},
		"version two without its flag": {[]map[string]any{{"type": 10, "content": "x"}}, 0, "UNION_TYPE_CHOICES"},
		"text and container": {
			[]map[string]any{
				{"type": 10, "content": "x"},
				{
					"type": 17, "accent_color": 1,
					"components": []any{
						map[string]any{"type": 10, "content": "y"}, map[string]any{"type": 14}, row(button("a", "a")),
					},
				},
			},
			1 << 15, "",
		},
		"a section with its button": {
			[]map[string]any{
				{
					"type": 9, "components": []any{map[string]any{"type": 10, "content": "x"}},
					"accessory": button("a", "a"),
				},
			},
			1 << 15, "",
		},
		"a section with a picture": {
			[]map[string]any{
				{
					"type": 9, "components": []any{map[string]any{"type": 10, "content": "x"}},
					"accessory": map[string]any{
						"type": 11, "media": map[string]any{"url": "https://example.com/a.png"},
					},
				},
			},
			1 << 15, "",
		},
		"a gallery": {
			[]map[string]any{
				{
					"type":  12,
					"items": []any{map[string]any{"media": map[string]any{"url": "https://example.com/a.png"}}},
				},
			},
			1 << 15, "",
		},
		"a section without accessory": {
			[]map[string]any{{"type": 9, "components": []any{map[string]any{"type": 10, "content": "x"}}}}, 1 << 15,
			"BASE_TYPE_REQUIRED",
		},
		"text too long": {
			[]map[string]any{
				{"type": 10, "content": strings.Repeat("x", 2500)}, {"type": 10, "content": strings.Repeat("x", 2500)},
			},
			1 << 15, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
		},
		"forty-one components": {
			many(41, func(int) map[string]any { return map[string]any{"type": 10, "content": "x"} }), 1 << 15,
			"BASE_TYPE_MAX_LENGTH",
		},
		"a file that is not there": {
			[]map[string]any{{"type": 13, "file": map[string]any{"url": "attachment://a.txt"}}}, 1 << 15,
			"ATTACHMENT_NOT_FOUND",
		},
		"the menus of users and others": {
			[]map[string]any{
				row(map[string]any{"type": 5, "custom_id": "a"}), row(map[string]any{"type": 6, "custom_id": "b"}),
				row(map[string]any{"type": 7, "custom_id": "c"}),
				row(map[string]any{"type": 8, "custom_id": "d", "channel_types": []int{2}}),
			},
			0, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			a := w.post(map[string]any{"components": c.parts, "flags": c.flags})
			if c.want == "" {
				a.must(t, 200)
			} else if a.code() != 50035 || !strings.Contains(string(a.raw), c.want) {
				t.Errorf("want %s: %d %s", c.want, a.status, a.raw)
			}
		})
	}
}

func TestUsingComponents(t *testing.T) {
	runRules(t, []rule{
		{"a button updates its message", docInteractions, func(t *testing.T, w *world) {
			c, _ := w.login(nil)
			m := w.post(map[string]any{"content": "old", "components": []any{row(button("Go", "go"))}}).must(t, 200)
			ans, err := w.answering(c, w.use(w.Users[2], m.str("id"), "Go"), func(a act) {
				if a.Type != 3 || a.Data.CustomID != "go" || a.Message == nil || a.Message.ID != m.str("id") {
					t.Errorf("%+v", a)
				}
				w.bot("POST", a.callback(),
					map[string]any{"type": 7, "data": map[string]any{"content": "new", "components": []any{}}}).must(t,
					204)
			})
			if err != nil || ans.Type != 7 || ans.Message.Content != "new" || len(ans.Message.Components) != 0 {
				t.Errorf("%+v, %v", ans, err)
			}
			if _, err := w.PressButton(t.Context(), w.Users[2].ID, parse(t, m.str("id")), "go"); err == nil {
				t.Error("the button is gone and was pressed")
			}
		}},
		{"a deferred update and its edit", docInteractions, func(t *testing.T, w *world) {
			c, _ := w.login(nil)
			m := w.post(map[string]any{"content": "old", "components": []any{row(button("Go", "go"))}}).must(t, 200)
			ans, err := w.answering(c, w.use(w.Users[2], m.str("id"), "go"), func(a act) {
				w.bot("POST", a.callback(), map[string]any{"type": 6}).must(t, 204)
				w.bot("PATCH", w.hook(a, "/messages/@original"), map[string]any{"content": "edited"}).must(t, 200)
			})
			if err != nil || ans.Message.Content != "edited" {
				t.Errorf("%+v, %v", ans, err)
			}
		}},
		{"menus give their values", docComponents + "#string-select", func(t *testing.T, w *world) {
			c, _ := w.login(nil)
			m := w.post(map[string]any{
				"components": []any{
					row(map[string]any{
						"type": 3, "custom_id": "m", "options": []any{map[string]any{"label": "One", "value": "1"}},
					}),
					row(map[string]any{"type": 5, "custom_id": "u", "max_values": 2}),
				},
			}).must(t,
				200)
			if _, err := w.UseComponent(t.Context(), w.Owner.ID, parse(t, m.str("id")), "m", "3"); err == nil {
				t.Error("a value that is not offered")
			}
			for id, values := range map[string][]string{
				"m": {"1"}, "u": {w.Users[3].ID.String(), w.Users[4].ID.String()},
			} {
				if _, err := w.answering(c, w.use(w.Owner, m.str("id"), id, values...), func(a act) {
					if len(a.Data.Values) != len(values) || a.Data.Values[0] != values[0] ||
						id == "u" && !strings.Contains(string(a.Data.Resolved), `"dmitri"`) {
						t.Errorf("%+v", a)
					}
					w.bot("POST", a.callback(),
						map[string]any{"type": 4, "data": map[string]any{"content": "x", "flags": 64}}).must(t,
						204)
				}); err != nil {
					t.Error(err)
				}
			}
		}},
		{"what is named is told in part", docInteractions + "#interaction-object-resolved-data-structure",
			func(t *testing.T, w *world) {
				c, _ := w.login(nil)
				m := w.post(map[string]any{
					"components": []any{
						row(map[string]any{"type": 5, "custom_id": "u"}),
						row(map[string]any{"type": 8, "custom_id": "c"}),
					},
				}).must(t,
					200)
				for id, x := range map[string]struct {
					value    discordsim.ID
					has, not []string
				}{
					"u": {w.Users[3].ID, []string{`"members"`, `"permissions"`}, []string{`"mute"`, `"deaf"`}},
					"c": {
						w.Lounge.ID, []string{`"app_permissions"`, `"permissions"`, `"last_message_id":null`},
						[]string{`"user_limit"`, `"permission_overwrites"`, `"bitrate"`},
					},
				} {
					_, err := w.answering(c, w.use(w.Owner, m.str("id"), id, x.value.String()), func(a act) {
						for _, want := range x.has {
							if !strings.Contains(string(a.Data.Resolved), want) {
								t.Errorf("no %s in %s", want, a.Data.Resolved)
							}
						}
						for _, bad := range x.not {
							if strings.Contains(string(a.Data.Resolved), bad) {
								t.Errorf("%s in %s", bad, a.Data.Resolved)
							}
						}
						w.bot("POST", a.callback(),
							map[string]any{"type": 4, "data": map[string]any{"content": "x", "flags": 64}}).must(t,
							204)
					})
					if err != nil {
						t.Error(err)
					}
				}
			}},
		{"a modal with every kind of field", docComponents + "#label", func(t *testing.T, w *world) {
			c, _ := w.login(nil)
			w.register()
			label := func(name string, inner map[string]any) map[string]any {
				return map[string]any{"type": 18, "label": name, "component": inner}
			}
			options := []any{map[string]any{"label": "One", "value": "1"}, map[string]any{"label": "Two", "value": "2"}}
			ans, err := w.answering(c, w.run(w.Owner, "create-room", nil), func(a act) {
				w.refuse(t,
					w.bot("POST", a.callback(),
						map[string]any{
							"type": 9,
							"data": map[string]any{
								"custom_id": "m", "title": strings.Repeat("x", 46), "components": []any{},
							},
						}),
					400, 50035)
				for _, bad := range []map[string]any{
					{"type": 19, "min_values": 0}, {"type": 19, "max_values": 0},
					{"type": 19, "min_values": 2, "max_values": 1}, {"type": 19, "file_types": []string{"pdf"}},
					{"type": 19, "file_types": []string{"."}},
					{"type": 21, "options": options[:1]}, {"type": 22, "options": options, "min_values": 0},
					{"type": 22, "options": options, "min_values": 3, "required": false},
					{"type": 3, "options": options, "min_values": 0}, {"type": 3, "options": options, "disabled": true},
					{"type": 5, "default_values": []any{map[string]any{"id": w.General.ID, "type": "channel"}}},
					{"type": 5, "default_values": []any{}},
				} {
					bad["custom_id"] = "file"
					w.refuse(t,
						w.bot("POST", a.callback(),
							map[string]any{
								"type": 9,
								"data": map[string]any{
									"custom_id": "m", "title": "x", "components": []any{label("File", bad)},
								},
							}),
						400, 50035)
				}
				w.bot("POST", a.callback(),
					map[string]any{"type": 9,
						"data": map[string]any{"custom_id": "m", "title": "A room", "components": []any{
							label("Name",
								map[string]any{
									"type": 4, "custom_id": "name", "style": 1, "min_length": 2, "max_length": 5,
								}),
							label("Kind", map[string]any{"type": 3, "custom_id": "kind", "options": options}),
							label("Mode", map[string]any{"type": 21, "custom_id": "mode", "options": options}),
							label("Tags",
								map[string]any{
									"type": 22, "custom_id": "tags", "options": options, "min_values": 0,
									"required": false,
								}),
							label("Sure", map[string]any{"type": 23, "custom_id": "sure"}),
						}}}).must(t, 204)
			})
			if err != nil || ans.Modal == nil || len(ans.Modal.Components) != 5 {
				t.Fatalf("%+v, %v", ans, err)
			}
			for _, fields := range []map[string]any{
				{}, {"name": "x", "kind": "1", "mode": "1"}, {"name": "abc", "kind": "3", "mode": "1"},
				{"name": "abc", "kind": "1", "mode": "1", "other": "x"},
			} {
				if _, err := w.SubmitModal(t.Context(), w.Owner.ID, "m", fields); err == nil {
					t.Errorf("%v was accepted", fields)
				}
			}
			ans, err = w.answering(c, func(ctx context.Context) (*discordsim.Answer, error) {
				return w.SubmitModal(ctx, w.Owner.ID, "m",
					map[string]any{
						"name": "abc", "kind": []string{"1"}, "mode": "Two", "tags": []string{"1", "2"}, "sure": true,
					})
			}, func(a act) {
				for _, want := range []string{
					`"value":"abc"`, `"values":["1"]`, `"value":"2"`, `"values":["1","2"]`, `"value":true`,
				} {
					if !strings.Contains(string(a.Data.Parts), want) {
						t.Errorf("no %s in %s", want, a.Data.Parts)
					}
				}
				w.bot("POST", a.callback(),
					map[string]any{"type": 4, "data": map[string]any{"content": "thanks"}}).must(t,
					204)
			})
			if err != nil || ans.Message.Content != "thanks" {
				t.Errorf("%+v, %v", ans, err)
			}
			if _, err := w.SubmitModal(t.Context(), w.Owner.ID, "m", nil); err == nil {
				t.Error("a modal was sent twice")
			}
		}},
		{"components of an ephemeral answer are its user's", docInteractions, func(t *testing.T, w *world) {
			c, _ := w.login(nil)
			w.register()
			ans, err := w.answering(c, w.run(w.Owner, "create-room", nil), func(a act) {
				w.bot("POST", a.callback(),
					map[string]any{
						"type": 4, "data": map[string]any{"flags": 64, "components": []any{row(button("x", "x"))}},
					}).must(t,
					204)
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.PressButton(t.Context(), w.Users[2].ID, ans.Message.ID, "x"); err == nil {
				t.Error("somebody else pressed it")
			}
		}},
	})
}

func TestMessageRules(t *testing.T) {
	messages := func(w *world) string { return "/channels/" + w.General.ID.String() + "/messages" }
	runRules(t, []rule{
		{"no empty message", docMessage + "#create-message", func(t *testing.T, w *world) {
			w.refuse(t, w.post(map[string]any{"content": "  "}), 400, 50006)
			w.refuse(t, w.post(map[string]any{"content": strings.Repeat("x", 2001)}), 400, 50035)
		}},
		{"embeds and their bounds", docMessage + "#embed-object-embed-limits", func(t *testing.T, w *world) {
			w.post(map[string]any{"embeds": []any{map[string]any{"title": "t", "description": "d", "color": 1,
				"url": "https://example.com", "timestamp": "2026-01-02T03:04:05Z",
				"footer": map[string]any{"text": "f"}, "author": map[string]any{"name": "a"},
				"image":  map[string]any{"url": "https://example.com/i.png"},
				"fields": []any{map[string]any{"name": "n", "value": "v"}}}}}).must(t,
				200)
			w.refuse(t, w.post(map[string]any{"embeds": []any{map[string]any{"title": strings.Repeat("x", 257)}}}), 400,
				50035)
			w.refuse(t,
				w.post(map[string]any{
					"embeds": []any{
						map[string]any{"description": strings.Repeat("x", 4000)},
						map[string]any{"description": strings.Repeat("x", 4000)},
					},
				}),
				400, 50035)
		}},
		{"allowed mentions decide who is mentioned", docMessage + "#allowed-mentions-object",
			func(t *testing.T, w *world) {
				content := "<@" + w.Owner.ID.String() + "> @everyone"
				if a := w.post(map[string]any{
					"content": content, "allowed_mentions": map[string]any{"parse": []string{}},
				}).must(t,
					200); len(a.json["mentions"].([]any)) != 0 ||
					a.json["mention_everyone"] != false {
					t.Errorf("%s", a.raw)
				}
				if a := w.post(map[string]any{"content": content}).must(t, 200); len(a.json["mentions"].([]any)) != 1 {
					t.Errorf("%s", a.raw)
				}
			}},
		{"without their permissions, no replies and nothing spoken", docMessage + "#create-message",
			func(t *testing.T, w *world) {
				id := w.post(map[string]any{"content": "one", "nonce": strings.Repeat("1", 25)}).must(t, 200).str("id")
				w.refuse(t, w.post(map[string]any{"content": "x", "nonce": strings.Repeat("1", 26)}), 400, 50035)
				w.as(w.Owner, "PUT", "/channels/"+w.General.ID.String()+"/permissions/"+w.Application.ID.String(),
					map[string]any{
						"type": 1, "deny": discordsim.PermReadMessageHistory | discordsim.PermSendTTSMessages,
					}).must(t, 204)
				w.refuse(t, w.post(map[string]any{"content": "x", "tts": true}), 403, 50013)
				w.refuse(t, w.post(map[string]any{"content": "x",
					"message_reference": map[string]any{"message_id": id}}), 403, 160002)
			}},
		{"edit, delete, list, pins, replies, reactions", docMessage, func(t *testing.T, w *world) {
			w.allow(discordsim.SnugPermissions | discordsim.PermManageMessages | discordsim.PermPinMessages)
			id := w.post(map[string]any{"content": "one"}).must(t, 200).str("id")
			path := messages(w) + "/" + id
			if a := w.bot("PATCH", path, map[string]any{"content": "two"}).must(t,
				200); a.json["edited_timestamp"] == nil {
				t.Errorf("%s", a.raw)
			}
			w.bot("PUT", "/channels/"+w.General.ID.String()+"/pins/"+id, nil).must(t, 204)
			w.bot("GET", "/channels/"+w.General.ID.String()+"/pins", nil).must(t, 200)
			w.bot("GET", messages(w)+"/pins", nil).must(t, 200)
			reply := w.post(map[string]any{
				"content": "re", "message_reference": map[string]any{"message_id": id},
			}).must(t,
				200)
			if reply.json["type"] != 19.0 || reply.json["referenced_message"] == nil {
				t.Errorf("%s", reply.raw)
			}
			w.bot("PUT", path+"/reactions/%F0%9F%94%A5/@me", nil).must(t, 204)
			if a := w.bot("GET", path, nil).must(t, 200); !strings.Contains(string(a.raw), `"🔥"`) {
				t.Errorf("%s", a.raw)
			}
			w.bot("DELETE", path+"/reactions/%F0%9F%94%A5/@me", nil).must(t, 204)
			said, err := w.SendMessage(w.Owner.ID, w.General.ID, "hello")
			if err != nil {
				t.Fatal(err)
			}
			w.refuse(t, w.bot("PATCH", messages(w)+"/"+said.ID.String(), map[string]any{"content": "x"}), 403, 50005)
			w.bot("GET", messages(w)+"?limit=2", nil).must(t, 200)
			w.bot("POST", messages(w)+"/bulk-delete", map[string]any{"messages": []any{id, said.ID}}).must(t, 204)
			w.refuse(t, w.bot("GET", path, nil), 404, 10008)
			w.bot("DELETE", messages(w)+"/"+reply.str("id"), nil).must(t, 204)
			w.bot("POST", "/channels/"+w.General.ID.String()+"/typing", nil).must(t, 204)
		}},
		{"closed direct messages", docCodes + "#json", func(t *testing.T, w *world) {
			dm := w.bot("POST", "/users/@me/channels", map[string]any{"recipient_id": w.Users[4].ID}).must(t,
				200).str("id")
			w.bot("POST", "/channels/"+dm+"/messages", map[string]any{"content": "hi"}).must(t, 200)
			if err := w.CloseDMs(w.Users[4].ID, true); err != nil {
				t.Fatal(err)
			}
			w.refuse(t, w.bot("POST", "/channels/"+dm+"/messages", map[string]any{"content": "hi"}), 403, 50007)
			stranger := w.AddUser("stranger", "")
			dm = w.bot("POST", "/users/@me/channels", map[string]any{"recipient_id": stranger.ID}).must(t,
				200).str("id")
			w.refuse(t, w.bot("POST", "/channels/"+dm+"/messages", map[string]any{"content": "hi"}), 403, 50278)
		}},
		{"a category takes no messages", docCodes + "#json", func(t *testing.T, w *world) {
			cat := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "c", "type": 4}).must(t,
				201).str("id")
			w.refuse(t, w.bot("POST", "/channels/"+cat+"/messages", map[string]any{"content": "x"}), 400, 50008)
		}},
		{"invites", docInvite, func(t *testing.T, w *world) {
			w.allow(discordsim.SnugPermissions | discordsim.PermManageGuild)
			path := "/channels/" + w.Lounge.ID.String() + "/invites"
			code := w.bot("POST", path, map[string]any{"max_age": 60, "max_uses": 1}).must(t, 200).str("code")
			if again := w.bot("POST", path, map[string]any{"max_age": 60, "max_uses": 1}).must(t,
				200); again.str("code") != code {
				t.Error("the same invite was not handed back")
			}
			if other := w.bot("POST", path, map[string]any{"max_age": 60, "max_uses": 1, "unique": true}).must(t,
				200); other.str("code") == code {
				t.Error("unique was not")
			}
			w.refuse(t, w.bot("POST", path, map[string]any{"max_age": 604801}), 400, 50035)
			w.request("GET", "/api/v10/invites/"+code+"?with_counts=true", "", nil).must(t, 200)
			w.bot("GET", path, nil).must(t, 200)
			w.bot("GET", w.guildPath("/invites"), nil).must(t, 200)
			guest := w.AddUser("guest", "Guest")
			if _, err := w.UseInvite(guest.ID, code); err != nil {
				t.Fatal(err)
			}
			if _, err := w.UseInvite(w.AddUser("late", "").ID, code); err == nil {
				t.Error("an invite was used twice")
			}
			w.refuse(t, w.bot("DELETE", "/invites/"+code, nil), 404, 10006)
		}},
		{"reasons reach the audit log", docAudit, func(t *testing.T, w *world) {
			w.allow(discordsim.SnugPermissions | discordsim.PermViewAuditLog)
			c, _ := w.login(nil)
			req := map[string]any{"name": "x", "type": 2}
			w.botWithReason("POST", w.guildPath("/channels"), "because%20I%20can", req).must(t, 201)
			var e struct {
				Reason string `json:"reason"`
				Action int    `json:"action_type"`
			}
			c.until("GUILD_AUDIT_LOG_ENTRY_CREATE", &e)
			if e.Reason != "because I can" || e.Action != 10 {
				t.Errorf("%+v", e)
			}
			if a := w.bot("GET", w.guildPath("/audit-logs?action_type=10"), nil).must(t,
				200); !strings.Contains(string(a.raw), "because I can") {
				t.Errorf("%s", a.raw)
			}
		}},
		{"the rest of what bots read", docReference, func(t *testing.T, w *world) {
			for _, path := range []string{"/gateway", "/gateway/bot", "/applications/@me", "/oauth2/applications/@me",
				"/oauth2/@me", "/users/@me", "/users/" + w.Owner.ID.String(),
				"/users/@me/guilds?with_counts=true", w.guildPath("?with_counts=true"), w.guildPath("/preview"),
				w.guildPath("/channels"), w.guildPath("/roles"), w.guildPath("/roles/%s", w.Guild.ID),
				w.guildPath("/roles/member-counts"), w.guildPath("/regions"), w.guildPath("/emojis"),
				w.guildPath("/stickers"), w.guildPath("/scheduled-events"), w.guildPath("/threads/active"),
				"/voice/regions", "/channels/" + w.General.ID.String(), "/channels/" + w.Lounge.ID.String(),
				"/applications/" + w.Application.ID.String() + "/emojis", w.guildPath("/members/%s", w.Owner.ID)} {
				w.bot("GET", path, nil).must(t, 200)
			}
			w.bot("PATCH", "/users/@me", map[string]any{"username": "Snuggy"}).must(t, 200)
			w.bot("PATCH", "/applications/@me", map[string]any{}).must(t, 200)
			w.refuse(t, w.bot("PATCH", w.guildPath(""), map[string]any{"name": "xy"}), 403, 50013)
			w.allow(discordsim.PermAdministrator)
			w.bot("PATCH", w.guildPath(""), map[string]any{"name": "Better name"}).must(t, 200)
			w.bot("DELETE", "/users/@me"+w.guildPath(""), nil).must(t, 204)
			w.refuse(t, w.bot("GET", w.guildPath(""), nil), 404, 10004)
		}},
		{"what is not here says 501", docReference, func(t *testing.T, w *world) {
			for _, path := range []string{"/guilds/1/templates", "/nonsense"} {
				w.bot("POST", path, map[string]any{"name": "x", "topic": "x", "channel_id": "1"}).must(t, 501)
			}
		}},
		{"authorisation", docReference + "#authentication", func(t *testing.T, w *world) {
			w.refuse(t, w.request("GET", "/api/v10/users/@me", "", nil), 401, 0)
			w.refuse(t, w.request("GET", "/api/v10/users/@me", "Bot nonsense", nil), 401, 0)
			w.refuse(t, w.request("GET", "/api/v10/gateway/bot", "Bearer "+w.Owner.Token, nil), 403, 20002)
			w.request("GET", "/api/v9/users/@me", "Bot "+w.Application.BotToken, nil).must(t, 200)
			if v := w.bot("GET", "/users/@me", nil).header.Get("Via"); v == "" {
				t.Error("no Via")
			}
		}},
	})
}
