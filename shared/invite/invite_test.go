package invite_test

import (
	"strings"
	"testing"

	"snug/shared/errs"
	"snug/shared/invite"
	"snug/shared/keyring"
)

func TestParse(t *testing.T) {
	code := invite.NewCode()
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"as it was made", code, true},
		{"typed in upper case", strings.ToUpper(code), true},
		{"cut off", code[:25], false},
		{"with more behind it", code + "a", false},
		{"empty", "", false},
		{"with a digit that base32 doesn't have", "0" + code[1:], false},
		{"with a letter that isn't ASCII", "ſ" + code[2:], false},
		{"with a slash", code[:25] + "/", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := invite.Parse(c.text)
			if c.ok && (err != nil || got != code) || !c.ok && (got != "" || !errs.Has(err, errs.TokenInvalid)) {
				t.Errorf("Parse(%q) = %q, %v", c.text, got, err)
			}
		})
	}
}

// TestCodes: codes differ, and nothing stored shows them.
func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		code := invite.NewCode()
		if seen[code] || strings.Contains(invite.Key(code), code) {
			t.Fatalf("%s comes again, or its key shows it", code)
		}
		seen[code] = true
	}
}

// TestSeal: a sealed code opens for its own invite only, also after the secret was rotated.
func TestSeal(t *testing.T) {
	secrets := [][]byte{[]byte(strings.Repeat("new ", 8)), []byte(strings.Repeat("old ", 8))}
	ring := func(secrets ...[]byte) *keyring.Keyring {
		r, err := keyring.New(secrets...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	code := invite.NewCode()
	sealed := invite.Seal(ring(secrets[1]), "one", code)
	for _, c := range []struct {
		name string
		keys *keyring.Keyring
		id   string
		ok   bool
	}{
		{"same secret", ring(secrets[1]), "one", true},
		{"rotated secret", ring(secrets...), "one", true},
		{"another invite", ring(secrets[1]), "two", false},
		{"another secret", ring(secrets[0]), "one", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := invite.Open(c.keys, c.id, sealed)
			if (err == nil) != c.ok || c.ok && got != code {
				t.Errorf("Open = %q, %v", got, err)
			}
		})
	}
}
