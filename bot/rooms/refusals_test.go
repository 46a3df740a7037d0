package rooms_test

import (
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// TestRefusals does what Snug refuses: the answer has a code, and nothing changes.
func TestRefusals(t *testing.T) {
	none := room.ChangeRequest{}
	user := func(u snowflake.ID) room.ChangeRequest { return room.ChangeRequest{User: u} }
	public, lock := acted(mara, room.DoPublic, none), acted(mara, room.DoLock, none)
	ban := acted(mara, room.DoBan, user(kiyo))
	locked, banned := then(opened, public, lock), then(opened, ban)
	twoGuests, allInside := then(opened, guests(jonas, kiyo)), then(opened, guests(jonas), inside(mara, jonas))
	twoRooms := then(opened, func(w *world) { w.must(openFor(w, kiyo)) })
	tooMany := room.ChangeRequest{Number: 1000}
	var token string
	spent := then(opened, linked(&token), func(w *world) { w.must(redeem(kiyo, &token, "")(w)) })
	timedOut := func(w *world) {
		w.bot.EditMember(mara, func(s *access.Standing) { s.TimedOutUntil = w.clock.Now().Add(1e12) })
	}
	open := openingOf("", room.OpenRequest{})
	join := func(by snowflake.ID) func(*world) error {
		return func(w *world) error {
			_, err := w.bot.Join(w.Context(), w.guild, room.Request{Actor: actor(by), RoomID: w.room})
			return err
		}
	}
	invite := func(by, whom snowflake.ID) func(*world) error {
		return func(w *world) error {
			_, _, err := w.bot.Invite(w.Context(), w.guild,
				room.InviteRequest{Actor: actor(by), RoomID: w.room, For: whom})
			return err
		}
	}
	for name, c := range map[string]struct {
		given func(*world)
		do    func(*world) error
		want  errs.Code
	}{
		"open a second room":          {opened, open, errs.RoomLimit},
		"open while timed out":        {timedOut, open, errs.Forbidden},
		"open with too many seats":    {nil, openingOf("", room.OpenRequest{Seats: 1000}), errs.Invalid},
		"open with no seats":          {nil, openingOf("", room.OpenRequest{Seats: -1}), errs.Invalid},
		"open with a forbidden word":  {badWord, openingOf("", room.OpenRequest{Name: "a heap of mud"}), errs.Invalid},
		"open without the role":       {creators, open, errs.Forbidden},
		"open in a full server":       {oneRoom, func(w *world) error { return openFor(w, kiyo) }, errs.RoomLimit},
		"join a room not shown":       {opened, join(priya), errs.RoomNotFound},
		"join a locked room":          {locked, join(priya), errs.Forbidden},
		"join a full room":            {full, join(kiyo), errs.RoomFull},
		"knock at an open door":       {then(opened, public), knockOf(priya), errs.Conflict},
		"knock after a refusal":       {then(locked, knocked(kiyo), denied(kiyo)), knockOf(kiyo), errs.RateLimited},
		"answer nobody":               {opened, answer(kiyo, true), errs.NotFound},
		"invite as a stranger":        {then(opened, public), invite(priya, kiyo), errs.Forbidden},
		"invite who is banned":        {banned, invite(mara, kiyo), errs.Forbidden},
		"invite who is not there":     {opened, invite(mara, ada), errs.Invalid},
		"follow a spent link":         {spent, redeem(jonas, &token, ""), errs.TokenUsedUp},
		"follow a link when banned":   {then(opened, linked(&token), ban), redeem(kiyo, &token, ""), errs.Forbidden},
		"follow a link when locked":   {then(opened, linked(&token), lock), redeem(kiyo, &token, ""), errs.Forbidden},
		"kick the owner":              {then(opened, public), act(boss, room.DoKick, user(mara)), errs.Forbidden},
		"kick oneself":                {opened, act(mara, room.DoKick, user(mara)), errs.Invalid},
		"kick a stranger":             {opened, act(mara, room.DoKick, user(priya)), errs.NotFound},
		"kick as a guest":             {twoGuests, act(jonas, room.DoKick, user(kiyo)), errs.Forbidden},
		"ban nobody":                  {opened, act(mara, room.DoBan, none), errs.Invalid},
		"transfer to a bot":           {opened, act(mara, room.DoTransfer, user(jukebox)), errs.Invalid},
		"transfer to oneself":         {opened, act(mara, room.DoTransfer, user(mara)), errs.Invalid},
		"transfer to who has a room":  {twoRooms, act(mara, room.DoTransfer, user(kiyo)), errs.RoomLimit},
		"transfer to who is banned":   {banned, act(mara, room.DoTransfer, user(kiyo)), errs.Invalid},
		"transfer to an outsider":     {opened, act(mara, room.DoTransfer, user(ada)), errs.Invalid},
		"claim with the owner inside": {allInside, act(jonas, room.DoClaim, none), errs.Forbidden},
		"claim from outside":          {then(opened, guests(jonas)), act(jonas, room.DoClaim, none), errs.NotInVoice},
		"wait with a seat":            {full, waitOf(jonas), errs.Conflict},
		"close as a guest":            {then(opened, guests(jonas)), closeOf(jonas), errs.Forbidden},
		"close a room not shown":      {opened, closeOf(priya), errs.RoomNotFound},
		"set too many seats":          {opened, act(mara, room.DoSeats, tooMany), errs.Invalid},
		"do what there is not":        {opened, act(mara, "paint", none), errs.Invalid},
		"save as a member":            {nil, saveAs(mara, `{"seats":3}`), errs.Forbidden},
		"save too much":               {nil, saveAs(boss, `{"seats":1000}`), errs.Invalid},
		"save what there is not":      {nil, saveAs(boss, `{"chairs":3}`), errs.Invalid},
		"save nonsense":               {nil, saveAs(boss, `seats`), errs.Invalid},
		"undo nothing": {nil, func(w *world) error {
			_, err := w.bot.UndoSettings(w.Context(), w.guild, guild.UndoRequest{Actor: actor(boss)})
			return err
		}, errs.NotFound},
		"make a room a lobby": {opened, func(w *world) error {
			_, err := w.bot.SaveLobby(w.Context(), w.guild, guild.LobbyRequest{
				Actor: actor(boss), Lobby: guild.Lobby{ChannelID: w.room},
			})
			return err
		}, errs.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.given != nil {
				c.given(w)
				w.settle()
			}
			w.consistent()
			before, there := jsonOf(w.docs()), w.discord.State()
			if err := c.do(w); !errs.Has(err, c.want) {
				t.Errorf("the answer is %v, not %s", err, c.want)
			}
			w.settle()
			if after := jsonOf(w.docs()); after != before {
				t.Errorf("it changed rooms:\n%s\n%s", before, after)
			}
			if after := w.discord.State(); jsonOf(after) != jsonOf(there) {
				t.Errorf("it changed Discord:\n%s\n%s", jsonOf(there), jsonOf(after))
			}
			w.consistent()
		})
	}
}

func badWord(w *world) { settings(func(s *guild.Settings) { s.BlockedWords = []string{"mud"} })(w) }

func creators(w *world) {
	settings(func(s *guild.Settings) { s.CreatorRoles = []snowflake.ID{helpers} })(w)
}

func oneRoom(w *world) {
	settings(func(s *guild.Settings) { s.RoomsPerGuild = 1 })(w)
	w.open()
}

// openFor opens a room for a user.
func openFor(w *world, user snowflake.ID) error {
	_, err := w.bot.Open(w.Context(), w.guild, "", room.OpenRequest{Actor: actor(user)})
	return err
}

func knockOf(user snowflake.ID) func(*world) error {
	return func(w *world) error {
		_, err := w.bot.Knock(w.Context(), w.guild, room.KnockRequest{Actor: actor(user), RoomID: w.room})
		return err
	}
}

func denied(user snowflake.ID) func(*world) {
	return func(w *world) { w.Helper(); w.must(answer(user, false)(w)) }
}

func waitOf(user snowflake.ID) func(*world) error {
	return func(w *world) error {
		_, err := w.bot.Wait(w.Context(), w.guild, room.WaitRequest{Actor: actor(user), RoomID: w.room})
		return err
	}
}

func closeOf(user snowflake.ID) func(*world) error {
	return func(w *world) error {
		_, err := w.bot.CloseRoom(w.Context(), w.guild, room.Request{Actor: actor(user), RoomID: w.room})
		return err
	}
}

func saveAs(user snowflake.ID, data string) func(*world) error {
	return func(w *world) error {
		_, err := w.bot.SaveSettings(w.Context(), w.guild, room.SettingsRequest{Actor: actor(user), JSON: []byte(data)})
		return err
	}
}
