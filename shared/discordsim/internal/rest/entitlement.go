package rest

import (
	"slices"
	"strconv"
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// What applications sell. https://docs.discord.com/developers/resources/entitlement and …/sku

func unknownEntitlement() error { return form.Fail(404, 10029, "Unknown entitlement") }

func listSKUs(c *call) (int, any, error) {
	return 200, append([]*world.SKU{}, c.app.SKUs...), nil
}

// ofEntitlement makes a route of one of the application's entitlements.
func ofEntitlement(do func(*call, *world.Entitlement) (int, any, error)) func(*call) (int, any, error) {
	return ofOwnApp(func(c *call) (int, any, error) {
		e := c.app.Entitlements[c.id("entitlement")]
		if e == nil {
			return 0, nil, unknownEntitlement()
		}
		return do(c, e)
	})
}

// listEntitlements is "List Entitlements". That the oldest come first is a guess.
func listEntitlements(c *call) (int, any, error) {
	limit, before, after, err := c.page(100)
	if err != nil {
		return 0, nil, err
	}
	var user, guild world.ID
	for name, to := range map[string]*world.ID{"user_id": &user, "guild_id": &guild} {
		if *to, err = c.queryID(name); err != nil {
			return 0, nil, err
		}
	}
	skus := c.r.URL.Query().Get("sku_ids")
	deleted := c.r.URL.Query().Has("exclude_deleted") && !c.queryYes("exclude_deleted")
	ids := slices.DeleteFunc(world.SortedIDs(c.app.Entitlements), func(id world.ID) bool {
		e := c.app.Entitlements[id]
		return e.Deleted && !deleted || e.Ended(c.Now()) && c.queryYes("exclude_ended") ||
			user != 0 && e.User != user || guild != 0 && e.Guild != guild ||
			skus != "" && !slices.Contains(strings.Split(skus, ","), e.SKU.String())
	})
	list := []world.WireEntitlement{}
	for _, id := range between(ids, limit, before, after) {
		list = append(list, c.app.Entitlements[id].Wire())
	}
	return 200, list, nil
}

func getEntitlement(_ *call, e *world.Entitlement) (int, any, error) { return 200, e.Wire(), nil }

// createEntitlement is "Create Test Entitlement". Which errors there are isn't documented but for their codes; nor is
// whose one for a guild is: here the application's owner's.
func createEntitlement(c *call) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	for _, name := range []string{"sku_id", "owner_id", "owner_type"} {
		f.Required(name)
	}
	sku, owner, kind := f.ID("sku_id"), f.ID("owner_id"), f.Choice("owner_type", 1, 2)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	sold := c.app.SKU(sku)
	e := &world.Entitlement{SKU: sku, User: owner, Test: true}
	flag := world.SKUForUser
	if kind == 1 {
		flag, e.User, e.Guild = world.SKUForGuild, c.app.Owner, owner
	}
	switch {
	case sold == nil:
		return 0, nil, form.Fail(404, 10027, "Unknown SKU")
	case sold.Kind == world.SKUGroup:
		return 0, nil, form.Invalid("sku_id", "SKU_INVALID", "Use the SKU of type "+
			strconv.Itoa(world.SKUSubscription)+".")
	case sold.Kind == world.SKUSubscription && sold.Flags&flag == 0:
		return 0, nil, form.Invalid("owner_type", "SKU_OWNER_INVALID", "The SKU isn't for this type of owner.")
	case kind == 1 && c.Guilds[owner] == nil:
		return 0, nil, form.UnknownGuild()
	case kind == 2 && c.Users[owner] == nil:
		return 0, nil, form.UnknownUser()
	}
	for _, has := range c.app.Entitlements {
		if has.Same(e) && has.Active(c.Now()) && sold.Kind != world.SKUConsumable {
			return 0, nil, form.Fail(400, 40074, "An entitlement has already been granted for this resource")
		}
	}
	c.Entitle(c.app, e)
	return 200, e.Wire(), nil
}

// consumeEntitlement is "Consume an Entitlement". The errors of what can't be consumed are guesses.
func consumeEntitlement(c *call, e *world.Entitlement) (int, any, error) {
	switch {
	case e.Deleted:
		return 0, nil, unknownEntitlement()
	case e.Consumed, c.app.SKU(e.SKU).Kind != world.SKUConsumable:
		return 0, nil, form.Fail(400, 0, "The entitlement can't be consumed, or was already.")
	}
	c.Consume(c.app, e)
	return noContent()
}

// deleteEntitlement is "Delete Test Entitlement". That others are unknown to it is a guess.
func deleteEntitlement(c *call, e *world.Entitlement) (int, any, error) {
	if !e.Test || e.Deleted {
		return 0, nil, unknownEntitlement()
	}
	c.Disentitle(c.app, e)
	return noContent()
}
