package discordsim

import (
	"math"
	"slices"
	"strconv"
)

func getGuild(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	w := g.wire()
	if c.queryYes("with_counts") {
		n := len(g.members)
		w.ApproximateMembers, w.ApproximatePresences = &n, &n
	}
	return 200, w, nil
}

func updateGuild(c *call) (int, any, error) {
	g, _, err := c.guildWith(PermManageGuild)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := *g
	if f.given("name") {
		draft.name = f.str("name", 2, 100)
	}
	if f.has("description") {
		draft.description = f.str("description", 0, 300)
	}
	if f.given("preferred_locale") {
		draft.locale = f.str("preferred_locale", 2, 5)
	}
	if f.given("verification_level") {
		draft.verify = f.choice("verification_level", 0, 1, 2, 3, 4)
	}
	if f.given("afk_timeout") {
		draft.afkTimeout = f.choice("afk_timeout", 60, 300, 900, 1800, 3600)
	}
	if f.has("afk_channel_id") {
		draft.afk = f.id("afk_channel_id")
		if ch := g.channels[draft.afk]; draft.afk != 0 && (ch == nil || ch.kind != ChannelVoice) {
			f.errs.at("afk_channel_id").add("CHANNEL_INVALID", "Not a voice channel of this guild")
		}
	}
	if f.has("system_channel_id") {
		draft.system = f.id("system_channel_id")
		if ch := g.channels[draft.system]; draft.system != 0 && (ch == nil || ch.kind != ChannelText) {
			f.errs.at("system_channel_id").add("CHANNEL_INVALID", "Not a text channel of this guild")
		}
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	old := g.name
	*g = draft
	c.guildEvent(g)
	c.audit(g, auditGuildUpdate, g.id, change{"name", old, g.name})
	return 200, g.wire(), nil
}

func getGuildPreview(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	w := g.wire()
	return 200, map[string]any{"id": w.ID, "name": w.Name, "icon": w.Icon, "description": w.Description,
		"home_header": nil, "splash": nil, "discovery_splash": nil, "features": w.Features,
		"approximate_member_count": len(g.members), "approximate_presence_count": len(g.members),
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
	return 200, g.wire().Roles, nil
}

func getRole(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	r := g.roles[c.id("role")]
	if r == nil {
		return 0, nil, errUnknownRole()
	}
	return 200, r.wire(), nil
}

func countRoles(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	counts := map[string]int{}
	for _, m := range g.members {
		for _, r := range m.roles {
			counts[r.String()]++
		}
	}
	return 200, counts, nil
}

func createRole(c *call) (int, any, error) {
	g, bot, err := c.guildWith(PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := role{name: "new role", permissions: g.roles[g.id].permissions}
	readRole(f, &draft)
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	if len(g.roles) >= c.opts.Limits.Roles {
		return 0, nil, fail(400, 30005, "Maximum number of guild roles reached ("+strconv.Itoa(c.opts.Limits.Roles)+")")
	}
	if f.given("permissions") && draft.permissions&^c.basePerms(g, bot) != 0 {
		return 0, nil, errMissingPermissions()
	}
	r := c.newRole(g, draft.name, draft.permissions, 1)
	r.color, r.hoist, r.mentionable = draft.color, draft.hoist, draft.mentionable
	for _, other := range g.roles {
		if other != r && other.position >= 1 {
			other.position++
		}
	}
	c.roleEvent(g, "GUILD_ROLE_CREATE", r)
	c.audit(g, auditRoleCreate, r.id, change{"name", nil, r.name})
	return 200, r.wire(), nil
}

func readRole(f *form, r *role) {
	if f.given("name") {
		r.name = f.str("name", 1, 100)
	}
	if f.given("permissions") {
		r.permissions = readPermissions(f, "permissions")
	}
	if f.given("color") {
		r.color = f.num("color", 0, 0xffffff)
	}
	if cs := f.object("colors"); cs != nil && cs.given("primary_color") {
		r.color = cs.num("primary_color", 0, 0xffffff)
	}
	if f.given("hoist") {
		r.hoist = f.yes("hoist")
	}
	if f.given("mentionable") {
		r.mentionable = f.yes("mentionable")
	}
}

func updateRole(c *call) (int, any, error) {
	g, bot, err := c.guildWith(PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	r := g.roles[c.id("role")]
	if r == nil {
		return 0, nil, errUnknownRole()
	}
	if !g.aboveRole(bot, r) {
		return 0, nil, errMissingPermissions()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := *r
	readRole(f, &draft)
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	if (draft.permissions^r.permissions)&^c.basePerms(g, bot) != 0 {
		return 0, nil, errMissingPermissions()
	}
	old := r.name
	*r = draft
	c.roleEvent(g, "GUILD_ROLE_UPDATE", r)
	c.audit(g, auditRoleUpdate, r.id, change{"name", old, r.name})
	return 200, r.wire(), nil
}

// moveRoles changes the positions of roles below the bot's highest.
func moveRoles(c *call) (int, any, error) {
	g, bot, err := c.guildWith(PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	f, err := parseForm([]byte(`{"roles":` + string(c.body) + `}`))
	if err != nil {
		return 0, nil, err
	}
	top, _ := g.topRole(bot)
	moved := map[*role]int{}
	for _, it := range f.objects("roles", 0, 250) {
		r := g.roles[it.id("id")]
		if r == nil {
			return 0, nil, errUnknownRole()
		}
		pos := it.num("position", 0, math.MaxInt32)
		if !g.aboveRole(bot, r) || pos >= top {
			return 0, nil, errMissingPermissions()
		}
		moved[r] = pos
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	for _, r := range g.sortedRoles() {
		if pos, ok := moved[r]; ok && pos != r.position {
			r.position = pos
			c.roleEvent(g, "GUILD_ROLE_UPDATE", r)
		}
	}
	return 200, g.wire().Roles, nil
}

func deleteRole(c *call) (int, any, error) {
	g, bot, err := c.guildWith(PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	r := g.roles[c.id("role")]
	switch {
	case r == nil || r.id == g.id:
		return 0, nil, errUnknownRole()
	case r.managed:
		return 0, nil, fail(400, 50028, "Invalid role")
	case !g.aboveRole(bot, r):
		return 0, nil, errMissingPermissions()
	}
	c.removeRole(g, r.id)
	c.audit(g, auditRoleDelete, r.id, change{"name", r.name, nil})
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
	if g.owner == m.user.id {
		return 0, nil, errMissingPermissions()
	}
	c.removeMember(g, c.app.id)
	return noContent()
}

// myGuilds lists the guilds of a bot or, with the scope guilds, of a user.
func myGuilds(c *call) (int, any, error) {
	limit, err := c.query("limit", 200, 1, 200)
	if err != nil {
		return 0, nil, err
	}
	before, err := c.queryID("before")
	if err != nil {
		return 0, nil, err
	}
	after, err := c.queryID("after")
	if err != nil {
		return 0, nil, err
	}
	type myGuild struct {
		ID          ID          `json:"id"`
		Name        string      `json:"name"`
		Icon        *string     `json:"icon"`
		Banner      *string     `json:"banner"`
		Owner       bool        `json:"owner"`
		Permissions Permissions `json:"permissions"`
		Features    []string    `json:"features"`
		Members     *int        `json:"approximate_member_count,omitempty"`
		Presences   *int        `json:"approximate_presence_count,omitempty"`
	}
	me := c.me()
	list := []myGuild{}
	for _, id := range sortedIDs(c.guilds) {
		g := c.guilds[id]
		m := g.members[me.id]
		if m == nil || before != 0 && id >= before || id <= after {
			continue
		}
		w := myGuild{ID: id, Name: g.name, Icon: optional(g.icon), Owner: g.owner == me.id,
			Permissions: c.basePerms(g, m), Features: []string{}}
		if c.queryYes("with_counts") {
			n := len(g.members)
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
