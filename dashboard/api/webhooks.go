package api

import (
	"context"
	"net/http"
	"time"

	"snug/dashboard/api/openapi"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/audit"
	"snug/shared/webhook"
)

type (
	hookJSON struct {
		ID        string       `json:"id"`
		Name      string       `json:"name"`
		URL       string       `json:"url"`
		Kinds     []audit.Kind `json:"kinds" nullable:"false" doc:"The events it gets. Empty: all."`
		Enabled   bool         `json:"enabled"`
		Stopped   string       `json:"stopped,omitempty" doc:"Why Snug turned it off."`
		CreatedAt time.Time    `json:"created_at"`
		Secret    string       `json:"secret,omitempty" doc:"Shown only when it's new."`
	}
	hooksJSON struct {
		Webhooks []hookJSON `json:"webhooks" nullable:"false"`
	}
	tryJSON struct {
		At      time.Time `json:"at"`
		Status  int       `json:"status" doc:"The HTTP status. 0: no answer."`
		Failure string    `json:"failure,omitempty"`
		Millis  int64     `json:"ms"`
	}
	deliveryJSON struct {
		ID     string        `json:"id" doc:"The message's webhook-id, the same at every attempt."`
		Kind   string        `json:"kind" doc:"An event, or ping."`
		At     time.Time     `json:"at"`
		State  webhook.State `json:"state" enum:"pending,done,failed"`
		NextAt *time.Time    `json:"next_at"`
		Tries  []tryJSON     `json:"tries" nullable:"false"`
	}
	deliveriesJSON struct {
		Deliveries []deliveryJSON `json:"deliveries" nullable:"false"`
	}
)

func newHookJSON(h webhook.Hook, secret string) hookJSON {
	out := hookJSON{
		ID: h.ID, Name: h.Name, URL: h.URL, Kinds: h.Kinds, Enabled: h.Enabled, Stopped: h.Stopped,
		CreatedAt: h.CreatedAt, Secret: secret,
	}
	if out.Kinds == nil {
		out.Kinds = []audit.Kind{}
	}
	return out
}

func newDeliveryJSON(d webhook.Delivery) deliveryJSON {
	out := deliveryJSON{ID: d.ID, Kind: d.Kind, At: d.At, State: d.State, Tries: []tryJSON{}}
	if !d.NextAt.IsZero() {
		out.NextAt = &d.NextAt
	}
	for _, t := range d.Tries {
		out.Tries = append(out.Tries, tryJSON{t.At, t.Status, t.Failure, t.Took.Milliseconds()})
	}
	return out
}

// HookPath is the path of a webhook.
type HookPath struct {
	GuildPath
	Hook string `path:"hook" doc:"The webhook's id."`
}

func (s *Service) apiWebhooks() {
	read, write := readAndWrite(apitoken.WebhooksRead, apitoken.WebhooksWrite)
	const base = "/guilds/{guild}/webhooks"
	openapi.Register(s.api,
		openapi.Operation{
			ID: "webhooks", Method: http.MethodGet, Path: base, Tag: "Webhooks",
			Summary: "List a server's webhooks", Access: read,
		}, s.listHooks)
	openapi.Register(s.api, openapi.Operation{
		ID: "create-webhook", Method: http.MethodPost, Path: base, Tag: "Webhooks", Summary: "Create a webhook",
		Status: http.StatusCreated, Repeat: &openapi.Repeat{Still: s.stillManaging, Secrets: []string{"secret"}},
		Access: write,
		Description: "It gets what happens from now on, signed according to " +
			"[Standard Webhooks](https://www.standardwebhooks.com). Snug calls only addresses on the public internet " +
			"and follows no redirects.",
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		GuildPath
		Body wire.HookInput
	}) (*answer[hookJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		h, secret, err := s.actions.AddWebhook(ctx, who.Session, g.ID, in.Body, openapi.RepeatID(ctx))
		return ok(newHookJSON(h, secret)), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "change-webhook", Method: http.MethodPatch, Path: base + "/{hook}", Tag: "Webhooks",
		Summary: "Change a webhook", Access: write,
	}, s.patchHook)
	openapi.Register(s.api, openapi.Operation{
		ID: "remove-webhook", Method: http.MethodDelete, Path: base + "/{hook}", Tag: "Webhooks",
		Summary: "Remove a webhook", Access: write,
	}, func(ctx context.Context, who *openapi.Caller, in *HookPath) (*none, error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err == nil {
			err = s.actions.RemoveWebhook(ctx, who.Session, g.ID, in.Hook)
		}
		return &none{}, err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "webhook-deliveries", Method: http.MethodGet, Path: base + "/{hook}/deliveries", Tag: "Webhooks",
		Summary: "List what a webhook was sent", Access: read,
	}, s.listDeliveries)
	openapi.Register(s.api, openapi.Operation{
		ID: "ping-webhook", Method: http.MethodPost, Path: base + "/{hook}/ping", Tag: "Webhooks",
		Summary: "Send a test message to a webhook", Status: http.StatusAccepted, Access: write,
	}, func(ctx context.Context, who *openapi.Caller, in *HookPath) (*answer[deliveryJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		d, err := s.actions.PingWebhook(ctx, g.ID, in.Hook)
		return ok(newDeliveryJSON(d)), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "replay-delivery", Method: http.MethodPost, Path: base + "/{hook}/deliveries/{message}/replay",
		Tag: "Webhooks", Summary: "Send a message again", Status: http.StatusAccepted, Access: write,
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		HookPath
		Message string `path:"message"`
	}) (*answer[deliveryJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		d, err := s.actions.ReplayDelivery(ctx, g.ID, in.Hook, in.Message)
		return ok(newDeliveryJSON(d)), err
	})
}

func (s *Service) listHooks(ctx context.Context, who *openapi.Caller, in *GuildPath) (*answer[hooksJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	list, err := s.actions.Webhooks(ctx, g.ID)
	out := hooksJSON{Webhooks: []hookJSON{}}
	for _, h := range list {
		out.Webhooks = append(out.Webhooks, newHookJSON(h, ""))
	}
	return ok(out), err
}

func (s *Service) patchHook(ctx context.Context, who *openapi.Caller, in *struct {
	HookPath
	Body wire.HookPatch
}) (*answer[hookJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	h, secret, err := s.actions.ChangeWebhook(ctx, who.Session, g.ID, in.Hook, in.Body)
	return ok(newHookJSON(h, secret)), err
}

func (s *Service) listDeliveries(
	ctx context.Context, who *openapi.Caller, in *HookPath,
) (*answer[deliveriesJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	h, err := s.actions.Webhook(ctx, g.ID, in.Hook)
	if err != nil {
		return nil, err
	}
	list, err := s.actions.Deliveries(ctx, h)
	out := deliveriesJSON{Deliveries: []deliveryJSON{}}
	for _, d := range list {
		out.Deliveries = append(out.Deliveries, newDeliveryJSON(d))
	}
	return ok(out), err
}
