package guild

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"snug/shared/errs"
	"snug/shared/schema"
)

// Fill is what a name template is filled with.
type Fill struct {
	Owner string // display name
	N     int    // the least number that no open room has
	Game  string // what the owner plays; "" where it is not known
}

// RoomName fills in a name template and cuts it to what Discord takes. What is
// not known leaves no gap: "{game} with {owner}" without a game is "with Mara",
// and what then says nothing at all becomes the owner's room.
func RoomName(template string, f Fill) string {
	name := strings.NewReplacer("{owner}", f.Owner, "{n}", strconv.Itoa(f.N), "{game}", f.Game).Replace(template)
	if f.Game == "" && strings.Contains(template, "{game}") {
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
