package view

import (
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/text"
)

// funcs are what templates can call beside the methods of their data.
func (e *Engine) funcs(t text.Texts) template.FuncMap {
	w, paths := wordsOf(t), pages.All()
	return template.FuncMap{
		"t":       w.say,
		"th":      w.html,
		"words":   w.under,
		"texts":   func() text.Texts { return t },
		"why":     w.why,
		"asset":   e.assets.path,
		"avatar":  e.avatar,
		"icon":    e.icon,
		"tint":    tint,
		"letter":  letter,
		"ago":     w.ago,
		"until":   w.until,
		"agoT":    w.agoTime,
		"sinceT":  w.sinceTime,
		"untilT":  w.untilTime,
		"clockT":  clockTime,
		"atT":     atTime,
		"clock":   clock,
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"site":    schema.Site,
		"qr":      e.codes.draw,
		"to":      func() map[string]pages.Path { return paths },
		"privacy": w.privacy,
		"languages": func() (list []pageLanguage) {
			for _, l := range e.text.Languages() {
				list = append(list, pageLanguage{l, l.Code == t.Language().Code})
			}
			return list
		},
		"field": w.field,
		"fault": w.fault,
		"wrong": w.wrong,
		"has":   has,
		"presetForm": func(l PresetList, f PresetForm, i int) presetForm {
			return presetForm{Action: l.Action, Form: f, ID: i}
		},
		"at": func(now time.Time, c RoomCard) roomCard { return roomCard{c, now} },
	}
}

// pageLanguage is a language that a page can be read in.
type pageLanguage struct {
	text.Language
	Own bool // the page is in it
}

// avatar gives the address of a user's picture, or "" if they have none.
func (e *Engine) avatar(user snowflake.ID, hash string) string {
	if hash == "" {
		return ""
	}
	return e.cdn + "/avatars/" + user.String() + "/" + hash + ".png?size=128"
}

// icon gives the address of a server's picture, or "" if it has none.
func (e *Engine) icon(g room.GuildInfo) string {
	if g.Icon == "" {
		return ""
	}
	return e.cdn + "/icons/" + g.ID.String() + "/" + g.Icon + ".png?size=64"
}

// tint gives the number of the colour somebody without a picture has: always
// the same one. The scripts count in the same way.
func tint(id snowflake.ID) int { return int((uint64(id) >> 22) % 8) }

// letter is what stands on an avatar without a picture.
func letter(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return strings.ToUpper(string(r))
		}
	}
	if r, _ := utf8.DecodeRuneInString(name); r != utf8.RuneError {
		return string(r)
	}
	return "?"
}

// clock tells a countdown, as in "1:40".
func clock(now, t time.Time) string {
	s := int(math.Ceil(max(0, t.Sub(now).Seconds())))
	return strconv.Itoa(s/60) + ":" + pad(s%60)
}

func itoa(n int) string { return strconv.Itoa(n) }

func pad(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

func has(list []string, id snowflake.ID) bool {
	for _, s := range list {
		if s == id.String() {
			return true
		}
	}
	return false
}

// roomCard is a room in the room list, as it is drawn.
type roomCard struct {
	RoomCard
	Now time.Time
}
