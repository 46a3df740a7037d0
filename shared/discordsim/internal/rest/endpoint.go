package rest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// An application that has an interactions endpoint gets its interactions there, as signed requests whose response is
// the first response. https://docs.discord.com/developers/interactions/overview#preparing-for-interactions

const (
	endpointField = "interactions_endpoint_url"
	actPing       = 1
	answerPong    = 1
)

// posts sends requests to applications' endpoints. Safe for concurrent use.
type posts struct {
	client *http.Client
	ctx    context.Context // until close
	cancel context.CancelFunc

	mu      sync.Mutex // guards the following
	closing bool
	wg      sync.WaitGroup // of requests
}

func newPosts(anywhere bool) *posts {
	p := &posts{}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	d := &net.Dialer{}
	t := &http.Transport{DialContext: d.DialContext}
	if anywhere {
		t.Proxy = http.ProxyFromEnvironment
	} else {
		d.Control = loopbackOnly
	}
	// Discord documents nothing about redirects; that it doesn't follow them is a guess.
	p.client = &http.Client{Transport: t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return p
}

// loopbackOnly refuses connections to other machines, whatever name led there.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err == nil && !at.Addr().Unmap().IsLoopback() {
		err = errors.New("it isn't this machine")
	}
	return err
}

// start runs f, unless close was called; close waits for it.
func (p *posts) start(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closing {
		p.wg.Go(f)
	}
}

// Close ends the requests to endpoints and waits for them.
func (s *API) Close() {
	s.posts.mu.Lock()
	s.posts.closing = true
	s.posts.mu.Unlock()
	s.posts.cancel()
	s.posts.wg.Wait()
	s.posts.client.CloseIdleConnections()
}

// endpointOf reads an endpoint's address; null and "" are none. Discord wants https, which nobody has on loopback: so
// http is accepted, too.
func (s *API) endpointOf(f *form.Form) string {
	if !f.Given(endpointField) {
		return ""
	}
	address := f.Str(endpointField, 0, 2048)
	if address == "" || f.Errs.At(endpointField).Bad() {
		return ""
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		f.Errs.At(endpointField).Add("URL_TYPE_INVALID_URL", "Not a well formed URL.")
	case !s.opts.Anywhere && !loopback(u.Hostname()):
		f.Errs.At(endpointField).Add("SIMULATOR_LOOPBACK_ONLY", "The simulated Discord posts interactions to this "+
			"machine alone; start it with --endpoints-anywhere.")
	}
	return address
}

// loopback reports whether a host is this machine by its name.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host == "localhost" || strings.HasSuffix(host, ".localhost")
	}
	return ip.Unmap().IsLoopback()
}

// verify does what Discord does before it saves an endpoint: a PING has to be acknowledged, and one with a wrong
// signature refused with 401. Their order is a guess.
func (s *API) verify(ctx context.Context, app *world.Application, endpoint string) error {
	var ping []byte
	s.world.Update(func(st *world.State) {
		ping = form.Marshal(map[string]any{"id": st.NextID(), "application_id": app.ID, "type": actPing,
			"token": st.Secret(48), "version": 1, "entitlements": []struct{}{}, "user": st.Users[app.Owner].Wire()})
	})
	for _, forged := range []bool{false, true} {
		if err := s.ping(ctx, app, endpoint, ping, forged); err != nil {
			f := &form.Form{Errs: &form.Tree{}}
			f.Errs.At(endpointField).Add("APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID",
				"The specified interactions endpoint URL could not be verified.")
			f.Errs.At(endpointField).Add("SIMULATOR_SAW", "%v", err)
			return f.Errs.Err()
		}
	}
	return nil
}

// ping sends a PING, and says what is wrong with the response.
func (s *API) ping(ctx context.Context, app *world.Application, endpoint string, body []byte, forged bool) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.FirstAnswer)
	defer cancel()
	return s.post(ctx, app, endpoint, body, forged, func(res *http.Response) error {
		kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
		var pong struct{ Type int }
		switch {
		case forged && res.StatusCode != 401:
			return fmt.Errorf("it answered a PING with a wrong signature with %d; answer with 401", res.StatusCode)
		case forged:
			return nil
		case res.StatusCode != 200:
			return fmt.Errorf("it answered a PING with %d; answer with 200", res.StatusCode)
		case kind != "application/json":
			return fmt.Errorf("it answered a PING with Content-Type %q; answer with application/json", kind)
		case json.NewDecoder(io.LimitReader(res.Body, MaxBody)).Decode(&pong) != nil || pong.Type != answerPong:
			return errors.New(`it answered a PING with another body than {"type":1}`)
		}
		return nil
	})
}

// Post sends an interaction to its application's endpoint, and takes the response. It is the world's Poster.
func (s *API) Post(a *world.Interaction, body []byte) {
	endpoint := a.App.Endpoint
	s.posts.start(func() {
		ctx, cancel := context.WithTimeout(s.posts.ctx, s.opts.FirstAnswer)
		defer cancel()
		err := s.post(ctx, a.App, endpoint, body, false, func(res *http.Response) error { return s.takePosted(a, res) })
		if err != nil {
			s.opts.Log.Warn("an endpoint's answer to an interaction was refused", "endpoint", endpoint, "err", err)
			s.world.Update(func(st *world.State) { st.Fail(a) })
		}
	})
}

// takePosted takes an endpoint's response as the first response to an interaction. With 202, that comes by a request
// of its own ("Interaction Callback").
func (s *API) takePosted(a *world.Interaction, res *http.Response) error {
	if res.StatusCode == http.StatusAccepted {
		return nil
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered with %d; answer with 200 and the response, or with 202", res.StatusCode)
	}
	c := &call{api: s, app: a.App, extra: http.Header{}, fields: map[string]string{},
		r: &http.Request{Method: http.MethodPost, Header: res.Header, Body: res.Body, URL: &url.URL{}}}
	if res.Header.Get("Content-Type") == "" {
		return errors.New("it answered without a Content-Type; answer with application/json")
	}
	if err := c.read(); err != nil {
		return err
	}
	var err error
	s.world.Update(func(st *world.State) {
		switch c.State = st; {
		case a.Failed:
			err = form.UnknownInteraction()
		case a.Answered:
			err = form.AlreadyAcknowledged()
		default:
			err = c.answerFirst(a)
		}
	})
	return err
}

// post sends a signed request, or one with a wrong signature, and shows what came of it to those who watch.
func (s *API) post(ctx context.Context, app *world.Application, endpoint string, body []byte, forged bool,
	take func(*http.Response) error,
) (err error) {
	q := Request{Time: time.Now(), Method: http.MethodPost, Path: endpoint, Caller: app.ID}
	defer func() {
		if q.Took = time.Since(q.Time); err != nil {
			q.Refusal = err.Error()
			if e, ok := errors.AsType[*form.Error](err); ok {
				q.Refusal = refusalOf(e)
			}
		}
		if s.opts.OnPost != nil {
			s.opts.OnPost(q)
		}
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	at := strconv.FormatInt(s.opts.Now().Unix(), 10)
	signature := ed25519.Sign(app.Key, append([]byte(at), body...))
	if forged {
		signature[0] ^= 1
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Discord-Interactions/1.0 (+https://discord.com)")
	r.Header.Set("X-Signature-Ed25519", hex.EncodeToString(signature))
	r.Header.Set("X-Signature-Timestamp", at)
	res, err := s.posts.client.Do(r)
	if err != nil {
		return fmt.Errorf("it didn't answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	q.Status = res.StatusCode
	answer := bytes.Buffer{}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(res.Body, &answer), res.Body}
	err = take(res)
	q.Answer = answer.Bytes()
	return err
}
