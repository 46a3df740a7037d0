package control

import (
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// changeMember changes a member, as moderators do.
func (c *request) changeMember() (any, error) {
	var in struct {
		Roles   *[]form.FlexID `json:"roles"`
		Timeout *time.Time     `json:"communication_disabled_until"`
		Pending *bool          `json:"pending"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Roles != nil {
		roles := make([]world.ID, len(*in.Roles))
		for i, r := range *in.Roles {
			roles[i] = world.ID(r)
		}
		if err := c.control.SetRoles(c.guild(), c.user(), roles...); err != nil {
			return nil, err
		}
	}
	if in.Timeout != nil {
		if err := c.control.TimeOut(c.guild(), c.user(), *in.Timeout); err != nil {
			return nil, err
		}
	}
	if in.Pending != nil {
		if err := c.control.SetPending(c.guild(), c.user(), *in.Pending); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (c *request) ban() (any, error) { return nil, c.control.BanMember(c.guild(), c.user()) }

// move moves another member, as a user with Move Members does.
func (c *request) move() (any, error) {
	var in struct {
		Guild   form.FlexID `json:"guild_id"`
		User    form.FlexID `json:"user_id"`
		Channel form.FlexID `json:"channel_id"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	return nil, c.control.MoveMember(world.ID(in.Guild), c.user(), world.ID(in.User), world.ID(in.Channel))
}

func (c *request) addRole() (any, error) {
	var in struct {
		Name        string            `json:"name"`
		Permissions world.Permissions `json:"permissions"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	id, err := c.control.AddRole(c.guild(), in.Name, in.Permissions)
	return map[string]any{"role_id": id}, err
}

// setOverwrites replaces a channel's overwrites.
func (c *request) setOverwrites() (any, error) {
	var in struct {
		Overwrites []struct {
			ID    form.FlexID       `json:"id"`
			Type  int               `json:"type"`
			Allow world.Permissions `json:"allow"`
			Deny  world.Permissions `json:"deny"`
		} `json:"permission_overwrites"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	var list []Overwrite
	for _, o := range in.Overwrites {
		list = append(list, Overwrite{ID: world.ID(o.ID), Member: o.Type == world.OverwriteMember, Allow: o.Allow,
			Deny: o.Deny})
	}
	return nil, c.control.SetOverwrites(form.ParseID(c.r.PathValue("channel")), list...)
}
