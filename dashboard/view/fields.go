package view

import "snug/shared/errs"

// Field is one labelled input of a form, for the partial "fields".
type Field struct {
	Name  string
	Label string
	Value string
	Hint  string
	Error string // what is wrong with it; "" if nothing
	Type  string // "text" or "number"
}

// ID is the id of the input; its hint and its error have ids made of it.
func (f Field) ID() string { return "f-" + f.Name }

// newField makes a field, with the message of err if it is about this one.
func newField(kind, name, label, value, hint string, err *errs.Error) Field {
	return Field{Name: name, Label: label, Value: value, Hint: hint, Type: kind, Error: FieldError(err, name)}
}

// FieldError gives the message of err if it is about the named field, else "".
func FieldError(err *errs.Error, name string) string {
	if err == nil || err.Field != name {
		return ""
	}
	return err.Message
}
