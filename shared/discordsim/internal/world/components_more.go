package world

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"snug/shared/discordsim/internal/world/form"
)

// input is a modal's text input.
func (r *ComponentReader) input(f *form.Form, c Component) {
	r.custom(f, c)
	f.Required("style")
	c["style"] = f.Choice("style", 1, 2)
	c["label"], c["min_length"], c["max_length"] = nil, nil, nil
	if f.Given("label") {
		c["label"] = f.Str("label", 1, 45)
	}
	low, high := 0, 4000
	if f.Given("min_length") {
		low = f.Num("min_length", 0, 4000)
		c["min_length"] = low
	}
	if f.Given("max_length") {
		high = f.Num("max_length", 1, 4000)
		c["max_length"] = high
	}
	if low > high {
		f.Errs.At("min_length").Add("TEXT_INPUT_COMPONENT_MIN_LENGTH_TOO_LARGE",
			"Min length cannot be greater than max length")
	}
	if p := f.Str("placeholder", 0, 100); p != "" {
		c["placeholder"] = p
	}
	if v := f.Str("value", 0, 4000); v != "" {
		c["value"] = v
	}
	c["required"] = !f.Given("required") || f.Yes("required")
}

// label is a modal's field with its label and description.
func (r *ComponentReader) label(f *form.Form, c Component) {
	f.Required("label")
	c["label"] = f.Str("label", 1, 45)
	if d := f.Str("description", 0, 100); d != "" {
		c["description"] = d
	}
	c["component"] = r.child(f, "component", []int{CompString, CompInput, CompUser, CompRole, CompMentionable,
		CompChannel, compUpload, CompRadio, CompChecks, CompCheck})
}

// choices are a modal's other fields.
func (r *ComponentReader) choices(f *form.Form, c Component, kind int) {
	r.custom(f, c)
	c["required"] = !f.Given("required") || f.Yes("required")
	switch kind {
	case CompCheck:
		delete(c, "required")
		c["default"] = f.Yes("default")
	case CompRadio, CompChecks:
		f.Required("options")
		options, fewest := []map[string]any{}, 1
		if kind == CompRadio {
			fewest = 2
		}
		for _, o := range f.Objects("options", fewest, 10) {
			o.Required("value")
			o.Required("label")
			opt := map[string]any{"value": o.Str("value", 1, 100), "label": o.Str("label", 1, 100)}
			if d := o.Str("description", 0, 100); d != "" {
				opt["description"] = d
			}
			if o.Given("default") {
				opt["default"] = o.Yes("default")
			}
			options = append(options, opt)
		}
		c["options"] = options
		if kind == CompChecks {
			howMany(f, c, 10, max(1, len(options)))
		}
	}
	if kind == compUpload {
		uploads(f, c)
	}
}

// uploads reads how many files are required, and of which types.
// https://docs.discord.com/developers/components/reference#file-upload
func uploads(f *form.Form, c Component) {
	howMany(f, c, 10, 1)
	var types []string
	for i, raw := range f.List("file_types", 0, 10) {
		var name string
		if json.Unmarshal(raw, &name) != nil ||
			!slices.Contains([]string{"image", "video", "audio"}, name) && (len(name) < 2 || name[0] != '.') {
			f.Errs.At("file_types").At(strconv.Itoa(i)).Add("BASE_TYPE_CHOICES",
				"Must be image, video, audio, or an extension that begins with a dot.")
		}
		types = append(types, name)
	}
	if types != nil {
		c["file_types"] = types
	}
}

// layout are the layout and content components of version 2.
func (r *ComponentReader) layout(f *form.Form, c Component, kind int) {
	switch kind {
	case CompText:
		f.Required("content")
		content := f.Str("content", 1, 4000)
		r.text += form.Runes(content)
		c["content"] = content
	case compSection:
		f.Required("components")
		c["components"] = r.list(f, "components", 1, 3, []int{CompText})
		c["accessory"] = r.child(f, "accessory", []int{CompButton, compThumbnail})
	case compThumbnail:
		r.media(f, c, "media")
	case compGallery:
		f.Required("items")
		items := []Component{}
		for _, it := range f.Objects("items", 1, 10) {
			item := Component{}
			r.media(it, item, "media")
			items = append(items, item)
		}
		c["items"] = items
	case compFile:
		r.media(f, c, "file")
		delete(c, "description")
		c["name"], c["size"] = nil, nil
		for _, a := range r.files {
			if m := f.Object("file"); m != nil && m.Str("url", 0, 2048) == "attachment://"+a.Name {
				c["name"], c["size"] = a.Name, len(a.Data)
			}
		}
	case compSeparator:
		c["divider"] = !f.Given("divider") || f.Yes("divider")
		c["spacing"] = max(1, f.Choice("spacing", 1, 2))
	case compContainer:
		f.Required("components")
		c["accent_color"] = nil
		if f.Given("accent_color") {
			c["accent_color"] = f.Num("accent_color", 0, 0xffffff)
		}
		c["spoiler"] = f.Yes("spoiler")
		c["components"] = r.list(f, "components", 1, 39,
			[]int{CompRow, compSection, CompText, compGallery, compFile, compSeparator})
	}
}

// media reads the URL of a picture or file; attachments use attachment://.
func (r *ComponentReader) media(f *form.Form, c Component, field string) {
	f.Required(field)
	c["spoiler"] = f.Yes("spoiler")
	c["description"] = Optional(f.Str("description", 0, 1024))
	m := f.Object(field)
	if m == nil {
		return
	}
	m.Required("url")
	u := m.Link(2048)
	if name, ok := strings.CutPrefix(u, "attachment://"); ok && !r.hasFile(name) {
		m.Errs.At("url").Add("UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
			"The referenced attachment %q was not found", name)
	}
	c[field] = map[string]any{"id": r.NewID(), "url": u, "proxy_url": u}
}

func (r *ComponentReader) hasFile(name string) bool {
	for _, a := range r.files {
		if a.Name == name {
			return true
		}
	}
	return false
}
