package config

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"snug/shared/keyring"
)

// Keys returns the keyring of SESSION_SECRET, or of the secret stored in the data folder, which it
// creates if needed. The folder must exist.
func (c *Serve) Keys() (*keyring.Keyring, error) {
	given, err := secrets(c.SessionSecret)
	if err != nil {
		return nil, err
	}
	if len(given) == 0 {
		s, err := KeptSecret(filepath.Join(c.Data, "session-secret"))
		if err != nil {
			return nil, err
		}
		given = [][]byte{s}
	}
	return keyring.New(given...)
}

// secrets parses a comma-separated list of secrets.
func secrets(list string) ([][]byte, error) {
	var out [][]byte
	for s := range strings.SplitSeq(list, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		b := decoded(s)
		if len(b) < keyring.MinSecret {
			return nil, errors.New("SESSION_SECRET is too short: it needs at least 32 random bytes. " +
				"Create one with: openssl rand -hex 32")
		}
		if weak(b) {
			return nil, errors.New("SESSION_SECRET is too easy to guess: it repeats itself. " +
				"Create one with: openssl rand -hex 32")
		}
		out = append(out, b)
	}
	return out, nil
}

// weak reports whether a secret can't come from a source of randomness: of 32 random bytes about 30
// are distinct, and practically never fewer than 8.
func weak(secret []byte) bool {
	var seen [256]bool
	n := 0
	for _, c := range secret {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n < 8
}

// decoded decodes hex or base64, and returns anything else unchanged.
func decoded(s string) []byte {
	if b, err := hex.DecodeString(s); err == nil {
		return b
	}
	if b, err := base64.StdEncoding.DecodeString(s); err == nil {
		return b
	}
	return []byte(s)
}

// KeptSecret reads the secret in a file, and creates the file if there is none.
func KeptSecret(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		s := decoded(strings.TrimSpace(string(b)))
		if len(s) < keyring.MinSecret {
			return nil, fmt.Errorf("the secret in %s is damaged. Restore it from where you keep it. "+
				"If you delete it instead, everyone has to sign in again and invite links stop working",
				path)
		}
		return s, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("can't read the secret in %s: %w. Make the user that Snug runs as its owner", path, err)
	}
	s := make([]byte, keyring.MinSecret)
	if _, err := rand.Read(s); err != nil {
		return nil, err
	}
	if err := writeNew(path, []byte(hex.EncodeToString(s)+"\n")); err != nil {
		return nil, fmt.Errorf("can't save the secret in %s: %w. Make the user that Snug runs as the folder's owner",
			path, err)
	}
	return s, nil
}

// writeNew creates a file that contains everything or doesn't exist after a crash.
func writeNew(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path) // fails instead of replacing the file of a faster process
	}
	return errors.Join(err, os.Remove(f.Name()))
}
