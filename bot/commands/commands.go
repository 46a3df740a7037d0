// Package commands is what people do with Snug inside Discord: slash commands
// and their suggestions, the menu on a person, buttons, menus and modals. A
// button does what a command does, by the same handler; the messages that Snug
// posts by itself, with buttons on them, are package panels'.
//
// Every answer is seen by its user alone, is in their language, mentions
// nobody, and names the next step when it refuses. Discord waits three
// seconds for the first answer: what needs a request is deferred first (a room
// opens meanwhile) and filled in later; modals and suggestions cannot be
// deferred and are answered from memory, never waiting for anything. What a button, menu or modal needs
// is in its custom id ([message.CustomID]), which is read as strictly as any other input
// of strangers, so that all of it works after a restart.
//
// Handlers run side by side, each in its own goroutine; Handle may be called
// from gateway listeners.
package commands

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/logs"
	"snug/bot/message"
	"snug/bot/ratelimit"
	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/preset"
	"snug/shared/text"
)

// answerTime bounds a command: an interaction's token lives 15 minutes, but nobody waits that long.
const answerTime = time.Minute

// firstAnswer bounds the first answer to an interaction, which Discord takes within three seconds.
const firstAnswer = 3 * time.Second

// Options of Commands. All are needed.
type Options struct {
	Rooms *rooms.Rooms
	Texts *text.Catalog
	Pages pages.Site
	// Standing gives the standing of a member as an interaction describes them.
	Standing func(discord.Member) access.Standing
	// Presets gives a person's presets, from memory.
	Presets func(user snowflake.ID) []preset.Preset
	// SavePreset and RemovePreset change them: hub.Hub's.
	SavePreset   func(ctx context.Context, user snowflake.ID, p preset.Preset, was string) ([]preset.Preset, error)
	RemovePreset func(ctx context.Context, user snowflake.ID, name string) ([]preset.Preset, error)
	Now          func() time.Time
	Log          *slog.Logger
	// Rest and Application answer interactions of an earlier process.
	Rest        rest.Interactions
	Application snowflake.ID
}

// Commands answers interactions.
type Commands struct {
	o          Options
	slash      map[string]command // by path, such as "/room rename"
	menus      map[string]handler // by name
	components map[string]component
	ctx        context.Context // ends when waiting for running handlers is given up
	end        context.CancelFunc
	wg         sync.WaitGroup

	ending chan struct{} // closed by Close

	mu         sync.Mutex // guards the following, so that nothing starts once Close waits
	closed     bool
	unfinished map[snowflake.ID]Unfinished
}

// New makes the commands.
func New(o Options) *Commands {
	c := &Commands{o: o, ending: make(chan struct{}), unfinished: map[snowflake.ID]Unfinished{}}
	c.ctx, c.end = context.WithCancel(context.Background())
	c.slash, c.menus, c.components = c.commandTable(), c.menuTable(), c.componentTable()
	return c
}

// Handle takes an interaction; it only starts a goroutine. After Close it does nothing.
func (c *Commands) Handle(e *events.InteractionCreate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	over := c.begins(e)
	c.wg.Go(func() {
		defer over()
		defer func() {
			if v := recover(); v != nil { // one defect must not end the rooms of everybody
				c.o.Log.ErrorContext(about(c.ctx, e), "a handler of interactions broke", "panic", v,
					"stack", string(debug.Stack()))
			}
		}()
		c.handle(e)
	})
}

// Close waits for running handlers, until ctx ends.
func (c *Commands) Close(ctx context.Context) {
	c.mu.Lock()
	if !c.closed {
		close(c.ending)
	}
	c.closed = true
	c.mu.Unlock()
	stop := context.AfterFunc(ctx, c.end)
	c.wg.Wait()
	stop()
	c.end()
}

// call is one interaction being answered.
type call struct {
	e       *events.InteractionCreate
	log     *slog.Logger
	id      string // the interaction's id: the same command twice is one
	guild   snowflake.ID
	channel snowflake.ID
	who     access.Standing
	actor   access.Actor
	t       text.Texts

	data   discord.SlashCommandInteractionData // of a slash command
	target snowflake.ID                        // of a menu command
	custom message.CustomID                    // of components and modals
	values []string                            // chosen in a menu
	people map[snowflake.ID]string             // display names that came with the interaction
	form   discord.ModalSubmitInteractionData
	// own says that the component is on an answer that its user alone sees, which may be replaced.
	own bool
}

// reply is an answer: a text and what stands below it.
type reply struct {
	text string
	rows []discord.LayoutComponent
}

type (
	// handler does what was asked for; it may take its time.
	handler func(context.Context, *call) (reply, error)
	// asker gives a modal to be shown at once, or false if nothing has to be asked. It must not wait.
	asker func(*call) (discord.ModalCreate, bool, error)
	// command is a slash command.
	command struct {
		run handler
		ask asker // nil: nothing is asked first
		// early: run begins while Discord is still acknowledging the interaction. Running it again for the same
		// interaction must do nothing.
		early bool
	}
	// component is a button, a menu or a modal by its action.
	component struct {
		run  handler
		ask  asker
		room bool // its custom id must name a room
		keep bool // the answer it stands on stays: there is a link in it that is needed yet
	}
)

func (c *Commands) handle(e *events.InteractionCreate) {
	switch i := e.Interaction.(type) {
	case discord.ApplicationCommandInteraction:
		c.handleCommand(e, i)
	case discord.AutocompleteInteraction:
		c.handleSuggest(e, i)
	case discord.ComponentInteraction:
		c.handleComponent(e, i)
	case discord.ModalSubmitInteraction:
		c.handleModal(e, i)
	}
}

func (c *Commands) handleCommand(e *events.InteractionCreate, i discord.ApplicationCommandInteraction) {
	q := c.call(e, "command", i.Data.CommandName())
	switch data := i.Data.(type) {
	case discord.SlashCommandInteractionData:
		q.data = data
		for id, m := range data.Resolved.Members {
			q.people[id] = m.EffectiveName()
		}
		path := data.CommandPath()
		q.log = q.log.With("command", path)
		if cmd, ok := c.slash[path]; ok {
			c.answer(q, cmd.ask, cmd.run, cmd.early)
			return
		}
	case discord.UserCommandInteractionData:
		q.target = data.TargetID()
		q.people[q.target] = data.TargetMember().EffectiveName()
		if run, ok := c.menus[data.CommandName()]; ok {
			c.answer(q, nil, run, false)
			return
		}
	}
	c.refuse(q,
		errs.E(errs.NotFound, "Snug no longer has this command. Reload Discord with Ctrl+R, then look again."))
}

func (c *Commands) handleComponent(e *events.InteractionCreate, i discord.ComponentInteraction) {
	q := c.call(e, "component", "")
	q.own = i.Message.Flags.Has(discord.MessageFlagEphemeral)
	switch data := i.Data.(type) {
	case discord.StringSelectMenuInteractionData:
		q.values = data.Values
	case discord.UserSelectMenuInteractionData:
		for _, id := range data.Values {
			q.values = append(q.values, id.String())
		}
		for id, m := range data.Resolved.Members {
			q.people[id] = m.EffectiveName()
		}
	}
	c.act(q, i.Data.CustomID())
}

func (c *Commands) handleModal(e *events.InteractionCreate, i discord.ModalSubmitInteraction) {
	q := c.call(e, "modal", "")
	q.form = i.Data
	q.own = i.Message != nil && i.Message.Flags.Has(discord.MessageFlagEphemeral)
	c.act(q, i.Data.CustomID)
}

// act does what a custom id says.
func (c *Commands) act(q *call, id string) {
	custom, ok := message.ParseCustomID(id)
	what := c.components[custom.Action]
	if !ok || what.run == nil && what.ask == nil || what.room && custom.Room == 0 || custom.Guild != q.guild {
		c.refuse(q,
			errs.E(errs.Invalid,
				"This button is from an older version of Snug. Use a command instead: type / to see them all."))
		return
	}
	q.custom = custom
	q.own = q.own && !what.keep
	q.log = q.log.With("action", custom.Action, "room_id", custom.Room)
	c.answer(q, what.ask, what.run, false)
}

// about has what is logged under a context say which interaction it is about.
func about(ctx context.Context, e *events.InteractionCreate) context.Context {
	attrs := []slog.Attr{slog.Any("interaction_id", e.ID()), slog.Any("user_id", e.User().ID)}
	if g := e.GuildID(); g != nil {
		attrs = append(attrs, slog.Any("guild_id", *g))
	}
	return logs.WithAttrs(ctx, attrs...)
}

// call reads who asks, where and in which language.
func (c *Commands) call(e *events.InteractionCreate, kind, name string) *call {
	q := &call{
		e: e, id: e.ID().String(), channel: e.Channel().ID(), t: c.o.Texts.For(e.Locale().Code()),
		people: map[snowflake.ID]string{},
		log:    c.o.Log.With("interaction_id", e.ID(), "user_id", e.User().ID, kind, name),
	}
	if m, g := e.Member(), e.GuildID(); m != nil && g != nil {
		q.guild, m.GuildID = *g, *g
		q.who = c.o.Standing(m.Member)
		q.actor = access.Actor{UserID: q.who.UserID, Via: access.ViaDiscord, Standing: &q.who}
		if !q.who.Pending { // whoever uses commands has accepted the server's rules
			c.o.Rooms.CheckArrivals(q.guild, q.who.UserID)
		}
		q.log = q.log.With("guild_id", q.guild)
	}
	return q
}

// answer asks what has to be asked, or does what was asked for: deferred, bounded, and every failure told.
// With early, it is done while Discord is still being told that the answer takes a moment.
func (c *Commands) answer(q *call, ask asker, run handler, early bool) {
	if q.guild == 0 {
		c.refuse(q, errs.E(errs.Invalid, "Rooms belong to servers. Use this command in a server that has Snug."))
		return
	}
	if ask != nil {
		m, ok, err := ask(q)
		switch {
		case err != nil:
			c.refuse(q, err)
			return
		case ok:
			c.first(q, discord.InteractionResponseTypeModal, m)
			return
		}
	}
	acknowledged := make(chan bool, 1)
	if early {
		c.wg.Go(func() { acknowledged <- c.deferred(q) })
	} else if !c.deferred(q) {
		return
	} else {
		acknowledged <- true
	}
	ctx, cancel := context.WithTimeout(about(c.ctx, q.e), answerTime)
	defer cancel()
	a, err := run(ctx, q)
	if !<-acknowledged { // or the interaction came twice
		if early && err == nil {
			q.log.Warn("a command was carried out, but its user could not be told")
		}
		return
	}
	if err != nil {
		if code := errs.CodeOf(err); code == errs.Internal || code == errs.MissingPermission ||
			code == errs.DiscordUnavailable {
			q.log.Warn("a command failed", "code", code, "err", err)
		}
		a = reply{text: message.Refusal(q.t, err)}
	}
	c.fill(ctx, q, a)
}

// deferred tells Discord that the answer takes a moment. On an answer of its
// own a component's user sees that answer replaced, else a new one.
func (c *Commands) deferred(q *call) bool {
	if q.own {
		return c.first(q, discord.InteractionResponseTypeDeferredUpdateMessage, nil)
	}
	return c.first(q, discord.InteractionResponseTypeDeferredCreateMessage,
		discord.MessageCreate{Flags: discord.MessageFlagEphemeral})
}

// first gives Discord the first answer. It fails for an interaction that came
// twice: only one answer is taken, and nothing is done twice. If that one came from a process that has died since,
// the interaction isn't left without an end.
func (c *Commands) first(q *call, kind discord.InteractionResponseType, data discord.InteractionResponseData) bool {
	ctx, cancel := context.WithTimeout(c.ctx, firstAnswer)
	defer cancel()
	if err := q.e.Respond(kind, data, rest.WithCtx(ctx)); err != nil {
		q.log.Warn("an interaction could not be acknowledged in time", "err", ratelimit.Clean(err))
		if u, ok := UnfinishedOf(q.e.Interaction); ok &&
			rest.IsJSONErrorCode(err, rest.JSONErrorCodeInteractionAlreadyAcknowledged) {
			c.Interrupted(u)
		}
		return false
	}
	return true
}

// fill gives the answer that was deferred.
func (c *Commands) fill(ctx context.Context, q *call, a reply) {
	if ctx.Err() != nil { // there is still time to say so
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(c.ctx, firstAnswer)
		defer cancel()
	}
	rows := a.rows
	if rows == nil {
		rows = []discord.LayoutComponent{} // what stood there before goes
	}
	text := message.Cut(a.text, message.MaxContent)
	m := discord.MessageUpdate{Content: &text, Components: &rows, AllowedMentions: &discord.AllowedMentions{}}
	err := c.whileHeld(ctx, func() error {
		_, err := q.e.Client().Rest.UpdateInteractionResponse(q.e.ApplicationID(), q.e.Token(), m, rest.WithCtx(ctx))
		return err
	})
	if err != nil {
		q.log.Warn("an answer could not be delivered", "err", ratelimit.Clean(err))
	}
}

// refuse answers at once, before anything was deferred.
func (c *Commands) refuse(q *call, err error) {
	c.first(q, discord.InteractionResponseTypeCreateMessage, discord.MessageCreate{
		Content: message.Cut(message.Refusal(q.t, err), message.MaxContent), Flags: discord.MessageFlagEphemeral,
		AllowedMentions: &discord.AllowedMentions{},
	})
}
