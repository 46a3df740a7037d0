package room

import "strings"

// Card is what the owner tells of the room: what it is about, where to read more, a note. Each may be "". It is for
// those who may see the room.
type Card struct {
	Headline string `json:"headline,omitempty"`
	Link     string `json:"link,omitempty"` // as schema.CleanLink gives it
	Note     string `json:"note,omitempty"`
}

// text returns the place of one of the texts, by its name in the row of DoCard; nil for none of them.
func (c *Card) text(name string) *string {
	switch name {
	case "headline":
		return &c.Headline
	case "link":
		return &c.Link
	case "note":
		return &c.Note
	}
	return nil
}

// Text returns one of the texts, by its name in the row of DoCard.
func (c Card) Text(name string) string { return *c.text(name) }

// SetText changes one of the texts.
func (c *Card) SetText(name, text string) { *c.text(name) = text }

// Empty reports whether there is nothing on the card.
func (c Card) Empty() bool { return c == Card{} }

// String is the card in one line; "" for an empty one.
func (c Card) String() string {
	var texts []string
	for _, text := range []string{c.Headline, c.Note, c.Link} {
		if text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, " · ")
}
