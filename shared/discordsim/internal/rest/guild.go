package rest

import (
	"math"
	"slices"
	"strconv"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

func getGuild(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	w := g.Wire()
	if c.queryYes("with_counts") {
		n := len(g.Members)
		w.ApproximateMembers, w.ApproximatePresences = &n, &n
	}
	return 200, w, nil
}

func updateGuild(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermManageGuild)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := *g
	if f.Given("name") {
		draft.Name = f.Str("name", 2, 100)
	}
	if f.Has("description") {
		draft.Description = f.Str("description", 0, 300)
	}
	if f.Given("preferred_locale") {
		draft.Locale = f.Str("preferred_locale", 2, 5)
	}
	if f.Given("verification_level") {
		draft.Verify = f.Choice("verification_level", 0, 1, 2, 3, 4)
	}
	if f.Given("afk_timeout") {
		draft.AFKTimeout = f.Choice("afk_timeout", 60, 300, 900, 1800, 3600)
	}
	if f.Has("afk_channel_id") {
		draft.AFK = f.ID("afk_channel_id")
		if ch := g.Channels[draft.AFK]; draft.AFK != 0 && (ch == nil || ch.Kind != world.ChannelVoice) {
			f.Errs.At("afk_channel_id").Add("CHANNEL_INVALID", "Not a voice channel of this guild")
		}
	}
	if f.Has("system_channel_id") {
		draft.System = f.ID("system_channel_id")
		if ch := g.Channels[draft.System]; draft.System != 0 && (ch == nil || ch.Kind != world.ChannelText) {
			f.Errs.At("system_channel_id").Add("CHANNEL_INVALID", "Not a text channel of this guild")
		}
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	old := g.Name
	*g = draft
	c.GuildEvent(g)
	c.audit(g, auditGuildUpdate, g.ID, world.Change{Key: "name", Old: old, New: g.Name})
	return 200, g.Wire(), nil
}

func getGuildPreview(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	w := g.Wire()
	return 200, map[string]any{"id": w.ID, "name": w.Name, "icon": w.Icon, "description": w.Description,
		"home_header": nil, "splash": nil, "discovery_splash": nil, "features": w.Features,
		"approximate_member_count": len(g.Members), "approximate_presence_count": len(g.Members),
		"emojis": w.Emojis, "stickers": w.Stickers}, nil
}

// emptyOfGuild returns an empty result for objects that the simulator's guilds don't have.
func emptyOfGuild(v any) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		if _, _, err := c.guild(); err != nil {
			return 0, nil, err
		}
		return 200, v, nil
	}
}

func getRoles(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	return 200, g.Wire().Roles, nil
}

func getRole(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	r := g.Roles[c.id("role")]
	if r == nil {
		return 0, nil, form.UnknownRole()
	}
	return 200, r.Wire(), nil
}

func countRoles(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	counts := map[string]int{}
	for _, m := range g.Members {
		for _, r := range m.Roles {
			counts[r.String()]++
		}
	}
	return 200, counts, nil
}

func createRole(c *call) (int, any, error) {
	g, bot, err := c.guildWith(world.PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := world.Role{Name: "new role", Permissions: g.Roles[g.ID].Permissions}
	readRole(f, &draft)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if len(g.Roles) >= c.Opts.Limits.Roles {
		return 0, nil, form.Fail(400, 30005,
			"Maximum number of guild roles reached ("+strconv.Itoa(c.Opts.Limits.Roles)+")")
	}
	if f.Given("permissions") && draft.Permissions&^c.BasePerms(g, bot) != 0 {
		return 0, nil, form.MissingPermissions()
	}
	r := c.NewRole(g, draft.Name, draft.Permissions, 1)
	r.Color, r.Hoist, r.Mentionable = draft.Color, draft.Hoist, draft.Mentionable
	for _, other := range g.Roles {
		if other != r && other.Position >= 1 {
			other.Position++
		}
	}
	c.RoleEvent(g, "GUILD_ROLE_CREATE", r)
	c.audit(g, auditRoleCreate, r.ID, world.Change{Key: "name", Old: nil, New: r.Name})
	return 200, r.Wire(), nil
}

func readRole(f *form.Form, r *world.Role) {
	if f.Given("name") {
		r.Name = f.Str("name", 1, 100)
	}
	if f.Given("permissions") {
		r.Permissions = world.ReadPermissions(f, "permissions")
	}
	if f.Given("color") {
		r.Color = f.Num("color", 0, 0xffffff)
	}
	if cs := f.Object("colors"); cs != nil && cs.Given("primary_color") {
		r.Color = cs.Num("primary_color", 0, 0xffffff)
	}
	if f.Given("hoist") {
		r.Hoist = f.Yes("hoist")
	}
	if f.Given("mentionable") {
		r.Mentionable = f.Yes("mentionable")
	}
}

func updateRole(c *call) (int, any, error) {
	g, bot, err := c.guildWith(world.PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	r := g.Roles[c.id("role")]
	if r == nil {
		return 0, nil, form.UnknownRole()
	}
	if !g.AboveRole(bot, r) {
		return 0, nil, form.MissingPermissions()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := *r
	readRole(f, &draft)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if (draft.Permissions^r.Permissions)&^c.BasePerms(g, bot) != 0 {
		return 0, nil, form.MissingPermissions()
	}
	old := r.Name
	*r = draft
	c.RoleEvent(g, "GUILD_ROLE_UPDATE", r)
	c.audit(g, auditRoleUpdate, r.ID, world.Change{Key: "name", Old: old, New: r.Name})
	return 200, r.Wire(), nil
}

// moveRoles changes the positions of roles below the bot's highest.
func moveRoles(c *call) (int, any, error) {
	g, bot, err := c.guildWith(world.PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	f, err := form.Parse([]byte(`{"roles":` + string(c.body) + `}`))
	if err != nil {
		return 0, nil, err
	}
	top, _ := g.TopRole(bot)
	moved := map[*world.Role]int{}
	for _, it := range f.Objects("roles", 0, 250) {
		r := g.Roles[it.ID("id")]
		if r == nil {
			return 0, nil, form.UnknownRole()
		}
		pos := it.Num("position", 0, math.MaxInt32)
		if !g.AboveRole(bot, r) || pos >= top {
			return 0, nil, form.MissingPermissions()
		}
		moved[r] = pos
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	for _, r := range g.SortedRoles() {
		if pos, ok := moved[r]; ok && pos != r.Position {
			r.Position = pos
			c.RoleEvent(g, "GUILD_ROLE_UPDATE", r)
		}
	}
	return 200, g.Wire().Roles, nil
}

func deleteRole(c *call) (int, any, error) {
	g, bot, err := c.guildWith(world.PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	r := g.Roles[c.id("role")]
	switch {
	case r == nil || r.ID == g.ID:
		return 0, nil, form.UnknownRole()
	case r.Managed:
		return 0, nil, form.Fail(400, 50028, "Invalid role")
	case !g.AboveRole(bot, r):
		return 0, nil, form.MissingPermissions()
	}
	c.RemoveRole(g, r.ID)
	c.audit(g, auditRoleDelete, r.ID, world.Change{Key: "name", Old: r.Name, New: nil})
	return noContent()
}

var voiceRegions = []string{"brazil", "hongkong", "india", "japan", "rotterdam", "singapore", "south-korea",
	"southafrica", "sydney", "us-central", "us-east", "us-south", "us-west"}

func getRegions(c *call) (int, any, error) {
	type region struct {
		ID         string `json:"id"`
		Name       string `json:"name"`
		Custom     bool   `json:"custom"`
		Deprecated bool   `json:"deprecated"`
		Optimal    bool   `json:"optimal"`
	}
	list := []region{}
	for _, r := range voiceRegions {
		list = append(list, region{ID: r, Name: r, Optimal: r == "rotterdam"})
	}
	return 200, list, nil
}

func leaveGuild(c *call) (int, any, error) {
	g, m, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	if g.Owner == m.User.ID {
		return 0, nil, form.MissingPermissions()
	}
	c.RemoveMember(g, c.me().ID)
	return noContent()
}

// myGuilds lists the guilds of a bot or, with the scope guilds, of a user.
func myGuilds(c *call) (int, any, error) {
	limit, before, after, err := c.page(200)
	if err != nil {
		return 0, nil, err
	}
	type myGuild struct {
		ID          world.ID          `json:"id"`
		Name        string            `json:"name"`
		Icon        *string           `json:"icon"`
		Banner      *string           `json:"banner"`
		Owner       bool              `json:"owner"`
		Permissions world.Permissions `json:"permissions"`
		Features    []string          `json:"features"`
		Members     *int              `json:"approximate_member_count,omitempty"`
		Presences   *int              `json:"approximate_presence_count,omitempty"`
	}
	me := c.me()
	list := []myGuild{}
	for _, id := range world.SortedIDs(c.Guilds) {
		g := c.Guilds[id]
		m := g.Members[me.ID]
		if m == nil || before != 0 && id >= before || id <= after {
			continue
		}
		w := myGuild{ID: id, Name: g.Name, Icon: world.Optional(g.Icon), Owner: g.Owner == me.ID,
			Permissions: c.BasePerms(g, m), Features: []string{}}
		if c.queryYes("with_counts") {
			n := len(g.Members)
			w.Members, w.Presences = &n, &n
		}
		list = append(list, w)
	}
	if len(list) > limit {
		if before != 0 {
			list = slices.Delete(list, 0, len(list)-limit)
		}
		list = list[:limit]
	}
	return 200, list, nil
}
