package request

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
	jsonv2 "github.com/go-json-experiment/json"

	"snug/shared/errs"
)

// ReadBody reads the request's input into v: JSON, strictly, or a form by formed.
// Without a body v stays as it is.
func ReadBody(c *gin.Context, v any, formed func(url.Values) error) error {
	kind, _, _ := mime.ParseMediaType(c.GetHeader("Content-Type"))
	switch {
	case kind == "application/json":
		b, err := io.ReadAll(c.Request.Body)
		if err != nil {
			return BadBody(err)
		}
		if len(bytes.TrimSpace(b)) == 0 {
			return nil
		}
		return strictJSON(b, v)
	case strings.HasPrefix(c.Request.URL.Path, "/api/"):
		if c.Request.ContentLength == 0 {
			return nil
		}
		return &StatusError{
			Status: http.StatusUnsupportedMediaType,
			Err:    errs.E(errs.Invalid, "Send JSON, with the header Content-Type: application/json."),
		}
	}
	form, err := PostForm(c.Request)
	if err != nil || formed == nil {
		return err
	}
	return formed(form)
}

// PostForm reads a form, in whichever of the two ways browsers send one.
func PostForm(r *http.Request) (url.Values, error) {
	err := r.ParseForm()
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		err = r.ParseMultipartForm(MaxBody)
	}
	if err != nil {
		return nil, BadBody(err)
	}
	return r.PostForm, nil
}

// strictJSON reads one JSON object: names as they are written, none twice, none unknown, and UTF-8 text.
func strictJSON(b []byte, v any) error {
	err := jsonv2.Unmarshal(b, v, jsonv2.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if t, ok := errors.AsType[*jsonv2.SemanticError](err); ok {
		field := strings.ReplaceAll(strings.TrimPrefix(string(t.JSONPointer), "/"), "/", ".")
		switch {
		case errors.Is(err, jsonv2.ErrUnknownName):
			return errs.Field(field, "There's no field %.60s here. Leave it out.", field)
		case field != "" && t.GoType != nil:
			return errs.Field(field, "%s has the wrong type: it must be %s.", field, jsonKind(t.GoType.Kind().String()))
		}
	}
	return errs.E(errs.Invalid, "The body isn't the JSON object this operation takes. Check it against /api.").
		Because(err)
}

func jsonKind(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return "a whole number"
	case kind == "bool":
		return "true or false"
	case kind == "string":
		return "a string"
	}
	return "of another type"
}

// BadBody gives the error for a body that could not be read.
func BadBody(err error) error {
	if TooLong(err) {
		return errs.E(errs.Invalid, "That's too large. Send less at once.").Because(err)
	}
	return errs.E(errs.Invalid, "Snug couldn't read that. Try again.").Because(err)
}
