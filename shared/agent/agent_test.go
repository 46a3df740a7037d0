package agent_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"snug/shared/agent"
)

// The User-Agent has Discord's form, and names the version of disgo that is used.
func TestForm(t *testing.T) {
	m := regexp.MustCompile(`^DiscordBot \(https://\S+, (\d+\.\d+\.\d+)\)`).FindStringSubmatch(agent.Discord)
	if m == nil {
		t.Fatalf("%q", agent.Discord)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "github.com/disgoorg/disgo v"+m[1]+"\n") {
		t.Errorf("go.mod has another disgo than %s", m[1])
	}
}

func TestClientSaysIt(t *testing.T) {
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.UserAgent() }))
	defer s.Close()
	c := agent.Client(time.Second)
	res, err := c.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got != agent.Discord {
		t.Errorf("it said %q", got)
	}
	c.CloseIdleConnections()
}
