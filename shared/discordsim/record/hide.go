package record

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"

	"snug/shared/discordsim"
)

// hidden is what stands in a record where a token was.
const hidden = "…"

// secretFields are the fields of requests and responses that have tokens and secrets.
var secretFields = []string{"token", "bot_token", "client_secret", "secret", "access_token", "refresh_token"}

// tokenInPath matches what is before the token in a webhook's or an interaction's address.
var tokenInPath = regexp.MustCompile(`(/(?:webhooks|interactions)/\d+/)[^/?"\s]+`)

func withoutToken(address string) string { return tokenInPath.ReplaceAllString(address, "${1}"+hidden) }

// hider makes lines without tokens. Safe for concurrent use.
type hider struct {
	mu     sync.Mutex
	tokens []string // besides those of the applications
	server *discordsim.Server
}

func (h *hider) follow(s *discordsim.Server) { h.mu.Lock(); defer h.mu.Unlock(); h.server = s }

// known lists the tokens that are hidden wherever they stand.
func (h *hider) known() []string {
	h.mu.Lock()
	list, s := slices.Clone(h.tokens), h.server
	h.mu.Unlock()
	if s != nil {
		for _, a := range s.Applications() {
			list = append(list, a.BotToken, a.ClientSecret)
		}
	}
	return slices.DeleteFunc(list, func(t string) bool { return t == "" })
}

// data replaces the known tokens in bytes of any kind.
func (h *hider) data(data []byte) []byte {
	for _, t := range h.known() {
		data = bytes.ReplaceAll(data, []byte(t), []byte(hidden))
	}
	return data
}

// json returns a body without tokens; nil if it isn't JSON.
func (h *hider) json(data []byte) json.RawMessage {
	var v any
	if len(data) == 0 || decode(data, &v) != nil {
		return nil
	}
	raw, err := encode(cleared("", v))
	if err != nil {
		return nil
	}
	return h.data(raw)
}

// encode writes JSON in one line, with < and > as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// decode reads JSON and keeps its numbers as they are.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

// cleared returns a value, which stands in a field, without tokens.
func cleared(field string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = cleared(k, v[k])
		}
	case []any:
		for i := range v {
			v[i] = cleared(field, v[i])
		}
	case string:
		if slices.Contains(secretFields, field) {
			return hidden
		}
		if strings.Contains(v, "/webhooks/") || strings.Contains(v, "/interactions/") {
			return withoutToken(v)
		}
	}
	return v
}

func (h *hider) act(a discordsim.Act) *line {
	l := &line{Kind: kindAct, Time: a.Time, Took: a.Took.Seconds(), Method: a.Method, Path: withoutToken(a.Path),
		Query: a.Query, Status: a.Status, Answer: h.json(a.Answer), Secret: a.Path == "/_sim/snapshot"}
	if l.Body = h.json(a.Body); l.Body == nil && len(a.Body) > 0 {
		l.Type, l.Data = a.Type, h.data(a.Body)
	}
	return l
}

// request makes the line of a bot's request, or of one to a bot's endpoint.
func (h *hider) request(kind string, q discordsim.Request) *line {
	return &line{Kind: kind, Time: q.Time, Took: q.Took.Seconds(), Method: q.Method, Route: q.Route,
		Path: withoutToken(q.Path), Query: q.Query, Body: h.json(q.Body), Files: q.Files, Status: q.Status,
		Answer: h.answer(q), Reason: string(h.data([]byte(q.Reason))), Fault: q.Injected, Application: q.Caller}
}

// answer returns the response to a request that changes something. What bots read is in the world anyway.
func (h *hider) answer(q discordsim.Request) json.RawMessage {
	if q.Method == "GET" {
		return nil
	}
	return h.json(q.Answer)
}
