// Package etf translates between JSON and Erlang's external term format, as Discord's gateway speaks it: "Using ETF
// Encoding" (https://docs.discord.com/developers/events/gateway#using-etf-encoding) has what is special to Discord, and
// https://www.erlang.org/doc/apps/erts/erl_ext_dist.html what the bytes mean.
package etf

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What terms begin with, by Erlang's numbers.
const (
	version      = 131
	tagNewFloat  = 70
	tagSmallInt  = 97
	tagInt       = 98
	tagFloat     = 99
	tagAtom      = 100
	tagNil       = 106
	tagString    = 107
	tagList      = 108
	tagBinary    = 109
	tagSmallBig  = 110
	tagLargeBig  = 111
	tagSmallAtom = 115
	tagMap       = 116
	tagUTF8      = 118 // an atom, and so is the next
	tagSmallUTF8 = 119
)

// Encode translates a payload as the gateway sends it: {"t":…,"s":…,"op":…,"d":…}. As on Discord
//   - null, true and false are the atoms nil, true and false, and an event's name is an atom
//   - strings are binaries, and ids are numbers ("Snowflake IDs are transmitted as 64-bit integers or strings"), except
//     where they are keys (discord-api-docs#3657)
//   - keys are atoms or binaries (discord-api-docs#296). Where they are which is a guess: in d, they are atoms in one
//     event and binaries in the next, so that clients need to know both; all others are atoms
//   - a list of bytes is a string, as Erlang writes it
//
// Atoms are written as Erlang did before version 26: Discord's erlpack reads no others.
func Encode(payload []byte) ([]byte, error) {
	e := encoder{in: json.NewDecoder(bytes.NewReader(payload)), out: append(make([]byte, 0, len(payload)*5/4), version)}
	e.in.UseNumber()
	err := e.value("", 0)
	return e.out, err
}

type encoder struct {
	in     *json.Decoder
	out    []byte
	binary bool // whether the keys in d are binaries
}

// value writes the next value, which belongs to a field of an object at a depth.
func (e *encoder) value(field string, depth int) error {
	t, err := e.in.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return e.object(depth + 1)
		}
		return e.list(field, depth)
	case json.Number:
		return e.number(t, depth == 1 && field == "s")
	case string:
		e.text(t, field, depth)
	case bool:
		e.atom(strconv.FormatBool(t))
	default:
		e.atom("nil")
	}
	return nil
}

func (e *encoder) object(depth int) error {
	length := e.lengthOf(tagMap)
	n := 0
	for ; e.in.More(); n++ {
		t, err := e.in.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if e.binary && depth > 1 || !isName(key) {
			e.binaryOf(key)
		} else {
			e.atom(key)
		}
		if err := e.value(key, depth); err != nil {
			return err
		}
	}
	binary.BigEndian.PutUint32(e.out[length:], uint32(n))
	_, err := e.in.Token()
	return err
}

// list writes a list, whose elements belong to the same field.
func (e *encoder) list(field string, depth int) error {
	length := e.lengthOf(tagList)
	n, small := 0, true
	for ; e.in.More(); n++ {
		at := len(e.out)
		if err := e.value(field, depth); err != nil {
			return err
		}
		small = small && len(e.out) == at+2 && e.out[at] == tagSmallInt
	}
	switch items := e.out[length+4:]; {
	case n == 0:
		e.out = append(e.out[:length-1], tagNil)
	case small && n <= math.MaxUint16:
		items = slices.Clone(items)
		e.out = binary.BigEndian.AppendUint16(append(e.out[:length-1], tagString), uint16(n))
		for i := 1; i < len(items); i += 2 {
			e.out = append(e.out, items[i])
		}
	default:
		binary.BigEndian.PutUint32(e.out[length:], uint32(n))
		e.out = append(e.out, tagNil)
	}
	_, err := e.in.Token()
	return err
}

// lengthOf begins a term whose length isn't known yet, and returns where that belongs.
func (e *encoder) lengthOf(tag byte) int {
	e.out = append(e.out, tag, 0, 0, 0, 0)
	return len(e.out) - 4
}

func (e *encoder) number(n json.Number, sequence bool) error {
	i, err := n.Int64()
	if err == nil {
		e.binary = e.binary || sequence && i%2 == 0
		e.integer(i)
		return nil
	}
	f, err := n.Float64()
	e.out = binary.BigEndian.AppendUint64(append(e.out, tagNewFloat), math.Float64bits(f))
	return err
}

func (e *encoder) integer(i int64) {
	switch {
	case i >= 0 && i <= math.MaxUint8:
		e.out = append(e.out, tagSmallInt, byte(i))
	case i >= math.MinInt32 && i <= math.MaxInt32:
		e.out = binary.BigEndian.AppendUint32(append(e.out, tagInt), uint32(i))
	default:
		sign, size := byte(0), uint64(i)
		if i < 0 {
			sign, size = 1, -size
		}
		e.out = append(e.out, tagSmallBig, 0, sign)
		length := len(e.out) - 2
		for ; size > 0; size >>= 8 {
			e.out = append(e.out, byte(size))
			e.out[length]++
		}
	}
}

func (e *encoder) text(s, field string, depth int) {
	id, err := strconv.ParseInt(s, 10, 64)
	switch {
	case depth == 1 && field == "t" && isName(s):
		e.atom(s)
	case err == nil && id > math.MaxUint32 && s[0] >= '1' && isID(field):
		e.integer(id)
	default:
		e.binaryOf(s)
	}
}

// isID reports whether a field has ids, by its name: JSON doesn't tell them from other strings.
func isID(field string) bool {
	switch field {
	case "custom_id", "session_id":
		return false
	case "id", "ids", "roles", "mention_roles", "exempt_roles", "exempt_channels", "applied_tags", "not_found":
		return true
	}
	return strings.HasSuffix(field, "_id") || strings.HasSuffix(field, "_ids")
}

// isName reports whether a key can be an atom: those by ids can't, and what isn't a name of Discord's isn't one.
func isName(key string) bool {
	return key != "" && len(key) <= math.MaxUint8 && (key[0] < '0' || key[0] > '9') &&
		!strings.ContainsFunc(key, func(r rune) bool { return r >= utf8.RuneSelf })
}

func (e *encoder) atom(name string) {
	e.out = append(binary.BigEndian.AppendUint16(append(e.out, tagAtom), uint16(len(name))), name...)
}

func (e *encoder) binaryOf(s string) {
	e.out = append(binary.BigEndian.AppendUint32(append(e.out, tagBinary), uint32(len(s))), s...)
}
