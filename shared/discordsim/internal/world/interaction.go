package world

import (
	"time"

	"snug/shared/discordsim/internal/world/form"
)

// Types of interactions and of their first responses ("Receiving and Responding").
const (
	ActCommand      = 2
	ActComponent    = 3
	ActAutocomplete = 4
	ActModal        = 5

	AnswerMessage       = 4
	AnswerDefer         = 5
	AnswerDeferUpdate   = 6
	AnswerUpdate        = 7
	AnswerAutocomplete  = 8
	AnswerModal         = 9
	ErrApplicationQuiet = "The application did not respond"
)

// Interaction is an act of a user that an application responds to. ID, Token, App, User and what it is about
// never change; the rest belongs to the state. The channels are closed in an Update, by whoever is first.
type Interaction struct {
	ID      ID
	Token   string
	App     *Application
	Kind    int // one of ActCommand and the following
	User    *User
	Guild   ID // 0 in a direct message
	Channel ID
	Name    string       // the command's name, or the component's or modal's custom id
	Target  ID           // of a user or message command
	Data    any          // the interaction's data, as it was sent
	Message *Message     // whose component was used, or that opened the modal
	Trigger *Interaction // the interaction whose modal this submits
	created time.Time

	First    chan struct{} // the first response has arrived, or won't
	Settled  chan struct{} // a deferred response has arrived
	Touched  chan struct{} // a deferred update was followed by an edit or a follow-up
	Answered bool          // the first response has arrived
	Failed   bool          // it won't arrive any more
	Answer   int           // the type of the first response
	Private  bool          // the first response is ephemeral
	Loading  bool          // deferred, and not yet followed by a message
	Original *Message      // the message of the first response
	Last     *Message      // the most recent one
	Modal    *ModalForm
	Choices  []optionChoice // of an autocompletion
}

// ModalForm is a modal that a user has open.
type ModalForm struct {
	CustomID   string
	Title      string
	Components []Component
	From       *Interaction // the interaction that opened it
}

// NewInteraction makes and stores one. The caller sends it.
func (s *State) NewInteraction(kind int, app *Application, u *User, guild, channel ID) *Interaction {
	a := &Interaction{ID: s.NextID(), App: app, Kind: kind, User: u, Guild: guild, Channel: channel, created: s.Now(),
		First: make(chan struct{}), Settled: make(chan struct{}), Touched: make(chan struct{})}
	a.Token = "aW50ZXJhY3Rpb246" + s.Secret(48)
	s.Acts[a.ID], s.ActTokens[a.Token] = a, a
	s.sweepInteractions()
	s.See(u)
	return a
}

// sweepInteractions removes those whose token has expired.
func (s *State) sweepInteractions() {
	if len(s.Acts) < 256 {
		return
	}
	for id, a := range s.Acts {
		if s.Now().Sub(a.created) > s.Opts.TokenLife {
			delete(s.Acts, id)
			delete(s.ActTokens, a.Token)
		}
	}
}

// CloseOnce closes a channel, if it isn't closed yet. It is called in an Update.
func CloseOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// Fail ends the waiting for the first response, unless there is one.
func (s *State) Fail(a *Interaction) {
	a.Failed = a.Failed || !a.Answered
	CloseOnce(a.First)
	s.Watcher.Answered(a)
}

// FailOpenInteractions ends the waiting for responses.
func (s *State) FailOpenInteractions() {
	for _, a := range s.Acts {
		a.Failed = a.Failed || !a.Answered
		CloseOnce(a.First)
		CloseOnce(a.Settled)
		CloseOnce(a.Touched)
	}
}

// Send hands an interaction to the application: to its endpoint or, without one, to its session for the shard. It's
// one or the other ("Receiving an Interaction").
func (s *State) Send(a *Interaction) {
	if a.App.Endpoint != "" {
		s.poster.Post(a, form.Marshal(s.wireInteraction(a)))
		return
	}
	e := Event{Name: "INTERACTION_CREATE", App: a.App, User: a.User.ID, Data: s.wireInteraction(a)}
	if a.Guild != 0 {
		e.Guild = s.Guilds[a.Guild]
	}
	s.Dispatch(e)
}

type wireInteraction struct {
	ID           ID                `json:"id"`
	App          ID                `json:"application_id"`
	Type         int               `json:"type"`
	Data         any               `json:"data"`
	Guild        map[string]any    `json:"guild,omitempty"`
	GuildID      *ID               `json:"guild_id,omitempty"`
	Channel      any               `json:"channel"`
	ChannelID    ID                `json:"channel_id"`
	Member       *WireMember       `json:"member,omitempty"`
	User         *WireUser         `json:"user,omitempty"`
	Token        string            `json:"token"`
	Version      int               `json:"version"`
	Message      *WireMessage      `json:"message,omitempty"`
	Permissions  Permissions       `json:"app_permissions"`
	Locale       string            `json:"locale"`
	GuildLocale  string            `json:"guild_locale,omitempty"`
	Entitlements []WireEntitlement `json:"entitlements"`
	SKUs         []ID              `json:"entitlement_sku_ids"`
	Owners       map[string]ID     `json:"authorizing_integration_owners"`
	Context      int               `json:"context"`
	Limit        int               `json:"attachment_size_limit"`
}

func (s *State) wireInteraction(a *Interaction) wireInteraction {
	w := wireInteraction{ID: a.ID, App: a.App.ID, Type: a.Kind, Data: a.Data, ChannelID: a.Channel, Token: a.Token,
		Version: 1, Locale: a.User.Locale, Entitlements: s.entitled(a.App, a.User.ID, a.Guild), SKUs: []ID{},
		Owners: a.owners(), Limit: 10 << 20}
	for _, e := range w.Entitlements {
		w.SKUs = append(w.SKUs, e.SKU)
	}
	ch := s.Channels[a.Channel]
	if a.Message != nil {
		m := s.WireMessage(a.Message, a.User.ID)
		w.Message = &m
	}
	g := s.Guilds[a.Guild]
	if g == nil {
		u := a.User.Wire()
		w.User, w.Context = &u, 1
		if ch != nil {
			w.Channel = s.WireDMFor(ch, a.App.ID)
		}
		w.Permissions = PermSendMessages | PermEmbedLinks | PermAttachFiles | PermReadMessageHistory |
			PermMentionEveryone
		return w
	}
	m := g.Members[a.User.ID]
	w.GuildID, w.GuildLocale = &g.ID, g.Locale
	w.Guild = map[string]any{"id": g.ID, "locale": g.Locale, "features": []string{}}
	wm := m.Wire()
	p := s.BasePerms(g, m)
	if ch != nil {
		p = s.PermsIn(g, m, ch)
		cw := ch.Wire()
		cw.Permissions = &p
		w.Channel = cw
		w.Permissions = s.PermsIn(g, g.Members[a.App.ID], ch)
	}
	wm.Permissions = &p
	w.Member = &wm
	return w
}

// owners returns for whom the application is installed: the guild.
func (a *Interaction) owners() map[string]ID { return map[string]ID{"0": a.Guild} }

// metadata is what a message contains about the interaction it responds to.
func (a *Interaction) metadata() map[string]any {
	m := map[string]any{"id": a.ID, "type": a.Kind, "user": a.User.Wire(), "authorizing_integration_owners": a.owners()}
	if a.Kind == ActCommand {
		m["name"] = a.Name
		m["command_type"] = CommandChat
	}
	if a.Target != 0 {
		m["command_type"] = CommandUser
	}
	switch {
	case a.Kind == ActComponent && a.Message != nil:
		m["interacted_message_id"] = a.Message.ID
	case a.Kind == ActModal && a.Trigger != nil:
		m["triggering_interaction_metadata"] = a.Trigger.metadata()
	}
	return m
}

// oldMetadata is the older form that libraries still read; only commands have it.
func (a *Interaction) oldMetadata() map[string]any {
	if a.Kind != ActCommand {
		return nil
	}
	return map[string]any{"id": a.ID, "type": a.Kind, "name": a.Name, "user": a.User.Wire()}
}

// Alive reports whether the interaction's token is still valid.
func (s *State) Alive(a *Interaction) bool { return s.Now().Sub(a.created) < s.Opts.TokenLife }

// ModalKey identifies an open modal.
func ModalKey(user ID, customID string) string { return user.String() + "/" + customID }
