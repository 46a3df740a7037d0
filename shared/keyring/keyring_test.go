package keyring_test

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"snug/shared/errs"
	"snug/shared/keyring"
)

var (
	now = time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC)
	old = []byte("an older secret of thirty-two bytes")
	cur = []byte("the current secret, thirty-two bytes")
)

func ring(t *testing.T, secrets ...[]byte) *keyring.Keyring {
	t.Helper()
	r, err := keyring.New(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sign(t *testing.T, r *keyring.Keyring, aud string, from, until time.Time) string {
	t.Helper()
	s, err := r.Sign(aud, from, until, func(c keyring.Claims) jwt.Claims { c.ID = "x"; return c })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerify(t *testing.T) {
	r := ring(t, cur, old)
	good := sign(t, r, "a", now, now.Add(time.Minute))
	kid := func(alg jwt.SigningMethod, key any) string {
		parsed, _, err := jwt.NewParser().ParseUnverified(good, &keyring.Claims{})
		if err != nil {
			t.Fatal(err)
		}
		forged := jwt.NewWithClaims(alg, parsed.Claims)
		forged.Header["kid"] = parsed.Header["kid"]
		s, err := forged.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	noExpiry, err := r.Sign("a", now, now, func(c keyring.Claims) jwt.Claims { c.ExpiresAt = nil; return c })
	if err != nil {
		t.Fatal(err)
	}
	flipped := []byte(good)
	flipped[len(flipped)-5] ^= 1
	for name, c := range map[string]struct {
		token string
		at    time.Time
		want  errs.Code
	}{
		"good":                    {good, now, ""},
		"by an older secret":      {sign(t, ring(t, old), "a", now, now.Add(time.Minute)), now, ""},
		"within the leeway":       {good, now.Add(time.Minute + keyring.Leeway - time.Second), ""},
		"expired":                 {good, now.Add(time.Hour), errs.TokenExpired},
		"from the future":         {sign(t, r, "a", now.Add(time.Hour), now.Add(2*time.Hour)), now, errs.TokenInvalid},
		"other audience":          {sign(t, r, "b", now, now.Add(time.Minute)), now, errs.TokenInvalid},
		"expired, other audience": {sign(t, r, "b", now, now.Add(time.Minute)), now.Add(time.Hour), errs.TokenInvalid},
		"unknown secret": {
			sign(t, ring(t, []byte(strings.Repeat("z", 32))), "a", now, now.Add(time.Minute)), now, errs.TokenInvalid,
		},
		"changed character": {string(flipped), now, errs.TokenInvalid},
		"alg none":          {kid(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), now, errs.TokenInvalid},
		"alg HS512":         {kid(jwt.SigningMethodHS512, cur), now, errs.TokenInvalid},
		"alg RS256":         {kid(jwt.SigningMethodRS256, rsaKey), now, errs.TokenInvalid},
		"without expiry":    {noExpiry, now, errs.TokenInvalid},
		"empty":             {"", now, errs.TokenInvalid},
		"garbage":           {"a.b.c", now, errs.TokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			var claims keyring.Claims
			if got := errs.CodeOf(r.Verify("a", c.token, c.at, &claims)); got != c.want {
				t.Fatalf("code %q, want %q", got, c.want)
			}
		})
	}
}

func TestSeal(t *testing.T) {
	r := ring(t, cur, old)
	box := r.Seal([]byte("tokens"), "session 1")
	if strings.Contains(string(box), "tokens") {
		t.Fatal("sealed in clear")
	}
	if b, err := r.Open(box, "session 1"); err != nil || string(b) != "tokens" {
		t.Fatalf("opened %q, %v", b, err)
	}
	if _, err := r.Open(box, "session 2"); err == nil {
		t.Fatal("opened under another context")
	}
	if b, err := r.Open(ring(t, old).Seal([]byte("before"), "s"), "s"); err != nil || string(b) != "before" {
		t.Fatalf("an older secret's seal: %q, %v", b, err)
	}
	if _, err := ring(t, old).Open(box, "session 1"); err == nil {
		t.Fatal("opened without the secret")
	}
	for i := range box {
		bad := append([]byte(nil), box...)
		bad[i] ^= 0x40
		if _, err := r.Open(bad, "session 1"); err == nil {
			t.Fatalf("opened with byte %d changed", i)
		}
	}
	if !r.Current(box) || r.Current(ring(t, old).Seal([]byte("before"), "s")) || r.Current(nil) || r.Current(box[:5]) ||
		!ring(t, cur).Current(box) {
		t.Fatal("it does not tell seals of the secret in use from others")
	}
	if _, err := r.Open(nil, ""); err == nil {
		t.Fatal("opened nothing")
	}
}

func TestWeakSecretsAreRefused(t *testing.T) {
	for _, s := range [][][]byte{{}, {[]byte("short")}, {cur, []byte("short")}} {
		if _, err := keyring.New(s...); err == nil {
			t.Errorf("accepted %q", s)
		}
	}
}
