// Package rest serves REST: the table of routes, who may call them, their rate limits, and what each does to the world.
package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// access is who may call a route.
type access int

const (
	byBot     access = 1 << iota // Authorization: Bot …
	byBearer                     // Authorization: Bearer …, or a user's own token
	byAnybody                    // no authorization
	byPerson                     // what people do in Discord's client, which no request to the API is
)

// route is a row of the table of routes.
type route struct {
	method   string
	path     string
	access   access
	scope    string // required of a Bearer token
	bucket   string
	rate     rate
	fixed    bool // its bucket's periods never move
	noGlobal bool
	do       func(*call) (int, any, error)
}

// Options configure the REST API.
type Options struct {
	Log       *slog.Logger
	Now       func() time.Time
	Limits    *world.Limits
	OnRequest func(Request) // called after each response, on the request's goroutine; nil: nobody

	FirstAnswer time.Duration // how long an application's endpoint has to respond
	Anywhere    bool          // endpoints may be on other machines
	OnPost      func(Request) // called after each request to an endpoint, whose address is its path; nil: nobody
}

// Request describes a REST request after the response.
type Request struct {
	Time     time.Time // when it arrived
	Took     time.Duration
	Method   string
	Route    string // as in the table of routes; "" if it isn't there
	Path     string
	Query    string
	Body     []byte   // as JSON; of a form with files, what is next to them
	Files    []string // their names and sizes
	Status   int
	Answer   []byte   // the response's body; of a request to an endpoint, its answer
	Reason   string   // X-Audit-Log-Reason, decoded
	Injected bool     // the response came from a fault
	Caller   world.ID // the application that sent it; 0: nobody knows
	Refusal  string   // the code and message of the error that it got
}

// API serves the REST API. Safe for concurrent use.
type API struct {
	world   *world.World
	faults  *faults.Set
	limiter *limiter
	posts   *posts
	people  *http.ServeMux // the routes of what people do
	opts    Options
}

// New makes the REST API of a world.
func New(w *world.World, f *faults.Set, o Options) *API {
	s := &API{world: w, faults: f, limiter: newLimiter(), posts: newPosts(o.Anywhere), opts: o}
	s.people = s.peopleRoutes()
	return s
}

// call is one request to a route. It has the state while the route handles it, in an Update unless the method is GET.
type call struct {
	*world.State
	api    *API
	r      *http.Request
	route  *route
	app    *world.Application // the bot, if byBot
	user   *world.User        // the user, if byBearer or byPerson
	person bool               // it is what a person does in Discord's client
	scopes []string
	body   []byte
	files  []world.Attachment
	fields map[string]string // of a multipart body, besides payload_json
	reason string
	host   string
	extra  http.Header

	// outside is what a route does once it has returned, without holding the world; finish, with the world again,
	// responds. Both nil: the route has responded.
	outside func() error
	finish  func() (int, any, error)
}

// answer is the response.
type answer struct {
	status  int
	headers http.Header
	body    []byte
	scope   string // of a 429
	refusal string // the error's code and message
	call    *call  // that it answers
}

// MaxBody is how much of a request is read, in bytes: 25 MiB of files, as Discord accepts, and a little around them.
const MaxBody = 26 << 20

// Handler serves the routes, whose paths begin after the version.
func (s *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range table() {
		if rt.bucket == "" {
			rt.bucket = rt.method + " " + rt.path
		}
		if rt.rate.n == 0 {
			rt.rate = rate{20, 5 * time.Second}
		}
		mux.HandleFunc(pattern(&rt), func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = unpinned(r.URL.Path)
			s.serveRoute(w, r, &rt)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path) > 1 {
			r.URL.Path = pinned(strings.TrimSuffix(r.URL.Path, "/"))
		}
		if _, pattern := mux.Handler(r); pattern == "" || strings.Contains(r.URL.Path, "//") {
			r.URL.Path = unpinned(r.URL.Path)
			s.notImplemented(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// A mux can't tell /messages/pins/{message} from /messages/{message}/reactions, so pins have a path of their own in it.
const pinsInAPI, pinsInMux = "/messages/pins", "/messages-pins"

// pattern is a route's in a mux.
func pattern(rt *route) string { return rt.method + " " + pinned(rt.path) }

func pinned(path string) string { return strings.Replace(path, pinsInAPI, pinsInMux, 1) }

func unpinned(path string) string { return strings.Replace(path, pinsInMux, pinsInAPI, 1) }

// notImplemented responds to what isn't in the table.
func (s *API) notImplemented(w http.ResponseWriter, r *http.Request) {
	s.opts.Log.Warn("rejected a request that the simulator does not implement", "method", r.Method, "path", r.URL.Path)
	form.CommonHeaders(w.Header())
	w.WriteHeader(http.StatusNotImplemented)
	_, _ = w.Write(form.Marshal(form.Fail(501, 0, "501: the simulator has no "+r.Method+" "+r.URL.Path+
		"; what it has is in the table of its package document")))
	s.observe(Request{Time: time.Now(), Method: r.Method, Path: r.URL.Path, Status: 501})
}

func (s *API) observe(q Request) {
	if s.opts.OnRequest != nil {
		s.opts.OnRequest(q)
	}
}

// serveRoute is the common part of all routes: faults, body, locking, authorization, limits and encoding the response.
func (s *API) serveRoute(w http.ResponseWriter, r *http.Request, rt *route) {
	q := Request{Time: time.Now(), Method: r.Method, Route: rt.path, Path: r.URL.Path, Query: r.URL.RawQuery}
	q.Reason, _ = url.QueryUnescape(r.Header.Get("X-Audit-Log-Reason"))
	defer func() { q.Took = time.Since(q.Time); s.observe(q) }()
	form.CommonHeaders(w.Header())
	q.Caller = s.callerID(r)
	where := faults.Target{App: q.Caller, Method: r.Method, Path: r.URL.Path, Route: rt.path}
	if id, err := strconv.ParseUint(r.PathValue("guild"), 10, 64); err == nil {
		where.Guild = world.ID(id)
	}
	if q.Injected, q.Status = s.faults.Before(w, r, where); q.Injected {
		return
	}
	a := s.answer(r, rt, q.Reason)
	q.Status, q.Refusal, q.Answer = a.status, a.refusal, a.body
	if a.call != nil {
		q.Body, q.Files = a.call.body, a.call.fileNames()
	}
	if f, ok := s.faults.TakeAfter(where); ok {
		q.Injected, q.Status = true, f.Status
		f.AnswerBroken(w)
		return
	}
	for k, v := range a.headers {
		w.Header()[k] = v
	}
	if f, ok := s.faults.TakeIf(faults.Answer, where, func(x *faults.Fault) bool { return x.After }); ok {
		f.Spoil(w.Header(), &a.status, &a.body)
		q.Injected, q.Status = true, a.status
	}
	if a.status == http.StatusNoContent {
		w.Header().Del("Content-Type")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// answer handles a request and encodes the response.
func (s *API) answer(r *http.Request, rt *route, reason string) answer {
	addr, _, _ := net.SplitHostPort(r.RemoteAddr)
	if s.limiter.banned(addr, s.opts.Limits, s.opts.Now()) {
		return answer{status: 429,
			headers: http.Header{"Via": nil, "Content-Type": {"text/plain"}, "Retry-After": {"600"}},
			body:    []byte("error code: 1015")}
	}
	c := &call{
		api: s, r: r, route: rt, reason: reason, host: r.Host, extra: http.Header{}, fields: map[string]string{},
	}
	readErr := c.read()
	var a answer
	run := func(st *world.State) {
		c.State = st
		a = c.run(readErr)
		if a.status == 401 || a.status == 403 || a.status == 429 && a.scope != "shared" {
			s.limiter.invalid(addr, st.Now())
		}
	}
	if r.Method == http.MethodGet {
		s.world.View(run)
	} else {
		s.world.Update(run)
	}
	if c.outside != nil {
		err := c.outside()
		s.world.Update(func(st *world.State) {
			if c.State = st; err != nil {
				a = c.refuse(err)
				return
			}
			a = c.respond(c.finish())
		})
	}
	a.call = c
	return a
}

// fileNames lists the files of a request, for those who watch.
func (c *call) fileNames() (list []string) {
	for _, f := range c.files {
		list = append(list, fmt.Sprintf("%s (%d bytes)", f.Name, len(f.Data)))
	}
	return list
}

func (c *call) run(readErr error) answer {
	client, err := c.authorise()
	if err != nil {
		return c.refuse(err)
	}
	v := c.api.limiter.admit(client, c.route, c.major(), c.Opts.Limits, c.Now())
	for k, h := range v.headers {
		c.extra[k] = h
	}
	if v.refused != nil {
		return c.refuse(v.refused)
	}
	return c.do(readErr)
}

// do calls the route for a caller who is known and admitted.
func (c *call) do(readErr error) answer {
	if readErr != nil {
		return c.refuse(readErr)
	}
	if err := c.checkIDs(); err != nil {
		return c.refuse(err)
	}
	return c.respond(c.route.do(c))
}

// respond encodes what a route returned.
func (c *call) respond(status int, body any, err error) answer {
	if err != nil {
		return c.refuse(err)
	}
	a := answer{status: status, headers: c.extra}
	switch b, isRaw := body.(raw); {
	case isRaw:
		a.body = []byte(b.data)
		a.headers.Set("Content-Type", b.kind)
	case status != http.StatusNoContent:
		a.body = form.Marshal(body)
	}
	return a
}

func (c *call) refuse(err error) answer {
	if file, ok := errors.AsType[*fileError](err); ok {
		return answer{status: http.StatusBadRequest, headers: c.extra, body: form.Marshal(map[string]any{
			// the OpenAPI description requires both; the documentation's example has neither
			"code": 50035, "message": "Invalid Form Body",
			"target_users_file": file.lines,
		})}
	}
	var e *form.Error
	if !errors.As(err, &e) {
		c.api.opts.Log.Error("request failed inside the simulator", "err", err, "path", c.r.URL.Path)
		e = form.Fail(500, 0, "500: Internal Server Error")
	}
	if e.Status == 429 {
		e.LimitHeaders(c.extra)
	}
	return answer{status: e.Status, headers: c.extra, body: form.Marshal(e), scope: e.Scope, refusal: refusalOf(e)}
}

// refusalOf says by which rule something was refused: its code, message and, of a form error, the fields.
func refusalOf(e *form.Error) string {
	text := e.Message
	if e.Code != 0 {
		text = strconv.Itoa(e.Code) + " " + text
	}
	if e.Errors != nil {
		text += " " + string(form.Marshal(e.Errors))
	}
	return text
}

// major returns the path's major parameter, which has its own buckets.
func (c *call) major() string {
	for _, name := range []string{"channel", "guild"} {
		if v := c.r.PathValue(name); v != "" {
			return v
		}
	}
	return c.r.PathValue("webhook") + "/" + c.r.PathValue("token")
}

// read reads the body: JSON, or a form whose payload_json is JSON and whose other parts are files.
func (c *call) read() error {
	if c.r.Body == nil || c.r.Method == http.MethodGet {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(c.r.Body, MaxBody+1))
	if err != nil {
		return form.Fail(400, 0, "400: Bad Request")
	}
	if len(body) > MaxBody {
		return form.Fail(413, 40005, "Request entity too large")
	}
	kind, params, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	switch {
	case len(body) == 0 || kind == "application/json":
		c.body = body
	case kind == "multipart/form-data":
		return c.readMultipart(body, params["boundary"])
	case kind == "application/x-www-form-urlencoded" && !json.Valid(body):
		v, err := url.ParseQuery(string(body))
		if err != nil {
			return form.Fail(400, 0, "400: Bad Request")
		}
		c.body = []byte(v.Get("payload_json"))
	case kind == "" || kind == "application/x-www-form-urlencoded":
		c.body = body
	default:
		return form.Fail(400, 50035, "Expected \"Content-Type\" header to be one of {'application/json'}.")
	}
	return nil
}

func (c *call) readMultipart(body []byte, boundary string) error {
	mr := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		p, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return form.Fail(400, 50035, "Invalid Form Body")
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return form.Fail(400, 50035, "Invalid Form Body")
		}
		if p.FormName() == "payload_json" {
			c.body = data
		} else if p.FileName() != "" {
			c.files = append(c.files, world.Attachment{Name: p.FileName(), Kind: p.Header.Get("Content-Type"),
				Data: data, Field: p.FormName()})
		} else {
			c.fields[p.FormName()] = string(data)
		}
	}
}

// form parses the body as one object; a multipart body may have fields as separate parts.
func (c *call) form() (*form.Form, error) {
	f, err := form.Parse(c.body)
	for name, value := range c.fields {
		if err == nil && !f.Has(name) {
			f.Set(name, value)
		}
	}
	return f, err
}

// checkIDs rejects a path with something other than an id in place of an id.
func (c *call) checkIDs() error {
	for _, name := range []string{
		"channel", "guild", "message", "user", "role", "event", "overwrite", "app", "command", "rule",
		"entitlement",
	} {
		v := c.r.PathValue(name)
		if _, err := strconv.ParseUint(v, 10, 63); v != "" && err != nil {
			return form.Invalid(name+"_id", "NUMBER_TYPE_COERCE", "Value \""+v+"\" is not snowflake.")
		}
	}
	return nil
}

// id reads a snowflake from the path; an invalid one matches nothing.
func (c *call) id(name string) world.ID {
	n, err := strconv.ParseUint(c.r.PathValue(name), 10, 63)
	if err != nil {
		return 0
	}
	return world.ID(n)
}

// query reads an integer from the query.
func (c *call) query(name string, def, low, high int) (int, error) {
	v := c.r.URL.Query().Get(name)
	if v == "" {
		return def, nil
	}
	f := &form.Form{Fields: map[string]json.RawMessage{name: form.Marshal(v)}, Errs: &form.Tree{}}
	n := f.Num(name, low, high)
	return n, f.Errs.Err()
}

func (c *call) queryID(name string) (world.ID, error) {
	v := c.r.URL.Query().Get(name)
	if v == "" {
		return 0, nil
	}
	f := &form.Form{Fields: map[string]json.RawMessage{name: form.Marshal(v)}, Errs: &form.Tree{}}
	id := f.ID(name)
	return id, f.Errs.Err()
}

// page reads what a list of at most so many is asked for: how many, and between which ids.
func (c *call) page(most int) (limit int, before, after world.ID, err error) {
	if limit, err = c.query("limit", most, 1, most); err == nil {
		before, err = c.queryID("before")
	}
	if err == nil {
		after, err = c.queryID("after")
	}
	return limit, before, after, err
}

// between returns the part of a list, in ascending order, that a page has.
func between(ids []world.ID, limit int, before, after world.ID) []world.ID {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id world.ID) bool {
		return before != 0 && id >= before || before == 0 && id <= after
	})
	if before != 0 { // the last ones before it, still in ascending order
		ids = ids[max(0, len(ids)-limit):]
	}
	return ids[:min(len(ids), limit)]
}

func (c *call) queryYes(name string) bool {
	v := strings.ToLower(c.r.URL.Query().Get(name))
	return v == "true" || v == "1"
}

func noContent() (int, any, error) { return http.StatusNoContent, nil, nil }
