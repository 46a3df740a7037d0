package discordsim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Status codes of the job that processes target users ("Get Target Users Job Status").
const (
	jobProcessing = 1
	jobCompleted  = 2
)

// targetFile reads target_users_file: one column of ids, with or without a header. It returns nil if the request has
// none.
func (c *call) targetFile() (*targets, error) {
	i := slices.IndexFunc(c.files, func(a attachment) bool { return a.field == "target_users_file" })
	if i < 0 {
		return nil, nil
	}
	t := &targets{since: c.now()}
	var wrong []string
	lines := strings.Split(strings.ReplaceAll(string(c.files[i].data), "\r\n", "\n"), "\n")
	for n, line := range lines {
		line = strings.Trim(strings.TrimSpace(line), `"`)
		id, err := strconv.ParseUint(line, 10, 63)
		switch {
		case line == "", n == 0 && err != nil && !strings.ContainsAny(line, "0123456789"):
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("Line %d: invalid user ID format", n+1))
		case id < 1<<22:
			wrong = append(wrong, fmt.Sprintf("Line %d: invalid user ID - must be a valid Discord snowflake", n+1))
		case !slices.Contains(t.users, ID(id)):
			t.users = append(t.users, ID(id))
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
func (c *call) targeted(write bool) (*invite, error) {
	i := c.liveInvite(c.r.PathValue("code"))
	if i == nil {
		return nil, errUnknownInvite()
	}
	g := c.guilds[i.guild]
	p := c.basePerms(g, g.members[c.app.id])
	if i.inviter != c.app.id && !p.Has(PermManageGuild) && (write || !p.Has(PermViewAuditLog)) {
		return nil, errMissingPermissions()
	}
	return i, nil
}

func getTargetUsers(c *call) (int, any, error) {
	i, err := c.targeted(false)
	switch {
	case err != nil:
		return 0, nil, err
	case i.targets == nil:
		return 0, nil, fail(404, 10129, "Unknown invite target users")
	}
	var b strings.Builder
	b.WriteString("user_id\n")
	for _, id := range i.targets.users {
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
		err = invalid("target_users_file", "BASE_TYPE_REQUIRED", "This field is required")
	}
	if err != nil {
		return 0, nil, err
	}
	i.targets = t
	return noContent()
}

func getTargetJob(c *call) (int, any, error) {
	i, err := c.targeted(false)
	switch {
	case err != nil:
		return 0, nil, err
	case i.targets == nil:
		return 0, nil, fail(404, 10124, "Unknown invite target users job")
	}
	t := i.targets
	job := struct {
		Status    int     `json:"status"`
		Total     int     `json:"total_users"`
		Processed int     `json:"processed_users"`
		Created   stamp   `json:"created_at"`
		Completed *stamp  `json:"completed_at"`
		Error     *string `json:"error_message"`
	}{Status: jobProcessing, Total: len(t.users), Created: stamp(t.since)}
	if t.done(c.now()) {
		job.Status, job.Processed, job.Completed = jobCompleted, len(t.users), optionalTime(t.since.Add(targetTime))
	}
	return http.StatusOK, job, nil
}

// inviteRoles reads role_ids: roles granted to users who accept, all of them below the bot's own.
func (c *call) inviteRoles(f *form, g *guild) ([]ID, error) {
	ids := f.ids("role_ids", 250)
	bot := g.members[c.app.id]
	if len(ids) > 0 && !c.basePerms(g, bot).Has(PermManageRoles) {
		return nil, errMissingPermissions()
	}
	for _, id := range ids {
		r := g.roles[id]
		if r == nil || id == g.id || r.managed {
			return nil, errUnknownRole()
		}
		if !g.aboveRole(bot, r) {
			return nil, errMissingPermissions()
		}
	}
	return ids, nil
}
