package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

func bench(level slog.Level) (*slog.Logger, *RecentErrors, *bytes.Buffer) {
	var b bytes.Buffer
	m := NewRecentErrors()
	return slog.New(Handler(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level}), m)), m, &b
}

// A line says once what its context knows.
func TestContext(t *testing.T) {
	log, _, out := bench(slog.LevelInfo)
	ctx := WithAttrs(WithAttrs(context.Background(), slog.Any("interaction_id", snowflake.ID(7))),
		slog.Any("guild_id", snowflake.ID(8)), slog.Any("user_id", snowflake.ID(9)))
	log.With("user_id", snowflake.ID(3)).InfoContext(ctx, "hello", "guild_id", snowflake.ID(8))
	line := out.String()
	for key, want := range map[string]string{
		"interaction_id=": "interaction_id=7", "guild_id=": "guild_id=8", "user_id=": "user_id=3",
	} {
		if strings.Count(line, key) != 1 || !strings.Contains(line, want) {
			t.Errorf("want %s once: %s", want, line)
		}
	}
	out.Reset()
	log.Info("hello")
	if strings.Contains(out.String(), "_id") {
		t.Error(out.String())
	}
}

// What is remembered is the last of each guild, and no secrets.
func TestMemory(t *testing.T) {
	log, m, out := bench(slog.LevelError + 1)
	a, b := snowflake.ID(1), snowflake.ID(2)
	log.Info("not trouble", "guild_id", a)
	log.Warn("of nobody")
	log.Warn("in a group", slog.Group("g", "guild_id", a))
	if len(m.Of(a)) != 0 || m.Of(a) == nil {
		t.Fatalf("got %+v", m.Of(a))
	}
	for i := range 13 {
		log.Error(fmt.Sprint("trouble ", i), "guild_id", a, "err", errors.New("hidden"))
	}
	got := m.Of(a)
	if len(got) != perGuild || got[0].Text != "trouble 12" || got[9].Text != "trouble 3" || !got[0].Serious ||
		got[0].Code != errs.Internal || got[0].Why != nil {
		t.Fatalf("got %+v", got)
	}
	ctx := WithAttrs(t.Context(), slog.Any("interaction_id", snowflake.ID(77)))
	for range 3 {
		log.With("guild_id", b).WarnContext(ctx, "again",
			"err", errs.E(errs.MissingPermission, "Snug lacks it.").Because(errors.New("hidden")))
	}
	log.Warn("said to one", "guild_id", b, "err", errs.E(errs.Forbidden, "Kiyo does not want you."))
	got = m.Of(b)
	if len(got) != 2 || got[1].Times != 3 || got[1].InteractionID != "77" || got[1].Why.Message != "Snug lacks it." ||
		got[1].Why.Err != nil || got[0].Why != nil || got[0].Code != errs.Forbidden {
		t.Errorf("got %+v", got)
	}
	if out.Len() != 0 {
		t.Error("written below the level:", out)
	}
	for i := range maxGuilds + 5 {
		log.Warn("many", "guild_id", snowflake.ID(100+i))
	}
	if len(m.guilds) != maxGuilds || len(m.Of(a)) != 0 || len(m.Of(snowflake.ID(100+maxGuilds+4))) != 1 {
		t.Errorf("%d guilds", len(m.guilds))
	}
}
