package rest

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// Emojis of guilds and applications. https://docs.discord.com/developers/resources/emoji

const (
	emojiBytes  = 256 << 10
	expressions = world.PermCreateGuildExpressions | world.PermManageGuildExpressions
)

// emojiName is what names may be made of: a guess, after what Discord's client accepts.
var emojiName = regexp.MustCompile(`^\w+$`)

func readEmojiName(f *form.Form) string {
	name := f.Str("name", 2, 32)
	if f.Given("name") && !f.Errs.At("name").Bad() && !emojiName.MatchString(name) {
		f.Errs.At("name").Add("STRING_TYPE_REGEX", "String value did not match validation regex.")
	}
	return name
}

// readEmoji reads a new emoji. That every GIF is animated is a guess; other formats' pictures never are here.
func (c *call) readEmoji(f *form.Form) (*world.CustomEmoji, error) {
	f.Required("name")
	f.Required("image")
	e := &world.CustomEmoji{Name: readEmojiName(f), User: c.me().ID}
	image := picture(f, "image", "image/jpeg", "image/png", "image/gif", "image/webp", "image/avif")
	if err := f.Errs.Err(); err != nil {
		return nil, err
	}
	_, encoded, _ := strings.Cut(image, ",")
	if base64.StdEncoding.DecodedLen(len(strings.TrimRight(encoded, "="))) > emojiBytes {
		return nil, form.Fail(400, 0, "File cannot be larger than 256.0 kb.") // which has no code
	}
	e.Animated = strings.HasPrefix(image, "data:image/gif")
	e.ID = c.NextID()
	return e, nil
}

// readEmojiRoles reads who may use a guild's emoji. The error of a role that isn't there is a guess.
func readEmojiRoles(f *form.Form, g *world.Guild) ([]world.ID, error) {
	roles := f.IDs("roles", 1521)
	if err := f.Errs.Err(); err != nil {
		return nil, err
	}
	for _, id := range roles {
		if g.Roles[id] == nil {
			return nil, form.UnknownRole()
		}
	}
	return roles, nil
}

// showEmoji returns an emoji, with who made it if they may know.
func (c *call) showEmoji(w world.WireEmoji, e *world.CustomEmoji, whole bool) world.WireEmoji {
	if u := c.Users[e.User]; u != nil && whole {
		by := u.Wire()
		w.User = &by
	}
	return w
}

func (c *call) showGuildEmoji(g *world.Guild, e *world.CustomEmoji, whole bool) world.WireEmoji {
	list := g.WireEmojis()
	return c.showEmoji(list[slices.IndexFunc(list, func(w world.WireEmoji) bool { return w.ID == e.ID })], e, whole)
}

func listGuildEmojis(c *call) (int, any, error) {
	g, m, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	list := g.WireEmojis()
	for i, w := range list {
		list[i] = c.showEmoji(w, g.Emojis[w.ID], c.BasePerms(g, m)&expressions != 0)
	}
	return 200, list, nil
}

// guildEmoji finds the emoji in the path, and reports whether the caller may change it.
func (c *call) guildEmoji() (g *world.Guild, e *world.CustomEmoji, may bool, err error) {
	g, m, err := c.guild()
	if err != nil {
		return nil, nil, false, err
	}
	if e = g.Emojis[c.id("emoji")]; e == nil {
		return nil, nil, false, form.UnknownEmoji()
	}
	p := c.BasePerms(g, m)
	return g, e, p.Has(world.PermManageGuildExpressions) ||
		e.User == c.me().ID && p.Has(world.PermCreateGuildExpressions), nil
}

func getGuildEmoji(c *call) (int, any, error) {
	g, e, may, err := c.guildEmoji()
	if err != nil {
		return 0, nil, err
	}
	return 200, c.showGuildEmoji(g, e, may), nil
}

func createGuildEmoji(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermCreateGuildExpressions)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	e, err := c.readEmoji(f)
	if err != nil {
		return 0, nil, err
	}
	if e.Roles, err = readEmojiRoles(f, g); err != nil {
		return 0, nil, err
	}
	if g.EmojisLike(e.Animated) >= g.MaxEmojis() {
		if e.Animated {
			return 0, nil, form.Fail(400, 30018, "Maximum number of animated emojis reached")
		}
		return 0, nil, form.Fail(400, 30008, "Maximum number of emojis reached")
	}
	if g.Emojis == nil {
		g.Emojis = map[world.ID]*world.CustomEmoji{}
	}
	g.Emojis[e.ID] = e
	c.EmojisEvent(g)
	c.audit(g, auditEmojiCreate, e.ID, world.Change{Key: "name", New: e.Name})
	return 201, c.showGuildEmoji(g, e, true), nil
}

// managedEmoji is guildEmoji for who may change it.
func (c *call) managedEmoji() (*world.Guild, *world.CustomEmoji, error) {
	g, e, may, err := c.guildEmoji()
	if err == nil && !may {
		err = form.MissingPermissions()
	}
	return g, e, err
}

func updateGuildEmoji(c *call) (int, any, error) {
	g, e, err := c.managedEmoji()
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := *e
	if f.Given("name") {
		draft.Name = readEmojiName(f)
	}
	roles, err := readEmojiRoles(f, g)
	if err != nil {
		return 0, nil, err
	}
	if f.Has("roles") {
		draft.Roles = roles
	}
	old := e.Name
	*e = draft
	c.EmojisEvent(g)
	c.audit(g, auditEmojiUpdate, e.ID, world.Change{Key: "name", Old: old, New: e.Name})
	return 200, c.showGuildEmoji(g, e, true), nil
}

func deleteGuildEmoji(c *call) (int, any, error) {
	g, e, err := c.managedEmoji()
	if err != nil {
		return 0, nil, err
	}
	delete(g.Emojis, e.ID)
	c.EmojisEvent(g)
	c.audit(g, auditEmojiDelete, e.ID, world.Change{Key: "name", Old: e.Name})
	return noContent()
}

// ofOwnApp makes a route that only the application in the path may use.
func ofOwnApp(do func(*call) (int, any, error)) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		if c.id("app") != c.app.ID {
			return 0, nil, form.UnknownApplication()
		}
		return do(c)
	}
}

// ofAppEmoji makes a route of one of the application's emojis.
func ofAppEmoji(do func(*call, *world.CustomEmoji) (int, any, error)) func(*call) (int, any, error) {
	return ofOwnApp(func(c *call) (int, any, error) {
		e := c.app.Emojis[c.id("emoji")]
		if e == nil {
			return 0, nil, form.UnknownEmoji()
		}
		return do(c, e)
	})
}

func listAppEmojis(c *call) (int, any, error) {
	list := []world.WireEmoji{}
	for _, id := range world.SortedIDs(c.app.Emojis) {
		e := c.app.Emojis[id]
		list = append(list, c.showEmoji(e.Wire(), e, true))
	}
	return 200, map[string]any{"items": list}, nil
}

func getAppEmoji(c *call, e *world.CustomEmoji) (int, any, error) {
	return 200, c.showEmoji(e.Wire(), e, true), nil
}

func createAppEmoji(c *call) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	e, err := c.readEmoji(f)
	if err != nil {
		return 0, nil, err
	}
	if len(c.app.Emojis) >= world.AppEmojisMost {
		return 0, nil, form.Fail(400, 30008, "Maximum number of emojis reached") // the code is a guess
	}
	if c.app.Emojis == nil {
		c.app.Emojis = map[world.ID]*world.CustomEmoji{}
	}
	c.app.Emojis[e.ID] = e
	return 201, c.showEmoji(e.Wire(), e, true), nil
}

func updateAppEmoji(c *call, e *world.CustomEmoji) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	name := e.Name
	if f.Given("name") {
		name = readEmojiName(f)
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	e.Name = name
	return 200, c.showEmoji(e.Wire(), e, true), nil
}

func deleteAppEmoji(c *call, e *world.CustomEmoji) (int, any, error) {
	delete(c.app.Emojis, e.ID)
	return noContent()
}
