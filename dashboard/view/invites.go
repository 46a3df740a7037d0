package view

import (
	"time"

	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/text"
)

// InviteTitle names an invite to a viewer: by its label, or by whose link it is.
func InviteTitle(t text.Texts, v room.Invite, mine bool) string {
	switch {
	case v.Label != "":
		return v.Label
	case mine:
		return t.Say("invite.yours")
	case v.ByName == "": // whoever made it had their data erased
		return t.Say("invite.link")
	}
	return t.Say("invite.of", "Name", v.ByName)
}

// inviteHours are lifetimes to choose from, in hours, beside the server's.
var inviteHours = []int{1, 6, 24, 3 * 24, 7 * 24, 30 * 24}

// HoursChoice is a lifetime to choose.
type HoursChoice struct {
	Hours int
	Text  string
}

// InviteHours are the lifetimes to choose from.
func (p *Room) InviteHours() (list []HoursChoice) {
	for _, h := range inviteHours {
		list = append(list, HoursChoice{h, p.Text.Duration(time.Duration(h) * time.Hour)})
	}
	return list
}

// MaxInviteUses is the largest number of people that one link lets in.
func (p *Room) MaxInviteUses() int { return schema.MaxInviteUses }

// MaxInviteLabel is the greatest length of a label, in characters.
func (p *Room) MaxInviteLabel() int { return schema.MaxInviteLabel }
