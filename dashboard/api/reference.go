package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"snug/dashboard/api/openapi"
	"snug/dashboard/request"
	"snug/dashboard/view"
)

// Reference explains the operations to people, in groups, as the description does to programs.
func (s *Service) Reference() (groups []view.ReferenceGroup) {
	for _, op := range s.api.Operations() {
		i := slices.IndexFunc(groups, func(g view.ReferenceGroup) bool { return g.Name == op.Tag })
		if i < 0 {
			i = len(groups)
			groups = append(groups, view.ReferenceGroup{Name: op.Tag})
		}
		groups[i].Operations = append(groups[i].Operations, s.explain(op))
	}
	return groups
}

func (s *Service) explain(op openapi.Operation) view.ReferenceOperation {
	item := s.api.OpenAPI().Paths[op.Path]
	d := map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPatch: item.Patch,
		http.MethodDelete: item.Delete,
	}[op.Method]
	out := view.ReferenceOperation{
		ID: op.ID, Method: op.Method, Path: request.APIPrefix + op.Path, Summary: op.Summary,
		Description: op.Description, Scope: string(op.Scope),
	}
	switch {
	case op.Public:
		out.Who = "Needs no token."
	case op.AnyToken:
		out.Who = "Any token works."
	case op.Scope == "":
		out.Who = "Only for people who are signed in, not for tokens."
	}
	for _, p := range d.Parameters {
		out.Inputs = append(out.Inputs,
			view.ReferenceField{
				Name: p.Name, In: p.In, Kind: kindOf(p.Schema), Required: p.Required,
				Text: described(p.Description, p.Schema),
			})
	}
	if d.RequestBody != nil {
		if m := d.RequestBody.Content["application/json"]; m != nil {
			out.Inputs = append(out.Inputs, s.fields(m.Schema, "body")...)
		}
	}
	for status, r := range d.Responses {
		if m := r.Content["application/json"]; m != nil {
			out.Status, out.Outputs = status, s.fields(m.Schema, "")
		} else if status[0] == '2' {
			out.Status = status
		}
	}
	return out
}

// fields lists the properties of an object.
func (s *Service) fields(schema *huma.Schema, in string) (out []view.ReferenceField) {
	if schema.Ref != "" {
		schema = s.api.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	var names []string
	for n := range schema.Properties {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		p := schema.Properties[n]
		out = append(out,
			view.ReferenceField{
				Name: n, In: in, Kind: kindOf(p), Required: slices.Contains(schema.Required, n),
				Text: described(p.Description, p),
			})
	}
	return out
}

// described adds to what a field is about the values it may have, if the description lists them.
func described(about string, s *huma.Schema) string {
	if s != nil && s.Items != nil {
		s = s.Items
	}
	if s == nil || len(s.Enum) == 0 {
		return about
	}
	values := make([]string, 0, len(s.Enum))
	for _, v := range s.Enum {
		if text := fmt.Sprint(v); text != "" && !strings.Contains(about, text) {
			values = append(values, text)
		}
	}
	if len(values) == 0 {
		return about
	}
	return strings.TrimSpace(about + " One of: " + strings.Join(values, ", ") + ".")
}

func kindOf(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Type == huma.TypeArray:
		return "list"
	case s.Ref != "" || s.Type == "":
		return "object"
	case s.Format != "" && s.Type == huma.TypeString:
		return s.Format
	}
	return s.Type
}
