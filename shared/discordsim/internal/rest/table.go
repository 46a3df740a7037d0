package rest

import (
	"cmp"
	"time"
)

const (
	interactionAny = byBot | byAnybody | byBearer
	webhookBase    = "/webhooks/{webhook}/{token}"
	original       = webhookBase + "/messages/@original"
	answerMsg      = webhookBase + "/messages/{message}"
	reactions      = "/channels/{channel}/messages/{message}/reactions"
	threadMembers  = "/channels/{channel}/thread-members"
	events         = "/guilds/{guild}/scheduled-events"
	connections    = "/applications/{app}/role-connections/metadata"
	appEmojis      = "/applications/{app}/emojis"
	entitlements   = "/applications/{app}/entitlements"
	guildEmojis    = "/guilds/{guild}/emojis"
	modRules       = "/guilds/{guild}/auto-moderation/rules"
	globalCommands = "/applications/{app}/commands"
	guildCommands  = "/applications/{app}/guilds/{guild}/commands"
)

// table lists every REST route. The documentation of package discordsim shows it.
func table() []route {
	five, quarter := rate{5, 5 * time.Second}, rate{1, 250 * time.Millisecond}
	list := []route{
		{method: "GET", path: "/gateway", access: interactionAny, do: getGateway},
		{method: "GET", path: "/gateway/bot", do: getGatewayBot},

		{method: "GET", path: "/applications/@me", do: getApplication},
		{method: "PATCH", path: "/applications/@me", do: updateApplication},
		{method: "GET", path: "/applications/{app}", do: getApplicationByID},
		{method: "PATCH", path: "/applications/{app}", do: updateApplication},
		{method: "GET", path: "/oauth2/applications/@me", do: getApplication},
		{method: "GET", path: "/oauth2/@me", access: byBot | byBearer, do: getAuthorization},
		{method: "GET", path: appEmojis, do: ofOwnApp(listAppEmojis)},
		{method: "POST", path: appEmojis, rate: five, do: ofOwnApp(createAppEmoji)},
		{method: "GET", path: appEmojis + "/{emoji}", do: ofAppEmoji(getAppEmoji)},
		{method: "PATCH", path: appEmojis + "/{emoji}", rate: five, do: ofAppEmoji(updateAppEmoji)},
		{method: "DELETE", path: appEmojis + "/{emoji}", rate: five, do: ofAppEmoji(deleteAppEmoji)},
		{method: "GET", path: "/applications/{app}/skus", do: ofOwnApp(listSKUs)},
		{method: "GET", path: entitlements, do: ofOwnApp(listEntitlements)},
		{method: "POST", path: entitlements, rate: five, do: ofOwnApp(createEntitlement)},
		{method: "GET", path: entitlements + "/{entitlement}", do: ofEntitlement(getEntitlement)},
		{method: "DELETE", path: entitlements + "/{entitlement}", rate: five, do: ofEntitlement(deleteEntitlement)},
		{
			method: "POST", path: entitlements + "/{entitlement}/consume", rate: five,
			do: ofEntitlement(consumeEntitlement),
		},

		{method: "GET", path: "/users/@me", access: byBot | byBearer, scope: "identify", do: getSelf},
		{method: "PATCH", path: "/users/@me", do: updateSelf},
		{method: "GET", path: "/users/{user}", do: getUser},
		{method: "GET", path: "/users/@me/guilds", access: byBot | byBearer, scope: "guilds", do: myGuilds},
		{
			method: "GET", path: "/users/@me/guilds/{guild}/member", access: byBearer, scope: "guilds.members.read",
			do: getSelfMember,
		},
		{method: "DELETE", path: "/users/@me/guilds/{guild}", do: leaveGuild},
		{method: "GET", path: "/users/@me/connections", access: byBearer, scope: "connections", do: getConnections},
		{method: "POST", path: "/users/@me/channels", do: createDM},

		{method: "GET", path: "/guilds/{guild}", do: getGuild},
		{method: "PATCH", path: "/guilds/{guild}", do: updateGuild},
		{method: "GET", path: "/guilds/{guild}/preview", do: getGuildPreview},
		{method: "GET", path: "/guilds/{guild}/channels", do: getGuildChannels},
		{method: "POST", path: "/guilds/{guild}/channels", rate: rate{10, 10 * time.Second}, do: createChannel},
		{method: "PATCH", path: "/guilds/{guild}/channels", do: moveChannels},
		{method: "GET", path: "/guilds/{guild}/members", rate: rate{10, 10 * time.Second}, do: listMembers},
		{method: "GET", path: "/guilds/{guild}/members/search", rate: rate{10, 10 * time.Second}, do: searchMembers},
		{method: "PATCH", path: "/guilds/{guild}/members/@me", do: updateSelfMember},
		{method: "GET", path: "/guilds/{guild}/members/{user}", do: getMember},
		{method: "PUT", path: "/guilds/{guild}/members/{user}", rate: rate{10, 10 * time.Second}, do: addGuildMember},
		{method: "PATCH", path: "/guilds/{guild}/members/{user}", rate: rate{10, 10 * time.Second}, do: updateMember},
		{method: "DELETE", path: "/guilds/{guild}/members/{user}", rate: five, do: kickMember},
		// Fixed: https://github.com/discord/discord-api-docs/issues/7680
		{
			method: "PUT", path: "/guilds/{guild}/members/{user}/roles/{role}", bucket: "member roles",
			rate: rate{10, 10 * time.Second}, fixed: true, do: changeMemberRole(true),
		},
		{
			method: "DELETE", path: "/guilds/{guild}/members/{user}/roles/{role}", bucket: "member roles",
			rate: rate{10, 10 * time.Second}, fixed: true, do: changeMemberRole(false),
		},
		{method: "GET", path: "/guilds/{guild}/bans", do: listBans},
		{method: "GET", path: "/guilds/{guild}/bans/{user}", do: getBan},
		{method: "PUT", path: "/guilds/{guild}/bans/{user}", rate: five, do: putBan},
		{method: "DELETE", path: "/guilds/{guild}/bans/{user}", rate: five, do: deleteBan},
		{method: "GET", path: "/guilds/{guild}/roles", do: getRoles},
		{method: "POST", path: "/guilds/{guild}/roles", do: createRole},
		{method: "PATCH", path: "/guilds/{guild}/roles", do: moveRoles},
		{method: "GET", path: "/guilds/{guild}/roles/member-counts", do: countRoles},
		{method: "GET", path: "/guilds/{guild}/roles/{role}", do: getRole},
		{method: "PATCH", path: "/guilds/{guild}/roles/{role}", do: updateRole},
		{method: "DELETE", path: "/guilds/{guild}/roles/{role}", do: deleteRole},
		{method: "GET", path: "/guilds/{guild}/voice-states/@me", do: getVoiceState},
		{method: "GET", path: "/guilds/{guild}/voice-states/{user}", do: getVoiceState},
		{method: "PATCH", path: "/guilds/{guild}/voice-states/@me", do: updateVoiceState},
		{method: "PATCH", path: "/guilds/{guild}/voice-states/{user}", do: updateVoiceState},
		{method: "GET", path: "/guilds/{guild}/regions", do: emptyRegions},
		{method: "GET", path: "/guilds/{guild}/invites", do: getGuildInvites},
		{method: "GET", path: "/guilds/{guild}/audit-logs", do: getAuditLog},
		{method: "GET", path: guildEmojis, do: listGuildEmojis},
		{method: "POST", path: guildEmojis, rate: five, do: createGuildEmoji},
		{method: "GET", path: guildEmojis + "/{emoji}", do: getGuildEmoji},
		{method: "PATCH", path: guildEmojis + "/{emoji}", rate: five, do: updateGuildEmoji},
		{method: "DELETE", path: guildEmojis + "/{emoji}", rate: five, do: deleteGuildEmoji},
		{method: "GET", path: modRules, do: listModRules},
		{method: "POST", path: modRules, rate: five, do: createModRule},
		{method: "GET", path: modRules + "/{rule}", do: getModRule},
		{method: "PATCH", path: modRules + "/{rule}", rate: five, do: updateModRule},
		{method: "DELETE", path: modRules + "/{rule}", rate: five, do: deleteModRule},
		{method: "GET", path: "/guilds/{guild}/stickers", do: emptyOfGuild([]struct{}{})},
		{method: "GET", path: events, do: listEvents},
		{method: "POST", path: events, rate: five, do: createEvent},
		{method: "GET", path: events + "/{event}", do: getEvent},
		{method: "PATCH", path: events + "/{event}", rate: five, do: updateEvent},
		{method: "DELETE", path: events + "/{event}", rate: five, do: deleteEvent},
		{method: "GET", path: events + "/{event}/users", do: listInterested},
		{method: "PUT", path: events + "/{event}/users/@me", access: byPerson, do: beInterested(true)},
		{method: "DELETE", path: events + "/{event}/users/@me", access: byPerson, do: beInterested(false)},
		{method: "POST", path: "/guilds/{guild}/bulk-ban", rate: five, do: bulkBan},
		{method: "GET", path: "/guilds/{guild}/prune", do: countPruned},
		{method: "POST", path: "/guilds/{guild}/prune", rate: five, do: prune},
		{method: "POST", path: "/stage-instances", rate: five, do: createStage},
		{method: "GET", path: "/stage-instances/{channel}", do: getStage},
		{method: "PATCH", path: "/stage-instances/{channel}", rate: five, do: updateStage},
		{method: "DELETE", path: "/stage-instances/{channel}", rate: five, do: deleteStage},
		{method: "GET", path: connections, do: getRoleConnections},
		{method: "PUT", path: connections, rate: five, do: putRoleConnections},
		{method: "GET", path: "/guilds/{guild}/threads/active", do: listActiveThreads},
		{method: "GET", path: "/voice/regions", do: getRegions},

		{method: "GET", path: "/channels/{channel}", do: getChannel},
		{method: "PATCH", path: "/channels/{channel}", rate: rate{10, 10 * time.Second}, do: updateChannel},
		{method: "DELETE", path: "/channels/{channel}", rate: five, do: deleteChannel},
		{
			method: "PUT", path: "/channels/{channel}/permissions/{overwrite}", bucket: "overwrites",
			rate: rate{10, 10 * time.Second}, do: putOverwrite,
		},
		{
			method: "DELETE", path: "/channels/{channel}/permissions/{overwrite}", bucket: "overwrites",
			rate: rate{10, 10 * time.Second}, do: deleteOverwrite,
		},
		{method: "PUT", path: "/channels/{channel}/voice-status", rate: five, do: putVoiceStatus},
		{method: "GET", path: "/channels/{channel}/invites", do: getChannelInvites},
		{method: "POST", path: "/channels/{channel}/invites", rate: five, do: createInvite},
		{method: "GET", path: "/invites/{code}", access: interactionAny, do: getInvite},
		{method: "DELETE", path: "/invites/{code}", do: deleteInvite},
		{method: "GET", path: "/invites/{code}/target-users", do: getTargetUsers},
		{method: "PUT", path: "/invites/{code}/target-users", rate: five, do: putTargetUsers},
		{method: "GET", path: "/invites/{code}/target-users/job-status", do: getTargetJob},
		{method: "POST", path: "/channels/{channel}/typing", rate: five, do: typing},
		{method: "GET", path: "/channels/{channel}/messages", rate: rate{10, 5 * time.Second}, do: listMessages},
		{method: "POST", path: "/channels/{channel}/messages", rate: five, do: createMessage},
		{method: "POST", path: "/channels/{channel}/messages/bulk-delete", rate: rate{1, time.Second}, do: bulkDelete},
		{method: "GET", path: "/channels/{channel}/messages/pins", do: listPins(true)},
		{method: "PUT", path: "/channels/{channel}/messages/pins/{message}", do: pin(true)},
		{method: "DELETE", path: "/channels/{channel}/messages/pins/{message}", do: pin(false)},
		{method: "GET", path: "/channels/{channel}/pins", do: listPins(false)},
		{method: "PUT", path: "/channels/{channel}/pins/{message}", do: pin(true)},
		{method: "DELETE", path: "/channels/{channel}/pins/{message}", do: pin(false)},
		{method: "GET", path: "/channels/{channel}/messages/{message}", do: getMessage},
		{method: "PATCH", path: "/channels/{channel}/messages/{message}", rate: five, do: updateMessage},
		{method: "DELETE", path: "/channels/{channel}/messages/{message}", rate: five, do: deleteMessage},
		{method: "POST", path: "/channels/{channel}/messages/{message}/threads", rate: five, do: startThread},
		{method: "POST", path: "/channels/{channel}/threads", rate: five, do: addThread},
		{method: "GET", path: threadMembers, do: listThreadMembers},
		{method: "PUT", path: threadMembers + "/@me", do: joinThread},
		{method: "DELETE", path: threadMembers + "/@me", do: leaveThread},
		{method: "GET", path: threadMembers + "/@me", do: getThreadMember},
		{method: "GET", path: threadMembers + "/{user}", do: getThreadMember},
		{method: "PUT", path: threadMembers + "/{user}", do: addToThread},
		{method: "DELETE", path: threadMembers + "/{user}", do: removeFromThread},
		{method: "GET", path: "/channels/{channel}/threads/archived/public", do: listArchived(false, false)},
		{method: "GET", path: "/channels/{channel}/threads/archived/private", do: listArchived(true, false)},
		{method: "GET", path: "/channels/{channel}/users/@me/threads/archived/private", do: listArchived(true, true)},
		{method: "PUT", path: reactions + "/{emoji}/@me", rate: quarter, do: react},
		{method: "DELETE", path: reactions + "/{emoji}/@me", rate: quarter, do: unreact},
		{method: "DELETE", path: reactions + "/{emoji}/{user}", rate: quarter, do: unreact},
		{method: "GET", path: reactions + "/{emoji}", do: listReactions},
		{method: "DELETE", path: reactions + "/{emoji}", rate: quarter, do: clearReactions},
		{method: "DELETE", path: reactions, rate: quarter, do: clearReactions},

		{
			method: "POST", path: "/interactions/{interaction}/{token}/callback", access: interactionAny,
			noGlobal: true, do: callback,
		},
		{method: "GET", path: "/channels/{channel}/webhooks", do: listChannelWebhooks},
		{method: "POST", path: "/channels/{channel}/webhooks", rate: five, do: createWebhook},
		{method: "GET", path: "/guilds/{guild}/webhooks", do: listGuildWebhooks},
		{method: "GET", path: "/webhooks/{webhook}", do: getWebhook},
		{method: "PATCH", path: "/webhooks/{webhook}", rate: five, do: updateWebhook},
		{method: "DELETE", path: "/webhooks/{webhook}", rate: five, do: deleteWebhook},
		{method: "GET", path: webhookBase, access: interactionAny, do: byToken(getTokenWebhook)},
		{method: "PATCH", path: webhookBase, access: interactionAny, rate: five, do: byToken(updateTokenWebhook)},
		{method: "DELETE", path: webhookBase, access: interactionAny, rate: five, do: byToken(deleteTokenWebhook)},
		{
			method: "POST", path: webhookBase, access: interactionAny, noGlobal: true, rate: five,
			do: byTokenOr(executeWebhook, followUp),
		},
		{method: "GET", path: original, access: interactionAny, noGlobal: true, rate: five, do: getAnswer},
		{method: "PATCH", path: original, access: interactionAny, noGlobal: true, rate: five, do: updateAnswer},
		{method: "DELETE", path: original, access: interactionAny, noGlobal: true, rate: five, do: deleteAnswer},
		{
			method: "GET", path: answerMsg, access: interactionAny, noGlobal: true, rate: five,
			do: byTokenOr(getHookMessage, getAnswer),
		},
		{
			method: "PATCH", path: answerMsg, access: interactionAny, noGlobal: true, rate: five,
			do: byTokenOr(updateHookMessage, updateAnswer),
		},
		{
			method: "DELETE", path: answerMsg, access: interactionAny, noGlobal: true, rate: five,
			do: byTokenOr(deleteHookMessage, deleteAnswer),
		},
	}
	for _, base := range []string{globalCommands, guildCommands} {
		list = append(list,
			route{method: "GET", path: base, do: listCommands},
			route{method: "POST", path: base, do: createCommand},
			route{method: "PUT", path: base, do: putCommands},
			route{method: "GET", path: base + "/{command}", do: getCommand},
			route{method: "PATCH", path: base + "/{command}", do: updateCommand},
			route{method: "DELETE", path: base + "/{command}", do: deleteCommand})
	}
	list = append(list, route{method: "GET", path: guildCommands + "/permissions", do: getCommandPermissions},
		route{method: "GET", path: guildCommands + "/{command}/permissions", do: getCommandPermissions})
	for i := range list {
		list[i].access = cmp.Or(list[i].access, byBot)
		if forPeople(&list[i]) {
			list[i].access |= byPerson
		}
	}
	return list
}

func emptyRegions(c *call) (int, any, error) {
	if _, _, err := c.guild(); err != nil {
		return 0, nil, err
	}
	return getRegions(c)
}
