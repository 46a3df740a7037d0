package world

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"snug/shared/discordsim/internal/world/form"
)

// Component types by Discord's numbers ("Component Reference").
const (
	CompRow         = 1
	CompButton      = 2
	CompString      = 3
	CompInput       = 4
	CompUser        = 5
	CompRole        = 6
	CompMentionable = 7
	CompChannel     = 8
	compSection     = 9
	CompText        = 10
	compThumbnail   = 11
	compGallery     = 12
	compFile        = 13
	compSeparator   = 14
	compContainer   = 17
	CompLabel       = 18
	compUpload      = 19
	CompRadio       = 21
	CompChecks      = 22
	CompCheck       = 23

	FlagEphemeral    = 1 << 6
	FlagLoading      = 1 << 7
	flagSuppress     = 1 << 2
	flagSilent       = 1 << 12
	flagV2           = 1 << 15
	maxV2Components  = 40
	maxV2Text        = 4000
	buttonStyleLink  = 5
	buttonStyleSKU   = 6
	componentsPerRow = 5
)

// Component is a component as it is sent: checked, with an id and default values.
type Component map[string]any

// Kind returns a component's type.
func (c Component) Kind() int { n, _ := c["type"].(int); return n }

// CustomID returns a component's custom id, "" if it has none.
func (c Component) CustomID() string { s, _ := c["custom_id"].(string); return s }

// Children are a component's nested components, in order.
func (c Component) Children() []Component {
	var list []Component
	if l, ok := c["components"].([]Component); ok {
		list = append(list, l...)
	}
	for _, key := range []string{"accessory", "component"} {
		if one, ok := c[key].(Component); ok {
			list = append(list, one)
		}
	}
	return list
}

// FindComponent finds an interactive component by its custom id.
func FindComponent(list []Component, customID string) Component {
	for _, c := range list {
		if customID != "" && c.CustomID() == customID {
			return c
		}
		if found := FindComponent(c.Children(), customID); found != nil {
			return found
		}
	}
	return nil
}

// ComponentReader checks the components of one message or modal.
type ComponentReader struct {
	v2    bool
	Modal bool
	files []Attachment
	ids   map[int]bool
	seen  map[string]bool
	last  int
	count int
	text  int
	NewID func() ID
	emoji func(ID) bool // whether a custom emoji can be used; nil: every one
}

// ModalReader returns what checks a modal's components.
func ModalReader(newID func() ID, emoji func(ID) bool) *ComponentReader {
	return &ComponentReader{Modal: true, NewID: newID, emoji: emoji}
}

// Top reads the components of a message or a modal.
func (r *ComponentReader) Top(f *form.Form, field string, limit int) []Component {
	r.ids, r.seen = map[int]bool{}, map[string]bool{}
	low := 0
	if r.Modal {
		low = 1
	}
	allowed := []int{CompRow}
	switch {
	case r.Modal:
		allowed = []int{CompRow, CompText, CompLabel}
	case r.v2:
		allowed = []int{CompRow, compSection, CompText, compGallery, compFile, compSeparator, compContainer}
	}
	list := r.list(f, field, low, limit, allowed)
	if r.v2 && r.count > maxV2Components {
		f.Errs.At(field).Add("COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "Total number of components exceeds %d",
			maxV2Components)
	}
	if r.v2 && r.text > maxV2Text {
		f.Errs.At(field).Add("COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "The total displayable text size exceeds %d",
			maxV2Text)
	}
	return list
}

func (r *ComponentReader) list(f *form.Form, field string, low, high int, allowed []int) []Component {
	list := []Component{}
	for _, sub := range f.Objects(field, low, high) {
		if c := r.one(sub, allowed); c != nil {
			list = append(list, c)
		}
	}
	return list
}

// child reads one nested component.
func (r *ComponentReader) child(f *form.Form, field string, allowed []int) Component {
	if !f.Required(field) {
		return nil
	}
	return r.one(f.Object(field), allowed)
}

func (r *ComponentReader) one(f *form.Form, allowed []int) Component {
	if !f.Required("type") {
		return nil
	}
	kind := f.Num("type", 0, math.MaxInt32)
	if !slices.Contains(allowed, kind) {
		names := make([]string, len(allowed))
		for i, a := range allowed {
			names[i] = strconv.Itoa(a)
		}
		f.Errs.At("type").Add("UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (%s).",
			strings.Join(names, ", "))
		return nil
	}
	r.count++
	c := Component{"type": kind, "id": r.id(f)}
	switch kind {
	case CompRow:
		r.row(f, c)
	case CompButton:
		r.button(f, c)
	case CompString, CompUser, CompRole, CompMentionable, CompChannel:
		r.menu(f, c, kind)
	case CompInput:
		r.input(f, c)
	case CompLabel:
		r.label(f, c)
	case compUpload, CompRadio, CompChecks, CompCheck:
		r.choices(f, c, kind)
	default:
		r.layout(f, c, kind)
	}
	return c
}

// id returns the given number, or the next free one.
func (r *ComponentReader) id(f *form.Form) int {
	if n := f.Num("id", 0, math.MaxInt32); n > 0 {
		if r.ids[n] {
			f.Errs.At("id").Add("COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated")
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

func (r *ComponentReader) custom(f *form.Form, c Component) {
	if !f.Required("custom_id") {
		return
	}
	id := f.Str("custom_id", 1, 100)
	if r.seen[id] {
		f.Errs.At("custom_id").Add("COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
	}
	r.seen[id] = true
	c["custom_id"] = id
}

func (r *ComponentReader) row(f *form.Form, c Component) {
	allowed := []int{CompButton, CompString, CompUser, CompRole, CompMentionable, CompChannel}
	if r.Modal {
		allowed = []int{CompInput}
	}
	f.Required("components")
	list := r.list(f, "components", 1, componentsPerRow, allowed)
	for _, x := range list {
		if x.Kind() != CompButton && len(list) > 1 {
			f.Errs.At("components").Add("COMPONENT_LAYOUT_WIDTH_EXCEEDED",
				"The specified component exceeds the maximum width")
			break
		}
	}
	c["components"] = list
}

func (r *ComponentReader) button(f *form.Form, c Component) {
	f.Required("style")
	style := f.Choice("style", 1, 2, 3, 4, buttonStyleLink, buttonStyleSKU)
	c["style"] = style
	label := f.Str("label", 0, 80)
	if label != "" {
		c["label"] = label
	}
	r.readEmoji(f, c)
	if label == "" && !f.Given("emoji") && style != buttonStyleSKU {
		f.Errs.At("label").Add("BUTTON_COMPONENT_LABEL_REQUIRED", "A label or emoji is required")
	}
	if f.Given("disabled") && f.Yes("disabled") {
		c["disabled"] = true
	}
	switch style {
	case buttonStyleLink:
		if f.Given("custom_id") {
			f.Errs.At("custom_id").Add("BUTTON_COMPONENT_INVALID_CUSTOM_ID",
				"A custom id and url cannot both be specified")
		}
		if !f.Given("url") {
			f.Errs.At("url").Add("BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
			return
		}
		c["url"] = f.Link(512)
	case buttonStyleSKU:
		f.Required("sku_id")
		c["sku_id"] = f.ID("sku_id")
	default:
		if f.Given("url") {
			f.Errs.At("url").Add("BUTTON_COMPONENT_INVALID_URL", "A custom id and url cannot both be specified")
		}
		if !f.Given("custom_id") {
			f.Errs.At("custom_id").Add("BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
			return
		}
		r.custom(f, c)
	}
}

// readEmoji reads a button's or an option's emoji. The document doesn't say what happens to one that isn't there: the
// error is in https://github.com/discord/discord-api-docs/issues/8071, and that it is at the id of a custom one in
// issue 7128 there.
func (r *ComponentReader) readEmoji(f *form.Form, c Component) {
	e := f.Object("emoji")
	if e == nil {
		return
	}
	name := e.Str("name", 0, 32)
	out := map[string]any{"name": name}
	invalid := func(field string) { e.Errs.At(field).Add("COMPONENT_INVALID_EMOJI", "Invalid emoji") }
	id := e.ID("id")
	if id != 0 {
		out["id"] = id
		out["animated"] = e.Yes("animated")
	}
	switch is, ok := ReadEmoji(name); {
	case name == "", id == 0 && (!ok || is.ID != 0):
		invalid("name")
	case id != 0 && r.emoji != nil && !r.emoji(id):
		invalid("id")
	}
	c["emoji"] = out
}

func (r *ComponentReader) menu(f *form.Form, c Component, kind int) {
	r.custom(f, c)
	if r.Modal {
		c["required"] = !f.Given("required") || f.Yes("required")
	}
	low, high := howMany(f, c, 25, 1)
	if p := f.Str("placeholder", 0, 150); p != "" {
		c["placeholder"] = p
	}
	switch {
	case !f.Yes("disabled"):
	case r.Modal:
		f.Errs.At("disabled").Add("COMPONENT_DISABLED_IN_MODAL", "Modals can not currently have disabled components.")
	default:
		c["disabled"] = true
	}
	switch kind {
	case CompString:
		c["options"] = r.options(f, low, high)
	case CompChannel:
		if f.Given("channel_types") {
			types := []int{}
			for i := range f.List("channel_types", 0, 50) {
				g := &form.Form{
					Fields: map[string]json.RawMessage{"t": f.List("channel_types", 0, 50)[i]},
					Errs:   f.Errs.At("channel_types").At(strconv.Itoa(i)),
				}
				types = append(types, g.Num("t", 0, 20))
			}
			c["channel_types"] = types
		}
	}
	if f.Given("default_values") {
		c["default_values"] = defaultValues(f, kind, low, high)
	}
}

// defaultsOf are the types of what menus can have chosen already.
var defaultsOf = map[int][]string{CompUser: {"user"}, CompRole: {"role"}, CompMentionable: {"user", "role"},
	CompChannel: {"channel"}}

// defaultValues reads what is chosen already: as many as may be chosen.
func defaultValues(f *form.Form, kind, low, high int) []map[string]any {
	defaults := []map[string]any{}
	for _, d := range f.Objects("default_values", 0, 25) {
		of := d.Str("type", 1, 10)
		if !slices.Contains(defaultsOf[kind], of) {
			d.Errs.At("type").Add("BASE_TYPE_CHOICES", "Not a type that this menu has.")
		}
		defaults = append(defaults, map[string]any{"id": d.ID("id"), "type": of})
	}
	if n := len(defaults); n < low || n > high {
		f.Errs.At("default_values").Add("SELECT_COMPONENT_DEFAULT_VALUES_LENGTH",
			"Must have between %d and %d values.", low, high)
	}
	return defaults
}

// howMany reads how many values must and may be chosen. A field of a modal that is required can't do with none.
func howMany(f *form.Form, c Component, most, usual int) (low, high int) {
	low, high = 1, usual
	if f.Given("min_values") {
		low = f.Num("min_values", 0, most)
	}
	if f.Given("max_values") {
		high = f.Num("max_values", 1, most)
	}
	switch at := f.Errs.At("min_values"); {
	case low == 0 && c["required"] == true:
		at.Add("NUMBER_TYPE_MIN", "int value should be greater than or equal to 1.")
	case low > high:
		at.Add("SELECT_COMPONENT_MIN_VALUES_TOO_LARGE", "Min values cannot be greater than max values")
	}
	c["min_values"], c["max_values"] = low, high
	return low, high
}

func (r *ComponentReader) options(f *form.Form, low, high int) []map[string]any {
	f.Required("options")
	out := []map[string]any{}
	seen, defaults := map[string]bool{}, 0
	for _, o := range f.Objects("options", 1, 25) {
		o.Required("label")
		o.Required("value")
		opt := map[string]any{"label": o.Str("label", 1, 100), "value": o.Str("value", 1, 100)}
		v, _ := opt["value"].(string)
		if seen[v] {
			o.Errs.At("value").Add("SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
				"The specified option value is already used")
		}
		seen[v] = true
		if d := o.Str("description", 0, 100); d != "" {
			opt["description"] = d
		}
		if o.Given("default") && o.Yes("default") {
			opt["default"] = true
			defaults++
		}
		e := Component{}
		r.readEmoji(o, e)
		if e["emoji"] != nil {
			opt["emoji"] = e["emoji"]
		}
		out = append(out, opt)
	}
	if defaults > high {
		f.Errs.At("options").Add("SELECT_COMPONENT_TOO_MANY_DEFAULTS", "Too many defaults for the number of values")
	}
	if low > len(out) && len(out) > 0 {
		f.Errs.At("min_values").Add("SELECT_COMPONENT_MIN_VALUES_TOO_LARGE",
			"Min values cannot be greater than the number of options")
	}
	return out
}
