package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// serveAs serves what a person's client sends to Discord's API.
func (c *Control) serveAs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if fromElsewhere(w, r) {
		return
	}
	user := form.ParseID(r.PathValue("user"))
	prefix := "/_sim/users/" + r.PathValue("user") + "/api"
	http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.opts.As(user, w, r)
	})).ServeHTTP(w, r)
}

// Person acts as one of the people, as far as their permissions go: what they do in Discord's client is a request to
// Discord's API, as a bot's is. Its methods return an *APIError if Discord would refuse the person. Safe for
// concurrent use.
type Person struct {
	control *Control
	ID      world.ID
}

// As returns what acts as a user.
func (c *Control) As(user world.ID) *Person { return &Person{c, user} }

// Do sends a request of Discord's API, such as PATCH /channels/1, as the person. The body, if there is one, is encoded
// as JSON, and the response is decoded into out, unless that is nil.
func (p *Person) Do(method, path string, body, out any) error {
	if body == nil {
		return p.send(method, path, "", nil, out)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("discordsim: the body of %s %s: %w", method, path, err)
	}
	return p.send(method, path, "application/json", raw, out)
}

func (p *Person) send(method, path, kind string, body []byte, out any) error {
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("discordsim: the path %q must begin with a slash, such as /channels/1", path)
	}
	r, err := http.NewRequest(method, path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("discordsim: %w", err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := &reply{header: http.Header{}}
	p.control.opts.As(p.ID, w, r)
	if w.status >= 400 {
		e := &form.Error{}
		var tree struct {
			*form.Error
			RetryAfter float64 `json:"retry_after"`
		}
		tree.Error = e
		if err := json.Unmarshal(w.body.Bytes(), &tree); err != nil {
			return errors.New("discordsim: " + w.body.String())
		}
		e.Status, e.RetryAfter = w.status, tree.RetryAfter
		return e
	}
	if out == nil || w.status == http.StatusNoContent {
		return nil
	}
	return json.Unmarshal(w.body.Bytes(), out)
}

// reply keeps a response that is read in this process.
type reply struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header returns the response's header.
func (r *reply) Header() http.Header { return r.header }

// WriteHeader keeps the status.
func (r *reply) WriteHeader(status int) { r.status = status }

// Write keeps the body.
func (r *reply) Write(b []byte) (int, error) { return r.body.Write(b) }

// message sends a request whose response is a message.
func (p *Person) message(method, path string, body any) (*Message, error) {
	var raw json.RawMessage
	if err := p.Do(method, path, body, &raw); err != nil {
		return nil, err
	}
	return readMessage(raw)
}

func readMessage(raw json.RawMessage) (*Message, error) {
	m := &Message{Raw: raw}
	return m, json.Unmarshal(raw, m)
}

func channelPath(channel world.ID) string { return "/channels/" + channel.String() }

func messagePath(m *Message) string { return channelPath(m.ChannelID) + "/messages/" + m.ID.String() }

// Send writes a message in a channel, a thread or a direct message channel.
func (p *Person) Send(channel world.ID, content string) (*Message, error) {
	return p.message("POST", channelPath(channel)+"/messages", map[string]any{"content": content})
}

// Reply replies to a message, and mentions its author.
func (p *Person) Reply(to *Message, content string) (*Message, error) {
	return p.message("POST", channelPath(to.ChannelID)+"/messages",
		map[string]any{"content": content, "message_reference": map[string]any{"message_id": to.ID}})
}

// Attach writes a message with a file.
func (p *Person) Attach(channel world.ID, content, name string, data []byte) (*Message, error) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	meta, err := json.Marshal(map[string]any{"content": content, "attachments": []any{map[string]any{"id": 0}}})
	if err == nil {
		err = form.WriteField("payload_json", string(meta))
	}
	var part io.Writer
	if err == nil {
		part, err = form.CreateFormFile("files[0]", name)
	}
	if err == nil {
		_, err = part.Write(data)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		return nil, fmt.Errorf("discordsim: attachment %q: %w", name, err)
	}
	var raw json.RawMessage
	path := channelPath(channel) + "/messages"
	if err := p.send("POST", path, form.FormDataContentType(), b.Bytes(), &raw); err != nil {
		return nil, err
	}
	return readMessage(raw)
}

// Edit changes a message of their own.
func (p *Person) Edit(m *Message, content string) (*Message, error) {
	return p.message("PATCH", messagePath(m), map[string]any{"content": content})
}

// Delete deletes a message: their own, or one that they may manage.
func (p *Person) Delete(m *Message) error { return p.Do("DELETE", messagePath(m), nil, nil) }

// React adds a reaction: an emoji such as "👍", or name:id.
func (p *Person) React(m *Message, emoji string) error {
	return p.Do("PUT", messagePath(m)+"/reactions/"+url.PathEscape(emoji)+"/@me", nil, nil)
}

// Unreact removes a reaction of their own.
func (p *Person) Unreact(m *Message, emoji string) error {
	return p.Do("DELETE", messagePath(m)+"/reactions/"+url.PathEscape(emoji)+"/@me", nil, nil)
}

// DM writes a direct message to a bot or to somebody, and opens the channel for it if there is none yet.
func (p *Person) DM(to world.ID, content string) (*Message, error) {
	var ch struct {
		ID world.ID `json:"id"`
	}
	if err := p.Do("POST", "/users/@me/channels", map[string]any{"recipient_id": to}, &ch); err != nil {
		return nil, err
	}
	return p.Send(ch.ID, content)
}

// Thread is a thread that a person started.
type Thread struct {
	ID     world.ID `json:"id"`
	Parent world.ID `json:"parent_id"`
	Name   string   `json:"name"`
}

// StartThread starts a thread from a message.
func (p *Person) StartThread(from *Message, name string) (Thread, error) {
	var t Thread
	err := p.Do("POST", messagePath(from)+"/threads", map[string]any{"name": name}, &t)
	return t, err
}

// AddThread starts a public or private thread in a text channel.
func (p *Person) AddThread(channel world.ID, name string, private bool) (Thread, error) {
	kind := world.ChannelPublicThread
	if private {
		kind = world.ChannelPrivateThread
	}
	var t Thread
	err := p.Do("POST", channelPath(channel)+"/threads", map[string]any{"name": name, "type": kind}, &t)
	return t, err
}

// Post starts a thread in a forum, with its first message.
func (p *Person) Post(forum world.ID, name, content string) (Thread, error) {
	var t Thread
	err := p.Do("POST", channelPath(forum)+"/threads",
		map[string]any{"name": name, "message": map[string]any{"content": content}}, &t)
	return t, err
}
