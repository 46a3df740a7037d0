package view

import (
	"slices"

	"snug/shared/errs"
	"snug/shared/text"
)

// Field is one labelled input of a form, for the partial "fields".
type Field struct {
	Form  string // what tells its id from those of other forms on the page
	Name  string
	Label string
	Value string
	Hint  string
	Error string // what is wrong with it; "" if nothing
	Type  string // "text" or "number"
}

// ID is the id of the input; its hint and its error have ids made of it.
func (f Field) ID() string { return "f-" + f.Form + f.Name }

// field makes a field, with the message of err if it is about this one.
func (w words) field(kind, name, label, value, hint string, err *errs.Error) Field {
	return Field{Name: name, Label: label, Value: value, Hint: hint, Type: kind, Error: FieldError(w.Texts, err, name)}
}

// FieldError gives what err says, in the language of t, if it is about the named field, else "".
func FieldError(t text.Texts, err *errs.Error, name string) string {
	if err == nil || err.Field != name {
		return ""
	}
	return t.Refusal(err)
}

// fault says what is wrong with a field of a form, "" if nothing.
func (w words) fault(err *errs.Error, name string) string { return FieldError(w.Texts, err, name) }

// wrong says what is wrong with a form as a whole: what is not about one of its fields.
func (w words) wrong(err *errs.Error, fields ...string) string {
	if err == nil || slices.Contains(fields, err.Field) {
		return ""
	}
	return w.Refusal(err)
}
