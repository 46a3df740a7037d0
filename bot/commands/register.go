package commands

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/ratelimit"
	"snug/bot/schedule"
	"snug/shared/text"
)

// How long to wait before Discord is told the commands again: it doubles up to
// the first after no answer, and to the second after a refusal, which seldom changes by itself.
const (
	registerWait    = time.Minute
	registerRefused = 10 * time.Minute
)

// Registration is where commands are registered, and which.
type Registration struct {
	Rest        rest.Rest
	Application snowflake.ID
	Guild       snowflake.ID // for this server alone; 0: for all
	Texts       *text.Catalog
	Log         *slog.Logger
}

// Register has Discord take Snug's commands, however often that takes to try.
// It fails when ctx ends first.
func Register(ctx context.Context, r Registration) error {
	for wait := time.Second; ; wait *= 2 {
		err := r.register(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		most := registerWait
		if answer, ok := errors.AsType[*rest.Error](err); ok && answer.Response != nil &&
			answer.Response.StatusCode < http.StatusInternalServerError {
			most = registerRefused
		}
		wait = min(wait, most)
		r.Log.Warn("Discord did not take the commands; trying again", "delay", wait, "err", err)
		schedule.Pause(ctx, nil, wait)
	}
}

// register registers the commands where they belong: for the one server
// that is served, or for all. The two are scopes of their own in Discord, and
// a command that is in both shows twice: where they are new in theirs, they are
// taken out of the others.
func (r Registration) register(ctx context.Context) error {
	list := Definitions(r.Texts)
	known, err := r.fetchCommands(ctx, r.Guild)
	if err != nil {
		return err
	}
	if !known.includeAny(list) { // first, so that a crash does not keep it from being done
		if err := r.clearElsewhere(ratelimit.WithPriority(ctx, ratelimit.Background), list); err != nil {
			return err
		}
	}
	return r.putCommands(ctx, r.Guild, list, known.others(list, false))
}

// clearElsewhere takes Snug's commands out of all scopes but its own.
func (r Registration) clearElsewhere(ctx context.Context, list []discord.ApplicationCommandCreate) error {
	scopes := []snowflake.ID{}
	if r.Guild != 0 {
		scopes = append(scopes, 0)
	}
	for last := snowflake.ID(0); ; {
		var page []struct {
			ID snowflake.ID `json:"id"`
		}
		guilds := rest.NewEndpoint(http.MethodGet, "/users/@me/guilds").Compile(discord.QueryValues{
			"limit": 200, "after": last,
		})
		if err := r.Rest.Do(guilds, nil, &page, rest.WithCtx(ctx)); err != nil {
			return err
		}
		for _, g := range page {
			last = g.ID
			if g.ID != r.Guild {
				scopes = append(scopes, g.ID)
			}
		}
		if len(page) < 200 {
			break
		}
	}
	for _, scope := range scopes {
		known, err := r.fetchCommands(ctx, scope)
		if answer, ok := errors.AsType[*rest.Error](err); ok && answer.Code == rest.JSONErrorCodeMissingAccess {
			continue // not in that server any more, or never allowed to have commands there
		}
		if err != nil {
			return err
		}
		if left := known.others(list, true); len(left) < len(known) {
			if err := r.putCommands(ctx, scope, nil, left); err != nil {
				return err
			}
			r.Log.InfoContext(ctx, "took commands out of a scope that is not theirs any more", "guild_id", scope)
		}
	}
	return nil
}

// registered are commands as Discord has them.
type registered []map[string]json.RawMessage

// typeEntryPoint is that of the command which opens an application's Activity.
// Discord makes it, and refuses a list without it.
// https://docs.discord.com/developers/interactions/application-commands#entry-point-commands
const typeEntryPoint = 4

func kindAndName(c map[string]json.RawMessage) (kind int, name string) {
	_ = json.Unmarshal(c["type"], &kind) // both are there in whatever Discord sends
	_ = json.Unmarshal(c["name"], &name)
	return kind, name
}

func listed(list []discord.ApplicationCommandCreate, kind int, name string) bool {
	return slices.ContainsFunc(list, func(c discord.ApplicationCommandCreate) bool {
		return int(c.Type()) == kind && c.CommandName() == name
	})
}

// includeAny says whether commands of Snug's are among them already.
func (r registered) includeAny(list []discord.ApplicationCommandCreate) bool {
	return slices.ContainsFunc(r, func(c map[string]json.RawMessage) bool {
		kind, name := kindAndName(c)
		return listed(list, kind, name)
	})
}

// others gives those that are not Snug's; without all, Entry Point commands
// alone: an earlier Snug's are not kept.
func (r registered) others(list []discord.ApplicationCommandCreate, all bool) (out registered) {
	for _, c := range r {
		if kind, name := kindAndName(c); kind == typeEntryPoint || all && !listed(list, kind, name) {
			out = append(out, c)
		}
	}
	return out
}

func (r Registration) endpoint(method string, guild snowflake.ID) *rest.CompiledEndpoint {
	values := discord.QueryValues{}
	if method == http.MethodGet {
		values["with_localizations"] = true
	}
	if guild == 0 {
		return rest.NewEndpoint(method, "/applications/{application.id}/commands").Compile(values, r.Application)
	}
	return rest.NewEndpoint(method, "/applications/{application.id}/guilds/{guild.id}/commands").Compile(values,
		r.Application, guild)
}

// fetchCommands asks for the commands of a server, or with 0 for those of all.
func (r Registration) fetchCommands(ctx context.Context, guild snowflake.ID) (out registered, err error) {
	err = r.Rest.Do(r.endpoint(http.MethodGet, guild), nil, &out, rest.WithCtx(ctx))
	return out, err
}

// writable are the fields of a command that Discord takes back as it sent them.
var writable = []string{"id", "name", "name_localizations", "description", "description_localizations", "options",
	"default_member_permissions",
	"contexts", "integration_types", "nsfw", "type", "handler"}

// putCommands replaces the commands of a scope.
func (r Registration) putCommands(
	ctx context.Context, guild snowflake.ID, list []discord.ApplicationCommandCreate, others registered,
) error {
	body := make([]any, 0, len(list)+len(others))
	for _, c := range list {
		body = append(body, c)
	}
	for _, c := range others {
		again := map[string]json.RawMessage{}
		for _, k := range writable {
			if v, there := c[k]; there && string(v) != "null" {
				again[k] = v
			}
		}
		body = append(body, again)
	}
	return r.Rest.Do(r.endpoint(http.MethodPut, guild), body, nil, rest.WithCtx(ctx))
}
