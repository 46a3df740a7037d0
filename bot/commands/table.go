package commands

import (
	"context"

	"snug/bot/message"
	"snug/shared/schema"
)

// commandTable gives what each slash command does, by its path.
func (c *Commands) commandTable() map[string]command {
	t := map[string]command{
		"/create-room":        {run: c.createRoom, early: true},
		"/invite":             {run: c.invite},
		"/rooms":              {run: c.rooms},
		"/find":               {run: c.find},
		"/knock":              {run: c.knock},
		"/wait":               {run: c.wait},
		"/preferences/show":   {run: c.preferences},
		"/preferences/forget": {run: c.forget},

		"/preset/save":   {run: c.savePreset},
		"/preset/list":   {run: c.presets},
		"/preset/remove": {run: c.removePreset},

		"/room/again": {run: c.openAgain},
		"/room/info":  {run: c.info},
		"/room/keep":  {run: c.keep},
		"/room/close": {run: c.confirmClose},

		"/snug/setup":        {run: c.setup},
		"/snug/settings":     {run: c.settings, ask: c.askSetting},
		"/snug/lobby/add":    {run: c.addLobby},
		"/snug/lobby/remove": {run: c.removeLobby},
		"/snug/lobby/list":   {run: c.lobbies},
		"/snug/repair":       {run: c.repair},
	}
	for _, a := range schema.Actions() {
		t["/room/"+a.Name] = command{run: c.action(a), ask: c.ask(a)}
	}
	return t
}

// menuTable gives what each command in the menu on a person does, by its name as interactions have it.
func (c *Commands) menuTable() map[string]handler {
	say := c.o.Texts.For("en").Say
	return map[string]handler{say("menu.invite"): c.inviteTarget, say("menu.find"): c.findTarget}
}

// componentTable gives what each button, menu and modal does, by its action.
func (c *Commands) componentTable() map[string]component {
	t := map[string]component{
		message.ActionInvite:   {run: c.invite, room: true},
		message.ActionInfo:     {run: c.info, room: true},
		message.ActionKeep:     {run: c.keep, room: true},
		message.ActionClose:    {run: c.confirmClose, room: true},
		message.ActionCloseNow: {run: c.close, room: true},
		message.ActionCancel:   {run: c.stays},
		message.ActionPerson:   {run: c.person, room: true},
		message.ActionAdmit:    {run: c.admit, room: true},
		message.ActionLetIn:    {run: c.answerKnock(true), room: true},
		message.ActionNotNow:   {run: c.answerKnock(false), room: true},
		message.ActionChosen:   {run: c.card},
		message.ActionJoin:     {run: c.join, room: true, keep: true},
		message.ActionKnock:    {run: c.knock, room: true},
		message.ActionWait:     {run: c.wait, room: true},
		message.ActionUnwait:   {run: c.unwait, room: true},
		message.ActionForget:   {run: c.forget},

		message.ActionSetup:     {run: c.setup},
		message.ActionSetupNow:  {run: c.setupNow},
		message.ActionGroup:     {ask: c.askGroup, run: c.lobbies},
		message.ActionGroups:    {run: c.settings},
		message.ActionSave:      {run: c.save},
		message.ActionRepair:    {run: c.repair},
		message.ActionMend:      {run: c.mend},
		message.ActionMendRisky: {run: c.mend},
	}
	for _, a := range schema.Actions() {
		if t[a.Name].run != nil {
			panic("commands: a component is called like the room action " + a.Name)
		}
		t[a.Name] = component{run: c.action(a), ask: c.ask(a), room: true}
		if a.Confirm {
			t[confirmed(a)] = component{run: c.action(a), room: true}
		}
	}
	return t
}

// stays answers who thought better of it.
func (c *Commands) stays(_ context.Context, q *call) (reply, error) {
	return reply{text: q.t.Say("stays")}, nil
}
