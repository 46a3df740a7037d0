package rooms

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

const (
	categorySize = 50 // channels Discord allows in a category; guildSize: in a guild
	guildSize    = 500
	maxOverflow  = 9               // overflow categories of one category
	extraNumbers = 2               // further numbers to try in a name that Discord does not allow
	fullFor      = 5 * time.Minute // after which a full category is tried again
)

// fullCategory says where rooms go instead of a full category.
type fullCategory struct {
	instead snowflake.ID
	at      time.Time
}

// overflow finds an overflow category for rooms, named like the full one plus a number: an existing one with
// space, or else a new one. It is recognised by its name and the bot's own overwrite, also after a crash.
func (rs *Rooms) overflow(ctx context.Context, g *guildState, from snowflake.ID) (next snowflake.ID, err error) {
	err = g.inLane(ctx, categoryLane, func() error { // two rooms must not create two categories
		next, err = rs.overflowInLane(ctx, g, from)
		return err
	})
	return next, err
}

func (rs *Rooms) overflowInLane(ctx context.Context, g *guildState, from snowflake.ID) (snowflake.ID, error) {
	channels, err := rs.o.Discord.Channels(ctx, g.id)
	if err != nil {
		return 0, err
	}
	base, name := baseCategory(from, channels)
	if c := byID(channels)[base]; c.Unseen {
		return 0, errs.E(errs.MissingPermission,
			"Snug can't see the category for rooms. A manager can give Snug's role View Channel there, or choose "+
				"another category in Snug's settings.")
	}
	if base == 0 {
		return 0, errs.E(errs.Invalid,
			"The category for rooms no longer exists. Choose another in Snug's settings.")
	}
	next, number := snowflake.ID(0), 2
	for _, c := range channels {
		n, ok := isOverflow(c, name)
		if !ok {
			continue
		}
		number = max(number, n+1)
		if countChildren(channels, c.ID) < categorySize && (next == 0 || c.ID < next) {
			next = c.ID
		}
	}
	if next == 0 {
		for tries := 0; ; tries++ { // Discord may not allow a name with some number
			next, err = rs.o.Discord.CreateCategory(ctx, g.id, name+" "+strconv.Itoa(number+tries), base)
			if err == nil {
				break
			}
			if tries == extraNumbers || !errors.Is(err, ErrNameNotAllowed) {
				return 0, err
			}
		}
		rs.o.Log.InfoContext(ctx, "an overflow category was created for rooms", "guild_id", g.id, "category_id", next)
	}
	for _, full := range []snowflake.ID{base, from} {
		g.fullCategories[full] = fullCategory{next, g.now()}
	}
	delete(g.fullCategories, next)
	return next, nil
}

// baseCategory returns the category that id is an overflow of (or id itself), and its name.
func baseCategory(id snowflake.ID, channels []Channel) (snowflake.ID, string) {
	c, there := byID(channels)[id]
	if !there {
		return 0, ""
	}
	if head, tail, ok := cutLast(c.Name); ok && c.Marked {
		if n, err := strconv.Atoi(tail); err == nil && n > 1 {
			for _, b := range channels {
				if b.Kind == KindCategory && b.Name == head {
					return b.ID, head
				}
			}
		}
	}
	return c.ID, c.Name
}

// isOverflow returns the number of an overflow category of the category called name; false for other channels.
func isOverflow(c Channel, name string) (int, bool) {
	head, tail, ok := cutLast(c.Name)
	if c.Kind != KindCategory || !c.Marked || !ok || head != name {
		return 0, false
	}
	n, err := strconv.Atoi(tail)
	return n, err == nil && n > 1
}

func cutLast(name string) (head, tail string, ok bool) {
	i := strings.LastIndexByte(name, ' ')
	if i < 0 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

func countChildren(channels []Channel, category snowflake.ID) int {
	n := 0
	for _, c := range channels {
		if c.ParentID == category {
			n++
		}
	}
	return n
}

// onCategoryFreed follows the end of a room in a category: it has space again,
// and an empty overflow category is deleted. If that fails, a sweep repeats it.
func (rs *Rooms) onCategoryFreed(ctx context.Context, g *guildState, category snowflake.ID) {
	if category == 0 {
		return
	}
	delete(g.fullCategories, category)
	g.freed[category] = true
	err := g.inLane(ctx, categoryLane, func() error {
		if category != g.settings.CategoryID && !g.categoryInUse(category) {
			if err := rs.removeEmptyCategory(ctx, g, category); err != nil {
				return err
			}
		}
		delete(g.freed, category)
		return nil
	})
	if err != nil {
		rs.o.Log.WarnContext(ctx, "an empty category for rooms stays until the next sweep", "guild_id", g.id,
			"category_id", category, "err", err)
	}
}

// noteEmptyCategories notes overflow categories that were left
// empty, because a process ended before it could remove them.
func (g *guildState) noteEmptyCategories(channels []Channel) {
	for _, c := range channels {
		if c.Kind != KindCategory {
			continue
		}
		if base, _ := baseCategory(c.ID, channels); base != c.ID && countChildren(channels, c.ID) == 0 {
			g.freed[c.ID] = true
		}
	}
}

// categoryInUse reports whether a category has open or pending rooms.
func (g *guildState) categoryInUse(category snowflake.ID) bool {
	for _, r := range g.rooms {
		if r.CategoryID == category {
			return true
		}
	}
	for _, in := range g.pendingCreates {
		if in.CategoryID == category {
			return true
		}
	}
	return false
}

// removeEmptyCategory deletes an overflow category if it is empty, in the categories' lane.
func (rs *Rooms) removeEmptyCategory(ctx context.Context, g *guildState, category snowflake.ID) error {
	channels, err := rs.o.Discord.Channels(ctx, g.id)
	if err != nil || g.categoryInUse(category) {
		return err
	}
	if _, there := byID(channels)[category]; !there || countChildren(channels, category) > 0 {
		return nil
	}
	if base, _ := baseCategory(category, channels); base == category {
		return nil // not one that Snug created
	}
	for full, f := range g.fullCategories { // before the call: no new room must be placed there
		if f.instead == category {
			delete(g.fullCategories, full)
		}
	}
	return rs.o.Discord.DeleteChannel(ctx, category, "Snug: no room is left in it")
}
