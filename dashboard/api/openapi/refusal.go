package openapi

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"snug/dashboard/request"
	"snug/shared/errs"
)

// refusal says for people what huma found wrong with a request.
func refusal(status int, msg string, found []error) error {
	switch {
	case status == http.StatusRequestEntityTooLarge, strings.Contains(msg, "too large"):
		return &request.StatusError{
			Status: http.StatusRequestEntityTooLarge,
			Err:    errs.E(errs.Invalid, "That is too much at once. Please send less."),
		}
	case status == http.StatusUnsupportedMediaType:
		return &request.StatusError{
			Status: status,
			Err:    errs.E(errs.Invalid, "Please send JSON, with the header Content-Type: application/json."),
		}
	case status == http.StatusNotAcceptable:
		return &request.StatusError{
			Status: status, Err: errs.E(errs.Invalid, "Answers are JSON. Please accept application/json."),
		}
	case status == http.StatusRequestTimeout:
		return &request.StatusError{
			Status: status, Err: errs.E(errs.Invalid, "What was sent took too long to come. Please try again."),
		}
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
			return &request.StatusError{Status: http.StatusBadRequest, Err: e}
		}
	}
	if status >= 500 {
		return errs.E(errs.Internal, "Something broke on our side. Please try again in a moment.")
	}
	return &request.StatusError{
		Status: http.StatusBadRequest, Err: errs.E(errs.Invalid, "This needs a body: a JSON object. Please send one."),
	}
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
