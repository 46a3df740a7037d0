package discordsim_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"snug/shared/discordsim"
)

// rule is one thing that Discord's documents say, tried on the simulator.
type rule struct {
	name string
	doc  string // Discord's document that says so
	try  func(t *testing.T, w *world)
}

const (
	docPermissions  = "https://docs.discord.com/developers/topics/permissions"
	docChannel      = "https://docs.discord.com/developers/resources/channel"
	docGuild        = "https://docs.discord.com/developers/resources/guild"
	docCodes        = "https://docs.discord.com/developers/topics/opcodes-and-status-codes"
	docReference    = "https://docs.discord.com/developers/reference"
	docRateLimits   = "https://docs.discord.com/developers/topics/rate-limits"
	docInteractions = "https://docs.discord.com/developers/interactions/receiving-and-responding"
	docCommands     = "https://docs.discord.com/developers/interactions/application-commands"
	docVoice        = "https://docs.discord.com/developers/resources/voice"
	docInvite       = "https://docs.discord.com/developers/resources/invite"
	docMessage      = "https://docs.discord.com/developers/resources/message"
	docAudit        = "https://docs.discord.com/developers/resources/audit-log"
	docUser         = "https://docs.discord.com/developers/resources/user"
	docGateway      = "https://docs.discord.com/developers/events/gateway"
	docEvents       = "https://docs.discord.com/developers/events/gateway-events"
	docOAuth2       = "https://docs.discord.com/developers/topics/oauth2"
)

func runRules(t *testing.T, rules []rule) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if !strings.HasPrefix(r.doc, "https://") {
				t.Fatal("the rule names no document")
			}
			r.try(t, start(t))
		})
	}
}

func (w *world) guildPath(format string, args ...any) string {
	return "/guilds/" + w.Guild.ID.String() + fmt.Sprintf(format, args...)
}

// makeVoice makes a voice channel as the bot and gives its id.
func (w *world) makeVoice(overwrites ...map[string]any) string {
	w.t.Helper()
	body := map[string]any{"name": "room", "type": 2, "user_limit": 2}
	if overwrites != nil {
		body["permission_overwrites"] = overwrites
	}
	return w.bot("POST", w.guildPath("/channels"), body).must(w.t, 201).str("id")
}

func overwriteFor(id discordsim.ID, kind int, allow, deny discordsim.Permissions) map[string]any {
	return map[string]any{"id": id, "type": kind, "allow": allow, "deny": deny}
}

func (w *world) refuse(t *testing.T, a answer, status, code int) {
	t.Helper()
	if a.status != status || a.code() != code {
		t.Errorf("got %d %s, want %d with code %d", a.status, a.raw, status, code)
	}
}

// allow sets what the demo's bot may do in its guild.
func (w *world) allow(p discordsim.Permissions) {
	w.t.Helper()
	if err := w.InstallBot(w.Guild.ID, w.Application.ID, p); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) inject(f discordsim.Fault) error { _, err := w.Inject(f); return err }

func (w *world) join(u discordsim.User, channel discordsim.ID) {
	w.t.Helper()
	if _, err := w.JoinVoice(w.Guild.ID, u.ID, channel, discordsim.VoiceFlags{}); err != nil {
		w.t.Fatal(err)
	}
}

// control sends a request to the control interface.
func (w *world) control(method, path string, body any) answer {
	w.t.Helper()
	return w.request(method, "/_sim"+path, "", body)
}

// upload sends a file of target users, with other parameters as payload_json or, with fields, as parts of their own.
func (w *world) upload(method, path, csv, payload string, fields ...string) answer {
	w.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	if payload != "" {
		w.ok(m.WriteField("payload_json", payload))
	}
	for i := 0; i < len(fields); i += 2 {
		w.ok(m.WriteField(fields[i], fields[i+1]))
	}
	field := "target_users_file"
	if strings.HasSuffix(path, "/messages") {
		field = "files[0]"
	}
	f, err := m.CreateFormFile(field, "users.csv")
	w.ok(err)
	_, err = f.Write([]byte(csv))
	w.ok(err)
	w.ok(m.Close())
	return w.requestWith(method, "/api/v10"+path,
		http.Header{"Authorization": {"Bot " + w.Application.BotToken}, "Content-Type": {m.FormDataContentType()}},
		b.String())
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
