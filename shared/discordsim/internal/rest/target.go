package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// Status codes of the job that processes target users ("Get Target Users Job Status").
const (
	jobProcessing = 1
	jobCompleted  = 2
)

// targetFile reads target_users_file: one column of ids, with or without a header. It returns nil if the request has
// none.
func (c *call) targetFile() (*world.Targets, error) {
	i := slices.IndexFunc(c.files, func(a world.Attachment) bool { return a.Field == "target_users_file" })
	if i < 0 {
		return nil, nil
	}
	t := &world.Targets{Since: c.Now()}
	var wrong []string
	lines := strings.Split(strings.ReplaceAll(string(c.files[i].Data), "\r\n", "\n"), "\n")
	for n, line := range lines {
		line = strings.Trim(strings.TrimSpace(line), `"`)
		id, err := strconv.ParseUint(line, 10, 63)
		switch {
		case line == "", n == 0 && err != nil && !strings.ContainsAny(line, "0123456789"):
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("Line %d: invalid user ID format", n+1))
		case id < 1<<22:
			wrong = append(wrong, fmt.Sprintf("Line %d: invalid user ID - must be a valid Discord snowflake", n+1))
		case !slices.Contains(t.Users, world.ID(id)):
			t.Users = append(t.Users, world.ID(id))
		}
	}
	if len(wrong) > 0 {
		return nil, &fileError{wrong}
	}
	return t, nil
}

// fileError is a rejected list of target users, whose documented form differs from other errors.
type fileError struct{ lines []string }

// Error returns the lines.
func (e *fileError) Error() string { return strings.Join(e.lines, "; ") }

// raw is a response that isn't JSON.
type raw struct {
	kind string
	data string
}

// targeted finds an invite whose target users the bot may read or, with write, change.
func (c *call) targeted(write bool) (*world.Invite, error) {
	i := c.LiveInvite(c.r.PathValue("code"))
	if i == nil {
		return nil, form.UnknownInvite()
	}
	g := c.Guilds[i.Guild]
	p := c.BasePerms(g, g.Members[c.me().ID])
	if i.Inviter != c.me().ID && !p.Has(world.PermManageGuild) && (write || !p.Has(world.PermViewAuditLog)) {
		return nil, form.MissingPermissions()
	}
	return i, nil
}

func getTargetUsers(c *call) (int, any, error) {
	i, err := c.targeted(false)
	switch {
	case err != nil:
		return 0, nil, err
	case i.Targets == nil:
		return 0, nil, form.Fail(404, 10129, "Unknown invite target users")
	}
	var b strings.Builder
	b.WriteString("user_id\n")
	for _, id := range i.Targets.Users {
		b.WriteString(id.String() + "\n")
	}
	return http.StatusOK, raw{"text/csv", b.String()}, nil
}

func putTargetUsers(c *call) (int, any, error) {
	i, err := c.targeted(true)
	if err != nil {
		return 0, nil, err
	}
	t, err := c.targetFile()
	if err == nil && t == nil {
		err = form.Invalid("target_users_file", "BASE_TYPE_REQUIRED", "This field is required")
	}
	if err != nil {
		return 0, nil, err
	}
	i.Targets = t
	return noContent()
}

func getTargetJob(c *call) (int, any, error) {
	i, err := c.targeted(false)
	switch {
	case err != nil:
		return 0, nil, err
	case i.Targets == nil:
		return 0, nil, form.Fail(404, 10124, "Unknown invite target users job")
	}
	t := i.Targets
	job := struct {
		Status    int          `json:"status"`
		Total     int          `json:"total_users"`
		Processed int          `json:"processed_users"`
		Created   world.Stamp  `json:"created_at"`
		Completed *world.Stamp `json:"completed_at"`
		Error     *string      `json:"error_message"`
	}{Status: jobProcessing, Total: len(t.Users), Created: world.Stamp(t.Since)}
	if t.Done(c.Now()) {
		job.Status, job.Processed = jobCompleted, len(t.Users)
		job.Completed = world.OptionalTime(t.Since.Add(world.TargetTime))
	}
	return http.StatusOK, job, nil
}

// inviteRoles reads role_ids: roles granted to users who accept, all of them below the bot's own.
func (c *call) inviteRoles(f *form.Form, g *world.Guild) ([]world.ID, error) {
	ids := f.IDs("role_ids", 250)
	bot := g.Members[c.me().ID]
	if len(ids) > 0 && !c.BasePerms(g, bot).Has(world.PermManageRoles) {
		return nil, form.MissingPermissions()
	}
	for _, id := range ids {
		r := g.Roles[id]
		if r == nil || id == g.ID || r.Managed {
			return nil, form.UnknownRole()
		}
		if !g.AboveRole(bot, r) {
			return nil, form.MissingPermissions()
		}
	}
	return ids, nil
}
