package protocol

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// FromClient is a message that a client may send: Auth, Visible or Rendered.
type FromClient interface {
	// Encode returns the message in the form that a client sends.
	Encode(now time.Time) []byte
}

// Auth identifies the client. If GuildID is not 0, it must match the token's guild.
type Auth struct {
	Token   string
	GuildID snowflake.ID
}

// Visible reports whether the client's page is visible.
type Visible struct {
	Visible bool `json:"visible"`
}

// Rendered reports that the client has displayed the event that Rev identifies.
type Rendered struct {
	ChannelID snowflake.ID `json:"channelId"`
	Rev       Rev          `json:"rev"`
}

// Encode encodes the auth message.
func (a Auth) Encode(now time.Time) []byte {
	return marshal(Message[json.RawMessage]{
		V: Version, Type: TypeAuth, Token: a.Token, GuildID: a.GuildID, TS: now.UnixMilli(),
	})
}

// Encode encodes the page.visible message.
func (v Visible) Encode(now time.Time) []byte {
	return marshal(Message[*Visible]{V: Version, Type: TypeEvent, Event: PageVisible, Payload: &v, TS: now.UnixMilli()})
}

// Encode encodes the event.rendered message.
func (s Rendered) Encode(now time.Time) []byte {
	return marshal(Message[*Rendered]{
		V: Version, Type: TypeEvent, Event: EventRendered, Payload: &s, TS: now.UnixMilli(),
	})
}

// DecodeClient decodes a client's message: a JSON object with exactly the fields of its type, each
// once, with exact spelling. It returns Auth, Visible or Rendered, or fails with errs.Invalid,
// whose Field names the wrong field.
func DecodeClient(b []byte) (FromClient, error) {
	switch {
	case len(b) > MaxClientMessage:
		return nil, errs.E(errs.Invalid, "A message may have up to %d bytes; this one has %d.", MaxClientMessage,
			len(b))
	case !utf8.Valid(b):
		return nil, errs.E(errs.Invalid, "A message must be UTF-8 text.")
	}
	f, err := objectOf(b, "")
	if err != nil {
		return nil, err
	}
	var version int
	if err := f.take("v", &version); err != nil {
		return nil, err
	}
	if version != Version {
		return nil, errs.Field("v",
			"This server speaks version %d of the protocol. Reload the page, or update the client.", Version)
	}
	var kind Type
	if err := f.take("type", &kind); err != nil {
		return nil, err
	}
	if _, ok := f["ts"]; ok {
		var ts float64
		if err := f.take("ts", &ts); err != nil {
			return nil, err
		}
	}
	switch kind {
	case TypeAuth:
		return decodeAuth(f)
	case TypeEvent:
		return decodeEvent(f)
	}
	return nil, errs.Field("type", `A client may send messages of the types "auth" and "event".`)
}

func decodeAuth(f fields) (FromClient, error) {
	var a Auth
	if err := f.take("token", &a.Token); err != nil {
		return nil, err
	}
	if a.Token == "" {
		return nil, errs.Field("token", `The "auth" message needs the token of POST /api/v1/live-token.`)
	}
	if _, ok := f["guildId"]; ok {
		var id string
		if err := f.take("guildId", &id); err != nil {
			return nil, err
		}
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return nil, errs.Field("guildId", "A server's id is a Discord snowflake as a string.")
		}
		a.GuildID = snowflake.ID(n)
	}
	if err := f.empty(); err != nil {
		return nil, err
	}
	return a, nil
}

func decodeEvent(f fields) (FromClient, error) {
	var name Name
	if err := f.take("event", &name); err != nil {
		return nil, err
	}
	if name != PageVisible && name != EventRendered {
		return nil, errs.Field("event", "A client may send the events %q and %q.", PageVisible, EventRendered)
	}
	raw, ok := f["payload"]
	if !ok && name == EventRendered {
		return nil, errs.Field("payload",
			`The event needs a payload: {"channelId": "…", "rev": {"epoch": "…", "n": 1}}.`)
	}
	if !ok {
		return nil, errs.Field("payload", `The event needs a payload: {"visible": true} or false.`)
	}
	delete(f, "payload")
	if err := f.empty(); err != nil {
		return nil, err
	}
	p, err := objectOf(raw, "payload")
	if err != nil {
		return nil, err
	}
	if name == EventRendered {
		return decodeRendered(p)
	}
	var v Visible
	if err := p.take("visible", &v.Visible); err != nil {
		return nil, err
	}
	if err := p.empty(); err != nil {
		return nil, err
	}
	return v, nil
}

func decodeRendered(p fields) (FromClient, error) {
	var s Rendered
	var id string
	var rev json.RawMessage
	if err := p.take("channelId", &id); err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return nil, errs.Field("channelId", "A room's id is a Discord snowflake as a string.")
	}
	s.ChannelID = snowflake.ID(n)
	if err := p.take("rev", &rev); err != nil {
		return nil, err
	}
	if err := p.empty(); err != nil {
		return nil, err
	}
	r, err := objectOf(rev, "rev")
	if err != nil {
		return nil, err
	}
	if err := r.take("epoch", &s.Rev.Epoch); err != nil {
		return nil, err
	}
	if err := r.take("n", &s.Rev.N); err != nil {
		return nil, err
	}
	return s, r.empty()
}

// fields holds the fields of an object that were not read yet. encoding/json alone would ignore the
// case of field names, and use the last of duplicate fields.
type fields map[string]json.RawMessage

// objectOf reads exactly one object from b. where is the field that contains it, for error
// messages.
func objectOf(b []byte, where string) (fields, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errs.Field(where, "This must be one JSON object.").Because(err)
	}
	f := fields{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, errs.Field(where, "This isn't valid JSON.").Because(err)
		}
		name, _ := t.(string)
		if _, twice := f[name]; twice {
			return nil, errs.Field(name, "The field %q appears twice.", name)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, errs.Field(name, "This isn't valid JSON.").Because(err)
		}
		f[name] = v
	}
	if _, err := d.Token(); err != nil {
		return nil, errs.Field(where, "This isn't valid JSON.").Because(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errs.Field(where, "This must be one JSON object and nothing after it.")
	}
	return f, nil
}

// take decodes a required field into v and removes it from f.
func (f fields) take(name string, v any) error {
	raw, ok := f[name]
	if !ok || string(raw) == "null" {
		return errs.Field(name, "The field %q is missing.", name)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return errs.Field(name, "The field %q has the wrong type.", name).Because(err)
	}
	delete(f, name)
	return nil
}

// empty fails if any field is left.
func (f fields) empty() error {
	if len(f) == 0 {
		return nil
	}
	name := slices.Min(slices.Collect(maps.Keys(f)))
	return errs.Field(name, "The protocol has no field %q here.", name)
}
