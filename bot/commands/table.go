package commands

import (
	"context"

	"snug/shared/room"
)

// commandTable gives what each slash command does, by its path.
func (c *Commands) commandTable() map[string]command {
	t := map[string]command{
		"/create-room":        {run: c.createRoom},
		"/invite":             {run: c.invite},
		"/rooms":              {run: c.rooms},
		"/knock":              {run: c.knock},
		"/wait":               {run: c.wait},
		"/preferences/show":   {run: c.preferences},
		"/preferences/forget": {run: c.forget},

		"/room/info":       {run: c.info},
		"/room/rename":     {run: c.rename, ask: c.askName},
		"/room/seats":      {run: c.seats},
		"/room/status":     {run: c.status, ask: c.askStatus},
		"/room/kick":       {run: c.doTo(room.DoKick)},
		"/room/ban":        {run: c.doTo(room.DoBan)},
		"/room/transfer":   {run: c.doTo(room.DoTransfer)},
		"/room/unban":      {run: c.unban},
		"/room/claim":      {run: c.change(room.DoClaim)},
		"/room/keep":       {run: c.keep},
		"/room/spectators": {run: c.spectators},
		"/room/close":      {run: c.confirmClose},

		"/snug/setup":        {run: c.setup},
		"/snug/settings":     {run: c.settings, ask: c.askSetting},
		"/snug/lobby/add":    {run: c.addLobby},
		"/snug/lobby/remove": {run: c.removeLobby},
		"/snug/lobby/list":   {run: c.lobbies},
		"/snug/repair":       {run: c.repair},
	}
	for _, do := range []room.Action{room.DoLock, room.DoUnlock, room.DoHide, room.DoShow, room.DoPrivate, room.DoPublic} {
		t["/room/"+string(do)] = command{run: c.change(do)}
	}
	return t
}

// componentTable gives what each button, menu and modal does, by its action.
func (c *Commands) componentTable() map[string]component {
	t := map[string]component{
		actRename:  {ask: c.askName, run: c.rename, room: true},
		actNamed:   {run: c.rename, room: true},
		actSeats:   {ask: c.askSeats, run: c.seats, room: true},
		actSeated:  {run: c.seats, room: true},
		actStatus:  {ask: c.askStatus, run: c.status, room: true},
		actStated:  {run: c.status, room: true},
		actInvite:  {run: c.invite, room: true},
		actInfo:    {run: c.info, room: true},
		actKeep:    {run: c.keep, room: true},
		actClose:   {run: c.confirmClose, room: true},
		actClosing: {run: c.close, room: true},
		actGive:    {run: c.doTo(room.DoTransfer), room: true},
		actStays:   {run: c.stays},
		actPerson:  {run: c.person, room: true},
		actAdmit:   {run: c.admit, room: true},
		actLetIn:   {run: c.answerKnock(true), room: true},
		actNotNow:  {run: c.answerKnock(false), room: true},
		actUnban:   {run: c.unban, room: true},
		actCard:    {run: c.card},
		actJoin:    {run: c.join, room: true, keep: true},
		actKnock:   {run: c.knock, room: true},
		actWait:    {run: c.wait, room: true},
		actUnwait:  {run: c.unwait, room: true},
		actForget:  {run: c.forget},

		actSetup:    {run: c.setup},
		actSetupNow: {run: c.setupNow},
		actGroup:    {ask: c.askGroup, run: c.lobbies},
		actGroups:   {run: c.settings},
		actSave:     {run: c.save},
		actRepair:   {run: c.repair},
		actMend:     {run: c.mend},
		actRisky:    {run: c.mend},
	}
	for _, do := range []room.Action{room.DoLock, room.DoUnlock, room.DoHide, room.DoShow, room.DoPrivate, room.DoPublic, room.DoClaim, room.DoUnwatch} {
		t[string(do)] = component{run: c.change(do), room: true}
	}
	for _, do := range []room.Action{room.DoKick, room.DoBan, room.DoTransfer} {
		t[string(do)] = component{run: c.doTo(do), room: true}
	}
	return t
}

// stays answers who thought better of it.
func (c *Commands) stays(_ context.Context, q *call) (reply, error) {
	return reply{text: q.t.Say("stays")}, nil
}
