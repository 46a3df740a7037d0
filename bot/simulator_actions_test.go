package bot_test

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/discordsim"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// change does something to a room on the web; with fills in the rest of the request.
func (h *harness) change(
	name string, id snowflake.ID, do room.Action, with ...func(*room.ChangeRequest),
) (room.ChangeDone, error) {
	q := room.ChangeRequest{Actor: h.actor(name), RoomID: id, Do: do}
	for _, f := range with {
		f(&q)
	}
	return call(h, hub.ChangeRoom, q)
}

func text(s string) func(*room.ChangeRequest) { return func(q *room.ChangeRequest) { q.Text = s } }

func number(n int) func(*room.ChangeRequest) { return func(q *room.ChangeRequest) { q.Number = n } }

func (h *harness) at(name string) func(*room.ChangeRequest) {
	return func(q *room.ChangeRequest) { q.User = h.People[name] }
}

// changed is change where it must work.
func (h *harness) changed(
	name string, id snowflake.ID, do room.Action, with ...func(*room.ChangeRequest),
) room.ChangeDone {
	h.Helper()
	done, err := h.change(name, id, do, with...)
	h.Must(err)
	return done
}

func (h *harness) view(name string, id snowflake.ID) room.View {
	h.Helper()
	v, err := call(h, hub.ViewRoom, h.request(name, id))
	h.Must(err)
	return v
}

// told waits until somebody has a direct message with these words.
func (h *harness) told(name string, words ...string) {
	h.Helper()
	h.eventually(name+" is told "+strings.Join(words, ", "), func() bool {
		return slices.ContainsFunc(h.direct(name), func(s string) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(s, w) })
		})
	})
}

// direct gives somebody's direct messages.
func (h *harness) direct(name string) (out []string) {
	h.Helper()
	state, err := h.Discord.StateFor(h.user(name))
	h.Must(err)
	for _, dm := range state.DMs {
		for _, m := range h.chat(name, dm.ID) {
			out = append(out, m.Text())
		}
	}
	return out
}

// said waits until a channel's chat has a message with the words, as mara sees it.
func (h *harness) said(channel snowflake.ID, words string) {
	h.Helper()
	h.eventually("the chat says "+words, func() bool {
		return slices.ContainsFunc(h.chat("mara", channel),
			func(m *discordsim.Message) bool { return strings.Contains(m.Text(), words) })
	})
}

// overwrite gives what a channel allows and denies somebody or a role.
func (h *harness) overwrite(channel, who snowflake.ID) (allow, deny int64, ok bool) {
	h.Helper()
	for _, o := range h.channels()[channel].Overwrites {
		if o.ID == who {
			return o.Allow, o.Deny, true
		}
	}
	return 0, 0, false
}

// where gives the voice channel somebody is in, as Discord has it.
func (h *harness) where(name string) snowflake.ID {
	for _, g := range h.Discord.State().Guilds {
		for _, v := range g.VoiceStates {
			if v.UserID == h.user(name) && v.ChannelID != nil {
				return *v.ChannelID
			}
		}
	}
	return 0
}

// heard wants a change of Discord's world to succeed, and waits until the bot, if it is running, has heard of it.
func (h *harness) heard(err error) {
	h.Helper()
	h.Must(err)
	if h.running == nil {
		return
	}
	for _, session := range h.Discord.State().Applications[0].Sessions {
		if session.Connected {
			h.eventually("the bot has heard of it", func() bool {
				return int64(h.bot.Sequence(h.Guild)) >= session.Sequence
			})
		}
	}
}

// add makes a channel in Discord, as an admin does. The bot has heard of it afterwards.
func (h *harness) add(o discordsim.ChannelOptions) snowflake.ID {
	h.Helper()
	c, err := h.Discord.AddChannel(h.Guild, o)
	h.heard(err)
	return c.ID
}

// role makes a role and gives it to members. The bot has heard of it afterwards.
func (h *harness) role(name string, p discordsim.Permissions, members ...string) snowflake.ID {
	h.Helper()
	id, err := h.Discord.AddRole(h.Guild, name, p)
	h.heard(err)
	for _, m := range members {
		h.Must(h.Discord.RemoveMember(h.Guild, h.user(m)))
		h.Must(h.Discord.AddMember(h.Guild, h.user(m), "", id))
	}
	return id
}

func (h *harness) lobby(l guild.Lobby, name string) guild.LobbyDone {
	h.Helper()
	done, err := call(h, hub.SaveLobby, guild.LobbyRequest{Actor: h.actor("mara"), Lobby: l, Name: name})
	h.Must(err)
	return done
}

// opened waits until somebody owns a room, and gives it.
func (h *harness) opened(name string) (out room.Live) {
	h.Helper()
	h.await(name+" has a room", func(l map[snowflake.ID]room.Live) bool {
		for _, v := range l {
			if v.Room.Access.OwnerID == h.People[name] {
				out = v
				return true
			}
		}
		return false
	})
	return out
}

// entries gives the audit's entries of a room (0: of the server), oldest first.
func (h *harness) entries(id snowflake.ID) (out []audit.Entry) {
	h.Helper()
	list, err := h.hub.Audit.Page(h.soon(), h.Guild, id, 0, 200)
	h.Must(err)
	for _, a := range slices.Backward(list) {
		var e audit.Entry
		h.Must(json.Unmarshal(a.Data, &e))
		out = append(out, e)
	}
	return out
}

// audited gives the kinds of the audit's entries of a room (0: of the server), oldest first, as "kind detail old>new".
func (h *harness) audited(id snowflake.ID) (out []string) {
	h.Helper()
	for _, e := range h.entries(id) {
		if e.Via == "" || e.At.IsZero() || e.ID == "" {
			h.Errorf("an entry does not say when or from where: %+v", e)
		}
		s := string(e.Kind)
		for _, part := range []string{e.Detail, e.Old + ">" + e.New} {
			if part != "" && part != ">" {
				s += " " + part
			}
		}
		out = append(out, s)
	}
	return out
}

func (h *harness) wantAudit(id snowflake.ID, want ...string) {
	h.Helper()
	got := h.audited(id)
	i := 0
	for _, g := range got {
		if i < len(want) && strings.HasPrefix(g, want[i]) {
			i++
		}
	}
	if i < len(want) {
		h.Errorf("the audit lacks %q (in this order: %q): %q", want[i], want, got)
	}
}
