package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repo is where the repository's root is, seen from this package's tests.
const repo = "../.."

var testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]*)`")

// TestSecurityDocument: every line of docs/security.md that claims something names tests, and those exist.
func TestSecurityDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repo, "docs/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOf(t)
	rows := 0
	claims := false
	for n, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "|") {
			claims = false
		} else if strings.HasSuffix(line, "| Tests |") {
			claims = true
		} else if claims && !strings.HasPrefix(line, "| ---") {
			rows++
			if !testName.MatchString(line) {
				t.Errorf("line %d names no test: %s", n+1, line)
			}
		}
		for _, m := range testName.FindAllStringSubmatch(line, -1) {
			if !tests[m[1]] {
				t.Errorf("line %d names %s, and there is no such test", n+1, m[1])
			}
		}
	}
	if rows < 25 {
		t.Errorf("only %d lines were looked at", rows)
	}
}

// testsOf gives the names of all tests and fuzz tests of the repository.
func testsOf(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w*)\(`)
	err := filepath.WalkDir(repo, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(b, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
