package main

import (
	"maps"

	"github.com/alecthomas/kong"

	"snug/shared/discordsim/program"
)

// help returns the help of this command's own flags whose sentence is too long for a struct tag, like config.Help.
func help() kong.Vars {
	vars := kong.Vars{
		"demo":            "Try Snug on this machine with a Discord simulator. Needs no account or server.",
		"init":            "Set up Snug: ask for what it needs, check it with Discord, and write it to snug.env.",
		"health":          "Check whether a running Snug is ready, for example as a container's health check.",
		"health_roles":    "What the running Snug does.",
		"health_ops_addr": "Where it serves metrics. A process without the dashboard is asked there.",
		"init_client_id":  "The Application ID. By default, Discord says it.",
		"init_systemd": "Also write a systemd unit to this file, such as /etc/systemd/system/snug.service, " +
			"or to standard output for -.",

		"nats_setup":   "Print the configuration of a NATS server, for several processes of Snug.",
		"nats_servers": "The cluster's servers, 3 or 5, by the names under which they reach each other; or 1.",
		"nats_tls": "Encrypt with server.pem and server-key.pem, of the authority ca.pem. " +
			"Without it, nobody else may be able to reach the servers.",
		"cluster_nats_url": "The NATS server or cluster that the processes share.",
		"data_or_nats_url": "The NATS server or cluster to use instead of a data folder.",

		"demo_discord_addr": "The address the Discord simulator listens on.",
		"demo_data": "Keep rooms and the simulator's server in this folder. " +
			"By default, the demo uses a temporary folder and removes it at the end.",

		"try": "On this server of yours (its id), try everything Snug relies on in Discord " +
			"and compare it with the simulator. Asks before it starts.",
		"operator": "With --try: who gets the one direct message. The default is the application's owner.",
		"member_is": "With --member: what you know they are, timed-out or pending. " +
			"By default, what Discord says counts.",
		"record": "With --try: write how Discord answered to this file, without any text or ids. You see it first.",
		"replay": "Compare such a record with the simulator. Needs no configuration.",
	}
	maps.Copy(vars, program.Help())
	return vars
}
