package view

import (
	"slices"
	"time"

	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/apitoken"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/text"
	"snug/shared/webhook"
)

// Webhooks is the page at /admin/{guild}/webhooks. Its forms post there, with do and hook.
type Webhooks struct {
	AdminTab
	Hooks  []WebhookCard
	Kinds  []audit.Kind
	Form   wire.HookInput // as it was filled in
	Secret string         // of a webhook that was made just now, or renewed; shown this once
	Err    *errs.Error    // what is wrong with Form
}

// WebhookCard is a webhook and what it was told last.
type WebhookCard struct {
	Hook       webhook.Hook
	Deliveries []webhook.Delivery
}

// Tab is the page's own.
func (*Webhooks) Tab() string { return "webhooks" }

// Kind names a kind.
func (p *Webhooks) Kind(k audit.Kind) string { return p.Text.Kind(k) }

// Chosen says whether a kind is chosen in the form.
func (p *Webhooks) Chosen(k audit.Kind) bool { return slices.Contains(p.Form.Kinds, k) }

// Last is the last try of a delivery; nil if there was none.
func (*Webhooks) Last(d webhook.Delivery) *webhook.Try {
	if len(d.Tries) == 0 {
		return nil
	}
	return &d.Tries[len(d.Tries)-1]
}

// Delivered names what a delivery tells.
func (p *Webhooks) Delivered(d webhook.Delivery) string {
	if d.Kind == webhook.Ping {
		return p.Text.Say("hook.ping.name")
	}
	return p.Text.Kind(audit.Kind(d.Kind))
}

// Millis is a length of time in milliseconds.
func (*Webhooks) Millis(d time.Duration) int64 { return d.Milliseconds() }

func (*Webhooks) name() string { return "admin-webhooks" }

// Tokens is the page at /tokens: one's own API tokens. ServerTokens is that of a server's.
type Tokens struct {
	Layout
	TokenList
}

// ServerTokens is the page at /admin/{guild}/tokens.
type ServerTokens struct {
	AdminTab
	TokenList
}

// TokenList is what both pages of tokens show. Their forms post to Action.
type TokenList struct {
	Action string
	List   []apitoken.Token
	// Members are who made them.
	Members Members
	Secret  string // of a token that was made just now; shown this once
	Form    wire.NewTokenInput
	Err     *errs.Error // what is wrong with Form
}

// Ends are the moments that a new token can end at, in words as lengths of time from now. A form that came back keeps
// what was chosen.
func (l TokenList) Ends(now time.Time, t text.Texts) []choice {
	const day = 24 * time.Hour
	chosen := l.Form.ExpiresAt
	if l.Err == nil {
		chosen = now.Add(90 * day)
	}
	var list []choice
	for _, d := range []time.Duration{7 * day, 30 * day, 90 * day, 365 * day} {
		end := now.Add(d).UTC()
		near := chosen.Sub(end).Abs() < day
		if near {
			end = chosen.UTC()
		}
		list = append(list, choice{end.Format(time.RFC3339), t.Duration(d), near})
	}
	return append(list, choice{"", t.Say("token.expires.never"), chosen.IsZero()})
}

// Tab is the page's own.
func (*ServerTokens) Tab() string { return "tokens" }

// Scopes are what a token can be allowed; the message scope.{scope} says what each allows.
func (TokenList) Scopes() []apitoken.ScopeInfo { return apitoken.Scopes() }

// By is who made a token: as they are called now, else as they were called when they made it.
func (l TokenList) By(t text.Texts, k apitoken.Token) access.Standing {
	if l.Members[k.UserID].DisplayName == "" && k.DisplayName != "" {
		return access.Standing{UserID: k.UserID, DisplayName: k.DisplayName}
	}
	return l.Members.member(t, k.UserID)
}

// Chosen says whether a scope is chosen in the form.
func (l TokenList) Chosen(s apitoken.Scope) bool { return slices.Contains(l.Form.Scopes, s) }

func (*Tokens) name() string       { return "tokens" }
func (*ServerTokens) name() string { return "admin-tokens" }
