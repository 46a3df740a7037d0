package discordsim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// mentionRules is allowed_mentions: the mentions in a text that count.
type mentionRules struct {
	everyone bool
	anyUser  bool
	anyRole  bool
	users    []ID
	roles    []ID
	replied  bool
}

func (r *mentionRules) user(id ID) bool { return r.anyUser || slices.Contains(r.users, id) }

func (r *mentionRules) role(id ID) bool { return r.anyRole || slices.Contains(r.roles, id) }

// readMentionRules reads allowed_mentions; everyone says whether the author may mention everybody.
func readMentionRules(f *form, everyone bool) mentionRules {
	o := f.object("allowed_mentions")
	if o == nil {
		return mentionRules{everyone: everyone, anyUser: true, anyRole: true, replied: true}
	}
	r := mentionRules{users: o.ids("users", 100), roles: o.ids("roles", 100), replied: o.yes("replied_user")}
	for i, raw := range o.list("parse", 0, 3) {
		switch s, _ := scalar(raw); s {
		case "everyone":
			r.everyone = everyone
		case "users":
			r.anyUser = true
		case "roles":
			r.anyRole = true
		default:
			o.errs.at("parse").at(strconv.Itoa(i)).add("BASE_TYPE_CHOICES",
				"Value must be one of {'everyone', 'roles', 'users'}.")
		}
	}
	for name, clash := range map[string]bool{
		"users": r.anyUser && len(r.users) > 0, "roles": r.anyRole && len(r.roles) > 0,
	} {
		if clash {
			o.errs.at("parse").add("MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
				"parse:[%q] and %s: [ids...] are mutually exclusive.", name, name)
		}
	}
	return r
}

// readMessage reads a request's message into m. partial keeps the fields that aren't given.
func (s *state) readMessage(f *form, m *message, files []attachment, partial, everyone bool) error {
	if f.has("flags") {
		const settable = flagSuppress | flagV2
		m.flags = m.flags&^settable | f.num("flags", 0, 1<<30)&settable
		if !partial {
			m.flags |= f.num("flags", 0, 1<<30) & flagSilent
		}
	}
	if f.given("poll") {
		f.errs.at("poll").add("SIMULATOR_HAS_NONE", "The simulated Discord has no polls.")
	}
	if len(f.ids("sticker_ids", 3)) > 0 {
		return fail(400, 50081, "Invalid sticker sent") // no guild here has stickers
	}
	v2 := m.flags&flagV2 != 0
	if f.has("content") {
		m.content = strings.TrimSpace(f.str("content", 0, 2000))
		if v2 && m.content != "" {
			f.errs.at("content").add("MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
				"The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
		}
	}
	if f.has("embeds") {
		m.embeds = readEmbeds(f)
		if v2 && len(m.embeds) > 0 {
			f.errs.at("embeds").add("MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
				"The 'embeds' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
		}
	}
	s.readAttachments(f, m, files)
	if f.has("components") {
		r := componentReader{v2: v2, files: m.attachments, newID: s.nextID}
		limit := 5
		if v2 {
			limit = maxV2Components
		}
		m.components = r.top(f, "components", limit)
	}
	m.tts = f.yes("tts")
	rules := readMentionRules(f, everyone)
	if err := f.errs.err(); err != nil {
		return err
	}
	if f.has("content") || f.has("allowed_mentions") || !partial {
		s.findMentions(m, rules)
	}
	if m.content == "" && len(m.embeds) == 0 && len(m.components) == 0 && len(m.attachments) == 0 {
		return fail(400, 50006, "Cannot send an empty message")
	}
	return nil
}

// readAttachments combines the uploaded files with their descriptions in the body.
func (s *state) readAttachments(f *form, m *message, files []attachment) {
	kept := m.attachments
	if f.has("attachments") {
		kept = nil
	}
	for i := range files {
		files[i].id = s.nextID()
	}
	for _, o := range f.objects("attachments", 0, 10) {
		id := o.id("id")
		if old := slices.IndexFunc(m.attachments, func(a attachment) bool { return a.id == id }); old >= 0 {
			kept = append(kept, m.attachments[old])
			continue
		}
		i := slices.IndexFunc(files,
			func(a attachment) bool { return a.field == "files["+strconv.FormatUint(uint64(id), 10)+"]" })
		if i < 0 {
			o.errs.at("id").add("ATTACHMENT_NOT_FOUND", "Attachment data not found")
			continue
		}
		files[i].description = o.str("description", 0, 1024)
		if name := o.str("filename", 0, 1024); name != "" {
			files[i].name = name
		}
	}
	m.attachments = append(slices.Clone(kept), files...)
	if len(m.attachments) > 10 {
		f.errs.at("attachments").add("BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
	}
}

const embedTotal = 6000

// readEmbeds reads at most ten embeds with at most 6,000 characters in total.
func readEmbeds(f *form) []map[string]any {
	out, total := []map[string]any{}, 0
	text := func(o *form, name string, limit int) string {
		s := strings.TrimSpace(o.str(name, 0, limit))
		total += runes(s)
		return s
	}
	put := func(e map[string]any, name, v string) {
		if v != "" {
			e[name] = v
		}
	}
	for _, o := range f.objects("embeds", 0, 10) {
		e := map[string]any{"type": "rich"}
		put(e, "title", text(o, "title", 256))
		put(e, "description", text(o, "description", 4096))
		if o.given("url") {
			e["url"] = o.link(2048)
		}
		if o.given("color") {
			e["color"] = o.num("color", 0, 0xffffff)
		}
		if t := o.when("timestamp"); !t.IsZero() {
			e["timestamp"] = t.UTC().Format(time.RFC3339Nano)
		}
		for _, name := range []string{"image", "thumbnail"} {
			if p := o.object(name); p != nil && p.given("url") {
				u := p.link(2048)
				e[name] = map[string]any{"url": u, "proxy_url": u}
			}
		}
		if p := o.object("footer"); p != nil {
			footer := map[string]any{"text": text(p, "text", 2048)}
			put(footer, "icon_url", p.address("icon_url", 2048))
			e["footer"] = footer
		}
		if p := o.object("author"); p != nil && p.given("name") {
			author := map[string]any{"name": text(p, "name", 256)}
			put(author, "url", p.address("url", 2048))
			put(author, "icon_url", p.address("icon_url", 2048))
			e["author"] = author
		}
		fields := []map[string]any{}
		for _, p := range o.objects("fields", 0, 25) {
			p.required("name")
			p.required("value")
			fields = append(fields,
				map[string]any{
					"name": text(p, "name", 256), "value": text(p, "value", 1024), "inline": p.yes("inline"),
				})
		}
		if len(fields) > 0 {
			e["fields"] = fields
		}
		if len(e) == 1 {
			o.errs.at("description").add("BASE_TYPE_REQUIRED", "This field is required")
		}
		out = append(out, e)
	}
	if total > embedTotal {
		f.errs.at("embeds").add("MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of %d", embedTotal)
	}
	return out
}
