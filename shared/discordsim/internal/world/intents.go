package world

// Intents select the events that a session gets; see "List of Intents" in Discord's documentation.
type Intents uint64

// The intents by Discord's names.
const (
	IntentGuilds                Intents = 1 << 0
	IntentGuildMembers          Intents = 1 << 1 // privileged
	IntentGuildModeration       Intents = 1 << 2
	IntentGuildExpressions      Intents = 1 << 3
	IntentGuildIntegrations     Intents = 1 << 4
	IntentGuildWebhooks         Intents = 1 << 5
	IntentGuildInvites          Intents = 1 << 6
	IntentGuildVoiceStates      Intents = 1 << 7
	IntentGuildPresences        Intents = 1 << 8 // privileged
	IntentGuildMessages         Intents = 1 << 9
	IntentGuildReactions        Intents = 1 << 10
	IntentGuildTyping           Intents = 1 << 11
	IntentDirectMessages        Intents = 1 << 12
	IntentDirectReactions       Intents = 1 << 13
	IntentDirectTyping          Intents = 1 << 14
	IntentMessageContent        Intents = 1 << 15 // privileged
	IntentScheduledEvents       Intents = 1 << 16
	IntentAutoModerationConfig  Intents = 1 << 20
	IntentAutoModerationExecute Intents = 1 << 21
	IntentGuildPolls            Intents = 1 << 24
	IntentDirectPolls           Intents = 1 << 25
	IntentsKnown                        = 1<<17 - 1 | IntentAutoModerationConfig | IntentAutoModerationExecute |
		IntentGuildPolls | IntentDirectPolls
	IntentsPrivileged           = IntentGuildMembers | IntentGuildPresences | IntentMessageContent
	flagPresence, flagMembers   = 1 << 12, 1 << 14
	flagMessageContent          = 1 << 18
	flagApplicationCommandBadge = 1 << 23
)
