package world

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world/form"
)

// mentionRules is allowed_mentions: the mentions in a text that count.
type mentionRules struct {
	everyone bool
	anyUser  bool
	anyRole  bool
	users    []ID
	roles    []ID
	Replied  bool
}

func (r *mentionRules) user(id ID) bool { return r.anyUser || slices.Contains(r.users, id) }

func (r *mentionRules) role(id ID) bool { return r.anyRole || slices.Contains(r.roles, id) }

// ReadMentionRules reads allowed_mentions; everyone says whether the author may mention everybody.
func ReadMentionRules(f *form.Form, everyone bool) mentionRules {
	o := f.Object("allowed_mentions")
	if o == nil {
		return mentionRules{everyone: everyone, anyUser: true, anyRole: true, Replied: true}
	}
	r := mentionRules{users: o.IDs("users", 100), roles: o.IDs("roles", 100), Replied: o.Yes("replied_user")}
	for i, raw := range o.List("parse", 0, 3) {
		switch s, _ := form.Scalar(raw); s {
		case "everyone":
			r.everyone = everyone
		case "users":
			r.anyUser = true
		case "roles":
			r.anyRole = true
		default:
			o.Errs.At("parse").At(strconv.Itoa(i)).Add("BASE_TYPE_CHOICES",
				"Value must be one of {'everyone', 'roles', 'users'}.")
		}
	}
	for name, clash := range map[string]bool{
		"users": r.anyUser && len(r.users) > 0, "roles": r.anyRole && len(r.roles) > 0,
	} {
		if clash {
			o.Errs.At("parse").Add("MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
				"parse:[%q] and %s: [ids...] are mutually exclusive.", name, name)
		}
	}
	return r
}

// ReadMessage reads a request's message into m. partial keeps the fields that aren't given.
func (s *State) ReadMessage(f *form.Form, m *Message, files []Attachment, partial, everyone bool) error {
	if f.Has("flags") {
		const settable = flagSuppress | flagV2
		m.Flags = m.Flags&^settable | f.Num("flags", 0, 1<<30)&settable
		if !partial {
			m.Flags |= f.Num("flags", 0, 1<<30) & flagSilent
		}
	}
	if f.Given("poll") {
		f.Errs.At("poll").Add("SIMULATOR_HAS_NONE", "The simulated Discord has no polls.")
	}
	if len(f.IDs("sticker_ids", 3)) > 0 {
		return form.Fail(400, 50081, "Invalid sticker sent") // no guild here has stickers
	}
	v2 := m.Flags&flagV2 != 0
	if f.Has("content") {
		m.Content = strings.TrimSpace(f.Str("content", 0, 2000))
		if v2 && m.Content != "" {
			f.Errs.At("content").Add("MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
				"The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
		}
	}
	if f.Has("embeds") {
		m.embeds = readEmbeds(f)
		if v2 && len(m.embeds) > 0 {
			f.Errs.At("embeds").Add("MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
				"The 'embeds' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
		}
	}
	s.readAttachments(f, m, files)
	if f.Has("components") {
		r := ComponentReader{v2: v2, files: m.Attachments, NewID: s.NextID, emoji: s.EmojisFor(m)}
		limit := 5
		if v2 {
			limit = maxV2Components
		}
		m.Components = r.Top(f, "components", limit)
	}
	m.tts = f.Yes("tts")
	rules := ReadMentionRules(f, everyone)
	if err := f.Errs.Err(); err != nil {
		return err
	}
	if f.Has("content") || f.Has("allowed_mentions") || !partial {
		s.findMentions(m, rules)
	}
	if m.Content == "" && len(m.embeds) == 0 && len(m.Components) == 0 && len(m.Attachments) == 0 {
		return form.Fail(400, 50006, "Cannot send an empty message")
	}
	return nil
}

// readAttachments combines the uploaded files with their descriptions in the body.
func (s *State) readAttachments(f *form.Form, m *Message, files []Attachment) {
	kept := m.Attachments
	if f.Has("attachments") {
		kept = nil
	}
	for i := range files {
		files[i].ID = s.NextID()
	}
	for _, o := range f.Objects("attachments", 0, 10) {
		id := o.ID("id")
		if old := slices.IndexFunc(m.Attachments, func(a Attachment) bool { return a.ID == id }); old >= 0 {
			kept = append(kept, m.Attachments[old])
			continue
		}
		i := slices.IndexFunc(files,
			func(a Attachment) bool { return a.Field == "files["+strconv.FormatUint(uint64(id), 10)+"]" })
		if i < 0 {
			o.Errs.At("id").Add("ATTACHMENT_NOT_FOUND", "Attachment data not found")
			continue
		}
		files[i].description = o.Str("description", 0, 1024)
		if name := o.Str("filename", 0, 1024); name != "" {
			files[i].Name = name
		}
	}
	m.Attachments = append(slices.Clone(kept), files...)
	if len(m.Attachments) > 10 {
		f.Errs.At("attachments").Add("BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
	}
}

const embedTotal = 6000

// readEmbeds reads at most ten embeds with at most 6,000 characters in total.
func readEmbeds(f *form.Form) []map[string]any {
	out, total := []map[string]any{}, 0
	text := func(o *form.Form, name string, limit int) string {
		s := strings.TrimSpace(o.Str(name, 0, limit))
		total += form.Runes(s)
		return s
	}
	put := func(e map[string]any, name, v string) {
		if v != "" {
			e[name] = v
		}
	}
	for _, o := range f.Objects("embeds", 0, 10) {
		e := map[string]any{"type": "rich"}
		put(e, "title", text(o, "title", 256))
		put(e, "description", text(o, "description", 4096))
		if o.Given("url") {
			e["url"] = o.Link(2048)
		}
		if o.Given("color") {
			e["color"] = o.Num("color", 0, 0xffffff)
		}
		if t := o.When("timestamp"); !t.IsZero() {
			e["timestamp"] = t.UTC().Format(time.RFC3339Nano)
		}
		for _, name := range []string{"image", "thumbnail"} {
			if p := o.Object(name); p != nil && p.Given("url") {
				u := p.Link(2048)
				e[name] = map[string]any{"url": u, "proxy_url": u}
			}
		}
		if p := o.Object("footer"); p != nil {
			footer := map[string]any{"text": text(p, "text", 2048)}
			put(footer, "icon_url", p.Address("icon_url", 2048))
			e["footer"] = footer
		}
		if p := o.Object("author"); p != nil && p.Given("name") {
			author := map[string]any{"name": text(p, "name", 256)}
			put(author, "url", p.Address("url", 2048))
			put(author, "icon_url", p.Address("icon_url", 2048))
			e["author"] = author
		}
		fields := []map[string]any{}
		for _, p := range o.Objects("fields", 0, 25) {
			p.Required("name")
			p.Required("value")
			fields = append(fields,
				map[string]any{
					"name": text(p, "name", 256), "value": text(p, "value", 1024), "inline": p.Yes("inline"),
				})
		}
		if len(fields) > 0 {
			e["fields"] = fields
		}
		if len(e) == 1 {
			o.Errs.At("description").Add("BASE_TYPE_REQUIRED", "This field is required")
		}
		out = append(out, e)
	}
	if total > embedTotal {
		f.Errs.At("embeds").Add("MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of %d", embedTotal)
	}
	return out
}
