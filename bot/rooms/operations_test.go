package rooms_test

import (
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/bot/rooms/roomstest"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// operation is something that people do, or that happens, once.
type operation struct {
	name  string
	given func(*world) // what is there before
	do    func(*world) error
	// done reports whether its effect is there. A repetition of do must not change it.
	done func(*world) bool
	// again are the errors that a repetition may get once it is done; nil always may.
	again []errs.Code
	// before tells that done holds before, too: something happens that must be made good.
	before bool
	// brief operations make no sense any more after the sweeps.
	brief bool
	// tells operations have no answer: whoever is concerned gets a message, or sees it.
	tells bool
	// leaves tells that something in Discord may be left as it should not be until the operation is repeated.
	leaves bool
	// slow operations take effect with a sweep; all others when do returns and what follows has settled.
	slow bool
	kind audit.Kind // of the entry that it leaves; "" for none
}

// operations lists all of them.
func operations() []operation {
	return slices.Concat(openings(), admissions(), expulsions(), changes(), owners(), seatings(), endings(), byHand(),
		managing())
}

// is reports whether the room is stored and as expected.
func is(want func(room.Room) bool) func(*world) bool {
	return func(w *world) bool {
		r, there := w.doc()
		return there && want(r)
	}
}

// then does one preparation after another.
func then(steps ...func(*world)) func(*world) {
	return func(w *world) {
		w.Helper()
		for _, step := range steps {
			step(w)
		}
		w.settle()
	}
}

func opened(w *world) { w.Helper(); w.open() }

func guests(users ...snowflake.ID) func(*world) {
	return func(w *world) { w.Helper(); w.letIn(users...) }
}

func inside(users ...snowflake.ID) func(*world) {
	return func(w *world) { w.Helper(); w.enter(users...) }
}

// act does an action by somebody to the room.
func act(by snowflake.ID, do room.Action, q room.ChangeRequest) func(*world) error {
	return func(w *world) error { return w.change(by, do, q) }
}

// acted is act as a preparation.
func acted(by snowflake.ID, do room.Action, q room.ChangeRequest) func(*world) {
	return func(w *world) { w.Helper(); w.must(w.change(by, do, q)); w.settle() }
}

// settings is a preparation that changes settings.
func settings(change func(*guild.Settings)) func(*world) {
	return func(w *world) { w.Helper(); w.must(w.save(change)); w.settle() }
}

// full is a room with two seats, which mara and jonas have; kiyo is a guest, too.
func full(w *world) {
	w.Helper()
	then(opened, acted(mara, room.DoSeats, room.ChangeRequest{Number: 2}), guests(jonas, kiyo), inside(mara, jonas))(w)
}

// inHall has users connected to a voice channel that is no room.
func inHall(users ...snowflake.ID) func(*world) {
	return func(w *world) {
		w.Helper()
		hall := w.discord.AddChannel(rooms.KindVoice, "Hall", 0)
		for _, u := range users {
			w.must(w.discord.Join(u, hall))
		}
		w.settle()
	}
}

// openingOf opens a room for mara, as a request with this id.
func openingOf(id string, q room.OpenRequest) func(*world) error {
	return func(w *world) error {
		q.Actor = actor(mara)
		_, err := w.bot.Open(w.Context(), w.guild, id, q)
		return err
	}
}

// maras reports whether mara owns exactly one room, and it is as expected.
func maras(want func(*world, room.Room) bool) func(*world) bool {
	return func(w *world) bool {
		var list []room.Room
		for _, r := range w.docs() {
			if r.OwnerID == mara && r.State == room.Open {
				list = append(list, r)
			}
		}
		return len(list) == 1 && want(w, list[0])
	}
}

func anyRoom(*world, room.Room) bool { return true }

// category adds a category for rooms with this many channels, and sets it.
func category(full int) func(*world) {
	return func(w *world) {
		w.Helper()
		c := w.discord.AddChannel(rooms.KindCategory, "Rooms", 0)
		for range full {
			w.discord.AddChannel(rooms.KindText, "talk", c)
		}
		settings(func(s *guild.Settings) { s.CategoryID = c })(w)
	}
}

// lobby adds a lobby.
func lobby(w *world) {
	w.Helper()
	w.lobby = w.discord.AddChannel(rooms.KindVoice, "Lobby", 0)
	_, err := w.bot.SaveLobby(w.Context(), w.guild, guild.LobbyRequest{
		Actor: actor(boss), Lobby: guild.Lobby{ChannelID: w.lobby},
	})
	w.must(err)
	w.settle()
}

// joinLobby has mara join the lobby, anew if she is there already and nothing happened.
func joinLobby(w *world) error {
	in := w.discord.State().Voice[mara]
	if in != 0 && in != w.lobby {
		return nil
	}
	w.discord.Leave(mara)
	return w.discord.Join(mara, w.lobby)
}

func openings() []operation {
	private, named := true, room.OpenRequest{Name: "Den", Seats: 3}
	return []operation{
		{
			name: "open", do: openingOf("request", named), kind: audit.RoomOpened,
			done: maras(func(_ *world, r room.Room) bool { return r.Name == "Den" && r.Seats == 3 && r.Private }),
		},
		{
			name: "open asked anew", do: openingOf("", room.OpenRequest{Private: &private}), kind: audit.RoomOpened,
			done: maras(anyRoom), again: []errs.Code{errs.RoomLimit},
		},
		{
			name: "open with remembered people", do: openingOf("request", room.OpenRequest{}), kind: audit.RoomOpened,
			given: func(w *world) {
				_, err := w.hub.Members.Put(w.Context(), w.guild.String()+"."+mara.String(), room.Preferences{
					Name: "Nest", Guests: []snowflake.ID{jonas, kiyo}, Banned: []snowflake.ID{priya},
				})
				w.must(err)
			},
			done: maras(func(_ *world, r room.Room) bool {
				return r.Name == "Nest" && r.Guest(jonas) != nil && r.Guest(kiyo) != nil && r.Banned(priya)
			}),
		},
		{
			name: "open beside a full category", given: category(50), do: openingOf("request", named),
			kind: audit.RoomOpened,
			done: maras(func(w *world, r room.Room) bool {
				return w.discord.State().Channels[r.CategoryID].Name == "Rooms 2"
			}),
		},
		{
			name: "open without its category", do: openingOf("request", named), kind: audit.RoomOpened,
			given: then(category(0), func(w *world) { w.discord.Delete(w.bot.Snapshot(w.guild).Settings.CategoryID) }),
			done:  maras(func(_ *world, r room.Room) bool { return r.CategoryID == 0 }),
		},
		{
			name: "open under another name", do: openingOf("request", room.OpenRequest{}), kind: audit.RoomOpened,
			given: func(w *world) { w.discord.ForbidName("Mara") },
			done:  maras(func(_ *world, r room.Room) bool { return r.Name == "Room 1" }),
		},
		{
			name: "open again", given: then(opened, guests(jonas), closed), do: again(mara), kind: audit.RoomOpened,
			done: maras(func(w *world, r room.Room) bool { return r.AgainOf == w.room && r.Guest(jonas) != nil }),
		},
		{
			name: "open from a lobby", given: lobby, tells: true, do: joinLobby, kind: audit.RoomOpened,
			done: maras(func(w *world, r room.Room) bool { return w.discord.State().Voice[mara] == r.ID }),
		},
		{
			name: "return through a lobby", given: then(lobby, opened), tells: true, do: joinLobby,
			done: maras(func(w *world, r room.Room) bool { return w.discord.State().Voice[mara] == r.ID }),
		},
	}
}

// closed has mara close the room.
func closed(w *world) {
	w.Helper()
	_, err := w.bot.CloseRoom(w.Context(), w.guild, room.Request{Actor: actor(mara), RoomID: w.room})
	w.must(err)
}

// again opens the room again, which has closed.
func again(user snowflake.ID) func(*world) error {
	return func(w *world) error {
		_, err := w.bot.Again(w.Context(), w.guild, room.Request{Actor: actor(user), RoomID: w.room})
		return err
	}
}

// knocked has a user knock at the room.
func knocked(user snowflake.ID) func(*world) {
	return func(w *world) {
		w.Helper()
		_, err := w.bot.Knock(w.Context(), w.guild, room.KnockRequest{Actor: actor(user), RoomID: w.room})
		w.must(err)
		w.settle()
	}
}

// answer has mara answer a knock.
func answer(user snowflake.ID, letIn bool) func(*world) error {
	return func(w *world) error {
		_, err := w.bot.Answer(w.Context(), w.guild, room.AnswerRequest{
			Actor: actor(mara), RoomID: w.room, User: user, LetIn: letIn,
		})
		return err
	}
}

// redeem has a user follow a link that lets one in.
func redeem(user snowflake.ID, code *string, with string) func(*world) error {
	return func(w *world) error {
		_, err := w.bot.Redeem(w.Context(), w.guild, room.RedeemRequest{
			Actor: actor(user), RoomID: w.room, Code: *code, AccessToken: with,
		})
		return err
	}
}

// linked makes a link that lets one in.
func linked(code *string) func(*world) {
	return func(w *world) { w.Helper(); *code = w.link(1).Code }
}

// arrive has ada look at how to arrive.
func arrive(w *world) error {
	out, err := w.bot.Arrive(w.Context(), w.guild, room.ArriveRequest{Actor: actor(ada), RoomID: w.room})
	if err == nil && out.Why != nil {
		return out.Why
	}
	return err
}

// accept has ada accept Discord's invite, and look.
func accept(w *world) error {
	r, _ := w.doc()
	if a := r.Arrival(ada); a != nil && a.Code != "" {
		_ = w.discord.Accept(ada, a.Code) // she may be there already
	}
	w.bot.EditMember(ada, func(*access.Standing) {}) // Discord tells that she is
	return arrive(w)
}

func letIn(user snowflake.ID) func(*world) bool {
	return is(func(r room.Room) bool { return r.Guest(user) != nil && r.Guest(user).Suspended == access.Passes })
}

func admissions() []operation {
	var token, code string
	coming := then(opened, linked(&token), func(w *world) { w.must(redeem(ada, &token, "")(w)) })
	join := func(w *world) error {
		_, err := w.bot.Join(w.Context(), w.guild, room.Request{Actor: actor(jonas), RoomID: w.room})
		return err
	}
	linkAs := func(q room.InviteRequest) func(*world) error {
		return func(w *world) error {
			q.Actor, q.RoomID = actor(mara), w.room
			_, _, err := w.bot.Invite(w.Context(), w.guild, q)
			return err
		}
	}
	return []operation{
		{
			name: "join", given: then(opened, guests(jonas), inHall(jonas)), do: join,
			done: func(w *world) bool { return w.discord.State().Voice[jonas] == w.room },
		},
		{
			name: "join later", given: then(opened, guests(jonas)), do: join,
			done: is(func(r room.Room) bool { return len(r.Holds) == 1 && r.Holds[0].Why == room.HeldJoining }),
		},
		{
			name: "knock", given: opened, kind: audit.Knocked,
			do: func(w *world) error {
				_, err := w.bot.Knock(w.Context(), w.guild, room.KnockRequest{Actor: actor(boss), RoomID: w.room})
				return err
			},
			done: is(func(r room.Room) bool { return len(r.Knocks) == 1 }),
		},
		{
			name: "let in who knocks", given: then(opened, knocked(kiyo)), do: answer(kiyo, true),
			done: letIn(kiyo), again: []errs.Code{errs.NotFound}, kind: audit.GuestAdmitted,
		},
		{
			name: "not now", given: then(opened, knocked(kiyo)), do: answer(kiyo, false),
			done: is(func(r room.Room) bool { // it is forgotten after a while
				return r.Knock(kiyo) == nil || !r.Knock(kiyo).RefusedAt.IsZero()
			}),
			again: []errs.Code{errs.NotFound}, kind: audit.KnockDenied,
		},
		{
			name: "link", given: opened, do: linkAs(room.InviteRequest{ID: "one", Uses: 2}),
			done: is(func(r room.Room) bool { return r.Invite("one") != nil && len(r.Invites) == 2 }),
			kind: audit.InviteCreated,
		},
		{
			name: "invite somebody", given: opened, do: linkAs(room.InviteRequest{ID: "one", For: jonas}),
			done: letIn(jonas), kind: audit.GuestAdmitted,
		},
		{
			name: "invite somebody anew", given: opened, do: linkAs(room.InviteRequest{For: jonas}),
			done: letIn(jonas), kind: audit.GuestAdmitted,
		},
		{
			name: "invite a bot", given: opened, do: linkAs(room.InviteRequest{ID: "one", For: jukebox}),
			done: letIn(jukebox), kind: audit.GuestAdmitted,
		},
		{
			name: "revoke", given: then(opened, linked(&token)), kind: audit.InviteRevoked,
			do: func(w *world) error {
				r, _ := w.doc()
				_, err := w.bot.Revoke(w.Context(), w.guild, room.RevokeRequest{
					Actor: actor(mara), RoomID: w.room, InviteID: r.Invites[1].ID,
				})
				return err
			},
			done: is(func(r room.Room) bool { return !r.Invites[1].RevokedAt.IsZero() }),
		},
		{
			name: "follow a link", given: then(opened, linked(&token)), do: redeem(kiyo, &token, ""), done: letIn(kiyo),
			kind: audit.GuestAdmitted,
		},
		{
			name: "follow a link from outside", given: then(opened, linked(&token)), do: redeem(ada, &token, ""),
			done: is(func(r room.Room) bool { return r.Arrival(ada) != nil }), kind: audit.OnTheWay,
		},
		{
			name: "follow a link into the server", do: redeem(ada, &token, "secret"), done: letIn(ada),
			given: then(settings(func(s *guild.Settings) { s.GuildsJoin = true }), opened, linked(&token)),
			kind:  audit.GuestAdmitted,
		},
		{
			name: "get Discord's invite", given: coming, do: arrive,
			done: is(func(r room.Room) bool { return r.Arrival(ada) != nil && r.Arrival(ada).Code != "" }),
		},
		{
			name: "get another of Discord's invites",
			given: then(coming, func(w *world) {
				w.must(arrive(w))
				r, _ := w.doc()
				code = r.Arrival(ada).Code
			}),
			do: func(w *world) error {
				r, _ := w.doc()
				out, err := w.bot.Arrive(w.Context(), w.guild, room.ArriveRequest{
					Actor: actor(ada), RoomID: w.room, NewInvite: r.Arrival(ada).Code == code,
				})
				if err == nil && out.Why != nil {
					return out.Why
				}
				return err
			},
			done: is(func(r room.Room) bool {
				a := r.Arrival(ada)
				return a != nil && a.Code != "" && a.Code != code
			}),
		},
		{
			name: "arrive", given: then(coming, func(w *world) { w.must(arrive(w)) }), do: accept, done: letIn(ada),
			kind: audit.GuestAdmitted,
		},
		{
			name: "revoke with somebody on the way", given: then(coming, func(w *world) { w.must(arrive(w)) }),
			do: func(w *world) error {
				r, _ := w.doc()
				_, err := w.bot.Revoke(w.Context(), w.guild, room.RevokeRequest{
					Actor: actor(mara), RoomID: w.room, InviteID: r.Invites[1].ID,
				})
				return err
			},
			done: is(func(r room.Room) bool { return r.Arrival(ada) == nil && !r.Invites[1].RevokedAt.IsZero() }),
			kind: audit.InviteRevoked,
		},
	}
}

func expulsions() []operation {
	out := func(user snowflake.ID, banned bool) func(*world) bool {
		return func(w *world) bool {
			r, there := w.doc()
			return there && r.Guest(user) == nil && r.Arrival(user) == nil && r.Banned(user) == banned &&
				w.discord.State().Voice[user] != w.room
		}
	}
	target := func(user snowflake.ID) room.ChangeRequest { return room.ChangeRequest{User: user} }
	var token string
	return []operation{
		{
			name: "kick", given: then(opened, guests(jonas), inside(mara, jonas)),
			do:   act(mara, room.DoKick, target(jonas)),
			done: out(jonas, false), again: []errs.Code{errs.NotFound}, kind: audit.Kicked,
		},
		{
			name: "kick a guest who is not inside", given: then(opened, guests(jonas)),
			do: act(mara, room.DoKick, target(jonas)), done: out(jonas, false), again: []errs.Code{errs.NotFound},
			kind: audit.Kicked,
		},
		{
			name:  "kick from a public room",
			given: then(opened, acted(mara, room.DoPublic, room.ChangeRequest{}), inside(kiyo)),
			do:    act(mara, room.DoKick, target(kiyo)), done: out(kiyo, false), again: []errs.Code{errs.NotFound},
			kind: audit.Kicked,
		},
		{
			name: "kick somebody on the way",
			given: then(opened, linked(&token), func(w *world) {
				w.must(redeem(ada, &token, "")(w))
				w.must(arrive(w))
			}),
			do: act(mara, room.DoKick, target(ada)), done: out(ada, false), again: []errs.Code{errs.NotFound},
			kind: audit.Kicked,
		},
		{
			name: "ban", given: then(opened, guests(jonas), inside(mara, jonas)),
			do:   act(mara, room.DoBan, target(jonas)),
			done: out(jonas, true), kind: audit.Banned,
		},
		{
			name: "ban a stranger", given: opened, do: act(mara, room.DoBan, target(priya)), done: out(priya, true),
			kind: audit.Banned,
		},
		{
			name: "ban who knocks", given: then(opened, knocked(kiyo)), do: act(mara, room.DoBan, target(kiyo)),
			done: out(kiyo, true), kind: audit.Banned,
		},
		{
			name: "unban", given: then(opened, acted(mara, room.DoBan, target(priya))),
			do: act(mara, room.DoUnban, target(priya)), done: out(priya, false), kind: audit.Unbanned,
		},
		{
			name: "unban and invite", given: then(opened, acted(mara, room.DoBan, target(priya))),
			do: func(w *world) error {
				if err := w.change(mara, room.DoUnban, target(priya)); err != nil {
					return err
				}
				return w.invite(priya)
			},
			done: letIn(priya), kind: audit.GuestAdmitted,
		},
	}
}

func changes() []operation {
	named := func(name string) room.ChangeRequest { return room.ChangeRequest{Text: name} }
	none := room.ChangeRequest{}
	private := func(p, l, h bool) func(*world) bool {
		return is(func(r room.Room) bool { return r.Private == p && r.Locked == l && r.Hidden == h })
	}
	return []operation{
		{
			name: "rename", given: opened, do: act(mara, room.DoRename, named("Nook")), kind: audit.RoomRenamed,
			slow: true,
			done: is(func(r room.Room) bool { return r.Name == "Nook" }),
		},
		{
			name:  "rename a third time",
			given: then(opened, acted(mara, room.DoRename, named("Hut")), acted(mara, room.DoRename, named("Bay"))),
			do:    act(mara, room.DoRename, named("Nook")), kind: audit.RoomRenamed, slow: true,
			done: is(func(r room.Room) bool { return r.Name == "Nook" }),
		},
		{
			name: "more seats", given: opened, do: act(mara, room.DoSeats, room.ChangeRequest{Number: 5}),
			done: is(func(r room.Room) bool { return r.Seats == 5 }), kind: audit.SeatsChanged,
		},
		{
			name:  "more seats for who waits",
			given: then(full, waits(kiyo)),
			do:    act(mara, room.DoSeats, room.ChangeRequest{Number: 5}), kind: audit.SeatsChanged,
			done: is(func(r room.Room) bool { return r.Seats == 5 && len(r.Waiting) == 0 }), slow: true,
		},
		{
			name: "status", given: then(opened, inside(mara)), do: act(mara, room.DoStatus, named("Chess")),
			done: is(func(r room.Room) bool { return r.Status == "Chess" }), kind: audit.StatusChanged,
		},
		{
			name: "public", given: then(opened, guests(jonas)), do: act(mara, room.DoPublic, none),
			done: private(false, false, false), kind: audit.PrivacyChanged,
		},
		{
			name:  "private with people inside",
			given: then(opened, acted(mara, room.DoPublic, none), inside(mara, kiyo)),
			do:    act(mara, room.DoPrivate, none), kind: audit.PrivacyChanged,
			done: is(func(r room.Room) bool { return r.Private && r.Guest(kiyo) != nil }),
		},
		{
			name: "lock", given: then(opened, acted(mara, room.DoPublic, none), inside(kiyo)),
			do:   act(mara, room.DoLock, none),
			done: private(false, true, false), kind: audit.PrivacyChanged,
		},
		{
			name: "unlock", given: then(opened, acted(mara, room.DoLock, none)), do: act(mara, room.DoUnlock, none),
			done: private(true, false, false), kind: audit.PrivacyChanged,
		},
		{
			name: "hide", given: then(opened, acted(mara, room.DoPublic, none)), do: act(mara, room.DoHide, none),
			done: private(false, false, true), kind: audit.PrivacyChanged,
		},
		{
			name: "show", given: then(opened, acted(mara, room.DoPublic, none), acted(mara, room.DoHide, none)),
			do: act(mara, room.DoShow, none), done: private(false, false, false), kind: audit.PrivacyChanged,
		},
		{
			name: "share", given: opened, do: act(mara, room.DoShare, none), kind: audit.GuestInvitesChanged,
			done: is(func(r room.Room) bool { return r.GuestsInvite }),
		},
		{
			name: "unshare", given: then(opened, acted(mara, room.DoShare, none)), do: act(mara, room.DoUnshare, none),
			kind: audit.GuestInvitesChanged, done: is(func(r room.Room) bool { return !r.GuestsInvite }),
		},
		{
			name: "spectator link", given: opened, do: act(mara, room.DoWatch, none), kind: audit.SpectatorLinkChanged,
			done: is(func(r room.Room) bool { return r.WatchToken != "" }),
		},
		{
			name: "no spectator link", given: then(opened, acted(mara, room.DoWatch, none)),
			do: act(mara, room.DoUnwatch, none), kind: audit.SpectatorLinkChanged,
			done: is(func(r room.Room) bool { return r.WatchToken == "" }),
		},
		{
			name: "panel", given: opened,
			do: func(w *world) error {
				return w.bot.SetPanel(w.Context(), w.guild, w.room, room.Panel{MessageID: 5})
			},
			done: is(func(r room.Room) bool { return r.Panel.MessageID == 5 }),
		},
	}
}

// left has a user leave the server.
func left(user snowflake.ID) func(*world) error {
	return func(w *world) error {
		if w.discord.IsMember(user) {
			w.bot.RemoveMember(user)
		}
		return nil
	}
}

// gated puts the room into a category that only those with a role may see.
func gated(w *world) {
	w.Helper()
	category(0)(w)
	c := w.bot.Snapshot(w.guild).Settings.CategoryID
	w.discord.SetOverwrite(c, access.Overwrite{ID: w.guild, Deny: access.Enter})
	w.discord.SetOverwrite(c, access.Overwrite{ID: regulars, Allow: access.Enter})
	w.settle()
	w.open()
}

// roles gives users these roles alone.
func roles(list []snowflake.ID, users ...snowflake.ID) func(*world) error {
	return func(w *world) error {
		for _, u := range users {
			w.bot.EditMember(u, func(s *access.Standing) { s.Roles = list })
		}
		return nil
	}
}

func owners() []operation {
	owner := func(user snowflake.ID) func(*world) bool {
		return is(func(r room.Room) bool { return r.OwnerID == user })
	}
	target := func(user snowflake.ID) room.ChangeRequest { return room.ChangeRequest{User: user} }
	public := acted(mara, room.DoPublic, room.ChangeRequest{})
	suspended := func(is bool, users ...snowflake.ID) func(*world) bool {
		return func(w *world) bool {
			r, there := w.doc()
			for _, u := range users {
				why, placed := r.SuspendedFor(u)
				there = there && placed && (why != access.Passes) == is
			}
			return there
		}
	}
	many := []snowflake.ID{1001, 1002, 1003, 1004, 1005, 1006, 1007}
	crowd := func(w *world) {
		w.Helper()
		for _, u := range many {
			w.bot.SetMember(u, "user"+u.String(), "User "+u.String(), regulars)
		}
		w.letIn(many...)
	}
	return []operation{
		{
			name: "transfer to a guest", given: then(opened, guests(jonas)),
			do:   act(mara, room.DoTransfer, target(jonas)),
			done: owner(jonas), again: []errs.Code{errs.Forbidden}, kind: audit.OwnerChanged,
		},
		{
			name: "transfer to a member", given: then(opened, inside(mara)),
			do:   act(mara, room.DoTransfer, target(priya)),
			done: owner(priya), again: []errs.Code{errs.Forbidden}, kind: audit.OwnerChanged,
		},
		{
			name: "claim", do: act(jonas, room.DoClaim, room.ChangeRequest{}), done: owner(jonas),
			given: then(opened, guests(jonas), inside(mara, jonas), func(w *world) {
				w.discord.Leave(mara)
				w.settle()
				w.sweep(6 * time.Minute)
			}),
			again: []errs.Code{errs.Invalid}, kind: audit.OwnerChanged,
		},
		{
			name: "claim as a manager", given: then(opened, public), do: act(boss, room.DoClaim, room.ChangeRequest{}),
			done: owner(boss), again: []errs.Code{errs.Invalid}, kind: audit.OwnerChanged,
		},
		{
			name: "owner leaves the server", given: then(opened, guests(jonas, kiyo), inside(mara, jonas)),
			do:   left(mara),
			done: owner(jonas), kind: audit.OwnerChanged, slow: true,
		},
		{
			name: "guest leaves the server", given: then(opened, guests(jonas)), do: left(jonas),
			done: suspended(true, jonas), kind: audit.Suspended, slow: true,
		},
		{
			name: "guest loses a role", given: then(gated, guests(jonas)), do: roles(nil, jonas),
			done: suspended(true, jonas), kind: audit.Suspended, slow: true,
		},
		{
			name: "guest gets a role back", done: suspended(false, jonas), kind: audit.Restored, slow: true,
			given: then(gated, guests(jonas), func(w *world) { w.must(roles(nil, jonas)(w)) }),
			do:    roles([]snowflake.ID{regulars}, jonas),
		},
		{
			name: "owner loses a role", given: gated, do: roles(nil, mara), done: suspended(true, mara),
			kind: audit.Suspended, slow: true,
		},
		{
			name: "many guests lose a role", given: then(gated, crowd), kind: audit.Suspended, slow: true,
			do: func(w *world) error {
				c := w.bot.Snapshot(w.guild).Settings.CategoryID
				w.discord.SetOverwrite(c, access.Overwrite{ID: helpers, Allow: access.Enter})
				w.discord.SetOverwrite(c, access.Overwrite{ID: regulars})
				return nil
			},
			done: suspended(true, append(slices.Clone(many), mara)...),
		},
	}
}

// waits has a user enter the waiting list.
func waits(user snowflake.ID) func(*world) {
	return func(w *world) {
		w.Helper()
		_, err := w.bot.Wait(w.Context(), w.guild, room.WaitRequest{Actor: actor(user), RoomID: w.room})
		w.must(err)
		w.settle()
	}
}

func seatings() []operation {
	wait := func(leave bool) func(*world) error {
		return func(w *world) error {
			_, err := w.bot.Wait(w.Context(), w.guild,
				room.WaitRequest{Actor: actor(kiyo), RoomID: w.room, Leave: leave})
			return err
		}
	}
	moved := func(user snowflake.ID) func(*world) error {
		return func(w *world) error { w.discord.MoveByHand(user, w.room); return nil }
	}
	leaves := func(user snowflake.ID) func(*world) error {
		return func(w *world) error { w.discord.Leave(user); return nil }
	}
	limit := func(n int) func(*world) bool {
		return func(w *world) bool { return w.discord.State().Channels[w.room].UserLimit == n }
	}
	return []operation{
		{
			name: "wait", given: full, do: wait(false), kind: audit.WaitingStarted,
			done: is(func(r room.Room) bool { return len(r.Waiting) == 1 }),
		},
		{
			name: "wait no longer", given: then(full, waits(kiyo)), do: wait(true), kind: audit.WaitingEnded,
			done: is(func(r room.Room) bool { return len(r.Waiting) == 0 }),
		},
		{
			name: "leave with somebody waiting", given: then(full, waits(kiyo)), do: leaves(jonas), slow: true,
			done: is(func(r room.Room) bool { return len(r.Waiting) == 0 }), kind: audit.WaitingEnded,
		},
		{
			name: "leave", given: full, do: leaves(jonas),
			done: func(w *world) bool { return w.discord.State().Voice[jonas] == 0 },
		},
		{
			name: "owner leaves", given: full, do: leaves(mara), slow: true,
			done: is(func(r room.Room) bool { return !r.OwnerLeftAt.IsZero() }),
		},
		{
			name: "enter", given: then(opened, inHall(mara)), slow: true,
			do:   func(w *world) error { return w.discord.Join(mara, w.room) },
			done: is(func(r room.Room) bool { return r.Idle.EmptySince.IsZero() && r.OwnerLeftAt.IsZero() }),
		},
		{
			name: "enter a full room", given: full, before: true, do: moved(kiyo), slow: true,
			done: func(w *world) bool { return w.discord.State().Voice[kiyo] == 0 },
		},
		{
			name: "bot enters", given: full, do: moved(jukebox), done: limit(3), slow: true,
		},
		{
			name: "bot leaves", given: then(full, func(w *world) { w.must(moved(jukebox)(w)) }), do: leaves(jukebox),
			done: limit(2), slow: true,
		},
	}
}

func endings() []operation {
	closing := func(user snowflake.ID) func(*world) error {
		return func(w *world) error {
			_, err := w.bot.CloseRoom(w.Context(), w.guild, room.Request{Actor: actor(user), RoomID: w.room})
			return err
		}
	}
	closed := func(w *world) bool {
		_, there := w.doc()
		_, channel := w.discord.State().Channels[w.room]
		return !there && !channel
	}
	// idle lets the room be empty for long.
	idle := func(w *world) error {
		w.sweep(2 * time.Hour)
		w.sweep(time.Minute)
		return nil
	}
	return []operation{
		{
			name: "close", given: then(opened, guests(jonas), inside(mara, jonas)), do: closing(mara), done: closed,
			again: []errs.Code{errs.RoomNotFound}, kind: audit.RoomClosed,
		},
		{
			name: "close as a manager", given: opened, do: closing(boss), done: closed,
			again: []errs.Code{errs.RoomNotFound}, kind: audit.RoomClosed,
		},
		{
			name: "close the last of an overflow category", slow: true, given: then(category(50), opened),
			do: closing(mara),
			done: func(w *world) bool {
				for _, c := range w.discord.State().Channels {
					if c.Name == "Rooms 2" {
						return false
					}
				}
				return closed(w)
			},
			again: []errs.Code{errs.RoomNotFound}, kind: audit.RoomClosed,
		},
		{name: "idle", given: opened, do: idle, done: closed, kind: audit.RoomClosed, slow: true},
		{
			name: "keep open", kind: audit.RoomKept, brief: true,
			given: then(opened, func(w *world) { w.sweep(time.Hour - 10*time.Second) }),
			do: func(w *world) error {
				_, err := w.bot.Keep(w.Context(), w.guild, room.Request{Actor: actor(mara), RoomID: w.room})
				return err
			},
			done: is(func(r room.Room) bool { return r.ClosingAt.IsZero() && !r.Idle.KeptAt.IsZero() }),
		},
		{
			name: "return before it closes", kind: audit.RoomKept, slow: true,
			given: then(opened, func(w *world) { w.sweep(time.Hour - 10*time.Second) }),
			do:    func(w *world) error { return w.discord.Join(mara, w.room) },
			done:  is(func(r room.Room) bool { return r.ClosingAt.IsZero() }),
		},
		{
			name: "seen", given: opened,
			do: func(w *world) error {
				_, err := w.bot.Seen(w.Context(), w.guild, room.SeenRequest{RoomIDs: []snowflake.ID{w.room}})
				return err
			},
			done: is(func(r room.Room) bool { return !r.Idle.SeenAt.IsZero() }),
		},
	}
}

func byHand() []operation {
	edit := func(change func(*rooms.Channel)) func(*world) error {
		return func(w *world) error { w.discord.EditChannel(w.room, change); return nil }
	}
	gone := func(w *world) bool { _, there := w.doc(); return !there }
	asStored := func(w *world) bool {
		r, there := w.doc()
		return there && len(w.checkRoom(r, w.discord.State())) == 0
	}
	// missed lets something happen while no process runs.
	missed := func(happens func(*world)) func(*world) error {
		return func(w *world) error {
			w.bot.Stop(w.T)
			w.discord.Unheard(func() { happens(w) })
			w.start()
			return nil
		}
	}
	return []operation{
		{
			name: "start after changes", given: then(opened, guests(jonas)), before: true, slow: true, done: asStored,
			do: missed(func(w *world) {
				w.discord.RemoveOverwrite(w.room, jonas)
				w.discord.RemoveOverwrite(w.room, w.guild)
				w.discord.EditChannel(w.room, func(c *rooms.Channel) { c.Name, c.UserLimit = "Nook", 0 })
			}),
			kind: audit.RoomRenamed,
		},
		{
			name: "start without a channel", given: opened, done: gone, kind: audit.RoomClosed, slow: true,
			do: missed(func(w *world) { w.discord.Delete(w.room) }),
		},
		{
			name: "start after people came and went", given: then(opened, guests(jonas), inside(mara)), slow: true,
			do: missed(func(w *world) {
				w.discord.Leave(mara)
				w.discord.MoveByHand(jonas, w.room)
			}),
			done: is(func(r room.Room) bool { return !r.OwnerLeftAt.IsZero() && r.Idle.EmptySince.IsZero() }),
		},
		{
			name: "channel is deleted", given: then(opened, inside(mara)), done: gone, kind: audit.RoomClosed,
			slow: true,
			do:   func(w *world) error { w.discord.Delete(w.room); return nil },
		},
		{
			name: "channel is renamed", given: opened, do: edit(func(c *rooms.Channel) { c.Name = "Nook" }), slow: true,
			done: is(func(r room.Room) bool { return r.Name == "Nook" }), kind: audit.RoomRenamed,
		},
		{
			name: "channel gets a limit", given: opened, do: edit(func(c *rooms.Channel) { c.UserLimit = 7 }),
			slow: true,
			done: is(func(r room.Room) bool { return r.Seats == 7 }), kind: audit.SeatsChanged,
		},
		{
			name: "channel loses its limit", given: opened, do: edit(func(c *rooms.Channel) { c.UserLimit = 0 }),
			slow: true, kind: audit.Repaired,
			done:   func(w *world) bool { return w.discord.State().Channels[w.room].UserLimit == 3 },
			before: true,
		},
		{
			name: "channel is moved", given: opened, slow: true,
			do: func(w *world) error {
				w.discord.SetParent(w.room, w.discord.AddChannel(rooms.KindCategory, "Attic", 0))
				return nil
			},
			done: is(func(r room.Room) bool { return r.CategoryID != 0 }),
		},
		{
			name: "guest's overwrite is removed", given: then(opened, guests(jonas)), done: asStored, before: true,
			kind: audit.Repaired,
			do:   func(w *world) error { w.discord.RemoveOverwrite(w.room, jonas); return nil }, slow: true,
		},
		{
			name: "everyone's overwrite is removed", given: then(opened, guests(jonas)), done: asStored, before: true,
			kind: audit.Repaired,
			do:   func(w *world) error { w.discord.RemoveOverwrite(w.room, w.guild); return nil }, slow: true,
		},
		{
			name: "Snug's overwrite is removed", given: then(opened, guests(jonas)), done: asStored, before: true,
			kind: audit.Repaired,
			do:   func(w *world) error { w.discord.RemoveOverwrite(w.room, roomstest.BotID); return nil }, slow: true,
		},
		{
			name: "guest is denied", given: then(opened, guests(jonas)), kind: audit.Suspended, slow: true,
			do: func(w *world) error {
				w.denials[jonas] = access.Enter
				w.discord.SetOverwrite(w.room, access.Overwrite{ID: jonas, Member: true, Deny: access.Enter})
				return nil
			},
			done: is(func(r room.Room) bool { return r.Guest(jonas).Suspended != access.Passes }),
		},
		{
			name: "status is set", given: then(opened, inside(mara)), kind: audit.StatusChanged,
			do:   func(w *world) error { return w.discord.SetStatus(w.Context(), w.room, "Tea", "") },
			done: is(func(r room.Room) bool { return r.Status == "Tea" }), slow: true,
		},
	}
}

func managing() []operation {
	saved := func(want func(guild.Settings) bool) func(*world) bool {
		return func(w *world) bool {
			doc, _, err := w.hub.Settings.Latest(w.Context(), w.guild.String())
			return err == nil && want(doc.Settings)
		}
	}
	repair := func(w *world) error {
		out, err := w.bot.Repair(w.Context(), w.guild, guild.RepairRequest{Actor: actor(boss), Apply: true})
		if err != nil {
			return err
		}
		var only []string
		for _, i := range out.Issues {
			if i.Err != nil {
				return i.Err
			}
			if i.Risky {
				only = append(only, i.ID)
			}
		}
		if len(only) == 0 {
			return nil
		}
		out, err = w.bot.Repair(w.Context(), w.guild, guild.RepairRequest{Actor: actor(boss), Apply: true, Only: only})
		for _, i := range out.Issues {
			if i.Err != nil {
				return i.Err
			}
		}
		return err
	}
	clean := func(w *world) bool {
		out, err := w.bot.Repair(w.Context(), w.guild, guild.RepairRequest{Actor: actor(boss)})
		return err == nil && len(out.Issues) == 0
	}
	lobbies := func(n int) func(guild.Settings) bool {
		return func(s guild.Settings) bool { return len(s.Lobbies) == n }
	}
	removal := func(channel bool) func(*world) error {
		return func(w *world) error {
			_, err := w.bot.RemoveLobby(w.Context(), w.guild, guild.LobbyRemoval{
				Actor: actor(boss), ChannelID: w.lobby, Delete: channel,
			})
			return err
		}
	}
	return []operation{
		{
			name: "save settings", do: func(w *world) error { return w.save(func(s *guild.Settings) { s.Seats = 9 }) },
			done: saved(func(s guild.Settings) bool { return s.Seats == 9 }), kind: audit.SettingsChanged,
		},
		{
			name: "undo settings", given: settings(func(s *guild.Settings) { s.Seats = 9 }),
			kind: audit.SettingsChanged,
			do: func(w *world) error {
				if w.bot.Snapshot(w.guild).Settings.Seats != 9 {
					return nil // undoing twice would redo it
				}
				_, err := w.bot.UndoSettings(w.Context(), w.guild, guild.UndoRequest{Actor: actor(boss)})
				return err
			},
			done: saved(func(s guild.Settings) bool { return s.Seats == 4 }),
		},
		{
			name: "helper roles", given: then(opened, guests(jonas)), kind: audit.SettingsChanged, slow: true,
			do: func(w *world) error {
				return w.save(func(s *guild.Settings) { s.HelperRoles = []snowflake.ID{helpers} })
			},
			done: func(w *world) bool {
				return w.discord.State().Channels[w.room].Overwrites[helpers].Allow.Has(access.Enter)
			},
		},
		{
			name: "lobby", kind: audit.SettingsChanged, done: saved(lobbies(1)),
			given: func(w *world) { w.lobby = w.discord.AddChannel(rooms.KindVoice, "Lobby", 0) },
			do: func(w *world) error {
				_, err := w.bot.SaveLobby(w.Context(), w.guild, guild.LobbyRequest{
					Actor: actor(boss), Lobby: guild.Lobby{ChannelID: w.lobby, Seats: 2},
				})
				return err
			},
		},
		{
			name: "new lobby", leaves: true, kind: audit.SettingsChanged, done: saved(lobbies(1)),
			do: func(w *world) error {
				if len(w.bot.Snapshot(w.guild).Settings.Lobbies) > 0 {
					return nil // it would be a second one
				}
				_, err := w.bot.SaveLobby(w.Context(), w.guild, guild.LobbyRequest{Actor: actor(boss), Name: "Come in"})
				return err
			},
		},
		{
			name: "remove a lobby", given: lobby, do: removal(false), done: saved(lobbies(0)),
			again: []errs.Code{errs.NotFound}, kind: audit.SettingsChanged,
		},
		{
			name: "remove a lobby and its channel", given: lobby, do: removal(true), kind: audit.SettingsChanged,
			done: func(w *world) bool {
				_, there := w.discord.State().Channels[w.lobby]
				return !there && saved(lobbies(0))(w)
			},
			again: []errs.Code{errs.NotFound},
		},
		{
			name: "setup", leaves: true, kind: audit.SettingsChanged,
			do: func(w *world) error {
				_, err := w.bot.Setup(w.Context(), w.guild, guild.SetupRequest{Actor: actor(boss)})
				return err
			},
			done: func(w *world) bool {
				return len(w.discord.State().Channels) == 2 &&
					saved(func(s guild.Settings) bool { return s.CategoryID != 0 && len(s.Lobbies) == 1 })(w)
			},
		},
		{
			name: "repair an unknown channel", leaves: true, do: repair, done: clean,
			given: func(w *world) {
				_, err := w.discord.CreateLobby(w.Context(), w.guild, 0, "Who made this")
				w.must(err)
			},
		},
		{
			name: "repair a room", do: repair, done: clean, leaves: true, kind: audit.Repaired,
			given: then(opened, guests(jonas), func(w *world) {
				w.discord.Unheard(func() {
					w.discord.RemoveOverwrite(w.room, jonas)
					w.discord.EditChannel(w.room, func(c *rooms.Channel) { c.UserLimit = 9 })
				})
			}),
		},
		{
			name: "forget preferences", given: opened, kind: audit.PreferencesForgotten,
			do: func(w *world) error {
				_, err := w.bot.Preferences(w.Context(), w.guild,
					room.PreferencesRequest{Actor: actor(mara), Forget: true})
				return err
			},
			done: func(w *world) bool {
				_, _, err := w.hub.Members.Latest(w.Context(), w.guild.String()+"."+mara.String())
				return errs.Has(err, errs.NotFound)
			},
		},
		{
			name: "erase a person", given: then(opened, guests(jonas)), slow: true,
			do: func(w *world) error {
				_, err := w.bot.Person(w.Context(), w.guild, room.PersonRequest{UserID: jonas, Erase: true})
				return err
			},
			done: is(func(r room.Room) bool { return r.Guest(jonas) == nil }),
		},
		{
			name: "note a change", kind: audit.TokenCreated,
			do: func(w *world) error {
				return w.bot.RecordChange(w.Context(), w.guild, guild.ChangeRecord{
					Actor: actor(boss), Kind: audit.TokenCreated, Detail: "script",
				})
			},
			done: func(w *world) bool { return slices.Contains(w.kinds(), string(audit.TokenCreated)) },
		},
	}
}

// prepare does what comes before an operation.
func (w *world) prepare(op operation) {
	w.Helper()
	if op.given != nil {
		op.given(w)
		w.settle()
	}
}

// TestOperations does each operation once, without a fault: its effect is there, it is in the audit log once, and
// everything agrees, at once and after a restart.
func TestOperations(t *testing.T) {
	for i, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			op, w := operations()[i], newWorld(t)
			w.prepare(op)
			if op.done(w) && !op.before {
				t.Fatal("it is done before it is")
			}
			before := count(w.kinds(), op.kind)
			w.must(op.do(w))
			w.settle()
			if op.slow {
				w.sweepAll()
			}
			if !op.done(w) {
				t.Error("it has no effect")
			}
			if n := count(w.kinds(), op.kind) - before; op.kind != "" && n < 1 {
				t.Errorf("it is in the audit log %d times: %v", n, w.kinds())
			}
			w.sweepAll()
			w.consistent()
			w.restart()
			w.consistent()
		})
	}
}

func count(kinds []string, kind audit.Kind) (n int) {
	for _, k := range kinds {
		if k == string(kind) {
			n++
		}
	}
	return n
}
