package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/view"
)

// Snug as an app that can be installed. None of it says anything about who asks.

// offlinePage is kept by the service worker for when Snug can't be reached.
func (s *Site) offlinePage(c *gin.Context) error {
	c.Header("Cache-Control", "no-cache")
	p := &view.Offline{Layout: view.Layout{Text: s.req.Texts(c), Now: s.now()}}
	p.Title = p.Text.Say("offline.title")
	return s.req.Page(c, http.StatusOK, p)
}

func (s *Site) manifest(c *gin.Context) error {
	b, err := s.o.View.Manifest(s.req.Texts(c))
	if err == nil {
		c.Header("Cache-Control", "no-cache")
		c.Data(http.StatusOK, "application/manifest+json", b)
	}
	return err
}

func (s *Site) worker(c *gin.Context) error {
	b, err := s.o.View.Worker()
	if err == nil {
		c.Header("Cache-Control", "no-cache")
		c.Data(http.StatusOK, "text/javascript; charset=utf-8", b)
	}
	return err
}
