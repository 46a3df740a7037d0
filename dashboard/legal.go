package dashboard

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/view"
)

// privacyPage tells everybody what Snug stores, and lets who is signed in download or erase it.
func (s *Server) privacyPage(c *gin.Context) error { return s.legal(c, view.LegalPrivacy) }

func (s *Server) termsPage(c *gin.Context) error { return s.legal(c, view.LegalTerms) }

func (s *Server) legal(c *gin.Context, which view.LegalKind) error {
	c.Header("Cache-Control", "no-store") // it shows who is signed in
	p := &view.Legal{Layout: s.layout(c, ""), Kind: which, Host: s.o.Host}
	p.Title = p.Text.Say(string(which) + ".title")
	return s.page(c, http.StatusOK, p)
}
