package openapi

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"snug/shared/errs"
)

// Paging is the input of operations that give lists.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"The most to return."`
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the previous page."`
}

// Cursor makes the opaque place after which the next page begins.
func Cursor(place string) string { return base64.RawURLEncoding.EncodeToString([]byte("1:" + place)) }

// Place gives back what Cursor was given, "" for the beginning. It fails with errs.Invalid.
func (p Paging) Place() (string, error) {
	if p.Cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	place, ok := strings.CutPrefix(string(b), "1:")
	if err != nil || !ok {
		return "", errs.Field("cursor", "This cursor isn't valid. Start without one.")
	}
	return place, nil
}

// Page cuts a whole list, ordered by growing places, to the page asked for.
func Page[T any](list []T, p Paging, place func(T) uint64) (page []T, next string, err error) {
	after, err := p.Number()
	if err != nil {
		return nil, "", err
	}
	begin, _ := slices.BinarySearchFunc(list, after, func(v T, after uint64) int {
		if place(v) <= after {
			return -1
		}
		return 1
	})
	page = list[begin:]
	if p.Limit > 0 && len(page) > p.Limit {
		page = page[:p.Limit]
		next = Cursor(strconv.FormatUint(place(page[len(page)-1]), 10))
	}
	return page, next, nil
}

// Number gives the cursor's place where places are numbers; 0 for the beginning. It fails with errs.Invalid.
func (p Paging) Number() (uint64, error) {
	place, err := p.Place()
	if err != nil || place == "" {
		return 0, err
	}
	n, err := strconv.ParseUint(place, 10, 64)
	if err != nil {
		return 0, errs.Field("cursor", "This cursor isn't valid. Start without one.")
	}
	return n, nil
}
