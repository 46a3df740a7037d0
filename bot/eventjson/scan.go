package eventjson

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
)

// scanner reads JSON from the front to the end. What it isn't certain about makes it unsure: then everything it
// returns is worthless, and the caller leaves the whole text to disgo. It accepts nothing that encoding/json would
// reject, and reads nothing differently.
type scanner struct {
	b      []byte
	i      int
	depth  int
	unsure bool
}

// maxDepth bounds nesting, as encoding/json does.
const maxDepth = 1000

func (s *scanner) fail() { s.unsure, s.i = true, len(s.b) }

// peek returns the next byte that isn't white space; 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// take consumes c, which must be next.
func (s *scanner) take(c byte) {
	if s.peek() != c {
		s.fail()
		return
	}
	s.i++
}

// accept consumes c if it is next.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

// object reads an object. f is called with the index in names of each key among them, and reads its value; the others
// are skipped. A key that occurs twice, or that encoding/json might take for another, makes the scanner unsure.
func (s *scanner) object(names []string, f func(field int)) {
	s.enter('{')
	seen := uint64(0)
	for first := true; !s.accept('}'); first = false {
		if !first {
			s.take(',')
		}
		field := s.key(names)
		s.take(':')
		if s.unsure {
			return
		}
		if field < 0 {
			s.skip()
			continue
		}
		if seen&(1<<field) != 0 {
			s.fail()
			return
		}
		seen |= 1 << field
		f(field)
	}
	s.depth--
}

func (s *scanner) enter(open byte) {
	if s.take(open); s.depth == maxDepth {
		s.fail()
	}
	s.depth++
}

// key reads a key and returns its index in names, or -1.
func (s *scanner) key(names []string) int {
	raw, plain := s.text()
	if !plain {
		s.fail()
		return -1
	}
	for i, n := range names {
		if string(raw) == n {
			return i
		}
	}
	for _, c := range raw {
		if 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf { // encoding/json ignores case
			s.fail()
			return -1
		}
	}
	return -1
}

// array reads an array. f reads each element.
func (s *scanner) array(f func()) {
	s.enter('[')
	for first := true; !s.accept(']'); first = false {
		if !first {
			s.take(',')
		}
		if s.peek() == ']' {
			s.fail()
		}
		if s.unsure {
			return
		}
		f()
	}
	s.depth--
}

// list reads an array, or null, which is an empty one.
func (s *scanner) list(f func()) {
	if !s.null() {
		s.array(f)
	}
}

// text reads a string and returns what is between its quotes. plain means that it is its own value: it has no escapes
// and is valid UTF-8.
func (s *scanner) text() (raw []byte, plain bool) {
	s.take('"')
	begin, high, escaped := s.i, false, false
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			raw = s.b[begin:s.i]
			s.i++
			return raw, !escaped && (!high || utf8.Valid(raw))
		case c == '\\':
			escaped = true
			if !s.escape() {
				s.fail()
				return nil, false
			}
		case c < ' ':
			s.fail()
			return nil, false
		case c >= utf8.RuneSelf:
			high = true
		}
	}
	s.fail()
	return nil, false
}

// escape checks the escape that begins at s.i, and moves to its last byte.
func (s *scanner) escape() bool {
	if s.i++; s.i >= len(s.b) {
		return false
	}
	switch s.b[s.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.i++
			if s.i >= len(s.b) || !isHex(s.b[s.i]) {
				return false
			}
		}
		return true
	}
	return false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// null consumes null if it is next.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	s.word("null")
	return true
}

func (s *scanner) word(w string) {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		s.fail()
		return
	}
	s.i += len(w)
}

// skip reads any value.
func (s *scanner) skip() {
	switch c := s.peek(); {
	case c == '"':
		s.text()
	case c == '{':
		s.enter('{')
		for first := true; !s.accept('}') && !s.unsure; first = false {
			if !first {
				s.take(',')
			}
			s.peek()
			s.text()
			s.take(':')
			s.skip()
		}
		s.depth--
	case c == '[':
		s.array(s.skip)
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.number()
	}
}

// number reads a number by JSON's grammar.
func (s *scanner) number() {
	s.accept('-')
	digits := func() (n int) {
		for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
			s.i++
			n++
		}
		return n
	}
	at := func(set string) bool {
		for j := range len(set) {
			if s.i < len(s.b) && s.b[s.i] == set[j] {
				s.i++
				return true
			}
		}
		return false
	}
	ok := at("0") || digits() > 0
	if ok && at(".") {
		ok = digits() > 0
	}
	if ok && at("eE") {
		at("+-")
		ok = digits() > 0
	}
	if !ok {
		s.fail()
	}
}

// value reads any value and returns its text.
func (s *scanner) value() json.RawMessage {
	s.peek()
	begin := s.i
	s.skip()
	if s.unsure {
		return nil
	}
	return s.b[begin:s.i]
}

// string reads a string; null leaves "".
func (s *scanner) string() string {
	if s.null() {
		return ""
	}
	s.peek()
	begin := s.i
	raw, plain := s.text()
	if plain || s.unsure {
		return string(raw)
	}
	var out string
	if json.Unmarshal(s.b[begin:s.i], &out) != nil {
		s.fail()
	}
	return out
}

// optional reads a string; null gives nil.
func (s *scanner) optional() *string {
	if s.null() {
		return nil
	}
	v := s.string()
	return &v
}

// quoted reads digits in quotes, up to most.
func (s *scanner) quoted(most uint64) uint64 {
	raw, _ := s.text()
	n := uint64(0)
	for _, c := range raw {
		d := uint64(c - '0')
		if c < '0' || c > '9' || n > (most-d)/10 {
			s.fail()
			return 0
		}
		n = n*10 + d
	}
	if len(raw) == 0 {
		s.fail()
	}
	return n
}

func (s *scanner) id() snowflake.ID { return snowflake.ID(s.quoted(1<<64 - 1)) }

// optionalID reads an id; null gives nil.
func (s *scanner) optionalID() *snowflake.ID {
	if s.null() {
		return nil
	}
	v := s.id()
	return &v
}

func (s *scanner) permissions() discord.Permissions { return discord.Permissions(s.quoted(1<<63 - 1)) }

// int reads a whole number that isn't negative and has at most nine digits.
func (s *scanner) int() int {
	s.peek()
	begin := s.i
	s.number()
	raw := s.b[min(begin, len(s.b)):s.i]
	if s.unsure || len(raw) > 9 {
		s.fail()
		return 0
	}
	n := 0
	for _, c := range raw {
		if c < '0' || c > '9' {
			s.fail()
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func (s *scanner) bool() bool {
	if s.peek() == 't' {
		s.word("true")
		return !s.unsure
	}
	s.word("false")
	return false
}

// time reads a time; null gives nil.
func (s *scanner) time() *time.Time {
	if s.null() {
		return nil
	}
	raw, t := s.value(), &time.Time{}
	if s.unsure || t.UnmarshalJSON(raw) != nil {
		s.fail()
		return nil
	}
	return t
}

// end reports whether everything was read, and understood.
func (s *scanner) end() bool { return !s.unsure && s.peek() == 0 && s.i == len(s.b) }
