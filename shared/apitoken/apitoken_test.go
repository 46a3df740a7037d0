package apitoken

import (
	"slices"
	"strings"
	"testing"

	"snug/shared/errs"
)

func TestTextFindsAndProves(t *testing.T) {
	for _, owner := range []Token{{UserID: 7}, {UserID: 7, GuildID: 9}} {
		owner.Name, owner.Scopes = "  a   robot ", []Scope{RoomsRead}
		made, text, err := New(owner)
		if err != nil {
			t.Fatal(err)
		}
		key, secret, ok := Parse(text)
		if !ok || key != made.Key() || !made.Proves(secret) || made.Name != "a robot" {
			t.Errorf("%q gives %q, %v; kept as %+v", text, key, ok, made)
		}
		if made.Proves(secret+"A") || made.Proves("") || (Token{}).Proves("") {
			t.Error("another secret proves it")
		}
	}
	seen := map[Scope]bool{}
	for _, s := range Scopes() {
		if seen[s.Scope] || s.Allows == "" || !strings.Contains(string(s.Scope), ":") {
			t.Errorf("scope %+v", s)
		}
		seen[s.Scope] = true
	}
	for _, bad := range []Token{
		{UserID: 1, Name: "x"}, {UserID: 1, Scopes: []Scope{RoomsRead}},
		{UserID: 1, Name: strings.Repeat("x", 61), Scopes: []Scope{RoomsRead}},
		{UserID: 1, Name: "x", Scopes: []Scope{"*"}},
	} {
		if _, _, err := New(bad); !errs.Has(err, errs.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// What strangers send never reaches a key that is not one.
func FuzzParse(f *testing.F) {
	f.Add("snug_u1_abc_DEF")
	f.Add("snug_s1_a.b_C")
	f.Add("snug_u_._>")
	f.Fuzz(func(t *testing.T, text string) {
		key, secret, ok := Parse(text)
		if !ok {
			return
		}
		owner, id, dot := strings.Cut(key, ".")
		if !dot || !strings.ContainsAny(owner[:1], "us") || !digits(owner[1:]) || !word(id) || !word(secret) {
			t.Errorf("%q gives %q and %q", text, key, secret)
		}
		if !slices.Equal(strings.Split(text, "_"), []string{"snug", owner, id, secret}) {
			t.Errorf("%q is not what it is made of", text)
		}
	})
}
