package web

import (
	"cmp"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/pages"
)

// privacyPage tells everybody what Snug stores, and lets who is signed in download or erase it.
func (s *Site) privacyPage(c *gin.Context) error { return s.legal(c, view.LegalPrivacy) }

func (s *Site) termsPage(c *gin.Context) error { return s.legal(c, view.LegalTerms) }

func (s *Site) legal(c *gin.Context, which view.LegalKind) error {
	c.Header("Cache-Control", "no-store") // it shows who is signed in
	p := &view.Legal{
		Layout: s.req.Layout(c, ""), Kind: which, Host: s.o.Host,
		IdleDays: daysOf(s.o.SessionLifetime, session.Lifetime),
		Days:     daysOf(s.o.WholeSessionLifetime, session.WholeLifetime),
	}
	p.Title = p.Text.Say(string(which) + ".title")
	at := map[view.LegalKind]pages.Path{view.LegalPrivacy: pages.Privacy, view.LegalTerms: pages.Terms}[which]
	s.found(&p.Layout, at, string(which)+".lead")
	return s.req.Page(c, http.StatusOK, p)
}

func daysOf(set, usual time.Duration) int { return int(cmp.Or(set, usual).Hours() / 24) }
