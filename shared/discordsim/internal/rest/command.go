package rest

import (
	"encoding/json"
	"strconv"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// commandScope returns the guild in the path, 0 for global commands, after checking that the
// application is the caller's own.
func (c *call) commandScope() (world.ID, error) {
	if c.id("app") != c.app.ID {
		return 0, form.Fail(403, 20012, "You are not authorized to perform this action on this application")
	}
	if c.r.PathValue("guild") == "" {
		return 0, nil
	}
	g := c.Guilds[c.id("guild")]
	if g == nil || g.Members[c.app.ID] == nil {
		return 0, form.MissingAccess()
	}
	return g.ID, nil
}

// sent returns a command without its localizations unless they were requested.
func (c *call) sent(cmd *world.Command, localised bool) any {
	if localised {
		return cmd
	}
	type plain struct {
		*world.Command
		NameLocal *struct{} `json:"name_localizations,omitempty"`
		DescLocal *struct{} `json:"description_localizations,omitempty"`
	}
	return plain{Command: cmd}
}

func listCommands(c *call) (int, any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return 0, nil, err
	}
	list := []any{}
	for _, cmd := range c.app.SortedCommands(scope) {
		list = append(list, c.sent(cmd, c.queryYes("with_localizations")))
	}
	return 200, list, nil
}

func getCommand(c *call) (int, any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return 0, nil, err
	}
	cmd := c.app.Commands[scope][c.id("command")]
	if cmd == nil {
		return 0, nil, form.UnknownCommand()
	}
	return 200, cmd, nil
}

// store stores a checked command; it replaces one of the same type and name, and keeps its id.
func (c *call) store(scope world.ID, cmd *world.Command) (created bool) {
	all := c.app.Commands[scope]
	if all == nil {
		all = map[world.ID]*world.Command{}
		c.app.Commands[scope] = all
	}
	if cmd.ID == 0 {
		for _, old := range all {
			if old.Type == cmd.Type && old.Name == cmd.Name {
				cmd.ID = old.ID
			}
		}
	}
	if created = cmd.ID == 0; created {
		cmd.ID = c.NextID()
	}
	cmd.App, cmd.Guild, cmd.Version = c.app.ID, world.OptionalID(scope), c.NextID()
	all[cmd.ID] = cmd
	return created
}

// room checks the number of commands of each type.
func (c *call) room(list []*world.Command) error {
	counts := map[int]int{}
	for _, cmd := range list {
		counts[cmd.Type]++
	}
	for kind, n := range counts {
		limit := world.MenuCommands
		if kind == world.CommandChat {
			limit = c.Opts.Limits.Commands
		}
		if n > limit {
			return form.Fail(400, 30032, "Maximum number of application commands reached ("+strconv.Itoa(limit)+").")
		}
	}
	return nil
}

func createCommand(c *call) (int, any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	cmd := world.ReadCommand(f, nil)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	list := []*world.Command{cmd}
	for _, old := range c.app.Commands[scope] {
		if old.Type != cmd.Type || old.Name != cmd.Name {
			list = append(list, old)
		}
	}
	if err := c.room(list); err != nil {
		return 0, nil, err
	}
	status := 200
	if c.store(scope, cmd) {
		status = 201
	}
	c.Watcher.CommandsChanged()
	return status, cmd, nil
}

func updateCommand(c *call) (int, any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return 0, nil, err
	}
	old := c.app.Commands[scope][c.id("command")]
	if old == nil {
		return 0, nil, form.UnknownCommand()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	cmd := world.ReadCommand(f, old)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	for _, other := range c.app.Commands[scope] {
		if other.ID != old.ID && other.Type == cmd.Type && other.Name == cmd.Name {
			return 0, nil, form.Invalid("name", "APPLICATION_COMMANDS_DUPLICATE_NAME",
				"Application command names must be unique")
		}
	}
	c.store(scope, cmd)
	c.Watcher.CommandsChanged()
	return 200, cmd, nil
}

func deleteCommand(c *call) (int, any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return 0, nil, err
	}
	if c.app.Commands[scope][c.id("command")] == nil {
		return 0, nil, form.UnknownCommand()
	}
	delete(c.app.Commands[scope], c.id("command"))
	c.Watcher.CommandsChanged()
	return noContent()
}

// putCommands replaces all commands of a scope; existing ones keep their ids.
func putCommands(c *call) (int, any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return 0, nil, err
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(c.body, &raw); err != nil {
		return 0, nil, form.Invalid("commands", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	errs := &form.Tree{}
	list := make([]*world.Command, 0, len(raw))
	type key struct {
		kind int
		name string
	}
	seen := map[key]bool{}
	for i, r := range raw {
		f := form.Sub(r, errs.At(strconv.Itoa(i)))
		cmd := world.ReadCommand(f, nil)
		k := key{cmd.Type, cmd.Name}
		if seen[k] {
			f.Errs.At("name").Add("APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		seen[k] = true
		list = append(list, cmd)
	}
	if err := errs.Err(); err != nil {
		return 0, nil, err
	}
	if err := c.room(list); err != nil {
		return 0, nil, err
	}
	for _, old := range c.app.Commands[scope] {
		if old.Type == world.CommandEntry && !seen[key{old.Type, old.Name}] {
			return 0, nil, form.Fail(400, 50240,
				"You cannot remove this app's Entry Point command in a bulk update operation. "+
					"Please include the Entry Point command in your update request or delete it separately.")
		}
	}
	for id, old := range c.app.Commands[scope] {
		if !seen[key{old.Type, old.Name}] {
			delete(c.app.Commands[scope], id)
		}
	}
	out := []any{}
	for _, cmd := range list {
		c.store(scope, cmd)
		out = append(out, cmd)
	}
	c.Watcher.CommandsChanged()
	return 200, out, nil
}

// getCommandPermissions returns none: the simulator has no command permissions, so
// default_member_permissions applies to every command.
func getCommandPermissions(c *call) (int, any, error) {
	if _, err := c.commandScope(); err != nil {
		return 0, nil, err
	}
	if c.r.PathValue("command") == "" {
		return 200, []struct{}{}, nil
	}
	return 0, nil, form.Fail(404, 10066, "Unknown application command permissions")
}
