package gateway

import (
	"bytes"
	"encoding/json"

	disgo "github.com/disgoorg/disgo/gateway"
)

// envelope is the outer part of a message from Discord. data points into the frame it was read from
// and is valid until the next read.
type envelope struct {
	op   disgo.Opcode
	seq  int
	kind disgo.EventType
	data json.RawMessage
}

// parseEnvelope reads the outer part of a message. Every event passes through here, so the usual
// shape is split by hand to avoid scanning the data twice (it is validated where it is decoded);
// anything else goes through encoding/json.
func parseEnvelope(b []byte) (envelope, error) {
	if m, ok := splitEnvelope(b); ok {
		return m, nil
	}
	var v struct {
		Op   *disgo.Opcode   `json:"op"`
		Seq  *int            `json:"s"`
		Kind disgo.EventType `json:"t"`
		Data json.RawMessage `json:"d"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return envelope{}, err
	}
	if v.Op == nil {
		return envelope{}, errNoOpcode
	}
	m := envelope{op: *v.Op, kind: v.Kind, data: v.Data}
	if v.Seq != nil {
		m.seq = *v.Seq
	}
	return m, nil
}

// splitEnvelope reads {"t":"X","s":1,"op":0,"d":{…}} with its keys in any order. It returns false if it isn't sure.
func splitEnvelope(b []byte) (m envelope, ok bool) {
	b = bytes.TrimSpace(b)
	if len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
		return m, false
	}
	b = b[1:]
	seen := 0
	for {
		key, rest, ok := splitString(b)
		if !ok || len(rest) == 0 || rest[0] != ':' {
			return m, false
		}
		end := valueEnd(rest[1:])
		if end <= 0 || end+1 >= len(rest) {
			return m, false
		}
		value := rest[1 : 1+end]
		bit, ok := m.set(string(key), value)
		if !ok || seen&bit != 0 {
			return m, false // unsure, or a key twice: let encoding/json decide
		}
		seen |= bit
		switch rest[1+end] {
		case ',':
			b = rest[2+end:]
		case '}':
			return m, seen&1 != 0 && len(rest) == 2+end
		default:
			return m, false
		}
	}
}

// set sets one member of the envelope; bit identifies it.
func (m *envelope) set(key string, value []byte) (bit int, ok bool) {
	null := string(value) == "null"
	switch key {
	case "op":
		n, ok := smallInt(value)
		m.op = disgo.Opcode(n)
		return 1, ok
	case "s":
		if null {
			return 2, true
		}
		n, ok := smallInt(value)
		m.seq = n
		return 2, ok
	case "t":
		if null {
			return 4, true
		}
		s, rest, ok := splitString(value)
		m.kind = disgo.EventType(s)
		return 4, ok && len(rest) == 0
	case "d":
		m.data = value
		return 8, true
	}
	return 0, false
}

// splitString cuts a plain string, without escapes, off the front of b.
func splitString(b []byte) (s, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	for i, c := range b[1:] {
		switch {
		case c == '"':
			return b[1 : 1+i], b[2+i:], true
		case c == '\\' || c < ' ' || c >= 0x80:
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// valueEnd returns the length of the JSON value that b begins with, 0 if unsure.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if i >= len(b) {
				return 0
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return i // the end of a bare value
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
			continue
		case ' ', '\t', '\r', '\n':
			if depth == 0 {
				return 0
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return 0
}

func smallInt(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 15 || (b[0] == '0' && len(b) > 1) {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
