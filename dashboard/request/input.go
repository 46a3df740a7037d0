package request

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"
	jsonv2 "github.com/go-json-experiment/json"

	"snug/shared/errs"
)

// ReadJSON reads one JSON object into v: names as they are written, none twice, none unknown, and UTF-8 text.
func ReadJSON(c *gin.Context, v any) error {
	b, err := io.ReadAll(c.Request.Body)
	if err != nil {
		return BadBody(err)
	}
	if err := jsonv2.Unmarshal(b, v, jsonv2.RejectUnknownMembers(true)); err != nil {
		return errs.E(errs.Invalid, "The body isn't the JSON object this operation takes. Check it against /api.").
			Because(err)
	}
	return nil
}

// PostForm reads a form, in whichever of the two ways browsers send one.
func PostForm(r *http.Request) (url.Values, error) {
	err := r.ParseForm()
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case err != nil:
	case kind == "multipart/form-data":
		err = r.ParseMultipartForm(MaxBody)
	case kind != "" && kind != "application/x-www-form-urlencoded":
		return nil, &StatusError{
			Status: http.StatusUnsupportedMediaType,
			Err:    errs.E(errs.Invalid, "This address takes forms of Snug's pages. Programs use the API: see /api."),
		}
	}
	if err != nil {
		return nil, BadBody(err)
	}
	return r.PostForm, nil
}

// ReadForm reads a form into v, which points to what the API takes as JSON for the same: each field from the input of
// its JSON name. What was not sent, and a number or an id that was left empty, stays as it is. It fails with
// errs.Invalid, naming the input. Fields are texts, numbers, true or false, ids, moments, and lists of or pointers to
// those; others are not read. A type with the method Fill reads all of the form itself.
func ReadForm(c *gin.Context, v any) error {
	f, err := PostForm(c.Request)
	if err != nil {
		return err
	}
	if own, ok := v.(interface{ Fill(url.Values) }); ok {
		own.Fill(f)
		return nil
	}
	to := reflect.ValueOf(v).Elem()
	for i := range to.NumField() {
		name, _, _ := strings.Cut(to.Type().Field(i).Tag.Get("json"), ",")
		if typed, sent := f[name]; sent {
			if err := fill(to.Field(i), name, typed); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill sets a field to what was typed.
func fill(v reflect.Value, name string, typed []string) error {
	text := strings.TrimSpace(typed[0])
	switch kind := v.Kind(); {
	case kind == reflect.Pointer && text == "" && v.Type().Elem().Kind() != reflect.String:
	case kind == reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		if err := fill(p.Elem(), name, typed); err != nil {
			return err
		}
		v.Set(p)
	case kind == reflect.Slice:
		list := reflect.MakeSlice(v.Type(), len(typed), len(typed))
		for i := range typed {
			if err := fill(list.Index(i), name, typed[i:i+1]); err != nil {
				return err
			}
		}
		v.Set(list)
	case kind == reflect.String:
		v.SetString(typed[0])
	case kind == reflect.Bool:
		if text != "true" && text != "false" {
			return errs.Field(name, "%s has the wrong type: it must be %s.", name, "true or false")
		}
		v.SetBool(text == "true")
	case text == "":
	case v.Type() == reflect.TypeFor[snowflake.ID]():
		id, err := snowflake.Parse(text)
		if err != nil {
			return errs.Field(name, "That ID doesn't belong to anyone. Reload the page and choose again.")
		}
		v.SetUint(uint64(id))
	case v.Type() == reflect.TypeFor[time.Time]():
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return errs.Field(name, "Snug couldn't read that choice. Choose again.")
		}
		v.Set(reflect.ValueOf(at))
	case kind == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errs.Field(name, "%.20q isn't a whole number. Type one, like 4.", text)
		}
		v.SetInt(int64(n))
	case kind == reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return errs.Field(name, "%s has the wrong type: it must be %s.", name, "a number")
		}
		v.SetFloat(n)
	}
	return nil
}

// BadBody gives the error for a body that could not be read.
func BadBody(err error) error {
	if TooLong(err) {
		return errs.E(errs.Invalid, "That's too large. Send less at once.").Because(err)
	}
	return errs.E(errs.Invalid, "Snug couldn't read that. Try again.").Because(err)
}
