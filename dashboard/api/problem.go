package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
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
	RequestID  string    `json:"request_id" doc:"To tell whoever runs Snug."`
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

func statusText(s int) string { return strconv.Itoa(s) }

// Refused is an error of huma's: the request did not fit the description.
type Refused struct {
	Status int
	Err    *errs.Error
}

// Error is the coded error's.
func (e *Refused) Error() string { return e.Err.Error() }

// Unwrap gives the coded error.
func (e *Refused) Unwrap() error { return e.Err }

// refusal says for people what huma found wrong with a request.
func refusal(status int, msg string, found []error) error {
	switch {
	case status == http.StatusRequestEntityTooLarge, strings.Contains(msg, "too large"):
		return &Refused{
			http.StatusRequestEntityTooLarge, errs.E(errs.Invalid, "That is too much at once. Please send less."),
		}
	case status == http.StatusUnsupportedMediaType:
		return &Refused{
			status, errs.E(errs.Invalid, "Please send JSON, with the header Content-Type: application/json."),
		}
	case status == http.StatusNotAcceptable:
		return &Refused{status, errs.E(errs.Invalid, "Answers are JSON. Please accept application/json.")}
	case status == http.StatusRequestTimeout:
		return &Refused{status, errs.E(errs.Invalid, "What was sent took too long to come. Please try again.")}
	}
	for _, err := range found {
		if len(found) == 1 && strings.Contains(err.Error(), "too large") {
			return refusal(http.StatusRequestEntityTooLarge, msg, nil)
		}
		d, ok := err.(interface{ ErrorDetail() *huma.ErrorDetail })
		if !ok {
			continue
		}
		if e := wrongInput(d.ErrorDetail()); e != nil {
			return &Refused{http.StatusBadRequest, e}
		}
	}
	if status >= 500 {
		return errs.E(errs.Internal, "Something broke on our side. Please try again in a moment.")
	}
	return &Refused{http.StatusBadRequest, errs.E(errs.Invalid, "This needs a body: a JSON object. Please send one.")}
}

// wrongInput says what is wrong with one input.
func wrongInput(d *huma.ErrorDetail) *errs.Error {
	_, field, _ := strings.Cut(d.Location, ".")
	if rest, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
		name, _, _ := strings.Cut(rest, " ")
		return errs.Field(name, "%.60s is missing. Please send it.", name)
	}
	if field == "" {
		return errs.E(errs.Invalid, "The body is not the JSON object this needs. Please check it.")
	}
	if d.Message == "unexpected property" {
		return errs.Field(field, "There is no field %.60s here. Please leave it out.", field)
	}
	return errs.Field(field, "%.60s does not fit: %s. Please change it.", field, d.Message)
}
