// Package plan reads files that describe a simulated Discord, and builds it.
//
//	people:
//	  - {username: alice, global_name: Alice}
//	  - {username: bruno}
//	applications:
//	  - {name: Rooms}
//	guilds:
//	  - name: Friends
//	    owner: alice
//	    members: [{user: bruno}]
//	    bots: [{application: Rooms, permissions: "VIEW_CHANNEL, MANAGE_CHANNELS"}]
//	    channels: [{name: Lounge, type: voice}]
//
// A file that the simulator saved (Server.Snapshot) is read by Server.RestoreSnapshot instead.
package plan

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml"
)

// World describes a world, as a file does. People, applications, roles and channels refer to each other by name, and
// permissions are read by discordsim.ParsePermissions. What it doesn't mention isn't there.
type World struct {
	People       []Person      `json:"people,omitempty"`
	Applications []Application `json:"applications,omitempty"`
	Guilds       []Guild       `json:"guilds,omitempty"`
	Entitlements []Entitlement `json:"entitlements,omitempty"`
}

// Person is a person's account.
type Person struct {
	Username   string `json:"username"`
	GlobalName string `json:"global_name,omitempty"`
	Locale     string `json:"locale,omitempty"`     // of interactions, such as "de"; default "en-US"
	DMsClosed  bool   `json:"dms_closed,omitempty"` // refuses direct messages from bots
}

// Application is an application with its bot.
type Application struct {
	Name         string   `json:"name"`
	Description  string   `json:"description,omitempty"`
	Token        string   `json:"token,omitempty"` // default: made from the seed
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	SKUs         []SKU    `json:"skus,omitempty"`
}

// SKU is something that an application sells.
type SKU struct {
	Name string `json:"name"`
	Type string `json:"type"` // durable, consumable, user_subscription, guild_subscription
}

// Entitlement is what a person bought of an application, for a guild if it is a guild's subscription.
type Entitlement struct {
	Application string `json:"application"`
	SKU         string `json:"sku"`
	User        string `json:"user"`
	Guild       string `json:"guild,omitempty"`
}

// Guild is a guild with everything in it.
type Guild struct {
	Name     string    `json:"name"`
	Owner    string    `json:"owner"`              // a person, who needn't be among the members
	Everyone *string   `json:"everyone,omitempty"` // @everyone's permissions; default DefaultEveryone
	Roles    []Role    `json:"roles,omitempty"`    // from the lowest to the highest
	Channels []Channel `json:"channels,omitempty"`
	Members  []Member  `json:"members,omitempty"`
	Bots     []Bot     `json:"bots,omitempty"`
}

// Role is a role.
type Role struct {
	Name        string `json:"name"`
	Permissions string `json:"permissions,omitempty"`
}

// Channel is a channel. Channels of a category come after it.
type Channel struct {
	Name       string      `json:"name"`
	Type       string      `json:"type,omitempty"` // text, voice, category, announcement, stage, forum; default text
	Category   string      `json:"category,omitempty"`
	Topic      string      `json:"topic,omitempty"`
	UserLimit  int         `json:"user_limit,omitempty"`
	Overwrites []Overwrite `json:"overwrites,omitempty"`
}

// Overwrite is a permission overwrite of a role, "@everyone" or another, or of a person or application.
type Overwrite struct {
	Role   string `json:"role,omitempty"`
	Member string `json:"member,omitempty"`
	Allow  string `json:"allow,omitempty"`
	Deny   string `json:"deny,omitempty"`
}

// Member is a person's membership.
type Member struct {
	User  string   `json:"user"`
	Nick  string   `json:"nick,omitempty"`
	Roles []string `json:"roles,omitempty"`
}

// Bot is an application's bot in a guild, with a role that has these permissions.
type Bot struct {
	Application string `json:"application"`
	Permissions string `json:"permissions,omitempty"`
}

// Read reads a file in YAML, or in JSON, which is YAML too. A field that doesn't exist is an error.
func Read(data []byte) (World, error) {
	var w World
	raw, err := yaml.YAMLToJSON(data)
	if err != nil {
		return w, fmt.Errorf("a world file is YAML or JSON: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return w, fmt.Errorf("the world file has something that isn't in worlds: %w", err)
	}
	return w, nil
}
