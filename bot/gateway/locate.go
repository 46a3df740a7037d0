package gateway

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"

	"snug/shared/errs"
)

// gatewayBotTimeout limits one request for the gateway's address.
const gatewayBotTimeout = 30 * time.Second

// GetGatewayBot calls GET /gateway/bot once: the gateway's address, the recommended number of shards and the
// session start limit. The error has the code errs.Unauthorized for a wrong token; otherwise the
// REST client's code, or errs.DiscordUnavailable.
func GetGatewayBot(ctx context.Context, r rest.Gateway) (*discord.GatewayBot, error) {
	ctx, cancel := context.WithTimeout(ctx, gatewayBotTimeout)
	defer cancel()
	answer, err := r.GetGatewayBot(rest.WithCtx(ctx))
	var refused *rest.Error
	var coded *errs.Error
	switch {
	case err == nil && answer != nil && answer.URL != "":
		return answer, nil
	case err == nil:
		return nil, errs.E(errs.DiscordUnavailable, "Discord didn't return a gateway address. Snug keeps trying.")
	case errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode == http.StatusUnauthorized:
		return nil, errs.E(errs.Unauthorized,
			"Discord rejects the bot token. Reset it in https://discord.com/developers/applications → "+
				"your application → Bot → Reset Token, put the new one into Snug's configuration, and start "+
				"Snug again.").Because(err)
	case errors.As(err, &coded):
		return nil, err
	}
	return nil, errs.E(errs.DiscordUnavailable,
		"Snug can't reach Discord to find its gateway, and keeps trying.").Because(err)
}

// AwaitGatewayBot repeats GetGatewayBot until it succeeds, ctx ends, or Discord refuses the token. A process calls
// it before it decides on its shards. The delays are 1, 2, 4, 8, then 16 times backoff (0 means a second), with
// jitter.
func AwaitGatewayBot(
	ctx context.Context, r rest.Gateway, backoff time.Duration, log *slog.Logger,
) (*discord.GatewayBot, error) {
	cfg := Config{Backoff: backoff, Rand: rand.Float64}
	cfg.fill()
	p := policy{cfg: &cfg}
	for n := 1; ; n++ {
		answer, err := GetGatewayBot(ctx, r)
		if err == nil || errs.Has(err, errs.Unauthorized) {
			return answer, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		d := p.backoff(n)
		log.Warn("cannot get the gateway's address from Discord; retrying",
			slog.Int("failures", n), slog.Duration("delay", d), slog.Any("err", err))
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
	}
}

// Locate returns a function for Config.Locate that asks r, and passes the session start limit to
// limiter if that isn't nil.
func Locate(r rest.Gateway, limiter IdentifyLimiter) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		answer, err := GetGatewayBot(ctx, r)
		if err != nil {
			return "", err
		}
		if limiter != nil {
			limiter.Update(answer.SessionStartLimit)
		}
		return answer.URL, nil
	}
}

// Attach makes a shard for a disgo client that was built without a gateway. Fields of cfg that are
// empty come from the client: the token, the handler (client.EventManager.HandleGatewayEvent) and,
// without a URL, the address (client.Rest). It sets client.Gateway if that is nil. Call it before
// other goroutines use the client.
func Attach(client *bot.Client, cfg Config) (*Shard, error) {
	if cfg.Token == "" {
		cfg.Token = client.Token
	}
	if cfg.Handler == nil {
		cfg.Handler = client.EventManager.HandleGatewayEvent
	}
	if cfg.Identify == nil {
		cfg.Identify = NewSessionStarts(cfg.Logger)
	}
	if cfg.URL == "" && cfg.Locate == nil {
		cfg.Locate = Locate(client.Rest, cfg.Identify)
	}
	s, err := New(cfg)
	if err != nil {
		return nil, err
	}
	if client.Gateway == nil {
		client.Gateway = s
	}
	return s, nil
}

// socketURL adds the version, encoding and compression to a gateway address.
func socketURL(address string, compress bool) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	switch u.Scheme {
	case "ws", "wss":
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	default:
		return "", errors.New("the gateway's address has to begin with ws:// or wss://")
	}
	if u.Host == "" {
		return "", errors.New("the gateway's address names no host")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	q := u.Query()
	q.Set("v", "10")
	q.Set("encoding", "json")
	q.Del("compress")
	if compress {
		q.Set("compress", "zstd-stream")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
