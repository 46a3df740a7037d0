package discordsim

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// input is a modal's text input.
func (r *componentReader) input(f *form, c component) {
	r.custom(f, c)
	f.required("style")
	c["style"] = f.choice("style", 1, 2)
	c["label"], c["min_length"], c["max_length"] = nil, nil, nil
	if f.given("label") {
		c["label"] = f.str("label", 1, 45)
	}
	low, high := 0, 4000
	if f.given("min_length") {
		low = f.num("min_length", 0, 4000)
		c["min_length"] = low
	}
	if f.given("max_length") {
		high = f.num("max_length", 1, 4000)
		c["max_length"] = high
	}
	if low > high {
		f.errs.at("min_length").add("TEXT_INPUT_COMPONENT_MIN_LENGTH_TOO_LARGE",
			"Min length cannot be greater than max length")
	}
	if p := f.str("placeholder", 0, 100); p != "" {
		c["placeholder"] = p
	}
	if v := f.str("value", 0, 4000); v != "" {
		c["value"] = v
	}
	c["required"] = !f.given("required") || f.yes("required")
}

// label is a modal's field with its label and description.
func (r *componentReader) label(f *form, c component) {
	f.required("label")
	c["label"] = f.str("label", 1, 45)
	if d := f.str("description", 0, 100); d != "" {
		c["description"] = d
	}
	c["component"] = r.child(f, "component", []int{compString, compInput, compUser, compRole, compMentionable,
		compChannel, compUpload, compRadio, compChecks, compCheck})
}

// choices are a modal's other fields.
func (r *componentReader) choices(f *form, c component, kind int) {
	r.custom(f, c)
	c["required"] = !f.given("required") || f.yes("required")
	switch kind {
	case compCheck:
		delete(c, "required")
		c["default"] = f.yes("default")
	case compRadio, compChecks:
		f.required("options")
		options := []map[string]any{}
		for _, o := range f.objects("options", 1, 10) {
			o.required("value")
			o.required("label")
			opt := map[string]any{"value": o.str("value", 1, 100), "label": o.str("label", 1, 100)}
			if d := o.str("description", 0, 100); d != "" {
				opt["description"] = d
			}
			if o.given("default") {
				opt["default"] = o.yes("default")
			}
			options = append(options, opt)
		}
		c["options"] = options
	}
	if kind == compChecks || kind == compUpload {
		c["min_values"], c["max_values"] = f.num("min_values", 0, 10), max(1, f.num("max_values", 0, 10))
		if !f.given("max_values") && kind == compChecks {
			c["max_values"] = 10
		}
	}
	if kind == compUpload {
		uploads(f, c)
	}
}

// uploads reads how many files are required, and of which types.
// https://docs.discord.com/developers/components/reference#file-upload
func uploads(f *form, c component) {
	switch {
	case !f.given("min_values"):
		c["min_values"] = 1
	case c["min_values"] == 0 && c["required"] == true:
		f.errs.at("min_values").add("NUMBER_TYPE_MIN", "int value should be greater than or equal to 1.")
	}
	var types []string
	for i, raw := range f.list("file_types", 0, 10) {
		var name string
		if json.Unmarshal(raw, &name) != nil ||
			!slices.Contains([]string{"image", "video", "audio"}, name) && (len(name) < 2 || name[0] != '.') {
			f.errs.at("file_types").at(strconv.Itoa(i)).add("BASE_TYPE_CHOICES",
				"Must be image, video, audio, or an extension that begins with a dot.")
		}
		types = append(types, name)
	}
	if types != nil {
		c["file_types"] = types
	}
}

// layout are the layout and content components of version 2.
func (r *componentReader) layout(f *form, c component, kind int) {
	switch kind {
	case compText:
		f.required("content")
		content := f.str("content", 1, 4000)
		r.text += runes(content)
		c["content"] = content
	case compSection:
		f.required("components")
		c["components"] = r.list(f, "components", 1, 3, []int{compText})
		c["accessory"] = r.child(f, "accessory", []int{compButton, compThumbnail})
	case compThumbnail:
		r.media(f, c, "media")
	case compGallery:
		f.required("items")
		items := []component{}
		for _, it := range f.objects("items", 1, 10) {
			item := component{}
			r.media(it, item, "media")
			items = append(items, item)
		}
		c["items"] = items
	case compFile:
		r.media(f, c, "file")
		delete(c, "description")
		c["name"], c["size"] = nil, nil
		for _, a := range r.files {
			if m := f.object("file"); m != nil && m.str("url", 0, 2048) == "attachment://"+a.name {
				c["name"], c["size"] = a.name, len(a.data)
			}
		}
	case compSeparator:
		c["divider"] = !f.given("divider") || f.yes("divider")
		c["spacing"] = max(1, f.choice("spacing", 1, 2))
	case compContainer:
		f.required("components")
		c["accent_color"] = nil
		if f.given("accent_color") {
			c["accent_color"] = f.num("accent_color", 0, 0xffffff)
		}
		c["spoiler"] = f.yes("spoiler")
		c["components"] = r.list(f, "components", 1, 39,
			[]int{compRow, compSection, compText, compGallery, compFile, compSeparator})
	}
}

// media reads the URL of a picture or file; attachments use attachment://.
func (r *componentReader) media(f *form, c component, field string) {
	f.required(field)
	c["spoiler"] = f.yes("spoiler")
	c["description"] = optional(f.str("description", 0, 1024))
	m := f.object(field)
	if m == nil {
		return
	}
	m.required("url")
	u := m.link(2048)
	if name, ok := strings.CutPrefix(u, "attachment://"); ok && !r.hasFile(name) {
		m.errs.at("url").add("UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
			"The referenced attachment %q was not found", name)
	}
	c[field] = map[string]any{"id": r.newID(), "url": u, "proxy_url": u}
}

func (r *componentReader) hasFile(name string) bool {
	for _, a := range r.files {
		if a.name == name {
			return true
		}
	}
	return false
}
