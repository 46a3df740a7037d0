package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"snug/shared/apitoken"
	"snug/shared/testkit"
)

// shell are the variables that the examples of docs/api.md use.
type shell map[string]string

// words splits a command as a shell does, as far as the examples need it.
func (v shell) words(line string) (out []string) {
	var word strings.Builder
	begun, quote := false, rune(0)
	letters := []rune(line)
	for i := 0; i < len(letters); i++ {
		c := letters[i]
		switch {
		case quote == 0 && c == ' ':
			if begun {
				out = append(out, word.String())
			}
			word.Reset()
			begun = false
			continue
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == quote:
			quote = 0
		case quote == '"' && c == '\\':
			i++
			word.WriteRune(letters[i])
		case quote != '\'' && c == '$':
			name := regexp.MustCompile(`^[A-Z_]+`).FindString(string(letters[i+1:]))
			word.WriteString(v[name])
			i += len(name)
		default:
			word.WriteRune(c)
		}
		begun = true
	}
	if begun {
		out = append(out, word.String())
	}
	return out
}

// curl does what curl does with such words.
func (v shell) curl(t *testing.T, words []string) (int, map[string]any) {
	t.Helper()
	method, url, body, header := "", "", "", http.Header{}
	for i := 1; i < len(words); i++ {
		switch words[i] {
		case "-X":
			i++
			method = words[i]
		case "-H":
			i++
			name, value, _ := strings.Cut(words[i], ": ")
			header.Set(name, value)
		case "-d":
			i++
			body = words[i]
		default:
			url = words[i]
		}
	}
	if method == "" {
		if method = http.MethodGet; body != "" {
			method = http.MethodPost
		}
	}
	// nothing is sent from here into the world
	body = strings.ReplaceAll(body, "https://example.org/snug", "http://127.0.0.1:1/")
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := testkit.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	out := map[string]any{}
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatalf("%s %s: %v in %s", method, url, err, text)
	}
	return res.StatusCode, out
}

// TestExamplesOfTheAPI runs every command of docs/api.md, in their order, as whoever reads it would.
func TestExamplesOfTheAPI(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	var scopes []string
	for _, s := range apitoken.Scopes() {
		scopes = append(scopes, string(s.Scope))
	}
	status, made := h.signIn("alice").api(http.MethodPost, "/me/tokens",
		map[string]any{"name": "examples", "scopes": scopes})
	if status != http.StatusCreated {
		t.Fatalf("no token: %d %v", status, made)
	}
	doc, err := os.ReadFile(filepath.Join(repo, "docs/api.md"))
	h.must(err)
	v := shell{"SNUG": h.url, "SNUG_TOKEN": made["secret"].(string)}
	of := map[string]func(map[string]any) any{ // where in the answer before it a variable is found
		"GUILD":   func(a map[string]any) any { return a["guilds"].([]any)[0].(map[string]any)["id"] },
		"ROOM":    func(a map[string]any) any { return a["channel_id"] },
		"REV":     func(a map[string]any) any { return a["rev"] },
		"LOBBY":   func(a map[string]any) any { return a["lobby_id"] },
		"HOOK":    func(a map[string]any) any { return a["id"] },
		"MESSAGE": func(a map[string]any) any { return a["deliveries"].([]any)[0].(map[string]any)["id"] },
	}
	var last map[string]any
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(doc), -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
			line = strings.TrimSpace(line)
			name, isExport := strings.CutPrefix(line, "export ")
			name, _, _ = strings.Cut(name, "=")
			switch {
			case isExport && v[name] == "":
				v[name] = fmt.Sprint(of[name](last))
			case isExport: // the reader's own
			case strings.HasPrefix(line, "curl "):
				ran++
				status, answer := v.curl(t, v.words(line))
				if last = answer; status < 200 || status > 299 {
					t.Errorf("%s\n%d %v", line, status, answer)
				}
			default:
				t.Errorf("what is this: %s", line)
			}
		}
	}
	if ran < 35 {
		t.Errorf("only %d commands were found", ran)
	}
}
