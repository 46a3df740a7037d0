package message

import "github.com/disgoorg/snowflake/v2"

// Pages gives the addresses of the dashboard's pages.
type Pages interface {
	Room(id snowflake.ID) string
	Invite(id snowflake.ID, token string) string
	Server(id snowflake.ID) string
	Watch(id snowflake.ID, token string) string // of a room, for spectators
	Admin(id snowflake.ID) string
}
