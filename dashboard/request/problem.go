package request

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/shared/errs"
)

// Problem is a failure as RFC 9457 has it. Code never changes its meaning; Detail is for people.
type Problem struct {
	Type       string    `json:"type" doc:"Always about:blank: code says what it is."`
	Title      string    `json:"title" doc:"What the status means."`
	Status     int       `json:"status"`
	Detail     string    `json:"detail" doc:"A sentence or two for people, with the next step."`
	Code       errs.Code `json:"code" doc:"What went wrong, for programs; it never changes its meaning."`
	Field      string    `json:"field,omitempty" doc:"The input that is wrong."`
	RetryAfter int       `json:"retry_after,omitempty" doc:"Seconds to wait, as in the header Retry-After."`
	RequestID  string    `json:"request_id" doc:"For the person who hosts Snug."`
}

// Error gives code and detail.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus gives the HTTP status, to huma.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of problems, to huma.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// Write answers a request with the problem.
func (p *Problem) Write(c *gin.Context) {
	b, err := json.Marshal(p)
	if err != nil { // it holds nothing that cannot be encoded
		c.Status(http.StatusInternalServerError)
		return
	}
	c.Header("Content-Type", p.ContentType(""))
	c.Status(p.Status)
	_, _ = c.Writer.Write(b) // who asked may have gone
}

// StatusError is an error whose HTTP status is not that of its code.
type StatusError struct {
	Status int
	Err    *errs.Error
}

// Error is the coded error's.
func (e *StatusError) Error() string { return e.Err.Error() }

// Unwrap gives the coded error.
func (e *StatusError) Unwrap() error { return e.Err }
