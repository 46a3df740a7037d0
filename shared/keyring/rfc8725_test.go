package keyring_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"snug/shared/errs"
	"snug/shared/keyring"
)

// keysOf gives the signing key and the key id that a ring makes of a secret,
// so that tokens can be signed well that say what they should not.
func keysOf(t testing.TB, secret []byte) (sign []byte, kid string) {
	t.Helper()
	sign, err1 := hkdf.Key(sha256.New, secret, nil, "snug signing", 32)
	id, err2 := hkdf.Key(sha256.New, secret, nil, "snug key id", 32)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return sign, hex.EncodeToString(id[:6])
}

type object = map[string]any

// forge signs any header and claims.
func forge(t testing.TB, key []byte, header, claims object) string {
	t.Helper()
	h, err1 := json.Marshal(header)
	c, err2 := json.Marshal(claims)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return seal(key, string(h), string(c))
}

func seal(key []byte, header, claims string) string {
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + b64.EncodeToString(mac.Sum(nil))
}

// TestRFC8725 goes through the threats and practices of RFC 8725 by their
// sections. Every token here but the first would pass if one check were missing.
func TestRFC8725(t *testing.T) {
	r := ring(t, cur, old)
	key, kid := keysOf(t, cur)
	oldKey, oldKid := keysOf(t, old)
	sec := func(d time.Duration) int64 { return now.Add(d).Unix() }
	head := func(change object) object { return with(object{"alg": "HS256", "typ": "JWT", "kid": kid}, change) }
	body := func(change object) object {
		return with(object{"iss": "snug", "aud": "a", "iat": sec(0), "exp": sec(time.Minute), "jti": "x"}, change)
	}
	token := func(h, c object) string { return forge(t, key, head(h), body(c)) }
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	by := func(m jwt.SigningMethod, k any) string {
		tok := jwt.NewWithClaims(m, jwt.MapClaims(body(nil)))
		tok.Header["kid"] = kid
		s, err := tok.SignedString(k)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := token(nil, nil)
	cut := strings.Split(good, ".")
	for _, c := range []struct {
		section, token string
		want           errs.Code
	}{
		{"a good one", good, ""},
		{"a good one by the older secret", forge(t, oldKey, head(object{"kid": oldKid}), body(nil)), ""},

		{"2.1 3.1 alg none", by(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), errs.TokenInvalid},
		{"2.1 3.1 alg none, the signature left", token(object{"alg": "none"}, nil), errs.TokenInvalid},
		{"2.1 3.1 alg NONE in another case", token(object{"alg": "nOnE"}, nil), errs.TokenInvalid},
		{"2.1 3.1 no alg", token(object{"alg": nil}, nil), errs.TokenInvalid},
		{"2.1 3.1 alg HS384 by our key", by(jwt.SigningMethodHS384, key), errs.TokenInvalid},
		{"2.1 3.1 alg HS512 by our key", by(jwt.SigningMethodHS512, key), errs.TokenInvalid},
		{"2.1 3.1 alg RS256", by(jwt.SigningMethodRS256, rsaKey), errs.TokenInvalid},
		{"2.1 3.1 alg PS256", by(jwt.SigningMethodPS256, rsaKey), errs.TokenInvalid},
		{"2.1 3.1 alg ES256", by(jwt.SigningMethodES256, ecKey), errs.TokenInvalid},
		{"2.1 3.1 alg EdDSA", by(jwt.SigningMethodEdDSA, edKey), errs.TokenInvalid},
		{"2.1 3.1 says RS256, signed as HS256", token(object{"alg": "RS256"}, nil), errs.TokenInvalid},
		{"2.2 3.5 by the secret itself", forge(t, cur, head(nil), body(nil)), errs.TokenInvalid},
		{"2.2 3.5 by an empty key", forge(t, nil, head(nil), body(nil)), errs.TokenInvalid},
		{"2.3 3.3 no signature", cut[0] + "." + cut[1] + ".", errs.TokenInvalid},
		{"2.3 3.3 two parts", cut[0] + "." + cut[1], errs.TokenInvalid},
		{
			"2.3 3.3 other claims under the signature",
			cut[0] + "." + strings.Split(token(nil, object{"jti": "y"}), ".")[1] + "." + cut[2], errs.TokenInvalid,
		},
		{
			"2.6 3.7 not UTF-8",
			seal(key, `{"alg":"HS256","kid":"`+kid+`"}`, "{\"iss\":\"snug\",\"aud\":\"a\xff\",\"exp\":9999999999}"),
			errs.TokenInvalid,
		},
		{"2.7 3.8 no key id", token(object{"kid": nil}, nil), errs.TokenInvalid},
		{"2.7 3.10 an unknown key id", token(object{"kid": "../../etc/passwd"}, nil), errs.TokenInvalid},
		{"2.7 3.10 another of our keys' id", token(object{"kid": oldKid}, nil), errs.TokenInvalid},
		{"2.7 3.10 a key id that is no text", token(object{"kid": 7}, nil), errs.TokenInvalid},
		{
			"2.10 3.10 a key of its own",
			forge(t, []byte("mine"),
				head(object{
					"jwk": object{"kty": "oct", "k": "bWluZQ"}, "jku": "https://evil.example/keys",
					"x5u": "https://evil.example/x",
				}),
				body(nil)),
			errs.TokenInvalid,
		},
		{"2.8 3.9 another audience", token(nil, object{"aud": "b"}), errs.TokenInvalid},
		{"2.8 3.9 no audience", token(nil, object{"aud": nil}), errs.TokenInvalid},
		{"2.8 3.9 an audience that begins alike", token(nil, object{"aud": "ab"}), errs.TokenInvalid},
		{"2.8 3.8 another issuer", token(nil, object{"iss": "elsewhere"}), errs.TokenInvalid},
		{"2.8 3.8 no issuer", token(nil, object{"iss": nil}), errs.TokenInvalid},
		{"3.8 expired", token(nil, object{"iat": sec(-time.Hour), "exp": sec(-time.Minute)}), errs.TokenExpired},
		{
			"3.8 expired, within the skew",
			token(nil, object{"iat": sec(-time.Hour), "exp": sec(-keyring.Leeway + time.Second)}), "",
		},
		{
			"3.8 expired, just beyond the skew",
			token(nil, object{"iat": sec(-time.Hour), "exp": sec(-keyring.Leeway - time.Second)}), errs.TokenExpired,
		},
		{"3.8 no expiry", token(nil, object{"exp": nil}), errs.TokenInvalid},
		{"3.8 an expiry that is no number", token(nil, object{"exp": "later"}), errs.TokenInvalid},
		{"3.8 made in the future", token(nil, object{"iat": sec(time.Minute)}), errs.TokenInvalid},
		{"3.8 no issue time", token(nil, object{"iat": nil}), errs.TokenInvalid},
		{"3.8 not valid yet", token(nil, object{"nbf": sec(time.Minute)}), errs.TokenInvalid},
		{"3.9 expired and another audience", token(nil, object{"aud": "b", "exp": sec(-time.Hour)}), errs.TokenInvalid},
		{"3.9 expired and another issuer", token(nil, object{"iss": "b", "exp": sec(-time.Hour)}), errs.TokenInvalid},
		{
			"3.9 expired and no issue time", token(nil, object{"iat": nil, "exp": sec(-time.Hour)}),
			errs.TokenInvalid,
		},
		{
			"RFC 7515 4.1.11 something critical we do not know",
			token(object{"crit": []string{"b64"}, "b64": false}, nil), errs.TokenInvalid,
		},
		{"RFC 7515 2 padded base64", cut[0] + "." + cut[1] + "." + cut[2] + "=", errs.TokenInvalid},
		{
			"RFC 7515 7.2 as JSON",
			`{"payload":"` + cut[1] + `","protected":"` + cut[0] + `","signature":"` + cut[2] + `"}`, errs.TokenInvalid,
		},
		{"five parts, as if encrypted", good + ".x.y", errs.TokenInvalid},
		{"a space before", " " + good, errs.TokenInvalid},
		{"a line after", good + "\n", errs.TokenInvalid},
		{"Bearer before", "Bearer " + good, errs.TokenInvalid},
		{"megabytes", strings.Repeat("A", 4<<20) + "." + cut[1] + "." + cut[2], errs.TokenInvalid},
	} {
		t.Run(c.section, func(t *testing.T) {
			var claims keyring.Claims
			err := r.Verify("a", c.token, now, &claims)
			if got := errs.CodeOf(err); got != c.want {
				t.Fatalf("code %q, want %q: %v", got, c.want, err)
			}
			if c.want == errs.TokenInvalid &&
				errs.Public(err).Message != errs.Public(r.Verify("a", "", now, &claims)).Message {
				t.Errorf("it tells what was wrong: %s", errs.Public(err).Message)
			}
		})
	}
}

// with gives an object with fields changed, and those that are nil left out.
func with(o, change object) object {
	for k, v := range change {
		if o[k] = v; v == nil {
			delete(o, k)
		}
	}
	return o
}

// TestRotation: a new secret goes to the front, the old one is still accepted, and taken out it is not.
func TestRotation(t *testing.T) {
	before := ring(t, old)
	token, box := sign(t, before, "a", now, now.Add(time.Hour)), before.Seal([]byte("x"), "c")
	during, after := ring(t, cur, old), ring(t, cur)
	var claims keyring.Claims
	if err := during.Verify("a", token, now, &claims); err != nil {
		t.Errorf("while rotating: %v", err)
	}
	if b, err := during.Open(box, "c"); err != nil || string(b) != "x" {
		t.Errorf("while rotating: %q, %v", b, err)
	}
	if err := after.Verify("a", token, now, &claims); !errs.Has(err, errs.TokenInvalid) {
		t.Errorf("after rotating: %v", err)
	}
	if _, err := after.Open(box, "c"); err == nil {
		t.Error("after rotating it still opens")
	}
	if err := after.Verify("a", sign(t, during, "a", now, now.Add(time.Hour)), now, &claims); err != nil {
		t.Errorf("made while rotating: %v", err)
	}
}

// FuzzVerify: nothing but a token that this ring made is accepted, and nothing makes it panic.
func FuzzVerify(f *testing.F) {
	r, err := keyring.New(cur)
	if err != nil {
		f.Fatal(err)
	}
	good, err := r.Sign("a", now, now.Add(time.Minute), func(c keyring.Claims) jwt.Claims { return c })
	if err != nil {
		f.Fatal(err)
	}
	key, kid := keysOf(f, cur)
	f.Add(good)
	f.Add(forge(f, key, object{"alg": "none", "kid": kid}, object{"aud": "a"}))
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(good + "." + good)
	f.Fuzz(func(t *testing.T, token string) {
		var claims keyring.Claims
		err := r.Verify("a", token, now, &claims)
		if err == nil && token != good {
			t.Fatalf("accepted %q", token)
		}
		if err != nil && !errs.Has(err, errs.TokenInvalid) {
			t.Fatalf("%q failed with %v", token, err)
		}
	})
}

// FuzzOpen: only what was sealed opens.
func FuzzOpen(f *testing.F) {
	r, err := keyring.New(cur)
	if err != nil {
		f.Fatal(err)
	}
	good := r.Seal([]byte("secret"), "c")
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte{255})
	f.Add(good[:13])
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := r.Open(b, "c"); err == nil && string(b) != string(good) {
			t.Fatalf("opened %x", b)
		}
	})
}
