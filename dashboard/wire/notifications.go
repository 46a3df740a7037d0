package wire

import (
	"net/url"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/push"
)

type (
	// NotificationsInput changes what a person chose about notifications. What is left out stays.
	NotificationsInput struct {
		Kinds *[]push.Kind `json:"kinds" required:"false" doc:"The kinds to switch on; all others are off."`
		Quiet *bool        `json:"quiet" required:"false" doc:"Send nothing during the quiet hours."`
		From  *string      `json:"from" required:"false" doc:"When they begin, like 22:00."`
		To    *string      `json:"to" required:"false" doc:"When they end, like 07:00."`
		Zone  *string      `json:"zone" required:"false" doc:"The time zone's IANA name, like Europe/Berlin."`
	}

	// TrustInput is somebody to trust.
	TrustInput struct {
		User snowflake.ID `json:"user"`
	}

	// DeviceInput is a browser's subscription at its push service.
	DeviceInput struct {
		Endpoint string `json:"endpoint"`
		P256DH   string `json:"p256dh" doc:"The browser's public key, base64url."`
		Auth     string `json:"auth" doc:"The subscription's secret, base64url."`
		Key      string `json:"key" doc:"The key it was made with: public_key of the notifications."`
		Name     string `json:"name" required:"false" maxLength:"240" doc:"What people call the browser."`
		Language string `json:"language" required:"false" maxLength:"20" doc:"Of its notifications. Left out: en."`
		Replaces string `json:"replaces" required:"false" maxLength:"1000" doc:"The browser's former endpoint."`
	}

	// Device is a browser that gets notifications, without its subscription.
	Device struct {
		ID        string    `json:"id"`
		Name      string    `json:"name"`
		Language  string    `json:"language" doc:"What its notifications are written in."`
		AddedAt   time.Time `json:"added_at"`
		RenewedAt time.Time `json:"renewed_at" doc:"When Snug was last opened there."`
		Trouble   string    `json:"trouble,omitempty" doc:"renew: open Snug there. unreachable: the last one failed."`
	}
)

// Fill changes what the input names of the quiet hours.
func (in NotificationsInput) Fill(q *push.Quiet) {
	if in.Quiet != nil {
		q.On = *in.Quiet
	}
	for to, from := range map[*string]*string{&q.From: in.From, &q.To: in.To, &q.Zone: in.Zone} {
		if from != nil {
			*to = *from
		}
	}
}

// FormInput reads a form, in which a box that isn't checked is off.
func FormInput(f url.Values) NotificationsInput {
	kinds := []push.Kind{}
	for _, k := range f["kinds"] {
		kinds = append(kinds, push.Kind(k))
	}
	quiet := slices.Contains(f["quiet"], "true")
	from, to, zone := f.Get("from"), f.Get("to"), f.Get("zone")
	return NotificationsInput{Kinds: &kinds, Quiet: &quiet, From: &from, To: &to, Zone: &zone}
}

// NewDevice gives a device as JSON has it; outdated says that it has to be renewed.
func NewDevice(d push.Device, outdated bool) Device {
	if outdated {
		d.Trouble = push.TroubleRenew
	}
	return Device{
		ID: d.ID, Name: d.Name, Language: d.Lang, AddedAt: d.AddedAt, RenewedAt: d.RenewedAt,
		Trouble: string(d.Trouble),
	}
}
