package world

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world/form"
)

// The rules in this file are in Discord's documents "SKU Resource" and "Entitlement Resource".

// What a SKU is, and for what, with Discord's numbers.
const (
	SKUDurable      = 2
	SKUConsumable   = 3
	SKUSubscription = 5
	SKUGroup        = 6

	skuAvailable = 1 << 2
	SKUForGuild  = 1 << 7
	SKUForUser   = 1 << 8
)

// skuKinds are the types of SKUs by the names that this simulator has for them, with their flags.
var skuKinds = map[string]struct{ kind, flags int }{
	"durable": {SKUDurable, 0}, "consumable": {SKUConsumable, 0},
	"guild_subscription": {SKUSubscription, SKUForGuild}, "user_subscription": {SKUSubscription, SKUForUser},
}

// entitlementKind is APPLICATION_SUBSCRIPTION. The document also has types for other purchases, which the OpenAPI
// description doesn't: that these have this one here is a guess.
const entitlementKind = 8

// SKU is something that an application sells. The fields below Flags are in the document's example alone.
type SKU struct {
	ID    ID     `json:"id"`
	Kind  int    `json:"type"`
	App   ID     `json:"application_id"`
	Name  string `json:"name"`
	Slug  string `json:"slug"`
	Flags int    `json:"flags"`

	Dependent *ID      `json:"dependent_sku_id"`
	Labels    []string `json:"manifest_labels"`
	Access    int      `json:"access_type"`
	Features  []string `json:"features"`
	Release   *string  `json:"release_date"`
	Premium   bool     `json:"premium"`
	AgeGate   bool     `json:"show_age_gate"`
}

// Entitlement is somebody's access to what an application sells.
type Entitlement struct {
	ID       ID        `json:"id"`
	SKU      ID        `json:"sku_id"`
	App      ID        `json:"application_id"`
	User     ID        `json:"user_id"`
	Guild    ID        `json:"guild_id"` // 0: it is the user's alone
	Test     bool      `json:"test,omitempty"`
	Deleted  bool      `json:"deleted,omitempty"`
	Consumed bool      `json:"consumed,omitempty"`
	Starts   time.Time `json:"starts_at,omitzero"`
	Ends     time.Time `json:"ends_at,omitzero"`
}

// WireEntitlement is an entitlement in responses and events.
type WireEntitlement struct {
	ID        ID     `json:"id"`
	SKU       ID     `json:"sku_id"`
	App       ID     `json:"application_id"`
	User      ID     `json:"user_id"`
	Guild     *ID    `json:"guild_id,omitempty"`
	Promotion *ID    `json:"promotion_id"`
	Kind      int    `json:"type"`
	Deleted   bool   `json:"deleted"`
	Gift      int    `json:"gift_code_flags"`
	Consumed  bool   `json:"consumed"`
	Starts    *Stamp `json:"starts_at"`
	Ends      *Stamp `json:"ends_at"`
}

// Wire returns an entitlement. Test entitlements have no dates.
func (e *Entitlement) Wire() WireEntitlement {
	return WireEntitlement{ID: e.ID, SKU: e.SKU, App: e.App, User: e.User, Guild: OptionalID(e.Guild),
		Kind:    entitlementKind,
		Deleted: e.Deleted, Consumed: e.Consumed, Starts: OptionalTime(e.Starts), Ends: OptionalTime(e.Ends)}
}

// Active reports whether an entitlement gives access now.
func (e *Entitlement) Active(now time.Time) bool {
	return !e.Deleted && !e.Consumed && !e.Starts.After(now) && !e.Ended(now)
}

// Ended reports whether an entitlement's time is over.
func (e *Entitlement) Ended(now time.Time) bool { return !e.Ends.IsZero() && !e.Ends.After(now) }

// Same reports whether two entitlements give the same one access to the same.
func (e *Entitlement) Same(o *Entitlement) bool {
	return e.SKU == o.SKU && e.Guild == o.Guild && (e.Guild != 0 || e.User == o.User)
}

// SKU finds what an application sells; nil: nothing has that id.
func (a *Application) SKU(id ID) *SKU {
	if i := slices.IndexFunc(a.SKUs, func(k *SKU) bool { return k.ID == id }); i >= 0 {
		return a.SKUs[i]
	}
	return nil
}

// AddSKU makes an application sell something. A subscription comes with a group, which nobody uses.
func (s *State) AddSKU(a *Application, name, kind string) (*SKU, error) {
	k, ok := skuKinds[kind]
	if !ok {
		return nil, fmt.Errorf("discordsim: the SKU %q has the type %q; choose one of %s", name, kind,
			strings.Join(slices.Sorted(maps.Keys(skuKinds)), ", "))
	}
	if n := form.Runes(name); n < 1 || n > 100 {
		return nil, errors.New("discordsim: a SKU's name must have 1 to 100 characters")
	}
	add := func(kind int) *SKU {
		sku := &SKU{ID: s.NextID(), Kind: kind, App: a.ID, Name: name, Slug: TextName(name),
			Flags: k.flags | skuAvailable, Access: 1, Features: []string{}}
		a.SKUs = append(a.SKUs, sku)
		return sku
	}
	if k.kind == SKUSubscription {
		add(SKUGroup)
	}
	return add(k.kind), nil
}

// Entitle gives somebody access. Whose it is, to what, and whether it is a test are set.
func (s *State) Entitle(a *Application, e *Entitlement) {
	e.ID, e.App = s.NextID(), a.ID
	if !e.Test {
		e.Starts = s.Now()
	}
	if a.Entitlements == nil {
		a.Entitlements = map[ID]*Entitlement{}
	}
	a.Entitlements[e.ID] = e
	s.EntitlementEvent("ENTITLEMENT_CREATE", a, e)
}

// EntitlementEvent dispatches a change of an entitlement, which needs no intent.
func (s *State) EntitlementEvent(name string, a *Application, e *Entitlement) {
	s.Dispatch(Event{Name: name, App: a, User: e.User, Data: e.Wire()})
}

// Consume marks an entitlement as consumed. That there is an event of it is a guess.
func (s *State) Consume(a *Application, e *Entitlement) {
	e.Consumed = true
	s.EntitlementEvent("ENTITLEMENT_UPDATE", a, e)
}

// Disentitle deletes an entitlement, which can still be listed.
func (s *State) Disentitle(a *Application, e *Entitlement) {
	e.Deleted = true
	s.EntitlementEvent("ENTITLEMENT_DELETE", a, e)
}

// entitled lists what a user has access to where they are, as interactions have it.
func (s *State) entitled(a *Application, user, guild ID) []WireEntitlement {
	list := []WireEntitlement{}
	for _, id := range SortedIDs(a.Entitlements) {
		e := a.Entitlements[id]
		if e.Active(s.Now()) && (e.Guild == 0 && e.User == user || e.Guild != 0 && e.Guild == guild) {
			list = append(list, e.Wire())
		}
	}
	return list
}
