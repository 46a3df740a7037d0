package view

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
)

// SettingsForm is the settings form as it was filled in: texts, so that what
// somebody typed comes back to them together with what is wrong about it.
// The names of the inputs are the settings' JSON names.
type SettingsForm struct {
	CategoryID         string
	Seats              string
	Private            bool
	IdleTimeout        string
	ClosingNotice      string
	MaxAge             string
	InviteLifetime     string
	InviteUses         string
	NameTemplate       string
	CreatorRoles       []string
	RoomsPerMember     string
	RoomsPerGuild      string
	StrictSeats        bool
	AdminsExempt       bool
	ManagersSeePrivate bool
	GuildsJoin         bool

	// which of the fields with choices the form had
	hasCategory, hasRoles bool
}

// NewSettingsForm gives the form for settings as they are.
func NewSettingsForm(s guild.Settings) SettingsForm {
	f := SettingsForm{
		Seats: itoa(s.Seats), Private: s.Private, IdleTimeout: s.IdleTimeout.String(), ClosingNotice: s.ClosingNotice.String(),
		MaxAge: s.MaxAge.String(), InviteLifetime: s.InviteLifetime.String(), InviteUses: itoa(s.InviteUses), NameTemplate: s.NameTemplate,
		RoomsPerMember: itoa(s.RoomsPerMember), RoomsPerGuild: itoa(s.RoomsPerGuild),
		StrictSeats: s.StrictSeats, AdminsExempt: s.AdminsExempt, ManagersSeePrivate: s.ManagersSeePrivate, GuildsJoin: s.GuildsJoin,
	}
	if s.CategoryID != 0 {
		f.CategoryID = s.CategoryID.String()
	}
	for _, r := range s.CreatorRoles {
		f.CreatorRoles = append(f.CreatorRoles, r.String())
	}
	return f
}

// ReadSettingsForm reads the form as a browser posts it.
func ReadSettingsForm(v url.Values) SettingsForm {
	on := func(name string) bool { return v.Get(name) != "" }
	text := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	return SettingsForm{
		CategoryID: text("category_id"), Seats: text("seats"), Private: on("private"),
		IdleTimeout: text("idle_timeout"), ClosingNotice: text("closing_notice"), MaxAge: text("max_age"),
		InviteLifetime: text("invite_lifetime"), InviteUses: text("invite_uses"), NameTemplate: text("name_template"),
		CreatorRoles:   slices.DeleteFunc(slices.Clone(v["creator_roles"]), func(s string) bool { return s == "" }),
		RoomsPerMember: text("rooms_per_member"), RoomsPerGuild: text("rooms_per_guild"),
		StrictSeats: on("strict_seats"), AdminsExempt: on("admins_exempt"),
		ManagersSeePrivate: on("managers_see_private"), GuildsJoin: on("guilds_join"),
		hasCategory: v.Has("category_id"), hasRoles: v.Has("creator_roles"),
	}
}

// JSON gives the settings for a room.SettingsRequest. It fails with
// errs.Invalid, naming the field, for a number or a length of time that
// cannot be read; whether the values are allowed is the keeper's to say.
func (f SettingsForm) JSON() ([]byte, error) {
	out := map[string]any{
		"private": f.Private, "name_template": f.NameTemplate, "strict_seats": f.StrictSeats, "admins_exempt": f.AdminsExempt,
		"managers_see_private": f.ManagersSeePrivate, "guilds_join": f.GuildsJoin,
	}
	for _, n := range []struct{ field, text string }{
		{"seats", f.Seats}, {"invite_uses", f.InviteUses}, {"rooms_per_member", f.RoomsPerMember}, {"rooms_per_guild", f.RoomsPerGuild},
	} {
		v, err := strconv.Atoi(n.text)
		if err != nil {
			return nil, errs.Field(n.field, "%q is not a whole number. Please type one, like 4.", n.text)
		}
		out[n.field] = v
	}
	for _, d := range []struct{ field, text string }{
		{"idle_timeout", f.IdleTimeout}, {"closing_notice", f.ClosingNotice}, {"max_age", f.MaxAge}, {"invite_lifetime", f.InviteLifetime},
	} {
		v, err := guild.ParseDuration(d.text)
		if err != nil {
			return nil, errs.Field(d.field, "%s", errs.Public(err).Message)
		}
		out[d.field] = v
	}
	if f.hasCategory {
		id, err := idOf("category_id", f.CategoryID)
		if err != nil {
			return nil, err
		}
		out["category_id"] = id
	}
	if f.hasRoles {
		roles := []snowflake.ID{}
		for _, r := range f.CreatorRoles {
			id, err := idOf("creator_roles", r)
			if err != nil {
				return nil, err
			}
			roles = append(roles, id)
		}
		out["creator_roles"] = roles
	}
	return json.Marshal(out)
}

// idOf reads an id that was chosen from a list; "" is 0.
func idOf(field, text string) (snowflake.ID, error) {
	if text == "" {
		return 0, nil
	}
	id, err := snowflake.Parse(text)
	if err != nil {
		return 0, errs.Field(field, "That choice could not be read. Please choose again.")
	}
	return id, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
