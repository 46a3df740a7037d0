package roomstest

import (
	"maps"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/shared/access"
)

// BotID is the bot's user id in every Discord.
const BotID snowflake.ID = 77

// State is a copy of what is in a Discord, for tests to compare with.
type State struct {
	Channels map[snowflake.ID]ChannelState
	Voice    map[snowflake.ID]snowflake.ID // channels by user
	Invites  map[string]snowflake.ID       // channels by code, of the bot's invites
}

// ChannelState is a channel in a State.
type ChannelState struct {
	rooms.Channel
	Overwrites map[snowflake.ID]access.Overwrite
	Status     string
}

// State returns what is in the Discord now.
func (d *Discord) State() State {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := State{
		Channels: map[snowflake.ID]ChannelState{}, Voice: maps.Clone(d.voice), Invites: map[string]snowflake.ID{},
	}
	for id, c := range d.channels {
		s.Channels[id] = ChannelState{Channel: d.view(c), Overwrites: maps.Clone(c.overwrites), Status: c.status}
	}
	for code, i := range d.invites {
		if i.byBot {
			s.Invites[code] = i.channel
		}
	}
	return s
}

// Inside lists who is in a voice channel, by id.
func (s State) Inside(channel snowflake.ID) (users []snowflake.ID) {
	for _, user := range slices.Sorted(maps.Keys(s.Voice)) {
		if s.Voice[user] == channel {
			users = append(users, user)
		}
	}
	return users
}

// Rooms lists the voice channels with the bot's mark, by id.
func (s State) Rooms() (ids []snowflake.ID) {
	for _, id := range slices.Sorted(maps.Keys(s.Channels)) {
		if c := s.Channels[id]; c.Kind == rooms.KindVoice && c.Marked {
			ids = append(ids, id)
		}
	}
	return ids
}

// Delete deletes a channel, as somebody in Discord does.
func (d *Discord) Delete(channel snowflake.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(channel)
}

// EditChannel changes a channel's name or user limit, as somebody in Discord does.
func (d *Discord) EditChannel(channel snowflake.ID, change func(*rooms.Channel)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.channels[channel].Channel)
	d.emit(event{changed: channel})
}

// RemoveOverwrite removes an overwrite of a channel, as somebody in Discord does.
func (d *Discord) RemoveOverwrite(channel, of snowflake.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.channels[channel].overwrites, of)
	d.emit(event{changed: channel})
}

// Hide hides a channel from the bot, or shows it again.
func (d *Discord) Hide(channel snowflake.ID, hidden bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.channels[channel].hidden = hidden
	d.emit(event{changed: channel})
}

// ForbidName has Discord refuse channels whose names contain a word.
func (d *Discord) ForbidName(word string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.badNames = append(d.badNames, word)
}

// MoveByHand has a moderator move a member to a voice channel, or out of voice (0), whatever Discord lets the member
// do.
func (d *Discord) MoveByHand(user, to snowflake.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setVoice(user, to)
}

// IsMember reports whether a user is in the server.
func (d *Discord) IsMember(user snowflake.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.members[user] != nil
}

// BreakNext has the next SetAccess fail after its first change, as if the bot lost a permission in between.
func (d *Discord) BreakNext() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.breaks = true
}

// Unheard has changes happen of which the bot is not told, as during an outage of the gateway.
func (d *Discord) Unheard(changes func()) {
	mute := func(on bool) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.muted = on
	}
	mute(true)
	defer mute(false)
	changes()
}
