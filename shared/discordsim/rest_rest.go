package discordsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// access is who may call a route.
type access int

const (
	byBot     access = 1 << iota // Authorization: Bot …
	byBearer                     // Authorization: Bearer …, or a user's own token
	byAnybody                    // no authorization
)

// route is a row of the table of routes.
type route struct {
	method   string
	path     string
	access   access
	scope    string // required of a Bearer token
	bucket   string
	rate     rate
	noGlobal bool
	do       func(*call) (int, any, error)
}

// RestOptions configure the REST API.
type RestOptions struct {
	Log       *slog.Logger
	Now       func() time.Time
	Limits    *Limits
	OnRequest func(Request) // called after each response, on the request's goroutine; nil: nobody
}

// Request describes a REST request after the response.
type Request struct {
	Time     time.Time // when it arrived
	Took     time.Duration
	Method   string
	Route    string // as in the table of routes; "" if it isn't there
	Path     string
	Status   int
	Reason   string // X-Audit-Log-Reason, decoded
	Injected bool   // the response came from a fault
}

// restAPI serves the REST API. Safe for concurrent use.
type restAPI struct {
	world   *World
	faults  *faults
	limiter *limiter
	opts    RestOptions
}

// newRest makes the REST API of a world.
func newRest(w *World, f *faults, o RestOptions) *restAPI {
	return &restAPI{world: w, faults: f, limiter: newLimiter(), opts: o}
}

// call is one request to a route. It has the state while the route handles it, in an Update unless the method is GET.
type call struct {
	*state
	api    *restAPI
	r      *http.Request
	route  *route
	app    *application // the bot, if byBot
	user   *user        // the user, if byBearer
	scopes []string
	body   []byte
	files  []attachment
	fields map[string]string // of a multipart body, besides payload_json
	reason string
	host   string
	extra  http.Header
}

// answer is the response.
type answer struct {
	status  int
	headers http.Header
	body    []byte
	scope   string // of a 429
}

const maxBody = 26 << 20

// Handler serves the routes, whose paths begin after the version.
func (s *restAPI) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range table() {
		if rt.bucket == "" {
			rt.bucket = rt.method + " " + rt.path
		}
		if rt.rate.n == 0 {
			rt.rate = rate{20, 5 * time.Second}
		}
		mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) { s.serveRoute(w, r, &rt) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path) > 1 {
			r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
		}
		if _, pattern := mux.Handler(r); pattern == "" || strings.Contains(r.URL.Path, "//") {
			s.notImplemented(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// notImplemented responds to what isn't in the table.
func (s *restAPI) notImplemented(w http.ResponseWriter, r *http.Request) {
	s.opts.Log.Warn("rejected a request that the simulator does not implement", "method", r.Method, "path", r.URL.Path)
	commonHeaders(w.Header())
	w.WriteHeader(http.StatusNotImplemented)
	_, _ = w.Write(marshal(fail(501, 0, "501: the simulator has no "+r.Method+" "+r.URL.Path+
		"; what it has is in the table of its package document")))
	s.observe(Request{Time: time.Now(), Method: r.Method, Path: r.URL.Path, Status: 501})
}

func (s *restAPI) observe(q Request) {
	if s.opts.OnRequest != nil {
		s.opts.OnRequest(q)
	}
}

// serveRoute is the common part of all routes: faults, body, locking, authorization, limits and encoding the response.
func (s *restAPI) serveRoute(w http.ResponseWriter, r *http.Request, rt *route) {
	q := Request{Time: time.Now(), Method: r.Method, Route: rt.path, Path: r.URL.Path}
	q.Reason, _ = url.QueryUnescape(r.Header.Get("X-Audit-Log-Reason"))
	defer func() { q.Took = time.Since(q.Time); s.observe(q) }()
	commonHeaders(w.Header())
	where := target{app: s.callerID(r), method: r.Method, path: r.URL.Path, route: rt.path}
	if id, err := strconv.ParseUint(r.PathValue("guild"), 10, 64); err == nil {
		where.guild = ID(id)
	}
	if q.Injected, q.Status = s.faults.before(w, r, where); q.Injected {
		return
	}
	a := s.answer(r, rt, q.Reason)
	q.Status = a.status
	if f, ok := s.faults.takeAfter(where); ok {
		q.Injected, q.Status = true, f.Status
		f.answerBroken(w)
		return
	}
	for k, v := range a.headers {
		w.Header()[k] = v
	}
	if f, ok := s.faults.takeIf(FaultAnswer, where, func(x *Fault) bool { return x.After }); ok {
		f.spoil(w.Header(), &a.status, &a.body)
		q.Injected, q.Status = true, a.status
	}
	if a.status == http.StatusNoContent {
		w.Header().Del("Content-Type")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// answer handles a request and encodes the response.
func (s *restAPI) answer(r *http.Request, rt *route, reason string) answer {
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
	run := func(st *state) {
		c.state = st
		a = c.run(readErr)
		if a.status == 401 || a.status == 403 || a.status == 429 && a.scope != "shared" {
			s.limiter.invalid(addr, st.now())
		}
	}
	if r.Method == http.MethodGet {
		s.world.View(run)
	} else {
		s.world.Update(run)
	}
	return a
}

func (c *call) run(readErr error) answer {
	client, err := c.authorise()
	if err != nil {
		return c.refuse(err)
	}
	v := c.api.limiter.admit(client, c.route, c.major(), c.opts.Limits, c.now())
	for k, h := range v.headers {
		c.extra[k] = h
	}
	switch {
	case v.refused != nil:
		return c.refuse(v.refused)
	case readErr != nil:
		return c.refuse(readErr)
	}
	if err := c.checkIDs(); err != nil {
		return c.refuse(err)
	}
	status, body, err := c.route.do(c)
	if err != nil {
		return c.refuse(err)
	}
	a := answer{status: status, headers: c.extra}
	switch b, isRaw := body.(raw); {
	case isRaw:
		a.body = []byte(b.data)
		a.headers.Set("Content-Type", b.kind)
	case status != http.StatusNoContent:
		a.body = marshal(body)
	}
	return a
}

func (c *call) refuse(err error) answer {
	if file, ok := errors.AsType[*fileError](err); ok {
		return answer{status: http.StatusBadRequest, headers: c.extra, body: marshal(map[string]any{
			// the OpenAPI description requires both; the documentation's example has neither
			"code": 50035, "message": "Invalid Form Body",
			"target_users_file": file.lines,
		})}
	}
	var e *APIError
	if !errors.As(err, &e) {
		c.api.opts.Log.Error("request failed inside the simulator", "err", err, "path", c.r.URL.Path)
		e = fail(500, 0, "500: Internal Server Error")
	}
	if e.Status == 429 {
		e.limitHeaders(c.extra)
	}
	return answer{status: e.Status, headers: c.extra, body: marshal(e), scope: e.Scope}
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
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	if err != nil {
		return fail(400, 0, "400: Bad Request")
	}
	if len(body) > maxBody {
		return fail(413, 40005, "Request entity too large")
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
			return fail(400, 0, "400: Bad Request")
		}
		c.body = []byte(v.Get("payload_json"))
	case kind == "" || kind == "application/x-www-form-urlencoded":
		c.body = body
	default:
		return fail(400, 50035, "Expected \"Content-Type\" header to be one of {'application/json'}.")
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
			return fail(400, 50035, "Invalid Form Body")
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return fail(400, 50035, "Invalid Form Body")
		}
		if p.FormName() == "payload_json" {
			c.body = data
		} else if p.FileName() != "" {
			c.files = append(c.files, attachment{name: p.FileName(), kind: p.Header.Get("Content-Type"), data: data,
				field: p.FormName()})
		} else {
			c.fields[p.FormName()] = string(data)
		}
	}
}

// form parses the body as one object; a multipart body may have fields as separate parts.
func (c *call) form() (*form, error) {
	f, err := parseForm(c.body)
	for name, value := range c.fields {
		if err == nil && !f.has(name) {
			f.set(name, value)
		}
	}
	return f, err
}

// checkIDs rejects a path with something other than an id in place of an id.
func (c *call) checkIDs() error {
	for _, name := range []string{"channel", "guild", "message", "user", "role", "overwrite", "app", "command"} {
		v := c.r.PathValue(name)
		if _, err := strconv.ParseUint(v, 10, 63); v != "" && err != nil {
			return invalid(name+"_id", "NUMBER_TYPE_COERCE", "Value \""+v+"\" is not snowflake.")
		}
	}
	return nil
}

// id reads a snowflake from the path; an invalid one matches nothing.
func (c *call) id(name string) ID {
	n, err := strconv.ParseUint(c.r.PathValue(name), 10, 63)
	if err != nil {
		return 0
	}
	return ID(n)
}

// query reads an integer from the query.
func (c *call) query(name string, def, low, high int) (int, error) {
	v := c.r.URL.Query().Get(name)
	if v == "" {
		return def, nil
	}
	f := &form{fields: map[string]json.RawMessage{name: marshal(v)}, errs: &tree{}}
	n := f.num(name, low, high)
	return n, f.errs.err()
}

func (c *call) queryID(name string) (ID, error) {
	v := c.r.URL.Query().Get(name)
	if v == "" {
		return 0, nil
	}
	f := &form{fields: map[string]json.RawMessage{name: marshal(v)}, errs: &tree{}}
	id := f.id(name)
	return id, f.errs.err()
}

func (c *call) queryYes(name string) bool {
	v := strings.ToLower(c.r.URL.Query().Get(name))
	return v == "true" || v == "1"
}

func noContent() (int, any, error) { return http.StatusNoContent, nil, nil }
