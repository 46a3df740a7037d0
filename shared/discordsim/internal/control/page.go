package control

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// pageHub notifies open pages of changes. Its methods may be called with the world locked: they
// only record, and the pages' own goroutines write.
type pageHub struct {
	control *Control
	bell    bell           // rung at every change
	count   atomic.Int32   // number of pages, so that a world without one costs nothing
	wg      sync.WaitGroup // of pages

	mu     sync.Mutex
	pages  map[*pageConn]struct{}
	closed bool
}

// pageConn is a page's WebSocket: net/http's goroutine writes, and a second one reads; the first ends after the second.
type pageConn struct {
	hub  *pageHub
	ws   *websocket.Conn
	user world.ID
	wake chan struct{}
	done chan struct{}

	mu    sync.Mutex // guards the following
	notes pageNotes
	ended bool
}

// pageNotes is what is pending for a page: events as they are, and the parts of the state to read when writing.
type pageNotes struct {
	full     bool
	events   [][]byte
	guilds   []world.ID
	users    bool
	commands bool
	bots     bool
	faults   bool
}

const (
	maxPageEvents = 1000             // more than these are replaced by the whole state
	pageTimeout   = 20 * time.Second // of a write
)

func newPageHub(c *Control) *pageHub { return &pageHub{control: c, pages: map[*pageConn]struct{}{}} }

func (h *pageHub) each(f func(*pageConn)) {
	h.bell.ring()
	if h.count.Load() == 0 {
		return
	}
	h.mu.Lock()
	list := make([]*pageConn, 0, len(h.pages))
	for p := range h.pages {
		list = append(list, p)
	}
	h.mu.Unlock()
	for _, p := range list {
		f(p)
	}
}

func (p *pageConn) note(f func(*pageNotes)) {
	p.mu.Lock()
	f(&p.notes)
	if len(p.notes.events) > maxPageEvents {
		p.notes = pageNotes{full: true}
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pageConn) event(v any) {
	data := form.Marshal(v)
	p.note(func(n *pageNotes) { n.events = append(n.events, data) })
}

// Replaced gives all pages the whole state.
func (h *pageHub) Replaced() {
	h.each(func(p *pageConn) { p.note(func(n *pageNotes) { *n = pageNotes{full: true} }) })
}

// UsersChanged notifies all pages.
func (h *pageHub) UsersChanged() {
	h.each(func(p *pageConn) { p.note(func(n *pageNotes) { n.users = true }) })
}

// CommandsChanged notifies all pages.
func (h *pageHub) CommandsChanged() {
	h.each(func(p *pageConn) { p.note(func(n *pageNotes) { n.commands = true }) })
}

func (h *pageHub) botsChanged() {
	h.each(func(p *pageConn) { p.note(func(n *pageNotes) { n.bots = true }) })
}

func (h *pageHub) faultsChanged() {
	h.each(func(p *pageConn) { p.note(func(n *pageNotes) { n.faults = true }) })
}

// GuildChanged notifies all pages.
func (h *pageHub) GuildChanged(id world.ID) {
	h.each(func(p *pageConn) {
		p.note(func(n *pageNotes) {
			if !slices.Contains(n.guilds, id) {
				n.guilds = append(n.guilds, id)
			}
		})
	})
}

type pageVoice struct {
	Type    string          `json:"type"`
	GuildID world.ID        `json:"guild_id"`
	Voice   world.WireVoice `json:"voice_state"`
}

// VoiceChanged notifies the pages of those who can see the channel; for others, somebody who joined
// it has left.
func (h *pageHub) VoiceChanged(s *world.State, guild world.ID, v world.WireVoice) {
	h.each(func(p *pageConn) {
		g := s.Guilds[guild]
		if p.user != 0 && (g == nil || g.Members[p.user] == nil) {
			return
		}
		if p.user != 0 && v.ChannelID != nil && g.Channels[*v.ChannelID] != nil &&
			!s.CanSee(p.user, g.Channels[*v.ChannelID]) {
			hidden := v
			hidden.ChannelID = nil
			p.event(pageVoice{"voice", guild, hidden})
			return
		}
		p.event(pageVoice{"voice", guild, v})
	})
}

type pageMessage struct {
	Type      string             `json:"type"`
	Op        string             `json:"op"` // create, update, delete
	GuildID   *world.ID          `json:"guild_id,omitempty"`
	ChannelID world.ID           `json:"channel_id"`
	MessageID world.ID           `json:"message_id"`
	Message   *world.WireMessage `json:"message,omitempty"`
	Private   bool               `json:"ephemeral,omitempty"`
}

// MessageChanged notifies the pages of those who can see the message.
func (h *pageHub) MessageChanged(s *world.State, name string, m *world.Message, ch *world.Channel) {
	h.each(func(p *pageConn) {
		if p.user != 0 && (m.Only != 0 && m.Only != p.user || !s.CanSee(p.user, ch)) {
			return
		}
		e := pageMessage{Type: "message", Op: strings.ToLower(strings.TrimPrefix(name, "MESSAGE_")),
			GuildID:   world.OptionalID(ch.Guild),
			ChannelID: ch.ID, MessageID: m.ID, Private: m.Only != 0}
		if e.Op != "delete" {
			w := s.WireMessage(m, p.user)
			e.Message = &w
		}
		p.event(e)
	})
}

type pageAct struct {
	Type   string   `json:"type"`
	ID     world.ID `json:"id"`
	Status string   `json:"status"` // thinking, answered, failed
	Name   string   `json:"name,omitempty"`
	Modal  *Modal   `json:"modal,omitempty"`
}

// Answered notifies the pages of the acting user.
func (h *pageHub) Answered(a *world.Interaction) {
	h.each(func(p *pageConn) {
		if p.user != a.User.ID || a.Kind == world.ActAutocomplete {
			return
		}
		e := pageAct{Type: "interaction", ID: a.ID, Status: "answered", Name: a.Name}
		switch {
		case a.Failed:
			e.Status = "failed"
		case a.Loading:
			e.Status = "thinking"
		}
		if a.Modal != nil {
			e.Modal = shownModal(a.Modal)
		}
		p.event(e)
	})
}

// serveWS is a page's WebSocket: the whole state as its user sees it, then every change. Without a user it sees
// everything.
func (h *pageHub) serveWS(w http.ResponseWriter, r *http.Request) {
	user := form.ParseID(r.URL.Query().Get("user"))
	known := user == 0
	h.control.world.View(func(s *world.State) { known = known || s.Users[user] != nil })
	if !known {
		form.CommonHeaders(w.Header())
		form.WriteError(w, form.UnknownUser())
		return
	}
	up := websocket.Upgrader{CheckOrigin: sameHost}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	p := &pageConn{hub: h, ws: ws, user: user, wake: make(chan struct{}, 1), done: make(chan struct{}),
		notes: pageNotes{full: true}}
	if !h.enter(p) {
		return
	}
	defer h.leave(p)
	var reading sync.WaitGroup
	reading.Go(p.read)
	p.write()
	_ = ws.Close()
	reading.Wait()
}

func sameHost(r *http.Request) bool {
	o := r.Header.Get("Origin")
	if o == "" {
		return true
	}
	u, err := url.Parse(o)
	return err == nil && u.Host == r.Host
}

func (h *pageHub) enter(p *pageConn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.pages[p] = struct{}{}
	h.count.Add(1)
	h.wg.Add(1)
	return true
}

func (h *pageHub) leave(p *pageConn) {
	h.mu.Lock()
	delete(h.pages, p)
	h.count.Add(-1)
	h.mu.Unlock()
	h.wg.Done()
}

// close ends every page, cuts off those that don't end within a second or before ctx ends, and waits for all.
func (h *pageHub) close(ctx context.Context) {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.each(func(p *pageConn) { p.end() })
	gone := make(chan struct{})
	go func() { h.wg.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
	h.each(func(p *pageConn) { _ = p.ws.Close() })
	<-gone
}

func (p *pageConn) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.ended = true
		close(p.done)
	}
}

// read only detects that the page is gone.
func (p *pageConn) read() {
	p.ws.SetReadLimit(4096)
	for {
		if _, _, err := p.ws.ReadMessage(); err != nil {
			p.end()
			return
		}
	}
}

func (p *pageConn) write() {
	for {
		p.mu.Lock()
		n := p.notes
		p.notes = pageNotes{}
		p.mu.Unlock()
		for _, data := range p.texts(n) {
			_ = p.ws.SetWriteDeadline(time.Now().Add(pageTimeout))
			if p.ws.WriteMessage(websocket.TextMessage, data) != nil {
				return
			}
		}
		select {
		case <-p.wake:
		case <-p.done:
			_ = p.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""),
				time.Now().Add(time.Second))
			return
		}
	}
}

// texts encodes the pending notes as messages.
func (p *pageConn) texts(n pageNotes) (out [][]byte) {
	c := p.hub.control
	c.world.View(func(s *world.State) { out = held{s, c}.pageTexts(p.user, n) })
	return out
}

func (s held) pageTexts(user world.ID, n pageNotes) [][]byte {
	if n.full {
		return [][]byte{form.Marshal(struct {
			Type string `json:"type"`
			*State
		}{"state", s.snapshot(user)})}
	}
	out := n.events
	for _, id := range n.guilds {
		g := s.Guilds[id]
		if g == nil || user != 0 && g.Members[user] == nil {
			out = append(out, form.Marshal(map[string]any{"type": "guild.gone", "guild_id": id}))
			continue
		}
		out = append(out, form.Marshal(map[string]any{"type": "guild", "guild": s.stateGuild(g, user)}))
	}
	if n.users {
		out = append(out, form.Marshal(map[string]any{"type": "users", "users": s.stateUsers()}))
	}
	if n.commands {
		out = append(out, form.Marshal(map[string]any{"type": "commands"}))
	}
	if n.bots {
		out = append(out, form.Marshal(map[string]any{"type": "applications", "applications": s.stateApplications()}))
	}
	if n.faults {
		out = append(out, form.Marshal(map[string]any{"type": "faults", "faults": s.control.faults.All()}))
	}
	return out
}
