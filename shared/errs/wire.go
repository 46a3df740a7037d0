package errs

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

type wire struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Format  string `json:"format,omitempty"` // "" means that it equals Message
	Args    []arg  `json:"args,omitempty"`
	Field   string `json:"field,omitempty"`
	RetryMS int64  `json:"retry_after_ms,omitempty"`
}

// arg is an argument in its JSON form; exactly one field is set.
type arg struct {
	Text     *string        `json:"text,omitempty"`
	Term     *Term          `json:"term,omitempty"`
	Label    *Label         `json:"label,omitempty"`
	Whole    *int64         `json:"whole,omitempty"`
	Duration *time.Duration `json:"ns,omitempty"`
	Time     *time.Time     `json:"time,omitempty"`
}

func argOf(v any) arg {
	switch v := v.(type) {
	case Term:
		return arg{Term: &v}
	case Label:
		return arg{Label: &v}
	case time.Duration:
		return arg{Duration: &v}
	case time.Time:
		return arg{Time: &v}
	case fmt.Stringer, error:
		s := fmt.Sprint(v)
		return arg{Text: &s}
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		n := r.Int()
		return arg{Whole: &n}
	case r.CanUint():
		n := int64(r.Uint())
		return arg{Whole: &n}
	}
	s := fmt.Sprint(v)
	return arg{Text: &s}
}

func (a arg) value() any {
	switch {
	case a.Term != nil:
		return *a.Term
	case a.Label != nil:
		return *a.Label
	case a.Whole != nil:
		return *a.Whole
	case a.Duration != nil:
		return *a.Duration
	case a.Time != nil:
		return *a.Time
	case a.Text != nil:
		return *a.Text
	}
	return ""
}

// MarshalJSON encodes the public part of e, without its cause.
func (e *Error) MarshalJSON() ([]byte, error) {
	w := wire{Code: e.Code, Message: e.Message, Field: e.Field, RetryMS: e.RetryAfter.Milliseconds()}
	if e.Format != e.Message {
		w.Format = e.Format
	}
	for _, v := range e.Args {
		w.Args = append(w.Args, argOf(v))
	}
	return json.Marshal(w)
}

// UnmarshalJSON decodes what MarshalJSON encoded.
func (e *Error) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*e = Error{
		Code: w.Code, Message: w.Message, Format: w.Format, Field: w.Field,
		RetryAfter: time.Duration(w.RetryMS) * time.Millisecond,
	}
	if e.Format == "" {
		e.Format = e.Message
	}
	for _, a := range w.Args {
		e.Args = append(e.Args, a.value())
	}
	return nil
}
