package discordsim

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Component types by Discord's numbers ("Component Reference").
const (
	compRow         = 1
	compButton      = 2
	compString      = 3
	compInput       = 4
	compUser        = 5
	compRole        = 6
	compMentionable = 7
	compChannel     = 8
	compSection     = 9
	compText        = 10
	compThumbnail   = 11
	compGallery     = 12
	compFile        = 13
	compSeparator   = 14
	compContainer   = 17
	compLabel       = 18
	compUpload      = 19
	compRadio       = 21
	compChecks      = 22
	compCheck       = 23

	flagEphemeral    = 1 << 6
	flagLoading      = 1 << 7
	flagSuppress     = 1 << 2
	flagSilent       = 1 << 12
	flagV2           = 1 << 15
	maxV2Components  = 40
	maxV2Text        = 4000
	buttonStyleLink  = 5
	buttonStyleSKU   = 6
	componentsPerRow = 5
)

// component is a component as it is sent: checked, with an id and default values.
type component map[string]any

// kind returns a component's type.
func (c component) kind() int { n, _ := c["type"].(int); return n }

// customID returns a component's custom id, "" if it has none.
func (c component) customID() string { s, _ := c["custom_id"].(string); return s }

// children are a component's nested components, in order.
func (c component) children() []component {
	var list []component
	if l, ok := c["components"].([]component); ok {
		list = append(list, l...)
	}
	for _, key := range []string{"accessory", "component"} {
		if one, ok := c[key].(component); ok {
			list = append(list, one)
		}
	}
	return list
}

// findComponent finds an interactive component by its custom id.
func findComponent(list []component, customID string) component {
	for _, c := range list {
		if customID != "" && c.customID() == customID {
			return c
		}
		if found := findComponent(c.children(), customID); found != nil {
			return found
		}
	}
	return nil
}

// componentReader checks the components of one message or modal.
type componentReader struct {
	v2    bool
	modal bool
	files []attachment
	ids   map[int]bool
	seen  map[string]bool
	last  int
	count int
	text  int
	newID func() ID
}

// top reads the components of a message or a modal.
func (r *componentReader) top(f *form, field string, limit int) []component {
	r.ids, r.seen = map[int]bool{}, map[string]bool{}
	low := 0
	if r.modal {
		low = 1
	}
	allowed := []int{compRow}
	switch {
	case r.modal:
		allowed = []int{compRow, compText, compLabel}
	case r.v2:
		allowed = []int{compRow, compSection, compText, compGallery, compFile, compSeparator, compContainer}
	}
	list := r.list(f, field, low, limit, allowed)
	if r.v2 && r.count > maxV2Components {
		f.errs.at(field).add("COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "Total number of components exceeds %d",
			maxV2Components)
	}
	if r.v2 && r.text > maxV2Text {
		f.errs.at(field).add("COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "The total displayable text size exceeds %d",
			maxV2Text)
	}
	return list
}

func (r *componentReader) list(f *form, field string, low, high int, allowed []int) []component {
	list := []component{}
	for _, sub := range f.objects(field, low, high) {
		if c := r.one(sub, allowed); c != nil {
			list = append(list, c)
		}
	}
	return list
}

// child reads one nested component.
func (r *componentReader) child(f *form, field string, allowed []int) component {
	if !f.required(field) {
		return nil
	}
	return r.one(f.object(field), allowed)
}

func (r *componentReader) one(f *form, allowed []int) component {
	if !f.required("type") {
		return nil
	}
	kind := f.num("type", 0, math.MaxInt32)
	if !slices.Contains(allowed, kind) {
		names := make([]string, len(allowed))
		for i, a := range allowed {
			names[i] = strconv.Itoa(a)
		}
		f.errs.at("type").add("UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (%s).",
			strings.Join(names, ", "))
		return nil
	}
	r.count++
	c := component{"type": kind, "id": r.id(f)}
	switch kind {
	case compRow:
		r.row(f, c)
	case compButton:
		r.button(f, c)
	case compString, compUser, compRole, compMentionable, compChannel:
		r.menu(f, c, kind)
	case compInput:
		r.input(f, c)
	case compLabel:
		r.label(f, c)
	case compUpload, compRadio, compChecks, compCheck:
		r.choices(f, c, kind)
	default:
		r.layout(f, c, kind)
	}
	return c
}

// id returns the given number, or the next free one.
func (r *componentReader) id(f *form) int {
	if n := f.num("id", 0, math.MaxInt32); n > 0 {
		if r.ids[n] {
			f.errs.at("id").add("COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated")
		}
		r.ids[n] = true
		return n
	}
	r.last++
	for r.ids[r.last] {
		r.last++
	}
	r.ids[r.last] = true
	return r.last
}

func (r *componentReader) custom(f *form, c component) {
	if !f.required("custom_id") {
		return
	}
	id := f.str("custom_id", 1, 100)
	if r.seen[id] {
		f.errs.at("custom_id").add("COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
	}
	r.seen[id] = true
	c["custom_id"] = id
}

func (r *componentReader) row(f *form, c component) {
	allowed := []int{compButton, compString, compUser, compRole, compMentionable, compChannel}
	if r.modal {
		allowed = []int{compInput}
	}
	f.required("components")
	list := r.list(f, "components", 1, componentsPerRow, allowed)
	for _, x := range list {
		if x.kind() != compButton && len(list) > 1 {
			f.errs.at("components").add("COMPONENT_LAYOUT_WIDTH_EXCEEDED",
				"The specified component exceeds the maximum width")
			break
		}
	}
	c["components"] = list
}

func (r *componentReader) button(f *form, c component) {
	f.required("style")
	style := f.choice("style", 1, 2, 3, 4, buttonStyleLink, buttonStyleSKU)
	c["style"] = style
	label := f.str("label", 0, 80)
	if label != "" {
		c["label"] = label
	}
	r.emoji(f, c)
	if label == "" && !f.given("emoji") && style != buttonStyleSKU {
		f.errs.at("label").add("BUTTON_COMPONENT_LABEL_REQUIRED", "A label or emoji is required")
	}
	if f.given("disabled") && f.yes("disabled") {
		c["disabled"] = true
	}
	switch style {
	case buttonStyleLink:
		if f.given("custom_id") {
			f.errs.at("custom_id").add("BUTTON_COMPONENT_INVALID_CUSTOM_ID",
				"A custom id and url cannot both be specified")
		}
		if !f.given("url") {
			f.errs.at("url").add("BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
			return
		}
		c["url"] = f.link(512)
	case buttonStyleSKU:
		f.required("sku_id")
		c["sku_id"] = f.id("sku_id")
	default:
		if f.given("url") {
			f.errs.at("url").add("BUTTON_COMPONENT_INVALID_URL", "A custom id and url cannot both be specified")
		}
		if !f.given("custom_id") {
			f.errs.at("custom_id").add("BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
			return
		}
		r.custom(f, c)
	}
}

func (r *componentReader) emoji(f *form, c component) {
	e := f.object("emoji")
	if e == nil {
		return
	}
	out := map[string]any{"name": e.str("name", 0, 32)}
	if id := e.id("id"); id != 0 {
		out["id"] = id
		out["animated"] = e.yes("animated")
	}
	c["emoji"] = out
}

func (r *componentReader) menu(f *form, c component, kind int) {
	r.custom(f, c)
	low, high := 1, 1
	if f.given("min_values") {
		low = f.num("min_values", 0, 25)
	}
	if f.given("max_values") {
		high = f.num("max_values", 1, 25)
	}
	if low > high {
		f.errs.at("min_values").add("SELECT_COMPONENT_MIN_VALUES_TOO_LARGE",
			"Min values cannot be greater than max values")
	}
	c["min_values"], c["max_values"] = low, high
	if p := f.str("placeholder", 0, 150); p != "" {
		c["placeholder"] = p
	}
	if f.given("disabled") && f.yes("disabled") {
		c["disabled"] = true
	}
	if r.modal {
		c["required"] = !f.given("required") || f.yes("required")
	}
	switch kind {
	case compString:
		c["options"] = r.options(f, low, high)
	case compChannel:
		if f.given("channel_types") {
			types := []int{}
			for i := range f.list("channel_types", 0, 50) {
				g := &form{
					fields: map[string]json.RawMessage{"t": f.list("channel_types", 0, 50)[i]},
					errs:   f.errs.at("channel_types").at(strconv.Itoa(i)),
				}
				types = append(types, g.num("t", 0, 20))
			}
			c["channel_types"] = types
		}
	}
	if f.given("default_values") {
		defaults := []map[string]any{}
		for _, d := range f.objects("default_values", 0, 25) {
			defaults = append(defaults, map[string]any{"id": d.id("id"), "type": d.str("type", 1, 10)})
		}
		c["default_values"] = defaults
	}
}

func (r *componentReader) options(f *form, low, high int) []map[string]any {
	f.required("options")
	out := []map[string]any{}
	seen, defaults := map[string]bool{}, 0
	for _, o := range f.objects("options", 1, 25) {
		o.required("label")
		o.required("value")
		opt := map[string]any{"label": o.str("label", 1, 100), "value": o.str("value", 1, 100)}
		v, _ := opt["value"].(string)
		if seen[v] {
			o.errs.at("value").add("SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
				"The specified option value is already used")
		}
		seen[v] = true
		if d := o.str("description", 0, 100); d != "" {
			opt["description"] = d
		}
		if o.given("default") && o.yes("default") {
			opt["default"] = true
			defaults++
		}
		e := component{}
		r.emoji(o, e)
		if e["emoji"] != nil {
			opt["emoji"] = e["emoji"]
		}
		out = append(out, opt)
	}
	if defaults > high {
		f.errs.at("options").add("SELECT_COMPONENT_TOO_MANY_DEFAULTS", "Too many defaults for the number of values")
	}
	if low > len(out) && len(out) > 0 {
		f.errs.at("min_values").add("SELECT_COMPONENT_MIN_VALUES_TOO_LARGE",
			"Min values cannot be greater than the number of options")
	}
	return out
}
