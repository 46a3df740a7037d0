package discordsim

import (
	"snug/shared/discordsim/internal/control"
	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/gateway"
	"snug/shared/discordsim/internal/rest"
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// The things of a world, by Discord's names.
type (
	// ID is a Discord snowflake.
	ID = world.ID
	// Application is what a bot's configuration needs: ids, token, secret.
	Application = control.Application
	// ApplicationOptions describe an application to add.
	ApplicationOptions = control.ApplicationOptions
	// User is an account, with a token that scripts can use.
	User = control.User
	// Guild is a guild as it was created.
	Guild = control.Guild
	// Channel identifies a channel.
	Channel = control.Channel
	// ChannelOptions describe a channel to add.
	ChannelOptions = control.ChannelOptions
	// ChannelType is a channel's type, with Discord's numbers.
	ChannelType = world.ChannelType
	// Overwrite allows and denies permissions in a channel, for a role or a member.
	Overwrite = control.Overwrite
	// Permissions is a permission bit set. In JSON it is a decimal string.
	Permissions = world.Permissions
	// VoiceFlags are what members set in their voice state themselves.
	VoiceFlags = world.VoiceFlags
	// Size is the size of a world that Populate creates.
	Size = world.Size
	// Limits are the limits that bots meet.
	Limits = world.Limits
)

// What people do, and what they see of it.
type (
	// Person acts as one of the people, as far as their permissions go.
	Person = control.Person
	// Thread is a thread that a person started.
	Thread = control.Thread
	// CommandRun is a user's use of a command.
	CommandRun = control.CommandRun
	// Answer is what a user sees after an act: a message, a modal, choices, or nothing new.
	Answer = control.Answer
	// Message is a message as the acting user sees it.
	Message = control.Message
	// Component is a component of a message or modal, with its children.
	Component = control.Component
	// Modal is a form that the user is asked to fill in.
	Modal = control.Modal
	// Choice is one suggestion of an autocompletion.
	Choice = control.Choice
	// State is the world, or what one user sees of it, as Discord's objects.
	State = control.State
	// StateApplication is an application with its gateway sessions.
	StateApplication = control.StateApplication
	// APIError is an error response in Discord's form. Methods that act as a member return it if Discord would refuse
	// the member.
	APIError = form.Error
)

// What a test can watch and disturb.
type (
	// Request describes a REST request after the response.
	Request = rest.Request
	// Dispatch reports that an event goes to one session.
	Dispatch = gateway.Dispatch
	// Fault is one fault. Zero fields match everything: every application, shard, guild, event, route.
	Fault = faults.Fault
)

// DiscordLimits returns the limits in Discord's documentation.
func DiscordLimits() Limits { return world.DiscordLimits() }

// NoRateLimits returns Discord's size limits without its rate limits, for tests and measurements
// that start many sessions or send many requests.
func NoRateLimits() Limits { return world.NoRateLimits() }

// Events lists the names of the dispatch events that the simulator sends.
func Events() []string { return gateway.Events() }

// ParsePermissions reads a set of permissions: a decimal number, or Discord's names, such as "VIEW_CHANNEL, CONNECT",
// separated by commas, spaces or "|". Case doesn't matter, and "" is no permission.
func ParsePermissions(text string) (Permissions, error) { return world.ParsePermissions(text) }

// All lists components and their descendants, in order.
func All(list []Component) []Component { return control.All(list) }

// The types of channels that the simulator has.
const (
	ChannelText          = world.ChannelText
	ChannelDM            = world.ChannelDM
	ChannelVoice         = world.ChannelVoice
	ChannelCategory      = world.ChannelCategory
	ChannelAnnouncement  = world.ChannelAnnouncement
	ChannelNewsThread    = world.ChannelNewsThread
	ChannelPublicThread  = world.ChannelPublicThread
	ChannelPrivateThread = world.ChannelPrivateThread
	ChannelStage         = world.ChannelStage
	ChannelForum         = world.ChannelForum
)

// The permissions by Discord's names.
const (
	PermCreateInstantInvite              = world.PermCreateInstantInvite
	PermKickMembers                      = world.PermKickMembers
	PermBanMembers                       = world.PermBanMembers
	PermAdministrator                    = world.PermAdministrator
	PermManageChannels                   = world.PermManageChannels
	PermManageGuild                      = world.PermManageGuild
	PermAddReactions                     = world.PermAddReactions
	PermViewAuditLog                     = world.PermViewAuditLog
	PermPrioritySpeaker                  = world.PermPrioritySpeaker
	PermStream                           = world.PermStream
	PermViewChannel                      = world.PermViewChannel
	PermSendMessages                     = world.PermSendMessages
	PermSendTTSMessages                  = world.PermSendTTSMessages
	PermManageMessages                   = world.PermManageMessages
	PermEmbedLinks                       = world.PermEmbedLinks
	PermAttachFiles                      = world.PermAttachFiles
	PermReadMessageHistory               = world.PermReadMessageHistory
	PermMentionEveryone                  = world.PermMentionEveryone
	PermUseExternalEmojis                = world.PermUseExternalEmojis
	PermViewGuildInsights                = world.PermViewGuildInsights
	PermConnect                          = world.PermConnect
	PermSpeak                            = world.PermSpeak
	PermMuteMembers                      = world.PermMuteMembers
	PermDeafenMembers                    = world.PermDeafenMembers
	PermMoveMembers                      = world.PermMoveMembers
	PermUseVAD                           = world.PermUseVAD
	PermChangeNickname                   = world.PermChangeNickname
	PermManageNicknames                  = world.PermManageNicknames
	PermManageRoles                      = world.PermManageRoles
	PermManageWebhooks                   = world.PermManageWebhooks
	PermManageGuildExpressions           = world.PermManageGuildExpressions
	PermUseApplicationCommands           = world.PermUseApplicationCommands
	PermRequestToSpeak                   = world.PermRequestToSpeak
	PermManageEvents                     = world.PermManageEvents
	PermManageThreads                    = world.PermManageThreads
	PermCreatePublicThreads              = world.PermCreatePublicThreads
	PermCreatePrivateThreads             = world.PermCreatePrivateThreads
	PermUseExternalStickers              = world.PermUseExternalStickers
	PermSendMessagesInThreads            = world.PermSendMessagesInThreads
	PermUseEmbeddedActivities            = world.PermUseEmbeddedActivities
	PermModerateMembers                  = world.PermModerateMembers
	PermViewCreatorMonetizationAnalytics = world.PermViewCreatorMonetizationAnalytics
	PermUseSoundboard                    = world.PermUseSoundboard
	PermCreateGuildExpressions           = world.PermCreateGuildExpressions
	PermCreateEvents                     = world.PermCreateEvents
	PermUseExternalSounds                = world.PermUseExternalSounds
	PermSendVoiceMessages                = world.PermSendVoiceMessages
	PermSetVoiceChannelStatus            = world.PermSetVoiceChannelStatus
	PermSendPolls                        = world.PermSendPolls
	PermUseExternalApps                  = world.PermUseExternalApps
	PermPinMessages                      = world.PermPinMessages
	PermBypassSlowmode                   = world.PermBypassSlowmode

	// AllPermissions contains every existing permission.
	AllPermissions = world.AllPermissions
	// DefaultEveryone are @everyone's permissions in a new guild.
	DefaultEveryone = world.DefaultEveryone
)

// The kinds of faults. Those of the first group happen at once, when they are injected; the others wait for their
// target.
const (
	FaultDrop           = faults.Drop           // cut the gateway's sockets without a close frame
	FaultClose          = faults.Close          // close them with Code
	FaultReconnect      = faults.Reconnect      // ask to reconnect, then close
	FaultInvalidSession = faults.InvalidSession // invalidate the session; Resumable says whether it may be resumed
	FaultHeartbeat      = faults.Heartbeat      // ask for a heartbeat
	FaultHalfOpen       = faults.HalfOpen       // the sockets stay open, but nothing is received or sent on them
	FaultOutage         = faults.Outage         // the guild becomes unavailable, until Duration is over or "restore"
	FaultRestore        = faults.Restore        // the guild comes back
	FaultExpireTokens   = faults.ExpireTokens   // every OAuth2 access token (of User, if set) expires now
	FaultRevokeTokens   = faults.RevokeTokens   // the same, and refresh tokens too
	FaultNoHello        = faults.NoHello        // a connection gets no HELLO
	FaultNoACK          = faults.NoACK          // heartbeats are not acknowledged
	FaultDropResume     = faults.DropResume     // the socket is cut when RESUME arrives
	FaultDuplicate      = faults.Duplicate      // a dispatch is sent twice
	FaultUnknown        = faults.Unknown        // a dispatch contains types, enums and fields that nobody knows yet
	FaultGarbled        = faults.Garbled        // a dispatch can't be parsed
	FaultDelay          = faults.Delay          // a dispatch, and all after it, is delayed by Delay
	FaultLatency        = faults.Latency        // REST responses are delayed by Delay
	FaultRateLimit      = faults.RateLimit      // 429 with Scope and RetryAfter
	FaultError          = faults.Error          // a 5xx (Status); with After the request took effect
	FaultReset          = faults.Reset          // the connection breaks, no response; with After, it took effect
	// Status, Body and Headers replace the response; with After, those not given stay as they are
	FaultAnswer = faults.Answer
)
