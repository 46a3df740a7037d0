package config

import "github.com/alecthomas/kong"

// Help returns the help of flags whose sentence is too long for a struct tag. A flag refers to it as ${its_name}, and a
// parser without it fails.
func Help() kong.Vars {
	return kong.Vars{
		"env_file": "Read variables from this file, with lines like NAME=value. " +
			"By default it's snug.env in the current folder, if there is one.",

		"roles": "What this process does: bot connects to Discord, dashboard serves the web. " +
			"With less than both, SNUG_NATS_URL is where the processes meet.",
		"shards": "Connect only these of the bot's shards. By default, the processes share all of them evenly.",
		"shard_count": "How many shards the bot has, the same for every process. " +
			"auto means as many as run already, or as Discord recommends.",

		"client_id":     "The Application ID (Developer Portal → General Information).",
		"client_secret": "The application's client secret (Developer Portal → OAuth2).",
		"members_intent": "Use the members intent (turn it on in the Developer Portal → Bot). " +
			"People who leave a server or lose a role then lose access at once, not within a minute.",
		"discord_url": "Discord's address. " +
			"Change it for a simulator, or another server that's compatible with Discord.",

		"base_url": "The dashboard's address as browsers see it. " +
			"The default is http:// and SNUG_ADDR, if that's on this machine. " +
			"Add this address with /auth/discord/callback as a redirect in the Developer Portal → OAuth2.",
		"ops_hosts": "Host names with dots that metrics may be asked for under. " +
			"Addresses and names without dots always work.",
		"ops_addr": "The address metrics and profiles are served on. " +
			"Keep it off the internet: it has no authentication. Empty for nowhere.",
		"allowed_origins": "Other origins that may open the WebSocket.",
		"trusted_proxies": "Reverse proxies whose X-Forwarded-For is trusted.",

		"session_secret": "Signs invite links and seals logins: at least 32 bytes, as hex or base64. " +
			"To rotate it, set several separated by commas: the first is used, all are accepted. " +
			"By default, Snug creates one in the data folder.",
		"session_idle_days": "People sign in again after this many days without a visit.",

		"dms": "How many direct message conversations the bot may start. " +
			"Discord quarantines bots that start many.",
		"by_one": "How many of those one person may cause.",
		"to_one": "How many direct messages one person may get.",
		"dms_pause": "How long Snug starts no conversations after Discord says there are too many. " +
			"Doubles each time, up to the second value.",

		"networks": "Networks that webhooks may call besides the public internet.",

		"host_contact": "How to reach them: an email or https address, or words.",
		"privacy":      "Your own text for /privacy. It's best in a file that SNUG_PRIVACY_FILE names.",
		"terms":        "Your own text for /terms. It's best in a file that SNUG_TERMS_FILE names.",

		"nats_url": "A NATS server or cluster with JetStream to use instead of the embedded one.",
		"nats_replicas": "How many servers of the cluster keep a copy of everything, 1 to 5. " +
			"0 means three in a cluster, one on a single server.",
		"nats_creds":   "The credentials file for the NATS server.",
		"nats_ca":      "The certificate authority of the NATS server, as a PEM file, if it's your own.",
		"backup_dir":   "Write a backup into this folder on a schedule, and remove the oldest there. Empty for none.",
		"backup_every": "How often.",
		"backup_keep":  "How many of them the folder keeps.",
		"nats_insecure": "Allow a NATS server on another machine without credentials or TLS. " +
			"Anyone who can reach that server can then act as anybody.",
	}
}
