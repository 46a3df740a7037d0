package discordsim

import (
	"encoding/json"
	"strconv"
)

// commandScope returns the guild in the path, 0 for global commands, after checking that the
// application is the caller's own.
func (c *call) commandScope() (ID, error) {
	if c.id("app") != c.app.id {
		return 0, fail(403, 20012, "You are not authorized to perform this action on this application")
	}
	if c.r.PathValue("guild") == "" {
		return 0, nil
	}
	g := c.guilds[c.id("guild")]
	if g == nil || g.members[c.app.id] == nil {
		return 0, errMissingAccess()
	}
	return g.id, nil
}

// sent returns a command without its localizations unless they were requested.
func (c *call) sent(cmd *command, localised bool) any {
	if localised {
		return cmd
	}
	type plain struct {
		*command
		NameLocal *struct{} `json:"name_localizations,omitempty"`
		DescLocal *struct{} `json:"description_localizations,omitempty"`
	}
	return plain{command: cmd}
}

func listCommands(c *call) (int, any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return 0, nil, err
	}
	list := []any{}
	for _, cmd := range c.app.sortedCommands(scope) {
		list = append(list, c.sent(cmd, c.queryYes("with_localizations")))
	}
	return 200, list, nil
}

func getCommand(c *call) (int, any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return 0, nil, err
	}
	cmd := c.app.commands[scope][c.id("command")]
	if cmd == nil {
		return 0, nil, errUnknownCommand()
	}
	return 200, cmd, nil
}

// store stores a checked command; it replaces one of the same type and name, and keeps its id.
func (c *call) store(scope ID, cmd *command) (created bool) {
	all := c.app.commands[scope]
	if all == nil {
		all = map[ID]*command{}
		c.app.commands[scope] = all
	}
	if cmd.ID == 0 {
		for _, old := range all {
			if old.Type == cmd.Type && old.Name == cmd.Name {
				cmd.ID = old.ID
			}
		}
	}
	if created = cmd.ID == 0; created {
		cmd.ID = c.nextID()
	}
	cmd.App, cmd.Guild, cmd.Version = c.app.id, optionalID(scope), c.nextID()
	all[cmd.ID] = cmd
	return created
}

// room checks the number of commands of each type.
func (c *call) room(list []*command) error {
	counts := map[int]int{}
	for _, cmd := range list {
		counts[cmd.Type]++
	}
	for kind, n := range counts {
		limit := menuCommands
		if kind == commandChat {
			limit = c.opts.Limits.Commands
		}
		if n > limit {
			return fail(400, 30032, "Maximum number of application commands reached ("+strconv.Itoa(limit)+").")
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
	cmd := readCommand(f, nil)
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	list := []*command{cmd}
	for _, old := range c.app.commands[scope] {
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
	c.watcher.CommandsChanged()
	return status, cmd, nil
}

func updateCommand(c *call) (int, any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return 0, nil, err
	}
	old := c.app.commands[scope][c.id("command")]
	if old == nil {
		return 0, nil, errUnknownCommand()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	cmd := readCommand(f, old)
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	for _, other := range c.app.commands[scope] {
		if other.ID != old.ID && other.Type == cmd.Type && other.Name == cmd.Name {
			return 0, nil, invalid("name", "APPLICATION_COMMANDS_DUPLICATE_NAME",
				"Application command names must be unique")
		}
	}
	c.store(scope, cmd)
	c.watcher.CommandsChanged()
	return 200, cmd, nil
}

func deleteCommand(c *call) (int, any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return 0, nil, err
	}
	if c.app.commands[scope][c.id("command")] == nil {
		return 0, nil, errUnknownCommand()
	}
	delete(c.app.commands[scope], c.id("command"))
	c.watcher.CommandsChanged()
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
		return 0, nil, invalid("commands", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	errs := &tree{}
	list := make([]*command, 0, len(raw))
	type key struct {
		kind int
		name string
	}
	seen := map[key]bool{}
	for i, r := range raw {
		f := sub(r, errs.at(strconv.Itoa(i)))
		cmd := readCommand(f, nil)
		k := key{cmd.Type, cmd.Name}
		if seen[k] {
			f.errs.at("name").add("APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		seen[k] = true
		list = append(list, cmd)
	}
	if err := errs.err(); err != nil {
		return 0, nil, err
	}
	if err := c.room(list); err != nil {
		return 0, nil, err
	}
	for _, old := range c.app.commands[scope] {
		if old.Type == commandEntry && !seen[key{old.Type, old.Name}] {
			return 0, nil, fail(400, 50240,
				"You cannot remove this app's Entry Point command in a bulk update operation. "+
					"Please include the Entry Point command in your update request or delete it separately.")
		}
	}
	for id, old := range c.app.commands[scope] {
		if !seen[key{old.Type, old.Name}] {
			delete(c.app.commands[scope], id)
		}
	}
	out := []any{}
	for _, cmd := range list {
		c.store(scope, cmd)
		out = append(out, cmd)
	}
	c.watcher.CommandsChanged()
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
	return 0, nil, fail(404, 10066, "Unknown application command permissions")
}
