package discordsim_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim"
)

// TestTLS: a client that trusts the certificate uses REST and the gateway, under every name of this machine.
func TestTLS(t *testing.T) {
	t.Parallel()
	s, d := discordsim.StartTest(t, discordsim.Options{TLS: true})
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.Certificate()) {
		t.Fatalf("no certificate: %s", s.Certificate())
	}
	trusting := &tls.Config{RootCAs: roots}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting, DisableKeepAlives: true}}
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL(), "https://"), ":")
	for _, host := range []string{"127.0.0.1", "localhost", "alice.localhost"} {
		req, err := http.NewRequest(http.MethodGet, "https://"+host+":"+port+"/api/v10/gateway/bot", nil)
		if err != nil {
			t.Fatal(err)
		}
		if host == "alice.localhost" { // which this machine may not resolve
			req.URL.Host, req.Host = "127.0.0.1:"+port, req.URL.Host
		}
		req.Header.Set("Authorization", "Bot "+d.Application.BotToken)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if raw := body(t, res); !strings.Contains(raw, `"url":"wss://`+host+`:`+port) {
			t.Errorf("%s: the gateway is elsewhere: %s", host, raw)
		}
	}
	dialer := websocket.Dialer{TLSClientConfig: trusting}
	ws, res, err := dialer.Dial("wss"+strings.TrimPrefix(s.URL(), "https")+"/?v=10&encoding=json", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	defer ws.Close()
	if _, hello, err := ws.ReadMessage(); err != nil || !strings.Contains(string(hello), `"op":10`) {
		t.Errorf("the gateway says %s, %v", hello, err)
	}
}

// TestControlToken: with one, who doesn't have it can be a bot, but nobody else.
func TestControlToken(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef"
	s, d := discordsim.StartTest(t, discordsim.Options{ControlToken: token})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	consent := "/oauth2/authorize?client_id=" + d.Application.ID.String() +
		"&response_type=code&scope=identify&redirect_uri=http://127.0.0.1/in"
	for _, tc := range []struct {
		name, method, path, authorization string
		want                              int
	}{
		{"a bot", "GET", "/api/v10/gateway/bot", "Bot " + d.Application.BotToken, 200},
		{"a picture", "GET", "/embed/avatars/0.png", "", 200},
		{"the page", "GET", "/", "", 401},
		{"a script", "GET", "/_sim/users", "", 401},
		{"the live view", "GET", "/_sim/ws", "", 401},
		{"another token", "GET", "/_sim/users", "Bearer 0123456789abcdeF", 401},
		{"the consent page", "GET", consent, "", 401},
		{"the consent page below /api", "GET", "/api/v10" + consent, "", 401},
		{"consenting", "POST", consent, "", 401},
		{"a script with the token", "GET", "/_sim/users", "Bearer " + token, 200},
		{"the page with the token", "GET", "/?as=bruno&control_token=" + token, "", 303},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req, err := http.NewRequest(tc.method, s.URL()+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", tc.authorization)
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if raw := body(t, res); res.StatusCode != tc.want {
				t.Errorf("status %d: %s", res.StatusCode, raw)
			}
			if to := res.Header.Get("Location"); tc.want == 303 && to != "/?as=bruno" {
				t.Errorf("it leads to %s", to)
			}
		})
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Transport: client.Transport, Jar: jar}
	for _, path := range []string{"/?control_token=" + token, "/_sim/users", consent} {
		res, err := browser.Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		if raw := body(t, res); res.StatusCode != 200 {
			t.Errorf("a browser with the cookie gets %d for %s: %s", res.StatusCode, path, raw)
		}
	}
	if _, err := discordsim.New(discordsim.Options{ControlToken: "short"}).Start("127.0.0.1:0"); err == nil {
		t.Error("it starts with a short token")
	}
}

// TestAdvance: an invite that is valid for an hour isn't when an hour has passed.
func TestAdvance(t *testing.T) {
	t.Parallel()
	w := start(t)
	invite := w.bot("POST", "/channels/"+w.Lounge.ID.String()+"/invites", map[string]any{"max_age": 3600})
	code := invite.must(t, 200).str("code")
	now := w.Advance(0)
	if later := w.Advance(59 * time.Minute); later.Sub(now) < 59*time.Minute {
		t.Errorf("%s later than %s", later.Sub(now), now)
	}
	w.bot("GET", "/invites/"+code, nil).must(t, 200)
	w.control("POST", "/time", map[string]any{"advance": 61}).must(t, 200)
	w.refuse(t, w.bot("GET", "/invites/"+code, nil), 404, 10006)
	w.control("POST", "/time", map[string]any{"advance": -1}).must(t, 400)
}

// body reads a response.
func body(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
