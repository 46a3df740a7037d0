// Package pushtest is the browser's end of Web Push, for tests: it verifies what a push service is sent, and reads it.
// It shares nothing with the library that sends.
package pushtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Browser is what a browser keeps of a subscription.
type Browser struct {
	Key string // the application server's public key that it was made with, base64url

	key  *ecdh.PrivateKey
	auth []byte
}

// NewBrowser makes a subscription for an application server's public key.
func NewBrowser(t testing.TB, serverKey string) *Browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := &Browser{Key: serverKey, key: key, auth: make([]byte, 16)}
	_, _ = rand.Read(o.auth) // never fails
	return o
}

// P256DH is the subscription's public key, base64url.
func (o *Browser) P256DH() string {
	return base64.RawURLEncoding.EncodeToString(o.key.PublicKey().Bytes())
}

// Auth is the subscription's secret, base64url.
func (o *Browser) Auth() string { return base64.RawURLEncoding.EncodeToString(o.auth) }

// Read verifies a request to the push service at origin, from whom contact names, and decodes its JSON.
func (o *Browser) Read(r *http.Request, body []byte, origin, contact string, into any) error {
	return errors.Join(o.verify(r, origin, contact), o.decrypt(r, body, into))
}

// verify checks a request's VAPID header (RFC 8292).
func (o *Browser) verify(r *http.Request, origin, contact string) error {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "vapid t=")
	token, public, ok2 := strings.Cut(rest, ", k=")
	raw, err := base64.RawURLEncoding.DecodeString(public)
	if !ok || !ok2 || err != nil || public != o.Key || r.Method != http.MethodPost {
		return fmt.Errorf("%s with authorization %q", r.Method, r.Header.Get("Authorization"))
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
	if err != nil {
		return err
	}
	var claims jwt.RegisteredClaims
	_, err = jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(origin), jwt.WithExpirationRequired())
	if err != nil {
		return err
	}
	if claims.Subject != contact || time.Until(claims.ExpiresAt.Time) > 24*time.Hour {
		return fmt.Errorf("claims %+v", claims)
	}
	return nil
}

// decrypt reads a body as a browser does (RFC 8291 and RFC 8188).
func (o *Browser) decrypt(r *http.Request, body []byte, into any) error {
	if r.Header.Get("Content-Encoding") != "aes128gcm" || len(body) < 86 || len(body) > 4096+86 {
		return fmt.Errorf("%d bytes of %q", len(body), r.Header.Get("Content-Encoding"))
	}
	salt, size, idLen := body[:16], binary.BigEndian.Uint32(body[16:20]), int(body[20])
	sender, sealed := body[21:21+idLen], body[21+idLen:]
	if int(size) < len(sealed) {
		return fmt.Errorf("a record of %d bytes, and %d came", size, len(sealed))
	}
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return err
	}
	shared, err := o.key.ECDH(public)
	if err != nil {
		return err
	}
	info := "WebPush: info\x00" + string(o.key.PublicKey().Bytes()) + string(sender)
	secret, err1 := hkdf.Key(sha256.New, shared, o.auth, info, 32)
	key, err2 := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, err3 := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: nonce\x00", 12)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	plain, err := gcm.Open(nil, nonce, sealed, nil)
	if err != nil {
		return err
	}
	text := strings.TrimRight(string(plain), "\x00") // padding
	if !strings.HasSuffix(text, "\x02") {
		return errors.New("not the last record")
	}
	return json.Unmarshal([]byte(strings.TrimSuffix(text, "\x02")), into)
}
