module discordsim-clients/arikawa

go 1.26

require github.com/diamondburned/arikawa/v3 v3.5.0

require (
	github.com/gorilla/schema v1.4.1 // indirect
	github.com/gorilla/websocket v1.5.3 // indirect
	golang.org/x/time v0.10.0 // indirect
)
