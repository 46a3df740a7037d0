package control

import (
	"errors"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// AddSKU makes an application sell something, and returns its id.
func (c *Control) AddSKU(app world.ID, name, kind string) (world.ID, error) {
	return act(c, func(s held) (world.ID, error) {
		a := s.Apps[app]
		if a == nil {
			return 0, form.UnknownApplication()
		}
		sku, err := s.AddSKU(a, name, kind)
		if err != nil {
			return 0, err
		}
		return sku.ID, nil
	})
}

// Buy makes a user buy what an application sells, for a guild or, with 0, for themselves, and returns the entitlement.
func (c *Control) Buy(app, sku, user, guild world.ID) (world.ID, error) {
	return act(c, func(s held) (world.ID, error) {
		a := s.Apps[app]
		switch {
		case a == nil:
			return 0, form.UnknownApplication()
		case s.Users[user] == nil:
			return 0, form.UnknownUser()
		case guild != 0 && s.Member(guild, user) == nil:
			return 0, form.UnknownGuild()
		}
		sold := a.SKU(sku)
		if sold == nil || sold.Kind == world.SKUGroup {
			return 0, form.Fail(404, 10027, "Unknown SKU")
		}
		if forGuild := sold.Flags&world.SKUForGuild != 0; forGuild != (guild != 0) {
			return 0, errors.New("a guild subscription is bought for a guild, and nothing else is")
		}
		e := &world.Entitlement{SKU: sku, User: user, Guild: guild}
		s.Entitle(a, e)
		return e.ID, nil
	})
}

// EndEntitlement sets when an entitlement ends; the zero time deletes it, as a refund does.
func (c *Control) EndEntitlement(app, entitlement world.ID, at time.Time) error {
	return c.do(func(s held) error {
		a := s.Apps[app]
		if a == nil {
			return form.UnknownApplication()
		}
		e := a.Entitlements[entitlement]
		if e == nil || e.Deleted {
			return form.Fail(404, 10029, "Unknown entitlement")
		}
		if at.IsZero() {
			s.Disentitle(a, e)
			return nil
		}
		e.Ends = at
		s.EntitlementEvent("ENTITLEMENT_UPDATE", a, e)
		return nil
	})
}

func (c *request) app() world.ID { return form.ParseID(c.r.PathValue("app")) }

func (c *request) addSKU() (any, error) {
	var in struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	id, err := c.control.AddSKU(c.app(), in.Name, in.Type)
	return map[string]any{"sku_id": id}, err
}

func (c *request) buy() (any, error) {
	var in struct {
		SKU   form.FlexID `json:"sku_id"`
		User  form.FlexID `json:"user_id"`
		Guild form.FlexID `json:"guild_id"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	id, err := c.control.Buy(c.app(), world.ID(in.SKU), world.ID(in.User), world.ID(in.Guild))
	return map[string]any{"entitlement_id": id}, err
}

func (c *request) endEntitlement() (any, error) {
	var in struct {
		Ends time.Time `json:"ends_at"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Ends.IsZero() {
		return nil, errors.New("ends_at is missing: when the entitlement ends")
	}
	return nil, c.control.EndEntitlement(c.app(), form.ParseID(c.r.PathValue("entitlement")), in.Ends)
}

func (c *request) refund() (any, error) {
	return nil, c.control.EndEntitlement(c.app(), form.ParseID(c.r.PathValue("entitlement")), time.Time{})
}
