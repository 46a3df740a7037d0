package discordsim

import "time"

// Types of interactions and of their first responses ("Receiving and Responding").
const (
	actCommand      = 2
	actComponent    = 3
	actAutocomplete = 4
	actModal        = 5

	answerMessage       = 4
	answerDefer         = 5
	answerDeferUpdate   = 6
	answerUpdate        = 7
	answerAutocomplete  = 8
	answerModal         = 9
	errApplicationQuiet = "The application did not respond"
)

// interaction is an act of a user that an application responds to. id, token, app, user and what it is about
// never change; the rest belongs to the state. The channels are closed in an Update, by whoever is first.
type interaction struct {
	id      ID
	token   string
	app     *application
	kind    int
	user    *user
	guild   ID
	channel ID
	name    string
	target  ID
	data    any
	message *message // whose component was used, or that opened the modal
	trigger *interaction
	created time.Time

	first    chan struct{} // the first response has arrived, or won't
	settled  chan struct{} // a deferred response has arrived
	touched  chan struct{} // a deferred update was followed by an edit or a follow-up
	answered bool
	failed   bool
	answer   int
	private  bool // the first response is ephemeral
	loading  bool
	original *message
	last     *message // the most recent one
	modal    *modalForm
	choices  []optionChoice
}

// modalForm is a modal that a user has open.
type modalForm struct {
	customID   string
	title      string
	components []component
	from       *interaction
}

// newInteraction makes and stores one. The caller sends it.
func (s *state) newInteraction(kind int, app *application, u *user, guild, channel ID) *interaction {
	a := &interaction{id: s.nextID(), app: app, kind: kind, user: u, guild: guild, channel: channel, created: s.now(),
		first: make(chan struct{}), settled: make(chan struct{}), touched: make(chan struct{})}
	a.token = "aW50ZXJhY3Rpb246" + s.secret(48)
	s.acts[a.id], s.actTokens[a.token] = a, a
	s.sweepInteractions()
	return a
}

// sweepInteractions removes those whose token has expired.
func (s *state) sweepInteractions() {
	if len(s.acts) < 256 {
		return
	}
	for id, a := range s.acts {
		if s.now().Sub(a.created) > s.opts.TokenLife {
			delete(s.acts, id)
			delete(s.actTokens, a.token)
		}
	}
}

// closeOnce closes a channel, if it isn't closed yet. It is called in an Update.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// failOpenInteractions ends the waiting for responses.
func (s *state) failOpenInteractions() {
	for _, a := range s.acts {
		a.failed = a.failed || !a.answered
		closeOnce(a.first)
		closeOnce(a.settled)
		closeOnce(a.touched)
	}
}

// send dispatches an interaction to the application's session for its shard.
func (s *state) send(a *interaction) {
	e := event{name: "INTERACTION_CREATE", app: a.app, user: a.user.id, data: s.wireInteraction(a)}
	if a.guild != 0 {
		e.guild = s.guilds[a.guild]
	}
	s.dispatch(e)
}

type wireInteraction struct {
	ID           ID             `json:"id"`
	App          ID             `json:"application_id"`
	Type         int            `json:"type"`
	Data         any            `json:"data"`
	Guild        map[string]any `json:"guild,omitempty"`
	GuildID      *ID            `json:"guild_id,omitempty"`
	Channel      any            `json:"channel"`
	ChannelID    ID             `json:"channel_id"`
	Member       *wireMember    `json:"member,omitempty"`
	User         *wireUser      `json:"user,omitempty"`
	Token        string         `json:"token"`
	Version      int            `json:"version"`
	Message      *wireMessage   `json:"message,omitempty"`
	Permissions  Permissions    `json:"app_permissions"`
	Locale       string         `json:"locale"`
	GuildLocale  string         `json:"guild_locale,omitempty"`
	Entitlements []struct{}     `json:"entitlements"`
	SKUs         []struct{}     `json:"entitlement_sku_ids"`
	Owners       map[string]ID  `json:"authorizing_integration_owners"`
	Context      int            `json:"context"`
	Limit        int            `json:"attachment_size_limit"`
}

func (s *state) wireInteraction(a *interaction) wireInteraction {
	w := wireInteraction{ID: a.id, App: a.app.id, Type: a.kind, Data: a.data, ChannelID: a.channel, Token: a.token,
		Version: 1, Locale: a.user.locale, Entitlements: []struct{}{}, SKUs: []struct{}{}, Owners: a.owners(),
		Limit: 10 << 20}
	ch := s.channels[a.channel]
	if a.message != nil {
		m := s.wireMessage(a.message, a.user.id)
		w.Message = &m
	}
	g := s.guilds[a.guild]
	if g == nil {
		u := a.user.wire()
		w.User, w.Context = &u, 1
		if ch != nil {
			w.Channel = s.wireDMFor(ch, a.app.id)
		}
		w.Permissions = PermSendMessages | PermEmbedLinks | PermAttachFiles | PermReadMessageHistory |
			PermMentionEveryone
		return w
	}
	m := g.members[a.user.id]
	w.GuildID, w.GuildLocale = &g.id, g.locale
	w.Guild = map[string]any{"id": g.id, "locale": g.locale, "features": []string{}}
	wm := m.wire()
	p := s.basePerms(g, m)
	if ch != nil {
		p = s.permsIn(g, m, ch)
		cw := ch.wire()
		cw.Permissions = &p
		w.Channel = cw
		w.Permissions = s.permsIn(g, g.members[a.app.id], ch)
	}
	wm.Permissions = &p
	w.Member = &wm
	return w
}

// owners returns for whom the application is installed: the guild.
func (a *interaction) owners() map[string]ID { return map[string]ID{"0": a.guild} }

// metadata is what a message contains about the interaction it responds to.
func (a *interaction) metadata() map[string]any {
	m := map[string]any{"id": a.id, "type": a.kind, "user": a.user.wire(), "authorizing_integration_owners": a.owners()}
	if a.kind == actCommand {
		m["name"] = a.name
		m["command_type"] = commandChat
	}
	if a.target != 0 {
		m["command_type"] = commandUser
	}
	switch {
	case a.kind == actComponent && a.message != nil:
		m["interacted_message_id"] = a.message.id
	case a.kind == actModal && a.trigger != nil:
		m["triggering_interaction_metadata"] = a.trigger.metadata()
	}
	return m
}

// oldMetadata is the older form that libraries still read; only commands have it.
func (a *interaction) oldMetadata() map[string]any {
	if a.kind != actCommand {
		return nil
	}
	return map[string]any{"id": a.id, "type": a.kind, "name": a.name, "user": a.user.wire()}
}

// alive reports whether the interaction's token is still valid.
func (s *state) alive(a *interaction) bool { return s.now().Sub(a.created) < s.opts.TokenLife }

// modalKey identifies an open modal.
func modalKey(user ID, customID string) string { return user.String() + "/" + customID }
