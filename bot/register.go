package bot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/commands"
	"snug/bot/ratelimit"
)

// How long to wait before Discord is told the commands again: it doubles up to
// the first after no answer, and to the second after a refusal, which seldom changes by itself.
const (
	registerWait    = time.Minute
	registerRefused = 10 * time.Minute
)

// register tells Discord Snug's commands, until it takes them.
func (b *Bot) register() {
	for wait := time.Second; ; wait *= 2 {
		err := b.tellCommands(b.ctx)
		if err == nil {
			close(b.told)
			return
		}
		if b.ctx.Err() != nil {
			return
		}
		most := registerWait
		if answer, ok := errors.AsType[*rest.Error](err); ok && answer.Response != nil &&
			answer.Response.StatusCode < http.StatusInternalServerError {
			most = registerRefused
		}
		wait = min(wait, most)
		b.o.Log.Warn("Discord did not take the commands; trying again", "delay", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-b.ctx.Done():
		}
	}
}

// tellCommands registers the commands where they belong: for the one server
// that is served, or for all. The two are scopes of their own in Discord, and
// a command that is in both shows twice: where they are new in theirs, they are
// taken out of the others.
func (b *Bot) tellCommands(ctx context.Context) error {
	list := commands.Definitions(b.o.Texts)
	known, err := b.commandsOf(ctx, b.o.GuildID)
	if err != nil {
		return err
	}
	if !known.have(list) { // first, so that a crash does not keep it from being done
		if err := b.clearElsewhere(ratelimit.WithPriority(ctx, ratelimit.Background), list); err != nil {
			return err
		}
	}
	return b.setCommands(ctx, b.o.GuildID, list, known.others(list, false))
}

// clearElsewhere takes Snug's commands out of all scopes but its own.
func (b *Bot) clearElsewhere(ctx context.Context, list []discord.ApplicationCommandCreate) error {
	scopes := []snowflake.ID{}
	if b.o.GuildID != 0 {
		scopes = append(scopes, 0)
	}
	for last := snowflake.ID(0); ; {
		var page []struct {
			ID snowflake.ID `json:"id"`
		}
		guilds := rest.NewEndpoint(http.MethodGet, "/users/@me/guilds").Compile(discord.QueryValues{
			"limit": 200, "after": last,
		})
		if err := b.client.Rest.Do(guilds, nil, &page, rest.WithCtx(ctx)); err != nil {
			return err
		}
		for _, g := range page {
			last = g.ID
			if g.ID != b.o.GuildID {
				scopes = append(scopes, g.ID)
			}
		}
		if len(page) < 200 {
			break
		}
	}
	for _, scope := range scopes {
		known, err := b.commandsOf(ctx, scope)
		if answer, ok := errors.AsType[*rest.Error](err); ok && answer.Code == rest.JSONErrorCodeMissingAccess {
			continue // not in that server any more, or never allowed to have commands there
		}
		if err != nil {
			return err
		}
		if left := known.others(list, true); len(left) < len(known) {
			if err := b.setCommands(ctx, scope, nil, left); err != nil {
				return err
			}
			b.o.Log.InfoContext(ctx, "took commands out of a scope that is not theirs any more", "guild_id", scope)
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

func named(list []discord.ApplicationCommandCreate, kind int, name string) bool {
	return slices.ContainsFunc(list, func(c discord.ApplicationCommandCreate) bool {
		return int(c.Type()) == kind && c.CommandName() == name
	})
}

// have says whether commands of Snug's are among them already.
func (r registered) have(list []discord.ApplicationCommandCreate) bool {
	return slices.ContainsFunc(r, func(c map[string]json.RawMessage) bool {
		kind, name := kindAndName(c)
		return named(list, kind, name)
	})
}

// others gives those that are not Snug's; without all, Entry Point commands
// alone: an earlier Snug's are not kept.
func (r registered) others(list []discord.ApplicationCommandCreate, all bool) (out registered) {
	for _, c := range r {
		if kind, name := kindAndName(c); kind == typeEntryPoint || all && !named(list, kind, name) {
			out = append(out, c)
		}
	}
	return out
}

func (b *Bot) endpoint(method string, guild snowflake.ID) *rest.CompiledEndpoint {
	values := discord.QueryValues{}
	if method == http.MethodGet {
		values["with_localizations"] = true
	}
	if guild == 0 {
		return rest.NewEndpoint(method, "/applications/{application.id}/commands").Compile(values,
			b.client.ApplicationID)
	}
	return rest.NewEndpoint(method, "/applications/{application.id}/guilds/{guild.id}/commands").Compile(values,
		b.client.ApplicationID, guild)
}

// commandsOf asks for the commands of a server, or with 0 for those of all.
func (b *Bot) commandsOf(ctx context.Context, guild snowflake.ID) (out registered, err error) {
	err = b.client.Rest.Do(b.endpoint(http.MethodGet, guild), nil, &out, rest.WithCtx(ctx))
	return out, err
}

// kept are the fields of a command that Discord takes back as it sent them.
var kept = []string{"id", "name", "name_localizations", "description", "description_localizations", "options",
	"default_member_permissions",
	"contexts", "integration_types", "nsfw", "type", "handler"}

// setCommands replaces the commands of a scope.
func (b *Bot) setCommands(
	ctx context.Context, guild snowflake.ID, list []discord.ApplicationCommandCreate, others registered,
) error {
	body := make([]any, 0, len(list)+len(others))
	for _, c := range list {
		body = append(body, c)
	}
	for _, c := range others {
		again := map[string]json.RawMessage{}
		for _, k := range kept {
			if v, there := c[k]; there && string(v) != "null" {
				again[k] = v
			}
		}
		body = append(body, again)
	}
	return b.client.Rest.Do(b.endpoint(http.MethodPut, guild), body, nil, rest.WithCtx(ctx))
}
