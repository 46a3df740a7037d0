package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestPages opens every link of the list.
func TestPages(t *testing.T) {
	h, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	_, index := get("/")
	links := regexp.MustCompile(`href="(/[^"]+)"`).FindAllStringSubmatch(index, -1)
	dialogs := 0
	for _, l := range links {
		path := strings.ReplaceAll(l[1], "&amp;", "&")
		_, body := get(path)
		if !strings.HasPrefix(path, "/static/") && !strings.Contains(body, "</html>") {
			t.Errorf("%s: %.200s", path, body)
		}
		if strings.Contains(path, "open=dlg-") {
			dialogs++
			if !strings.Contains(body, "showModal") {
				t.Errorf("%s: the dialog is not open", path)
			}
		}
		if strings.Contains(path, "lang=de") && !strings.Contains(body, `<html lang="de"`) {
			t.Errorf("%s is not in German", path)
		}
	}
	if len(links) < 200 || dialogs < 20 {
		t.Errorf("%d links, %d of dialogs", len(links), dialogs)
	}
}
