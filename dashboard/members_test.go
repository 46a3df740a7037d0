package dashboard

import (
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
)

// TestNamesInsteadOfIDs: who left is called as they were last seen, or a former member; a closed room as it was called
// last, also where the page doesn't show what told that.
func TestNamesInsteadOfIDs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const gone, left, old = snowflake.ID(111222333444555), snowflake.ID(111222333444666), snowflake.ID(111222333444777)
	b.join(friends, left)
	b.happened(friends,
		audit.Entry{Kind: audit.RoomOpened, RoomID: old, By: owner, Detail: "First name", At: b.clock.Now()},
		audit.Entry{Kind: audit.RoomRenamed, RoomID: old, By: owner, Old: "First name", New: "Last name"},
		audit.Entry{Kind: audit.SeatsChanged, RoomID: old, By: gone, Via: access.ViaWeb, Old: "4", New: "6"},
		audit.Entry{Kind: audit.RoomKept, RoomID: old, By: left, Via: access.ViaWeb})
	w := b.signedIn(manager)
	const page = "/admin/100/activity?kind=seats_changed"
	look := func() string {
		t.Helper()
		got := w.get(page)
		if got.status != 200 || !strings.Contains(got.body, "<b>Former member</b>") ||
			!strings.Contains(got.body, ">Last name</a>") || strings.Contains(got.body, ">"+gone.String()) {
			t.Errorf("%d: %s", got.status, got.text())
		}
		return got.body
	}
	called := `<option value="` + left.String() + `">User ` + left.String() + `</option>`
	if !strings.Contains(look(), called) {
		t.Errorf("there is no %s to filter by", called)
	}
	b.bots[friends].RemoveMember(left)
	b.clock.Forward(20 * time.Minute)
	if !strings.Contains(look(), called) {
		t.Errorf("there is no %s after they left", called)
	}
}
