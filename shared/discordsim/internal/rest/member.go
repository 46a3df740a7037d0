package rest

import (
	"slices"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// target returns the member in the path.
func (c *call) target(g *world.Guild) (*world.Member, error) {
	m := g.Members[c.id("user")]
	if m == nil {
		if c.Users[c.id("user")] == nil {
			return nil, form.UnknownUser()
		}
		return nil, form.UnknownMember()
	}
	return m, nil
}

func getMember(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	m, err := c.target(g)
	if err != nil {
		return 0, nil, err
	}
	return 200, m.Wire(), nil
}

func listMembers(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	if c.app.Intents&world.IntentGuildMembers == 0 {
		return 0, nil, form.MissingAccess()
	}
	limit, err := c.query("limit", 1, 1, 1000)
	if err != nil {
		return 0, nil, err
	}
	after, err := c.queryID("after")
	if err != nil {
		return 0, nil, err
	}
	list := []world.WireMember{}
	for _, m := range g.SortedMembers() {
		if m.User.ID > after && len(list) < limit {
			list = append(list, m.Wire())
		}
	}
	return 200, list, nil
}

func searchMembers(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	limit, err := c.query("limit", 1, 1, 1000)
	if err != nil {
		return 0, nil, err
	}
	prefix := strings.ToLower(c.r.URL.Query().Get("query"))
	if prefix == "" {
		return 0, nil, form.Invalid("query", "BASE_TYPE_REQUIRED", "This field is required")
	}
	list := []world.WireMember{}
	for _, m := range g.SortedMembers() {
		if len(list) < limit && m.Matches(prefix) {
			list = append(list, m.Wire())
		}
	}
	return 200, list, nil
}

// addGuildMember is guilds.join: it adds a user who granted that scope to a guild in which the bot may create invites.
func addGuildMember(c *call) (int, any, error) {
	g, bot, err := c.guildWith(world.PermCreateInstantInvite)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.Required("access_token")
	token, nick, roles := f.Str("access_token", 1, 10240), f.Str("nick", 0, 32), f.IDs("roles", 250)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	id := c.id("user")
	if !c.MayAddMember(token, id, c.app.ID) {
		return 0, nil, form.Fail(403, 50025, "Invalid OAuth2 access token provided")
	}
	if _, banned := g.Bans[id]; banned {
		return 0, nil, form.Fail(403, 40007, "The user is banned from this guild.")
	}
	if g.Members[id] != nil {
		return noContent()
	}
	have := c.BasePerms(g, bot)
	if nick != "" && !have.Has(world.PermManageNicknames) || len(roles) > 0 && !have.Has(world.PermManageRoles) ||
		f.Yes("mute") && !have.Has(world.PermMuteMembers) || f.Yes("deaf") && !have.Has(world.PermDeafenMembers) {
		return 0, nil, form.MissingPermissions()
	}
	for _, r := range roles {
		if g.Roles[r] == nil {
			return 0, nil, form.UnknownRole()
		}
		if !g.AboveRole(bot, g.Roles[r]) {
			return 0, nil, form.MissingPermissions()
		}
	}
	m := c.AddMember(g, c.Users[id], nick, roles)
	m.Mute, m.Deaf = f.Yes("mute"), f.Yes("deaf")
	return 201, m.Wire(), nil
}

func updateMember(c *call) (int, any, error) {
	g, bot, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	m, err := c.target(g)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	e := memberEdit{c: c, f: f, g: g, bot: bot, m: m, draft: *m}
	for _, step := range []func() error{e.nick, e.roles, e.mute, e.timeout, e.voice} {
		if err := step(); err != nil {
			return 0, nil, err
		}
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	e.apply()
	return 200, m.Wire(), nil
}

// memberEdit is one PATCH of a member: each step checks one of its fields and records the change;
// nothing changes before all are valid.
type memberEdit struct {
	c            *call
	f            *form.Form
	g            *world.Guild
	bot, m       *world.Member
	draft        world.Member
	changes      []world.Change
	moveTo       *world.Channel
	disconnect   bool
	rolesChanged bool
}

func (e *memberEdit) may(p world.Permissions, ranked bool) error {
	if !e.c.BasePerms(e.g, e.bot).Has(p) || ranked && e.m != e.bot && !e.g.Outranks(e.bot, e.m) {
		return form.MissingPermissions()
	}
	return nil
}

func (e *memberEdit) nick() error {
	if !e.f.Has("nick") {
		return nil
	}
	need := world.PermManageNicknames
	if e.m == e.bot {
		need = world.PermChangeNickname
	}
	if err := e.may(need, true); err != nil {
		return err
	}
	e.draft.Nick = strings.TrimSpace(e.f.Str("nick", 0, 32))
	if e.draft.Nick != e.m.Nick {
		e.changes = append(e.changes, world.Change{Key: "nick", Old: e.m.Nick, New: e.draft.Nick})
	}
	return nil
}

func (e *memberEdit) roles() error {
	if !e.f.Given("roles") {
		return nil
	}
	if err := e.may(world.PermManageRoles, false); err != nil {
		return err
	}
	now := []world.ID{}
	for _, id := range e.f.IDs("roles", 250) {
		if e.g.Roles[id] == nil || id == e.g.ID {
			return form.UnknownRole()
		}
		if !slices.Contains(now, id) {
			now = append(now, id)
		}
	}
	for _, id := range append(slices.Clone(now), e.m.Roles...) {
		r := e.g.Roles[id]
		changed := slices.Contains(now, id) != e.m.Has(id)
		if changed && r != nil && (r.Managed || !e.g.AboveRole(e.bot, r)) {
			return form.MissingPermissions()
		}
		e.rolesChanged = e.rolesChanged || changed
	}
	e.draft.Roles = now
	return nil
}

func (e *memberEdit) mute() error {
	for name, p := range map[string]world.Permissions{"mute": world.PermMuteMembers, "deaf": world.PermDeafenMembers} {
		if !e.f.Given(name) {
			continue
		}
		if err := e.may(p, false); err != nil {
			return err
		}
		if e.g.Voice[e.m.User.ID] == nil {
			return form.NotInVoice()
		}
		field := &e.draft.Mute
		if name == "deaf" {
			field = &e.draft.Deaf
		}
		if v := e.f.Yes(name); v != *field {
			e.changes = append(e.changes, world.Change{Key: name, Old: *field, New: v})
			*field = v
		}
	}
	return nil
}

func (e *memberEdit) timeout() error {
	if !e.f.Has("communication_disabled_until") {
		return nil
	}
	if err := e.may(world.PermModerateMembers, true); err != nil {
		return err
	}
	if e.c.BasePerms(e.g, e.m).Has(world.PermAdministrator) {
		return form.MissingPermissions()
	}
	until := e.f.When("communication_disabled_until")
	if until.After(e.c.Now().Add(28 * 24 * time.Hour)) {
		e.f.Errs.At("communication_disabled_until").Add("COMMUNICATION_DISABLED_TOO_LONG",
			"Communication disabled until must be within 28 days.")
	}
	e.draft.Timeout = until
	e.changes = append(e.changes, world.Change{Key: "communication_disabled_until"})
	return nil
}

// voice moves a member or disconnects them. With Move Members, the user limit doesn't apply, nor
// whether the member could join on their own.
func (e *memberEdit) voice() error {
	if !e.f.Has("channel_id") {
		return nil
	}
	v := e.g.Voice[e.m.User.ID]
	if v == nil {
		if err := e.may(world.PermMoveMembers, false); err != nil {
			return err
		}
		return form.NotInVoice()
	}
	if from := e.g.Channels[v.Channel]; from != nil && !e.c.PermsIn(e.g, e.bot, from).Has(world.PermMoveMembers) {
		return form.MissingPermissions()
	}
	if e.f.IsNull("channel_id") {
		e.disconnect = true
		return nil
	}
	id := e.f.ID("channel_id")
	if err := e.f.Errs.Err(); err != nil {
		return err
	}
	to := e.g.Channels[id]
	switch {
	case to == nil:
		return form.UnknownChannel()
	case !to.Voice():
		return form.WrongChannelType()
	case !e.c.PermsIn(e.g, e.bot, to).Has(world.PermViewChannel):
		return form.MissingAccess()
	case !e.c.PermsIn(e.g, e.bot, to).Has(world.PermConnect | world.PermMoveMembers):
		return form.MissingPermissions()
	}
	e.moveTo = to
	return nil
}

func (e *memberEdit) apply() {
	id := e.m.User.ID
	*e.m = e.draft
	if len(e.changes) > 0 {
		e.c.audit(e.g, auditMemberUpdate, id, e.changes...)
	}
	if e.rolesChanged {
		e.c.audit(e.g, auditMemberRoles, id)
	}
	if len(e.changes) > 0 || e.rolesChanged {
		e.c.MemberEvent(e.g, e.m)
		if e.f.Has("nick") {
			e.c.CheckProfile(e.g, e.m)
		}
		if e.g.Voice[id] != nil && (e.f.Has("mute") || e.f.Has("deaf")) {
			e.c.VoiceEvent(e.g, e.m)
		}
	}
	switch old := e.g.Voice[id]; {
	case old == nil:
	case e.m.Timeout.After(e.c.Now()):
		e.c.Disconnect(e.g, e.m) // a timed out member is disconnected from voice
	case e.disconnect:
		e.c.Disconnect(e.g, e.m)
		e.c.audit(e.g, auditMemberDisconnect, 0)
	case e.moveTo != nil && old.Channel != e.moveTo.ID:
		e.c.Connect(e.g, e.m, e.c.Moved(e.g, e.m, *old, e.moveTo))
		e.c.audit(e.g, auditMemberMove, 0)
	}
}

func updateSelfMember(c *call) (int, any, error) {
	g, bot, err := c.guildWith(world.PermChangeNickname)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	nick := strings.TrimSpace(f.Str("nick", 0, 32))
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if f.Has("nick") && nick != bot.Nick {
		bot.Nick = nick
		c.MemberEvent(g, bot)
		c.CheckProfile(g, bot)
	}
	return 200, bot.Wire(), nil
}

func kickMember(c *call) (int, any, error) {
	g, bot, err := c.guildWith(world.PermKickMembers)
	if err != nil {
		return 0, nil, err
	}
	m, err := c.target(g)
	if err != nil {
		return 0, nil, err
	}
	if !g.Outranks(bot, m) {
		return 0, nil, form.MissingPermissions()
	}
	c.RemoveMember(g, m.User.ID)
	c.audit(g, auditMemberKick, m.User.ID)
	return noContent()
}

// changeMemberRole adds or removes a role.
func changeMemberRole(give bool) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		g, bot, err := c.guildWith(world.PermManageRoles)
		if err != nil {
			return 0, nil, err
		}
		m, err := c.target(g)
		if err != nil {
			return 0, nil, err
		}
		r := g.Roles[c.id("role")]
		if r == nil || r.ID == g.ID {
			return 0, nil, form.UnknownRole()
		}
		if r.Managed || !g.AboveRole(bot, r) {
			return 0, nil, form.MissingPermissions()
		}
		if m.Has(r.ID) != give {
			if give {
				m.Roles = append(slices.Clone(m.Roles), r.ID)
			} else {
				m.Roles = slices.DeleteFunc(slices.Clone(m.Roles), func(id world.ID) bool { return id == r.ID })
			}
			c.MemberEvent(g, m)
			c.audit(g, auditMemberRoles, m.User.ID)
		}
		return noContent()
	}
}
