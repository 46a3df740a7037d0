package dashboard

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/text"
)

// texts gives what a visitor reads: in the language they chose, else in their browser's.
func (s *Server) texts(c *gin.Context) text.Texts {
	chosen := ""
	if cookie, err := c.Request.Cookie(view.LangCookie); err == nil {
		chosen = cookie.Value
	}
	return s.view.Texts(chosen, c.GetHeader("Accept-Language"))
}

// chooseLanguage remembers the language that the form at the foot of each page names, and leads back to the page.
func (s *Server) chooseLanguage(c *gin.Context) error {
	private(c)
	var in struct {
		Lang     string `json:"lang"`
		ReturnTo string `json:"return_to"`
	}
	if err := read(c, &in, func(f url.Values) error {
		in.Lang, in.ReturnTo = f.Get("lang"), f.Get("return_to")
		return nil
	}); err != nil {
		return err
	}
	// What Snug does not speak becomes what it would say instead, so that nothing a stranger sent is kept.
	code := s.view.Texts(in.Lang, c.GetHeader("Accept-Language")).Language().Code
	http.SetCookie(c.Writer, &http.Cookie{
		Name: view.LangCookie, Value: code, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode,
		Secure: s.base.Scheme == "https", HttpOnly: true,
	})
	c.Redirect(http.StatusSeeOther, session.ReturnTo(in.ReturnTo))
	return nil
}
