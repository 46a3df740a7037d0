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
			Err:    errs.E(errs.Invalid, "That's too large. Send less at once."),
		}
	case status == http.StatusUnsupportedMediaType:
		return &request.StatusError{
			Status: status,
			Err:    errs.E(errs.Invalid, "Send JSON, with the header Content-Type: application/json."),
		}
	case status == http.StatusNotAcceptable:
		return &request.StatusError{
			Status: status, Err: errs.E(errs.Invalid, "Responses are JSON. Accept application/json."),
		}
	case status == http.StatusRequestTimeout:
		return &request.StatusError{
			Status: status, Err: errs.E(errs.Invalid, "The request took too long to arrive. Try again."),
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
		return errs.E(errs.Internal, "Something went wrong on Snug's side. Try again in a moment.")
	}
	return &request.StatusError{
		Status: http.StatusBadRequest,
		Err:    errs.E(errs.Invalid, "This operation takes a JSON object as its body. Send one."),
	}
}

// wrongInput says what is wrong with one input.
func wrongInput(d *huma.ErrorDetail) *errs.Error {
	_, field, _ := strings.Cut(d.Location, ".")
	if rest, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
		name, _, _ := strings.Cut(rest, " ")
		return errs.Field(name, "%.60s is missing. Send it.", name)
	}
	if field == "" {
		return errs.E(errs.Invalid, "The body isn't the JSON object this operation takes. Check it against /api.")
	}
	if d.Message == "unexpected property" {
		return errs.Field(field, "There's no field %.60s here. Leave it out.", field)
	}
	return errs.Field(field, "%.60s isn't valid: %s. Change it.", field, d.Message)
}
