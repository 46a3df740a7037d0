package discordsim_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

// act is an interaction as a bot gets it.
type act struct {
	ID      string `json:"id"`
	Token   string `json:"token"`
	Type    int    `json:"type"`
	GuildID string `json:"guild_id"`
	Context int    `json:"context"`
	Locale  string `json:"locale"`
	Data    struct {
		Name     string          `json:"name"`
		CustomID string          `json:"custom_id"`
		Values   []string        `json:"values"`
		Options  json.RawMessage `json:"options"`
		Target   string          `json:"target_id"`
		Resolved json.RawMessage `json:"resolved"`
		Parts    json.RawMessage `json:"components"`
	} `json:"data"`
	Member *struct {
		Permissions string `json:"permissions"`
	} `json:"member"`
	User         *struct{ ID string } `json:"user"`
	Message      *struct{ ID string } `json:"message"`
	Entitlements []json.RawMessage    `json:"entitlements"`
	SKUs         []string             `json:"entitlement_sku_ids"`
}

// answering runs what a user does while the test answers as the bot.
func (w *world) answering(
	c *client, user func(ctx context.Context) (*discordsim.Answer, error), bot func(a act),
) (*discordsim.Answer, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	var ans *discordsim.Answer
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { ans, err = user(ctx) })
	var a act
	c.until("INTERACTION_CREATE", &a)
	bot(a)
	wg.Wait()
	return ans, err
}

// byPerson is a request by a person, and what comes of it.
type byPerson struct {
	name         string
	by           discordsim.User
	method, path string
	body         any
	status, code int // the code of a refusal; 0: any, or none
}

// byPeople makes such requests, one after the other.
func (w *world) byPeople(list []byPerson) {
	for _, tc := range list {
		w.t.Run(tc.name, func(t *testing.T) {
			got := w.as(tc.by, tc.method, tc.path, tc.body).must(t, tc.status)
			if tc.code != 0 && got.code() != tc.code {
				t.Errorf("code %d instead of %d: %s", got.code(), tc.code, got.raw)
			}
		})
	}
}

func (a act) callback() string { return "/interactions/" + a.ID + "/" + a.Token + "/callback" }

func (w *world) hook(a act, more string) string {
	return "/webhooks/" + w.Application.ID.String() + "/" + a.Token + more
}

// register makes the commands that these tests use.
func (w *world) register() {
	w.t.Helper()
	w.bot("PUT", "/applications/"+w.Application.ID.String()+"/commands", []any{
		map[string]any{"name": "create-room", "description": "Open a room", "options": []any{
			map[string]any{
				"type": 3, "name": "name", "description": "Its name", "max_length": 20, "autocomplete": true,
			},
			map[string]any{"type": 4, "name": "seats", "description": "How many", "min_value": 1, "max_value": 99},
			map[string]any{"type": 5, "name": "private", "description": "Whether it is"},
			map[string]any{"type": 6, "name": "user", "description": "Somebody"},
			map[string]any{
				"type": 3, "name": "kind", "description": "What",
				"choices": []any{map[string]any{"name": "Casual", "value": "c"}},
			}}},
		map[string]any{"name": "room", "description": "Rooms", "options": []any{
			map[string]any{
				"type": 1, "name": "rename", "description": "Rename",
				"options": []any{map[string]any{"type": 3, "name": "name", "description": "New", "required": true}},
			},
			map[string]any{
				"type": 2, "name": "seat", "description": "Seats",
				"options": []any{map[string]any{"type": 1, "name": "add", "description": "One more"}},
			}}},
		map[string]any{
			"name": "setup", "description": "For managers", "default_member_permissions": "32", "contexts": []int{0},
		},
		map[string]any{"name": "Invite to my room", "type": 2},
	}).must(w.t, 200)
}

func (w *world) run(
	user discordsim.User, name string, options map[string]any,
) func(context.Context) (*discordsim.Answer, error) {
	return func(ctx context.Context) (*discordsim.Answer, error) {
		return w.RunCommand(ctx, user.ID, discordsim.CommandRun{Guild: w.Guild.ID, Name: name, Options: options})
	}
}

func button(label, id string) map[string]any {
	return map[string]any{"type": 2, "style": 1, "label": label, "custom_id": id}
}

func row(parts ...map[string]any) map[string]any {
	return map[string]any{"type": 1, "components": parts}
}

// post sends a message into the general channel as the bot.
func (w *world) post(body map[string]any) answer {
	w.t.Helper()
	return w.bot("POST", "/channels/"+w.General.ID.String()+"/messages", body)
}

func (w *world) use(
	user discordsim.User, message, id string, values ...string,
) func(context.Context) (*discordsim.Answer, error) {
	return func(ctx context.Context) (*discordsim.Answer, error) {
		return w.UseComponent(ctx, user.ID, parse(w.t, message), id, values...)
	}
}

// text is what was written into a modal's field.
func (a act) text(field string) string {
	var labels []struct {
		Component struct {
			CustomID string `json:"custom_id"`
			Value    string `json:"value"`
		}
	}
	_ = json.Unmarshal(a.Data.Parts, &labels)
	for _, l := range labels {
		if l.Component.CustomID == field {
			return l.Component.Value
		}
	}
	return ""
}

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func parse(t *testing.T, id string) discordsim.ID {
	t.Helper()
	var n discordsim.ID
	if err := json.Unmarshal([]byte(`"`+id+`"`), &n); err != nil {
		t.Fatal(err)
	}
	return n
}
