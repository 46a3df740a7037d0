package guild

import (
	"cmp"
	"strconv"
	"strings"
	"unicode/utf8"

	"snug/shared/errs"
	"snug/shared/schema"
)

// Fill is what a name template is filled with.
type Fill struct {
	Owner  string // display name
	N      int    // the least number that no open room has
	Game   string // what the owner plays; "" where it is not known
	Random string // one of the server's random names; "" where it has none
	Custom string // what a member set; "": Owner
}

// RoomName fills in a name template and cuts it to what Discord takes. What is
// not known leaves no gap: "{game} with {owner}" without a game is "with Mara",
// and what then says nothing at all becomes the owner's room.
func RoomName(template string, f Fill) string {
	name := strings.NewReplacer(
		"{owner}", f.Owner, "{nickname}", f.Owner, "{n}", strconv.Itoa(f.N), "{n:roman}", roman(f.N),
		"{n:letter}", letters(f.N), "{game}", f.Game, "{random}", f.Random,
		schema.CustomPart, cmp.Or(f.Custom, f.Owner),
	).Replace(template)
	if f.Game == "" && strings.Contains(template, "{game}") ||
		f.Random == "" && strings.Contains(template, "{random}") {
		name = strings.NewReplacer("()", "", "[]", "", "“”", "", `""`, "").Replace(name)
		name = strings.Trim(name, " \t-–—|:·•,/")
	}
	name = strings.Join(strings.Fields(name), " ")
	if name == "" {
		name = f.Owner
	}
	if r := []rune(name); len(r) > schema.MaxName {
		return strings.TrimSpace(string(r[:schema.MaxName]))
	}
	return name
}

// RoomFrame gives what stays of the names that a template makes, whatever members set; "" if it leaves all to them.
func RoomFrame(template string, f Fill) schema.Frame {
	if strings.Count(template, schema.CustomPart) != 1 {
		return ""
	}
	f.Custom = schema.CustomPart
	return schema.Frame(RoomName(template, f))
}

// roman writes a number from 1 on in Roman numerals: 4 is IV.
func roman(n int) string {
	var b strings.Builder
	for _, d := range []struct {
		value  int
		digits string
	}{
		{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"},
		{9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"},
	} {
		for ; n >= d.value; n -= d.value {
			b.WriteString(d.digits)
		}
	}
	return b.String()
}

// letters writes a number from 1 on in letters, as the columns of a spreadsheet: 1 is A, 27 is AA.
func letters(n int) (s string) {
	for ; n > 0; n = (n - 1) / 26 {
		s = string(rune('A'+(n-1)%26)) + s
	}
	return s
}

// checkTemplate fails unless a template gives a name Discord takes.
func checkTemplate(row schema.Setting, template string) error {
	if _, err := schema.CleanName(RoomName(template, Fill{Owner: "Somebody", N: 1})); err != nil ||
		strings.TrimSpace(template) == "" || utf8.RuneCountInString(template) > row.Max {
		return errs.Field(row.Name,
			"The name template must produce 1 to %d characters. Snug fills in {owner}, {n} and {game}.", row.Max)
	}
	return nil
}

// CheckName gives a name as it is kept: as room.CleanName, and it fails with
// errs.Invalid if it has a word that the guild blocks.
func (s Settings) CheckName(name string) (string, error) {
	name, err := schema.CleanName(name)
	if err != nil {
		return "", err
	}
	return name, s.checkWords("name", name)
}

// CheckStatus gives a voice status as it is kept, "" for none, under the same rules as names.
func (s Settings) CheckStatus(status string) (string, error) {
	status, err := schema.CleanStatus(status)
	if err != nil {
		return "", err
	}
	return status, s.checkWords("status", status)
}

// CheckText gives a text of a room's card as it is kept, "" for none, under the same rules as names.
func (s Settings) CheckText(f schema.TextField, text string) (string, error) {
	text, err := f.Clean(text)
	if err != nil {
		return "", err
	}
	return text, s.checkWords(f.Name, text)
}

func (s Settings) checkWords(field, text string) error {
	if _, blocked := Blocked(text, s.BlockedWords); blocked {
		return errs.Field(field, "This server doesn't allow one of the words in “%s”. Choose others.", text)
	}
	return nil
}
