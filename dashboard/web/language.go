package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
)

// chooseLanguage remembers the language that the form at the foot of each page names, and leads back to the page.
func (s *Site) chooseLanguage(c *gin.Context) error {
	request.Private(c)
	var in struct {
		Lang     string `json:"lang"`
		ReturnTo string `json:"return_to"`
	}
	if err := request.ReadForm(c, &in); err != nil {
		return err
	}
	// What Snug does not speak becomes what it would say instead, so that nothing a stranger sent is kept.
	code := s.o.View.Texts(in.Lang, c.GetHeader("Accept-Language")).Language().Code
	http.SetCookie(c.Writer, &http.Cookie{
		Name: view.LangCookie, Value: code, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode,
		Secure: s.o.Base.Scheme == "https", HttpOnly: true,
	})
	c.Redirect(http.StatusSeeOther, session.ReturnTo(in.ReturnTo))
	return nil
}
