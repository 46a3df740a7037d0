package discordsim

import (
	"slices"
	"strings"
	"time"
)

// target returns the member in the path.
func (c *call) target(g *guild) (*member, error) {
	m := g.members[c.id("user")]
	if m == nil {
		if c.users[c.id("user")] == nil {
			return nil, errUnknownUser()
		}
		return nil, errUnknownMember()
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
	return 200, m.wire(), nil
}

func listMembers(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	if c.app.intents&IntentGuildMembers == 0 {
		return 0, nil, errMissingAccess()
	}
	limit, err := c.query("limit", 1, 1, 1000)
	if err != nil {
		return 0, nil, err
	}
	after, err := c.queryID("after")
	if err != nil {
		return 0, nil, err
	}
	list := []wireMember{}
	for _, m := range g.sortedMembers() {
		if m.user.id > after && len(list) < limit {
			list = append(list, m.wire())
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
		return 0, nil, invalid("query", "BASE_TYPE_REQUIRED", "This field is required")
	}
	list := []wireMember{}
	for _, m := range g.sortedMembers() {
		if len(list) < limit && m.matches(prefix) {
			list = append(list, m.wire())
		}
	}
	return 200, list, nil
}

// addGuildMember is guilds.join: it adds a user who granted that scope to a guild in which the bot may create invites.
func addGuildMember(c *call) (int, any, error) {
	g, bot, err := c.guildWith(PermCreateInstantInvite)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.required("access_token")
	token, nick, roles := f.str("access_token", 1, 10240), f.str("nick", 0, 32), f.ids("roles", 250)
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	id := c.id("user")
	if !c.mayAddMember(token, id, c.app.id) {
		return 0, nil, fail(403, 50025, "Invalid OAuth2 access token provided")
	}
	if _, banned := g.bans[id]; banned {
		return 0, nil, fail(403, 40007, "The user is banned from this guild.")
	}
	if g.members[id] != nil {
		return noContent()
	}
	have := c.basePerms(g, bot)
	if nick != "" && !have.Has(PermManageNicknames) || len(roles) > 0 && !have.Has(PermManageRoles) ||
		f.yes("mute") && !have.Has(PermMuteMembers) || f.yes("deaf") && !have.Has(PermDeafenMembers) {
		return 0, nil, errMissingPermissions()
	}
	for _, r := range roles {
		if g.roles[r] == nil {
			return 0, nil, errUnknownRole()
		}
		if !g.aboveRole(bot, g.roles[r]) {
			return 0, nil, errMissingPermissions()
		}
	}
	m := c.addMember(g, c.users[id], nick, roles)
	m.mute, m.deaf = f.yes("mute"), f.yes("deaf")
	return 201, m.wire(), nil
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
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	e.apply()
	return 200, m.wire(), nil
}

// memberEdit is one PATCH of a member: each step checks one of its fields and records the change;
// nothing changes before all are valid.
type memberEdit struct {
	c            *call
	f            *form
	g            *guild
	bot, m       *member
	draft        member
	changes      []change
	moveTo       *channel
	disconnect   bool
	rolesChanged bool
}

func (e *memberEdit) may(p Permissions, ranked bool) error {
	if !e.c.basePerms(e.g, e.bot).Has(p) || ranked && e.m != e.bot && !e.g.outranks(e.bot, e.m) {
		return errMissingPermissions()
	}
	return nil
}

func (e *memberEdit) nick() error {
	if !e.f.has("nick") {
		return nil
	}
	need := PermManageNicknames
	if e.m == e.bot {
		need = PermChangeNickname
	}
	if err := e.may(need, true); err != nil {
		return err
	}
	e.draft.nick = strings.TrimSpace(e.f.str("nick", 0, 32))
	if e.draft.nick != e.m.nick {
		e.changes = append(e.changes, change{"nick", e.m.nick, e.draft.nick})
	}
	return nil
}

func (e *memberEdit) roles() error {
	if !e.f.given("roles") {
		return nil
	}
	if err := e.may(PermManageRoles, false); err != nil {
		return err
	}
	now := []ID{}
	for _, id := range e.f.ids("roles", 250) {
		if e.g.roles[id] == nil || id == e.g.id {
			return errUnknownRole()
		}
		if !slices.Contains(now, id) {
			now = append(now, id)
		}
	}
	for _, id := range append(slices.Clone(now), e.m.roles...) {
		r := e.g.roles[id]
		changed := slices.Contains(now, id) != e.m.has(id)
		if changed && r != nil && (r.managed || !e.g.aboveRole(e.bot, r)) {
			return errMissingPermissions()
		}
		e.rolesChanged = e.rolesChanged || changed
	}
	e.draft.roles = now
	return nil
}

func (e *memberEdit) mute() error {
	for name, p := range map[string]Permissions{"mute": PermMuteMembers, "deaf": PermDeafenMembers} {
		if !e.f.given(name) {
			continue
		}
		if err := e.may(p, false); err != nil {
			return err
		}
		if e.g.voice[e.m.user.id] == nil {
			return errNotInVoice()
		}
		field := &e.draft.mute
		if name == "deaf" {
			field = &e.draft.deaf
		}
		if v := e.f.yes(name); v != *field {
			e.changes = append(e.changes, change{name, *field, v})
			*field = v
		}
	}
	return nil
}

func (e *memberEdit) timeout() error {
	if !e.f.has("communication_disabled_until") {
		return nil
	}
	if err := e.may(PermModerateMembers, true); err != nil {
		return err
	}
	if e.c.basePerms(e.g, e.m).Has(PermAdministrator) {
		return errMissingPermissions()
	}
	until := e.f.when("communication_disabled_until")
	if until.After(e.c.now().Add(28 * 24 * time.Hour)) {
		e.f.errs.at("communication_disabled_until").add("COMMUNICATION_DISABLED_TOO_LONG",
			"Communication disabled until must be within 28 days.")
	}
	e.draft.timeout = until
	e.changes = append(e.changes, change{Key: "communication_disabled_until"})
	return nil
}

// voice moves a member or disconnects them. With Move Members, the user limit doesn't apply, nor
// whether the member could join on their own.
func (e *memberEdit) voice() error {
	if !e.f.has("channel_id") {
		return nil
	}
	v := e.g.voice[e.m.user.id]
	if v == nil {
		if err := e.may(PermMoveMembers, false); err != nil {
			return err
		}
		return errNotInVoice()
	}
	if from := e.g.channels[v.channel]; from != nil && !e.c.permsIn(e.g, e.bot, from).Has(PermMoveMembers) {
		return errMissingPermissions()
	}
	if e.f.isNull("channel_id") {
		e.disconnect = true
		return nil
	}
	id := e.f.id("channel_id")
	if err := e.f.errs.err(); err != nil {
		return err
	}
	to := e.g.channels[id]
	switch {
	case to == nil:
		return errUnknownChannel()
	case !to.voice():
		return errWrongChannelType()
	case !e.c.permsIn(e.g, e.bot, to).Has(PermViewChannel):
		return errMissingAccess()
	case !e.c.permsIn(e.g, e.bot, to).Has(PermConnect | PermMoveMembers):
		return errMissingPermissions()
	}
	e.moveTo = to
	return nil
}

func (e *memberEdit) apply() {
	id := e.m.user.id
	*e.m = e.draft
	if len(e.changes) > 0 {
		e.c.audit(e.g, auditMemberUpdate, id, e.changes...)
	}
	if e.rolesChanged {
		e.c.audit(e.g, auditMemberRoles, id)
	}
	if len(e.changes) > 0 || e.rolesChanged {
		e.c.memberEvent(e.g, e.m)
		if e.g.voice[id] != nil && (e.f.has("mute") || e.f.has("deaf")) {
			e.c.voiceEvent(e.g, e.m)
		}
	}
	switch old := e.g.voice[id]; {
	case old == nil:
	case e.m.timeout.After(e.c.now()):
		e.c.disconnect(e.g, e.m) // a timed out member is disconnected from voice
	case e.disconnect:
		e.c.disconnect(e.g, e.m)
		e.c.audit(e.g, auditMemberDisconnect, 0)
	case e.moveTo != nil && old.channel != e.moveTo.id:
		v := *old
		v.channel, v.selfStream, v.selfVideo = e.moveTo.id, false, false
		v.suppress = !e.c.permsIn(e.g, e.m, e.moveTo).Has(PermSpeak)
		e.c.connect(e.g, e.m, v)
		e.c.audit(e.g, auditMemberMove, 0)
	}
}

func updateSelfMember(c *call) (int, any, error) {
	g, bot, err := c.guildWith(PermChangeNickname)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	nick := strings.TrimSpace(f.str("nick", 0, 32))
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	if f.has("nick") && nick != bot.nick {
		bot.nick = nick
		c.memberEvent(g, bot)
	}
	return 200, bot.wire(), nil
}

func kickMember(c *call) (int, any, error) {
	g, bot, err := c.guildWith(PermKickMembers)
	if err != nil {
		return 0, nil, err
	}
	m, err := c.target(g)
	if err != nil {
		return 0, nil, err
	}
	if !g.outranks(bot, m) {
		return 0, nil, errMissingPermissions()
	}
	c.removeMember(g, m.user.id)
	c.audit(g, auditMemberKick, m.user.id)
	return noContent()
}

// changeMemberRole adds or removes a role.
func changeMemberRole(give bool) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		g, bot, err := c.guildWith(PermManageRoles)
		if err != nil {
			return 0, nil, err
		}
		m, err := c.target(g)
		if err != nil {
			return 0, nil, err
		}
		r := g.roles[c.id("role")]
		if r == nil || r.id == g.id {
			return 0, nil, errUnknownRole()
		}
		if r.managed || !g.aboveRole(bot, r) {
			return 0, nil, errMissingPermissions()
		}
		if m.has(r.id) != give {
			if give {
				m.roles = append(slices.Clone(m.roles), r.id)
			} else {
				m.roles = slices.DeleteFunc(slices.Clone(m.roles), func(id ID) bool { return id == r.id })
			}
			c.memberEvent(g, m)
			c.audit(g, auditMemberRoles, m.user.id)
		}
		return noContent()
	}
}
