// Package openapi is the machinery of the JSON API: it describes operations from
// their handlers' own types (OpenAPI 3.1, with huma), says who may call them,
// answers failures as problems (RFC 9457), replays answers to repeated
// creations (Idempotency-Key), and pages lists.
//
// Package api makes one API while the routes are set up and registers every
// operation before it serves; after that all of it is safe for concurrent use.
// What the operations do is package api's; nothing here knows rooms.
package openapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json/jsontext"

	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/shared/apitoken"
)

// Caller is who calls: somebody signed in, or an API token for them.
type Caller struct {
	*session.Session
	Token *apitoken.Token // nil with a session's cookie
}

// Options of New. All are needed.
type Options struct {
	Version string
	Server  string // the dashboard's address
	// Caller says who calls. It fails with errs.Unauthorized for nobody.
	Caller func(*gin.Context) (*Caller, error)
	// Allow fails with errs.RateLimited if the caller has to wait.
	Allow func(*gin.Context, Limit) error
	// Problem makes an error's answer, sets its headers and tells the log.
	Problem func(*gin.Context, error) *request.Problem
	Replays *Replays
}

// Limit names one of the limits on how often something may be asked.
type Limit string

// The limits.
const (
	Reads   Limit = ""       // what every caller is limited to anyway, by Caller
	Writes  Limit = "write"  // what changes something
	Invites Limit = "invite" // invites looked at and followed
	Live    Limit = "live"   // live tokens
)

// Access says who may call an operation.
type Access struct {
	Public   bool           // anybody
	Scope    apitoken.Scope // that an API token needs; "" lets none in: a session's cookie is needed
	AnyToken bool           // every API token may, whatever its scopes
	Limit    Limit
}

// Repeat says how an operation's answer is given again, to the same request under the same Idempotency-Key.
type Repeat struct {
	// Still fails unless who asks may still be told the answer, whatever they might when it was given first.
	Still func(ctx context.Context, who *Caller, param func(name string) string) error
	// Secrets are members of the answer, as paths like "invite.url", that are told once and not kept.
	Secrets []string
}

// Operation describes an operation. Its input and output come from the handler's types.
type Operation struct {
	ID, Method, Path string // Path without Prefix, parameters as {name}
	Tag              string
	Summary          string  // a few words
	Description      string  // Markdown
	Status           int     // of success; default 200, or 204 without a body
	Repeat           *Repeat // takes Idempotency-Key; nil: does not
	Errors           []int   // statuses of problems, beside those that all may have
	Access
}

// API describes and serves operations. Make one with New.
type API struct {
	o    Options
	huma huma.API
	ops  []Operation
}

const apiKey = "snug api"

// ours has huma make its own errors as problems. It is the library's one way
// to say so, and a variable of the library, so it is set once for all.
var ours = sync.OnceFunc(func() {
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		c := humagin.Unwrap(ctx)
		if a, ok := c.Value(apiKey).(*API); ok {
			return a.o.Problem(c, refusal(status, msg, errs))
		}
		return &request.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: msg}
	}
})

// New makes an API whose operations are routes of e.
func New(e *gin.Engine, o Options) *API {
	ours()
	a := &API{o: o}
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	registry.RegisterTypeAlias(reflect.TypeFor[snowflake.ID](), reflect.TypeFor[ID]())
	registerEnums(registry)
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Snug", Version: "1", Description: about,
				License: &huma.License{Name: "MIT", Identifier: "MIT"},
			},
			Servers: []*huma.Server{{URL: o.Server + request.APIPrefix}},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					schemeToken: {
						Type: "http", Scheme: "bearer", Description: "An API token: Authorization: Bearer snug_…",
					},
					schemeCookie: {
						Type: "apiKey", In: "cookie", Name: "__Host-snug",
						Description: "The cookie of a signed-in browser, for Snug's own pages. Requests from other " +
							"sites are refused.",
					},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat: "application/json",
	}
	strictCasing()
	a.huma = humagin.NewWithGroup(e, e.Group(request.APIPrefix, func(c *gin.Context) { c.Set(apiKey, a) }), config)
	return a
}

const (
	schemeToken  = "token"
	schemeCookie = "session"
)

const about = "Everything Snug's pages do, for programs. Ids are Discord's, as strings. " +
	"Errors are problems (RFC 9457): `code` never changes its meaning, `detail` is for people."

// jsonFormat reads and writes JSON as encoding/json does, but for text that is
// not UTF-8, in whose place encoding/json would put other characters.
var jsonFormat = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(b []byte, v any) error {
		if err := CheckJSON(b); err != nil {
			return err
		}
		return json.Unmarshal(b, v)
	},
}

// strictCasing has huma tell names apart that differ in case alone, as JSON does. It is a variable of huma's.
var strictCasing = sync.OnceFunc(func() { huma.ValidateStrictCasing = true })

// CheckJSON fails unless b is one JSON text as RFC 8259 and RFC 7493 (I-JSON)
// want it: UTF-8, no lone surrogates, no name twice in an object. encoding/json
// takes all of these, and two programs that read such a text may read two things.
func CheckJSON(b []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(b))
	if _, err := d.ReadValue(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

// schemaName names a schema after its type, without the word JSON that sets wire types apart in code.
func schemaName(t reflect.Type, hint string) string {
	name := strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "JSON")
	if name == "" {
		return hint
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// ID is a Discord id as the API writes it: a string of digits; null stands for none.
type ID snowflake.ID

// Schema describes an id.
func (ID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Nullable: true, Pattern: `^[0-9]{1,20}$`, Examples: []any{"155101607195836416"},
		Description: "A Discord id.",
	}
}

// Handler does an operation for a caller, who is nil if the operation is public and nobody is known.
type Handler[I, O any] func(ctx context.Context, who *Caller, in *I) (*O, error)

type callKey struct{}

type call struct {
	gin *gin.Context
	who *Caller
}

// Register adds an operation.
func Register[I, O any](a *API, op Operation, h Handler[I, O]) {
	a.ops = append(a.ops, op)
	do := func(ctx context.Context, in *I) (*O, error) {
		c, _ := ctx.Value(callKey{}).(*call)
		out, err := h(ctx, c.who, in)
		if err != nil {
			return nil, a.o.Problem(c.gin, err)
		}
		return out, nil
	}
	output := reflect.TypeFor[O]()
	described := a.describe(op)
	status, answer := a.answer(op, output)
	described.DefaultStatus = status
	huma.Register(a.huma, described, func(ctx context.Context, in *I) (*reply, error) {
		out, err := do(ctx, in)
		if err != nil || out == nil || output.NumField() == 0 {
			return nil, err
		}
		return replyOf(reflect.ValueOf(out).Elem()), nil
	})
	described.Responses[strconv.Itoa(status)] = answer // huma described reply
}

// reply is what each operation gives huma, whatever its output's type: huma.Register is 23 kB of code for each pair of
// types, and so only inputs make new ones.
type reply struct {
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     any
}

// replyOf copies an output, which has a subset of reply's fields.
func replyOf(out reflect.Value) *reply {
	r := new(reply)
	to := reflect.ValueOf(r).Elem()
	for i := range out.NumField() {
		to.FieldByName(out.Type().Field(i).Name).Set(out.Field(i))
	}
	return r
}

// answer describes success by the output's type, as huma would.
func (a *API) answer(op Operation, output reflect.Type) (status int, r *huma.Response) {
	status, r = http.StatusNoContent, new(huma.Response)
	for i := range output.NumField() {
		f := output.Field(i)
		s := huma.SchemaFromField(a.huma.OpenAPI().Components.Schemas, f, op.ID+"Response")
		if r.Headers == nil {
			status, r.Headers = http.StatusOK, map[string]*huma.Header{}
		}
		if header := f.Tag.Get("header"); header != "" {
			r.Headers[header] = &huma.Header{Schema: s}
		} else {
			r.Content = map[string]*huma.MediaType{"application/json": {Schema: s}}
		}
	}
	status = cmp.Or(op.Status, status)
	r.Description = http.StatusText(status)
	return status, r
}

func (a *API) describe(op Operation) huma.Operation {
	h := huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description,
		Tags:         []string{op.Tag},
		MaxBodyBytes: request.MaxBody + 1, BodyReadTimeout: request.BodyTime,
		Responses:   map[string]*huma.Response{},
		Middlewares: huma.Middlewares{a.enter(op)},
	}
	if op.Access.Public {
		h.Security = []map[string][]string{{}}
	} else {
		h.Security = []map[string][]string{{schemeCookie: {}}}
		if op.Scope != "" {
			h.Security = append(h.Security, map[string][]string{schemeToken: {string(op.Scope)}})
		} else if op.AnyToken {
			h.Security = append(h.Security, map[string][]string{schemeToken: {}})
		}
	}
	if op.Repeat != nil {
		h.Middlewares = append(h.Middlewares, a.repeat(*op.Repeat))
		h.Parameters = append(h.Parameters, &huma.Param{
			Name: replayHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "Any text of up to 200 characters that you choose for this one thing. The same request " +
				"within a day gets the same answer, without secrets and invite links, and nothing happens twice. " +
				"With another body, it's refused.",
		})
	}
	a.problems(&h, op)
	return h
}

// problems describes the answers to what goes wrong.
func (a *API) problems(h *huma.Operation, op Operation) {
	statuses := append([]int{
		http.StatusBadRequest, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusServiceUnavailable,
	}, op.Errors...)
	if !op.Access.Public {
		statuses = append(statuses, http.StatusUnauthorized, http.StatusForbidden)
	}
	if strings.Contains(op.Path, "{") {
		statuses = append(statuses, http.StatusNotFound)
	}
	if op.Method != http.MethodGet && op.Method != http.MethodDelete {
		statuses = append(statuses, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge)
	}
	if op.Repeat != nil {
		statuses = append(statuses, http.StatusConflict)
	}
	slices.Sort(statuses)
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[request.Problem](), true, "Problem")
	for _, s := range slices.Compact(statuses) {
		r := &huma.Response{
			Description: http.StatusText(s),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
		}
		if s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable {
			r.Headers = map[string]*huma.Param{
				"Retry-After": {Description: "Seconds to wait.", Schema: &huma.Schema{Type: huma.TypeInteger}},
			}
		}
		h.Responses[strconv.Itoa(s)] = r
	}
}

// enter finds out who calls, and whether they may.
func (a *API) enter(op Operation) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c := humagin.Unwrap(ctx)
		c.Header("Cache-Control", "no-store")
		who, err := a.o.Caller(c)
		if err == nil && who != nil {
			err = op.Access.allows(who)
		} else if op.Access.Public {
			who, err = nil, nil
		}
		if err == nil && op.Limit != Reads {
			err = a.o.Allow(c, op.Limit)
		}
		if err != nil {
			a.o.Problem(c, err).Write(c)
			return
		}
		next(huma.WithValue(ctx, callKey{}, &call{c, who}))
	}
}

// Operations gives what was registered, in that order.
func (a *API) Operations() []Operation { return slices.Clone(a.ops) }

// OpenAPI gives the description of the whole API.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// Description gives the description as JSON. It is the same at every call once all operations are registered.
func (a *API) Description() ([]byte, error) { return json.MarshalIndent(a.huma.OpenAPI(), "", "  ") }
