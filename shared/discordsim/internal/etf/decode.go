package etf

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errShort = errors.New("the term ends too early")

// Decode translates what a client sends to JSON. It refuses what Discord does ("you must use string keys", "your app
// can't send compressed messages"). That atoms other than nil, true and false are refused, and tuples and everything
// else that JSON doesn't have, is a guess.
func Decode(data []byte) ([]byte, error) { return decode(data, false) }

// DecodeSent translates what Encode made, in which keys and values are atoms as well.
func DecodeSent(data []byte) ([]byte, error) { return decode(data, true) }

func decode(data []byte, atoms bool) ([]byte, error) {
	d := decoder{in: data, atoms: atoms}
	tag, err := d.byte()
	if err == nil && tag != version {
		err = fmt.Errorf("version %d instead of %d", tag, version)
	}
	if err == nil {
		err = d.term()
	}
	if err == nil && len(d.in) > 0 {
		err = fmt.Errorf("%d bytes after the term", len(d.in))
	}
	return d.out, err
}

type decoder struct {
	in, out []byte
	atoms   bool // whether atoms are strings
}

// take takes the next bytes.
func (d *decoder) take(n uint32) ([]byte, error) {
	if uint64(n) > uint64(len(d.in)) {
		return nil, errShort
	}
	taken := d.in[:n]
	d.in = d.in[n:]
	return taken, nil
}

func (d *decoder) byte() (byte, error) {
	b, err := d.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// length reads a length of so many bytes.
func (d *decoder) length(bytes uint32) (uint32, error) {
	b, err := d.take(bytes)
	n := uint32(0)
	for _, b := range b {
		n = n<<8 | uint32(b)
	}
	return n, err
}

// counted takes bytes whose length comes before them.
func (d *decoder) counted(bytes uint32) ([]byte, error) {
	n, err := d.length(bytes)
	if err != nil {
		return nil, err
	}
	return d.take(n)
}

// term translates the next term.
func (d *decoder) term() error {
	tag, err := d.byte()
	if err != nil {
		return err
	}
	switch tag {
	case tagSmallInt, tagInt, tagSmallBig, tagLargeBig, tagNewFloat, tagFloat:
		return d.number(tag)
	case tagAtom, tagUTF8, tagSmallAtom, tagSmallUTF8:
		return d.atom(tag)
	case tagBinary:
		b, err := d.counted(4)
		if err != nil {
			return err
		}
		return d.string(b)
	case tagString:
		b, err := d.counted(2)
		d.bytes(b)
		return err
	case tagNil:
		d.out = append(d.out, "[]"...)
		return nil
	case tagList:
		return d.list()
	case tagMap:
		return d.object()
	}
	return fmt.Errorf("terms of tag %d aren't supported", tag)
}

func (d *decoder) number(tag byte) error {
	switch tag {
	case tagSmallInt:
		n, err := d.byte()
		d.out = strconv.AppendInt(d.out, int64(n), 10)
		return err
	case tagInt:
		n, err := d.length(4)
		d.out = strconv.AppendInt(d.out, int64(int32(n)), 10)
		return err
	case tagSmallBig:
		return d.big(1)
	case tagLargeBig:
		return d.big(4)
	case tagNewFloat:
		b, err := d.take(8)
		if err != nil {
			return err
		}
		return d.float(math.Float64frombits(binary.BigEndian.Uint64(b)))
	}
	b, err := d.take(31)
	if err != nil {
		return err
	}
	f, err := strconv.ParseFloat(strings.TrimRight(string(b), "\x00"), 64)
	if err != nil {
		return err
	}
	return d.float(f)
}

// big translates an integer whose length has so many bytes.
func (d *decoder) big(bytes uint32) error {
	n, err := d.length(bytes)
	if err != nil {
		return err
	}
	sign, err := d.byte()
	if err != nil {
		return err
	}
	b, err := d.take(n)
	if err != nil {
		return err
	}
	if n > 8 {
		return fmt.Errorf("a number of %d bytes", n)
	}
	var size uint64
	for _, b := range slices.Backward(b) {
		size = size<<8 | uint64(b)
	}
	if sign != 0 && size > 0 {
		d.out = append(d.out, '-')
	}
	d.out = strconv.AppendUint(d.out, size, 10)
	return nil
}

// float translates a number that isn't an integer, even if nothing is after its point.
func (d *decoder) float(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return errors.New("not a finite number")
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	d.out = append(d.out, text...)
	return nil
}

func (d *decoder) atom(tag byte) error {
	size := uint32(1)
	if tag == tagAtom || tag == tagUTF8 {
		size = 2
	}
	name, err := d.counted(size)
	if err != nil {
		return err
	}
	switch string(name) {
	case "nil":
		d.out = append(d.out, "null"...)
		return nil
	case "true", "false":
		d.out = append(d.out, name...)
		return nil
	}
	if !d.atoms {
		return fmt.Errorf("the atom %q", name)
	}
	return d.string(name)
}

func (d *decoder) string(b []byte) error {
	if !utf8.Valid(b) {
		return errors.New("a string that isn't UTF-8")
	}
	text, err := json.Marshal(string(b))
	d.out = append(d.out, text...)
	return err
}

// bytes translates what Erlang calls a string: a list of small numbers.
func (d *decoder) bytes(b []byte) {
	d.out = append(d.out, '[')
	for i, n := range b {
		if i > 0 {
			d.out = append(d.out, ',')
		}
		d.out = strconv.AppendUint(d.out, uint64(n), 10)
	}
	d.out = append(d.out, ']')
}

func (d *decoder) list() error {
	n, err := d.length(4)
	d.out = append(d.out, '[')
	for i := uint32(0); err == nil && i < n; i++ {
		if i > 0 {
			d.out = append(d.out, ',')
		}
		err = d.term()
	}
	d.out = append(d.out, ']')
	if err != nil {
		return err
	}
	if tail, err := d.byte(); err != nil || tail != tagNil {
		return errors.Join(err, errors.New("a list without an end"))
	}
	return nil
}

func (d *decoder) object() error {
	n, err := d.length(4)
	seen := map[string]bool{}
	d.out = append(d.out, '{')
	for i := uint32(0); err == nil && i < n; i++ {
		if i > 0 {
			d.out = append(d.out, ',')
		}
		if err = d.key(seen); err == nil {
			d.out = append(d.out, ':')
			err = d.term()
		}
	}
	d.out = append(d.out, '}')
	return err
}

// key translates a key, which no other of its object may be.
func (d *decoder) key(seen map[string]bool) error {
	tag, err := d.byte()
	if err != nil {
		return err
	}
	var name []byte
	switch {
	case tag == tagBinary:
		name, err = d.counted(4)
	case tag == tagAtom && d.atoms:
		name, err = d.counted(2)
	default:
		return errors.New("a key that isn't a string")
	}
	if err == nil && seen[string(name)] {
		err = fmt.Errorf("%q twice", name)
	}
	if err != nil {
		return err
	}
	seen[string(name)] = true
	return d.string(name)
}
