package bot

import (
	"sync"

	"github.com/disgoorg/snowflake/v2"
)

// remembered is how many interactions are known to have been taken.
const remembered = 4096

// once tells what comes for the first time, of the last that came. Safe for concurrent use.
type once struct {
	mu    sync.Mutex
	ids   map[snowflake.ID]bool
	order []snowflake.ID // a ring
	next  int
}

func newOnce() *once { return &once{ids: map[snowflake.ID]bool{}} }

func (o *once) first(id snowflake.ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ids[id] {
		return false
	}
	o.ids[id] = true
	if len(o.order) < remembered {
		o.order = append(o.order, id)
		return true
	}
	delete(o.ids, o.order[o.next])
	o.order[o.next] = id
	o.next = (o.next + 1) % remembered
	return true
}
