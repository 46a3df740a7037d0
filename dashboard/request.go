package dashboard

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"
	jsonv2 "github.com/go-json-experiment/json"

	"snug/dashboard/api"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/access"
	"snug/shared/errs"
)

// visit is what is known of one request.
type visit struct {
	id       string
	begun    time.Time
	origin   string // scheme and host it came to
	code     errs.Code
	returnTo string // where a login that failed wanted to go
	// following says that somebody follows an invite: what fails then is neither their sign-in nor a form of
	// theirs. landing is the invite's page, to come back to; "" if the invite is none.
	following bool
	landing   string

	looked bool // for a session
	me     *session.Session
	token  *api.Token // by which me came; nil: by a cookie
	err    error
}

const visitKey = "snug"

func visitOf(c *gin.Context) *visit {
	if v, ok := c.Get(visitKey); ok {
		if v, ok := v.(*visit); ok {
			return v
		}
	}
	v := &visit{id: rand.Text()[:12], begun: time.Now(), returnTo: "/"}
	c.Set(visitKey, v)
	return v
}

// me gives who is signed in. It fails with errs.Unauthorized for nobody.
func (s *Server) me(c *gin.Context) (*session.Session, error) {
	v := visitOf(c)
	if v.looked {
		return v.me, v.err
	}
	v.looked = true
	if text, ok := bearer(c.Request); ok {
		v.me, v.token, v.err = s.tokenCaller(c.Request.Context(), text)
		return v.me, v.err
	}
	id := s.cookies.ID(c.Request)
	v.me, v.err = s.sessions.Get(c.Request.Context(), id)
	switch {
	case v.err == nil && v.me.Extended:
		http.SetCookie(c.Writer, s.cookies.Session(id, s.now(), v.me.Expires))
	case errs.Has(v.err, errs.Unauthorized) && id != "":
		http.SetCookie(c.Writer, s.cookies.Clear())
	}
	return v.me, v.err
}

// handler is a gin handler that may fail.
type handler func(*gin.Context) error

// do turns a handler's error into an answer.
func (s *Server) do(h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			s.fail(c, err)
			c.Abort()
		}
	}
}

// signedIn is a handler for signed-in people alone.
type signedIn func(c *gin.Context, me *session.Session) error

// member turns a handler for signed-in people into one for gin.
func (s *Server) member(h signedIn) gin.HandlerFunc {
	return s.do(func(c *gin.Context) error {
		private(c)
		me, err := s.me(c)
		if err != nil {
			return err
		}
		if err := s.limits.read.allow("u" + me.User.ID.String()); err != nil {
			return err
		}
		return h(c, me)
	})
}

// writes is member for what changes something: it is limited per user.
func (s *Server) writes(h signedIn) gin.HandlerFunc {
	return s.member(func(c *gin.Context, me *session.Session) error {
		if err := s.allow(c, s.limits.write); err != nil {
			return err
		}
		return h(c, me)
	})
}

func actor(me *session.Session) access.Actor {
	return access.Actor{UserID: me.User.ID, Via: access.ViaWeb}
}

// private keeps an answer out of every cache and search engine.
func private(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("X-Robots-Tag", "noindex")
}

// layout gives what every page has.
func (s *Server) layout(c *gin.Context, title string) view.Layout {
	l := view.Layout{
		Title: title, Path: pagePath(c.Request), Now: s.now(), AddURL: s.o.AddURL, Demo: s.o.Demo,
		DiscordURL: s.o.DiscordURL,
	}
	if theme, err := c.Request.Cookie(view.ThemeCookie); err == nil {
		l.Theme = view.ThemeOf(theme.Value)
	}
	l.Text = s.texts(c)
	if me, err := s.me(c); err == nil {
		l.Me = &view.Me{ID: me.User.ID, Name: me.User.DisplayName, Avatar: me.User.Avatar}
	}
	return l
}

// page answers with a page.
func (s *Server) page(c *gin.Context, status int, p view.Page) error {
	view.LayoutOf(p).AsOf = asOfOf(c.Request.Context())
	s.tellHeard(p)
	return s.view.Render(c.Writer, status, p)
}

// message answers with a page of a sentence. If even that fails, plain text has to do.
func (s *Server) message(c *gin.Context, status int, m *view.Message) {
	if err := s.page(c, status, m); err != nil {
		s.log.ErrorContext(c, "page not rendered", "request_id", visitOf(c).id, "err", err)
		if !c.Writer.Written() {
			http.Error(c.Writer, m.Sentence, status)
		}
	}
}

// reply answers a program.
func reply(c *gin.Context, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.Header("Content-Type", "application/json")
	c.Status(status)
	_, _ = c.Writer.Write(b) // who asked may have gone
	return nil
}

// back answers a program with v, and a form by leading to a page.
func back(c *gin.Context, status int, v any, to string) error {
	if wantsJSON(c.Request) {
		return reply(c, status, v)
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

// maxBody is the most bytes a request may bring along.
const maxBody = api.MaxBody

// read reads the request's input into v: JSON, strictly, or a form by formed.
// Without a body v stays as it is.
func read(c *gin.Context, v any, formed func(url.Values) error) error {
	kind, _, _ := mime.ParseMediaType(c.GetHeader("Content-Type"))
	switch {
	case kind == "application/json":
		b, err := io.ReadAll(c.Request.Body)
		if err != nil {
			return badBody(err)
		}
		if len(bytes.TrimSpace(b)) == 0 {
			return nil
		}
		return strictJSON(b, v)
	case strings.HasPrefix(c.Request.URL.Path, "/api/"):
		if c.Request.ContentLength == 0 {
			return nil
		}
		return &statusError{
			http.StatusUnsupportedMediaType,
			errs.E(errs.Invalid, "Please send JSON, with the header Content-Type: application/json."),
		}
	}
	form, err := postForm(c.Request)
	if err != nil || formed == nil {
		return err
	}
	return formed(form)
}

// postForm reads a form, in whichever of the two ways browsers send one.
func postForm(r *http.Request) (url.Values, error) {
	err := r.ParseForm()
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		err = r.ParseMultipartForm(maxBody)
	}
	if err != nil {
		return nil, badBody(err)
	}
	return r.PostForm, nil
}

// strictJSON reads one JSON object: names as they are written, none twice, none unknown, and UTF-8 text.
func strictJSON(b []byte, v any) error {
	err := jsonv2.Unmarshal(b, v, jsonv2.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if t, ok := errors.AsType[*jsonv2.SemanticError](err); ok {
		field := strings.ReplaceAll(strings.TrimPrefix(string(t.JSONPointer), "/"), "/", ".")
		switch {
		case errors.Is(err, jsonv2.ErrUnknownName):
			return errs.Field(field, "There is no field %.60s here. Please leave it out.", field)
		case field != "" && t.GoType != nil:
			return errs.Field(field, "%s has the wrong type: it must be %s.", field, jsonKind(t.GoType.Kind().String()))
		}
	}
	return errs.E(errs.Invalid, "The body is not the JSON object this needs. Please check it.").Because(err)
}

func jsonKind(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return "a whole number"
	case kind == "bool":
		return "true or false"
	case kind == "string":
		return "a string"
	}
	return "of another type"
}

func badBody(err error) error {
	if tooLong(err) {
		return errs.E(errs.Invalid, "That is too much at once. Please send less.").Because(err)
	}
	return errs.E(errs.Invalid, "What was sent could not be read. Please try again.").Because(err)
}

// idOf reads an id from the path; what is none is an error of the code given.
func idOf(c *gin.Context, name string, missing *errs.Error) (snowflake.ID, error) {
	return parseID(c.Param(name), missing)
}

func parseID(raw string, missing *errs.Error) (snowflake.ID, error) {
	if len(raw) < 1 || len(raw) > 20 || strings.Trim(raw, "0123456789") != "" {
		return 0, missing
	}
	id, err := snowflake.Parse(raw)
	if err != nil || id == 0 {
		return 0, missing
	}
	return id, nil
}

// loginURL is where signing in starts; again says that the browser was signed in before. An invite's token
// stays out of it.
func loginURL(returnTo string, again bool) string {
	returnTo = withoutToken(returnTo)
	q := url.Values{}
	if returnTo != "" && returnTo != "/" {
		q.Set("return_to", returnTo)
	}
	if again {
		q.Set("again", "1")
	}
	if len(q) == 0 {
		return "/login"
	}
	return "/login?" + q.Encode()
}
