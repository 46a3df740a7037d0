package api

import (
	"context"
	"net/http"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/dashboard/api/openapi"
	"snug/dashboard/wire"
	"snug/shared/push"
)

type (
	friendJSON struct {
		UserID      snowflake.ID `json:"user_id"`
		DisplayName string       `json:"display_name" doc:"When you added them."`
	}
	notificationsJSON struct {
		Kinds     []push.Kind   `json:"kinds" nullable:"false" doc:"The kinds that are switched on."`
		Quiet     bool          `json:"quiet" doc:"Nothing is sent from from to to, in zone."`
		From      string        `json:"from"`
		To        string        `json:"to" doc:"The first minute that isn't quiet."`
		Zone      string        `json:"zone" doc:"The time zone's IANA name."`
		Trusted   []friendJSON  `json:"trusted" nullable:"false"`
		Devices   []wire.Device `json:"devices" nullable:"false" doc:"The browsers that get notifications."`
		PublicKey string        `json:"public_key" doc:"With which a browser subscribes (VAPID), base64url."`
	}
	testedJSON struct {
		Devices int `json:"devices" doc:"How many browsers it is on its way to."`
	}
)

func (s *Service) apiNotifications() {
	const tag = "Notifications"
	pages := openapi.Access{Limit: openapi.Writes} // by people, on pages
	type userPath struct {
		User string `path:"user"`
	}
	type devicePath struct {
		ID string `path:"id"`
	}
	openapi.Register(s.api, openapi.Operation{
		ID: "notifications", Method: http.MethodGet, Path: "/me/notifications", Tag: tag,
		Summary: "Get your notifications", Access: openapi.Access{},
	}, s.notifications)
	openapi.Register(s.api, openapi.Operation{
		ID: "change-notifications", Method: http.MethodPatch, Path: "/me/notifications", Tag: tag,
		Summary: "Choose kinds and quiet hours", Access: pages,
	}, func(
		ctx context.Context, who *openapi.Caller, in *struct{ Body wire.NotificationsInput },
	) (*answer[notificationsJSON], error) {
		if err := s.actions.ChangeNotifications(ctx, who.Session, in.Body); err != nil {
			return nil, err
		}
		return s.notifications(ctx, who, &none{})
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "trust", Method: http.MethodPost, Path: "/me/notifications/trusted", Tag: tag,
		Summary: "Trust somebody", Access: pages, Errors: []int{http.StatusNotFound, http.StatusConflict},
		Description: "With the kind `trusted`, you're notified when they sit down in a room you see. They have to " +
			"sit in one when you add them.",
	}, func(ctx context.Context, who *openapi.Caller, in *struct{ Body wire.TrustInput }) (*none, error) {
		return &none{}, s.actions.Trust(ctx, who.Session, in.Body.User)
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "stop-trusting", Method: http.MethodDelete, Path: "/me/notifications/trusted/{user}", Tag: tag,
		Summary: "Stop trusting somebody", Access: pages,
	}, func(ctx context.Context, who *openapi.Caller, in *userPath) (*none, error) {
		user, err := actions.ParseID(in.User, errNoMember)
		if err == nil {
			err = s.actions.Distrust(ctx, who.Session, user)
		}
		return &none{}, err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "add-device", Method: http.MethodPost, Path: "/me/notifications/devices", Tag: tag,
		Summary: "Have a browser get notifications", Access: pages, Errors: []int{http.StatusConflict},
		Status:      http.StatusCreated,
		Description: "Adding the same subscription again renews it. Signing out in the browser removes it.",
	}, func(
		ctx context.Context, who *openapi.Caller, in *struct{ Body wire.DeviceInput },
	) (*answer[wire.Device], error) {
		d, err := s.actions.AddDevice(ctx, who.Session, in.Body)
		return ok(wire.NewDevice(d, false)), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "remove-device", Method: http.MethodDelete, Path: "/me/notifications/devices/{id}", Tag: tag,
		Summary: "Have a browser get no more notifications", Access: pages,
	}, func(ctx context.Context, who *openapi.Caller, in *devicePath) (*none, error) {
		return &none{}, s.actions.RemoveDevice(ctx, who.Session, in.ID)
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "test-notifications", Method: http.MethodPost, Path: "/me/notifications/test", Tag: tag,
		Summary: "Send a test to your browsers", Access: pages, Errors: []int{http.StatusConflict},
	}, func(ctx context.Context, who *openapi.Caller, _ *none) (*answer[testedJSON], error) {
		n, err := s.actions.TestNotifications(ctx, who.Session)
		return ok(testedJSON{n}), err
	})
}

func (s *Service) notifications(
	ctx context.Context, who *openapi.Caller, _ *none,
) (*answer[notificationsJSON], error) {
	n, err := s.actions.Notifications(ctx, who.Session)
	if err != nil {
		return nil, err
	}
	out := notificationsJSON{
		Kinds: append([]push.Kind{}, n.Kinds...), Trusted: []friendJSON{}, Devices: []wire.Device{}, PublicKey: n.Key,
		Quiet: n.Quiet.On, From: n.Quiet.From, To: n.Quiet.To, Zone: n.Quiet.Zone,
	}
	for _, f := range n.Trusted {
		out.Trusted = append(out.Trusted, friendJSON{f.UserID, f.Name})
	}
	for _, d := range n.Devices {
		out.Devices = append(out.Devices, wire.NewDevice(d, n.OutdatedDevice(d)))
	}
	return ok(out), nil
}
