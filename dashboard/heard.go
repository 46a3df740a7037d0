package dashboard

import (
	"net/http"
	"net/url"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/view"
	"snug/shared/errs"
)

// maxHeard is about how many servers a page asks at most whether Discord is heard; who sees more servers is
// told of these.
const maxHeard = 50

var errHeard = errs.Field("guild", "guild must be the id of a server, and stand there at most %d times.", maxHeard)

// tellHeard has a page that tells of servers say when Discord is not heard, and since when.
func (s *Server) tellHeard(p view.Page) {
	guilds, l := view.About(p), view.LayoutOf(p)
	if len(guilds) == 0 || !l.AsOf.IsZero() { // then the page says already how old it is
		return
	}
	if ok, silent := s.live.Hears(guilds...); !ok {
		l.Unheard = l.Now.Add(-silent)
	}
	q := url.Values{}
	for _, g := range guilds[:min(len(guilds), maxHeard)] {
		q.Add("guild", g.String())
	}
	l.HeardPath = "/heard?" + q.Encode()
}

// heardJSON says whether Discord is heard, as server.heartbeat does.
type heardJSON struct {
	Discord string `json:"discord"`
	HeardAt int64  `json:"heardAt"` // Unix milliseconds
	TS      int64  `json:"ts"`
}

// heard tells pages without a live connection what those with one hear by
// server.heartbeat. It is the same for everybody, and for every server of a
// shard, also for those without Snug.
func (s *Server) heard(c *gin.Context) error {
	private(c)
	var guilds []snowflake.ID
	for _, raw := range c.QueryArray("guild") {
		id, err := parseID(raw, errHeard)
		if err != nil || len(guilds) == maxHeard {
			return errHeard
		}
		guilds = append(guilds, id)
	}
	now, out := time.Now(), heardJSON{Discord: "ok"}
	ok, silent := s.live.Hears(guilds...)
	if !ok {
		out.Discord = "unheard"
	}
	out.TS, out.HeardAt = now.UnixMilli(), now.Add(-silent).UnixMilli()
	return reply(c, http.StatusOK, out)
}
