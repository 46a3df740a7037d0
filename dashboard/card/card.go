// Package card draws the pictures that other sites show beside a link to Snug: a table seen from above, with its
// seats. It knows no HTTP, and nothing of rooms but what a Card says.
package card

// Card is all that a picture shows. Equal cards are equal pictures.
type Card struct {
	Name  string `json:"n,omitempty"` // the room's or server's; "": Snug's own card
	Place string `json:"p,omitempty"` // the server that the room is in
	Seats int    `json:"s,omitempty"` // around the table; 0: as many as Snug begins with, without saying so
	// Taken is how many of the seats are taken. With Quiet it isn't shown, and is 0.
	Taken int `json:"t,omitempty"`
	// Quiet means that the picture says nothing about people: of a private room, or of no room.
	Quiet bool `json:"q,omitempty"`
	// Closed puts a lock on the table in the place of numbers: not everybody may come in.
	Closed bool `json:"c,omitempty"`
}

// Own is Snug's own card, for whatever has nothing else to show.
func Own() Card { return Card{Seats: 4, Taken: 3} }

// MaxSeats is how many seats are drawn at most. A room has no more.
const MaxSeats = 99

// normal returns the card with its numbers within their limits.
func (c Card) normal() Card {
	if c.Seats < 1 {
		c.Seats = 4
	}
	c.Seats = min(c.Seats, MaxSeats)
	c.Taken = min(max(c.Taken, 0), MaxSeats)
	if c.Quiet {
		c.Taken = 0
	}
	return c
}
