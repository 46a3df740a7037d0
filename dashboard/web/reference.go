package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/request"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/pages"
)

// referencePage explains the API to people, from the same description that programs get.
func (s *Site) referencePage(c *gin.Context) error {
	request.Private(c) // it says who is signed in
	p := &view.Reference{Layout: s.req.Layout(c, "API"), Base: s.o.Base.String(), Groups: s.o.Reference()}
	s.found(&p.Layout, pages.API, "card.api")
	for _, m := range errs.Codes() {
		p.Codes = append(p.Codes,
			view.ReferenceCode{Code: string(m.Code), Means: m.Means, Status: request.StatusOfCode(m.Code)})
	}
	return s.req.Page(c, http.StatusOK, p)
}
