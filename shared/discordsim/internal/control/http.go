package control

import (
	"bytes"
	"context"
	_ "embed" // openapi.json
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// routes is the API for scripts, tests and the page: JSON over HTTP under /_sim/, without authorization.
func (c *Control) routes(mux *http.ServeMux) {
	for pattern, do := range operations {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, do) })
	}
	mux.HandleFunc("GET /_sim/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(description)
	})
	mux.HandleFunc("GET /_sim/ws", c.page.serveWS)
	mux.HandleFunc("/_sim/users/{user}/api/", c.serveAs)
	mux.HandleFunc("/_sim/", func(w http.ResponseWriter, r *http.Request) {
		form.CommonHeaders(w.Header())
		form.WriteError(w, form.Fail(404, 0, "404: the control interface has no "+r.Method+" "+r.URL.Path+
			"; /_sim/openapi.json lists what it has"))
	})
}

// description is the interface in OpenAPI 3.1. A test holds every request and response to it.
//
//go:embed openapi.json
var description []byte

// operations are the requests of the interface, by pattern.
var operations = map[string]func(*request) (any, error){
	"GET /_sim/state":                                            (*request).state,
	"GET /_sim/users":                                            (*request).users,
	"POST /_sim/users":                                           (*request).addUser,
	"POST /_sim/users/{user}/voice":                              (*request).voice,
	"GET /_sim/users/{user}/commands":                            (*request).commands,
	"POST /_sim/users/{user}/commands":                           (*request).runCommand,
	"POST /_sim/users/{user}/autocomplete":                       (*request).autocomplete,
	"POST /_sim/users/{user}/components":                         (*request).component,
	"POST /_sim/users/{user}/modals":                             (*request).modal,
	"DELETE /_sim/users/{user}/modals":                           (*request).dismiss,
	"POST /_sim/users/{user}/messages":                           (*request).write,
	"POST /_sim/users/{user}/invites":                            (*request).useInvite,
	"POST /_sim/users/{user}/move":                               (*request).move,
	"POST /_sim/users/{user}/screening":                          (*request).acceptRules,
	"PATCH /_sim/users/{user}":                                   (*request).settings,
	"PATCH /_sim/guilds/{guild}":                                 (*request).setGuild,
	"GET /_sim/applications":                                     (*request).applications,
	"POST /_sim/applications":                                    (*request).addApplication,
	"PATCH /_sim/applications/{app}":                             (*request).setApplication,
	"POST /_sim/applications/{app}/skus":                         (*request).addSKU,
	"POST /_sim/applications/{app}/entitlements":                 (*request).buy,
	"PATCH /_sim/applications/{app}/entitlements/{entitlement}":  (*request).endEntitlement,
	"DELETE /_sim/applications/{app}/entitlements/{entitlement}": (*request).refund,
	"POST /_sim/guilds":                                          (*request).addGuild,
	"POST /_sim/guilds/{guild}/channels":                         (*request).addChannel,
	"POST /_sim/guilds/{guild}/members":                          (*request).addMember,
	"DELETE /_sim/guilds/{guild}/members/{user}":                 (*request).removeMember,
	"PATCH /_sim/guilds/{guild}/members/{user}":                  (*request).changeMember,
	"PUT /_sim/guilds/{guild}/bans/{user}":                       (*request).ban,
	"POST /_sim/guilds/{guild}/roles":                            (*request).addRole,
	"PUT /_sim/channels/{channel}/overwrites":                    (*request).setOverwrites,
	"POST /_sim/wait":                                            (*request).wait,
	"PUT /_sim/guilds/{guild}/bot":                               (*request).setBot,
	"PATCH /_sim/guilds/{guild}/roles/{role}":                    (*request).setRole,
	"GET /_sim/passages":                                         (*request).passages,
	"GET /_sim/snapshot":                                         (*request).snapshot,
	"PUT /_sim/snapshot":                                         (*request).restore,
	"POST /_sim/start":                                           (*request).markStart,
	"POST /_sim/reset":                                           (*request).reset,
	"GET /_sim/time":                                             (*request).time,
	"POST /_sim/time":                                            (*request).advance,
	"GET /_sim/faults":                                           (*request).faults,
	"POST /_sim/faults":                                          (*request).inject,
	"DELETE /_sim/faults":                                        (*request).clearFaults,
	"DELETE /_sim/faults/{fault}":                                (*request).clearFaults,
}

// request is one request to the API.
type request struct {
	control *Control
	r       *http.Request
	body    []byte
}

// maxSnapshot is how large a snapshot can be, in bytes.
const maxSnapshot = 256 << 20

// waits limits how long a request waits for a deferred response.
const waits = 60 * time.Second

func (c *Control) serve(w http.ResponseWriter, r *http.Request, do func(*request) (any, error)) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if fromElsewhere(w, r) {
		return
	}
	limit := int64(1 << 20)
	if r.Pattern == "PUT /_sim/snapshot" {
		limit = maxSnapshot
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		form.WriteError(w, form.Fail(400, 0, "400: Bad Request"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), waits)
	defer cancel()
	out, err := do(&request{control: c, r: r.WithContext(ctx), body: body})
	var e *form.Error
	switch {
	case errors.As(err, &e):
		form.WriteError(w, e)
	case err != nil && ctx.Err() != nil:
		form.WriteError(w, form.Fail(504, 0, err.Error()))
	case err != nil:
		form.WriteError(w, form.Fail(400, 0, err.Error()))
	case out == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		_, _ = w.Write(form.Marshal(out))
	}
}

// fromElsewhere refuses a request that another site's page makes.
func fromElsewhere(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Header.Get("Sec-Fetch-Site") != "cross-site" {
		return false
	}
	form.WriteError(w, form.Fail(403, 0, "403: another site may not act here"))
	return true
}

// read decodes the body; an unknown field is an error.
func (c *request) read(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if field, unknown := unknownField(err); unknown {
		return fmt.Errorf("this request has no field %s; /_sim/openapi.json lists those it has", field)
	}
	if err == nil && d.More() {
		err = errors.New("there is more than one value")
	}
	if err != nil {
		return fmt.Errorf("the body could not be read as JSON: %w", err)
	}
	return nil
}

// unknownField returns the field that the decoder didn't know, in quotes: its error has no type.
func unknownField(err error) (field string, unknown bool) {
	if err == nil {
		return "", false
	}
	return strings.CutPrefix(err.Error(), "json: unknown field ")
}

func (c *request) user() world.ID { return form.ParseID(c.r.PathValue("user")) }

func (c *request) guild() world.ID { return form.ParseID(c.r.PathValue("guild")) }

func (c *request) state() (any, error) {
	if u := c.r.URL.Query().Get("user"); u != "" {
		return c.control.StateFor(form.ParseID(u))
	}
	return c.control.State(), nil
}

func (c *request) users() (any, error) {
	return ask(c.control, func(s held) (any, error) { return map[string]any{"users": s.stateUsers()}, nil })
}

func (c *request) voice() (any, error) {
	var in struct {
		Guild   form.FlexID  `json:"guild_id"`
		Channel *form.FlexID `json:"channel_id"`
		world.VoiceFlags
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	f, err := form.Parse(c.body)
	if err != nil {
		return nil, err
	}
	var at time.Time
	guild, err := ask(c.control, func(s held) (world.ID, error) { return s.guildOr(world.ID(in.Guild), c.user()), nil })
	if err != nil {
		return nil, err
	}
	switch {
	case in.Channel != nil && *in.Channel != 0:
		at, err = c.control.JoinVoice(guild, c.user(), world.ID(*in.Channel), in.VoiceFlags)
	case f.Has("channel_id"):
		at, err = c.control.LeaveVoice(guild, c.user())
	default:
		at, err = c.control.SetVoice(guild, c.user(), in.VoiceFlags)
	}
	if err != nil {
		return nil, err
	}
	return ask(c.control, func(s held) (any, error) {
		g := s.Guilds[guild]
		m := g.Members[c.user()]
		if m == nil {
			return nil, form.UnknownMember()
		}
		return struct {
			world.WireVoice
			DispatchedAt int64 `json:"dispatched_at"` // Unix microseconds
		}{g.WireVoice(m, g.Voice[c.user()], true), at.UnixMicro()}, nil
	})
}

// commandInput is a command as a script specifies it.
type commandInput struct {
	Guild   *form.FlexID `json:"guild_id"`
	Channel form.FlexID  `json:"channel_id"`
	App     form.FlexID  `json:"application_id"`
	Name    string       `json:"name"`
	Options optionValues `json:"options"`
	Target  form.FlexID  `json:"target_id"`
	Focused string       `json:"focused"`
}

// optionValues are a command's options: {"name": value}, or a list of {"name","value"} as in interactions.
type optionValues map[string]any

// UnmarshalJSON accepts both forms.
func (o *optionValues) UnmarshalJSON(b []byte) error {
	var list []struct {
		Name  string `json:"name"`
		Value any    `json:"value"`
	}
	if json.Unmarshal(b, &list) != nil {
		return json.Unmarshal(b, (*map[string]any)(o))
	}
	*o = optionValues{}
	for _, v := range list {
		(*o)[v.Name] = v.Value
	}
	return nil
}

func (c *request) command() (CommandRun, commandInput, error) {
	var in commandInput
	if err := c.read(&in); err != nil {
		return CommandRun{}, in, err
	}
	if in.Name == "" {
		return CommandRun{}, in, errors.New(`name is missing, such as "create-room" or "room rename"`)
	}
	run := CommandRun{
		Channel: world.ID(in.Channel), App: world.ID(in.App), Name: in.Name,
		Options: in.Options, Target: world.ID(in.Target),
	}
	if in.Guild != nil {
		run.Guild = world.ID(*in.Guild)
	}
	return run, in, nil
}

func (c *request) runCommand() (any, error) {
	run, _, err := c.command()
	if err != nil {
		return nil, err
	}
	return c.answer(c.control.RunCommand(c.r.Context(), c.user(), run))
}

// wireAnswer is an answer with the most useful parts next to the message.
type wireAnswer struct {
	*Answer
	Content    string          `json:"content"`
	Text       string          `json:"text"` // all text: content, embeds, text components
	Components json.RawMessage `json:"components,omitempty"`
	Embeds     json.RawMessage `json:"embeds,omitempty"`
}

func (c *request) answer(a *Answer, err error) (any, error) {
	if err != nil && a == nil {
		return nil, err
	}
	w := wireAnswer{Answer: a}
	if m := a.Message; m != nil {
		var parts struct{ Components, Embeds json.RawMessage }
		if err := json.Unmarshal(m.Raw, &parts); err != nil {
			return nil, err
		}
		w.Content, w.Text, w.Components, w.Embeds = m.Content, m.Text(), parts.Components, parts.Embeds
	}
	return w, nil
}

func (c *request) autocomplete() (any, error) {
	run, in, err := c.command()
	if err != nil {
		return nil, err
	}
	if in.Focused == "" {
		return nil, errors.New("focused is missing: the name of the option that is being typed")
	}
	choices, err := c.control.Autocomplete(c.r.Context(), c.user(), run, in.Focused)
	if err != nil {
		return nil, err
	}
	if choices == nil {
		choices = []Choice{}
	}
	return map[string]any{"choices": choices}, nil
}

func (c *request) component() (any, error) {
	var in struct {
		Message form.FlexID `json:"message_id"`
		Custom  string      `json:"custom_id"`
		Values  []string    `json:"values"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	return c.answer(c.control.UseComponent(c.r.Context(), c.user(), world.ID(in.Message), in.Custom, in.Values...))
}

func (c *request) modal() (any, error) {
	var in struct {
		Custom string         `json:"custom_id"`
		Fields map[string]any `json:"fields"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	return c.answer(c.control.SubmitModal(c.r.Context(), c.user(), in.Custom, in.Fields))
}

func (c *request) dismiss() (any, error) {
	var in struct {
		Custom string `json:"custom_id"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	c.control.DismissModal(c.user(), in.Custom)
	return nil, nil
}
